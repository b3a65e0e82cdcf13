/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Making a target's threads ours. They are seized without options first, while all run; those that
 * appear by then, when the others are already stopped, with PTRACE_O_TRACECLONE. So the target's new
 * threads are not ours (and stopped by us) before we mean it, and a chain of threads that each
 * create the next and end cannot run away from us for long. What is stopped creates nothing: when
 * all threads that there are have been stopped, that stays so. */
#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "access.h"
#include "process_private.h"
#include "stop_private.h"
#include "vqi/cleanup.h"

#define SPARE_TRACEES 256      /* for those that appear between seize and stop */
#define ASLEEP_NS     10000000 /* who sleeps uninterruptibly for longer is left alone */
#define REST_NS	      1000000

static struct vqi_error *traced_by(struct vqi_stop *stop, pid_t tracer)
{
	char name[16];

	vqi_process_comm(tracer, name);
	stop->traced = true;
	return vqi_error_new(VQI_ERROR_PERMISSION, "process %d is traced already, by %s (pid %d)",
			     vqi_process_pid(stop->process), name[0] ? name : "?", tracer);
}

/* Finds out why a thread could not be seized. No error: it has ended, or is ours already. */
static struct vqi_error *not_seized(struct vqi_stop *stop, struct vqi_tracee *tracee,
				    int saved_errno)
{
	struct vqi_tracee_status status = vqi_tracee_status(stop->task_dirfd, tracee->tid);

	if (saved_errno == ESRCH || status.state == 0) {
		tracee->state = VQI_TRACEE_GONE;
		return NULL;
	}
	if (vqi_tracee_is_zombie(status.state)) {
		tracee->state = VQI_TRACEE_ZOMBIE;
		return NULL;
	}
	if (status.tracer == gettid()) { /* by PTRACE_O_TRACECLONE */
		tracee->state = VQI_TRACEE_SEIZED;
		return NULL;
	}
	if (status.tracer)
		return traced_by(stop, status.tracer);
	if (saved_errno == EPERM)
		return vqi_access_refused(stop->process->reader, saved_errno);
	return vqi_error_sys(saved_errno, "PTRACE_SEIZE of thread %d", tracee->tid);
}

static struct vqi_error *seize(struct vqi_stop *stop, struct vqi_tracee *tracee, uintptr_t options)
{
	if (ptrace(PTRACE_SEIZE, tracee->tid, NULL, (void *)options) != 0)
		return not_seized(stop, tracee, errno);
	tracee->state = VQI_TRACEE_SEIZED;
	return NULL;
}

/* What to do with a thread that a listing shows and the table does not. */
typedef struct vqi_error *(*meet_func)(struct vqi_stop *stop, pid_t tid);

/* Asks who traces the thread before any is seized, so that nothing has to be undone; and whether it
 * can be stopped. */
static struct vqi_error *meet_running(struct vqi_stop *stop, pid_t tid)
{
	struct vqi_tracee_status status = vqi_tracee_status(stop->task_dirfd, tid);
	struct vqi_tracee tracee = {
		.tid = tid,
		.state = VQI_TRACEE_MET,
		.was_running = status.state == 'R',
		.switches = status.switches,
	};

	if (status.state == 0)
		return NULL;
	if (status.tracer)
		return traced_by(stop, status.tracer);
	if (vqi_tracee_is_zombie(status.state))
		tracee.state = VQI_TRACEE_ZOMBIE;
	else if (status.state == 'D')
		tracee.state = VQI_TRACEE_ASLEEP;
	return vqi_tracees_add(&stop->tracees, tracee);
}

/* Seizes and interrupts at once: the others are stopped already. */
static struct vqi_error *meet_stopping(struct vqi_stop *stop, pid_t tid)
{
	struct vqi_tracee tracee = {.tid = tid};
	struct vqi_error *error = seize(stop, &tracee, PTRACE_O_TRACECLONE);

	if (error || tracee.state == VQI_TRACEE_GONE)
		return error;
	if (tracee.state == VQI_TRACEE_SEIZED)
		vqi_tracee_interrupt(&tracee);
	return vqi_tracees_add(&stop->tracees, tracee);
}

/* What a listing showed. */
struct listed {
	size_t known, unknown;
};

/* Counts the threads in a part of the listing, and meets those that the table does not have. */
static struct vqi_error *meet_listed(struct vqi_stop *stop, size_t len, meet_func meet,
				     size_t *hint, struct listed *listed)
{
	for (size_t at = 0; at < len;) {
		const struct dirent64 *entry = (const void *)(stop->listing + at);
		struct vqi_error *error;
		pid_t tid;

		at += entry->d_reclen;
		if (entry->d_name[0] == '.')
			continue;
		tid = (pid_t)strtol(entry->d_name, NULL, 10);
		if (vqi_tracees_find(&stop->tracees, tid, hint)) {
			listed->known++;
			continue;
		}
		listed->unknown++;
		error = meet(stop, tid);
		if (error)
			return error;
	}
	return NULL;
}

/* Lists the threads. getdents64(2) into a buffer that is there: opendir() allocates. */
static struct vqi_error *list(struct vqi_stop *stop, meet_func meet, struct listed *ret_listed)
{
	struct listed listed = {0};
	size_t hint = 0;
	long len;

	if (lseek(stop->task_dirfd, 0, SEEK_SET) < 0)
		return vqi_error_sys(errno, "cannot rewind /proc/%d/task",
				     vqi_process_pid(stop->process));
	do {
		struct vqi_error *error;

		len = syscall(SYS_getdents64, stop->task_dirfd, stop->listing, VQI_LISTING_SIZE);
		if (len < 0 && errno != ENOENT) /* ENOENT: the process has ended */
			return vqi_reader_file_error(stop->process->reader, "task",
						     vqi_error_sys(errno, "cannot list task"));
		error = meet_listed(stop, len > 0 ? (size_t)len : 0, meet, &hint, &listed);
		if (error)
			return error;
	} while (len > 0);
	*ret_listed = listed;
	return NULL;
}

/* Whether these are all threads of the process. A listing ends early when the thread it is at ends
 * meanwhile, and need not show that one either (fs/proc/base.c proc_task_readdir(), next_tid()). The
 * directory's link count is right: proc_task_getattr(). */
static bool is_complete(const struct vqi_stop *stop, const struct listed *listed)
{
	struct stat st;

	if (listed->unknown)
		return false;
	return fstat(stop->task_dirfd, &st) != 0 || st.st_nlink <= listed->known + 2;
}

/* Seizes the threads that were met. One that slept uninterruptibly then and has not woken up is not
 * touched: it could not be stopped, nor detached from. */
struct vqi_error *vqi_stop_seize_awoken(struct vqi_stop *stop)
{
	for (size_t i = 0; i < stop->tracees.count; i++) {
		struct vqi_tracee *tracee = &stop->tracees.items[i];
		struct vqi_error *error;

		if (tracee->state == VQI_TRACEE_ASLEEP) {
			struct vqi_tracee_status status =
				vqi_tracee_status(stop->task_dirfd, tracee->tid);

			if (status.state == 'D' && status.switches == tracee->switches)
				continue;
		} else if (tracee->state != VQI_TRACEE_MET) {
			continue;
		}
		error = seize(stop, tracee, 0);
		if (error)
			return error;
	}
	return NULL;
}

/* Whether the target alone can keep all CPUs busy that we may use. */
static bool is_crowded(const struct vqi_stop *stop)
{
	size_t running = 0;
	cpu_set_t cpus;

	for (size_t i = 0; i < stop->tracees.count; i++)
		running += stop->tracees.items[i].was_running;
	CPU_ZERO(&cpus);
	return sched_getaffinity(0, sizeof(cpus), &cpus) == 0 &&
	       running >= (size_t)CPU_COUNT(&cpus);
}

/* Sleeps between looking at the threads and seizing them: so that two looks at one that is asleep
 * are some time apart; and because looking has used up our share of the CPU, and whom the scheduler
 * prefers to us now would run for a time slice when the target is half stopped. (With two busy
 * threads on two CPUs, the slowest tenth of stops took 3.6 ms without this, 0.2 ms with it.) */
static void take_a_nap(const struct vqi_stop *stop)
{
	struct timespec nap = {.tv_nsec = 0};

	if (vqi_tracees_count(&stop->tracees, VQI_TRACEE_ASLEEP))
		nap.tv_nsec = ASLEEP_NS;
	else if (is_crowded(stop))
		nap.tv_nsec = REST_NS;
	if (nap.tv_nsec)
		nanosleep(&nap, NULL);
}

/* Seizes what is there now. Threads that appear later are met when the others are stopped. */
struct vqi_error *vqi_stop_seize_all(struct vqi_stop *stop)
{
	struct vqi_error *error;
	struct listed listed = {0};

	error = stop->only ? meet_running(stop, stop->only) : list(stop, meet_running, &listed);
	if (!error) {
		if (!stop->only)
			take_a_nap(stop);
		error = vqi_stop_seize_awoken(stop);
	}
	vqi_tracees_forget(&stop->tracees, VQI_TRACEE_MET);
	vqi_tracees_forget(&stop->tracees, VQI_TRACEE_GONE);
	if (error || stop->only)
		return error;
	return vqi_tracees_reserve(&stop->tracees, SPARE_TRACEES + stop->tracees.count);
}

struct vqi_error *vqi_stop_seize_new(struct vqi_stop *stop, bool *ret_complete)
{
	struct listed listed = {0};
	struct vqi_error *error = list(stop, meet_stopping, &listed);

	if (error)
		return error;
	*ret_complete = is_complete(stop, &listed);
	return NULL;
}
