/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From the live side to a snapshot. */
#ifndef VQI_CAPTURE_H
#define VQI_CAPTURE_H

#include <stddef.h>

#include "vqi/error.h"
#include "vqi/process.h"
#include "vqi/qemu.h"
#include "vqi/snapshot.h"

enum vqi_stop_mode {
	VQI_STOP_AUTO, /* only when readings of a queue never agree and what they say looks wrong */
	VQI_STOP_NEVER,
	VQI_STOP_ALWAYS, /* an exact cut of all threads in every look */
};

struct vqi_observer;

/* Finds the virtio devices of a target. process may be NULL where there is none (a test's memory):
 * then nothing can be stopped and no descriptor looked at. Both must outlive the observer.
 * Errors: those of vqi_qemu_find_virtio(). */
struct vqi_error *vqi_observer_new(struct vqi_process *process, struct vqi_qemu *qemu,
				   struct vqi_observer **ret_observer) vqi_must_check;
void vqi_observer_free(struct vqi_observer *observer);
VQI_DEFINE_CLEANUP(struct vqi_observer *, vqi_observer_free)

/* Keeps only the devices that one of the names, which must outlive the observer, matches: a qdev id, a QOM path (of the device or its
 * proxy, or the end of one), a PCI address, a back end's name or node name, a type, or a type with
 * its number among those ("virtio-blk0").
 * Errors: USAGE when a name matches nothing, or, if one is enough, all of them; the message lists what there is. */
struct vqi_error *vqi_observer_select(struct vqi_observer *observer, const char *const *names,
				      size_t count, bool is_one_enough) vqi_must_check;

/* Keeps only one queue of each device that has it, and drops the gaps of other queues. A device that
 * could not be read, and so has no queues, stays.
 * Errors: USAGE when there is neither. */
struct vqi_error *vqi_snapshot_select_queue(struct vqi_snapshot *snapshot,
					    unsigned int index) vqi_must_check;

enum vqi_stacks { VQI_STACKS_NONE, VQI_STACKS_SERVING, VQI_STACKS_ALL };

/* What a look may show of the requests in flight, for some more time. */
struct vqi_closer_look {
	struct vqi_num queue; /* of this queue of each device only; unknown: of all */
	size_t dump_bytes;    /* of the contents of each request's buffers */
	bool all_lines; /* of source, also where that takes a second: in compressed debug files */
	enum vqi_stacks
		stacks; /* SERVING: of the threads that serve queues with requests, and of coroutines */
};

/* Adds to a look the requests in flight in its queues, with their ages as far as QEMU knows them, and back traces.
 * Errors: GONE, PERMISSION, SYS, NOMEM. What else is not found out is a gap.
 * Stop: as mode says; of threads that run, each alone, for its registers; the time is in the snapshot. */
struct vqi_error *vqi_observer_look_closer(struct vqi_observer *observer,
					   const struct vqi_closer_look *what,
					   enum vqi_stop_mode mode,
					   struct vqi_snapshot *snapshot) vqi_must_check;

/* Takes one look at all devices. The snapshot's target has the run state; the rest of it, and what
 * two looks make of the capture, is the caller's.
 * Errors: GONE, PERMISSION, SYS, NOMEM. What one device cannot be read for is a gap.
 * Stop: as mode says; the time is in the snapshot. */
struct vqi_error *vqi_observer_look(struct vqi_observer *observer, enum vqi_stop_mode mode,
				    struct vqi_snapshot **ret_snapshot) vqi_must_check;

/* Takes one of many looks, and sees the devices that were plugged since the one before. Unlike vqi_observer_look() it
 * reads what tells why a queue stands still only where one does since that look, something looks wrong, or it has
 * not for some time; before NULL: it reads all. Only what was unplugged since then is listed as that.
 * Errors: those of vqi_observer_look(). Stop: never. */
struct vqi_error *vqi_observer_look_again(struct vqi_observer *observer,
					  const struct vqi_snapshot *before,
					  struct vqi_snapshot **ret_snapshot) vqi_must_check;

/* Adds to a snapshot what a bug report says of the host and of how the target was started; program is its file. What cannot be found out stays
 * unknown. Errors: NOMEM. */
struct vqi_error *vqi_host_read(struct vqi_process *process, const char *program,
				struct vqi_snapshot *snapshot) vqi_must_check;

#endif
