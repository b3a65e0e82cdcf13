/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tracee.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "status.h"
#include "vqi/limits.h"

struct vqi_tracee_status vqi_tracee_status(int task_dirfd, pid_t tid)
{
	struct vqi_tracee_status status = {0};
	/* "Groups:" and the CPU and node masks can be long, and what is wanted stands on both
	 * sides of them. */
	char text[16384], name[32];
	ssize_t len = 0, got;
	int fd;

	snprintf(name, sizeof(name), "%d/status", tid);
	fd = openat(task_dirfd, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return status;
	do {
		got = read(fd, text + len, sizeof(text) - 1 - (size_t)len);
		len += got > 0 ? got : 0;
	} while (got > 0);
	close(fd);
	text[len] = '\0';
	if (len == 0)
		return status;
	status.state = vqi_status_state(text);
	status.tracer = (pid_t)vqi_status_number(text, "TracerPid", 10, 0);
	status.switches = vqi_status_number(text, "voluntary_ctxt_switches", 10, 0);
	return status;
}

bool vqi_tracee_is_zombie(char state)
{
	return state == 'Z' || state == 'X' || state == 'x';
}

/* A stop tells in the upper bits of the wait status which kind it is: ptrace(2), "Stopped states".
 * Only in a signal-delivery-stop is the signal one to be delivered; in a PTRACE_EVENT_STOP it says
 * SIGTRAP, or which signal stopped the group. */
static int signal_of_stop(int wait_status)
{
	return wait_status >> 16 == 0 ? WSTOPSIG(wait_status) : 0;
}

static pid_t child_of_stop(pid_t tid, int wait_status)
{
	unsigned long child = 0;

	if (wait_status >> 16 != PTRACE_EVENT_CLONE ||
	    ptrace(PTRACE_GETEVENTMSG, tid, NULL, &child) != 0)
		return 0;
	return (pid_t)child;
}

void vqi_tracee_interrupt(struct vqi_tracee *tracee)
{
	/* ESRCH where it is ending: polling tells. */
	ptrace(PTRACE_INTERRUPT, tracee->tid, NULL, NULL);
	tracee->state = VQI_TRACEE_INTERRUPTED;
}

enum vqi_tracee_wait vqi_tracee_poll(struct vqi_tracee *tracee, pid_t *ret_child)
{
	int wait_status;
	pid_t got = waitpid(tracee->tid, &wait_status, __WALL | WNOHANG);

	*ret_child = 0;
	if (got == 0 || (got < 0 && errno == EINTR))
		return VQI_TRACEE_WAIT_NOT_YET;
	/* ECHILD: its id was given up in an execve() by another thread: ptrace(2), "execve(2) under
	 * ptrace". */
	if (got < 0 || !WIFSTOPPED(wait_status)) {
		tracee->state = VQI_TRACEE_GONE;
		return VQI_TRACEE_WAIT_GONE;
	}
	tracee->state = VQI_TRACEE_STOPPED;
	tracee->signal = signal_of_stop(wait_status);
	*ret_child = child_of_stop(tracee->tid, wait_status);
	return VQI_TRACEE_WAIT_STOPPED;
}

bool vqi_tracee_detach(struct vqi_tracee *tracee)
{
	/* A group-stop outlives this without PTRACE_LISTEN: kernel/ptrace.c __ptrace_unlink() puts
	 * JOBCTL_STOP_PENDING back. And a trap by PTRACE_INTERRUPT that is still pending behind
	 * another stop is cleared there. */
	bool detached =
		ptrace(PTRACE_DETACH, tracee->tid, NULL, (void *)(intptr_t)tracee->signal) == 0;

	tracee->state = detached ? VQI_TRACEE_GONE : VQI_TRACEE_INTERRUPTED;
	return detached;
}

struct vqi_tracee *vqi_tracees_find(const struct vqi_tracees *tracees, pid_t tid, size_t *hint)
{
	for (size_t i = 0; i < tracees->count; i++) {
		size_t at = (*hint + i) % tracees->count;

		if (tracees->items[at].tid == tid) {
			*hint = at + 1;
			return &tracees->items[at];
		}
	}
	return NULL;
}

struct vqi_error *vqi_tracees_reserve(struct vqi_tracees *tracees, size_t spare)
{
	size_t size = tracees->count + spare;
	struct vqi_tracee *grown;

	if (size <= tracees->size)
		return NULL;
	grown = reallocarray(tracees->items, size, sizeof(*grown));
	if (!grown)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	tracees->items = grown;
	tracees->size = size;
	return NULL;
}

struct vqi_error *vqi_tracees_add(struct vqi_tracees *tracees, struct vqi_tracee tracee)
{
	if (tracees->count == VQI_MAX_THREADS)
		return vqi_error_new(VQI_ERROR_LIMIT, "more than %d threads", VQI_MAX_THREADS);
	if (tracees->count == tracees->size) {
		struct vqi_error *error = vqi_tracees_reserve(tracees, tracees->count + 64);

		if (error)
			return error;
	}
	tracees->items[tracees->count++] = tracee;
	return NULL;
}

void vqi_tracees_forget(struct vqi_tracees *tracees, enum vqi_tracee_state state)
{
	size_t kept = 0;

	for (size_t i = 0; i < tracees->count; i++)
		if (tracees->items[i].state != state)
			tracees->items[kept++] = tracees->items[i];
	tracees->count = kept;
}

size_t vqi_tracees_count(const struct vqi_tracees *tracees, enum vqi_tracee_state state)
{
	size_t count = 0;

	for (size_t i = 0; i < tracees->count; i++)
		count += tracees->items[i].state == state;
	return count;
}
