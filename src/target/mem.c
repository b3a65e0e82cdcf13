/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vqi/mem.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "vqi/checked.h"

/* Memory is mapped in pages of this size or of a multiple of it. */
#define STEP 4096

/* Of a string, which is short as a rule, not more than to a multiple of this is read at first. */
#define FIRST_STEP 256

struct vqi_error *vqi_mem_readv(struct vqi_mem *mem, struct vqi_range *ranges, size_t count)
{
	if (count == 0)
		return NULL;
	return mem->readv(mem, ranges, count);
}

struct vqi_error *vqi_mem_readv_all(struct vqi_mem *mem, struct vqi_range *ranges, size_t count)
{
	struct vqi_error *error = vqi_mem_readv(mem, ranges, count);

	for (size_t i = 0; !error && i < count; i++) {
		if (!ranges[i].ok)
			error = vqi_error_fault(ranges[i].addr, ranges[i].len);
	}
	return error;
}

struct vqi_error *vqi_mem_read(struct vqi_mem *mem, uint64_t addr, void *ret_buf, size_t len)
{
	struct vqi_range range = {.addr = addr, .buf = ret_buf, .len = len};

	return len == 0 ? NULL : vqi_mem_readv_all(mem, &range, 1);
}

struct vqi_error *vqi_mem_read_uint(struct vqi_mem *mem, uint64_t addr, size_t size,
				    uint64_t *ret_value)
{
	struct vqi_error *error;
	union {
		uint8_t u8;
		uint16_t u16;
		uint32_t u32;
		uint64_t u64;
	} value;

	if (size != 1 && size != 2 && size != 4 && size != 8)
		return vqi_error_new(VQI_ERROR_BAD_DATA,
				     "no integer has %zu bytes (at 0x%" PRIx64 ")", size, addr);
	error = vqi_mem_read(mem, addr, &value, size);
	if (error)
		return error;
	switch (size) {
	case 1:
		*ret_value = value.u8;
		break;
	case 2:
		*ret_value = value.u16;
		break;
	case 4:
		*ret_value = value.u32;
		break;
	default:
		*ret_value = value.u64;
	}
	return NULL;
}

/* Reads up to *len bytes at addr: halves *len until so many can be read. A live mapping ends with a
 * page; what a core file or a recording holds of it can end anywhere. */
static struct vqi_error *read_some(struct vqi_mem *mem, uint64_t addr, char *ret_buf, size_t *len)
{
	for (;;) {
		struct vqi_error *error = vqi_mem_read(mem, addr, ret_buf, *len);

		if (!error || error->code != VQI_ERROR_FAULT || *len == 1)
			return error;
		vqi_error_free(error);
		*len /= 2;
	}
}

struct vqi_error *vqi_mem_read_string(struct vqi_mem *mem, uint64_t addr, size_t max,
				      char **ret_string)
{
	vqi_cleanup_free char *text = NULL;
	size_t len = 0;

	while (len < max) {
		struct vqi_error *error;
		uint64_t at;
		size_t part;
		char *grown;

		if (!vqi_add_u64(addr, len, &at))
			return vqi_error_fault(addr, len + 1);
		/* Not beyond the page: the next one may be missing. */
		part = len ? STEP - at % STEP : FIRST_STEP - at % FIRST_STEP;
		if (part > max - len)
			part = max - len;
		grown = realloc(text, len + part);
		if (!grown)
			return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
		text = grown;
		error = read_some(mem, at, text + len, &part);
		if (error)
			return error;
		if (memchr(text + len, '\0', part)) {
			char *exact = strdup(text); /* names are short, and many are kept */

			if (!exact)
				return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
			*ret_string = exact;
			return NULL;
		}
		len += part;
	}
	return vqi_error_new(VQI_ERROR_BAD_DATA, "no end of string in %zu bytes at 0x%" PRIx64, max,
			     addr);
}
