/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Threads that sleep in a function with a frame pointer, which procfs does not tell. */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "target_process.h"
#include "unit.h"
#include "vqi/unwind.h"

static struct test_target target; /* runs another program, which is asked nothing */
static struct vqi_stack stack;

static void teardown(void)
{
	vqi_stack_done(&stack);
	kill(target.pid, SIGKILL);
	waitpid(target.pid, NULL, 0);
}

static void start(const char *name)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", getenv("VQI_UNWIND_FIXTURES"), name);
	target.pid = fork();
	ck_assert_int_ge(target.pid, 0);
	if (!target.pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execl(path, path, (char *)NULL);
		_exit(127);
	}
}

/* Waits until it sleeps in pause(2): the loader may sleep before that. */
static void await_pause(struct vqi_process *process, struct vqi_thread_place *place)
{
	struct vqi_thread thread = {0};

	for (;;) {
		uint64_t stopped_us = 0;
		bool there;

		vqi_target_await_state(target.pid, target.pid, 'S');
		ck_assert_ok(vqi_process_thread(process, target.pid, &thread));
		there = thread.syscall && !strcmp(thread.syscall, "pause");
		vqi_thread_done(&thread);
		if (!there)
			continue;
		ck_assert_ok(vqi_thread_registers(process, target.pid, false, place, &stopped_us));
		return;
	}
}

static void unwind(const char *name)
{
	vqi_cleanup_process struct vqi_process *process = NULL;
	vqi_cleanup_unwinder struct vqi_unwinder *unwinder = NULL;
	struct vqi_thread_place place;
	struct vqi_unwind_job job;
	char *gap = NULL;

	start(name);
	ck_assert_ok(vqi_process_open(target.pid, &process));
	await_pause(process, &place);
	job = (struct vqi_unwind_job){
		.registers = place.registers,
		.copy = place.stack,
		.copy_addr = place.registers.sp,
		.copy_len = place.stack_len,
	};
	ck_assert_ok(vqi_unwinder_new(process, VQI_LINES_CHEAP, &unwinder));
	ck_assert_ok(vqi_unwind(unwinder, &job, 1, &stack, &gap));
	ck_assert_pstr_eq(gap, NULL);
	vqi_thread_place_done(&place);
}

static const char *const programs[] = {"plt", "plt_cet", "got", "static_call"};

START_TEST(test_found)
{
	static const char *const functions[] = {"wait_here", "call_it", "main"};

	unwind(programs[_i]);
	ck_assert_msg(!stack.gap, "%s", stack.gap);
	ck_assert_uint_gt(stack.count, 3);
	for (size_t i = 0; i < 3; i++)
		ck_assert_pstr_eq(stack.frames[i].function, functions[i]);
	ck_assert_pstr_eq(stack.frames[stack.count - 1].function, "_start");
}
END_TEST

/* Who calls through a pointer could have called anything. */
START_TEST(test_not_found)
{
	unwind("pointer");
	ck_assert_uint_eq(stack.count, 1);
	ck_assert_pstr_eq(stack.frames[0].function, "wait_here");
	ck_assert_ptr_nonnull(strstr(stack.gap, "rbp is not known: the frame at 0x"));
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("unwind_pointer");
	struct utsname name;

	/* The fixtures are of x86_64 only: elsewhere procfs, and what is done about it, are others. */
	if (uname(&name) != 0 || strcmp(name.machine, "x86_64") != 0)
		return 77;
	tcase_add_checked_fixture(tcase, NULL, teardown);
	tcase_add_loop_test(tcase, test_found, 0, sizeof(programs) / sizeof(programs[0]));
	tcase_add_test(tcase, test_not_found);
	return unit_run("unwind_pointer", tcase);
}
