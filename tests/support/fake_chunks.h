/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Chunks laid out by hand as glibc's malloc() has them. */
#ifndef VQI_TESTS_FAKE_CHUNKS_H
#define VQI_TESTS_FAKE_CHUNKS_H

#include <stddef.h>
#include <stdint.h>

#include "fake_mem.h"
#include "vqi/heap.h"

#define MAIN	   UINT64_C(0x555555600000)
#define ARENA	   UINT64_C(0x7f4490000000) /* 64 MiB aligned */
#define ARENA_SIZE (64u << 20)
#define PAGE	   4096
#define IN_USE	   1 /* the chunk before */
#define NOT_MAIN   4

/* One at a time: made by fake_chunks_setup(). */
struct fake_chunks {
	struct vqi_fake_mem *fake;
	struct vqi_map listed[8];
	struct vqi_maps maps;
	struct vqi_heap heap; /* as read */
	uint64_t at, end;     /* of the next chunk, and of its part */
};

extern struct fake_chunks chunks;

void fake_chunks_setup(void);
void fake_chunks_teardown(void);

void chunks_poke(uint64_t address, uint64_t value);

/* A mapping, in which the next chunks lie. path must stay. */
struct vqi_map *chunks_map(uint64_t start, size_t len, char *path);
void chunks_map_main(size_t len);

/* A heap of a thread's arena, which has its struct heap_info before it. */
void chunks_map_arena(uint64_t start, uint64_t arena, size_t len);

/* The first one has the arena, behind a heap_info of so many bytes. */
void chunks_map_first(size_t info, size_t len);

/* A chunk; what its user has of it is filled. Returns where that begins. */
uint64_t chunks_add(size_t size, unsigned int flags);

/* The rest of the part, of which malloc() takes when no free chunk fits. */
void chunks_top(void);

/* What ends a part that is given up: two headers that are too small for a chunk. Its old
 * top is free, unless it was too small. */
void chunks_fences(unsigned int flags);

/* Reads the heap. */
void chunks_look(void);

/* That the block with this index begins at address, and is what chunks_add() filled. */
void chunks_assert_block(size_t index, uint64_t address, uint32_t len);

/* Sizes that no chunk has: too small, not aligned, larger than the part, larger than memory. */
extern const uint64_t broken_sizes[];
extern const int broken_size_count;

#endif
