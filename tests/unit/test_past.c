/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "past.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

#define MS	 UINT64_C(1000000)
#define START_NS (1000000 * MS)

static struct vqi_past past;
static uint64_t now_ns;
static struct vqi_snapshot next; /* what the next look is asked for */

static void setup(void)
{
	now_ns = START_NS;
	next = (struct vqi_snapshot){.target.run_state = (char *)"running"};
}

static void teardown(void)
{
	vqi_past_done(&past);
}

/* Adds a look so much after the one before. */
static void add(uint64_t after_ms, bool is_brief)
{
	struct vqi_snapshot *snapshot = vqi_snapshot_new();

	ck_assert_ptr_nonnull(snapshot);
	snapshot->target.run_state = strdup(next.target.run_state);
	snapshot->target.held = next.target.held;
	snapshot->capture.is_brief = is_brief;
	now_ns += after_ms * MS;
	ck_assert_ok(vqi_past_add(&past, snapshot, now_ns));
	ck_assert_ptr_eq(vqi_past_last(&past), snapshot);
}

/* How old the look is that one of now is compared with; 0: there is none. */
static uint64_t found_ms(uint64_t after_ms, bool is_brief)
{
	const struct vqi_past_look *look;

	next.capture.is_brief = is_brief;
	look = vqi_past_find(&past, &next, now_ns + after_ms * MS);
	return look ? (now_ns + after_ms * MS - look->time_ns) / MS : 0;
}

START_TEST(test_none_at_first)
{
	ck_assert_ptr_null(vqi_past_last(&past));
	ck_assert_uint_eq(found_ms(0, false), 0);
	add(0, false);
	ck_assert_uint_eq(found_ms(999, false), 0);
	ck_assert_uint_eq(found_ms(1000, false), 1000);
}
END_TEST

START_TEST(test_the_last_one_where_they_are_rare)
{
	for (int i = 0; i < 10; i++) {
		add(60000, false);
		ck_assert_uint_eq(found_ms(60000, false), 60000);
		ck_assert_uint_le(past.count, 2);
	}
}
END_TEST

START_TEST(test_few_are_kept_where_there_are_many)
{
	for (int i = 0; i < 5000; i++) {
		add(1, false);
		ck_assert_uint_le(past.count, 8);
		if (i >= 1300) {
			ck_assert_uint_ge(found_ms(1, false), 1000);
			ck_assert_uint_le(found_ms(1, false), 1251);
		}
	}
}
END_TEST

START_TEST(test_a_whole_look_is_not_compared_with_a_brief_one)
{
	add(0, false);
	for (int i = 0; i < 50; i++)
		add(100, true);
	ck_assert_uint_ge(found_ms(100, true), 1000);
	ck_assert_uint_le(found_ms(100, true), 1350);
	ck_assert_uint_eq(found_ms(100, false), 5100);
	/* From now on all are whole, until one is old enough. */
	for (int i = 0; i < 10; i++) {
		ck_assert_uint_eq(found_ms(100, false), 5100 + (uint64_t)i * 100);
		add(100, false);
	}
	ck_assert_uint_eq(found_ms(100, false), 1000);
	ck_assert_uint_le(past.count, 12);
}
END_TEST

START_TEST(test_a_mixture_is_bounded)
{
	for (int i = 0; i < 5000; i++) {
		add(1, i % 7 != 0);
		ck_assert_uint_le(past.count, 16);
	}
	ck_assert_uint_le(found_ms(1, false), 1300);
	ck_assert_uint_le(found_ms(1, true), 1300);
}
END_TEST

START_TEST(test_forgotten_when_the_vm_stops_and_goes_on)
{
	for (int i = 0; i < 3; i++)
		add(1000, false);
	next.target.run_state = (char *)"paused";
	ck_assert_uint_eq(found_ms(1000, false), 0);
	add(1000, false);
	ck_assert_uint_eq(past.count, 1);
	ck_assert_uint_eq(found_ms(1000, false), 1000);
	next.target.run_state = (char *)"running";
	ck_assert_uint_eq(found_ms(1000, false), 0);
	add(1000, false);
	ck_assert_uint_eq(past.count, 1);
	next.target.held.by = VQI_HELD_SIGNAL;
	ck_assert_uint_eq(found_ms(1000, false), 0);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("past");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_none_at_first);
	tcase_add_test(tcase, test_the_last_one_where_they_are_rare);
	tcase_add_test(tcase, test_few_are_kept_where_there_are_many);
	tcase_add_test(tcase, test_a_whole_look_is_not_compared_with_a_brief_one);
	tcase_add_test(tcase, test_a_mixture_is_bounded);
	tcase_add_test(tcase, test_forgotten_when_the_vm_stops_and_goes_on);
	return unit_run("past", tcase);
}
