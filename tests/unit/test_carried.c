/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From what a disk has taken to the coroutine that carries it on. */
#include <check.h>
#include <elf.h>

#include "fake_carried.h"
#include "unit.h"

#define SEEDS 6

START_TEST(test_blk)
{
	uint64_t request, coroutine, idle;

	carried_use_seed((unsigned int)_i);
	request = carried_make_blk(5, 123456789);
	idle = carried_make_blk(6, 0);
	coroutine = carried_make_coroutine(carried_make_aiocb(request), 2000);
	carried_make_coroutine(0, 3000); /* another's */
	carried_find();
	carried_assert_waits(request, coroutine, STACK, 2000);
	ck_assert(vqi_num_is(carried_of(request)->start_ns, 123456789));
	ck_assert_uint_eq(carried_of(request)->element->index, 5);
	carried_assert_unknown(idle);
	ck_assert(!carried_of(idle)->start_ns.known);
}
END_TEST

START_TEST(test_scsi)
{
	uint64_t sreq, request, coroutine, flush, flush_sreq, flush_coroutine;

	carried_use_seed((unsigned int)_i);
	sreq = fake_heap_make(&world.heap, VQI_S_SCSIDiskReq);
	fake_heap_set(&world.heap, sreq, VQI_F_SCSIDiskReq_acct_start, 987654321);
	coroutine = carried_make_coroutine(carried_make_aiocb(carried_make_dma(sreq)), 2000);
	request = carried_make_scsi(5, sreq);
	flush_sreq = fake_heap_make(&world.heap, VQI_S_SCSIDiskReq);
	flush = carried_make_scsi(6, flush_sreq); /* moves no data */
	flush_coroutine = carried_make_coroutine(carried_make_aiocb(flush_sreq), 1000);
	carried_find();
	carried_assert_waits(request, coroutine, STACK, 2000);
	ck_assert(vqi_num_is(carried_of(request)->start_ns, 987654321));
	carried_assert_waits(flush, flush_coroutine, STACK + STACK_SIZE, 1000);
	ck_assert(!carried_of(flush)->start_ns.known);
}
END_TEST

START_TEST(test_aarch64)
{
	uint64_t request, coroutine;

	world.machine = EM_AARCH64;
	request = carried_make_blk(5, 0);
	coroutine = carried_make_coroutine(carried_make_aiocb(request), 2000);
	carried_find();
	carried_assert_waits(request, coroutine, STACK, 2000);
}
END_TEST

/* Of a machine whose registers are not known, that one runs is still known. */
START_TEST(test_other_machine)
{
	uint64_t waits = carried_make_blk(5, 11), runs = carried_make_blk(6, 12), coroutine;

	carried_make_coroutine(carried_make_aiocb(waits), 2000);
	coroutine = carried_make_coroutine(carried_make_aiocb(runs), 2000);
	fake_heap_set(&world.heap, coroutine, VQI_F_Coroutine_caller, CALLER);
	world.machine = EM_S390;
	carried_find();
	carried_assert_unknown(waits);
	ck_assert(vqi_num_is(carried_of(waits)->start_ns, 11));
	carried_assert_runs(runs, coroutine);
}
END_TEST

/* What is no request of a disk, or of another kind of SCSI device. */
START_TEST(test_not_of_a_disk)
{
	uint64_t other =
		fake_heap_element(&world.heap, carried_size_of(VQI_S_VirtQueueElement), 5, 1, 1);
	uint64_t generic = carried_make_scsi(6, fake_heap_add(&world.heap, 4000));
	uint64_t none = carried_make_scsi(7, 0), wild = carried_make_scsi(8, UINT64_MAX);

	carried_make_coroutine(carried_make_aiocb(other), 2000);
	carried_make_coroutine(carried_make_aiocb(0), 2000);
	carried_find();
	ck_assert_uint_eq(world.count, 4);
	carried_assert_unknown(other);
	carried_assert_unknown(generic);
	carried_assert_unknown(none);
	carried_assert_unknown(wild);
}
END_TEST

/* One that is left over from a request before names a BlockBackend that is none. */
START_TEST(test_no_backend)
{
	uint64_t request = carried_make_blk(5, 0), aiocb = carried_make_aiocb(request);

	carried_make_coroutine(aiocb, 2000);
	fake_heap_set(&world.heap, aiocb, VQI_F_BlkAioEmAIOCB_blk, _i ? world.blk + 8 : 0);
	carried_find();
	carried_assert_unknown(request);
}
END_TEST

/* ---- requests that are one ---- */

START_TEST(test_merged)
{
	uint64_t request[4], coroutine;

	carried_use_seed((unsigned int)_i);
	for (unsigned int i = 0; i < 4; i++)
		request[i] = carried_make_blk(i, 100 + i);
	/* Not in the order of their addresses. */
	fake_heap_set(&world.heap, request[2], VQI_F_VirtIOBlockReq_mr_next, request[0]);
	fake_heap_set(&world.heap, request[0], VQI_F_VirtIOBlockReq_mr_next, request[3]);
	coroutine = carried_make_coroutine(carried_make_aiocb(request[2]), 2000);
	carried_find();
	for (unsigned int i = 0; i < 4; i++) {
		ck_assert(vqi_num_is(carried_of(request[i])->start_ns, 100 + i));
		if (i == 1)
			carried_assert_unknown(request[i]);
		else
			carried_assert_waits(request[i], coroutine, STACK, 2000);
	}
}
END_TEST

START_TEST(test_merged_runs)
{
	uint64_t first = carried_make_blk(5, 0), second = carried_make_blk(6, 0), coroutine;

	fake_heap_set(&world.heap, first, VQI_F_VirtIOBlockReq_mr_next, second);
	coroutine = carried_make_coroutine(carried_make_aiocb(first), 2000);
	fake_heap_set(&world.heap, coroutine, VQI_F_Coroutine_caller, CALLER);
	carried_find();
	carried_assert_runs(first, coroutine);
	carried_assert_runs(second, coroutine);
}
END_TEST

/* Its memory was that of a request whose coroutine has ended. Whichever is looked at first. */
START_TEST(test_merged_with_a_coroutine_that_ended)
{
	uint64_t request[3], coroutine;
	unsigned int first = _i ? 2 : 0, last = _i ? 0 : 2;

	for (unsigned int i = 0; i < 3; i++)
		request[i] = carried_make_blk(i, 0);
	carried_make_coroutine(carried_make_aiocb(request[1]), 200);
	fake_heap_set(&world.heap, request[first], VQI_F_VirtIOBlockReq_mr_next, request[1]);
	fake_heap_set(&world.heap, request[1], VQI_F_VirtIOBlockReq_mr_next, request[last]);
	coroutine = carried_make_coroutine(carried_make_aiocb(request[first]), 2000);
	carried_find();
	for (unsigned int i = 0; i < 3; i++)
		carried_assert_waits(request[i], coroutine, STACK + STACK_SIZE, 2000);
}
END_TEST

/* Broken: to themselves, in circles, to nowhere. */
START_TEST(test_merged_in_circles)
{
	uint64_t request[3], coroutine;

	for (unsigned int i = 0; i < 3; i++)
		request[i] = carried_make_blk(i, 0);
	coroutine = carried_make_coroutine(carried_make_aiocb(request[0]), 2000);
	fake_heap_set(&world.heap, request[0], VQI_F_VirtIOBlockReq_mr_next, request[1]);
	fake_heap_set(&world.heap, request[1], VQI_F_VirtIOBlockReq_mr_next, request[2]);
	fake_heap_set(&world.heap, request[2], VQI_F_VirtIOBlockReq_mr_next,
		      _i < 3 ? request[_i] : UINT64_MAX);
	carried_find();
	for (unsigned int i = 0; i < 3; i++)
		carried_assert_waits(request[i], coroutine, STACK, 2000);
	fake_heap_set(&world.heap, request[0], VQI_F_VirtIOBlockReq_mr_next, request[0]);
	carried_find();
	carried_assert_waits(request[0], coroutine, STACK, 2000);
	carried_assert_unknown(request[1]);
}
END_TEST

/* ---- what is not known ---- */

static const enum vqi_field_id fields[] = {
	VQI_F_BlkAioEmAIOCB_opaque,	    VQI_F_BlkAioEmAIOCB_blk,
	VQI_F_Coroutine_entry_arg,	    VQI_F_Coroutine_caller,
	VQI_F_CoroutineUContext_stack,	    VQI_F_CoroutineUContext_env,
	VQI_F_CoroutineUContext_stack_size,
};

START_TEST(test_unknown_field)
{
	uint64_t request = carried_make_blk(5, 77);

	carried_make_coroutine(carried_make_aiocb(request), 2000);
	world.layout.fields[fields[_i]].present = false;
	carried_find();
	carried_assert_unknown(request);
	ck_assert(vqi_num_is(carried_of(request)->start_ns, 77));
}
END_TEST

static const enum vqi_struct_id structures[] = {VQI_S_VirtIOBlockReq, VQI_S_BlkAioEmAIOCB,
						VQI_S_CoroutineUContext};

START_TEST(test_unknown_structure)
{
	uint64_t request = carried_make_blk(5, 77);

	carried_make_coroutine(carried_make_aiocb(request), 2000);
	vqi_layout_drop(&world.layout, structures[_i]);
	carried_find();
	carried_assert_unknown(request);
	ck_assert(carried_of(request)->start_ns.known == (_i != 0));
}
END_TEST

START_TEST(test_unknown_scsi)
{
	static const enum vqi_struct_id dropped[] = {VQI_S_VirtIOSCSIReq, VQI_S_SCSIDiskReq,
						     VQI_S_DMAAIOCB};
	uint64_t sreq = fake_heap_make(&world.heap, VQI_S_SCSIDiskReq), request;

	fake_heap_set(&world.heap, sreq, VQI_F_SCSIDiskReq_acct_start, 77);
	request = carried_make_scsi(5, sreq);
	carried_make_coroutine(carried_make_aiocb(carried_make_dma(sreq)), 2000);
	vqi_layout_drop(&world.layout, dropped[_i]);
	carried_find();
	carried_assert_unknown(request);
	ck_assert(carried_of(request)->start_ns.known == (_i == 2));
}
END_TEST

/* Only what the accounting and merging need is not known. */
START_TEST(test_unknown_of_the_request)
{
	uint64_t first = carried_make_blk(5, 77), second = carried_make_blk(6, 0), coroutine;

	fake_heap_set(&world.heap, first, VQI_F_VirtIOBlockReq_mr_next, second);
	coroutine = carried_make_coroutine(carried_make_aiocb(first), 2000);
	world.layout.fields[VQI_F_VirtIOBlockReq_acct_start].present = false;
	world.layout.fields[VQI_F_VirtIOBlockReq_mr_next].present = false;
	carried_find();
	carried_assert_waits(first, coroutine, STACK, 2000);
	ck_assert(!carried_of(first)->start_ns.known);
	carried_assert_unknown(second);
}
END_TEST

/* What lies in other blocks is of other structures, whatever it says. */
START_TEST(test_other_sizes)
{
	uint64_t request = carried_make_blk(5, 0), aiocb, coroutine;

	aiocb = carried_make_aiocb(request);
	coroutine = carried_make_coroutine(aiocb, 2000);
	for (size_t i = 0; i < world.heap.heap.count; i++) {
		struct vqi_chunk *chunk = &world.heap.heap.chunks[i];

		if (chunk->address != (_i ? coroutine : aiocb))
			continue;
		carried_find();
		carried_assert_waits(request, coroutine, STACK, 2000);
		chunk->len -= 32;
		carried_find();
		carried_assert_unknown(request);
		return;
	}
	ck_abort_msg("no such block");
}
END_TEST

START_TEST(test_none)
{
	ck_assert_ok(
		vqi_carried_find(&world.layout, &world.heap.heap, world.machine, GUARD, NULL, 0));
	fake_heap_done(&world.heap);
	ck_assert_ok(
		vqi_carried_find(&world.layout, &world.heap.heap, world.machine, GUARD, NULL, 0));
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

int main(void)
{
	TCase *tcase = tcase_create("carried");

	tcase_add_checked_fixture(tcase, carried_setup, carried_teardown);
	tcase_add_loop_test(tcase, test_blk, 0, SEEDS);
	tcase_add_loop_test(tcase, test_scsi, 0, SEEDS);
	tcase_add_test(tcase, test_aarch64);
	tcase_add_test(tcase, test_other_machine);
	tcase_add_test(tcase, test_not_of_a_disk);
	tcase_add_loop_test(tcase, test_no_backend, 0, 2);
	tcase_add_loop_test(tcase, test_merged, 0, SEEDS);
	tcase_add_test(tcase, test_merged_runs);
	tcase_add_loop_test(tcase, test_merged_with_a_coroutine_that_ended, 0, 2);
	tcase_add_loop_test(tcase, test_merged_in_circles, 0, 4);
	tcase_add_loop_test(tcase, test_unknown_field, 0, COUNT(fields));
	tcase_add_loop_test(tcase, test_unknown_structure, 0, COUNT(structures));
	tcase_add_loop_test(tcase, test_unknown_scsi, 0, 3);
	tcase_add_test(tcase, test_unknown_of_the_request);
	tcase_add_loop_test(tcase, test_other_sizes, 0, 2);
	tcase_add_test(tcase, test_none);
	return unit_run("carried", tcase);
}
