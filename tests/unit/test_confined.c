/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vqi/confined.h"

#include <check.h>
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

static const struct vqi_confined_limits limits = {.cpu_s = 60, .wait_s = 60};
static struct vqi_confined child;

static void teardown(void)
{
	/* No child is left, and no descriptor. */
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
	ck_assert_int_eq(child.fd, -1);
}

static bool say(int fd, void *context)
{
	return vqi_confined_write(fd, context, 6);
}

START_TEST(test_answer)
{
	char text[6];

	ck_assert_ok(vqi_confined_start(&limits, say, (void *)(uintptr_t) "hello", &child));
	ck_assert(vqi_confined_read(&child, text, sizeof(text)));
	ck_assert_str_eq(text, "hello");
	ck_assert(!vqi_confined_read(&child, text, 1));
	ck_assert_ok(vqi_confined_end(&child, "it"));
}
END_TEST

static bool end_by(int fd, void *context)
{
	(void)fd;
	if (context)
		kill(getpid(), *(const int *)context);
	return false;
}

static void assert_end(const int *number, const char *message)
{
	char byte;

	ck_assert_ok(vqi_confined_start(&limits, end_by, (void *)(uintptr_t)number, &child));
	ck_assert(!vqi_confined_read(&child, &byte, 1));
	ck_assert_code_text(vqi_confined_end(&child, "looking at it"), VQI_ERROR_BAD_DATA, message);
}

START_TEST(test_ends)
{
	static const int kill_number = SIGKILL, alarm_number = SIGALRM, cpu_number = SIGXCPU;

	assert_end(&kill_number, "looking at it ended with signal 9, Killed");
	assert_end(&alarm_number, "looking at it took too long");
	assert_end(&cpu_number, "looking at it took too long");
	assert_end(NULL, "looking at it ended without a result");
}
END_TEST

static bool wait_for_ever(int fd, void *context)
{
	(void)context;
	vqi_confined_write(fd, "", 1);
	while (fd >= 0)
		pause();
	return true;
}

/* What the parent ignores or blocks does not keep the child from ending. */
START_TEST(test_signals)
{
	sigset_t blocked;
	char byte;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	signal(SIGTERM, SIG_IGN);
	ck_assert_ok(vqi_confined_start(&limits, wait_for_ever, NULL, &child));
	ck_assert(vqi_confined_read(&child, &byte, 1));
	kill(child.pid, SIGTERM);
	ck_assert_code_text(vqi_confined_end(&child, "it"), VQI_ERROR_BAD_DATA, "signal 15");
}
END_TEST

START_TEST(test_kill)
{
	ck_assert_ok(vqi_confined_start(&limits, wait_for_ever, NULL, &child));
	vqi_confined_kill(&child);
}
END_TEST

static bool tell_limits(int fd, void *context)
{
	struct rlimit limit;

	(void)context;
	return getrlimit(RLIMIT_CPU, &limit) == 0 &&
	       vqi_confined_write(fd, &limit, sizeof(limit)) &&
	       getrlimit(RLIMIT_CORE, &limit) == 0 && vqi_confined_write(fd, &limit, sizeof(limit));
}

START_TEST(test_limits)
{
	struct rlimit cpu, core;

	ck_assert_ok(vqi_confined_start(&limits, tell_limits, NULL, &child));
	ck_assert(vqi_confined_read(&child, &cpu, sizeof(cpu)));
	ck_assert(vqi_confined_read(&child, &core, sizeof(core)));
	ck_assert_ok(vqi_confined_end(&child, "it"));
	ck_assert_uint_eq(cpu.rlim_cur, 60);
	ck_assert_uint_eq(core.rlim_max, 0);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("confined");

	tcase_add_checked_fixture(tcase, NULL, teardown);
	tcase_add_test(tcase, test_answer);
	tcase_add_test(tcase, test_ends);
	tcase_add_test(tcase, test_signals);
	tcase_add_test(tcase, test_kill);
	tcase_add_test(tcase, test_limits);
	return unit_run("confined", tcase);
}
