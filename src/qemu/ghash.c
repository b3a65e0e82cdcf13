/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vqi/ghash.h"

#include <stdbool.h>
#include <string.h>

#include "vqi/limits.h"

#define HEADER_SIZE    56
#define FIRST_LIVE     2 /* a hash of 0 marks a free slot, 1 a tombstone */
#define HAVE_BIG_VALUE 2 /* second bit of the flags */

/* The fields that a reader needs, of any GLib's table. */
struct header {
	uint64_t size;		 /* slots */
	uint32_t mask;		 /* slots - 1 */
	uint32_t nnodes;	 /* live slots */
	uint32_t width;		 /* bytes of a value's slot */
	uint64_t hashes, values; /* addresses in the target */
};

static uint32_t u32_at(const uint8_t *bytes, size_t offset)
{
	uint32_t value;

	memcpy(&value, bytes + offset, sizeof(value));
	return value;
}

static uint64_t u64_at(const uint8_t *bytes, size_t offset)
{
	uint64_t value;

	memcpy(&value, bytes + offset, sizeof(value));
	return value;
}

static uint32_t width_of(uint32_t flags)
{
	return flags & HAVE_BIG_VALUE ? 8 : 4;
}

/* GLib 2.62 to 2.86 has a gsize as the first field, whose upper half is 0; elsewhere the first field
 * is an int and the second, mod, a prime. Since 2.60 a table of pointers below 4 GiB has slots of 32
 * bits. Before, the flags are padding, told by a table that itself lies above. */
static struct header decode_header(const uint8_t *bytes, uint64_t address)
{
	if (u32_at(bytes, 4) == 0)
		return (struct header){
			.size = u64_at(bytes, 0),
			.mask = u32_at(bytes, 12),
			.nnodes = u32_at(bytes, 16),
			.width = width_of(u32_at(bytes, 24)),
			.hashes = u64_at(bytes, 40),
			.values = u64_at(bytes, 48),
		};
	return (struct header){
		.size = u32_at(bytes, 0),
		.mask = u32_at(bytes, 8),
		.nnodes = u32_at(bytes, 12),
		.width = address >> 32 ? 8 : width_of(u32_at(bytes, 20)),
		.hashes = u64_at(bytes, 32),
		.values = u64_at(bytes, 40),
	};
}

static struct vqi_error *check_header(const struct header *header)
{
	if (header->size > VQI_MAX_HASH_SLOTS)
		return vqi_error_new(VQI_ERROR_LIMIT, "hash table of more than %u slots",
				     VQI_MAX_HASH_SLOTS);
	if (!header->size || (header->size & (header->size - 1)) ||
	    header->mask != header->size - 1 || header->nnodes > header->size)
		return vqi_error_new(VQI_ERROR_BAD_DATA, "no hash table");
	return NULL;
}

struct vqi_error *vqi_ghash_values(struct vqi_mem *mem, uint64_t address, uint64_t **ret_values,
				   size_t *ret_count)
{
	vqi_cleanup_free uint8_t *slots = NULL;
	vqi_cleanup_free uint64_t *values = NULL;
	uint8_t bytes[HEADER_SIZE];
	struct vqi_error *error;
	struct header header;
	size_t live = 0;

	error = vqi_mem_read(mem, address, bytes, sizeof(bytes));
	if (error)
		return error;
	header = decode_header(bytes, address);
	error = check_header(&header);
	if (error)
		return error;
	if (!header.nnodes) { /* a table that was always empty has small slots, wherever it lies */
		*ret_values = NULL;
		*ret_count = 0;
		return NULL;
	}

	slots = calloc(header.size, 4 + header.width);
	values = calloc(header.size, sizeof(*values));
	if (!slots || !values)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");

	struct vqi_range ranges[] = {
		{.addr = header.hashes, .buf = slots, .len = header.size * 4},
		{.addr = header.values,
		 .buf = slots + header.size * 4,
		 .len = header.size * header.width},
	};
	error = vqi_mem_readv_all(mem, ranges, 2);
	if (error)
		return error;

	for (size_t i = 0; i < header.size; i++) {
		const uint8_t *slot = slots + header.size * 4 + i * header.width;

		if (u32_at(slots, i * 4) >= FIRST_LIVE)
			values[live++] = header.width == 8 ? u64_at(slot, 0) : u32_at(slot, 0);
	}
	if (live != header.nnodes)
		return vqi_error_new(VQI_ERROR_BAD_DATA, "hash table changed while it was read");
	*ret_values = take_ptr(values);
	*ret_count = live;
	return NULL;
}
