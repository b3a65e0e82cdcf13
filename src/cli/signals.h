/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The signals that end a watch: they are let in only while it waits, so that each look is finished and none is lost. One
 * more ends the program at once, also where a look waits for what never comes. */
#ifndef VQI_CLI_SIGNALS_H
#define VQI_CLI_SIGNALS_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

/* Blocks SIGINT, SIGTERM and SIGHUP but for waiting, and makes a pipe that is closed an error. What is ignored stays so.
 * ret_wait_mask: the mask to wait with, as ppoll() takes it. */
void vqi_signals_begin(sigset_t *ret_wait_mask);

/* Whether one of them has come. */
bool vqi_signals_came(void);

/* Waits until it is until_ns (CLOCK_MONOTONIC). Returns true if a signal came, or nobody reads any more what is written to
 * fd; -1: nothing is. */
bool vqi_signals_wait(const sigset_t *wait_mask, uint64_t until_ns, int fd);

/* Units: ns of CLOCK_MONOTONIC. */
uint64_t vqi_signals_now(void);

#endif
