/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What malloc() gave, in the heaps of threads. */
#include <check.h>

#include "fake_chunks.h"
#include "unit.h"

/* What struct heap_info has grown to, and the first chunk behind struct malloc_state. */
static const size_t infos[] = {32, 48, 64};

START_TEST(test_arena)
{
	uint64_t a, b, freed;

	chunks_map_first(infos[_i], 33 * PAGE);
	a = chunks_add(0x290, IN_USE | NOT_MAIN);
	freed = chunks_add(0x500, IN_USE | NOT_MAIN);
	b = chunks_add(0x60, NOT_MAIN);
	chunks_top();
	chunks_look();
	ck_assert(chunks.heap.is_whole);
	ck_assert_uint_eq(chunks.heap.count, 2);
	chunks_assert_block(0, a, 0x288);
	chunks_assert_block(1, b, 0x58);
	ck_assert_ptr_null(vqi_heap_find(&chunks.heap, freed));
}
END_TEST

START_TEST(test_second_heap_of_an_arena)
{
	uint64_t next = ARENA + ARENA_SIZE, a, b, c;

	chunks_map_first(48, 33 * PAGE);
	a = chunks_add(0x290, IN_USE | NOT_MAIN);
	chunks_add(chunks.end - 32 - chunks.at, IN_USE | NOT_MAIN);
	chunks_fences(IN_USE);
	chunks_map_arena(next, ARENA + 48, 33 * PAGE);
	chunks.at = next + infos[_i];
	b = chunks_add(0x70, IN_USE | NOT_MAIN);
	c = chunks_add(0x20, IN_USE | NOT_MAIN);
	chunks_top();
	chunks_look();
	ck_assert(chunks.heap.is_whole);
	ck_assert_uint_eq(chunks.heap.count, 4);
	chunks_assert_block(0, a, 0x288);
	chunks_assert_block(2, b, 0x68);
	chunks_assert_block(3, c, 0x18);
}
END_TEST

/* They are one mapping then. */
START_TEST(test_second_heap_behind_a_full_one)
{
	uint64_t next = ARENA + ARENA_SIZE, a, b;

	chunks_map_first(48, ARENA_SIZE + 33 * PAGE);
	chunks_poke(ARENA + 16, ARENA_SIZE);
	chunks_poke(ARENA + 24, ARENA_SIZE);
	a = chunks_add(0x290, IN_USE | NOT_MAIN);
	chunks_poke(chunks.at + 8, (next - 32 - chunks.at) | IN_USE | NOT_MAIN);
	chunks.at = next - 32;
	chunks_fences(IN_USE);
	chunks_poke(next, ARENA + 48);
	chunks_poke(next + 8, ARENA);
	chunks_poke(next + 16, 33 * PAGE);
	chunks_poke(next + 24, 33 * PAGE);
	chunks.at = next + 48;
	b = chunks_add(0x70, IN_USE | NOT_MAIN);
	chunks_top();
	chunks_look();
	ck_assert(chunks.heap.is_whole);
	ck_assert_uint_eq(chunks.heap.count, 3);
	chunks_assert_block(0, a, 0x288);
	chunks_assert_block(2, b, 0x68);
	chunks_poke(next, 0); /* is no heap */
	chunks_look();
	ck_assert_uint_eq(chunks.heap.count, 2);
}
END_TEST

/* The kernel joins mappings that adjoin; one that is larger than any heap is not looked through. */
START_TEST(test_mapping_that_begins_before)
{
	uint64_t a;

	chunks_map_first(48, 33 * PAGE);
	a = chunks_add(0x290, IN_USE | NOT_MAIN);
	chunks_top();
	chunks.listed[0].start -= 8 * PAGE;
	chunks_look();
	ck_assert(chunks.heap.is_whole);
	ck_assert_uint_eq(chunks.heap.count, 1);
	chunks_assert_block(0, a, 0x288);
	chunks.listed[0].start = chunks.listed[0].end - (UINT64_C(4) << 30) - PAGE;
	chunks_look();
	ck_assert_uint_eq(chunks.heap.count, 0);
}
END_TEST

/* A bit map of the arena's may look like a chunk, whose neighbour does not. */
START_TEST(test_no_chunk_in_the_arena)
{
	uint64_t a;

	chunks_map_first(48, 33 * PAGE);
	a = chunks_add(0x290, IN_USE | NOT_MAIN);
	chunks_top();
	chunks_poke(ARENA + 48 + 2144, 0x41);
	chunks_poke(ARENA + 48 + 2144 + 0x40, IN_USE); /* threads that use it */
	chunks_look();
	ck_assert(chunks.heap.is_whole);
	ck_assert_uint_eq(chunks.heap.count, 1);
	chunks_assert_block(0, a, 0x288);
}
END_TEST

/* It may be changed while it is read: what comes before is found. */
START_TEST(test_broken_arena)
{
	uint64_t a, b, c;

	chunks_map_first(48, 33 * PAGE);
	a = chunks_add(0x290, IN_USE | NOT_MAIN);
	b = chunks_add(0x50, IN_USE | NOT_MAIN);
	chunks_add(0x60, IN_USE | NOT_MAIN);
	chunks_add(0x70, IN_USE | NOT_MAIN);
	c = chunks_add(0x80, IN_USE | NOT_MAIN);
	chunks_top();
	chunks_poke(c - 8, broken_sizes[_i] | IN_USE);
	chunks_look();
	ck_assert(!chunks.heap.is_whole);
	ck_assert_uint_eq(chunks.heap.count, 4);
	chunks_assert_block(0, a, 0x288);
	chunks_assert_block(1, b, 0x48);
}
END_TEST

/* It has more now than when the mappings were listed. */
START_TEST(test_grown_arena)
{
	uint64_t a;

	chunks_map_first(48, 33 * PAGE);
	a = chunks_add(0x290, IN_USE | NOT_MAIN);
	for (int i = 0; i < 3; i++)
		chunks_add(0x40, IN_USE | NOT_MAIN);
	chunks.end += PAGE;
	chunks_top();
	chunks_poke(ARENA + 16, 34 * PAGE);
	chunks_poke(ARENA + 24, 34 * PAGE);
	chunks_look();
	ck_assert(!chunks.heap.is_whole);
	ck_assert_uint_eq(chunks.heap.count, 4);
	chunks_assert_block(0, a, 0x288);
}
END_TEST

/* Aligned by chance: memory of the guest, say. */
static const struct {
	uint64_t arena, size, usable;
} others[] = {
	{0, 0, 0},
	{0, PAGE, PAGE},
	{ARENA, PAGE, PAGE},	      /* no room for a heap_info */
	{ARENA + 36, PAGE, PAGE},     /* not aligned */
	{ARENA + PAGE, PAGE, PAGE},   /* too far */
	{ARENA + 48, 0, PAGE},	      /* nothing of it */
	{ARENA + 48, 2 * PAGE, PAGE}, /* more than can be used */
	{ARENA + 48, PAGE, ARENA_SIZE + PAGE},
	{~0ull, ~0ull, ~0ull},
};

START_TEST(test_no_arena)
{
	chunks_map_first(48, 33 * PAGE);
	chunks_add(0x290, IN_USE | NOT_MAIN);
	chunks_top();
	chunks_poke(ARENA, others[_i].arena);
	chunks_poke(ARENA + 16, others[_i].size);
	chunks_poke(ARENA + 24, others[_i].usable);
	chunks_look();
	ck_assert_uint_eq(chunks.heap.count, 0);
	ck_assert(chunks.heap.is_whole);
}
END_TEST

/* What is of a file, or may not be read or written, is no chunks.heap, whatever is in there. */
START_TEST(test_other_mappings)
{
	char stack[] = "[stack]";
	struct vqi_map *one;

	chunks_map_first(48, 33 * PAGE);
	chunks_add(0x290, IN_USE | NOT_MAIN);
	chunks_top();
	one = &chunks.listed[0];
	chunks_look();
	ck_assert_uint_eq(chunks.heap.count, 1);
	one->readable = _i != 0;
	one->writable = _i != 1;
	one->inode = _i == 2;
	one->path = _i == 3 ? stack : NULL;
	if (_i == 4)
		one->start += PAGE;
	chunks_look();
	ck_assert_uint_eq(chunks.heap.count, 0);
}
END_TEST

START_TEST(test_arena_without_chunks)
{
	chunks_map_arena(ARENA, ARENA + 48, 33 * PAGE);
	chunks_look();
	ck_assert_uint_eq(chunks.heap.count, 0);
	ck_assert(!chunks.heap.is_whole);
	chunks_poke(ARENA + 16, 16); /* less than the arena's own */
	chunks_look();
	ck_assert_uint_eq(chunks.heap.count, 0);
	ck_assert(!chunks.heap.is_whole);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("heap_arenas");

	tcase_add_checked_fixture(tcase, fake_chunks_setup, fake_chunks_teardown);
	tcase_add_loop_test(tcase, test_arena, 0, 3);
	tcase_add_loop_test(tcase, test_second_heap_of_an_arena, 0, 3);
	tcase_add_test(tcase, test_second_heap_behind_a_full_one);
	tcase_add_test(tcase, test_mapping_that_begins_before);
	tcase_add_test(tcase, test_no_chunk_in_the_arena);
	tcase_add_loop_test(tcase, test_broken_arena, 0, broken_size_count);
	tcase_add_test(tcase, test_grown_arena);
	tcase_add_loop_test(tcase, test_no_arena, 0, (int)(sizeof(others) / sizeof(others[0])));
	tcase_add_loop_test(tcase, test_other_mappings, 0, 5);
	tcase_add_test(tcase, test_arena_without_chunks);
	return unit_run("heap_arenas", tcase);
}
