/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Arithmetic on numbers that come from the target or the guest: never wraps unnoticed. */
#ifndef VQI_CHECKED_H
#define VQI_CHECKED_H

#include <stdbool.h>
#include <stdint.h>

/* Stores a + b; false, and *ret_sum untouched, on overflow. */
static inline bool vqi_add_u64(uint64_t a, uint64_t b, uint64_t *ret_sum)
{
	uint64_t sum;

	if (__builtin_add_overflow(a, b, &sum))
		return false;
	*ret_sum = sum;
	return true;
}

/* Stores a * b; false, and *ret_product untouched, on overflow. */
static inline bool vqi_mul_u64(uint64_t a, uint64_t b, uint64_t *ret_product)
{
	uint64_t product;

	if (__builtin_mul_overflow(a, b, &product))
		return false;
	*ret_product = product;
	return true;
}

/* Whether [offset, offset + len) lies within [0, limit). */
static inline bool vqi_range_within(uint64_t offset, uint64_t len, uint64_t limit)
{
	uint64_t end;

	return vqi_add_u64(offset, len, &end) && end <= limit;
}

#endif
