/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What threads of a real process are doing. */
#include <check.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "target_process.h"
#include "unit.h"
#include "vqi/process.h"

#define NOT_TOUCHED -7

static struct test_target target;
static struct vqi_process *process;
static struct vqi_thread thread;
static char folder[] = "/tmp/vqi-thread-XXXXXX", path[64];

static void setup(void)
{
	vqi_target_start(&target);
	ck_assert_ok(vqi_process_open(target.pid, &process));
	thread = (struct vqi_thread){0};
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/a file", folder);
}

static void teardown(void)
{
	vqi_thread_done(&thread);
	vqi_process_close(process);
	vqi_target_end(&target);
	unlink(path);
	rmdir(folder);
}

static void look(pid_t tid)
{
	vqi_thread_done(&thread);
	thread = (struct vqi_thread){0};
	ck_assert_ok(vqi_process_thread(process, tid, &thread));
	ck_assert_int_eq(thread.tid, tid);
	ck_assert_ptr_null(thread.role);
}

/* Starts a thread by a command, waits until it sleeps, and looks at it. */
static pid_t start(const char *command)
{
	pid_t tid = (pid_t)vqi_target_ask(&target, "%s", command);

	ck_assert_int_gt(tid, 0);
	vqi_target_await_state(target.pid, tid, 'S');
	look(tid);
	ck_assert_int_eq(thread.state, 'S');
	return tid;
}

static void assert_sleeps_in(const char *syscall)
{
	ck_assert(thread.in_syscall);
	ck_assert(!thread.in_fault);
	ck_assert_pstr_eq(thread.syscall, syscall);
}

static void assert_no_mutex(void)
{
	ck_assert(!thread.mutex_hva.known);
	ck_assert(!thread.mutex_owner.known);
}

/* What a file of the thread says in its first line; "" when it cannot be read. */
static const char *says(pid_t tid, const char *name)
{
	static char line[128];
	char file_name[64];
	FILE *file;

	snprintf(file_name, sizeof(file_name), "/proc/%d/task/%d/%s", target.pid, tid, name);
	file = fopen(file_name, "re");
	line[0] = '\0';
	if (file && !fgets(line, sizeof(line), file))
		line[0] = '\0';
	if (file)
		fclose(file);
	return line;
}

START_TEST(test_polling)
{
	pid_t tid = start("poll");
	const char *wchan = says(tid, "wchan");

	assert_sleeps_in("ppoll");
	ck_assert_uint_ne(thread.syscall_args[0], 0);
	ck_assert_uint_eq(thread.syscall_args[1], 1); /* of one descriptor */
	ck_assert_uint_eq(thread.syscall_args[2], 0); /* for ever */
	ck_assert_ptr_null(thread.file);
	assert_no_mutex();
	ck_assert_pstr_eq(thread.name, "test-target");
	ck_assert_pstr_eq(thread.wchan, wchan[0] && strcmp(wchan, "0") != 0 ? wchan : NULL);
	ck_assert(thread.sleeps.known);
	ck_assert(thread.cpu_ms.known);
}
END_TEST

/* The counter tells whether it slept all the time between two looks. */
START_TEST(test_sleeps)
{
	pid_t tid = start("poll");
	uint64_t before = thread.sleeps.value;

	for (int i = 0; i < 5; i++) {
		look(tid);
		ck_assert(vqi_num_is(thread.sleeps, before));
	}
	ck_assert_uint_eq(vqi_target_ask(&target, "wake"), 1);
	vqi_target_await_state(target.pid, tid, 'S');
	look(tid);
	assert_sleeps_in("ppoll");
	ck_assert_uint_gt(thread.sleeps.value, before);
}
END_TEST

START_TEST(test_reading_a_pipe)
{
	char wanted[64], link[64];
	ssize_t len;

	start("read");
	assert_sleeps_in("read");
	snprintf(link, sizeof(link), "/proc/%d/fd/%d", target.pid, (int)thread.syscall_args[0]);
	len = readlink(link, wanted, sizeof(wanted) - 1);
	ck_assert_int_gt(len, 0);
	wanted[len] = '\0';
	ck_assert_ptr_nonnull(strstr(wanted, "pipe:["));
	ck_assert_pstr_eq(thread.file, wanted);
	assert_no_mutex();
}
END_TEST

START_TEST(test_reading_a_file)
{
	char command[96];

	ck_assert_int_eq(mkfifo(path, 0600), 0);
	snprintf(command, sizeof(command), "read-file %s", path);
	start(command);
	assert_sleeps_in("read");
	ck_assert_pstr_eq(thread.file, path);
}
END_TEST

START_TEST(test_waiting_for_the_lock_of_a_file)
{
	char command[96];

	ck_assert_int_eq(close(open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600)), 0);
	snprintf(command, sizeof(command), "lock-file %s", path);
	start(command);
	assert_sleeps_in("flock");
	ck_assert_pstr_eq(thread.file, path);
}
END_TEST

/* It sleeps on in what no descriptor is left of. */
START_TEST(test_descriptor_closed_meanwhile)
{
	pid_t tid = start("read");

	ck_assert_ptr_nonnull(thread.file);
	ck_assert_uint_eq(vqi_target_ask(&target, "close %d", (int)thread.syscall_args[0]), 1);
	look(tid);
	assert_sleeps_in("read");
	ck_assert_ptr_null(thread.file);
}
END_TEST

START_TEST(test_waiting_for_a_mutex)
{
	uint64_t address = vqi_target_ask(&target, "mutex-address");
	pid_t owner = (pid_t)vqi_target_ask(&target, "hold");

	for (int i = 0; i < 2; i++) { /* and one who queues up behind */
		start("lock");
		assert_sleeps_in("futex");
		ck_assert(vqi_num_is(thread.mutex_hva, address));
		ck_assert(vqi_num_is(thread.mutex_owner, (uint64_t)owner));
		ck_assert_ptr_null(thread.file);
	}
	look(owner);
	assert_no_mutex();
}
END_TEST

/* A deadlock of one: it waits for what it holds itself. */
START_TEST(test_waiting_for_its_own_mutex)
{
	start("lock-twice");
	assert_sleeps_in("futex");
	ck_assert(vqi_num_is(thread.mutex_owner, (uint64_t)thread.tid));
}
END_TEST

START_TEST(test_waiting_for_no_mutex)
{
	start("condition");
	assert_sleeps_in("futex");
	assert_no_mutex();
	start("futex");
	assert_sleeps_in("futex");
	assert_no_mutex();
}
END_TEST

/* Words that are waited for as a mutex is, or nearly so. */
START_TEST(test_what_looks_like_a_mutex)
{
	const pid_t ended = (pid_t)vqi_target_ask(&target, "ended");
	const struct {
		uint32_t value;
		pid_t owner;
		unsigned int operation;
		bool is_mutex;
	} cases[] = {
		{2, target.pid, FUTEX_WAIT_PRIVATE, true},
		{2, target.pid, FUTEX_WAIT, true},
		{1, target.pid, FUTEX_WAIT_PRIVATE, false},
		{3, target.pid, FUTEX_WAIT_PRIVATE, false},
		{0x80000002, target.pid, FUTEX_WAIT_PRIVATE, false},
		{2, target.pid, FUTEX_WAIT_BITSET_PRIVATE, false},
		{2, 0, FUTEX_WAIT_PRIVATE, false},
		{2, -1, FUTEX_WAIT_PRIVATE, false},
		{2, ended, FUTEX_WAIT_PRIVATE, false},
		{2, getpid(), FUTEX_WAIT_PRIVATE, false}, /* another process */
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char command[64];

		snprintf(command, sizeof(command), "lock-word %u %u %u", cases[i].value,
			 (unsigned int)cases[i].owner, cases[i].operation);
		start(command);
		assert_sleeps_in("futex");
		ck_assert_uint_eq(thread.syscall_args[2], cases[i].value);
		ck_assert_msg(thread.mutex_owner.known == cases[i].is_mutex, "case %zu", i);
		ck_assert_msg(thread.mutex_hva.known == cases[i].is_mutex, "case %zu", i);
	}
}
END_TEST

/* It was given back, and the thread is about to be woken. */
START_TEST(test_mutex_that_is_free_again)
{
	static const unsigned int words[] = {0, 1};
	char command[64];
	pid_t tid;

	snprintf(command, sizeof(command), "lock-word 2 %d 128", (int)target.pid);
	tid = start(command);
	ck_assert(vqi_num_is(thread.mutex_owner, (uint64_t)target.pid));
	for (size_t i = 0; i < 2; i++) {
		vqi_target_ask(&target, "set-word %u", words[i]);
		look(tid);
		assert_sleeps_in("futex");
		assert_no_mutex();
	}
}
END_TEST

START_TEST(test_running)
{
	pid_t tid = (pid_t)vqi_target_ask(&target, "spin");
	uint64_t before;

	look(tid);
	ck_assert_int_eq(thread.state, 'R');
	ck_assert(!thread.in_syscall);
	ck_assert(!thread.in_fault);
	ck_assert_ptr_null(thread.syscall);
	ck_assert_ptr_null(thread.wchan);
	ck_assert_ptr_null(thread.file);
	assert_no_mutex();
	ck_assert(thread.cpu_ms.known);
	before = thread.cpu_ms.value;
	do
		look(tid);
	while (thread.cpu_ms.value <= before + 2); /* or the test case runs into its timeout */
}
END_TEST

/* The thread that did vfork() cannot be woken by a signal. */
START_TEST(test_uninterruptible)
{
	pid_t tid = (pid_t)vqi_target_ask(&target, "vfork");

	vqi_target_await_state(target.pid, tid, 'D');
	look(tid);
	ck_assert_int_eq(thread.state, 'D');
	assert_sleeps_in("vfork");
	ck_assert_uint_eq(vqi_target_ask(&target, "unvfork"), 1);
}
END_TEST

/* A page of its memory is to come from somewhere else. */
START_TEST(test_waiting_for_a_page)
{
	start("fault");
	ck_assert(thread.in_fault);
	ck_assert(!thread.in_syscall);
	ck_assert_ptr_null(thread.syscall);
	ck_assert_ptr_null(thread.file);
	assert_no_mutex();
}
END_TEST

START_TEST(test_stopped)
{
	pid_t tid = start("poll");
	uint64_t before = thread.sleeps.value;

	ck_assert_int_eq(kill(target.pid, SIGSTOP), 0);
	vqi_target_await_state(target.pid, tid, 'T');
	look(tid);
	ck_assert_int_eq(thread.state, 'T');
	ck_assert_uint_ne(thread.sleeps.value, before);
	ck_assert_int_eq(kill(target.pid, SIGCONT), 0);
	vqi_target_await_state(target.pid, tid, 'S');
	look(tid);
	assert_sleeps_in("ppoll");
}
END_TEST

/* As the kernel prints it: what would end the line is escaped. */
START_TEST(test_odd_names)
{
	static const char *const names[][2] = {
		{"CPU 0/KVM", "CPU 0/KVM"},
		{"a) R 1", "a) R 1"},
		{"a\\nState:\tZ", "a\\nState:\tZ"},
		{"0123456789abcdefgh", "0123456789abcde"},
		{"", ""},
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		ck_assert_uint_eq(vqi_target_ask(&target, "name %s", names[i][0]), 1);
		look(target.pid);
		ck_assert_pstr_eq(thread.name, names[i][1]);
		ck_assert_int_ne(thread.state, 'Z');
	}
}
END_TEST

static void assert_fails(pid_t tid, enum vqi_error_code code, const char *text)
{
	struct vqi_thread untouched = {.tid = NOT_TOUCHED, .name = (char *)"untouched"};

	ck_assert_code_text(vqi_process_thread(process, tid, &untouched), code, text);
	ck_assert_int_eq(untouched.tid, NOT_TOUCHED);
	ck_assert_str_eq(untouched.name, "untouched");
}

/* That is not that the process has ended. */
START_TEST(test_thread_that_has_ended)
{
	pid_t tid = (pid_t)vqi_target_ask(&target, "ended");
	char text[32];

	snprintf(text, sizeof(text), "thread %d has ended", tid);
	assert_fails(tid, VQI_ERROR_BAD_DATA, text);
	assert_fails(getpid(), VQI_ERROR_BAD_DATA, "has ended");
	assert_fails(-1, VQI_ERROR_BAD_DATA, "has ended");
	look(target.pid);
}
END_TEST

START_TEST(test_process_that_has_ended)
{
	pid_t pid = target.pid;
	siginfo_t info;

	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	assert_fails(pid, VQI_ERROR_GONE, "has ended"); /* a zombie */
	vqi_target_end(&target);
	assert_fails(pid, VQI_ERROR_GONE, "has ended");
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("thread");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_polling);
	tcase_add_test(tcase, test_sleeps);
	tcase_add_test(tcase, test_reading_a_pipe);
	tcase_add_test(tcase, test_reading_a_file);
	tcase_add_test(tcase, test_waiting_for_the_lock_of_a_file);
	tcase_add_test(tcase, test_descriptor_closed_meanwhile);
	tcase_add_test(tcase, test_waiting_for_a_mutex);
	tcase_add_test(tcase, test_waiting_for_its_own_mutex);
	tcase_add_test(tcase, test_waiting_for_no_mutex);
	tcase_add_test(tcase, test_what_looks_like_a_mutex);
	tcase_add_test(tcase, test_mutex_that_is_free_again);
	tcase_add_test(tcase, test_running);
	tcase_add_test(tcase, test_uninterruptible);
	tcase_add_test(tcase, test_waiting_for_a_page);
	tcase_add_test(tcase, test_stopped);
	tcase_add_test(tcase, test_odd_names);
	tcase_add_test(tcase, test_thread_that_has_ended);
	tcase_add_test(tcase, test_process_that_has_ended);
	return unit_run("thread", tcase);
}
