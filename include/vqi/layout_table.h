/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table behind vqi/layout.h: add a line here, and every resolver fills it. */
#ifndef VQI_LAYOUT_TABLE_H
#define VQI_LAYOUT_TABLE_H

/* S(structure, functions) */
#define VQI_LAYOUT_STRUCTS(S)                                                                      \
	S(Object, "virtio_init,object_get_typename")                                               \
	S(ObjectClass, "virtio_init,object_get_typename")                                          \
	S(ObjectProperty, "virtio_init,object_property_find")                                      \
	S(TypeImpl, "object_get_typename")                                                         \
	S(DeviceState, "virtio_init")                                                              \
	S(BusState, "virtio_init")                                                                 \
	S(BusChild, "virtio_init")                                                                 \
	S(VirtIODevice, "virtio_init")                                                             \
	S(VirtQueue, "virtio_init")                                                                \
	S(VRing, "virtio_init")                                                                    \
	S(VRingMemoryRegionCaches, "virtio_init")                                                  \
	S(MemoryRegionCache, "virtio_init")                                                        \
	S(EventNotifier, "virtio_init")                                                            \
	S(SysBusDevice, "sysbus_init_mmio")                                                        \
	S(MachineClass, "qdev_get_machine,machine_class_init")                                     \
	S(PCIDevice, "pci_bus_num,virtio_pci_class_init")                                          \
	S(PCIBus, "pci_bus_num,virtio_pci_class_init")                                             \
	S(PXBDev, "pxb_dev_realize_common,pxb_bus_num")                                            \
	S(CcwDevice, "virtio_ccw_device_realize,ccw_device_refill_ids")                            \
	S(QEnumLookup, "runstate_is_running,qapi_enum_lookup")                                     \
	S(BlockBackend, "blk_name,blk_new")                                                        \
	S(BdrvChild, "blk_name,blk_new")                                                           \
	S(BlockDriverState, "blk_name,blk_new")                                                    \
	S(BlockDriver, "blk_name,blk_new")                                                         \
	S(VirtIOBlock, "virtio_blk_class_init,virtio_blk_handle_vq")                               \
	S(SCSIDevice, "scsi_req_new,scsi_device_find")                                             \
	S(VirtIONet, "virtio_net_class_init,virtio_net_set_netclient_name")                        \
	S(NetClientState, "qemu_get_queue,qemu_new_nic")                                           \
	S(VirtConsole, "virtserialport_class_init,virtconsole_class_init")                         \
	S(Chardev, "qemu_chr_fe_init,virtconsole_class_init")                                      \
	S(VirtIORNG, "virtio_rng_class_init")                                                      \
	S(VirtIOCrypto, "virtio_crypto_class_init")                                                \
	S(V9fsVirtioState, "virtio_9p_class_init")                                                 \
	S(VHostUserFS, "vuf_class_init")                                                           \
	S(VHostUserBlk, "vhost_user_blk_class_init")                                               \
	S(AddressSpace, "virtio_init")                                                             \
	S(FlatView, "virtio_init")                                                                 \
	S(FlatRange, "memory_region_transaction_commit")                                           \
	S(MemoryRegion, "virtio_init")                                                             \
	S(MemoryRegionIoeventfd, "memory_region_transaction_commit")                               \
	S(RAMBlock, "memory_region_transaction_commit")                                            \
	S(AioContext, "aio_poll,aio_context_new")                                                  \
	S(AioHandler, "aio_poll,aio_set_fd_handler")                                               \
	S(QEMUBH, "aio_bh_poll,aio_bh_new_full")                                                   \
	S(IOThread, "iothread_create,iothread_get_id")                                             \
	S(QemuMutex, "aio_poll,qemu_mutex_destroy")                                                \
	S(CPUState, "cpu_list_add,cpu_exit")                                                       \
	S(VirtioBusState, "virtio_init")                                                           \
	S(VirtIOPCIProxy, "virtio_pci_class_init")                                                 \
	S(VirtIOIRQFD, "virtio_pci_class_init")                                                    \
	S(ThrottleGroupMember, "blk_name,blk_new")                                                 \
	S(ThrottleGroup, "throttle_group_incref")                                                  \
	S(BDRVRawState, "raw_open_common,raw_handle_perm_lock")                                    \
	S(VMChangeStateEntry, "qemu_add_vm_change_state_handler")                                  \
	S(BdrvTrackedRequest, "blk_name,blk_new")                                                  \
	S(VirtIOBlockReq, "virtio_blk_class_init,virtio_blk_handle_vq")                            \
	S(VirtIOBlockDataPlane, "virtio_blk_data_plane_create")                                    \
	S(VirtIOSCSI, "virtio_scsi_class_init,virtio_scsi_device_realize")                         \
	S(SCSIRequest, "scsi_req_new,scsi_device_find")                                            \
	S(NICState, "virtio_net_class_init,virtio_net_set_netclient_name")                         \
	S(NetQueue, "qemu_new_net_queue")                                                          \
	S(vhost_dev, "vhost_dev_init")                                                             \
	S(VhostOps, "vhost_dev_init")                                                              \
	S(VirtQueueElement, "virtio_init")                                                         \
	S(VirtIOSCSIReq, "virtio_scsi_class_init,virtio_scsi_device_realize")                      \
	S(SCSIDiskReq, "scsi_disk_emulate_command,scsi_hd_realize")                                \
	S(DMAAIOCB, "dma_blk_io")                                                                  \
	S(BlkAioEmAIOCB, "blk_name,blk_new")                                                       \
	S(Coroutine, "qemu_coroutine_create")                                                      \
	S(CoroutineUContext, "qemu_coroutine_new")                                                 \
	S(BlockExport, "blk_exp_find,blk_exp_add")                                                 \
	S(BlockExportDriver, "blk_exp_find,blk_exp_add")                                           \
	S(VuBlkExport, "vu_blk_process_vq,vu_blk_exp_create")                                      \
	S(VuServer, "vhost_user_server_start,vhost_user_server_stop")                              \
	S(VuDev, "vu_init,vu_dispatch")                                                            \
	S(VuDevRegion, "vu_init,vu_dispatch")                                                      \
	S(VuVirtq, "vu_init,vu_dispatch")                                                          \
	S(VuRing, "vu_init,vu_dispatch")                                                           \
	S(VuVirtqElement, "vu_queue_pop,vu_queue_push")                                            \
	S(VuBlkReq, "vu_blk_process_vq,vu_blk_exp_create")

/* F(structure, member, need)   P(structure, name, path, need)
 * Some are never read: no field beside them can seem to be where they are. */
#define VQI_LAYOUT_FIELDS(F, P)                                                                    \
	F(Object, class, VQI_REQUIRED)                                                             \
	F(Object, properties, VQI_OPTIONAL)                                                        \
	F(Object, parent, VQI_REQUIRED)                                                            \
	F(ObjectClass, type, VQI_REQUIRED)                                                         \
	F(ObjectProperty, name, VQI_OPTIONAL)                                                      \
	F(ObjectProperty, type, VQI_OPTIONAL)                                                      \
	F(ObjectProperty, opaque, VQI_OPTIONAL)                                                    \
	F(TypeImpl, name, VQI_REQUIRED)                                                            \
	F(TypeImpl, parent_type, VQI_REQUIRED)                                                     \
	F(TypeImpl, instance_size, VQI_OPTIONAL)                                                   \
	F(TypeImpl, class, VQI_OPTIONAL)                                                           \
	F(DeviceState, id, VQI_REQUIRED)                                                           \
	F(DeviceState, canonical_path, VQI_OPTIONAL)                                               \
	F(DeviceState, realized, VQI_REQUIRED)                                                     \
	F(DeviceState, parent_bus, VQI_REQUIRED)                                                   \
	F(DeviceState, child_bus, VQI_REQUIRED)                                                    \
	F(BusState, parent, VQI_REQUIRED)                                                          \
	F(BusState, children, VQI_REQUIRED)                                                        \
	F(BusState, sibling, VQI_REQUIRED)                                                         \
	F(BusChild, child, VQI_REQUIRED)                                                           \
	F(BusChild, sibling, VQI_REQUIRED)                                                         \
	F(VirtIODevice, name, VQI_OPTIONAL)                                                        \
	F(VirtIODevice, status, VQI_REQUIRED)                                                      \
	F(VirtIODevice, isr, VQI_OPTIONAL)                                                         \
	F(VirtIODevice, queue_sel, VQI_OPTIONAL)                                                   \
	F(VirtIODevice, host_features, VQI_REQUIRED)                                               \
	F(VirtIODevice, guest_features, VQI_REQUIRED)                                              \
	F(VirtIODevice, vq, VQI_REQUIRED)                                                          \
	F(VirtIODevice, device_id, VQI_REQUIRED)                                                   \
	F(VirtIODevice, vm_running, VQI_OPTIONAL)                                                  \
	F(VirtIODevice, broken, VQI_REQUIRED)                                                      \
	F(VirtIODevice, use_disabled_flag, VQI_OPTIONAL)                                           \
	F(VirtIODevice, disabled, VQI_OPTIONAL)                                                    \
	F(VirtIODevice, use_started, VQI_OPTIONAL)                                                 \
	F(VirtIODevice, started, VQI_OPTIONAL)                                                     \
	F(VirtIODevice, vhost_started, VQI_OPTIONAL)                                               \
	F(VirtIODevice, device_endian, VQI_REQUIRED)                                               \
	F(VirtIODevice, dma_as, VQI_OPTIONAL)                                                      \
	F(VirtIODevice, vmstate, VQI_OPTIONAL)                                                     \
	F(VirtQueue, vring, VQI_REQUIRED)                                                          \
	F(VirtQueue, last_avail_idx, VQI_REQUIRED)                                                 \
	F(VirtQueue, last_avail_wrap_counter, VQI_OPTIONAL)                                        \
	F(VirtQueue, shadow_avail_idx, VQI_REQUIRED)                                               \
	F(VirtQueue, shadow_avail_wrap_counter, VQI_OPTIONAL)                                      \
	F(VirtQueue, used_idx, VQI_REQUIRED)                                                       \
	F(VirtQueue, used_wrap_counter, VQI_OPTIONAL)                                              \
	F(VirtQueue, signalled_used, VQI_OPTIONAL)                                                 \
	F(VirtQueue, signalled_used_valid, VQI_OPTIONAL)                                           \
	F(VirtQueue, notification, VQI_OPTIONAL)                                                   \
	F(VirtQueue, queue_index, VQI_REQUIRED)                                                    \
	F(VirtQueue, inuse, VQI_REQUIRED)                                                          \
	F(VirtQueue, vector, VQI_OPTIONAL)                                                         \
	F(VirtQueue, vdev, VQI_REQUIRED)                                                           \
	F(VirtQueue, guest_notifier, VQI_OPTIONAL)                                                 \
	F(VirtQueue, host_notifier, VQI_OPTIONAL)                                                  \
	F(VirtQueue, host_notifier_enabled, VQI_OPTIONAL)                                          \
	F(VRing, num, VQI_REQUIRED)                                                                \
	F(VRing, num_default, VQI_OPTIONAL)                                                        \
	F(VRing, align, VQI_OPTIONAL)                                                              \
	F(VRing, desc, VQI_REQUIRED)                                                               \
	F(VRing, avail, VQI_REQUIRED)                                                              \
	F(VRing, used, VQI_REQUIRED)                                                               \
	F(VRing, caches, VQI_REQUIRED)                                                             \
	F(VRingMemoryRegionCaches, desc, VQI_REQUIRED)                                             \
	F(VRingMemoryRegionCaches, avail, VQI_REQUIRED)                                            \
	F(VRingMemoryRegionCaches, used, VQI_REQUIRED)                                             \
	F(MemoryRegionCache, ptr, VQI_REQUIRED)                                                    \
	F(MemoryRegionCache, len, VQI_REQUIRED)                                                    \
	F(EventNotifier, rfd, VQI_OPTIONAL)                                                        \
	F(SysBusDevice, mmio, VQI_OPTIONAL)                                                        \
	F(MachineClass, default_cpu_type, VQI_OPTIONAL)                                            \
	F(PCIDevice, devfn, VQI_OPTIONAL)                                                          \
	F(PCIDevice, config, VQI_OPTIONAL)                                                         \
	F(PCIDevice, irq_state, VQI_OPTIONAL)                                                      \
	F(PCIDevice, msix_cap, VQI_OPTIONAL)                                                       \
	F(PCIDevice, msix_entries_nr, VQI_OPTIONAL)                                                \
	F(PCIDevice, msix_table, VQI_OPTIONAL)                                                     \
	F(PCIDevice, msix_pba, VQI_OPTIONAL)                                                       \
	F(PCIBus, parent_dev, VQI_OPTIONAL)                                                        \
	F(PXBDev, bus_nr, VQI_OPTIONAL)                                                            \
	P(CcwDevice, cssid, "dev_id.cssid", VQI_OPTIONAL)                                          \
	P(CcwDevice, ssid, "dev_id.ssid", VQI_OPTIONAL)                                            \
	P(CcwDevice, devid, "dev_id.devid", VQI_OPTIONAL)                                          \
	F(QEnumLookup, array, VQI_OPTIONAL)                                                        \
	F(QEnumLookup, size, VQI_OPTIONAL)                                                         \
	F(BlockBackend, name, VQI_OPTIONAL)                                                        \
	F(BlockBackend, root, VQI_OPTIONAL)                                                        \
	F(BdrvChild, bs, VQI_OPTIONAL)                                                             \
	F(BlockDriverState, node_name, VQI_OPTIONAL)                                               \
	F(BlockDriverState, drv, VQI_OPTIONAL)                                                     \
	F(BlockDriver, format_name, VQI_OPTIONAL)                                                  \
	P(VirtIOBlock, blk, "conf.conf.blk", VQI_OPTIONAL)                                         \
	P(SCSIDevice, blk, "conf.blk", VQI_OPTIONAL)                                               \
	P(VirtIONet, peers, "nic_conf.peers.ncs", VQI_OPTIONAL)                                    \
	F(NetClientState, name, VQI_OPTIONAL)                                                      \
	P(VirtConsole, chr, "chr.chr", VQI_OPTIONAL)                                               \
	F(Chardev, label, VQI_OPTIONAL)                                                            \
	P(VirtIORNG, rng, "conf.rng", VQI_OPTIONAL)                                                \
	P(VirtIOCrypto, cryptodev, "conf.cryptodev", VQI_OPTIONAL)                                 \
	P(V9fsVirtioState, fsdev_id, "state.fsconf.fsdev_id", VQI_OPTIONAL)                        \
	P(VHostUserFS, chr, "conf.chardev.chr", VQI_OPTIONAL)                                      \
	P(VHostUserBlk, chr, "chardev.chr", VQI_OPTIONAL)                                          \
	F(AddressSpace, current_map, VQI_OPTIONAL)                                                 \
	F(AddressSpace, name, VQI_OPTIONAL)                                                        \
	F(AddressSpace, root, VQI_OPTIONAL)                                                        \
	F(AddressSpace, ioeventfd_nb, VQI_OPTIONAL)                                                \
	F(AddressSpace, ioeventfd_notifiers, VQI_OPTIONAL)                                         \
	F(AddressSpace, ioeventfds, VQI_OPTIONAL)                                                  \
	F(FlatView, ranges, VQI_OPTIONAL)                                                          \
	F(FlatView, nr, VQI_OPTIONAL)                                                              \
	F(FlatRange, mr, VQI_OPTIONAL)                                                             \
	F(FlatRange, offset_in_region, VQI_OPTIONAL)                                               \
	P(FlatRange, start, "addr.start", VQI_OPTIONAL)                                            \
	P(FlatRange, size, "addr.size", VQI_OPTIONAL)                                              \
	F(MemoryRegion, is_iommu, VQI_OPTIONAL)                                                    \
	F(MemoryRegion, ram_block, VQI_OPTIONAL)                                                   \
	F(MemoryRegionIoeventfd, e, VQI_OPTIONAL)                                                  \
	F(RAMBlock, host, VQI_OPTIONAL)                                                            \
	F(AioContext, aio_handlers, VQI_OPTIONAL)                                                  \
	F(AioContext, notify_me, VQI_OPTIONAL)                                                     \
	P(AioContext, walkers, "list_lock.count", VQI_OPTIONAL)                                    \
	P(AioContext, source_name, "source.name", VQI_OPTIONAL)                                    \
	F(AioContext, bh_list, VQI_OPTIONAL)                                                       \
	F(AioContext, scheduled_coroutines, VQI_OPTIONAL)                                          \
	F(AioContext, external_disable_cnt, VQI_OPTIONAL)                                          \
	F(AioContext, poll_started, VQI_OPTIONAL)                                                  \
	P(AioHandler, fd, "pfd.fd", VQI_OPTIONAL)                                                  \
	F(AioHandler, io_read, VQI_OPTIONAL)                                                       \
	F(AioHandler, io_poll, VQI_OPTIONAL)                                                       \
	F(AioHandler, opaque, VQI_OPTIONAL)                                                        \
	F(AioHandler, node, VQI_OPTIONAL)                                                          \
	P(AioHandler, polled, "node_poll.le_prev", VQI_OPTIONAL)                                   \
	P(AioHandler, deleted, "node_deleted.le_prev", VQI_OPTIONAL)                               \
	F(AioHandler, is_external, VQI_OPTIONAL)                                                   \
	F(QEMUBH, next, VQI_OPTIONAL)                                                              \
	F(QEMUBH, flags, VQI_OPTIONAL)                                                             \
	F(IOThread, ctx, VQI_OPTIONAL)                                                             \
	F(IOThread, thread_id, VQI_OPTIONAL)                                                       \
	P(QemuMutex, owner, "lock.__data.__owner", VQI_OPTIONAL)                                   \
	F(CPUState, node, VQI_OPTIONAL)                                                            \
	F(CPUState, thread_id, VQI_OPTIONAL)                                                       \
	F(CPUState, cpu_index, VQI_OPTIONAL)                                                       \
	F(CPUState, halted, VQI_OPTIONAL)                                                          \
	F(CPUState, crash_occurred, VQI_OPTIONAL)                                                  \
	F(VirtioBusState, ioeventfd_started, VQI_OPTIONAL)                                         \
	F(VirtioBusState, ioeventfd_grabbed, VQI_OPTIONAL)                                         \
	F(VirtIOPCIProxy, vector_irqfd, VQI_OPTIONAL)                                              \
	F(VirtIOIRQFD, users, VQI_OPTIONAL)                                                        \
	P(BlockBackend, throttle_state, "public.throttle_group_member.throttle_state",             \
	  VQI_OPTIONAL)                                                                            \
	P(BlockBackend, throttle_pending, "public.throttle_group_member.pending_reqs",             \
	  VQI_OPTIONAL)                                                                            \
	F(BlockBackend, iostatus, VQI_OPTIONAL)                                                    \
	F(BlockBackend, quiesce_counter, VQI_OPTIONAL)                                             \
	F(BlockBackend, in_flight, VQI_OPTIONAL)                                                   \
	F(BdrvChild, next, VQI_OPTIONAL)                                                           \
	F(BlockDriverState, filename, VQI_OPTIONAL)                                                \
	F(BlockDriverState, opaque, VQI_OPTIONAL)                                                  \
	F(BlockDriverState, children, VQI_OPTIONAL)                                                \
	F(BlockDriverState, in_flight, VQI_OPTIONAL)                                               \
	F(BlockDriverState, bs_list, VQI_OPTIONAL)                                                 \
	F(BlockDriverState, quiesce_counter, VQI_OPTIONAL)                                         \
	F(BlockDriverState, tracked_requests, VQI_OPTIONAL)                                        \
	F(ThrottleGroupMember, throttle_state, VQI_OPTIONAL)                                       \
	F(ThrottleGroupMember, pending_reqs, VQI_OPTIONAL)                                         \
	F(BDRVRawState, fd, VQI_OPTIONAL)                                                          \
	F(VMChangeStateEntry, opaque, VQI_OPTIONAL)                                                \
	F(ThrottleGroup, name, VQI_OPTIONAL)                                                       \
	F(ThrottleGroup, ts, VQI_OPTIONAL)                                                         \
	F(BdrvTrackedRequest, list, VQI_OPTIONAL)                                                  \
	F(BdrvTrackedRequest, waiting_for, VQI_OPTIONAL)                                           \
	F(VirtIOBlock, rq, VQI_OPTIONAL)                                                           \
	F(VirtIOBlock, vq_aio_context, VQI_OPTIONAL)                                               \
	F(VirtIOBlock, dataplane, VQI_OPTIONAL)                                                    \
	F(VirtIOBlockReq, next, VQI_OPTIONAL)                                                      \
	F(VirtIOBlockDataPlane, ctx, VQI_OPTIONAL)                                                 \
	F(VirtIOSCSI, ctx, VQI_OPTIONAL)                                                           \
	F(VirtIOSCSI, vq_aio_context, VQI_OPTIONAL)                                                \
	F(SCSIDevice, requests, VQI_OPTIONAL)                                                      \
	F(SCSIRequest, next, VQI_OPTIONAL)                                                         \
	F(SCSIRequest, retry, VQI_OPTIONAL)                                                        \
	F(VirtIONet, nic, VQI_OPTIONAL)                                                            \
	F(NICState, ncs, VQI_OPTIONAL)                                                             \
	F(NetClientState, incoming_queue, VQI_OPTIONAL)                                            \
	F(NetQueue, nq_count, VQI_OPTIONAL)                                                        \
	F(vhost_dev, vdev, VQI_OPTIONAL)                                                           \
	F(vhost_dev, started, VQI_OPTIONAL)                                                        \
	F(vhost_dev, vhost_ops, VQI_OPTIONAL)                                                      \
	F(vhost_dev, entry, VQI_OPTIONAL)                                                          \
	F(VhostOps, backend_type, VQI_OPTIONAL)                                                    \
	F(VirtQueueElement, index, VQI_OPTIONAL)                                                   \
	F(VirtQueueElement, ndescs, VQI_OPTIONAL)                                                  \
	F(VirtQueueElement, out_num, VQI_OPTIONAL)                                                 \
	F(VirtQueueElement, in_num, VQI_OPTIONAL)                                                  \
	F(VirtQueueElement, in_addr, VQI_OPTIONAL)                                                 \
	F(VirtQueueElement, out_addr, VQI_OPTIONAL)                                                \
	F(VirtQueueElement, in_sg, VQI_OPTIONAL)                                                   \
	F(VirtQueueElement, out_sg, VQI_OPTIONAL)                                                  \
	F(VirtIOBlockReq, dev, VQI_OPTIONAL)                                                       \
	F(VirtIOBlockReq, vq, VQI_OPTIONAL)                                                        \
	F(VirtIOBlockReq, mr_next, VQI_OPTIONAL)                                                   \
	P(VirtIOBlockReq, acct_start, "acct.start_time_ns", VQI_OPTIONAL)                          \
	F(VirtIOSCSIReq, dev, VQI_OPTIONAL)                                                        \
	F(VirtIOSCSIReq, vq, VQI_OPTIONAL)                                                         \
	F(VirtIOSCSIReq, sreq, VQI_OPTIONAL)                                                       \
	P(SCSIDiskReq, acct_start, "acct.start_time_ns", VQI_OPTIONAL)                             \
	P(DMAAIOCB, opaque, "common.opaque", VQI_OPTIONAL)                                         \
	P(BlkAioEmAIOCB, opaque, "common.opaque", VQI_OPTIONAL)                                    \
	P(BlkAioEmAIOCB, blk, "rwco.blk", VQI_OPTIONAL)                                            \
	F(Coroutine, entry_arg, VQI_OPTIONAL)                                                      \
	F(Coroutine, caller, VQI_OPTIONAL)                                                         \
	F(CoroutineUContext, stack, VQI_OPTIONAL)                                                  \
	F(CoroutineUContext, stack_size, VQI_OPTIONAL)                                             \
	F(CoroutineUContext, env, VQI_OPTIONAL)                                                    \
	F(BlockExport, drv, VQI_OF_DAEMON)                                                         \
	F(BlockExport, id, VQI_OF_DAEMON)                                                          \
	F(BlockExport, refcount, VQI_OPTIONAL)                                                     \
	F(BlockExport, user_owned, VQI_OPTIONAL)                                                   \
	F(BlockExport, ctx, VQI_OF_DAEMON)                                                         \
	F(BlockExport, blk, VQI_OF_DAEMON)                                                         \
	F(BlockExport, next, VQI_OF_DAEMON)                                                        \
	F(BlockExportDriver, instance_size, VQI_OPTIONAL)                                          \
	F(VuBlkExport, vu_server, VQI_OF_DAEMON)                                                   \
	F(VuServer, ctx, VQI_OPTIONAL)                                                             \
	F(VuServer, max_queues, VQI_OPTIONAL)                                                      \
	F(VuServer, vu_iface, VQI_OPTIONAL)                                                        \
	F(VuServer, vu_dev, VQI_OF_DAEMON)                                                         \
	F(VuServer, sioc, VQI_OPTIONAL)                                                            \
	F(VuDev, nregions, VQI_OF_DAEMON)                                                          \
	F(VuDev, regions, VQI_OF_DAEMON)                                                           \
	F(VuDev, vq, VQI_OF_DAEMON)                                                                \
	F(VuDev, features, VQI_OF_DAEMON)                                                          \
	F(VuDev, broken, VQI_OF_DAEMON)                                                            \
	F(VuDev, max_queues, VQI_OF_DAEMON)                                                        \
	F(VuDev, sock, VQI_OPTIONAL)                                                               \
	F(VuDev, log_table, VQI_OPTIONAL)                                                          \
	F(VuDev, protocol_features, VQI_OPTIONAL)                                                  \
	F(VuDevRegion, gpa, VQI_OF_DAEMON)                                                         \
	F(VuDevRegion, size, VQI_OF_DAEMON)                                                        \
	F(VuDevRegion, qva, VQI_OF_DAEMON)                                                         \
	F(VuDevRegion, mmap_offset, VQI_OF_DAEMON)                                                 \
	F(VuDevRegion, mmap_addr, VQI_OF_DAEMON)                                                   \
	F(VuVirtq, vring, VQI_OF_DAEMON)                                                           \
	F(VuVirtq, counter, VQI_OPTIONAL)                                                          \
	F(VuVirtq, last_avail_idx, VQI_OF_DAEMON)                                                  \
	F(VuVirtq, shadow_avail_idx, VQI_OF_DAEMON)                                                \
	F(VuVirtq, used_idx, VQI_OF_DAEMON)                                                        \
	F(VuVirtq, signalled_used, VQI_OPTIONAL)                                                   \
	F(VuVirtq, signalled_used_valid, VQI_OPTIONAL)                                             \
	F(VuVirtq, notification, VQI_OPTIONAL)                                                     \
	F(VuVirtq, inuse, VQI_OF_DAEMON)                                                           \
	F(VuVirtq, handler, VQI_OPTIONAL)                                                          \
	F(VuVirtq, err_fd, VQI_OPTIONAL)                                                           \
	F(VuVirtq, call_fd, VQI_OF_DAEMON)                                                         \
	F(VuVirtq, kick_fd, VQI_OF_DAEMON)                                                         \
	F(VuVirtq, started, VQI_OF_DAEMON)                                                         \
	F(VuVirtq, enable, VQI_OPTIONAL)                                                           \
	P(VuVirtq, desc_user_addr, "vra.desc_user_addr", VQI_OPTIONAL)                             \
	P(VuVirtq, avail_user_addr, "vra.avail_user_addr", VQI_OPTIONAL)                           \
	P(VuVirtq, used_user_addr, "vra.used_user_addr", VQI_OPTIONAL)                             \
	F(VuRing, num, VQI_OF_DAEMON)                                                              \
	F(VuRing, desc, VQI_OF_DAEMON)                                                             \
	F(VuRing, avail, VQI_OF_DAEMON)                                                            \
	F(VuRing, used, VQI_OF_DAEMON)                                                             \
	F(VuVirtqElement, index, VQI_OPTIONAL)                                                     \
	F(VuVirtqElement, out_num, VQI_OPTIONAL)                                                   \
	F(VuVirtqElement, in_num, VQI_OPTIONAL)                                                    \
	F(VuVirtqElement, in_sg, VQI_OPTIONAL)                                                     \
	F(VuVirtqElement, out_sg, VQI_OPTIONAL)                                                    \
	F(VuBlkReq, vq, VQI_OPTIONAL)

/* Y(symbol, need): a variable of the QEMU image. object_root stands for what object_get_root() returns, a variable
 * "root" of that function alone. */
#define VQI_LAYOUT_SYMBOLS(Y)                                                                      \
	Y(current_machine, VQI_OPTIONAL)                                                           \
	Y(main_system_bus, VQI_OPTIONAL)                                                           \
	Y(current_run_state, VQI_OPTIONAL)                                                         \
	Y(RunState_lookup, VQI_OPTIONAL)                                                           \
	Y(qemu_name, VQI_OPTIONAL)                                                                 \
	Y(error_guest_name, VQI_OPTIONAL)                                                          \
	Y(qemu_aio_context, VQI_OPTIONAL)                                                          \
	Y(iohandler_ctx, VQI_OPTIONAL)                                                             \
	Y(cpus, VQI_OPTIONAL)                                                                      \
	Y(cpus_queue, VQI_OPTIONAL)                                                                \
	Y(qemu_global_mutex, VQI_OPTIONAL)                                                         \
	Y(bql, VQI_OPTIONAL)                                                                       \
	Y(address_space_io, VQI_OPTIONAL)                                                          \
	Y(address_space_memory, VQI_OPTIONAL)                                                      \
	Y(vhost_devices, VQI_OPTIONAL)                                                             \
	Y(all_bdrv_states, VQI_OPTIONAL)                                                           \
	Y(virtio_vmstate_info, VQI_OPTIONAL)                                                       \
	Y(object_root, VQI_OPTIONAL)                                                               \
	Y(block_exports, VQI_OF_DAEMON)                                                            \
	Y(blk_exp_vhost_user_blk, VQI_OF_DAEMON)                                                   \
	Y(blk_exp_vduse_blk, VQI_OPTIONAL)

#endif
