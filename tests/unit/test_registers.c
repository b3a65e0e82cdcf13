/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where threads of a real process are; and that only such as run are stopped. */
#include <check.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

#include "target_process.h"
#include "unit.h"
#include "vqi/process.h"
#include "vqi/stop.h"

#define NOT_TOUCHED 7

static struct test_target target;
static struct vqi_process *process;
static struct vqi_thread_place place;
static uint64_t stopped_us;

static void setup(void)
{
	vqi_target_start(&target);
	ck_assert_ok(vqi_process_open(target.pid, &process));
	place = (struct vqi_thread_place){0};
	stopped_us = NOT_TOUCHED;
}

static void teardown(void)
{
	vqi_thread_place_done(&place);
	vqi_process_close(process);
	vqi_target_end(&target);
}

static pid_t start(const char *command, char state)
{
	pid_t tid = (pid_t)vqi_target_ask(&target, "%s", command);

	ck_assert_int_gt(tid, 0);
	vqi_target_await_state(target.pid, tid, state);
	return tid;
}

/* A line of a thread's status. */
static uint64_t status(pid_t tid, const char *key)
{
	char path[64], line[256];
	uint64_t value = 0;
	bool found = false;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/status", target.pid, tid);
	file = fopen(path, "re");
	ck_assert_ptr_nonnull(file);
	while (fgets(line, sizeof(line), file)) {
		if (strncmp(line, key, strlen(key)) != 0)
			continue;
		found = sscanf(line + strlen(key), ": %" SCNu64, &value) == 1;
	}
	fclose(file);
	ck_assert(found);
	return value;
}

START_TEST(test_sleeping)
{
	pid_t tid = start("read", 'S');
	uint64_t sleeps = status(tid, "voluntary_ctxt_switches");
	uint64_t forced = status(tid, "nonvoluntary_ctxt_switches");
	uint8_t bytes[64];

	for (int may_stop = 0; may_stop < 2; may_stop++) {
		ck_assert_ok(vqi_thread_registers(process, tid, may_stop, &place, &stopped_us));
		ck_assert_uint_ne(place.registers.pc, 0);
		ck_assert_uint_ne(place.registers.sp, 0);
		ck_assert_uint_eq(place.registers.known, 0);
		ck_assert(!place.was_stopped);
		ck_assert_uint_gt(place.stack_len, sizeof(bytes));
		ck_assert_ok(vqi_mem_read(vqi_process_mem(process), place.registers.sp, bytes,
					  sizeof(bytes)));
		ck_assert_mem_eq(place.stack, bytes, sizeof(bytes));
		ck_assert(vqi_num_is(place.sleeps, sleeps));
		vqi_thread_place_done(&place);
	}
	ck_assert_uint_eq(stopped_us, NOT_TOUCHED);
	ck_assert_uint_eq(status(tid, "voluntary_ctxt_switches"), sleeps);
	ck_assert_uint_eq(status(tid, "nonvoluntary_ctxt_switches"), forced);
	ck_assert_uint_eq(status(tid, "TracerPid"), 0);
	ck_assert_uint_eq(vqi_target_ask(&target, "interrupted"), 0);
}
END_TEST

/* Uninterruptibly: it is told as well, and is not touched. */
START_TEST(test_uninterruptible)
{
	pid_t tid = start("vfork", 'D');

	ck_assert_ok(vqi_thread_registers(process, tid, true, &place, &stopped_us));
	ck_assert_uint_ne(place.registers.sp, 0);
	ck_assert_uint_eq(stopped_us, NOT_TOUCHED);
	vqi_target_ask(&target, "unvfork");
}
END_TEST

START_TEST(test_running_may_not_be_stopped)
{
	pid_t tid = start("spin 0", 'R');

	ck_assert_code_text(vqi_thread_registers(process, tid, false, &place, &stopped_us),
			    VQI_ERROR_UNSUPPORTED, "it runs");
	ck_assert_uint_eq(stopped_us, NOT_TOUCHED);
	ck_assert_uint_eq(status(tid, "TracerPid"), 0);
}
END_TEST

/* It alone is stopped: a thread that sleeps next to it is not, and it runs on. */
START_TEST(test_running)
{
	pid_t sleeper = start("read", 'S'), tid = start("spin 3", 'R');
	uint64_t sleeps = status(sleeper, "voluntary_ctxt_switches");
	uint8_t bytes[64];

	ck_assert_ok(vqi_thread_registers(process, tid, true, &place, &stopped_us));
	ck_assert_uint_gt(stopped_us, NOT_TOUCHED);
	ck_assert_uint_ne(place.registers.pc, 0);
	ck_assert_uint_ne(place.registers.known, 0);
	ck_assert_uint_gt(place.stack_len, sizeof(bytes));
	ck_assert(place.was_stopped);
	/* What is above the frame of what spins does not change. */
	ck_assert_ok(
		vqi_mem_read(vqi_process_mem(process), place.registers.sp, bytes, sizeof(bytes)));
	ck_assert_mem_eq(place.stack, bytes, sizeof(bytes));
	ck_assert_uint_eq(status(tid, "TracerPid"), 0);
	ck_assert_uint_eq(status(sleeper, "voluntary_ctxt_switches"), sleeps);
	ck_assert_uint_eq(vqi_target_ask(&target, "interrupted"), 0);
	ck_assert_uint_gt(vqi_target_ask(&target, "beat 3"), 0);
}
END_TEST

/* The signal that a thread gets while it is looked at is not lost. */
START_TEST(test_signals)
{
	pid_t tid = start("spin 1", 'R');

	for (int i = 1; i <= 50; i++) {
		kill(target.pid, SIGUSR1);
		ck_assert_ok(vqi_thread_registers(process, tid, true, &place, &stopped_us));
		vqi_thread_place_done(&place);
		ck_assert_uint_ge(vqi_target_ask(&target, "signals %d", i), (uint64_t)i);
	}
}
END_TEST

static void *seize_and_abandon(void *context)
{
	struct vqi_stop *stop;
	pid_t *tid = context;

	ck_assert_ok(vqi_stop_seize_thread(process, *tid, &stop));
	ck_assert_uint_ne(status(*tid, "TracerPid"), 0);
	vqi_stop_abandon(stop);
	return NULL;
}

/* The kernel tells that a thread has ended before it lets go of what that traced. */
static void await_untraced(pid_t tid)
{
	time_t give_up = time(NULL) + 20;

	while (status(tid, "TracerPid") != 0) {
		ck_assert_int_lt(time(NULL), give_up);
		sched_yield();
	}
}

/* What is done with a thread that runs, and sleeps when it is seized: its system call goes on. */
START_TEST(test_abandoned)
{
	pid_t tid = start("read", 'S');
	uint64_t sleeps = status(tid, "voluntary_ctxt_switches");
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, seize_and_abandon, &tid), 0);
	pthread_join(thread, NULL);
	await_untraced(tid);
	ck_assert_uint_eq(status(tid, "voluntary_ctxt_switches"), sleeps);
	ck_assert_uint_eq(vqi_target_ask(&target, "interrupted"), 0);
	/* Nor is anything left behind that keeps it from being seized. */
	ck_assert_int_eq(pthread_create(&thread, NULL, seize_and_abandon, &tid), 0);
	pthread_join(thread, NULL);
}
END_TEST

START_TEST(test_has_ended)
{
	ck_assert_code_text(vqi_thread_registers(process, 0x3fffffff, true, &place, &stopped_us),
			    VQI_ERROR_BAD_DATA, "has ended");
	vqi_target_end(&target);
	ck_assert_code(vqi_thread_registers(process, 1, true, &place, &stopped_us), VQI_ERROR_GONE);
	ck_assert_uint_eq(stopped_us, NOT_TOUCHED);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("registers");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_sleeping);
	tcase_add_test(tcase, test_uninterruptible);
	tcase_add_test(tcase, test_running_may_not_be_stopped);
	tcase_add_test(tcase, test_running);
	tcase_add_test(tcase, test_signals);
	tcase_add_test(tcase, test_abandoned);
	tcase_add_test(tcase, test_has_ended);
	return unit_run("registers", tcase);
}
