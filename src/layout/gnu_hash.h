/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The hash table by which the loader finds exported symbols: a name costs some reads of a few bytes, not one of the
 * whole table. Hostile files are expected. */
#ifndef VQI_LAYOUT_GNU_HASH_H
#define VQI_LAYOUT_GNU_HASH_H

#include <gelf.h>
#include <stdbool.h>
#include <stddef.h>

struct vqi_gnu_hash {
	int fd;
	GElf_Shdr table, symbols, strings;
	uint32_t buckets, first, bloom_words, bloom_shift; /* the table's header */
};

/* False when the file has no such table, or one that makes no sense.
 * Source: https://flapenguin.me/elf-dt-gnu-hash, glibc elf/dl-lookup.c. */
bool vqi_gnu_hash_open(Elf *elf, int fd, struct vqi_gnu_hash *ret_hash);

/* The symbol of that name, of less than 256 characters; false when none is exported. */
bool vqi_gnu_hash_find(const struct vqi_gnu_hash *hash, const char *name, GElf_Sym *ret_symbol);

#endif
