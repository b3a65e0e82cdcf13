/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The main loop and the iothreads. */
#include "vqi/loops.h"

#include <check.h>

#include "fake_loops.h"
#include "unit.h"
#include "vqi/limits.h"

#define SEEDS	 5
#define MAIN_TID 4242
#define NOTIFIER UINT64_C(0x55d0c2000010)

/* Source: util/async.c */
#define BH_SCHEDULED (1u << 1)
#define BH_DELETED   (1u << 2)
#define BH_ONESHOT   (1u << 3)
#define BH_IDLE	     (1u << 4)

static struct fake_qemu *qemu;
static struct fake_main_loop main_loop;
static uint64_t ctx0, iothread0; /* of the iothread io0 */
static struct vqi_loops loops;

static void make(unsigned int seed)
{
	qemu = fake_qemu_new(seed);
	main_loop = fake_main_loop(qemu);
	iothread0 = fake_iothread(qemu, "io0", 4300, &ctx0);
	loops = (struct vqi_loops){0};
}

static void setup(void)
{
	make(1);
}

static void teardown(void)
{
	vqi_loops_done(&loops);
	fake_qemu_free(qemu);
}

static struct vqi_error *read_loops(void)
{
	vqi_loops_done(&loops);
	return vqi_qemu_loops(&qemu->qemu, MAIN_TID, &loops);
}

static const struct vqi_loop_contexts *find(const char *name)
{
	for (size_t i = 0; i < loops.count; i++) {
		if (strcmp(loops.loops[i].loop.name, name) == 0)
			return &loops.loops[i];
	}
	ck_abort_msg("no %s", name);
	return NULL;
}

static const struct vqi_loop *loop_of(const char *name)
{
	return &find(name)->loop;
}

static bool listens_to(const struct vqi_aio_context *context, uint64_t opaque)
{
	for (size_t i = 0; i < context->handler_count; i++) {
		if (context->handlers[i].opaque == opaque)
			return true;
	}
	return false;
}

START_TEST(test_every_layout)
{
	uint64_t ctx1;

	teardown();
	make((unsigned int)_i);
	fake_iothread(qemu, "io1", 4301, &ctx1);
	fake_handler(qemu, main_loop.ctx, 1);
	fake_handler(qemu, main_loop.iohandler, 2);
	fake_handler(qemu, ctx0, 3);
	fake_handler(qemu, ctx1, 4);
	ck_assert_ok(read_loops());
	ck_assert_uint_eq(loops.count, 3);

	ck_assert_str_eq(loops.loops[0].loop.name, "main loop");
	ck_assert(loops.loops[0].loop.is_main);
	ck_assert(vqi_num_is(loops.loops[0].loop.tid, MAIN_TID));
	ck_assert_uint_eq(loops.loops[0].loop.ctx_hva, main_loop.ctx);
	ck_assert_uint_eq(loops.loops[0].context_count, 2);
	ck_assert_uint_eq(loops.loops[0].contexts[0].hva, main_loop.ctx);
	ck_assert_uint_eq(loops.loops[0].contexts[1].hva, main_loop.iohandler);
	ck_assert(listens_to(&loops.loops[0].contexts[0], 1));
	ck_assert(listens_to(&loops.loops[0].contexts[1], 2));

	for (unsigned int i = 0; i < 2; i++) {
		const struct vqi_loop_contexts *io = find(i ? "iothread io1" : "iothread io0");

		ck_assert(!io->loop.is_main);
		ck_assert(vqi_num_is(io->loop.tid, 4300 + i));
		ck_assert_uint_eq(io->loop.ctx_hva, i ? ctx1 : ctx0);
		ck_assert_uint_eq(io->context_count, 1);
		ck_assert_uint_eq(io->contexts[0].hva, i ? ctx1 : ctx0);
		ck_assert_uint_eq(io->contexts[0].handler_count, 1);
		ck_assert(listens_to(&io->contexts[0], 3 + i));
		ck_assert_ptr_null(io->unknown);
	}
}
END_TEST

/* What else is an object, and an iothread that is elsewhere. */
START_TEST(test_only_iothreads_below_objects)
{
	uint64_t chardevs = fake_object(qemu, VQI_S_Object, "container");
	uint64_t elsewhere = fake_object(qemu, VQI_S_IOThread, "iothread");
	uint64_t root = fake_get(qemu, qemu->machine, VQI_F_Object_parent);

	fake_add_child(qemu, root, "chardevs", chardevs);
	fake_set(qemu, elsewhere, VQI_F_IOThread_ctx, ctx0);
	fake_add_child(qemu, chardevs, "io8", elsewhere);
	fake_add_child(qemu, qemu->objects, "mem0", fake_object(qemu, VQI_S_Object, "memory"));
	fake_add_property(qemu, qemu->objects, "type", "string", 0);
	ck_assert_ok(read_loops());
	ck_assert_uint_eq(loops.count, 2);
	find("iothread io0");
}
END_TEST

START_TEST(test_no_iothreads)
{
	teardown();
	qemu = fake_qemu_new(0);
	main_loop = fake_main_loop(qemu);
	ck_assert_ok(read_loops());
	ck_assert_uint_eq(loops.count, 1);
}
END_TEST

START_TEST(test_iothread_that_is_being_made)
{
	uint64_t ctx1, iothread1 = fake_iothread(qemu, "io1", 0, &ctx1);

	fake_set(qemu, iothread1, VQI_F_IOThread_ctx, 0);
	ck_assert_ok(read_loops());
	ck_assert_uint_eq(loops.count, 2);
	find("iothread io0");
}
END_TEST

START_TEST(test_bottom_halves)
{
	static const unsigned int others[] = {
		0,
		BH_ONESHOT,
		BH_DELETED,
		BH_SCHEDULED | BH_DELETED,
		BH_SCHEDULED | BH_IDLE,
		BH_SCHEDULED | BH_DELETED | BH_ONESHOT,
	};

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		fake_bottom_half(qemu, main_loop.ctx, others[i]);
	ck_assert_ok(read_loops());
	ck_assert(vqi_num_is(loop_of("main loop")->bottom_halves, 0));
	fake_bottom_half(qemu, main_loop.ctx, BH_SCHEDULED);
	fake_bottom_half(qemu, main_loop.ctx, BH_SCHEDULED | BH_ONESHOT | 1);
	fake_bottom_half(qemu, ctx0, BH_SCHEDULED);
	ck_assert_ok(read_loops());
	ck_assert(vqi_num_is(loop_of("main loop")->bottom_halves, 2));
	ck_assert(vqi_num_is(loop_of("iothread io0")->bottom_halves, 1));
}
END_TEST

/* They come and go; the rest is there all the same. */
START_TEST(test_unreadable_bottom_halves)
{
	uint64_t bh = fake_bottom_half(qemu, main_loop.ctx, BH_SCHEDULED);

	fake_handler(qemu, main_loop.iohandler, NOTIFIER);
	for (int ring = 0; ring < 2; ring++) {
		fake_set(qemu, bh, VQI_F_QEMUBH_next, ring ? bh : 4096);
		ck_assert_ok(read_loops());
		ck_assert(!loop_of("main loop")->bottom_halves.known);
		ck_assert(loop_of("main loop")->coroutines.known);
		ck_assert(loop_of("main loop")->polling.known);
		ck_assert(loop_of("main loop")->nested.known);
		ck_assert_ptr_null(find("main loop")->unknown);
		ck_assert_uint_eq(find("main loop")->context_count, 2);
		ck_assert(listens_to(&find("main loop")->contexts[1], NOTIFIER));
		ck_assert(vqi_num_is(loop_of("iothread io0")->bottom_halves, 0));
	}
}
END_TEST

START_TEST(test_coroutines)
{
	ck_assert_ok(read_loops());
	ck_assert(vqi_num_is(loop_of("main loop")->coroutines, 0));
	fake_set(qemu, main_loop.ctx, VQI_F_AioContext_scheduled_coroutines, 0x7f1234567890);
	ck_assert_ok(read_loops());
	ck_assert(vqi_num_is(loop_of("main loop")->coroutines, 1));
	ck_assert(vqi_num_is(loop_of("iothread io0")->coroutines, 0));
}
END_TEST

START_TEST(test_coroutines_are_one_even_if_the_rest_cannot_be_read)
{
	fake_set(qemu, main_loop.ctx, VQI_F_AioContext_scheduled_coroutines, 0x7f1234567890);
	vqi_fake_mem_fault(qemu->fake,
			   fake_place(qemu, main_loop.ctx, VQI_F_AioContext_poll_started), 1);
	ck_assert_ok(read_loops());
	ck_assert(vqi_num_is(loop_of("main loop")->coroutines, 1));
	ck_assert(!loop_of("main loop")->polling.known);
}
END_TEST

/* What notify_me counts from bit 1 on, for bit 0 is glib's own wait, and list_lock from bit 2 on. The main
 * loop walks its handlers without aio_poll(), too, and an iothread does nothing but that. */
START_TEST(test_nested)
{
	static const uint32_t notify_me[] = {0, 1, 2, 3, 4, 0x80000000};
	static const uint32_t list_lock[] = {0, 3, 8, 9, 12, 0x80000000};

	for (size_t i = 0; i < 12; i++) {
		fake_set(qemu, main_loop.ctx, VQI_F_AioContext_notify_me, notify_me[i % 6]);
		fake_set(qemu, main_loop.ctx, VQI_F_AioContext_walkers, i < 6 ? 8 : 4);
		fake_set(qemu, ctx0, VQI_F_AioContext_notify_me, i < 6 ? 2 : 4);
		fake_set(qemu, ctx0, VQI_F_AioContext_walkers, i < 6 ? list_lock[i] : 7);
		ck_assert_ok(read_loops());
		ck_assert(vqi_num_is(loop_of("main loop")->nested, i % 6 > 1));
		ck_assert(vqi_num_is(loop_of("iothread io0")->nested, i > 1 && i < 6));
	}
}
END_TEST

START_TEST(test_polling)
{
	fake_set(qemu, ctx0, VQI_F_AioContext_poll_started, 1);
	ck_assert_ok(read_loops());
	ck_assert(vqi_num_is(loop_of("main loop")->polling, 0));
	ck_assert(vqi_num_is(loop_of("iothread io0")->polling, 1));
}
END_TEST

START_TEST(test_no_main_loop_yet)
{
	static const enum vqi_symbol_id symbols[] = {VQI_SYM_qemu_aio_context,
						     VQI_SYM_iohandler_ctx};

	for (int i = 0; i < 2; i++) {
		fake_set_symbol(qemu, symbols[i], 8, 0);
		ck_assert_code_text(read_loops(), VQI_ERROR_BAD_DATA, "no main loop");
		ck_assert_ptr_null(loops.loops);
		fake_set_symbol(qemu, symbols[i], 8, main_loop.ctx);
	}
	ck_assert_ok(read_loops());
}
END_TEST

START_TEST(test_variables_that_are_needed)
{
	static const enum vqi_symbol_id symbols[] = {VQI_SYM_qemu_aio_context,
						     VQI_SYM_iohandler_ctx};

	for (int i = 0; i < 2; i++) {
		qemu->layout.symbols[symbols[i]].present = false;
		ck_assert_code(read_loops(), VQI_ERROR_NO_LAYOUT);
		ck_assert_ptr_null(loops.loops);
		qemu->layout.symbols[symbols[i]].present = true;
	}
	ck_assert_ok(read_loops());
}
END_TEST

/* What this QEMU does not have of a loop is unknown, and nothing else is. */
START_TEST(test_unknown_fields)
{
	static const enum vqi_field_id fields[] = {
		VQI_F_AioContext_bh_list,
		VQI_F_QEMUBH_flags,
		VQI_F_QEMUBH_next,
		VQI_F_AioContext_scheduled_coroutines,
		VQI_F_AioContext_poll_started,
		VQI_F_AioContext_notify_me,
		VQI_F_IOThread_thread_id,
		VQI_F_AioContext_walkers,
	};

	fake_bottom_half(qemu, main_loop.ctx, BH_SCHEDULED);
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		const struct vqi_loop *loop;

		qemu->layout.fields[fields[i]].present = false;
		ck_assert_ok(read_loops());
		loop = loop_of("main loop");
		ck_assert_int_eq(loop->bottom_halves.known, i > 2);
		ck_assert_int_eq(loop->coroutines.known, i != 3);
		ck_assert_int_eq(loop->polling.known, i != 4);
		ck_assert_int_eq(loop->nested.known, i != 5);
		ck_assert(loop->tid.known);
		ck_assert_int_eq(loop_of("iothread io0")->tid.known, i != 6);
		ck_assert_int_eq(loop_of("iothread io0")->nested.known, i != 7);
		ck_assert_uint_eq(find("main loop")->context_count, 2);
		qemu->layout.fields[fields[i]].present = true;
	}
}
END_TEST

/* What the handlers of one loop cannot be read for is kept with it. */
START_TEST(test_handlers_that_cannot_be_read)
{
	vqi_fake_mem_fault(qemu->fake, fake_handler(qemu, main_loop.iohandler, NOTIFIER), 8);
	ck_assert_ok(read_loops());
	ck_assert_ptr_nonnull(find("main loop")->unknown);
	ck_assert_int_eq(find("main loop")->unknown->code, VQI_ERROR_FAULT);
	ck_assert_uint_eq(find("main loop")->context_count, 1);
	ck_assert(vqi_num_is(loop_of("main loop")->bottom_halves, 0));
	ck_assert_ptr_null(find("iothread io0")->unknown);
	vqi_fake_mem_heal(qemu->fake);

	vqi_fake_mem_fault(qemu->fake, fake_handler(qemu, ctx0, NOTIFIER), 8);
	ck_assert_ok(read_loops());
	ck_assert_ptr_null(find("main loop")->unknown);
	ck_assert_ptr_nonnull(find("iothread io0")->unknown);
	ck_assert_uint_eq(find("iothread io0")->context_count, 0);
	vqi_fake_mem_heal(qemu->fake);

	qemu->layout.fields[VQI_F_AioHandler_node].present = false;
	ck_assert_ok(read_loops());
	ck_assert_int_eq(find("main loop")->unknown->code, VQI_ERROR_NO_LAYOUT);
	ck_assert_int_eq(find("iothread io0")->unknown->code, VQI_ERROR_NO_LAYOUT);
}
END_TEST

/* One iothread that is there as often as there is no room for. */
START_TEST(test_too_many)
{
	uint64_t child[VQI_MAX_LOOPS], property = fake_make(qemu, VQI_S_ObjectProperty);

	fake_set_text(qemu, property, VQI_F_ObjectProperty_name, "io0");
	fake_set_text(qemu, property, VQI_F_ObjectProperty_type, "child<iothread>");
	fake_set(qemu, property, VQI_F_ObjectProperty_opaque, iothread0);
	for (size_t i = 0; i < VQI_MAX_LOOPS; i++)
		child[i] = property;
	for (size_t more = 0; more < 2; more++) {
		fake_set(qemu, qemu->objects, VQI_F_Object_properties,
			 fake_hash(qemu, 4096, child, VQI_MAX_LOOPS - 1 + more, false));
		if (more) {
			ck_assert_code_text(read_loops(), VQI_ERROR_LIMIT, "event loops");
		} else {
			ck_assert_ok(read_loops());
			ck_assert_uint_eq(loops.count, VQI_MAX_LOOPS);
		}
	}
}
END_TEST

static bool is_complete(const struct vqi_loop_contexts *loop)
{
	return !loop->unknown && loop->loop.tid.known && loop->loop.bottom_halves.known &&
	       loop->loop.coroutines.known && loop->loop.polling.known && loop->loop.nested.known;
}

/* Every byte that a healthy run reads fails once: an error, or something unknown. */
START_TEST(test_every_fault)
{
	vqi_cleanup_free struct fake_read *reads = NULL;
	size_t count, errors = 0, partial = 0;

	fake_handler(qemu, main_loop.iohandler, NOTIFIER);
	fake_handler(qemu, ctx0, NOTIFIER);
	fake_bottom_half(qemu, ctx0, BH_SCHEDULED);
	fake_forget(qemu);
	ck_assert_ok(read_loops());
	ck_assert(is_complete(find("main loop")) && is_complete(find("iothread io0")));
	reads = fake_take_reads(qemu, &count);
	for (size_t i = 0; i < count; i++) {
		for (uint64_t byte = 0; byte < reads[i].len; byte++) {
			vqi_cleanup_error struct vqi_error *error = NULL;

			vqi_qemu_done(&qemu->qemu);
			ck_assert_ok(vqi_qemu_init(&qemu->mem, &qemu->layout, qemu->qemu.bias,
						   &qemu->qemu));
			vqi_fake_mem_fault(qemu->fake, reads[i].addr + byte, 1);
			error = read_loops();
			vqi_fake_mem_heal(qemu->fake);
			fake_forget(qemu);
			errors += error != NULL;
			partial += !error;
			ck_assert(error || !is_complete(find("main loop")) ||
				  !is_complete(find("iothread io0")));
			ck_assert(!error || error->code == VQI_ERROR_FAULT);
		}
	}
	ck_assert_uint_gt(errors, 50);
	ck_assert_uint_gt(partial, 50);
}
END_TEST

START_TEST(test_target_ends)
{
	size_t calls;

	qemu->fake->calls = 0;
	ck_assert_ok(read_loops());
	calls = qemu->fake->calls;
	for (size_t i = 0; i < calls; i++) {
		vqi_qemu_done(&qemu->qemu);
		ck_assert_ok(
			vqi_qemu_init(&qemu->mem, &qemu->layout, qemu->qemu.bias, &qemu->qemu));
		qemu->fake->calls = 0;
		qemu->fake->gone_after = i;
		ck_assert_code(read_loops(), VQI_ERROR_GONE);
		ck_assert_ptr_null(loops.loops);
	}
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("loops");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, test_every_layout, 0, SEEDS);
	tcase_add_test(tcase, test_only_iothreads_below_objects);
	tcase_add_test(tcase, test_no_iothreads);
	tcase_add_test(tcase, test_iothread_that_is_being_made);
	tcase_add_test(tcase, test_bottom_halves);
	tcase_add_test(tcase, test_unreadable_bottom_halves);
	tcase_add_test(tcase, test_coroutines);
	tcase_add_test(tcase, test_coroutines_are_one_even_if_the_rest_cannot_be_read);
	tcase_add_test(tcase, test_nested);
	tcase_add_test(tcase, test_polling);
	tcase_add_test(tcase, test_no_main_loop_yet);
	tcase_add_test(tcase, test_variables_that_are_needed);
	tcase_add_test(tcase, test_unknown_fields);
	tcase_add_test(tcase, test_handlers_that_cannot_be_read);
	tcase_add_test(tcase, test_too_many);
	tcase_add_test(tcase, test_every_fault);
	tcase_add_test(tcase, test_target_ends);
	return unit_run("loops", tcase);
}
