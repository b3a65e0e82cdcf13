/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Threads of a real process in a pid namespace of its own, and of one in ours. */
#include <check.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include "target_process.h"
#include "unit.h"
#include "vqi/process.h"

static struct test_target target;
static struct vqi_process *process;

static void teardown(void)
{
	vqi_process_close(process);
	process = NULL;
	vqi_target_end(&target);
}

/* Whether that is allowed here. A process can make no threads, as the leak checker does, while its children are to be in
 * another namespace. */
static bool start_inside(void)
{
	int ours = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);

	ck_assert_int_ge(ours, 0);
	if (unshare(CLONE_NEWPID) != 0) {
		close(ours);
		return false;
	}
	vqi_target_start(&target);
	ck_assert_int_eq(setns(ours, CLONE_NEWPID), 0);
	close(ours);
	ck_assert_ok(vqi_process_open(target.pid, &process));
	return true;
}

static struct vqi_num translate(struct vqi_num theirs)
{
	struct vqi_num ours = VQI_NUM(UINT64_MAX);

	ck_assert_ok(vqi_process_tid(process, theirs, &ours));
	return ours;
}

static void assert_translates(uint64_t theirs, pid_t ours)
{
	struct vqi_num tid = translate(VQI_NUM(theirs));

	ck_assert(tid.known);
	ck_assert_int_eq(tid.value, ours);
}

/* The one thread beside those that are known. */
static pid_t other_thread(pid_t known)
{
	struct vqi_tids tids;
	pid_t found = 0;

	ck_assert_ok(vqi_process_threads(process, &tids));
	for (size_t i = 0; i < tids.count; i++) {
		if (tids.tids[i] != target.pid && tids.tids[i] != known)
			found = tids.tids[i];
	}
	vqi_tids_done(&tids);
	ck_assert_int_gt(found, 0);
	return found;
}

START_TEST(test_inside)
{
	uint64_t theirs, later;
	pid_t ours;

	if (!start_inside())
		return;
	theirs = vqi_target_ask(&target, "read");
	ours = other_thread(0);
	ck_assert_uint_ne(theirs, (uint64_t)ours);
	assert_translates(1, target.pid);
	assert_translates(theirs, ours);
	later = vqi_target_ask(&target, "futex"); /* after the threads were looked up */
	assert_translates(later, other_thread(ours));
	assert_translates(theirs, ours);
}
END_TEST

START_TEST(test_nobody_inside)
{
	if (!start_inside())
		return;
	ck_assert(!translate(VQI_NUM(31000)).known);
	ck_assert(!translate(VQI_NUM((1ull << 32) + 1)).known);
	ck_assert(!translate(VQI_UNKNOWN).known);
	ck_assert(vqi_num_is(translate(VQI_NUM(0)), 0));
}
END_TEST

START_TEST(test_mutex_inside)
{
	struct vqi_thread thread = {0};
	pid_t owner, waiting;

	if (!start_inside())
		return;
	vqi_target_ask(&target, "hold");
	owner = other_thread(0);
	vqi_target_ask(&target, "lock");
	waiting = other_thread(owner);
	vqi_target_await_state(target.pid, waiting, 'S');
	ck_assert_ok(vqi_process_thread(process, waiting, &thread));
	ck_assert(vqi_num_is(thread.mutex_owner, (uint64_t)owner));
	vqi_thread_done(&thread);
}
END_TEST

START_TEST(test_outside)
{
	uint64_t tid;

	vqi_target_start(&target);
	ck_assert_ok(vqi_process_open(target.pid, &process));
	tid = vqi_target_ask(&target, "read");
	assert_translates(tid, (pid_t)tid);
	assert_translates(31000, 31000);
	ck_assert(!translate(VQI_UNKNOWN).known);
}
END_TEST

START_TEST(test_ended)
{
	struct vqi_num tid = VQI_NUM(7);

	if (!start_inside())
		return;
	vqi_target_end(&target);
	ck_assert_code(vqi_process_tid(process, VQI_NUM(2), &tid), VQI_ERROR_GONE);
	ck_assert(vqi_num_is(tid, 7));
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("pid_namespace");

	tcase_add_checked_fixture(tcase, NULL, teardown);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, test_inside);
	tcase_add_test(tcase, test_nobody_inside);
	tcase_add_test(tcase, test_mutex_inside);
	tcase_add_test(tcase, test_outside);
	tcase_add_test(tcase, test_ended);
	return unit_run("pid_namespace", tcase);
}
