/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Threads and a coroutine of the test target in chains of calls that are known. */
#ifndef VQI_TESTS_FAKE_CHAINS_H
#define VQI_TESTS_FAKE_CHAINS_H

#include <stdint.h>

/* Answers the commands that are about chains of calls; 0: it is none of them, or failed. */
uint64_t fake_chains_answer(const char *line, const char *argument);

#endif
