/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "process_private.h"

#define NS_PER_S 1000000000

struct timespec vqi_clock_now(clockid_t clock)
{
	struct timespec now = {0};

	clock_gettime(clock, &now);
	return now;
}

/* Sleeps to the end, also when a signal that is handled comes in between. */
void vqi_clock_rest(uint64_t ns)
{
	struct timespec rest = {.tv_sec = (time_t)(ns / NS_PER_S),
				.tv_nsec = (long)(ns % NS_PER_S)};

	while (clock_nanosleep(CLOCK_MONOTONIC, 0, &rest, &rest) == EINTR)
		;
}
