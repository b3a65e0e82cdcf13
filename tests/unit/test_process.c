/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vqi/process.h"

#include <check.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "live.h"
#include "process_private.h"
#include "target_process.h"
#include "unit.h"

#define NOBODY 65534

static struct test_target target;
static struct vqi_process *process;

static void setup(void)
{
	vqi_target_start(&target);
	process = NULL;
}

static void teardown(void)
{
	vqi_process_close(process);
	vqi_target_end(&target);
}

START_TEST(test_open)
{
	struct stat ours, theirs;
	char path[32];

	ck_assert_ok(vqi_process_open(target.pid, &process));
	ck_assert_int_eq(vqi_process_pid(process), target.pid);
	ck_assert_uint_gt(vqi_process_start_time(process), 0);
	ck_assert_ok(vqi_process_check(process));
	snprintf(path, sizeof(path), "/proc/%d", target.pid);
	ck_assert_int_eq(fstat(vqi_process_dirfd(process), &ours), 0);
	ck_assert_int_eq(stat(path, &theirs), 0);
	ck_assert_uint_eq(ours.st_ino, theirs.st_ino);
	ck_assert(fcntl(vqi_process_dirfd(process), F_GETFD) & FD_CLOEXEC);
}
END_TEST

START_TEST(test_open_no_pid)
{
	ck_assert_code(vqi_process_open(0, &process), VQI_ERROR_GONE);
	ck_assert_code(vqi_process_open(-1, &process), VQI_ERROR_GONE);
	ck_assert_code(vqi_process_open(INT32_MIN, &process), VQI_ERROR_GONE);
	/* Above PID_MAX_LIMIT, include/linux/threads.h. */
	ck_assert_code_text(vqi_process_open(4 << 20, &process), VQI_ERROR_GONE,
			    "no process 4194304");
	ck_assert_ptr_null(process);
}
END_TEST

START_TEST(test_open_ended)
{
	pid_t pid = target.pid;

	vqi_target_end(&target);
	ck_assert_code(vqi_process_open(pid, &process), VQI_ERROR_GONE);
}
END_TEST

START_TEST(test_open_zombie)
{
	siginfo_t info;

	ck_assert_int_eq(kill(target.pid, SIGKILL), 0);
	ck_assert_int_eq(waitid(P_PID, (id_t)target.pid, &info, WEXITED | WNOWAIT), 0);
	ck_assert_code_text(vqi_process_open(target.pid, &process), VQI_ERROR_GONE, "zombie");
	ck_assert_ptr_null(process);
}
END_TEST

START_TEST(test_open_thread)
{
	pid_t tid = (pid_t)vqi_target_ask(&target, "read");
	char text[64];

	snprintf(text, sizeof(text), "a thread of process %d", target.pid);
	ck_assert_code_text(vqi_process_open(tid, &process), VQI_ERROR_GONE, text);
	ck_assert_ptr_null(process);
}
END_TEST

START_TEST(test_check_zombie)
{
	siginfo_t info;

	ck_assert_ok(vqi_process_open(target.pid, &process));
	ck_assert_int_eq(kill(target.pid, SIGKILL), 0);
	ck_assert_int_eq(waitid(P_PID, (id_t)target.pid, &info, WEXITED | WNOWAIT), 0);
	ck_assert_code_text(vqi_process_check(process), VQI_ERROR_GONE, "has ended");
}
END_TEST

START_TEST(test_check_without_pidfd)
{
	struct vqi_live *live;
	siginfo_t info;

	ck_assert_uint_eq(vqi_target_ask(&target, "name ) Z ) (Z"), 1);
	ck_assert_ok(vqi_process_open(target.pid, &process));
	live = (struct vqi_live *)process->reader;
	if (live->pidfd >= 0)
		close(live->pidfd);
	live->pidfd = -1;
	ck_assert_ok(vqi_process_check(process));
	ck_assert_int_eq(kill(target.pid, SIGKILL), 0);
	ck_assert_int_eq(waitid(P_PID, (id_t)target.pid, &info, WEXITED | WNOWAIT), 0);
	ck_assert_code(vqi_process_check(process), VQI_ERROR_GONE);
	vqi_target_end(&target);
	ck_assert_code(vqi_process_check(process), VQI_ERROR_GONE);
}
END_TEST

START_TEST(test_everything_says_gone)
{
	struct vqi_eventfd event_fd;
	struct vqi_tids tids;
	char *text = NULL;

	ck_assert_ok(vqi_process_open(target.pid, &process));
	vqi_target_end(&target);
	ck_assert_code(vqi_process_check(process), VQI_ERROR_GONE);
	ck_assert_code(vqi_process_read_file(process, "stat", 4096, &text, NULL), VQI_ERROR_GONE);
	ck_assert_code(vqi_process_read_file(process, "task/1/stat", 4096, &text, NULL),
		       VQI_ERROR_GONE);
	ck_assert_code(vqi_process_exe_path(process, &text), VQI_ERROR_GONE);
	ck_assert_code(vqi_process_threads(process, &tids), VQI_ERROR_GONE);
	ck_assert_code(vqi_process_eventfd(process, 3, &event_fd), VQI_ERROR_GONE);
	ck_assert_ptr_null(text);
}
END_TEST

START_TEST(test_start_time)
{
	struct vqi_process *ours = NULL;

	ck_assert_uint_eq(vqi_target_ask(&target, "name ) S 1 2 (x"), 1);
	ck_assert_ok(vqi_process_open(target.pid, &process));
	ck_assert_ok(vqi_process_open(getpid(), &ours));
	/* It was started by us, and not a minute later. */
	ck_assert_uint_ge(vqi_process_start_time(process), vqi_process_start_time(ours));
	ck_assert_uint_lt(vqi_process_start_time(process),
			  vqi_process_start_time(ours) + 60 * (uint64_t)sysconf(_SC_CLK_TCK));
	vqi_process_close(ours);
}
END_TEST

static bool has_tid(const struct vqi_tids *tids, pid_t tid)
{
	for (size_t i = 0; i < tids->count; i++)
		if (tids->tids[i] == tid)
			return true;
	return false;
}

START_TEST(test_threads)
{
	pid_t first = (pid_t)vqi_target_ask(&target, "read");
	pid_t second = (pid_t)vqi_target_ask(&target, "futex");
	struct vqi_tids tids;

	ck_assert_ok(vqi_process_open(target.pid, &process));
	ck_assert_ok(vqi_process_threads(process, &tids));
	ck_assert_uint_eq(tids.count, 3);
	ck_assert(has_tid(&tids, target.pid));
	ck_assert(has_tid(&tids, first));
	ck_assert(has_tid(&tids, second));
	vqi_tids_done(&tids);
	ck_assert_ptr_null(tids.tids);
}
END_TEST

/* Without a process, the clocks are this host's. */
START_TEST(test_clocks)
{
	struct timespec before = vqi_process_now(NULL, CLOCK_MONOTONIC), after;

	ck_assert_ok(vqi_process_open(target.pid, &process));
	vqi_process_rest(process, 1000000);
	vqi_process_rest(NULL, 1000000);
	after = vqi_process_now(process, CLOCK_MONOTONIC);
	ck_assert_int_ge((after.tv_sec - before.tv_sec) * 1000000000 +
				 (after.tv_nsec - before.tv_nsec),
			 2000000);
}
END_TEST

START_TEST(test_close_nothing)
{
	struct vqi_process half = {0};
	struct vqi_process *heap = malloc(sizeof(half));

	ck_assert_ptr_nonnull(heap);
	*heap = half;
	vqi_process_close(heap);
	vqi_process_close(NULL);
	vqi_maps_done(NULL);
	vqi_tids_done(NULL);
	ck_assert_ptr_null(half.reader);
}
END_TEST

/* --- permissions --------------------------------------------------------------------------- */

/* Opens the target in a child that has become someone else; stores the error's message, or "". */
static enum vqi_error_code open_as(void (*become)(void), char ret_message[512])
{
	int channel[2], status;
	pid_t child;
	ssize_t len;

	ck_assert_int_eq(pipe2(channel, O_CLOEXEC), 0);
	child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0) {
		struct vqi_error *error;
		int code = 100;

		become();
		error = vqi_process_open(target.pid, &process);
		if (error) {
			code = (int)error->code;
			if (write(channel[1], error->message, strlen(error->message)) < 0)
				code = 101;
		}
		vqi_error_free(error);
		vqi_process_close(process);
		_exit(code);
	}
	close(channel[1]);
	len = read(channel[0], ret_message, 511);
	ck_assert_int_ge(len, 0);
	ret_message[len] = '\0';
	close(channel[0]);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFEXITED(status));
	return (enum vqi_error_code)WEXITSTATUS(status);
}

static void become_nobody(void)
{
	if (setresgid(NOBODY, NOBODY, NOBODY) != 0 || setresuid(NOBODY, NOBODY, NOBODY) != 0)
		_exit(99);
}

static void enter_user_namespace(void)
{
	if (unshare(CLONE_NEWUSER) != 0)
		_exit(98);
}

START_TEST(test_foreign_uid)
{
	char message[512];

	if (geteuid() != 0)
		return; /* only root can become someone else */
	ck_assert_int_eq(open_as(become_nobody, message), VQI_ERROR_PERMISSION);
	ck_assert_ptr_nonnull(strstr(message, "it runs as uid 0, this program as uid 65534"));
	ck_assert_ptr_nonnull(strstr(message, "without CAP_SYS_PTRACE"));
}
END_TEST

START_TEST(test_not_dumpable)
{
	char message[512];

	if (geteuid() != 0)
		return;
	ck_assert_uint_eq(vqi_target_ask(&target, "setuid %d", NOBODY), 1);
	ck_assert_uint_eq(vqi_target_ask(&target, "dumpable 0"), 1);
	ck_assert_int_eq(open_as(become_nobody, message), VQI_ERROR_PERMISSION);
	ck_assert_ptr_nonnull(strstr(message, "not dumpable"));
	ck_assert_ptr_null(strstr(message, "uid 65534"));
	ck_assert_uint_eq(vqi_target_ask(&target, "dumpable 1"), 1);
	ck_assert_int_eq((int)open_as(become_nobody, message), 100);
	ck_assert_str_eq(message, "");
}
END_TEST

START_TEST(test_other_user_namespace)
{
	char message[512];
	int code;

	code = (int)open_as(enter_user_namespace, message);
	if (code == 98)
		return; /* not allowed here */
	ck_assert_int_eq(code, VQI_ERROR_PERMISSION);
	ck_assert_ptr_nonnull(strstr(message, "user namespace"));
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("process");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, test_open);
	tcase_add_test(tcase, test_open_no_pid);
	tcase_add_test(tcase, test_open_ended);
	tcase_add_test(tcase, test_open_zombie);
	tcase_add_test(tcase, test_open_thread);
	tcase_add_test(tcase, test_check_zombie);
	tcase_add_test(tcase, test_check_without_pidfd);
	tcase_add_test(tcase, test_everything_says_gone);
	tcase_add_test(tcase, test_start_time);
	tcase_add_test(tcase, test_threads);
	tcase_add_test(tcase, test_clocks);
	tcase_add_test(tcase, test_close_nothing);
	tcase_add_test(tcase, test_foreign_uid);
	tcase_add_test(tcase, test_not_dumpable);
	tcase_add_test(tcase, test_other_user_namespace);
	return unit_run("process", tcase);
}
