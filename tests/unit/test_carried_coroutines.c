/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which coroutine carries a request on, and whether it waits. */
#include <check.h>
#include <elf.h>

#include "fake_carried.h"
#include "unit.h"

/* It keeps its argument; the block of the request before was given again. */
START_TEST(test_ended)
{
	uint64_t request = carried_make_blk(5, 0), aiocb = carried_make_aiocb(request), coroutine;

	if (_i == 0)
		carried_make_coroutine(aiocb, 200);
	coroutine = carried_make_coroutine(aiocb, 2000);
	if (_i == 1)
		carried_make_coroutine(aiocb, 200);
	carried_find();
	carried_assert_waits(request, coroutine, _i == 0 ? STACK + STACK_SIZE : STACK, 2000);
}
END_TEST

/* However far others have called. */
START_TEST(test_running)
{
	uint64_t request = carried_make_blk(5, 0), aiocb = carried_make_aiocb(request), coroutine;

	if (_i & 1)
		carried_make_coroutine(aiocb, 5000);
	coroutine = carried_make_coroutine(aiocb, 200);
	fake_heap_set(&world.heap, coroutine, VQI_F_Coroutine_caller, CALLER);
	if (_i & 2) /* its registers are what they were when it yielded last */
		carried_set_registers(coroutine, 0);
	if (_i & 4)
		carried_make_coroutine(aiocb, 5000);
	carried_find();
	carried_assert_runs(request, coroutine);
}
END_TEST

static const uint64_t ended[] = {8, 80, 152, 160};

/* Its request waits to be tried again, and nothing carries it. */
START_TEST(test_ended_alone)
{
	uint64_t request = carried_make_blk(5, 0), aiocb = carried_make_aiocb(request);
	uint64_t coroutine = carried_make_coroutine(aiocb, ended[_i]);

	carried_find();
	carried_assert_unknown(request);
	carried_set_registers(coroutine, STACK + STACK_SIZE - 168);
	carried_find();
	carried_assert_waits(request, coroutine, STACK, 168);
	/* It is used again, and has not yielded yet. */
	carried_set_registers(coroutine, STACK + STACK_SIZE - ended[_i]);
	fake_heap_set(&world.heap, coroutine, VQI_F_Coroutine_caller, CALLER);
	carried_find();
	carried_assert_runs(request, coroutine);
}
END_TEST

static const uint64_t sps[] = {0, STACK - 8, STACK + STACK_SIZE, UINT64_MAX, 1ull << 63};

START_TEST(test_outside_of_its_stack)
{
	uint64_t request = carried_make_blk(5, 0);
	uint64_t coroutine = carried_make_coroutine(carried_make_aiocb(request), 2000);

	carried_set_registers(coroutine, sps[_i]);
	carried_find();
	carried_assert_unknown(request);
	carried_set_registers(coroutine, STACK);
	carried_find();
	carried_assert_waits(request, coroutine, STACK, STACK_SIZE);
	fake_heap_set(&world.heap, coroutine, VQI_F_CoroutineUContext_stack_size, 0);
	carried_find();
	carried_assert_unknown(request);
	fake_heap_set(&world.heap, coroutine, VQI_F_CoroutineUContext_stack_size, UINT64_MAX);
	carried_find(); /* no stack goes beyond the end of memory */
	carried_assert_unknown(request);
}
END_TEST

/* With a wrong guard, the stack pointer is anywhere. */
START_TEST(test_wrong_guard)
{
	uint64_t request = carried_make_blk(5, 0);

	carried_make_coroutine(carried_make_aiocb(request), 2000);
	carried_find();
	ck_assert_uint_eq(carried_of(request)->carrier, VQI_CARRIER_WAITING);
	ck_assert_ok(vqi_carried_find(&world.layout, &world.heap.heap, world.machine, 0,
				      world.carried, world.count));
	carried_assert_unknown(request);
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

int main(void)
{
	TCase *tcase = tcase_create("carried_coroutines");

	tcase_add_checked_fixture(tcase, carried_setup, carried_teardown);
	tcase_add_loop_test(tcase, test_ended, 0, 2);
	tcase_add_loop_test(tcase, test_ended_alone, 0, COUNT(ended));
	tcase_add_loop_test(tcase, test_running, 0, 8);
	tcase_add_loop_test(tcase, test_outside_of_its_stack, 0, COUNT(sps));
	tcase_add_test(tcase, test_wrong_guard);
	return unit_run("carried_coroutines", tcase);
}
