/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "status.h"

#include <check.h>
#include <stddef.h>

#include "unit.h"

static const char status[] = "Name:\tState:\\nUid: x\n"
			     "State:\tt (tracing stop)\n"
			     "Tgid:\t4242\n"
			     "Uid:\t0\t107\t2\t4294967295\n"
			     "Gid:\t1\t2\n"
			     "CapPrm:\t000001fffeffffff\n"
			     "Odd:\n"
			     "TracerPid:\t17";

START_TEST(test_find)
{
	ck_assert_ptr_eq(vqi_status_find(status, "Tgid"), strstr(status, "4242"));
	ck_assert_ptr_null(vqi_status_find(status, "Tgi"));
	ck_assert_ptr_null(vqi_status_find(status, "gid"));
	ck_assert_ptr_null(vqi_status_find("", "Tgid"));
}
END_TEST

START_TEST(test_number)
{
	ck_assert_uint_eq(vqi_status_number(status, "Tgid", 10, 1), 4242);
	ck_assert_uint_eq(vqi_status_number(status, "CapPrm", 16, 1), 0x1fffeffffff);
	ck_assert_uint_eq(vqi_status_number(status, "TracerPid", 10, 1), 17);
	ck_assert_uint_eq(vqi_status_number(status, "Missing", 10, 99), 99);
	ck_assert_uint_eq(vqi_status_number(status, "State", 10, 99), 99);
}
END_TEST

START_TEST(test_ids)
{
	uint32_t ids[4] = {9, 9, 9, 9};

	ck_assert(!vqi_status_ids(status, "Gid", ids));
	ck_assert(!vqi_status_ids(status, "Missing", ids));
	ck_assert_uint_eq(ids[0], 9);
	ck_assert(vqi_status_ids(status, "Uid", ids));
	ck_assert_uint_eq(ids[0], 0);
	ck_assert_uint_eq(ids[1], 107);
	ck_assert_uint_eq(ids[2], 2);
	ck_assert_uint_eq(ids[3], UINT32_MAX);
}
END_TEST

START_TEST(test_inner_tid)
{
	ck_assert_int_eq(vqi_status_inner_tid(status), 0);
	ck_assert_int_eq(vqi_status_inner_tid("NSpid:\t4242\nNSpgid:\t1\t2\n"), 0);
	ck_assert_int_eq(vqi_status_inner_tid("NSpid:\t4242\t17\nNSpgid:\t1\t2\n"), 17);
	ck_assert_int_eq(vqi_status_inner_tid("NSpid:\t4242\t17\t1\n"), 1);
	ck_assert_int_eq(vqi_status_inner_tid("NSpid:\t4242\t17"), 17);
	ck_assert_int_eq(vqi_status_inner_tid("NSpid:\n"), 0);
	ck_assert_int_eq(vqi_status_inner_tid("NSpid:"), 0);
	ck_assert_int_eq(vqi_status_inner_tid("NSpid:\t4242\tx\n"), 0);
}
END_TEST

START_TEST(test_state)
{
	ck_assert_int_eq(vqi_status_state(status), 't');
	ck_assert_int_eq(vqi_status_state("Name:\tx\n"), '?');
}
END_TEST

#define STAT_BETWEEN " S 1 42 42 0 -1 4194304 100 0 0 0 1 2 0 0 20 0 1 0 "

START_TEST(test_start_time)
{
	static const char *const names[] = {"(qemu)", "(a b)", "(x) R 1 1 1 (y))", "())"};
	uint64_t ticks;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char stat[256];

		snprintf(stat, sizeof(stat), "42 %s" STAT_BETWEEN "1234567 99 1\n", names[i]);
		ck_assert(vqi_stat_start_time(stat, &ticks));
		ck_assert_uint_eq(ticks, 1234567);
	}
}
END_TEST

START_TEST(test_start_time_missing)
{
	uint64_t ticks = 5;

	ck_assert(!vqi_stat_start_time("", &ticks));
	ck_assert(!vqi_stat_start_time("42 (x) S 1 2 3", &ticks));
	ck_assert(!vqi_stat_start_time("42 (x)" STAT_BETWEEN, &ticks));
	ck_assert_uint_eq(ticks, 5);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("status");

	tcase_add_test(tcase, test_find);
	tcase_add_test(tcase, test_number);
	tcase_add_test(tcase, test_ids);
	tcase_add_test(tcase, test_inner_tid);
	tcase_add_test(tcase, test_state);
	tcase_add_test(tcase, test_start_time);
	tcase_add_test(tcase, test_start_time_missing);
	return unit_run("status", tcase);
}
