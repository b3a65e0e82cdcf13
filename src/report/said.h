/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a look says that the next one is compared with, where only changes are to be printed. */
#ifndef VQI_REPORT_SAID_H
#define VQI_REPORT_SAID_H

#include "vqi/diagnose.h"
#include "vqi/error.h"
#include "vqi/snapshot.h"

#define VQI_STATE_NONE -1 /* it was not there */

/* What was said of a device. */
struct vqi_said_device {
	char *label;
	uint64_t vdev_addr;
	int *states; /* of its queues: enum vqi_queue_state */
	size_t count;
};

/* A finding that was there, or a gap; rule is NULL for this. */
struct vqi_said_thing {
	const struct vqi_rule *rule;
	char *what;   /* of a gap */
	char *device; /* NULL: the VM */
	struct vqi_num queue;
	enum vqi_severity severity;
	enum vqi_confidence confidence;
};

struct vqi_said {
	struct vqi_said_device *devices;
	size_t device_count;
	struct vqi_said_thing *things;
	size_t thing_count;
	char *run_state; /* NULL: unknown */
	enum vqi_held_by held;
};

/* Notes what a look says. Owner: the caller, vqi_said_done(), also after a failure. Errors: NOMEM. */
struct vqi_error *vqi_said_note(const struct vqi_snapshot *snapshot,
				const struct vqi_diagnosis *diagnosis,
				struct vqi_said *said) vqi_must_check;
void vqi_said_done(struct vqi_said *said);
VQI_DEFINE_CLEANUP_VALUE(struct vqi_said, vqi_said_done)

/* The same device in another look; expected is where it is unless something was plugged or unplugged. NULL: it is not
 * there. */
const struct vqi_said_device *vqi_said_find_device(const struct vqi_said *said,
						   const struct vqi_said_device *device,
						   size_t expected);

/* The same finding or gap in another look, however severe it is; NULL: it is not there. */
const struct vqi_said_thing *vqi_said_find_thing(const struct vqi_said *said,
						 const struct vqi_said_thing *thing);

bool vqi_said_same_text(const char *a, const char *b);

#endif
