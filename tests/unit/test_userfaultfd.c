/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <check.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "unit.h"
#include "vqi/process.h"

static struct vqi_process *process;

static void setup(void)
{
	ck_assert_ok(vqi_process_open(getpid(), &process));
}

static void teardown(void)
{
	vqi_process_close(process);
}

START_TEST(test_none)
{
	bool has = true;

	ck_assert_ok(vqi_process_has_userfaultfd(process, &has));
	ck_assert(!has);
}
END_TEST

START_TEST(test_one)
{
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
	bool has = false;

	ck_assert_int_ge(fd, 0);
	ck_assert_ok(vqi_process_has_userfaultfd(process, &has));
	ck_assert(has);
	ck_assert_int_eq(close(fd), 0);
	ck_assert_ok(vqi_process_has_userfaultfd(process, &has));
	ck_assert(!has);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("userfaultfd");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_none);
	tcase_add_test(tcase, test_one);
	return unit_run("userfaultfd", tcase);
}
