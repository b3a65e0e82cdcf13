/* SPDX-License-Identifier: GPL-2.0-or-later */
/* GLib's hash table. The first byte says where the table begins; it lies low or high. */
#include "fuzz.h"
#include "vqi/ghash.h"
#include "vqi/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_mem fuzz = {.mem = {.readv = fuzz_readv}};
	uint64_t *values = NULL;
	struct vqi_error *error;
	size_t count = 0;
	uint8_t first;

	fuzz_take(&data, &size, &first, 1);
	fuzz.base = first & 1 ? UINT64_C(0x7f1200000000) : 0x10000000;
	fuzz.data = data;
	fuzz.size = size;
	error = vqi_ghash_values(&fuzz.mem, fuzz.base + (first & ~1u), &values, &count);
	if (error ? values || count : count > VQI_MAX_HASH_SLOTS)
		abort();
	vqi_error_free(error);
	free(values);
	return 0;
}
