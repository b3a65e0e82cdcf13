/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VQI_CAPTURE_STACKS_H
#define VQI_CAPTURE_STACKS_H

#include "carried_requests.h"
#include "observer.h"

/* Adds the back traces that a closer look wants: of coroutines to their requests, of threads to these.
 * Errors: GONE, PERMISSION, SYS, NOMEM. Stop: see vqi_observer_look_closer(). */
struct vqi_error *vqi_stacks_add(struct vqi_observer *observer, const struct vqi_closer_look *what,
				 enum vqi_stop_mode mode,
				 const struct vqi_carried_requests *carried,
				 struct vqi_snapshot *snapshot) vqi_must_check;

/* A stack, and whose it is: a thread's id, or the address of a coroutine. */
struct vqi_keyed_stack {
	uint64_t key;
	struct vqi_stack *stack;
};

/* Records stacks, or why there are none, and fills in what was recorded, of which a replay may want but some; see
 * vqi/record.h. Errors: as it was recorded, BAD_DATA, NOMEM. */
void vqi_stacks_note(struct vqi_process *process, const struct vqi_keyed_stack *stacks,
		     size_t count, const struct vqi_error *error);
struct vqi_error *vqi_stacks_recall(struct vqi_process *process,
				    const struct vqi_keyed_stack *stacks,
				    size_t count) vqi_must_check;

#endif
