/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What one look at a target found: plain values. Right of it nothing touches the target any more;
 * diagnosis and reports are pure functions of one or two snapshots. */
#ifndef VQI_SNAPSHOT_H
#define VQI_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "vqi/error.h"
#include "vqi/num.h"
#include "vqi/request.h"

enum vqi_held_by { VQI_HELD_NOT, VQI_HELD_SIGNAL, VQI_HELD_TRACER, VQI_HELD_FREEZER };

/* Why a process does not run: stopped by a signal (SIGSTOP), held by a tracer, its cgroup frozen. */
struct vqi_held {
	enum vqi_held_by by;
	pid_t tracer;	      /* 0: none */
	char tracer_name[16]; /* its comm; "" where it cannot be read */
};

enum vqi_target_kind { VQI_TARGET_QEMU, VQI_TARGET_STORAGE_DAEMON };

struct vqi_target {
	pid_t pid;
	char *core;	/* the core file that it was read from; NULL: it lives */
	char *exe;	/* path as the target sees it */
	char *build_id; /* or NULL */
	enum vqi_target_kind kind;
	char *qemu_version;	   /* "7.2.22 (Debian ...)", or NULL */
	char *vm_name;		   /* -name, or NULL */
	char *arch;		   /* "x86_64": the guest's; or NULL */
	char *run_state;	   /* "running": a name of RunState, qapi/run-state.json; or NULL */
	struct vqi_held held;	   /* what keeps the process itself from running */
	struct vqi_num bql_owner;  /* thread that holds the big QEMU lock; 0: none */
	const char *layout_source; /* static string */
};

/* What a bug report says beside: how the target was started, and on what. Only where one was asked for; what is NULL is
 * unknown. */
struct vqi_host {
	char *command_line; /* each word ended by a NUL, without secrets: vqi_mask_command_line() */
	size_t command_line_len;
	char *package; /* that the program is of: "qemu-system-x86 1:7.2+dfsg-7" */
	bool is_replaced; /* the program's file is not there any more, or another: package is that one's */
	char *distribution; /* of the target's system: PRETTY_NAME of os-release(5) */
	char *kernel;	    /* of the host: release and version, as uname(2) has them */
	char *cpu;	    /* of the host */
	char *accelerator;  /* "kvm", "tcg" */
};

struct vqi_capture {
	struct timespec time; /* wall clock, at the start of the look */
	unsigned int looks;   /* 1 or 2 */
	uint64_t interval_ms; /* between the looks; 0 for a single one */
	uint64_t duration_us; /* of the whole inspection */
	uint64_t stopped_us;  /* how long threads of the target were stopped, all looks */
	unsigned int stopped_threads;
	bool consistent; /* every queue's last reading is of one instant */
	bool is_brief;	 /* nothing stood still: what tells why was not read */
};

enum vqi_transport {
	VQI_TRANSPORT_UNKNOWN,
	VQI_TRANSPORT_PCI,
	VQI_TRANSPORT_MMIO,
	VQI_TRANSPORT_CCW
};

/* One node of a block device's graph. Source: include/block/block_int-common.h. */
struct vqi_block_node {
	char *node_name;
	char *driver;		    /* "qcow2" */
	char *filename;		    /* NULL: none */
	struct vqi_num fd;	    /* of that file, in QEMU; unknown: other drivers */
	uint64_t bs_hva;	    /* BlockDriverState */
	struct vqi_num in_flight;   /* requests that it counts */
	struct vqi_num tracked;	    /* of these, reads and writes: a flush is not tracked */
	struct vqi_num serialising; /* of these, waiting for an overlapping one */
	struct vqi_num quiesce;	    /* quiesce_counter: 0 unless it is drained */
	struct vqi_num throttled;   /* requests that wait for their turn in its throttle group */
	char *throttle_group;	    /* NULL: none */
};

/* What a block device's requests wait for; read only where something looks stuck. */
struct vqi_block {
	uint64_t blk_hva;	      /* BlockBackend; 0: not read */
	struct vqi_num in_flight;     /* requests that it counts */
	struct vqi_num quiesce;	      /* quiesce_counter: 0 unless it is drained */
	const char *iostatus;	      /* "ok", "failed", "nospace"; NULL: unknown. Static */
	struct vqi_num throttled;     /* requests that wait for their turn in its throttle group */
	char *throttle_group;	      /* NULL: none */
	struct vqi_num parked;	      /* requests kept for a retry when the VM goes on */
	struct vqi_block_node *nodes; /* parents before children */
	size_t node_count;
};

/* What a device works with on the host's side. */
struct vqi_backend {
	const char *kind;   /* "block", "netdev", "chardev", "rng", "cryptodev", "fsdev": static */
	char *name;	    /* -drive id, netdev id, chardev id, ...; NULL for an unnamed one */
	char *node_name;    /* block: the root node's node-name; else NULL */
	char *driver;	    /* block: the root node's driver, "qcow2"; else NULL */
	uint64_t hva;	    /* block: BlockBackend; else 0 */
	char *child_id;	    /* qdev id of the SCSIDevice and the like that it belongs to; or NULL */
	uint64_t child_hva; /* SCSIDevice and the like that it belongs to; 0: the device itself */
	struct vqi_block block; /* kind "block" only */
};

/* One thread of the target, as procfs shows it. Source: proc_pid_stat(5). */
struct vqi_thread {
	pid_t tid;
	char *name;	 /* of the thread, as status writes it */
	char *role;	 /* "main loop", "iothread io0", "vCPU 0"; NULL: another, a worker say */
	char state;	 /* 'R' runs, 'S' sleeps, 'D' sleeps uninterruptibly, ...; '?' unknown */
	char *wchan;	 /* where in the kernel it sleeps; NULL: nowhere, or unknown */
	bool in_fault;	 /* it sleeps outside of a system call: a page of memory is to come */
	bool in_syscall; /* it sleeps in a system call, which is known: */
	char *syscall;	 /* its name, "ppoll"; else NULL */
	uint64_t syscall_args[6];   /* the call's arguments */
	char *file;		    /* of the descriptor that the call works on; NULL: none */
	struct vqi_num mutex_hva;   /* pthread mutex that it waits for */
	struct vqi_num mutex_owner; /* thread that holds this */
	struct vqi_num cpu_ms;	    /* processor time that it has used since it began */
	struct vqi_num wait_ms;	    /* time that it was ready to run and had no processor */
	struct vqi_num sleeps;	    /* how often it went to sleep: voluntary_ctxt_switches */
	struct vqi_stack stack;	    /* no frames: not asked for, or see its gap */
};

/* One virtual CPU. */
struct vqi_vcpu {
	unsigned int index;
	struct vqi_num tid;
	struct vqi_num halted;	 /* CPUState.halted; under KVM the kernel's business, and 0 */
	struct vqi_num panicked; /* CPUState.crash_occurred: it told that its guest panicked */
};

/* One event loop of QEMU: a thread, and the AioContexts whose handlers it runs. */
struct vqi_loop {
	char *name; /* "main loop", "iothread io0" */
	bool is_main;
	struct vqi_num tid;
	uint64_t ctx_hva;	      /* AioContext; of the main loop, qemu_aio_context */
	struct vqi_num bottom_halves; /* that are scheduled and have not run */
	struct vqi_num coroutines;    /* 1: some are scheduled and have not run */
	struct vqi_num
		nested; /* 1: an aio_poll() is under way of code that it called (the main loop: or a vCPU) */
	struct vqi_num polling; /* AioContext.poll_started: it looks at rings by itself */
};

enum vqi_endian { VQI_ENDIAN_UNKNOWN, VQI_ENDIAN_LITTLE, VQI_ENDIAN_BIG };
enum vqi_ring { VQI_RING_SPLIT, VQI_RING_PACKED };

enum vqi_queue_state {
	VQI_QUEUE_UNKNOWN,
	VQI_QUEUE_DISABLED, /* not set up by the driver */
	VQI_QUEUE_IDLE,	    /* nothing outstanding */
	VQI_QUEUE_BUSY,	    /* outstanding, moving (or not known to stand still) */
	VQI_QUEUE_PARKED,   /* buffers posted for the device to fill, as they should be */
	VQI_QUEUE_STUCK,    /* outstanding, did not move over the interval */
	VQI_QUEUE_PAUSED,   /* the VM is not running */
};

/* What a queue is for decides what outstanding buffers mean. */
enum vqi_queue_kind {
	VQI_KIND_UNKNOWN, /* device type not in the table: never called stuck */
	VQI_KIND_REQUEST, /* the driver waits for each buffer: outstanding work that ages is suspicious */
	VQI_KIND_SEND,	  /* the same, but the driver reaps late (net tx) or polls (net control) */
	VQI_KIND_RECEIVE, /* buffers wait for something to arrive: parked */
};

/* One event suppression structure of a packed ring. VirtIO 1.2, 2.8.10. */
struct vqi_packed_event {
	struct vqi_num off;   /* descriptor offset; meaningful for flags 2 */
	struct vqi_num wrap;  /* 0 or 1 */
	struct vqi_num flags; /* 0 enable, 1 disable, 2 at one descriptor */
};

struct vqi_wrap {
	struct vqi_num avail;		/* of avail_idx: what the driver has published */
	struct vqi_num last_avail;	/* QEMU's last_avail_wrap_counter */
	struct vqi_num shadow_avail;	/* QEMU's shadow_avail_wrap_counter */
	struct vqi_num used;		/* QEMU's used_wrap_counter */
	struct vqi_packed_event driver; /* what the driver asks for: interrupts */
	struct vqi_packed_event device; /* what the device asks for: kicks */
};

/* What the ring check found; 0: nothing wrong. Each is a sentence of VirtIO 1.2. */
enum vqi_ring_fault {
	VQI_RING_AVAIL_AHEAD = 1 << 0,	 /* avail_idx is further ahead of last_avail_idx than num */
	VQI_RING_BAD_HEAD = 1 << 1,	 /* an outstanding avail entry names a descriptor >= num */
	VQI_RING_USED_MISMATCH = 1 << 2, /* used ring's index is not what the device wrote there */
	VQI_RING_BAD_INDIRECT = 1 << 3, /* an indirect table is empty, of a broken length, nested */
	VQI_RING_LOOP = 1 << 4,		/* a chain has more descriptors than the ring */
	VQI_RING_BAD_NEXT = 1 << 5,	/* a chain leads to a descriptor beyond its table */
	VQI_RING_BAD_ADDRESS = 1 << 6,	/* a buffer or an indirect table is outside guest RAM */
	VQI_RING_ZERO_SIZE = 1 << 7,	/* a buffer of no bytes */
	VQI_RING_BAD_ORDER = 1 << 8,	/* a buffer to read follows one to write */
	VQI_RING_DUPLICATE = 1 << 9,	/* a descriptor is published twice */
};

/* Where in a ring the first fault of a chain is. */
struct vqi_ring_place {
	struct vqi_num head;	   /* descriptor that the chain begins with */
	struct vqi_num descriptor; /* index in its table */
	struct vqi_num gpa;	   /* what that descriptor says: a buffer's or a table's address */
	struct vqi_num len;	   /* and its length in bytes */
};

/* How far the ring in guest RAM could be read. */
enum vqi_ring_access {
	VQI_RING_READ,	     /* all of it, or there is no ring (queue not set up) */
	VQI_RING_NO_CACHE,   /* QEMU has not mapped it: VRing.caches is NULL */
	VQI_RING_NOT_DIRECT, /* no host pointer: behind a vIOMMU, or not in RAM */
	VQI_RING_SHORT,	     /* QEMU has mapped less than the ring's size */
	VQI_RING_UNREADABLE, /* the host memory behind it cannot be read */
};

/* Whether an event loop listens to a queue's host notifier. */
enum vqi_handler {
	VQI_HANDLER_UNKNOWN,
	VQI_HANDLER_NONE,     /* no loop has it in its list */
	VQI_HANDLER_DISABLED, /* in a list, and passed over while the loop is drained (before 8.1) */
	VQI_HANDLER_READY,
};

struct vqi_queue {
	unsigned int index;
	const char *role; /* "request", "rx", "tx", ...; NULL: unknown. Static */
	enum vqi_queue_kind kind;
	enum vqi_ring ring;
	bool is_export;				/* of an export: libvhost-user's */
	uint64_t vq_addr;			/* hva of struct VirtQueue, VuVirtq */
	uint32_t num;				/* ring size in entries */
	uint64_t desc_gpa, avail_gpa, used_gpa; /* vring.desc, .avail, .used */
	uint64_t desc_hva, avail_hva, used_hva; /* 0: not directly readable */

	/* Guest RAM. Packed: positions in the descriptor ring. */
	struct vqi_num avail_idx;
	struct vqi_num used_ring_idx;		/* split only */
	struct vqi_num avail_flags, used_flags; /* split only */
	struct vqi_num used_event, avail_event; /* EVENT_IDX negotiated and within the cache only */

	/* QEMU's VirtQueue. Unknown for a device that vhost runs: stale there. */
	struct vqi_num last_avail_idx, shadow_avail_idx, used_idx;
	struct vqi_num signalled_used, signalled_used_valid, notification, inuse;
	struct vqi_num vector;
	struct vqi_wrap wrap; /* packed only */
	/* Packed only: of the descriptor ring. Places in it come again after two rounds, soon on a busy
	 * ring; its descriptors are others then. */
	struct vqi_num desc_digest;

	/* Kick and interrupt. A count is unknown where no eventfd is. */
	struct vqi_num host_notifier_fd, host_notifier_id, host_notifier_count;
	struct vqi_num guest_notifier_fd, guest_notifier_id, guest_notifier_count;
	bool kick_pending, interrupt_pending; /* their counts were not 0 all through the look */
	uint64_t host_notifier_hva;	      /* EventNotifier */
	struct vqi_num ioeventfd;	      /* 1: a write of the guest rings the host notifier */
	enum vqi_handler handler;	      /* of the host notifier */
	uint64_t handler_ctx_hva;	      /* AioContext that has it */
	struct vqi_num handler_polled;	      /* 1: its loop looks at the ring by itself now */
	struct vqi_num loop; /* index into vqi_snapshot.loops: who serves it, or should */
	struct vqi_num msix_masked, msix_pending, irqfd_users; /* of vector; PCI only */
	struct vqi_num waiting_packets; /* of a network card's rx: that there is no buffer for */

	/* Derived from one look: src/virtio. */
	struct vqi_num unseen;	  /* published, device has not looked */
	struct vqi_num in_flight; /* taken, not completed */
	struct vqi_num unreaped;  /* completed, not consumed, as far as used_event tells */
	enum vqi_ring_access access;
	unsigned int ring_faults; /* enum vqi_ring_fault bits */
	struct vqi_ring_place fault_place;
	bool consistent; /* two readings of it agreed */

	struct vqi_request
		*requests; /* in flight, the oldest first; none where they were not asked for */
	size_t request_count;

	/* Set by the diagnosis. */
	enum vqi_queue_state state;
	bool is_gap_told;	 /* that it cannot be judged: once, however often it is diagnosed */
	struct vqi_num kick_due; /* 1: the driver was obliged to kick for what is not taken */
	struct vqi_num
		interrupt_due; /* 1: the device was obliged to interrupt for what is not reaped */
};

enum vqi_vhost_type {
	VQI_VHOST_NONE,
	VQI_VHOST_UNKNOWN,
	VQI_VHOST_KERNEL,
	VQI_VHOST_USER,
	VQI_VHOST_VDPA
};

struct vqi_device {
	char *id;		/* qdev id, the proxy's for pci and ccw; NULL: none given */
	char *qom_path;		/* canonical path of the VirtIODevice; NULL: an export */
	char *type;		/* "virtio-blk" */
	bool is_export;		/* by vhost-user, to a VM of another process: see vqi/exports.h */
	uint64_t vdev_addr;	/* hva of struct VirtIODevice; of an export, of its VuDev */
	unsigned int device_id; /* VirtIO 1.2, 5 */
	enum vqi_transport transport;
	char *transport_address; /* "0000:00:03.0", "0xfeb00e00"; or NULL */
	uint64_t proxy_hva;	 /* VirtIOPCIProxy, VirtIOMMIOProxy, ...; 0: none */
	struct vqi_backend *backends;
	size_t backend_count;
	unsigned int status;			/* VirtIO 1.2, 2.1 */
	uint64_t host_features, guest_features; /* the first 64 bits */
	bool unread; /* it could not be read, see the gaps: what follows is unknown */
	bool broken;
	bool disabled; /* the guest took away bus mastering: QEMU touches no ring */
	bool started;
	struct vqi_num vm_running;
	struct vqi_num isr; /* VirtIO 1.2, 4.1.4.5: 1 a queue, 2 the configuration */
	struct vqi_num ioeventfd_started, ioeventfd_grabbed; /* VirtioBusState */
	struct vqi_num msix_enabled, msix_function_masked;   /* PCI, as the following */
	struct vqi_num pci_memory, pci_master;		     /* bits of the command register */
	struct vqi_num intx_asserted, intx_disabled;
	enum vqi_endian endian;
	enum vqi_vhost_type vhost; /* what runs the rings now; NONE: QEMU does */
	bool is_vhost_only; /* QEMU cannot run them: whatever its own indices say, they are stale */
	struct vqi_queue *queues; /* all queues the device has, ascending by index */
	size_t queue_count;
};

/* Something that could not be read, where a finding could hide. */
struct vqi_gap {
	char *device; /* as in a finding; NULL: the target */
	struct vqi_num queue;
	char *what; /* "avail ring" */
	char *why;  /* "cannot read 4 bytes at 0x7f..." */
};

struct vqi_snapshot {
	struct vqi_target target;
	struct vqi_capture capture;
	struct vqi_host host;
	struct vqi_device *devices; /* in the order of their canonical paths */
	size_t device_count;
	char **unplugged; /* labels of devices that were there when the inspection began */
	size_t unplugged_count;
	struct vqi_loop *loops; /* the main loop first; none where this QEMU's are unknown */
	size_t loop_count;
	struct vqi_thread *threads; /* of the loops; all of them where something looks stuck */
	size_t thread_count;
	struct vqi_vcpu *vcpus;
	size_t vcpu_count;
	struct vqi_block_node
		*other_nodes; /* with requests, of no device here; see vqi_qemu_other_nodes() */
	size_t other_node_count;
	struct vqi_gap *gaps;
	size_t gap_count;
};

/* What a report calls a device: its id, or its QOM path where there is none. */
static inline const char *vqi_device_label(const struct vqi_device *device)
{
	return device->id ? device->id : device->qom_path;
}

/* What QEMU calls the structures of a device and of a queue. */
static inline const char *vqi_device_structure(const struct vqi_device *device)
{
	return device->is_export ? "VuDev" : "VirtIODevice";
}

static inline const char *vqi_queue_structure(const struct vqi_queue *queue)
{
	return queue->is_export ? "VuVirtq" : "VirtQueue";
}

struct vqi_snapshot *vqi_snapshot_new(void);
void vqi_snapshot_free(struct vqi_snapshot *snapshot);
VQI_DEFINE_CLEANUP(struct vqi_snapshot *, vqi_snapshot_free)
#define vqi_cleanup_snapshot vqi_cleanup(vqi_snapshot_free)

/* Copies a string into a snapshot; for NULL, *ret_copy stays as it is. Errors: NOMEM. */
struct vqi_error *vqi_copy_string(const char *text, char **ret_copy) vqi_must_check;

/* Free what a target, a device, a queue, a back end, its block device, a thread or a gap owns, not itself. */
void vqi_target_done(struct vqi_target *target);
void vqi_device_done(struct vqi_device *device);
void vqi_queue_done(struct vqi_queue *queue);
void vqi_backend_done(struct vqi_backend *backend);
void vqi_block_done(struct vqi_block *block);
void vqi_block_node_done(struct vqi_block_node *node);
void vqi_thread_done(struct vqi_thread *thread);
void vqi_gap_done(struct vqi_gap *gap);

/* The thread with this id; NULL: not looked at, or unknown. */
const struct vqi_thread *vqi_snapshot_thread(const struct vqi_snapshot *snapshot,
					     struct vqi_num tid);

/* The loop that serves a queue, or should; NULL: unknown. */
const struct vqi_loop *vqi_snapshot_loop(const struct vqi_snapshot *snapshot,
					 const struct vqi_queue *queue);

/* Whether two are the same device, maybe in two looks: at one place, and of one path, or, of exports, one id. */
bool vqi_is_same_device(const struct vqi_device *a, const struct vqi_device *b);

/* A device, a queue of another look in this one. NULL where there is none, or snapshot or device is NULL. */
const struct vqi_device *vqi_find_device(const struct vqi_snapshot *snapshot,
					 const struct vqi_device *device);
const struct vqi_queue *vqi_find_queue(const struct vqi_device *device, unsigned int index);

/* Whether no index of a queue, its own or QEMU's, moved between two consistent looks; not, if before is NULL. */
bool vqi_queue_held_still(const struct vqi_queue *before, const struct vqi_queue *now);

/* Whether a system call is one that QEMU's loops poll in. */
bool vqi_is_poll(const char *syscall);

/* How many requests an export counts that are of no ring that it has now: taken before a reset, or of a client that is
 * gone. 0 where that is not known. */
uint64_t vqi_device_left_behind(const struct vqi_device *device);

/* Published by the driver and not taken by the device. Unknown for vhost. */
struct vqi_num vqi_queue_untaken(const struct vqi_queue *queue);

/* Published by the driver and not completed. Known for vhost too, from the ring alone. */
struct vqi_num vqi_queue_outstanding(const struct vqi_queue *queue);

/* Adds a gap. device may be NULL (the target); queue VQI_UNKNOWN (the whole device).
 * Errors: NOMEM. */
struct vqi_error *vqi_snapshot_add_gap(struct vqi_snapshot *snapshot,
				       const struct vqi_device *device, struct vqi_num queue,
				       const char *what, const char *why) vqi_must_check;

#endif
