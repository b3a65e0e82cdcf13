/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a watch has seen of each queue, look after look. Pure: fed with plain values, it reads no clock and keeps
 * no pointer into what it was fed with. */
#ifndef VQI_HISTORY_H
#define VQI_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vqi/diagnose.h"
#include "vqi/error.h"
#include "vqi/snapshot.h"

/* Looks that are kept of a queue. */
#define VQI_HISTORY_LOOKS 64

/* What goes through a queue a second: buffers; of a packed ring descriptors, which are what it counts. */
struct vqi_rate {
	bool known;
	bool at_least; /* it may have gone round the ring, or through the 16 bits of an index, unseen */
	double per_second;
};

/* One look at a queue. The totals count from some look on, and only go up. */
struct vqi_history_look {
	uint64_t time_ns;
	struct vqi_num depth; /* published and not completed */
	struct vqi_num published, completed, reaped;
};

struct vqi_queue_history {
	char *device; /* as vqi_device_label(); "" for a device without any */
	uint64_t vdev_addr;
	uint64_t vq_addr;
	unsigned int index;

	/* As of the last look. */
	struct vqi_rate published, completed, reaped;
	struct vqi_num depth; /* published and not completed */
	enum vqi_queue_state state;
	uint64_t state_ms; /* that it has been in this state, as far as it was watched */
	uint64_t still_ms; /* since an index of it was last seen to have moved */
	bool has_moved; /* in a look that was watched; still_ms counts from the first one if not */
	/* The least age of the oldest request. QEMU's accounting tells it after a closer look; else it follows from
	 * how many were published up to a look and have been completed by now. Unknown for buffers that wait for
	 * something to arrive; none for a queue without a request. */
	struct vqi_num oldest_ms;

	/* Up to the last look: the history's own. */
	struct vqi_history_look looks[VQI_HISTORY_LOOKS]; /* a ring */
	size_t look_count;	 /* ever; the last one is at (look_count - 1) %
							    * VQI_HISTORY_LOOKS */
	struct vqi_queue before; /* its plain numbers; strings and requests are NULL */
	uint64_t state_since_ns, moved_ns;
	uint64_t oldest_ns; /* of the look by which the oldest request was published */
	uint64_t
		oldest_left; /* of those published by then, how many are left at least; 0: no such look */
	uint64_t sure_since_ns; /* since then what was completed is known exactly */
	uint64_t
		accounted_ns; /* when the oldest request began by QEMU's accounting; 0: not known */
	bool jumped;	      /* an index went over half of its range in the last look */
};

struct vqi_history {
	struct vqi_queue_history **queues; /* in the order of the last look's devices and queues */
	size_t queue_count;		   /* of the last look */
	size_t kept_count; /* behind these: of devices that are there, and could not be read */
	uint64_t first_ns, last_ns; /* times of the first and the last look */
	uint64_t look_count;	    /* ever */
};

/* Errors: NOMEM. */
struct vqi_error *vqi_history_new(struct vqi_history **ret_history) vqi_must_check;
void vqi_history_free(struct vqi_history *history);
VQI_DEFINE_CLEANUP(struct vqi_history *, vqi_history_free)

/* Adds a look, which must have been diagnosed: the states are taken from the snapshot. Both may be freed after. A
 * queue is known again by its device's label and address and its index; one that is not there any more is forgotten,
 * one that was set up anew starts anew. now_ns: CLOCK_MONOTONIC, or any clock that does not go back.
 * Errors: NOMEM, after which the history is as before or forgets queues, and can be used. */
struct vqi_error *vqi_history_add(struct vqi_history *history, const struct vqi_snapshot *snapshot,
				  uint64_t now_ns) vqi_must_check;

/* What is known of a queue of the last look; NULL: it was not in it. */
const struct vqi_queue_history *vqi_history_queue(const struct vqi_history *history,
						  const struct vqi_device *device,
						  const struct vqi_queue *queue);

/* The depths of the last count looks at most, the latest last; returns how many. */
size_t vqi_queue_history_depths(const struct vqi_queue_history *queue, struct vqi_num *ret_depths,
				size_t count);

#endif
