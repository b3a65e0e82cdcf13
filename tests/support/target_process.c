/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "target_process.h"

#include <check.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define AWAIT_SECONDS 20

const char *vqi_target_path(void)
{
	static char path[PATH_MAX + 32];
	const char *given = getenv("VQI_TEST_TARGET");
	char self[PATH_MAX];
	ssize_t len;

	if (given)
		return given;
	len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	ck_assert_int_gt(len, 0);
	self[len] = '\0';
	snprintf(path, sizeof(path), "%s/test-target", dirname(self));
	return path;
}

void vqi_target_start_file(struct test_target *target, const char *path)
{
	int commands[2], replies[2];

	ck_assert_int_eq(pipe2(commands, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(replies, O_CLOEXEC), 0);
	target->pid = fork();
	ck_assert_int_ge(target->pid, 0);
	if (target->pid == 0) {
		/* Nothing is left behind when a test fails and its process ends. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(commands[0], STDIN_FILENO);
		dup2(replies[1], STDOUT_FILENO);
		execl(path, "test-target", (char *)NULL);
		_exit(127);
	}
	close(commands[0]);
	close(replies[1]);
	target->command_fd = commands[1];
	target->reply_fd = replies[0];
	ck_assert_uint_eq(vqi_target_ask(target, "ready"), 1);
}

void vqi_target_start(struct test_target *target)
{
	vqi_target_start_file(target, vqi_target_path());
}

uint64_t vqi_target_ask(const struct test_target *target, const char *format, ...)
{
	char line[512], *end;
	size_t len = 0;
	uint64_t value;
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line) - 1, format, args);
	va_end(args);
	strcat(line, "\n");
	ck_assert_int_eq(write(target->command_fd, line, strlen(line)), (ssize_t)strlen(line));
	do {
		ck_assert_uint_lt(len, sizeof(line) - 1);
		ck_assert_msg(read(target->reply_fd, line + len, 1) == 1, "the target has ended");
	} while (line[len++] != '\n');
	line[len] = '\0';
	value = strtoull(line, &end, 10);
	ck_assert_msg(*end == '\n', "the target says: %s", line);
	return value;
}

void vqi_target_end(struct test_target *target)
{
	if (target->pid <= 0)
		return;
	kill(target->pid, SIGKILL);
	ck_assert_int_eq(waitpid(target->pid, NULL, 0), target->pid);
	close(target->command_fd);
	close(target->reply_fd);
	*target = (struct test_target){0};
}

static char state_of(pid_t pid, pid_t tid)
{
	char path[64], line[256], state = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/status", pid, tid);
	file = fopen(path, "re");
	if (!file)
		return 0;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "State: %c", &state) == 1)
			break;
	fclose(file);
	return state;
}

void vqi_target_await_state(pid_t pid, pid_t tid, char state)
{
	time_t give_up = time(NULL) + AWAIT_SECONDS;

	/* Nothing tells of such a change; so looks until it has come. */
	while (state_of(pid, tid) != state) {
		ck_assert_msg(time(NULL) < give_up, "thread %d stays in state %c, not %c", tid,
			      state_of(pid, tid), state);
		sched_yield();
	}
}
