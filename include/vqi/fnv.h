/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The FNV-1a hash: tells apart what nobody has chosen to collide. Source: draft-eastlake-fnv. */
#ifndef VQI_FNV_H
#define VQI_FNV_H

#include <stdint.h>

#define VQI_FNV_BASIS UINT64_C(0xcbf29ce484222325)

/* Goes on with a hash, over a text without its NUL. */
static inline uint64_t vqi_fnv(uint64_t hash, const char *text)
{
	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	return hash;
}

#endif
