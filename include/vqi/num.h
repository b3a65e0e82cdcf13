/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers that may be unknown. */
#ifndef VQI_NUM_H
#define VQI_NUM_H

#include <stdbool.h>
#include <stdint.h>

/* A number that may be unknown. */
struct vqi_num {
	uint64_t value;
	bool known;
};

#define VQI_UNKNOWN ((struct vqi_num){.known = false})
#define VQI_NUM(x)  ((struct vqi_num){.value = (uint64_t)(x), .known = true})

static inline bool vqi_num_is(struct vqi_num num, uint64_t value)
{
	return num.known && num.value == value;
}

static inline bool vqi_num_nonzero(struct vqi_num num)
{
	return num.known && num.value;
}

static inline bool vqi_num_equal(struct vqi_num a, struct vqi_num b)
{
	return a.known == b.known && (!a.known || a.value == b.value);
}

/* a - b modulo 2^16, unknown when either is. */
static inline struct vqi_num vqi_num_ahead(struct vqi_num a, struct vqi_num b)
{
	return a.known && b.known ? VQI_NUM((uint16_t)(a.value - b.value)) : VQI_UNKNOWN;
}

#endif
