/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VQI_QEMU_WORDS_H
#define VQI_QEMU_WORDS_H

#include "vqi/layout.h"
#include "vqi/mem.h"
#include "vqi/process.h"

/* Words of a program's variables that may point to what can be written, and what they lead to. */
struct vqi_words {
	struct vqi_mem *mem;
	const struct vqi_layout *layout;
	const struct vqi_maps *maps; /* all of the process */
	uint64_t *at,
		*value; /* of each word: its address, ascending within a mapping; what it holds */
	size_t count, room;
};

/* Reads variables, up to the limits; what cannot be read has no words. Errors: those of readv, NOMEM. */
struct vqi_error *vqi_words_collect(struct vqi_words *words,
				    const struct vqi_maps *variables) vqi_must_check;
void vqi_words_done(struct vqi_words *words);

/* The word at an offset from each address; 0 where there is no address, or nothing to be read.
 * Errors: those of readv. */
struct vqi_error *vqi_words_follow(struct vqi_words *words, const uint64_t *from, size_t count,
				   uint32_t offset, uint64_t *ret_to) vqi_must_check;

/* The pointer field of the structure at each address; 0 where it cannot be one. ret_to may be from.
 * Errors: NO_LAYOUT; those of readv. */
struct vqi_error *vqi_words_follow_field(struct vqi_words *words, const uint64_t *from,
					 size_t count, enum vqi_field_id field,
					 uint64_t *ret_to) vqi_must_check;

#endif
