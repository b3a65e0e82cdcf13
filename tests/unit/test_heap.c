/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What malloc() gave, in the main heap. */
#include <check.h>

#include "fake_chunks.h"
#include "unit.h"
#include "vqi/limits.h"

static uint64_t used(size_t size)
{
	return chunks_add(size, IN_USE);
}

START_TEST(test_nothing)
{
	chunks_look();
	ck_assert_uint_eq(chunks.heap.count, 0);
	ck_assert(chunks.heap.is_whole);
	ck_assert_ptr_null(vqi_heap_find(&chunks.heap, MAIN));
}
END_TEST

/* A free chunk is told by the one behind it. What lies in a consolidated one is its own business. */
START_TEST(test_main_heap)
{
	uint64_t a, b, c, freed, tail;

	chunks_map_main(64 * PAGE);
	a = used(32);
	freed = used(0x400);
	chunks_poke(freed + 0x100 + 8, 0x40 | IN_USE); /* was a chunk once */
	b = chunks_add(0x90, 0);
	c = used(0x210);
	tail = used(48);
	chunks_top();
	chunks_look();
	ck_assert(chunks.heap.is_whole);
	ck_assert_uint_eq(chunks.heap.count, 4);
	chunks_assert_block(0, a, 24);
	chunks_assert_block(1, b, 0x88);
	chunks_assert_block(2, c, 0x208);
	chunks_assert_block(3, tail, 40);
	ck_assert_ptr_null(vqi_heap_find(&chunks.heap, freed));
	ck_assert_ptr_null(vqi_heap_find(&chunks.heap, freed + 0x110));
	ck_assert_ptr_null(vqi_heap_find(&chunks.heap, chunks.at + 16)); /* the top */
	ck_assert_ptr_null(vqi_heap_find(&chunks.heap, b + 8));
	ck_assert_ptr_null(vqi_heap_find(&chunks.heap, 0));
	ck_assert_ptr_null(vqi_heap_find(&chunks.heap, UINT64_MAX));
}
END_TEST

/* The last bytes of a block are where the chunk behind it begins. */
START_TEST(test_last_bytes)
{
	uint64_t a;

	chunks_map_main(PAGE);
	a = used(32);
	chunks_top();
	chunks_poke(a + 16, UINT64_C(0x1122334455667788));
	chunks_look();
	chunks_assert_block(0, a, 24);
	ck_assert_mem_eq(chunks.heap.chunks[0].data + 16, vqi_fake_mem_at(chunks.fake, a + 16, 8),
			 8);
}
END_TEST

START_TEST(test_fence)
{
	uint64_t a;

	chunks_map_main(PAGE);
	a = used(32);
	used(PAGE - 32 - 32);
	chunks_fences(_i ? IN_USE : 0);
	chunks_look();
	ck_assert(chunks.heap.is_whole);
	ck_assert_uint_eq(chunks.heap.count, _i ? 2 : 1);
	chunks_assert_block(0, a, 24);
}
END_TEST

/* What another has taken from the system lies behind it, and chunks may lie behind that. */
START_TEST(test_fence_in_the_middle)
{
	chunks_map_main(PAGE);
	used(32);
	used(64);
	chunks_fences(IN_USE);
	chunks_look();
	ck_assert_uint_eq(chunks.heap.count, 2);
	ck_assert(!chunks.heap.is_whole);
}
END_TEST

START_TEST(test_broken_size)
{
	uint64_t a, b, c;

	chunks_map_main(PAGE);
	a = used(32);
	b = used(64);
	c = used(96);
	used(128);
	chunks_top();
	chunks_poke(c - 8, broken_sizes[_i] | IN_USE);
	chunks_look();
	ck_assert(!chunks.heap.is_whole);
	ck_assert_uint_eq(chunks.heap.count, 2);
	chunks_assert_block(0, a, 24);
	chunks_assert_block(1, b, 56);
}
END_TEST

/* Any word may be anything: what is found lies within what was read, in order, and it ends. */
START_TEST(test_any_bytes)
{
	uint64_t state = (uint64_t)_i + 1;

	chunks_map_main(4 * PAGE);
	chunks_map_first(_i % 2 ? 32 : 48, 4 * PAGE);
	for (uint64_t i = 0; i < 8 * PAGE; i += 8) {
		uint64_t word = i < 4 * PAGE ? MAIN + i : ARENA + i - 4 * PAGE;

		state = state * UINT64_C(6364136223846793005) + 1442695040888963407;
		if (word - ARENA >= 32 && state >> 61)
			chunks_poke(word, state >> 40 & (state >> 63 ? 0xff1 : ~0ull));
	}
	chunks_look();
	for (size_t i = 0; i < chunks.heap.count; i++) {
		const struct vqi_chunk *block = &chunks.heap.chunks[i];
		uint64_t part = block->address < ARENA ? MAIN : ARENA;
		volatile uint8_t last = block->data[block->len - 1];

		(void)last;
		ck_assert_uint_ge(block->len, 24);
		ck_assert_uint_le(block->address - part + block->len, 4 * PAGE);
		if (i)
			ck_assert_uint_ge(block->address, block[-1].address + block[-1].len + 8);
	}
}
END_TEST

/* Reading is by large pieces; what is before one that fails is found, and what is in other parts. */
START_TEST(test_unreadable)
{
	const size_t piece = 256u << 10;
	uint64_t a, b;

	chunks_map_main(3 * piece);
	a = used(piece - 64);
	used(2 * piece);
	chunks_top();
	vqi_fake_mem_fault(chunks.fake, MAIN + piece + 100, 1);
	chunks_map_first(48, 33 * PAGE);
	b = chunks_add(0x290, IN_USE | NOT_MAIN);
	chunks_top();
	chunks_look();
	ck_assert(chunks.heap.is_whole); /* nothing begins in there */
	ck_assert_uint_eq(chunks.heap.count, 3);
	vqi_fake_mem_heal(chunks.fake);
	vqi_fake_mem_fault(chunks.fake, MAIN + 2 * piece + 100, 1);
	chunks_look();
	ck_assert(!chunks.heap.is_whole);
	ck_assert_uint_eq(chunks.heap.count, 2);
	chunks_assert_block(0, a, (uint32_t)piece - 72);
	chunks_assert_block(1, b, 0x288);
	vqi_fake_mem_fault(chunks.fake, ARENA, 8); /* its head */
	chunks_look();
	ck_assert_uint_eq(chunks.heap.count, 1);
}
END_TEST

/* All that cannot be read is no heap that has been followed to its end. */
START_TEST(test_nothing_readable)
{
	chunks_map_main(4 * PAGE);
	used(32);
	chunks_top();
	vqi_fake_mem_fault(chunks.fake, MAIN, 1);
	chunks_look();
	ck_assert_uint_eq(chunks.heap.count, 0);
	ck_assert(!chunks.heap.is_whole);
}
END_TEST

START_TEST(test_target_ends)
{
	chunks_map_main(PAGE);
	used(32);
	chunks_top();
	chunks_map_first(48, 33 * PAGE);
	chunks_add(0x290, IN_USE | NOT_MAIN);
	chunks_top();
	for (size_t i = 0; i < 3; i++) {
		chunks.fake->calls = 0;
		chunks.fake->gone_after = i;
		ck_assert_code(vqi_heap_read(vqi_fake_mem_base(chunks.fake), &chunks.maps,
					     &chunks.heap),
			       VQI_ERROR_GONE);
	}
	chunks.fake->calls = 0;
	chunks.fake->gone_after = 3;
	chunks_look();
	ck_assert_uint_eq(chunks.heap.count, 2);
}
END_TEST

/* It is asked before anything is read. */
START_TEST(test_too_large)
{
	char path[] = "[heap]";

	chunks.listed[chunks.maps.count++] =
		(struct vqi_map){.start = MAIN,
				 .end = MAIN + VQI_MAX_HEAP_BYTES + PAGE,
				 .readable = true,
				 .writable = true,
				 .path = path};
	ck_assert_code_text(vqi_heap_read(vqi_fake_mem_base(chunks.fake), &chunks.maps,
					  &chunks.heap),
			    VQI_ERROR_LIMIT, "more than 512 MiB of heap");
	ck_assert_uint_eq(chunks.fake->calls, 0);
}
END_TEST

START_TEST(test_size_of_a_structure)
{
	for (uint64_t size = 0; size < 200; size++) {
		uint32_t least = size <= 24 ? 24 : (uint32_t)(size + 8 + 15) / 16 * 16 - 8;

		for (uint32_t len = 0; len < 300; len++)
			ck_assert(vqi_chunk_is_for(len, size) ==
				  (len == least || len == least + 16));
	}
	for (uint64_t i = 0; i < 64; i++) {
		ck_assert(!vqi_chunk_is_for(24, UINT64_MAX - i));
		ck_assert(!vqi_chunk_is_for(40, UINT64_MAX - i));
		ck_assert(!vqi_chunk_is_for(UINT32_MAX, UINT64_MAX - i));
	}
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("heap");

	tcase_add_checked_fixture(tcase, fake_chunks_setup, fake_chunks_teardown);
	tcase_add_test(tcase, test_nothing);
	tcase_add_test(tcase, test_main_heap);
	tcase_add_test(tcase, test_last_bytes);
	tcase_add_loop_test(tcase, test_fence, 0, 2);
	tcase_add_test(tcase, test_fence_in_the_middle);
	tcase_add_loop_test(tcase, test_broken_size, 0, broken_size_count);
	tcase_add_loop_test(tcase, test_any_bytes, 0, 200);
	tcase_add_test(tcase, test_unreadable);
	tcase_add_test(tcase, test_nothing_readable);
	tcase_add_test(tcase, test_target_ends);
	tcase_add_test(tcase, test_too_large);
	tcase_add_test(tcase, test_size_of_a_structure);
	return unit_run("heap", tcase);
}
