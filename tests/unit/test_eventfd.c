/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <check.h>

#include "target_process.h"
#include "unit.h"
#include "vqi/process.h"

static struct test_target target;
static struct vqi_process *process;
static struct vqi_eventfd eventfd;

static void setup(void)
{
	vqi_target_start(&target);
	ck_assert_ok(vqi_process_open(target.pid, &process));
	eventfd = (struct vqi_eventfd){.count = 77, .id = 77};
}

static void teardown(void)
{
	vqi_process_close(process);
	vqi_target_end(&target);
}

/* The kernel prints the count in hexadecimal. */
START_TEST(test_count)
{
	int fd = (int)vqi_target_ask(&target, "eventfd 16");

	ck_assert_ok(vqi_process_eventfd(process, fd, &eventfd));
	ck_assert_uint_eq(eventfd.count, 16);
	ck_assert_int_ge(eventfd.id, 0);
}
END_TEST

START_TEST(test_huge_count)
{
	int fd = (int)vqi_target_ask(&target, "eventfd 0");

	ck_assert_ok(vqi_process_eventfd(process, fd, &eventfd));
	ck_assert_uint_eq(eventfd.count, 0);
	ck_assert_uint_eq(vqi_target_ask(&target, "write-eventfd %d", fd), 1);
	ck_assert_ok(vqi_process_eventfd(process, fd, &eventfd));
	ck_assert_uint_eq(eventfd.count, UINT64_C(0xfffffffffffffff0));
}
END_TEST

START_TEST(test_ids_differ)
{
	int first = (int)vqi_target_ask(&target, "eventfd 0");
	int second = (int)vqi_target_ask(&target, "eventfd 0");
	struct vqi_eventfd other;

	ck_assert_ok(vqi_process_eventfd(process, first, &eventfd));
	ck_assert_ok(vqi_process_eventfd(process, second, &other));
	ck_assert_int_ne(eventfd.id, other.id);
}
END_TEST

START_TEST(test_no_eventfd)
{
	int fd = (int)vqi_target_ask(&target, "open /dev/null");

	ck_assert_code_text(vqi_process_eventfd(process, fd, &eventfd), VQI_ERROR_BAD_DATA,
			    "/dev/null");
	ck_assert_uint_eq(eventfd.count, 77);
}
END_TEST

START_TEST(test_not_open)
{
	int fd = (int)vqi_target_ask(&target, "eventfd 0");

	ck_assert_uint_eq(vqi_target_ask(&target, "close %d", fd), 1);
	ck_assert_code_text(vqi_process_eventfd(process, fd, &eventfd), VQI_ERROR_BAD_DATA,
			    "not open");
	ck_assert_code(vqi_process_eventfd(process, -1, &eventfd), VQI_ERROR_BAD_DATA);
	ck_assert_code(vqi_process_eventfd(process, INT32_MAX, &eventfd), VQI_ERROR_BAD_DATA);
	ck_assert_uint_eq(eventfd.count, 77);
}
END_TEST

/* fd 0 is what a notifier names that was never initialised. */
START_TEST(test_standard_input)
{
	ck_assert_code_text(vqi_process_eventfd(process, 0, &eventfd), VQI_ERROR_BAD_DATA,
			    "no eventfd but pipe");
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("eventfd");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, test_count);
	tcase_add_test(tcase, test_huge_count);
	tcase_add_test(tcase, test_ids_differ);
	tcase_add_test(tcase, test_no_eventfd);
	tcase_add_test(tcase, test_not_open);
	tcase_add_test(tcase, test_standard_input);
	return unit_run("eventfd", tcase);
}
