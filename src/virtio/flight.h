/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which chains of a ring are in flight: conclusions from the bytes of one instant. Pure, but for memory. */
#ifndef VQI_VIRTIO_FLIGHT_H
#define VQI_VIRTIO_FLIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vqi/error.h"

/* The bytes of a ring, and the device's places in it. */
struct vqi_flight_ring {
	const uint8_t *descs;	     /* num * 16 */
	const uint8_t *avail, *used; /* split: with their headers, and num entries */
	uint32_t num;
	bool big_endian, in_order;
	uint32_t in_flight; /* split: chains; packed: descriptors; not 0, at most num */
	uint16_t used_idx;  /* split: free-running */
	bool used_wrap;	    /* packed */
};

/* A chain that is, or may be, in flight. */
struct vqi_flight {
	uint16_t head;	/* packed: the buffer id */
	uint16_t place; /* of its first descriptor */
	bool is_whole;	/* what is read from place on is the chain */
	bool is_candidate;
};

struct vqi_flights {
	struct vqi_flight *list;
	size_t count;
	bool is_exact; /* these are all, and no others */
};

/* ret_flights has room for num. See vqi_requests_from_ring() for what they fill in, and in which order.
 * Errors: NOMEM. */
struct vqi_error *vqi_flight_split(const struct vqi_flight_ring *ring,
				   struct vqi_flights *ret_flights) vqi_must_check;
struct vqi_error *vqi_flight_packed(const struct vqi_flight_ring *ring,
				    struct vqi_flights *ret_flights) vqi_must_check;

/* How often each head or id was taken, and completed, after some moment in the past that goes further and
 * further back. Whatever is completed after that moment was in flight then, or taken after it: once at
 * most more often than that. The completion that is too many was before. */
struct vqi_flight_window {
	uint16_t *takings, *completions; /* num each */
};

static inline bool vqi_flight_may_complete(const struct vqi_flight_window *window, uint16_t id)
{
	return window->completions[id] <= window->takings[id];
}

static inline void vqi_flight_add(struct vqi_flights *flights, struct vqi_flight flight)
{
	flights->list[flights->count++] = flight;
}

#endif
