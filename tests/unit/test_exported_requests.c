/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a storage daemon has taken from the queues of its exports, and what carries that on. */
#include <check.h>

#include "fake_carried.h"
#include "unit.h"

#define SEEDS 4
#define USED  1000 /* bytes of a stack */
#define VQ    UINT64_C(0x55d0c0de2000)

static void setup(void)
{
	carried_setup();
	world.layout.kind = VQI_IMAGE_STORAGE_DAEMON;
}

static void use_seed(int seed)
{
	carried_use_seed((unsigned int)seed);
	world.layout.kind = VQI_IMAGE_STORAGE_DAEMON;
}

/* Source: libvhost-user.c virtqueue_alloc_element(). */
static uint64_t make(unsigned int index, unsigned int in_num, unsigned int out_num)
{
	struct fake_heap *heap = &world.heap;
	uint64_t in_sg = (carried_size_of(VQI_S_VuBlkReq) + 7) / 8 * 8,
		 out_sg = in_sg + in_num * 16;
	uint64_t request = fake_heap_add(heap, out_sg + out_num * 16);

	fake_heap_set(heap, request, VQI_F_VuVirtqElement_index, index);
	fake_heap_set(heap, request, VQI_F_VuVirtqElement_in_num, in_num);
	fake_heap_set(heap, request, VQI_F_VuVirtqElement_out_num, out_num);
	fake_heap_set(heap, request, VQI_F_VuVirtqElement_in_sg, request + in_sg);
	fake_heap_set(heap, request, VQI_F_VuVirtqElement_out_sg, request + out_sg);
	for (unsigned int i = 0; i < in_num + out_num; i++) {
		fake_heap_poke(heap, request, in_sg + i * 16, FAKE_HVA(i < in_num, i));
		fake_heap_poke(heap, request, in_sg + i * 16 + 8, 512 + i);
	}
	return request;
}

START_TEST(test_found)
{
	struct vqi_request request = {0};
	uint64_t address;

	use_seed(_i);
	address = make(7, 2, 1);
	fake_heap_set(&world.heap, address, VQI_F_VuBlkReq_vq, VQ);
	carried_find();
	ck_assert_uint_eq(world.count, 1);
	ck_assert_uint_eq(world.elements[0].index, 7);
	ck_assert_uint_eq(world.elements[0].in_num, 2);
	ck_assert_uint_eq(world.elements[0].out_num, 1);
	ck_assert(!world.elements[0].has_guest);
	ck_assert(vqi_element_has(&world.layout, &world.elements[0], VQ));
	ck_assert(!vqi_element_is_bare(&world.layout, &world.elements[0]));
	ck_assert_ok(vqi_element_buffers(&world.elements[0], &request));
	ck_assert_uint_eq(request.buffer_count, 3);
	ck_assert(!request.buffers[0].is_written && request.buffers[1].is_written);
	ck_assert_uint_eq(request.buffers[0].hva, FAKE_HVA(false, 2));
	ck_assert_uint_eq(request.buffers[0].gpa, 0);
	ck_assert_uint_eq(request.buffers[0].len, 514);
	ck_assert_uint_eq(request.buffers[1].hva, FAKE_HVA(true, 0));
	ck_assert_uint_eq(request.buffers[2].hva, FAKE_HVA(true, 1));
	vqi_request_done(&request);
}
END_TEST

START_TEST(test_no_element)
{
	uint64_t address;

	address = make(7, 2, 1);
	fake_heap_set(&world.heap, address, VQI_F_VuVirtqElement_out_sg, address);
	carried_find();
	ck_assert_uint_eq(world.count, 0);
	fake_heap_set(&world.heap, address, VQI_F_VuVirtqElement_in_sg, address + 8);
	carried_find();
	ck_assert_uint_eq(world.count, 0);
}
END_TEST

/* Each has a coroutine of its own, which has the request as its argument. */
START_TEST(test_carried)
{
	uint64_t one, two, lone, coroutine;

	use_seed(_i);
	one = make(1, 1, 1);
	two = make(2, 1, 1);
	lone = make(3, 1, 1);
	coroutine = carried_make_coroutine(two, USED);
	carried_make_coroutine(one + 8, USED);
	carried_find();
	ck_assert_uint_eq(world.count, 3);
	carried_assert_waits(two, coroutine, STACK, USED);
	carried_assert_unknown(one);
	carried_assert_unknown(lone);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("exported_requests");

	tcase_add_checked_fixture(tcase, setup, carried_teardown);
	tcase_add_loop_test(tcase, test_found, 0, SEEDS);
	tcase_add_test(tcase, test_no_element);
	tcase_add_loop_test(tcase, test_carried, 0, SEEDS);
	return unit_run("exported_requests", tcase);
}
