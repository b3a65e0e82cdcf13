/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Threads of the test target that wait, each for something else. */
#ifndef VQI_TESTS_FAKE_WAITS_H
#define VQI_TESTS_FAKE_WAITS_H

#include <stdbool.h>
#include <stdint.h>

/* Starts a thread, and returns its id once it has told it. 0: it could not be started. */
uint64_t start_thread(void *(*func)(void *), void *arg);

/* Threads tell their id when they are about to do what they are for. */
void announce(void);

/* Whether a line is this command, with or without an argument. */
bool is(const char *line, const char *command);

/* Answers the commands that are about a thread that waits; 0: it is none of them, or failed. */
uint64_t fake_waits_answer(const char *line, const char *argument);

#endif
