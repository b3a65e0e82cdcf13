/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What malloc() gave in a real process. */
#include <check.h>

#include "target_process.h"
#include "unit.h"
#include "vqi/heap.h"

#define ARENA_SIZE (64u << 20)

static struct vqi_heap heap;
static struct test_target target;
static struct vqi_process *process;
static struct vqi_maps maps;

static void setup(void)
{
	vqi_target_start(&target);
	ck_assert_ok(vqi_process_open(target.pid, &process));
}

static void teardown(void)
{
	vqi_heap_done(&heap);
	vqi_maps_done(&maps);
	vqi_process_close(process);
	vqi_target_end(&target);
}

static void look(void)
{
	vqi_heap_done(&heap);
	vqi_maps_done(&maps);
	ck_assert_ok(vqi_process_maps(process, &maps));
	ck_assert_ok(vqi_heap_read(vqi_process_mem(process), &maps, &heap));
	ck_assert(heap.is_whole);
}

/* Found at its address, with its contents. */
static void assert_found(uint64_t address, uint64_t size)
{
	const struct vqi_chunk *block = vqi_heap_find(&heap, address);

	ck_assert_ptr_nonnull(block);
	ck_assert(vqi_chunk_is_for(block->len, size));
	for (uint64_t i = 0; i < size; i++)
		ck_assert_uint_eq(block->data[i], (uint8_t)(size + i * 7));
}

/* So many bytes of a block; those that are not asked to be free are in use. */
static const uint64_t sizes[] = {1,    24,   25,   56,	 100,  240,   250,  1000,
				 1500, 2000, 3000, 4097, 9000, 20000, 70000};

#define SIZES (sizeof(sizes) / sizeof(sizes[0]))
#define LARGE 8 /* from here neither a cache of the thread nor a fast bin keeps them */

START_TEST(test_blocks)
{
	const char *thread = _i ? "thread-" : "";
	uint64_t address[SIZES];

	for (size_t i = 0; i < SIZES; i++) {
		address[i] = vqi_target_ask(&target, "%sblock %llu", thread,
					    (unsigned long long)sizes[i]);
		ck_assert_uint_ne(address[i], 0);
	}
	look();
	for (size_t i = 0; i < SIZES; i++)
		assert_found(address[i], sizes[i]);
	for (size_t i = LARGE; i < SIZES; i += 2)
		ck_assert_uint_eq(vqi_target_ask(&target, "%sfree %llu", thread,
						 (unsigned long long)address[i]),
				  1);
	look();
	for (size_t i = 0; i < SIZES; i++) {
		if (i >= LARGE && (i - LARGE) % 2 == 0)
			ck_assert_ptr_null(vqi_heap_find(&heap, address[i]));
		else
			assert_found(address[i], sizes[i]);
	}
}
END_TEST

/* Those of different threads at once, none of another. */
START_TEST(test_threads)
{
	uint64_t main_block, thread_block;

	main_block = vqi_target_ask(&target, "block 333");
	thread_block = vqi_target_ask(&target, "thread-block 444");
	ck_assert_uint_ne(main_block / ARENA_SIZE, thread_block / ARENA_SIZE);
	look();
	assert_found(main_block, 333);
	assert_found(thread_block, 444);
	for (size_t i = 1; i < heap.count; i++)
		ck_assert_uint_gt(heap.chunks[i].address,
				  heap.chunks[i - 1].address + heap.chunks[i - 1].len);
}
END_TEST

/* More than one heap of an arena holds. */
START_TEST(test_heaps_of_a_thread)
{
	const unsigned int count = 40000;
	uint64_t last = vqi_target_ask(&target, "thread-blocks %u", count);
	unsigned int found = 0;

	look();
	ck_assert_uint_ne(last, 0);
	assert_found(last, 2000);
	for (size_t i = 0; i < heap.count; i++) {
		if (heap.chunks[i].len == 2008 && heap.chunks[i].data[1] == (uint8_t)(2000 + 7))
			found++;
	}
	ck_assert_uint_eq(found, count);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("heap_process");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, test_blocks, 0, 2);
	tcase_add_test(tcase, test_threads);
	tcase_add_test(tcase, test_heaps_of_a_thread);
	return unit_run("heap_process", tcase);
}
