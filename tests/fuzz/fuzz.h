/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the fuzz targets share: the target's memory is the input. */
#ifndef VQI_TESTS_FUZZ_H
#define VQI_TESTS_FUZZ_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "vqi/mem.h"

/* The entry point that libFuzzer and replay.c call. Whatever the input is, it returns 0; what is
 * wrong aborts. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_MAX_CALLS 4096 /* of readv for one input; then the target has ended */

struct fuzz_mem {
	struct vqi_mem mem;
	uint64_t base; /* where the input lies */
	const uint8_t *data;
	size_t size;
	unsigned int calls;
};

static inline struct vqi_error *fuzz_readv(struct vqi_mem *mem, struct vqi_range *ranges,
					   size_t count)
{
	struct fuzz_mem *fuzz = (struct fuzz_mem *)mem;

	if (fuzz->calls++ == FUZZ_MAX_CALLS)
		return vqi_error_new(VQI_ERROR_GONE, "enough");
	for (size_t i = 0; i < count; i++) {
		uint64_t offset = ranges[i].addr - fuzz->base;

		ranges[i].ok = offset <= fuzz->size && ranges[i].len <= fuzz->size - offset;
		if (ranges[i].ok)
			memcpy(ranges[i].buf, fuzz->data + offset, ranges[i].len);
	}
	return NULL;
}

/* Takes so many bytes from the front of the input; zeroes once it is used up. */
static inline void fuzz_take(const uint8_t **data, size_t *size, void *ret_bytes, size_t len)
{
	size_t part = len < *size ? len : *size;

	memset(ret_bytes, 0, len);
	memcpy(ret_bytes, *data, part);
	*data += part;
	*size -= part;
}

/* A copy of exactly so many bytes of the input, beyond which nothing may be read. */
static inline uint8_t *fuzz_copy(const uint8_t **data, size_t *size, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);

	if (!copy)
		abort();
	fuzz_take(data, size, copy, len);
	return copy;
}

#endif
