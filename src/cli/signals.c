/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "signals.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>

#include "vqi/screen.h"

#define NS_PER_S UINT64_C(1000000000)

/* A terminal that goes away may send the same signal more than once. */
#define PATIENCE_NS NS_PER_S

static atomic_bool came;

static void note(int signal_number)
{
	(void)signal_number;
	atomic_store(&came, true);
}

/* ---- while it looks ---- */

/* What hears the signals that come while the thread that looks has them blocked. */
struct listener {
	pthread_t looking;
	sigset_t signals;
	uint64_t first_ns; /* when the first one came; 0: none has */
};

/* Nothing that is in use is let go: this thread does not know what the other one does. */
static void end_at_once(int signal_number)
{
	sigset_t mask;

	vqi_screen_give_back();
	signal(signal_number, SIG_DFL);
	sigemptyset(&mask);
	sigaddset(&mask, signal_number);
	pthread_sigmask(SIG_UNBLOCK, &mask, NULL);
	raise(signal_number);
}

/* The first one is passed on, so that it ends the wait that follows the look. A look that waits for a page of the target's
 * memory, which somebody was to provide (userfaultfd(2)) and does not, cannot be interrupted, only killed: fs/userfaultfd.c
 * handle_userfault(). So another one ends the program. */
static void *listen_to_signals(void *arg)
{
	struct listener *listener = arg;
	int number;

	for (;;) {
		if (sigwait(&listener->signals, &number) != 0)
			continue;
		if (listener->first_ns && vqi_signals_now() >= listener->first_ns + PATIENCE_NS)
			end_at_once(number);
		if (listener->first_ns)
			continue;
		listener->first_ns = vqi_signals_now();
		note(number);
		pthread_kill(listener->looking, number);
	}
	return NULL;
}

/* Without the thread a look is waited for. It lasts as long as the program. */
static void listen_in_thread(const sigset_t *signals)
{
	struct listener *listener = malloc(sizeof(*listener));
	sigset_t all, before;
	pthread_t thread;
	int failed;

	if (!listener)
		return;
	*listener = (struct listener){.looking = pthread_self(), .signals = *signals};
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	failed = pthread_create(&thread, NULL, listen_to_signals, listener);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (failed)
		free(listener);
	else
		pthread_detach(thread);
}

/* ---- while it waits ---- */

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

	atomic_store(&came, false);
	sigemptyset(&mask);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		heed(signals[i], &mask);
	signal(SIGPIPE, SIG_IGN);
	sigprocmask(SIG_BLOCK, &mask, ret_wait_mask);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (sigismember(&mask, signals[i]))
			sigdelset(ret_wait_mask, signals[i]);
	listen_in_thread(&mask);
}

bool vqi_signals_came(void)
{
	return atomic_load(&came);
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
		if (vqi_signals_came())
			return true;
	} while (vqi_signals_now() < until_ns);
	return false;
}
