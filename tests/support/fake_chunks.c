/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fake_chunks.h"

#include <check.h>

#include "unit.h"

#define STATE_SIZE 2200 /* struct malloc_state */

struct fake_chunks chunks;

static char main_path[] = "[heap]";

const uint64_t broken_sizes[] = {0,	8,	    16,		24,	    0x48,      PAGE * 64,
				 ~0ull, ~0ull << 4, 1ull << 63, ~0ull - 15, 1ull << 32};
const int broken_size_count = (int)(sizeof(broken_sizes) / sizeof(broken_sizes[0]));

void fake_chunks_setup(void)
{
	chunks = (struct fake_chunks){.fake = vqi_fake_mem_new()};
	chunks.maps.maps = chunks.listed;
}

void fake_chunks_teardown(void)
{
	vqi_heap_done(&chunks.heap);
	vqi_fake_mem_free(chunks.fake);
}

void chunks_poke(uint64_t address, uint64_t value)
{
	memcpy(vqi_fake_mem_at(chunks.fake, address, 8), &value, 8);
}

struct vqi_map *chunks_map(uint64_t start, size_t len, char *path)
{
	chunks.listed[chunks.maps.count] = (struct vqi_map){.start = start,
							    .end = start + len,
							    .readable = true,
							    .writable = true,
							    .path = path};
	vqi_fake_mem_map(chunks.fake, start, len);
	chunks.at = start;
	chunks.end = start + len;
	return &chunks.listed[chunks.maps.count++];
}

void chunks_map_main(size_t len)
{
	chunks_map(MAIN, len, main_path);
}

uint64_t chunks_add(size_t size, unsigned int flags)
{
	uint64_t user = chunks.at + 16;

	chunks_poke(chunks.at + 8, size | flags);
	memset(vqi_fake_mem_at(chunks.fake, user, size - 16), (int)(size / 16), size - 16);
	chunks.at += size;
	return user;
}

void chunks_top(void)
{
	chunks_poke(chunks.at + 8, (chunks.end - chunks.at) | IN_USE);
}

void chunks_fences(unsigned int flags)
{
	chunks_poke(chunks.at + 8, 16 | flags);
	chunks_poke(chunks.at + 24, IN_USE);
}

void chunks_map_arena(uint64_t start, uint64_t arena, size_t len)
{
	chunks_map(start, len, NULL);
	chunks_poke(start, arena);
	chunks_poke(start + 8, start == ARENA ? 0 : ARENA);
	chunks_poke(start + 16, len);
	chunks_poke(start + 24, len);
}

void chunks_map_first(size_t info, size_t len)
{
	chunks_map_arena(ARENA, ARENA + info, len);
	for (uint64_t bin = ARENA + info + 112; bin < ARENA + info + 2000; bin += 8)
		chunks_poke(bin, bin | IN_USE); /* bins lead to themselves */
	chunks.at = (ARENA + info + STATE_SIZE + 15) / 16 * 16;
}

void chunks_look(void)
{
	vqi_heap_done(&chunks.heap);
	ck_assert_ok(vqi_heap_read(vqi_fake_mem_base(chunks.fake), &chunks.maps, &chunks.heap));
}

void chunks_assert_block(size_t index, uint64_t address, uint32_t len)
{
	ck_assert_uint_lt(index, chunks.heap.count);
	ck_assert_uint_eq(chunks.heap.chunks[index].address, address);
	ck_assert_uint_eq(chunks.heap.chunks[index].len, len);
	ck_assert_ptr_eq(vqi_heap_find(&chunks.heap, address), &chunks.heap.chunks[index]);
	for (uint32_t i = 0; i + 8 < len; i++)
		ck_assert_uint_eq(chunks.heap.chunks[index].data[i], (uint8_t)((len + 8) / 16));
}
