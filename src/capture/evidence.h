/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a look adds to the rings: why a queue may stand still. Everything here is read while the target
 * runs, and after the rings; what is not known of it stays unknown. */
#ifndef VQI_CAPTURE_EVIDENCE_H
#define VQI_CAPTURE_EVIDENCE_H

#include "observer.h"

/* Adds all of it to a look whose devices and queues are there. Errors: GONE, PERMISSION, SYS, NOMEM. */
struct vqi_error *vqi_evidence_add(struct vqi_observer *observer,
				   struct vqi_snapshot *snapshot) vqi_must_check;

/* The same, if something is suspicious; a brief look else. before is the look before; NULL: there was none. */
struct vqi_error *vqi_evidence_add_if_suspicious(struct vqi_observer *observer,
						 const struct vqi_snapshot *before,
						 struct vqi_snapshot *snapshot) vqi_must_check;

/* Whether something waits in a queue that should not wait long: then it is worth a closer look. */
bool vqi_queue_is_waiting(const struct vqi_queue *queue);
bool vqi_device_is_waiting(const struct vqi_device *device);

/* Makes a gap, of a device or of none, of an error that does not end the look. Owner: takes error. */
struct vqi_error *vqi_evidence_keep_as_gap(struct vqi_error *error, struct vqi_snapshot *snapshot,
					   const struct vqi_device *device,
					   const char *what) vqi_must_check;

/* Ends the look with an error that must, makes a gap of a cap that was reached, and drops what only leaves
 * something unknown. Owner: takes error. */
struct vqi_error *vqi_evidence_keep_limit(struct vqi_error *error, struct vqi_snapshot *snapshot,
					  const char *what) vqi_must_check;

/* Reads the graph of nodes behind each of a device's block back ends. Errors: as vqi_qemu_block(). */
struct vqi_error *vqi_evidence_add_blocks(struct vqi_qemu *qemu,
					  struct vqi_device *device) vqi_must_check;

/* Reads the RAM that a device sees; none where that cannot be read. Owner: the caller ends *ram. */
struct vqi_error *vqi_evidence_read_ram(struct vqi_qemu *qemu, const struct vqi_device *device,
					struct vqi_guest_ram *ram, bool *ret_have) vqi_must_check;

/* Event loops, which of them serves each queue, virtual CPUs, and threads: those of the loops, and all
 * of them if something waits. */
struct vqi_error *vqi_evidence_add_service(struct vqi_observer *observer,
					   struct vqi_snapshot *snapshot) vqi_must_check;

/* Adds all threads that are not there yet. */
struct vqi_error *vqi_evidence_add_all_threads(struct vqi_observer *observer,
					       struct vqi_snapshot *snapshot) vqi_must_check;

/* Reads the eventfds of every queue that is set up, before the rest and after it. */
struct vqi_error *vqi_evidence_begin_notifiers(struct vqi_observer *observer,
					       struct vqi_snapshot *snapshot) vqi_must_check;
struct vqi_error *vqi_evidence_end_notifiers(struct vqi_observer *observer,
					     struct vqi_snapshot *snapshot) vqi_must_check;

#endif
