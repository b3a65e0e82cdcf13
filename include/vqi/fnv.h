/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The FNV-1a hash: tells apart what nobody has chosen to collide. Source: draft-eastlake-fnv. */
#ifndef VQI_FNV_H
#define VQI_FNV_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define VQI_FNV_BASIS UINT64_C(0xcbf29ce484222325)

/* Go on with a hash: over bytes, over a text without its NUL. */
static inline uint64_t vqi_fnv_bytes(uint64_t hash, const void *bytes, size_t len)
{
	const unsigned char *at = bytes;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ at[i]) * UINT64_C(0x100000001b3);
	return hash;
}

static inline uint64_t vqi_fnv(uint64_t hash, const char *text)
{
	return vqi_fnv_bytes(hash, text, strlen(text));
}

#endif
