/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an AioContext listens to, also while that changes. */
#include "handlers.h"

#include <check.h>

#include "fake_loops.h"
#include "unit.h"
#include "vqi/limits.h"

#define SEEDS	     6
#define A	     UINT64_C(0x55d0c2000010) /* what handlers are for */
#define B	     UINT64_C(0x55d0c2000020)
#define C	     UINT64_C(0x55d0c2000030)
#define IO_POLL	     UINT64_C(0x55d0c1113330)
#define LE_PREV	     UINT64_C(0x7f1200000010) /* of a list that it is on */
#define MANY_CHANGES 1000

static struct fake_qemu *qemu;
static uint64_t ctx;
static uint64_t handlers[3]; /* for A, B, C */
static struct vqi_aio_context context;

static void make(unsigned int seed)
{
	qemu = fake_qemu_new(seed);
	ctx = fake_aio_context(qemu);
	for (unsigned int i = 0; i < 3; i++)
		handlers[i] = fake_handler(qemu, ctx, A + 16 * i);
	context = (struct vqi_aio_context){0};
}

static void setup(void)
{
	make(1);
}

static void teardown(void)
{
	free(context.handlers);
	fake_qemu_free(qemu);
}

static struct vqi_error *read_context(void)
{
	free(context.handlers);
	context = (struct vqi_aio_context){0};
	return vqi_aio_context_read(&qemu->qemu, ctx, &context);
}

static const struct vqi_aio_handler *find(uint64_t opaque)
{
	return vqi_aio_context_find(&context, opaque);
}

static void assert_found(uint64_t opaque)
{
	ck_assert_msg(find(opaque) != NULL, "0x%llx is missing", (unsigned long long)opaque);
}

static void assert_nothing_returned(void)
{
	ck_assert_uint_eq(context.hva, 0);
	ck_assert_ptr_null(context.handlers);
}

/* Every readv from now on counts from 0, and changes first what context says. */
static void change(void (*before_read)(struct vqi_fake_mem *, void *), void *what)
{
	qemu->fake->calls = 0;
	qemu->fake->before_read = before_read;
	qemu->fake->context = what;
}

START_TEST(test_every_layout)
{
	teardown();
	make((unsigned int)_i);
	fake_set(qemu, handlers[0], VQI_F_AioHandler_io_read, 0);
	fake_set(qemu, handlers[0], VQI_F_AioHandler_polled, LE_PREV);
	fake_set(qemu, handlers[1], VQI_F_AioHandler_polled, LE_PREV);
	fake_set(qemu, handlers[1], VQI_F_AioHandler_io_poll, IO_POLL);
	/* An idle one, which QEMU took off its list. */
	fake_set(qemu, handlers[2], VQI_F_AioHandler_io_poll, IO_POLL);
	fake_set(qemu, handlers[2], VQI_F_AioHandler_is_external, 1);
	fake_set(qemu, ctx, VQI_F_AioContext_external_disable_cnt, 3);
	fake_set(qemu, ctx, VQI_F_AioContext_poll_started, 1);
	ck_assert_ok(read_context());
	ck_assert_uint_eq(context.hva, ctx);
	ck_assert(vqi_num_is(context.external_disable_cnt, 3));
	ck_assert(vqi_num_is(context.poll_started, 1));
	ck_assert_uint_eq(context.handler_count, 3);
	for (unsigned int i = 0; i < 3; i++) {
		assert_found(A + 16 * i);
		ck_assert_int_eq(find(A + 16 * i)->reads, i != 0);
		ck_assert_int_eq(find(A + 16 * i)->polls, i == 1);
		ck_assert_int_eq(find(A + 16 * i)->is_external, i == 2);
	}
}
END_TEST

START_TEST(test_empty_list)
{
	ctx = fake_aio_context(qemu);
	ck_assert_ok(read_context());
	ck_assert_uint_eq(context.hva, ctx);
	ck_assert_uint_eq(context.handler_count, 0);
	ck_assert_ptr_null(find(0));
}
END_TEST

/* More than there is room for at first, in no order, and some for nothing. */
START_TEST(test_long_list)
{
	static const unsigned int count = 300;

	for (unsigned int i = 3; i < count; i++)
		fake_handler(qemu, ctx, A + 16 * (3 + i * 7 % (count - 3)));
	fake_handler(qemu, ctx, 0);
	fake_handler(qemu, ctx, 0);
	ck_assert_ok(read_context());
	ck_assert_uint_eq(context.handler_count, count + 2);
	for (unsigned int i = 0; i < count; i++) {
		assert_found(A + 16 * i);
		ck_assert_uint_eq(find(A + 16 * i)->opaque, A + 16 * i);
		ck_assert_ptr_null(find(A + 16 * i + 8));
	}
	assert_found(0);
	ck_assert_ptr_null(find(UINT64_MAX));
}
END_TEST

/* One that is taken away while the list is in use stays in it until it is not. */
START_TEST(test_deleted_is_left_out)
{
	fake_set(qemu, handlers[1], VQI_F_AioHandler_deleted, LE_PREV);
	ck_assert_ok(read_context());
	ck_assert_uint_eq(context.handler_count, 2);
	assert_found(A);
	ck_assert_ptr_null(find(B));
	assert_found(C);
	/* And one that comes again, for the same notifier. */
	handlers[1] = fake_handler(qemu, ctx, B);
	fake_set(qemu, handlers[1], VQI_F_AioHandler_io_poll, IO_POLL);
	fake_set(qemu, handlers[1], VQI_F_AioHandler_polled, LE_PREV);
	ck_assert_ok(read_context());
	ck_assert_uint_eq(context.handler_count, 3);
	ck_assert(find(B)->polls);
}
END_TEST

START_TEST(test_fields_that_are_needed)
{
	static const enum vqi_field_id fields[] = {VQI_F_AioHandler_node, VQI_F_AioHandler_opaque,
						   VQI_F_AioContext_aio_handlers};

	for (size_t i = 0; i < 3; i++) {
		qemu->layout.fields[fields[i]].present = false;
		ck_assert_code_text(read_context(), VQI_ERROR_NO_LAYOUT,
				    vqi_field_info(fields[i])->name);
		assert_nothing_returned();
		qemu->layout.fields[fields[i]].present = true;
	}
	ck_assert_ok(read_context());
}
END_TEST

/* Without them, it reads, does not poll, and nothing is passed over. */
START_TEST(test_fields_that_a_qemu_may_lack)
{
	static const enum vqi_field_id fields[] = {VQI_F_AioHandler_io_read,
						   VQI_F_AioHandler_io_poll,
						   VQI_F_AioHandler_is_external,
						   VQI_F_AioHandler_deleted,
						   VQI_F_AioContext_external_disable_cnt,
						   VQI_F_AioContext_poll_started};

	fake_set(qemu, handlers[0], VQI_F_AioHandler_io_read, 0);
	fake_set(qemu, handlers[0], VQI_F_AioHandler_io_poll, IO_POLL);
	fake_set(qemu, handlers[0], VQI_F_AioHandler_is_external, 1);
	fake_set(qemu, handlers[0], VQI_F_AioHandler_deleted, LE_PREV);
	fake_set(qemu, ctx, VQI_F_AioContext_external_disable_cnt, 1);
	fake_set(qemu, ctx, VQI_F_AioContext_poll_started, 1);
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		qemu->layout.fields[fields[i]].present = false;
	ck_assert_ok(read_context());
	ck_assert_uint_eq(context.handler_count, 3);
	assert_found(A);
	ck_assert(find(A)->reads);
	ck_assert(!find(A)->polls);
	ck_assert(!find(A)->is_external);
	ck_assert(!context.external_disable_cnt.known);
	ck_assert(!context.poll_started.known);
}
END_TEST

START_TEST(test_list_in_a_ring)
{
	fake_set(qemu, handlers[0], VQI_F_AioHandler_node, handlers[2]);
	qemu->fake->calls = 0;
	ck_assert_code_text(read_context(), VQI_ERROR_LIMIT, "handlers");
	ck_assert_uint_lt(qemu->fake->calls, 10 * VQI_MAX_HANDLERS);
	assert_nothing_returned();
}
END_TEST

START_TEST(test_unreadable_handler)
{
	vqi_fake_mem_fault(qemu->fake, handlers[1], 1024);
	ck_assert_code(read_context(), VQI_ERROR_FAULT);
	assert_nothing_returned();
}
END_TEST

static void heal_at(struct vqi_fake_mem *fake, void *what)
{
	if (fake->calls == *(size_t *)what)
		vqi_fake_mem_heal(fake);
}

/* It was freed and unmapped; by the next reading the list leads elsewhere. */
START_TEST(test_handler_readable_later)
{
	size_t at = 5;

	vqi_fake_mem_fault(qemu->fake, handlers[1], 1024);
	change(heal_at, &at);
	ck_assert_ok(read_context());
	ck_assert_uint_eq(context.handler_count, 3);
}
END_TEST

static void add_at(struct vqi_fake_mem *fake, void *what)
{
	if (fake->calls == *(size_t *)what)
		fake_handler(qemu, ctx, A + 16 * 3);
}

static size_t calls_of_a_reading(void)
{
	change(NULL, NULL);
	ck_assert_ok(read_context());
	return qemu->fake->calls;
}

/* Whenever a handler comes but at the very end, the result has it. */
START_TEST(test_added_meanwhile)
{
	size_t calls = calls_of_a_reading();

	ck_assert_uint_gt(calls, 5);
	for (size_t at = 1; at <= calls - 2; at++) { /* the last two are not of the list */
		change(add_at, &at);
		ck_assert_ok(read_context());
		ck_assert_msg(context.handler_count == 4, "at %zu: %zu", at, context.handler_count);
		assert_found(A + 16 * 3);
		/* Away with it. */
		fake_set(qemu, ctx, VQI_F_AioContext_aio_handlers, handlers[2]);
	}
}
END_TEST

/* The second of the list goes, and its memory is another's. */
static void remove_at(struct vqi_fake_mem *fake, void *what)
{
	if (fake->calls != *(size_t *)what)
		return;
	fake_set(qemu, handlers[2], VQI_F_AioHandler_node, handlers[0]);
	fake_set(qemu, handlers[1], VQI_F_AioHandler_node, 0);
	fake_set(qemu, handlers[1], VQI_F_AioHandler_opaque, 0xdead);
}

START_TEST(test_removed_meanwhile)
{
	size_t calls = calls_of_a_reading();

	for (size_t at = 1; at <= calls - 3;
	     at++) { /* the head stays: what counts is read before */
		change(remove_at, &at);
		ck_assert_ok(read_context());
		ck_assert_msg(context.handler_count == 2, "at %zu: %zu", at, context.handler_count);
		assert_found(A);
		assert_found(C);
		fake_set(qemu, handlers[2], VQI_F_AioHandler_node, handlers[1]);
		fake_set(qemu, handlers[1], VQI_F_AioHandler_node, handlers[0]);
		fake_set(qemu, handlers[1], VQI_F_AioHandler_opaque, B);
	}
}
END_TEST

static void reuse_at(struct vqi_fake_mem *fake, void *what)
{
	if (fake->calls == *(size_t *)what)
		fake_set(qemu, handlers[1], VQI_F_AioHandler_opaque, 0xbeef);
}

/* One goes, and another gets its memory and its place: the links are the same. */
START_TEST(test_place_given_to_another)
{
	size_t calls = calls_of_a_reading();

	for (size_t at = 1; at <= calls - 3; at++) {
		change(reuse_at, &at);
		ck_assert_ok(read_context());
		ck_assert_msg(find(0xbeef) != NULL, "at %zu", at);
		ck_assert_ptr_null(find(B));
		fake_set(qemu, handlers[1], VQI_F_AioHandler_opaque, B);
	}
}
END_TEST

/* Each reading finds it changed; a bound, so that a reader without one would end, too. */
static void always_change(struct vqi_fake_mem *fake, void *what)
{
	(void)what;
	if (fake->calls < MANY_CHANGES)
		fake_set(qemu, handlers[1], VQI_F_AioHandler_opaque, 0x1000 + fake->calls);
}

START_TEST(test_never_at_rest)
{
	change(always_change, NULL);
	ck_assert_code_text(read_context(), VQI_ERROR_BAD_DATA, "changed");
	ck_assert_uint_lt(qemu->fake->calls, MANY_CHANGES);
	assert_nothing_returned();
}
END_TEST

/* Every byte that a healthy run reads fails once. */
START_TEST(test_every_fault)
{
	vqi_cleanup_free struct fake_read *reads = NULL;
	size_t count;

	fake_forget(qemu);
	ck_assert_ok(read_context());
	reads = fake_take_reads(qemu, &count);
	ck_assert_uint_gt(count, 6);
	for (size_t i = 0; i < count; i++) {
		for (uint64_t byte = 0; byte < reads[i].len; byte++) {
			vqi_fake_mem_fault(qemu->fake, reads[i].addr + byte, 1);
			ck_assert_code(read_context(), VQI_ERROR_FAULT);
			assert_nothing_returned();
			vqi_fake_mem_heal(qemu->fake);
			fake_forget(qemu);
		}
	}
}
END_TEST

START_TEST(test_target_ends)
{
	size_t calls = calls_of_a_reading();

	for (size_t i = 0; i < calls; i++) {
		qemu->fake->calls = 0;
		qemu->fake->gone_after = i;
		ck_assert_code(read_context(), VQI_ERROR_GONE);
		ck_assert_uint_eq(qemu->fake->calls, i + 1); /* it does not try again */
		assert_nothing_returned();
	}
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("handlers");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, test_every_layout, 0, SEEDS);
	tcase_add_test(tcase, test_empty_list);
	tcase_add_test(tcase, test_long_list);
	tcase_add_test(tcase, test_deleted_is_left_out);
	tcase_add_test(tcase, test_fields_that_are_needed);
	tcase_add_test(tcase, test_fields_that_a_qemu_may_lack);
	tcase_add_test(tcase, test_list_in_a_ring);
	tcase_add_test(tcase, test_unreadable_handler);
	tcase_add_test(tcase, test_handler_readable_later);
	tcase_add_test(tcase, test_added_meanwhile);
	tcase_add_test(tcase, test_removed_meanwhile);
	tcase_add_test(tcase, test_place_given_to_another);
	tcase_add_test(tcase, test_never_at_rest);
	tcase_add_test(tcase, test_every_fault);
	tcase_add_test(tcase, test_target_ends);
	return unit_run("handlers", tcase);
}
