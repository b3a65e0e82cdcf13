/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "screen_view.h"

#include <check.h>
#include <string.h>

#include "sample.h"
#include "unit.h"

#define SECOND UINT64_C(1000000000)

static struct vqi_sample sample;
static struct vqi_history *history;
static struct vqi_screen_model *model;
static struct vqi_screen_view view;
static uint64_t now;

/* Shows the sample as it is, a second after the last time. */
static void look(void)
{
	struct vqi_screen_model *old = model;

	ck_assert_ok(vqi_history_add(history, &sample.snapshot, now += SECOND));
	ck_assert_ok(vqi_screen_model_new(history, &sample.snapshot, &sample.diagnosis, &model));
	ck_assert_ok(vqi_screen_view_update(&view, model));
	vqi_screen_model_free(old);
}

static void setup(void)
{
	vqi_sample_stuck(&sample);
	model = NULL;
	view = (struct vqi_screen_view){.page = 3};
	now = SECOND;
	ck_assert_ok(vqi_history_new(&history));
	look();
}

static void teardown(void)
{
	vqi_screen_view_done(&view);
	vqi_screen_model_free(take_ptr(model));
	vqi_history_free(take_ptr(history));
}

/* Presses a key; what it asks for. */
static enum vqi_screen_action_kind press(uint32_t key)
{
	enum vqi_screen_action_kind action;

	ck_assert_ok(vqi_screen_view_key(&view, key, &action));
	ck_assert_ok(vqi_screen_view_update(&view, model));
	return action;
}

static void type(const char *text)
{
	for (; *text; text++)
		ck_assert_int_eq(press((unsigned char)*text), VQI_SCREEN_NONE);
}

/* Asserts which queue is shown at a place. */
static void check_row(size_t place, const char *name, unsigned int index)
{
	ck_assert_uint_lt(place, view.shown_count);
	ck_assert_str_eq(view.shown[place]->name, name);
	ck_assert_uint_eq(view.shown[place]->key.index, index);
}

static void check_selected(const char *name, unsigned int index)
{
	const struct vqi_screen_row *row = vqi_screen_view_selected(&view);

	ck_assert_ptr_nonnull(row);
	ck_assert_str_eq(row->name, name);
	ck_assert_uint_eq(row->key.index, index);
}

START_TEST(test_what_is_wrong_comes_first)
{
	ck_assert_uint_eq(view.shown_count, 2);
	check_row(0, "blk0", 0);
	check_row(1, "net0", 1);
	check_selected("blk0", 0);
}
END_TEST

START_TEST(test_of_what_is_stuck_the_longest_comes_first)
{
	struct vqi_queue *other = &sample.devices[0].queues[1];

	other->avail_idx.value++;
	look();
	other->state = VQI_QUEUE_STUCK;
	sample.devices[0].queues[0].avail_idx.value++;
	look();
	check_row(0, "blk0", 1);
	check_row(1, "blk0", 0);
}
END_TEST

START_TEST(test_idle_queues)
{
	press('v');
	ck_assert_uint_eq(view.shown_count, 32);
	press('v');
	ck_assert_uint_eq(view.shown_count, 2);
}
END_TEST

START_TEST(test_a_queue_that_moved_lingers)
{
	struct vqi_queue *queue = &sample.devices[2].queues[3];

	queue->avail_idx.value++;
	queue->used_idx.value++;
	look();
	ck_assert_uint_eq(view.shown_count, 3);
	for (int i = 0; i < 29; i++)
		look();
	ck_assert_uint_eq(view.shown_count, 3);
	look();
	look();
	ck_assert_uint_eq(view.shown_count, 2);
}
END_TEST

START_TEST(test_sort)
{
	struct vqi_queue *tx = &sample.devices[1].queues[1];

	tx->avail_idx.value += 30;
	tx->used_idx.value += 10;
	look();
	press('s');
	ck_assert_int_eq(view.sort, VQI_SORT_NAME);
	check_row(0, "blk0", 0);
	press('s');
	ck_assert_int_eq(view.sort, VQI_SORT_DEPTH);
	check_row(0, "net0", 1);
	press('s');
	ck_assert_int_eq(view.sort, VQI_SORT_RATE);
	check_row(0, "net0", 1);
	press('s');
	ck_assert_int_eq(view.sort, VQI_SORT_STATE);
	check_row(0, "blk0", 0);
}
END_TEST

START_TEST(test_names_are_in_the_order_of_their_numbers)
{
	sample.devices[2].id = (char *)"net10";
	sample.devices[3].id = (char *)"net2";
	press('v');
	press('s');
	look();
	check_row(0, "/machine/peripheral-anon/device[0]", 0);
	check_row(2, "blk0", 1);
	check_row(3, "net0", 0);
	check_row(6, "net2", 0);
	check_row(16, "net2", 10);
	check_row(26, "net10", 0);
}
END_TEST

START_TEST(test_the_selected_one_stays_selected)
{
	press('j');
	check_selected("net0", 1);
	press('v');
	check_selected("net0", 1);
	press('s');
	press('s');
	check_selected("net0", 1);
	sample.devices[1].queues[1].avail_idx.value += 100;
	look();
	check_selected("net0", 1);
	/* It is idle now, and has been for long. */
	press('v');
	sample.devices[1].queues[1].state = VQI_QUEUE_IDLE;
	sample.diagnosis.finding_count = 1;
	for (int i = 0; i < 40; i++)
		look();
	check_selected("net0", 1);
	ck_assert_uint_eq(view.shown_count, 2);
	press('j');
	check_selected("blk0", 0);
	ck_assert_uint_eq(view.shown_count, 1);
}
END_TEST

START_TEST(test_without_a_choice_the_first_one_is_selected)
{
	press('s');
	press('s');
	sample.devices[1].queues[1].avail_idx.value += 100;
	look();
	check_selected("net0", 1);
	press('j');
	check_selected("blk0", 0);
	press(VQI_KEY_ESCAPE);
	check_selected("net0", 1);
}
END_TEST

START_TEST(test_the_selected_device_goes)
{
	press('j');
	check_selected("net0", 1);
	sample.snapshot.device_count = 1;
	sample.diagnosis.finding_count = 1;
	look();
	check_selected("blk0", 0);
	sample.snapshot.device_count = 0;
	sample.diagnosis.finding_count = 0;
	look();
	ck_assert_ptr_null(vqi_screen_view_selected(&view));
	ck_assert_int_eq(press('j'), VQI_SCREEN_NONE);
	ck_assert_int_eq(press(VQI_KEY_ENTER), VQI_SCREEN_NONE);
}
END_TEST

START_TEST(test_moves)
{
	press('v');
	press(VQI_KEY_DOWN);
	ck_assert_uint_eq(view.selected, 1);
	press(VQI_KEY_PAGE_DOWN);
	ck_assert_uint_eq(view.selected, 4);
	press(VQI_KEY_UP);
	press(VQI_KEY_PAGE_UP);
	press(VQI_KEY_PAGE_UP);
	ck_assert_uint_eq(view.selected, 0);
	press('k');
	ck_assert_uint_eq(view.selected, 0);
	press(VQI_KEY_END);
	ck_assert_uint_eq(view.selected, 31);
	press('j');
	ck_assert_uint_eq(view.selected, 31);
	press('g');
	ck_assert_uint_eq(view.selected, 0);
}
END_TEST

START_TEST(test_filter)
{
	press('/');
	type("SCSI0"); /* q, s and v are letters here; case does not matter */
	ck_assert_uint_eq(view.shown_count, 6);
	press(VQI_KEY_BACKSPACE);
	press(VQI_KEY_BACKSPACE);
	type("sq");
	ck_assert_uint_eq(view.shown_count, 0);
	press(0x15);
	ck_assert_str_eq(view.filter, "");
	type("control-r");
	ck_assert_uint_eq(view.shown_count, 1);
	press(VQI_KEY_ENTER);
	ck_assert(!view.is_typing);
	check_row(0, "serial0", 2);
	press(VQI_KEY_ESCAPE);
	ck_assert_uint_eq(view.shown_count, 2);
	press('/');
	type("stuck");
	ck_assert_uint_eq(view.shown_count, 1);
	press(VQI_KEY_ESCAPE);
	ck_assert(!view.is_typing);
	ck_assert_uint_eq(view.shown_count, 2);
}
END_TEST

START_TEST(test_filter_takes_any_character)
{
	press('/');
	press(0xe9);
	press(0x20ac);
	press(0x1f600);
	ck_assert_str_eq(view.filter, "é\u20ac\U0001f600");
	press(VQI_KEY_BACKSPACE);
	ck_assert_str_eq(view.filter, "é\u20ac");
	press(VQI_KEY_LEFT);
	press(7);
	ck_assert_str_eq(view.filter, "é\u20ac");
	for (int i = 0; i < 2 * VQI_FILTER_BYTES; i++)
		press(0x20ac);
	ck_assert_uint_lt(strlen(view.filter), VQI_FILTER_BYTES);
	for (int i = 0; i < VQI_FILTER_BYTES; i++)
		press(VQI_KEY_BACKSPACE);
	ck_assert_str_eq(view.filter, "");
}
END_TEST

START_TEST(test_actions)
{
	ck_assert_int_eq(press('R'), VQI_SCREEN_REPORT);
	ck_assert_int_eq(press('q'), VQI_SCREEN_QUIT);
	ck_assert_int_eq(press('x'), VQI_SCREEN_NONE);
	ck_assert_int_eq(press(VQI_KEY_ENTER), VQI_SCREEN_CLOSER_LOOK);
	ck_assert_str_eq(view.device, "blk0");
	ck_assert_uint_eq(view.index, 0);
	ck_assert_int_eq(press(' '), VQI_SCREEN_NONE);
	ck_assert(view.is_paused);
	press(' ');
	ck_assert(!view.is_paused);
}
END_TEST

START_TEST(test_a_text)
{
	ck_assert_ok(vqi_screen_view_text(&view, VQI_MODE_TEXT, "t", "a\nb\n\nd\ne\nf"));
	ck_assert_uint_eq(view.line_count, 6);
	ck_assert_str_eq(view.lines[2], "");
	ck_assert_str_eq(view.lines[5], "f");
	press('j');
	ck_assert_uint_eq(view.text_top, 1);
	press(VQI_KEY_PAGE_DOWN);
	ck_assert_uint_eq(view.text_top, 3); /* a page is three lines */
	press('j');
	ck_assert_uint_eq(view.text_top, 3);
	press('k');
	ck_assert_uint_eq(view.text_top, 2);
	/* The same again, of a moment later. */
	ck_assert_int_eq(press('r'), VQI_SCREEN_CLOSER_LOOK);
	ck_assert_ok(vqi_screen_view_text(&view, VQI_MODE_TEXT, "t", "a\nb\nc\nd\ne\nf\n"));
	ck_assert_uint_eq(view.text_top, 2);
	press(VQI_KEY_RIGHT);
	ck_assert_uint_gt(view.text_left, 0);
	press(VQI_KEY_LEFT);
	ck_assert_uint_eq(view.text_left, 0);
	ck_assert_int_eq(press('R'), VQI_SCREEN_REPORT);
	ck_assert_int_eq(press('q'), VQI_SCREEN_NONE);
	ck_assert_int_eq(view.mode, VQI_MODE_QUEUES);
	ck_assert_ok(vqi_screen_view_text(&view, VQI_MODE_TEXT, "t", ""));
	ck_assert_uint_eq(view.line_count, 0);
	press(VQI_KEY_END);
	ck_assert_uint_eq(view.text_top, 0);
	press(VQI_KEY_ESCAPE);
	ck_assert_int_eq(view.mode, VQI_MODE_QUEUES);
}
END_TEST

START_TEST(test_help)
{
	press('?');
	ck_assert_int_eq(view.mode, VQI_MODE_HELP);
	ck_assert_int_eq(press(VQI_KEY_ENTER), VQI_SCREEN_NONE);
	for (size_t i = 0; i < view.line_count; i++)
		ck_assert_uint_lt(strlen(view.lines[i]), 80);
	ck_assert_uint_lt(view.line_count, 23);
	press('h');
	ck_assert_int_eq(view.mode, VQI_MODE_QUEUES);
}
END_TEST

START_TEST(test_a_message_lasts_until_a_key)
{
	ck_assert_ok(vqi_screen_view_message(&view, "done"));
	look();
	ck_assert_str_eq(view.message, "done");
	press('j');
	ck_assert_ptr_null(view.message);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("screen_view");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_what_is_wrong_comes_first);
	tcase_add_test(tcase, test_of_what_is_stuck_the_longest_comes_first);
	tcase_add_test(tcase, test_idle_queues);
	tcase_add_test(tcase, test_a_queue_that_moved_lingers);
	tcase_add_test(tcase, test_sort);
	tcase_add_test(tcase, test_names_are_in_the_order_of_their_numbers);
	tcase_add_test(tcase, test_the_selected_one_stays_selected);
	tcase_add_test(tcase, test_without_a_choice_the_first_one_is_selected);
	tcase_add_test(tcase, test_the_selected_device_goes);
	tcase_add_test(tcase, test_moves);
	tcase_add_test(tcase, test_filter);
	tcase_add_test(tcase, test_filter_takes_any_character);
	tcase_add_test(tcase, test_actions);
	tcase_add_test(tcase, test_a_text);
	tcase_add_test(tcase, test_help);
	tcase_add_test(tcase, test_a_message_lasts_until_a_key);
	return unit_run("screen_view", tcase);
}
