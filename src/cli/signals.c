/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signals.h"

#include <poll.h>
#include <stddef.h>
#include <time.h>

#define NS_PER_S UINT64_C(1000000000)

static volatile sig_atomic_t came;

static void note(int signal_number)
{
	(void)signal_number;
	came = 1;
}

/* nohup(1) and the like have a signal ignored. */
static void heed(int signal_number, sigset_t *mask)
{
	struct sigaction action;

	if (sigaction(signal_number, NULL, &action) != 0 || action.sa_handler == SIG_IGN)
		return;
	action = (struct sigaction){.sa_handler = note};
	sigaction(signal_number, &action, NULL);
	sigaddset(mask, signal_number);
}

void vqi_signals_begin(sigset_t *ret_wait_mask)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
	sigset_t mask;

	came = 0;
	sigemptyset(&mask);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		heed(signals[i], &mask);
	signal(SIGPIPE, SIG_IGN);
	sigprocmask(SIG_BLOCK, &mask, ret_wait_mask);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (sigismember(&mask, signals[i]))
			sigdelset(ret_wait_mask, signals[i]);
}

bool vqi_signals_came(void)
{
	return came;
}

uint64_t vqi_signals_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

bool vqi_signals_wait(const sigset_t *wait_mask, uint64_t until_ns, int fd)
{
	struct pollfd output = {.fd = fd};
	uint64_t now_ns;

	do {
		struct timespec rest = {0};

		now_ns = vqi_signals_now();
		if (now_ns < until_ns)
			rest = (struct timespec){(time_t)((until_ns - now_ns) / NS_PER_S),
						 (long)((until_ns - now_ns) % NS_PER_S)};
		if (ppoll(&output, 1, &rest, wait_mask) > 0) {
			if (output.revents & (POLLERR | POLLHUP))
				return true;
			output.fd = -1; /* it is not open: writing to it will tell */
		}
		if (came)
			return true;
	} while (vqi_signals_now() < until_ns);
	return false;
}
