/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Running again is detaching, not PTRACE_CONT: to detach from a running thread it has to be
 * interrupted once more, and until then each signal that it gets would stop it. */
#include "vqi/stop.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "process_private.h"
#include "stop_private.h"
#include "vqi/cleanup.h"
#include "vqi/limits.h"

#define WAIT_SLICE_MS 1
#define NS_PER_MS     UINT64_C(1000000)
#define TIMEOUT_NS    (VQI_STOP_TIMEOUT_MS * NS_PER_MS)

/* For how long to wait for another tracer to go. */
#define TRACER_WAITS   20
#define TRACER_WAIT_NS 10000000

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 * NS_PER_MS + (uint64_t)now.tv_nsec;
}

/* Sleeps until a thread may have stopped; false when the slice was over first. SIGCHLD is blocked,
 * and so is kept for us; where it is ignored and none comes, there is the slice. */
static bool wait_slice(struct vqi_stop *stop)
{
	const struct timespec slice = {.tv_nsec = WAIT_SLICE_MS * NS_PER_MS};
	sigset_t child;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	if (sigtimedwait(&child, NULL, &slice) != SIGCHLD)
		return false;
	stop->ate_sigchld = true;
	return true;
}

/* Takes a thread that another was creating when that was stopped. It is listed too, unless it is a
 * process of its own (clone(2) without CLONE_THREAD). */
static struct vqi_error *adopt(struct vqi_stop *stop, pid_t child)
{
	struct vqi_tracee tracee = {.tid = child, .state = VQI_TRACEE_INTERRUPTED};
	size_t hint = 0;

	if (!child || vqi_tracees_find(&stop->tracees, child, &hint))
		return NULL;
	return vqi_tracees_add(&stop->tracees, tracee);
}

/* Waits until an interrupted thread has stopped or ended, or it is certain that it will not execute
 * another instruction of its own before it stops: then it stays INTERRUPTED. */
static struct vqi_error *wait_stopped(struct vqi_stop *stop, size_t at, uint64_t deadline_ns)
{
	for (;;) {
		struct vqi_tracee *tracee = &stop->tracees.items[at];
		enum vqi_tracee_wait result;
		struct vqi_tracee_status status;
		pid_t child;

		result = vqi_tracee_poll(tracee, &child);
		if (result == VQI_TRACEE_WAIT_STOPPED)
			return adopt(stop, child);
		if (result == VQI_TRACEE_WAIT_GONE)
			return NULL;
		if (wait_slice(stop) && now_ns() < deadline_ns)
			continue;
		status = vqi_tracee_status(stop->task_dirfd, tracee->tid);
		/* Asleep in the kernel, with the trap pending for its way out; or ended: a leader
		 * can be reaped after its threads only. */
		if (status.state == 'D' || status.state == 0 || vqi_tracee_is_zombie(status.state))
			return NULL;
		if (now_ns() >= deadline_ns)
			return vqi_error_new(VQI_ERROR_SYS,
					     "thread %d does not stop: in state %c after %d ms",
					     tracee->tid, status.state, VQI_STOP_TIMEOUT_MS);
	}
}

static struct vqi_error *wait_all(struct vqi_stop *stop, uint64_t deadline_ns)
{
	/* The count can grow on the way: adopt(). */
	for (size_t i = 0; i < stop->tracees.count; i++) {
		struct vqi_error *error;

		if (stop->tracees.items[i].state != VQI_TRACEE_INTERRUPTED)
			continue;
		error = wait_stopped(stop, i, deadline_ns);
		if (error)
			return error;
	}
	vqi_tracees_forget(&stop->tracees, VQI_TRACEE_GONE);
	return NULL;
}

static void interrupt_some(struct vqi_stop *stop, bool running)
{
	for (size_t i = 0; i < stop->tracees.count; i++) {
		struct vqi_tracee *tracee = &stop->tracees.items[i];

		if (tracee->state == VQI_TRACEE_SEIZED && tracee->was_running == running)
			vqi_tracee_interrupt(tracee);
	}
}

/* First the threads that use the CPUs: they could have ours, as soon as one that we wake up to stop
 * it takes that from us, and keep it for a time slice while all others are stopped. */
static void interrupt_seized(struct vqi_stop *stop)
{
	interrupt_some(stop, true);
	interrupt_some(stop, false);
}

/* Stops all, and those that appear, until none appears. */
static struct vqi_error *stop_all(struct vqi_stop *stop)
{
	uint64_t deadline_ns = stop->started_ns + TIMEOUT_NS;

	interrupt_seized(stop);
	for (int pass = 0; pass < VQI_MAX_SEIZE_PASSES; pass++) {
		struct vqi_error *error;
		bool complete;

		error = wait_all(stop, deadline_ns);
		if (error || stop->only)
			return error;
		error = vqi_stop_seize_new(stop, &complete);
		if (error)
			return error;
		if (complete)
			return NULL;
	}
	return vqi_error_new(VQI_ERROR_LIMIT, "process %d creates threads faster than they stop",
			     vqi_process_pid(stop->process));
}

/* Waits, but not for long, for those that have to stop before they can be detached from; and for
 * the ends of those that were killed, so that their parent can reap them. */
static void finish(struct vqi_stop *stop)
{
	uint64_t deadline_ns = now_ns() + TIMEOUT_NS;

	while (vqi_tracees_count(&stop->tracees, VQI_TRACEE_INTERRUPTED)) {
		bool progress = false;

		/* Backwards: the end of a leader is reported after those of its threads. */
		for (size_t i = stop->tracees.count; i-- > 0;) {
			struct vqi_tracee *tracee = &stop->tracees.items[i];
			pid_t child;

			if (tracee->state != VQI_TRACEE_INTERRUPTED ||
			    vqi_tracee_poll(tracee, &child) == VQI_TRACEE_WAIT_NOT_YET)
				continue;
			progress = true;
			if (tracee->state == VQI_TRACEE_STOPPED)
				vqi_tracee_detach(tracee);
			/* Last, as it can move the table. */
			vqi_error_free(adopt(stop, child));
		}
		if (!progress && !wait_slice(stop) && now_ns() >= deadline_ns)
			return;
	}
}

/* Whether the threads that were left alone have slept all the time. */
static bool slept_on(const struct vqi_stop *stop)
{
	for (size_t i = 0; i < stop->tracees.count; i++) {
		const struct vqi_tracee *tracee = &stop->tracees.items[i];
		struct vqi_tracee_status status;

		if (tracee->state != VQI_TRACEE_ASLEEP)
			continue;
		status = vqi_tracee_status(stop->task_dirfd, tracee->tid);
		if (status.state != 'D' || status.switches != tracee->switches)
			return false;
	}
	return true;
}

/* Blocks what would end or stop us, and so freeze the target or leave it in mid-stop. Not SIGALRM,
 * with which a caller can limit that time, nor the signals that say that we crash. */
static void block_signals(struct vqi_stop *stop)
{
	static const int passed[] = {SIGALRM, SIGSEGV, SIGBUS, SIGFPE,
				     SIGILL,  SIGTRAP, SIGSYS, SIGABRT};
	sigset_t mask;

	sigfillset(&mask);
	for (size_t i = 0; i < sizeof(passed) / sizeof(passed[0]); i++)
		sigdelset(&mask, passed[i]);
	stop->mask_changed = pthread_sigmask(SIG_BLOCK, &mask, &stop->old_mask) == 0;
}

/* *ret_traced says whether another process traces it. */
static struct vqi_error *seize_once(struct vqi_process *process, pid_t only, bool *ret_traced,
				    struct vqi_stop **ret_stop)
{
	vqi_cleanup_stop struct vqi_stop *stop = NULL;
	struct vqi_error *error;

	*ret_traced = false;
	stop = calloc(1, sizeof(*stop));
	if (!stop)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	stop->task_dirfd = -1;
	stop->process = process;
	stop->only = only;
	error = vqi_process_open_file(process, "task", O_DIRECTORY, &stop->task_dirfd);
	if (error)
		return error;
	block_signals(stop);
	error = vqi_stop_seize_all(stop);
	*ret_traced = stop->traced;
	if (error)
		return error;
	if (!vqi_tracees_count(&stop->tracees, VQI_TRACEE_SEIZED) &&
	    !vqi_tracees_count(&stop->tracees, VQI_TRACEE_ASLEEP))
		return vqi_error_new(VQI_ERROR_GONE, "process %d has ended",
				     vqi_process_pid(process));
	*ret_stop = take_ptr(stop);
	return NULL;
}

/* Seizes one thread, or with 0 all. */
static struct vqi_error *seize(struct vqi_process *process, pid_t only, struct vqi_stop **ret_stop)
{
	struct vqi_error *error;
	bool traced;

	if (vqi_process_pid(process) == getpid())
		return vqi_error_new(VQI_ERROR_UNSUPPORTED, "a process cannot stop itself");
	error = seize_once(process, only, &traced, ret_stop);
	/* Another inspector's stop is soon over; a debugger's is not. */
	for (int i = 0; traced && i < TRACER_WAITS; i++) {
		vqi_error_free(error);
		nanosleep(&(struct timespec){.tv_nsec = TRACER_WAIT_NS}, NULL);
		error = seize_once(process, only, &traced, ret_stop);
	}
	return error;
}

struct vqi_error *vqi_stop_seize(struct vqi_process *process, struct vqi_stop **ret_stop)
{
	return seize(process, 0, ret_stop);
}

struct vqi_error *vqi_stop_seize_thread(struct vqi_process *process, pid_t tid,
					struct vqi_stop **ret_stop)
{
	return seize(process, tid, ret_stop);
}

struct vqi_error *vqi_stop_interrupt(struct vqi_stop *stop)
{
	struct vqi_error *error;

	if (stop->stopping)
		return NULL;
	/* After a resume all is to be seized anew; else only what has woken up since the seize. */
	error = vqi_tracees_count(&stop->tracees, VQI_TRACEE_SEIZED) ? vqi_stop_seize_awoken(stop)
								     : vqi_stop_seize_all(stop);
	if (error)
		return error;
	stop->inexact = false;
	stop->stopping = true;
	stop->started_ns = now_ns();
	error = stop_all(stop);
	stop->held = vqi_tracees_count(&stop->tracees, VQI_TRACEE_STOPPED);
	if (!error)
		error = vqi_process_check(stop->process);
	if (error)
		vqi_stop_resume(stop);
	return error;
}

void vqi_stop_resume(struct vqi_stop *stop)
{
	if (!stop->stopping)
		return;
	if (!slept_on(stop))
		stop->inexact = true;
	for (size_t i = 0; i < stop->tracees.count; i++)
		if (stop->tracees.items[i].state == VQI_TRACEE_STOPPED)
			vqi_tracee_detach(&stop->tracees.items[i]);
	stop->stopped_us = (now_ns() - stop->started_ns) / 1000;
	stop->stopping = false;
	finish(stop);
	vqi_tracees_forget(&stop->tracees, VQI_TRACEE_GONE);
	vqi_tracees_forget(&stop->tracees, VQI_TRACEE_ZOMBIE);
	vqi_tracees_forget(&stop->tracees, VQI_TRACEE_ASLEEP);
}

size_t vqi_stop_thread_count(const struct vqi_stop *stop)
{
	return stop->held;
}

uint64_t vqi_stop_stopped_us(const struct vqi_stop *stop)
{
	return stop->stopped_us;
}

bool vqi_stop_was_exact(const struct vqi_stop *stop)
{
	return !stop->inexact;
}

static void free_stop(struct vqi_stop *stop)
{
	if (stop->ate_sigchld)
		raise(SIGCHLD); /* one of those may have been meant for someone else */
	if (stop->mask_changed)
		pthread_sigmask(SIG_SETMASK, &stop->old_mask, NULL);
	if (stop->task_dirfd >= 0)
		close(stop->task_dirfd);
	free(stop->tracees.items);
	free(stop);
}

void vqi_stop_abandon(struct vqi_stop *stop)
{
	if (stop)
		free_stop(stop);
}

void vqi_stop_release(struct vqi_stop *stop)
{
	if (!stop)
		return;
	vqi_stop_resume(stop);
	/* Seized, but never stopped: a thread has to stop to be detached from. */
	interrupt_seized(stop);
	finish(stop);
	free_stop(stop);
}
