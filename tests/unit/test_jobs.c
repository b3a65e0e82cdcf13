/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "jobs.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"
#include "vqi/limits.h"

#define MANY  (2 * VQI_MAX_AT_ONCE + 3)
#define LARGE (1u << 17)

static struct vqi_job jobs[MANY];
static size_t count;

static void setup(void)
{
	memset(jobs, 0, sizeof(jobs));
	count = 0;
}

/* No child is left. */
static void teardown(void)
{
	for (size_t i = 0; i < count; i++)
		vqi_job_done(&jobs[i]);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
}

static void add(vqi_confined_func func, void *context)
{
	jobs[count++] = (struct vqi_job){.func = func, .context = context};
}

static bool say_number(int fd, void *context)
{
	size_t number = (size_t)((struct vqi_job *)context - jobs);

	return vqi_confined_write(fd, &number, sizeof(number));
}

static void assert_number(size_t at)
{
	size_t number;

	ck_assert_ptr_null(jobs[at].error);
	ck_assert_uint_eq(jobs[at].len, sizeof(number));
	memcpy(&number, jobs[at].output, sizeof(number));
	ck_assert_uint_eq(number, at);
}

START_TEST(test_none)
{
	vqi_jobs_run(jobs, 0, 60);
}
END_TEST

/* More than run at the same time. */
START_TEST(test_many)
{
	while (count < MANY)
		add(say_number, &jobs[count]);
	vqi_jobs_run(jobs, count, 60);
	for (size_t i = 0; i < count; i++)
		assert_number(i);
}
END_TEST

static bool say_much(int fd, void *context)
{
	(void)context;
	for (uint32_t i = 0; i < LARGE; i++) {
		if (!vqi_confined_write(fd, &i, sizeof(i)))
			return false;
	}
	return true;
}

START_TEST(test_much)
{
	add(say_much, NULL);
	add(say_much, NULL);
	vqi_jobs_run(jobs, count, 60);
	for (size_t i = 0; i < count; i++) {
		ck_assert_ptr_null(jobs[i].error);
		ck_assert_uint_eq(jobs[i].len, LARGE * sizeof(uint32_t));
		for (uint32_t j = 0; j < LARGE; j++)
			ck_assert(!memcmp(jobs[i].output + j * sizeof(j), &j, sizeof(j)));
	}
}
END_TEST

static bool say_nothing(int fd, void *context)
{
	(void)fd;
	(void)context;
	return true;
}

static bool end_without(int fd, void *context)
{
	(void)fd;
	(void)context;
	return false;
}

static bool crash(int fd, void *context)
{
	(void)fd;
	(void)context;
	kill(getpid(), SIGKILL);
	return true;
}

static bool hang(int fd, void *context)
{
	(void)fd;
	(void)context;
	while (pause() < 0)
		;
	return true;
}

/* What its alarm does not end. */
static bool hang_on(int fd, void *context)
{
	signal(SIGALRM, SIG_IGN);
	return hang(fd, context);
}

static void assert_error(size_t at, const char *text)
{
	ck_assert_ptr_nonnull(jobs[at].error);
	ck_assert_msg(strstr(jobs[at].error->message, text) != NULL, "%s", jobs[at].error->message);
}

/* One that does not do its work leaves the others to theirs. */
START_TEST(test_failures)
{
	add(say_number, &jobs[0]);
	add(end_without, NULL);
	add(say_number, &jobs[2]);
	add(crash, NULL);
	add(say_nothing, NULL);
	add(say_number, &jobs[5]);
	vqi_jobs_run(jobs, count, 60);
	assert_number(0);
	assert_error(1, "the inspection ended without a result");
	assert_number(2);
	assert_error(3, "the inspection ended with signal 9");
	ck_assert_ptr_null(jobs[4].error);
	ck_assert_uint_eq(jobs[4].len, 0);
	assert_number(5);
}
END_TEST

START_TEST(test_hang)
{
	pid_t ended;

	add(hang, NULL);
	add(hang_on, NULL);
	add(say_number, &jobs[2]);
	vqi_jobs_run(jobs, count, 1);
	assert_error(0, "the inspection took too long");
	assert_error(1, "the inspection took too long");
	assert_number(2);
	ended = waitpid(jobs[1].child.pid, NULL, 0); /* it was killed, and not waited for */
	ck_assert_int_eq(ended, jobs[1].child.pid);
}
END_TEST

/* A child has the descriptor of no other. */
static bool say_others(int fd, void *context)
{
	size_t others = 0;

	(void)context;
	for (int i = 3; i < 1024; i++)
		others += i != fd && fcntl(i, F_GETFD) >= 0;
	return vqi_confined_write(fd, &others, sizeof(others));
}

START_TEST(test_descriptors)
{
	size_t first, other;

	while (count < 10)
		add(say_others, NULL);
	vqi_jobs_run(jobs, count, 60);
	memcpy(&first, jobs[0].output, sizeof(first));
	for (size_t i = 0; i < count; i++) {
		ck_assert_uint_eq(jobs[i].len, sizeof(other));
		memcpy(&other, jobs[i].output, sizeof(other));
		ck_assert_uint_eq(other, first);
	}
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("jobs");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_none);
	tcase_add_test(tcase, test_many);
	tcase_add_test(tcase, test_much);
	tcase_add_test(tcase, test_failures);
	tcase_add_test(tcase, test_hang);
	tcase_add_test(tcase, test_descriptors);
	return unit_run("jobs", tcase);
}
