/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a queue has given to its device, among all that malloc() gave. */
#include <check.h>

#include "fake_heap.h"
#include "fake_qemu.h"
#include "unit.h"
#include "vqi/in_flight.h"

#define SEEDS 6

static struct vqi_layout layout;
static struct fake_heap heap;
static struct vqi_element *elements;
static size_t count;
static struct vqi_request request;

static void setup(void)
{
	fake_layout(&layout, 1);
	heap = (struct fake_heap){.layout = &layout};
}

static void forget(void)
{
	free(elements);
	elements = NULL;
	fake_heap_done(&heap);
}

static void teardown(void)
{
	forget();
	vqi_request_done(&request);
}

static void find(void)
{
	free(elements);
	elements = NULL;
	ck_assert_ok(vqi_elements_find(&layout, &heap.heap, &elements, &count));
}

static void assert_none(void)
{
	find();
	ck_assert_uint_eq(count, 0);
}

static uint32_t element_size(void)
{
	return layout.structs[VQI_S_VirtQueueElement].size;
}

/* One, with some room for its device's own. */
static uint64_t make(unsigned int in_num, unsigned int out_num)
{
	return fake_heap_element(&heap, element_size() + 24, 7, in_num, out_num);
}

START_TEST(test_found)
{
	fake_layout(&layout, (unsigned int)_i);
	for (uint32_t extra = 0; extra < 48; extra += extra % 8 ? 1 : 3) {
		for (unsigned int in_num = 0; in_num < 5; in_num++) {
			for (unsigned int out_num = in_num ? 0 : 1; out_num < 5; out_num++) {
				uint64_t size = element_size() + extra, element;

				fake_heap_add(&heap, size);
				element = fake_heap_element(&heap, size, 32767, in_num, out_num);
				fake_heap_add(&heap, 1);
				find();
				ck_assert_uint_eq(count, 1);
				ck_assert_ptr_eq(elements[0].chunk,
						 vqi_heap_find(&heap.heap, element));
				ck_assert_uint_eq(elements[0].index, 32767);
				ck_assert_uint_eq(elements[0].ndescs, in_num + out_num);
				ck_assert_uint_eq(elements[0].in_num, in_num);
				ck_assert_uint_eq(elements[0].out_num, out_num);
				ck_assert_uint_eq(elements[0].in_addr, (size + 7) / 8 * 8);
				forget();
			}
		}
	}
}
END_TEST

START_TEST(test_as_many_as_can_be)
{
	make(1024, 1024);
	find();
	ck_assert_uint_eq(count, 1);
	forget();
	make(1025, 1);
	assert_none();
	forget();
	make(1, 1025);
	assert_none();
}
END_TEST

/* In the order of their addresses; more than there is room for at first. */
START_TEST(test_many)
{
	uint64_t made[200];

	for (unsigned int i = 0; i < 200; i++) {
		fake_heap_make(&heap, VQI_S_Coroutine);
		made[i] = fake_heap_element(&heap, element_size(), i, i % 3, 1);
	}
	find();
	ck_assert_uint_eq(count, 200);
	for (unsigned int i = 0; i < 200; i++) {
		ck_assert_uint_eq(elements[i].chunk->address, made[i]);
		ck_assert_uint_eq(elements[i].index, i);
	}
}
END_TEST

START_TEST(test_nothing)
{
	assert_none();
	fake_heap_add(&heap, 0);
	for (uint64_t size = 1; size < 2000; size += 40)
		memset(fake_heap_at(&heap, fake_heap_add(&heap, size)), _i ? 0xff : 0,
		       heap.heap.chunks[heap.heap.count - 1].len);
	assert_none();
}
END_TEST

/* No buffers at all: no queue gives such. */
START_TEST(test_empty)
{
	make(0, 0);
	assert_none();
}
END_TEST

static const enum vqi_field_id pointers[] = {VQI_F_VirtQueueElement_in_addr,
					     VQI_F_VirtQueueElement_out_addr,
					     VQI_F_VirtQueueElement_in_sg,
					     VQI_F_VirtQueueElement_out_sg};

/* Moved by some, and by what a number has room for. */
static const uint64_t moves[] = {8, 1, 16, (uint64_t)-8, 1ull << 32, 1ull << 63};

START_TEST(test_wrong_pointer)
{
	enum vqi_field_id field = pointers[_i];
	uint64_t element = make(2, 3), right;

	find();
	ck_assert_uint_eq(count, 1);
	memcpy(&right, fake_heap_at(&heap, element) + layout.fields[field].offset, 8);
	for (size_t i = 0; i < sizeof(moves) / sizeof(moves[0]); i++) {
		fake_heap_set(&heap, element, field, right + moves[i]);
		assert_none();
	}
	fake_heap_set(&heap, element, field, 0);
	assert_none();
	fake_heap_set(&heap, element, field, UINT64_MAX);
	assert_none();
}
END_TEST

/* All arrays where they must be behind each other, but elsewhere. */
START_TEST(test_elsewhere)
{
	uint64_t element = fake_heap_element(&heap, element_size() + 80, 7, 2, 3);
	const uint64_t places[] = {element - 8,
				   element,
				   element + element_size() - 8,
				   element + element_size(),
				   element + 4096,
				   UINT64_MAX - 40};

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		fake_heap_set(&heap, element, VQI_F_VirtQueueElement_in_addr, places[i]);
		fake_heap_set(&heap, element, VQI_F_VirtQueueElement_out_addr, places[i] + 16);
		fake_heap_set(&heap, element, VQI_F_VirtQueueElement_in_sg, places[i] + 40);
		fake_heap_set(&heap, element, VQI_F_VirtQueueElement_out_sg, places[i] + 72);
		assert_none();
	}
}
END_TEST

static const struct {
	enum vqi_field_id field;
	uint64_t value;
} wrong[] = {
	{VQI_F_VirtQueueElement_in_num, 0},	     {VQI_F_VirtQueueElement_in_num, 1},
	{VQI_F_VirtQueueElement_in_num, 3},	     {VQI_F_VirtQueueElement_in_num, UINT32_MAX},
	{VQI_F_VirtQueueElement_out_num, 0},	     {VQI_F_VirtQueueElement_out_num, 2},
	{VQI_F_VirtQueueElement_out_num, 5},	     {VQI_F_VirtQueueElement_out_num, UINT32_MAX},
	{VQI_F_VirtQueueElement_in_num, 0x80000002}, {VQI_F_VirtQueueElement_index, 32768},
	{VQI_F_VirtQueueElement_index, UINT32_MAX},
};

START_TEST(test_wrong_number)
{
	uint64_t element = make(2, 3);

	fake_heap_set(&heap, element, wrong[_i].field, wrong[_i].value);
	assert_none();
}
END_TEST

/* As long as malloc() has made it, or with the rest of a free chunk. */
START_TEST(test_size_of_the_block)
{
	struct vqi_chunk *chunk;
	uint32_t right;

	make(2, 3);
	chunk = &heap.heap.chunks[0];
	right = chunk->len;
	heap.heap.parts[0] = realloc(heap.heap.parts[0], right + 64);
	ck_assert_ptr_nonnull(heap.heap.parts[0]);
	chunk->data = heap.heap.parts[0];
	for (uint32_t len = 0; len <= right + 64; len++) {
		chunk->len = len;
		find();
		ck_assert_uint_eq(count, len == right || len == right + 16);
	}
}
END_TEST

START_TEST(test_unknown_layout)
{
	make(2, 3);
	layout.fields[pointers[_i]].present = false;
	ck_assert_code_text(vqi_elements_find(&layout, &heap.heap, &elements, &count),
			    VQI_ERROR_NO_LAYOUT, vqi_field_info(pointers[_i])->name);
}
END_TEST

/* ---- what belongs to it ---- */

START_TEST(test_has)
{
	const uint64_t pointer = 0x555557000000;
	uint64_t element, size, arrays;

	fake_layout(&layout, (unsigned int)_i);
	size = element_size() + 24;
	element = fake_heap_element(&heap, size, 7, 1, 2);
	arrays = (size + 7) / 8 * 8;
	find();
	ck_assert_uint_eq(count, 1);
	ck_assert(!vqi_element_has(&layout, &elements[0], pointer));
	for (uint64_t at = element_size(); at < arrays; at += 8) {
		fake_heap_poke(&heap, element, at, pointer);
		ck_assert(vqi_element_has(&layout, &elements[0], pointer));
		ck_assert(!vqi_element_has(&layout, &elements[0], pointer + 8));
		fake_heap_poke(&heap, element, at, 0);
	}
	/* The element's own, and its arrays, are not its device's. */
	ck_assert(!vqi_element_has(&layout, &elements[0], element + arrays));
	ck_assert(!vqi_element_has(&layout, &elements[0], FAKE_GPA(true, 0)));
}
END_TEST

START_TEST(test_has_nothing_of_its_own)
{
	uint64_t element = fake_heap_element(&heap, element_size(), 7, 1, 0);

	find();
	ck_assert_uint_eq(count, 1);
	ck_assert(!vqi_element_has(&layout, &elements[0], 0));
	ck_assert(!vqi_element_has(&layout, &elements[0], element));
	ck_assert(!vqi_element_has(&layout, &elements[0], FAKE_GPA(true, 0)));
}
END_TEST

static void assert_buffer(size_t index, bool is_in, unsigned int i)
{
	const struct vqi_buffer *buffer = &request.buffers[index];

	ck_assert_uint_eq(buffer->gpa, FAKE_GPA(is_in, i));
	ck_assert_uint_eq(buffer->hva, FAKE_HVA(is_in, i));
	ck_assert_uint_eq(buffer->len, FAKE_LEN(is_in, i));
	ck_assert(buffer->is_written == is_in);
}

/* Those that the driver wrote come first; what the request had is replaced. */
START_TEST(test_buffers)
{
	for (unsigned int in_num = 0; in_num < 6; in_num++) {
		for (unsigned int out_num = in_num ? 0 : 1; out_num < 6; out_num++) {
			make(in_num, out_num);
			find();
			ck_assert_ok(vqi_element_buffers(&elements[0], &request));
			ck_assert_uint_eq(request.buffer_count, in_num + out_num);
			for (unsigned int i = 0; i < out_num; i++)
				assert_buffer(i, false, i);
			for (unsigned int i = 0; i < in_num; i++)
				assert_buffer(out_num + i, true, i);
			forget();
		}
	}
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("elements");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, test_found, 0, SEEDS);
	tcase_add_test(tcase, test_as_many_as_can_be);
	tcase_add_test(tcase, test_many);
	tcase_add_loop_test(tcase, test_nothing, 0, 2);
	tcase_add_test(tcase, test_empty);
	tcase_add_loop_test(tcase, test_wrong_pointer, 0, 4);
	tcase_add_test(tcase, test_elsewhere);
	tcase_add_loop_test(tcase, test_wrong_number, 0, (int)(sizeof(wrong) / sizeof(wrong[0])));
	tcase_add_test(tcase, test_size_of_the_block);
	tcase_add_loop_test(tcase, test_unknown_layout, 0, 4);
	tcase_add_loop_test(tcase, test_has, 0, SEEDS);
	tcase_add_test(tcase, test_has_nothing_of_its_own);
	tcase_add_test(tcase, test_buffers);
	return unit_run("elements", tcase);
}
