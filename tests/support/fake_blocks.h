/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the test target has from malloc(). */
#ifndef VQI_TESTS_FAKE_BLOCKS_H
#define VQI_TESTS_FAKE_BLOCKS_H

#include <stdint.h>

/* Answers the commands that are about malloc(); 0: it is none of them, or failed.
 * block N: malloc(N), of which byte i is N + 7 * i; blocks N: so many of 2000 bytes, and which is the last; free A. The
 * same after "thread-" is done on another thread. */
uint64_t fake_blocks_answer(const char *line, const char *argument);

#endif
