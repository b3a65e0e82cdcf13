/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Layouts that no QEMU ever had: every seed another one, so that nothing depends on an offset. */
#include <string.h>

#include "fake_qemu.h"

#define NONE ((enum vqi_struct_id)VQI_STRUCT_COUNT)

/* What a structure begins with, as QOM's structures do, and a few others. */
static const struct {
	enum vqi_struct_id id, base;
} bases[] = {
	{VQI_S_VuBlkExport, VQI_S_BlockExport},
	{VQI_S_VuBlkReq, VQI_S_VuVirtqElement},
	{VQI_S_DeviceState, VQI_S_Object},
	{VQI_S_BusState, VQI_S_Object},
	{VQI_S_Chardev, VQI_S_Object},
	{VQI_S_MachineClass, VQI_S_ObjectClass},
	{VQI_S_VirtIODevice, VQI_S_DeviceState},
	{VQI_S_SysBusDevice, VQI_S_DeviceState},
	{VQI_S_PCIDevice, VQI_S_DeviceState},
	{VQI_S_SCSIDevice, VQI_S_DeviceState},
	{VQI_S_VirtConsole, VQI_S_DeviceState},
	{VQI_S_PCIBus, VQI_S_BusState},
	{VQI_S_PXBDev, VQI_S_PCIDevice},
	{VQI_S_CcwDevice, VQI_S_DeviceState},
	{VQI_S_VirtIOBlock, VQI_S_VirtIODevice},
	{VQI_S_VirtIONet, VQI_S_VirtIODevice},
	{VQI_S_VirtIORNG, VQI_S_VirtIODevice},
	{VQI_S_VirtIOCrypto, VQI_S_VirtIODevice},
	{VQI_S_V9fsVirtioState, VQI_S_VirtIODevice},
	{VQI_S_VHostUserFS, VQI_S_VirtIODevice},
	{VQI_S_VHostUserBlk, VQI_S_VirtIODevice},
	{VQI_S_VirtIOSCSI, VQI_S_VirtIODevice},
	{VQI_S_VirtioBusState, VQI_S_BusState},
	{VQI_S_VirtIOPCIProxy, VQI_S_PCIDevice},
	{VQI_S_IOThread, VQI_S_Object},
	{VQI_S_CPUState, VQI_S_DeviceState},
	{VQI_S_ThrottleGroup, VQI_S_Object},
	{VQI_S_MemoryRegion, VQI_S_Object},
	{VQI_S_VirtIOBlockReq, VQI_S_VirtQueueElement},
	{VQI_S_VirtIOSCSIReq, VQI_S_VirtQueueElement},
	{VQI_S_SCSIDiskReq, VQI_S_SCSIRequest},
	{VQI_S_CoroutineUContext, VQI_S_Coroutine},
};

/* Fields that are structures of the table themselves. */
static const struct {
	enum vqi_field_id field;
	enum vqi_struct_id embedded;
} nested[] = {
	{VQI_F_VirtQueue_vring, VQI_S_VRing},
	{VQI_F_VirtQueue_guest_notifier, VQI_S_EventNotifier},
	{VQI_F_VirtQueue_host_notifier, VQI_S_EventNotifier},
	{VQI_F_VRingMemoryRegionCaches_desc, VQI_S_MemoryRegionCache},
	{VQI_F_VRingMemoryRegionCaches_avail, VQI_S_MemoryRegionCache},
	{VQI_F_VRingMemoryRegionCaches_used, VQI_S_MemoryRegionCache},
	{VQI_F_VuBlkExport_vu_server, VQI_S_VuServer},
	{VQI_F_VuServer_vu_dev, VQI_S_VuDev},
	{VQI_F_VuVirtq_vring, VQI_S_VuRing},
};

/* Sizes other than a pointer's. */
static const struct {
	enum vqi_field_id field;
	uint32_t size;
} sizes[] = {
	{VQI_F_DeviceState_realized, 1},
	{VQI_F_BusState_children, 16},
	{VQI_F_BusState_sibling, 16},
	{VQI_F_BusChild_sibling, 16},
	{VQI_F_VirtIODevice_status, 1},
	{VQI_F_VirtIODevice_isr, 1},
	{VQI_F_VirtIODevice_queue_sel, 2},
	{VQI_F_VirtIODevice_device_id, 2},
	{VQI_F_VirtIODevice_vm_running, 1},
	{VQI_F_VirtIODevice_broken, 1},
	{VQI_F_VirtIODevice_use_disabled_flag, 1},
	{VQI_F_VirtIODevice_disabled, 1},
	{VQI_F_VirtIODevice_use_started, 1},
	{VQI_F_VirtIODevice_started, 1},
	{VQI_F_VirtIODevice_vhost_started, 1},
	{VQI_F_VirtIODevice_device_endian, 1},
	{VQI_F_VirtQueue_last_avail_idx, 2},
	{VQI_F_VirtQueue_last_avail_wrap_counter, 1},
	{VQI_F_VirtQueue_shadow_avail_idx, 2},
	{VQI_F_VirtQueue_shadow_avail_wrap_counter, 1},
	{VQI_F_VirtQueue_used_idx, 2},
	{VQI_F_VirtQueue_used_wrap_counter, 1},
	{VQI_F_VirtQueue_signalled_used, 2},
	{VQI_F_VirtQueue_signalled_used_valid, 1},
	{VQI_F_VirtQueue_notification, 1},
	{VQI_F_VirtQueue_queue_index, 2},
	{VQI_F_VirtQueue_inuse, 4},
	{VQI_F_VirtQueue_vector, 2},
	{VQI_F_VirtQueue_host_notifier_enabled, 1},
	{VQI_F_VRing_num, 4},
	{VQI_F_VRing_num_default, 4},
	{VQI_F_VRing_align, 4},
	{VQI_F_EventNotifier_rfd, 4},
	{VQI_F_SysBusDevice_mmio, 64},
	{VQI_F_PCIDevice_devfn, 4},
	{VQI_F_PXBDev_bus_nr, 1},
	{VQI_F_CcwDevice_cssid, 1},
	{VQI_F_CcwDevice_ssid, 1},
	{VQI_F_CcwDevice_devid, 2},
	{VQI_F_QEnumLookup_size, 4},
	{VQI_F_BlockDriverState_node_name, 32},
	{VQI_F_BDRVRawState_fd, 4},
	{VQI_F_BlockDriverState_bs_list, 16},
	{VQI_F_VirtIONet_peers, 64},
	{VQI_F_vhost_dev_started, 1},
	{VQI_F_vhost_dev_entry, 16},
	{VQI_F_VhostOps_backend_type, 4},
	{VQI_F_PCIDevice_irq_state, 1},
	{VQI_F_PCIDevice_msix_cap, 1},
	{VQI_F_PCIDevice_msix_entries_nr, 4},
	{VQI_F_AddressSpace_ioeventfd_nb, 4},
	{VQI_F_AddressSpace_ioeventfd_notifiers, 4},
	{VQI_F_FlatView_nr, 4},
	{VQI_F_FlatRange_start, 16}, /* Int128 */
	{VQI_F_FlatRange_size, 16},
	{VQI_F_MemoryRegion_is_iommu, 1},
	{VQI_F_AioContext_notify_me, 4},
	{VQI_F_AioContext_walkers, 4},
	{VQI_F_AioContext_external_disable_cnt, 4},
	{VQI_F_AioContext_poll_started, 1},
	{VQI_F_AioHandler_node, 16},
	{VQI_F_AioHandler_is_external, 1},
	{VQI_F_QEMUBH_flags, 4},
	{VQI_F_IOThread_thread_id, 4},
	{VQI_F_QemuMutex_owner, 4},
	{VQI_F_CPUState_node, 16},
	{VQI_F_CPUState_thread_id, 4},
	{VQI_F_CPUState_cpu_index, 4},
	{VQI_F_CPUState_halted, 4},
	{VQI_F_CPUState_crash_occurred, 1},
	{VQI_F_VirtioBusState_ioeventfd_started, 1},
	{VQI_F_VirtioBusState_ioeventfd_grabbed, 4},
	{VQI_F_VirtIOIRQFD_users, 4},
	{VQI_F_BlockBackend_throttle_pending, 8}, /* unsigned int[2] */
	{VQI_F_BlockBackend_iostatus, 4},
	{VQI_F_BlockBackend_quiesce_counter, 4},
	{VQI_F_BlockBackend_in_flight, 4},
	{VQI_F_BdrvChild_next, 16},
	{VQI_F_BlockDriverState_filename, 4096},
	{VQI_F_BlockDriverState_in_flight, 4},
	{VQI_F_BlockDriverState_quiesce_counter, 4},
	{VQI_F_ThrottleGroupMember_pending_reqs, 8},
	{VQI_F_ThrottleGroup_ts, 256},
	{VQI_F_BdrvTrackedRequest_list, 16},
	{VQI_F_SCSIDevice_requests, 16},
	{VQI_F_SCSIRequest_next, 16},
	{VQI_F_SCSIRequest_retry, 1},
	{VQI_F_NetQueue_nq_count, 4},
	{VQI_F_VirtQueueElement_index, 4},
	{VQI_F_VirtQueueElement_ndescs, 4},
	{VQI_F_VirtQueueElement_out_num, 4},
	{VQI_F_VirtQueueElement_in_num, 4},
	{VQI_F_CoroutineUContext_env, 200},
	{VQI_F_AioHandler_fd, 4},
	{VQI_F_BlockExport_next, 16},
	{VQI_F_BlockExport_refcount, 4},
	{VQI_F_BlockExport_user_owned, 1},
	{VQI_F_VuDev_sock, 4},
	{VQI_F_VuVirtq_err_fd, 4},
	{VQI_F_VuServer_max_queues, 4},
	{VQI_F_VuDev_nregions, 4},
	{VQI_F_VuDev_broken, 1},
	{VQI_F_VuDev_max_queues, 2},
	{VQI_F_VuVirtq_last_avail_idx, 2},
	{VQI_F_VuVirtq_shadow_avail_idx, 2},
	{VQI_F_VuVirtq_used_idx, 2},
	{VQI_F_VuVirtq_signalled_used, 2},
	{VQI_F_VuVirtq_signalled_used_valid, 1},
	{VQI_F_VuVirtq_notification, 1},
	{VQI_F_VuVirtq_inuse, 4},
	{VQI_F_VuVirtq_call_fd, 4},
	{VQI_F_VuVirtq_kick_fd, 4},
	{VQI_F_VuVirtq_enable, 4},
	{VQI_F_VuVirtq_started, 1},
	{VQI_F_VuRing_num, 4},
	{VQI_F_VuVirtqElement_index, 4},
	{VQI_F_VuVirtqElement_out_num, 4},
	{VQI_F_VuVirtqElement_in_num, 4},
};

/* What objects of a type are. */
static const struct {
	const char *type;
	enum vqi_struct_id structure;
} structures[] = {
	{"device", VQI_S_DeviceState},
	{"virtio-device", VQI_S_VirtIODevice},
	{"virtio-blk-device", VQI_S_VirtIOBlock},
	{"virtio-net-device", VQI_S_VirtIONet},
	{"virtio-rng-device", VQI_S_VirtIORNG},
	{"virtio-scsi-device", VQI_S_VirtIOSCSI},
	{"virtio-crypto-device", VQI_S_VirtIOCrypto},
	{"virtio-9p-device", VQI_S_V9fsVirtioState},
	{"vhost-user-fs-device", VQI_S_VHostUserFS},
	{"vhost-user-blk", VQI_S_VHostUserBlk},
	{"pci-device", VQI_S_PCIDevice},
	{"virtio-pci", VQI_S_VirtIOPCIProxy},
	{"ccw-device", VQI_S_CcwDevice},
	{"iothread", VQI_S_IOThread},
	{"cpu", VQI_S_CPUState},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static uint32_t place_struct(struct vqi_layout *layout, enum vqi_struct_id id, unsigned int seed);

static uint32_t size_of_field(struct vqi_layout *layout, enum vqi_field_id field, unsigned int seed)
{
	for (size_t i = 0; i < COUNT(nested); i++) {
		if (nested[i].field == field)
			return place_struct(layout, nested[i].embedded, seed);
	}
	for (size_t i = 0; i < COUNT(sizes); i++) {
		if (sizes[i].field == field)
			return sizes[i].size;
	}
	return 8;
}

static enum vqi_struct_id base_of(enum vqi_struct_id id)
{
	for (size_t i = 0; i < COUNT(bases); i++) {
		if (bases[i].id == id)
			return bases[i].base;
	}
	return NONE;
}

/* Seed 0 packs the fields in the table's order; others turn the order round and leave gaps. */
static uint32_t place_struct(struct vqi_layout *layout, enum vqi_struct_id id, unsigned int seed)
{
	struct vqi_struct_layout *structure = &layout->structs[id];
	enum vqi_struct_id base = base_of(id);
	uint32_t end;

	if (structure->present)
		return structure->size;
	end = base == NONE ? 0 : place_struct(layout, base, seed);
	for (unsigned int i = 0; i < VQI_FIELD_COUNT; i++) {
		enum vqi_field_id field =
			(enum vqi_field_id)(seed % 2 ? VQI_FIELD_COUNT - 1 - i : i);
		uint32_t size, align;

		if (vqi_field_info(field)->structure != id)
			continue;
		size = size_of_field(layout, field, seed);
		align = size < 8 ? size : 8;
		end += seed ? (i * 7 + seed * 13) % 40 : 0;
		end = (end + align - 1) / align * align;
		layout->fields[field] =
			(struct vqi_field){.present = true, .offset = end, .size = size};
		end += size;
	}
	end = (end + 7) / 8 * 8 + seed % 3 * 8;
	*structure = (struct vqi_struct_layout){.present = true, .size = end ? end : 8};
	return structure->size;
}

void fake_layout(struct vqi_layout *layout, unsigned int seed)
{
	*layout = (struct vqi_layout){.source = VQI_LAYOUT_DWARF};
	for (unsigned int id = 0; id < VQI_STRUCT_COUNT; id++)
		place_struct(layout, (enum vqi_struct_id)id, seed);
	for (unsigned int symbol = 0; symbol < VQI_SYMBOL_COUNT; symbol++)
		layout->symbols[symbol] =
			(struct vqi_symbol){.present = true, .address = 0x4000 + symbol * 256};
}

enum vqi_struct_id fake_structure_of(const char *type)
{
	for (size_t i = 0; i < COUNT(structures); i++) {
		if (strcmp(structures[i].type, type) == 0)
			return structures[i].structure;
	}
	return VQI_S_VirtIODevice;
}
