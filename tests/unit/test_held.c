/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <check.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"
#include "vqi/process.h"

static struct vqi_process *process;
static struct vqi_held held;
static pid_t child;

static void setup(void)
{
	child = fork();
	if (child == 0) {
		for (;;)
			pause();
	}
	ck_assert_int_gt(child, 0);
	ck_assert_ok(vqi_process_open(child, &process));
	held = (struct vqi_held){VQI_HELD_TRACER, 1, "x"};
}

static void teardown(void)
{
	vqi_process_close(process);
	ck_assert_int_eq(kill(child, SIGKILL), 0);
	ck_assert_int_eq(waitpid(child, NULL, __WALL), child);
}

START_TEST(test_running)
{
	ck_assert_ok(vqi_process_held(process, &held));
	ck_assert_int_eq(held.by, VQI_HELD_NOT);
	ck_assert_int_eq(held.tracer, 0);
}
END_TEST

START_TEST(test_stopped_by_a_signal)
{
	int status;

	ck_assert_int_eq(kill(child, SIGSTOP), 0);
	ck_assert_int_eq(waitpid(child, &status, WUNTRACED), child);
	ck_assert_ok(vqi_process_held(process, &held));
	ck_assert_int_eq(held.by, VQI_HELD_SIGNAL);
	ck_assert_int_eq(held.tracer, 0);
	ck_assert_str_eq(held.tracer_name, "");
}
END_TEST

START_TEST(test_stopped_by_a_tracer)
{
	int status;

	ck_assert_int_eq(ptrace(PTRACE_SEIZE, child, NULL, NULL), 0);
	ck_assert_int_eq(ptrace(PTRACE_INTERRUPT, child, NULL, NULL), 0);
	ck_assert_int_eq(waitpid(child, &status, __WALL), child);
	ck_assert_ok(vqi_process_held(process, &held));
	ck_assert_int_eq(held.by, VQI_HELD_TRACER);
	ck_assert_int_eq(held.tracer, getpid());
	ck_assert_str_eq(held.tracer_name, "test_held");
	ck_assert_int_eq(ptrace(PTRACE_DETACH, child, NULL, NULL), 0);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("held");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_running);
	tcase_add_test(tcase, test_stopped_by_a_signal);
	tcase_add_test(tcase, test_stopped_by_a_tracer);
	return unit_run("held", tcase);
}
