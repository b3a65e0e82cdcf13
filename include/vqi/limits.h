/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every walk through target data has a cap; reaching it is a gap in the report, never a hang. */
#ifndef VQI_LIMITS_H
#define VQI_LIMITS_H

#define VQI_MAX_STRING	      4096   /* bytes of a string in the target */
#define VQI_MAX_NAME	      256    /* bytes of an id, a type name, a node name */
#define VQI_MAX_QOM_OBJECTS   200000 /* objects in the QOM tree */
#define VQI_MAX_QOM_DEPTH     64     /* levels of the QOM tree, of a type's ancestry, of buses */
#define VQI_MAX_HASH_SLOTS    (1u << 22) /* slots of one GHashTable */
#define VQI_MAX_BUS_NODES     65536	 /* buses and devices in the qdev tree */
#define VQI_MAX_BACKENDS      256	 /* back ends of one device */
#define VQI_MAX_VHOST_DEVICES 16384	 /* entries of the list of vhost devices */
#define VQI_MAX_RUN_STATES    64	 /* names in RunState_lookup */
#define VQI_MAX_DEVICES	      4096	 /* virtio devices of one target */
#define VQI_MAX_EXPORTS	      4096	 /* block exports of one target */
#define VQI_MAX_REGIONS	      4096	 /* memory regions of one vhost-user device */
#define VQI_MAX_FLAT_RANGES   65536	 /* ranges of one FlatView */
#define VQI_MAX_LOOPS	      1024	 /* event loops of one target */
#define VQI_MAX_HANDLERS      65536	 /* AioHandlers of one event loop */
#define VQI_MAX_BOTTOM_HALVES 65536	 /* scheduled bottom halves of one event loop */
#define VQI_MAX_VCPUS	      8192	 /* virtual CPUs of one target */
#define VQI_MAX_BLOCK_NODES   1024	 /* nodes of one block device's graph */
#define VQI_MAX_ALL_NODES     16384	 /* nodes of the block layer, of all devices and jobs */
#define VQI_MAX_BLOCK_REQS    65536	 /* tracked or parked requests of one block node */
#define VQI_MAX_IOEVENTFDS    65536	 /* ioeventfds of one address space */
#define VQI_MAX_CHAIN_DESCS   (1u << 18) /* descriptors followed in one check of a ring */
#define VQI_MAX_REQ_BUFFERS                                                                        \
	1024 /* buffers of one request: VIRTQUEUE_MAX_SIZE, hw/virtio/virtio.h */
#define VQI_MAX_DUMP_BYTES     65536   /* of the contents of one request */
#define VQI_MAX_QUEUES	       1024    /* VIRTIO_QUEUE_MAX, hw/virtio/virtio.h */
#define VQI_MAX_RING	       32768   /* entries of a ring: VirtIO 1.2, 2.7 */
#define VQI_MAX_THREADS	       65536   /* threads of the target */
#define VQI_MAX_FDS	       1048576 /* descriptors of the target */
#define VQI_MAX_MAPS	       1048576 /* mappings of the target */
#define VQI_MAX_SEIZE_PASSES   64      /* passes over /proc/PID/task until no new thread appears */
#define VQI_STOP_TIMEOUT_MS    1000    /* until all threads must have stopped, else none is */
#define VQI_MAX_STABLE_READS   16      /* readings of a moving device until two agree */
#define VQI_MAX_PLANS	       8       /* plans for a device whose rings change while it is read */
#define VQI_MAX_PROFILE	       (1 << 22)    /* bytes of a layout profile */
#define VQI_MAX_RECORDING      (256 << 20)  /* bytes of a recording that is not compressed */
#define VQI_MAX_RECORDING_FILE (64 << 20)   /* bytes of its file */
#define VQI_MAX_RECORDED       (1 << 21)    /* readings in a recording */
#define VQI_MAX_PROFILES       1024	    /* layout profiles that may fit */
#define VQI_MAX_KEPT_PAGES     16384	    /* pages of 1 KiB that one walk keeps */
#define VQI_MAX_SCAN_BYTES     (64u << 20)  /* bytes of a program's variables that are searched */
#define VQI_MAX_SCAN_WORDS     (1u << 20)   /* words among them that may be pointers */
#define VQI_MAX_HEAP_BYTES     (512u << 20) /* bytes of what malloc() gave that are searched */
#define VQI_MAX_FRAMES	       64	    /* frames of one back trace */
#define VQI_MAX_STACKS	       65536	    /* back traces made at once */
#define VQI_MAX_ELF_SIZE       (4ull << 30) /* bytes of an executable or debug file */
#define VQI_MAX_PACKAGES       65536	    /* packages of the target's system */
#define VQI_MAX_PACKAGE_LIST   (8 << 20)    /* bytes of the list of a package's files */
#define VQI_MAX_PACKAGE_STATUS (64 << 20)   /* bytes of dpkg's list of packages */
#define VQI_MAX_CPUINFO	       (4 << 20)    /* bytes of /proc/cpuinfo */
#define VQI_MAX_COMMAND	       (1u << 21)   /* bytes of a command line */
#define VQI_MAX_STUBBORN       8   /* processes whose command line cannot be read in time */
#define VQI_MAX_AT_ONCE	       128 /* targets of --all that are inspected at the same time */
#define VQI_MAX_CHILD_OUTPUT   (256u << 20) /* bytes of what one of them gives */
#define VQI_CHILD_WAIT_S       120	    /* for one of them, beyond the time between its looks */
#define VQI_MAX_CORE_NOTES     (256u << 20) /* bytes of the notes of a core */
#define VQI_MAX_CORE_FILES     4096	    /* files that a process had mapped */
#define VQI_MAX_CORE_PARTS     131072	    /* mappings of these */

#endif
