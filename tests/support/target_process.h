/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Starts tests/support/target.c, talks to it, and ends it. Every failure fails the test. */
#ifndef VQI_TESTS_TARGET_PROCESS_H
#define VQI_TESTS_TARGET_PROCESS_H

#include <stdint.h>
#include <sys/types.h>

struct test_target {
	pid_t pid;
	int command_fd, reply_fd;
};

/* Starts the target; it is ready on return. */
void vqi_target_start(struct test_target *target);

/* The same, from another executable file of the same contents. */
void vqi_target_start_file(struct test_target *target, const char *path);

/* Where the target's executable is. */
const char *vqi_target_path(void);

/* Sends a command, a line, and waits for the reply: a number. */
uint64_t vqi_target_ask(const struct test_target *target, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Kills and reaps it; harmless when it is not running. */
void vqi_target_end(struct test_target *target);

/* Waits until /proc/PID/task/TID/status says this state. */
void vqi_target_await_state(pid_t pid, pid_t tid, char state);

#endif
