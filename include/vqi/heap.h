/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a process has from malloc(): glibc's books tell where each block begins and ends, and whether it is in use. */
#ifndef VQI_HEAP_H
#define VQI_HEAP_H

#include "vqi/mem.h"
#include "vqi/process.h"

/* One block that is in use. What free() keeps in the caches of a thread or in a fast bin seems to be in use, too: its
 * first 16 bytes, or 8, are no longer what they were. */
struct vqi_chunk {
	uint64_t address;    /* as malloc() gave it */
	uint32_t len;	     /* bytes that its user may use: at least those that it asked for */
	const uint8_t *data; /* these, as they were read. Owner: the heap */
};

struct vqi_heap {
	struct vqi_chunk *chunks; /* ascending by address */
	size_t count;
	bool is_whole;	 /* every part was followed to its end */
	uint8_t **parts; /* private */
	size_t part_count;
	bool *used; /* whether each chunk is of use to someone; NULL: nobody wants to know */
};

/* The heap of a thread other than the first is in pieces of at most so many bytes: HEAP_MAX_SIZE. */
#define VQI_THREAD_HEAP_BYTES (64u << 20)

/* Reads the main heap and those of other threads, without a stop: what is changed meanwhile may be missing. Blocks of
 * 128 KiB and more, which are mapped alone, and other allocators' are not found.
 * Errors: LIMIT when there is more than VQI_MAX_HEAP_BYTES, NOMEM; those of readv.
 * Source: glibc malloc/malloc.c struct malloc_chunk, malloc/arena.c struct heap_info. */
struct vqi_error *vqi_heap_read(struct vqi_mem *mem, const struct vqi_maps *maps,
				struct vqi_heap *ret_heap) vqi_must_check;
void vqi_heap_done(struct vqi_heap *heap);
VQI_DEFINE_CLEANUP_VALUE(struct vqi_heap, vqi_heap_done)

/* The block that begins at an address; NULL: none that is in use. */
const struct vqi_chunk *vqi_heap_find(const struct vqi_heap *heap, uint64_t address);

/* Asks to keep in mind which blocks are of use: vqi_heap_use() says so of each. Errors: NOMEM. */
struct vqi_error *vqi_heap_watch(struct vqi_heap *heap) vqi_must_check;
void vqi_heap_use(const struct vqi_heap *heap, const struct vqi_chunk *chunk);

/* Records those that were, or why there is no heap; see vqi/record.h. process may be NULL. And what was recorded.
 * Errors: as it was recorded, BAD_DATA, NOMEM. */
void vqi_heap_note(struct vqi_process *process, const struct vqi_heap *heap,
		   const struct vqi_error *error);
struct vqi_error *vqi_heap_recall(struct vqi_process *process,
				  struct vqi_heap *ret_heap) vqi_must_check;

/* Whether a block of len bytes is what malloc() gives for a structure of size bytes. */
bool vqi_chunk_is_for(uint32_t len, uint64_t size);

#endif
