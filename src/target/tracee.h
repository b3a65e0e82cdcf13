/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Threads under ptrace(2): seized, interrupted, stopped, detached. */
#ifndef VQI_TARGET_TRACEE_H
#define VQI_TARGET_TRACEE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "vqi/error.h"

enum vqi_tracee_state {
	VQI_TRACEE_MET,	   /* listed, not seized yet */
	VQI_TRACEE_ASLEEP, /* sleeps uninterruptibly, has for a while: left alone, and watched */
	VQI_TRACEE_SEIZED, /* ours; runs */
	VQI_TRACEE_INTERRUPTED, /* ours; will stop before it executes user code again */
	VQI_TRACEE_STOPPED,	/* in a ptrace-stop */
	VQI_TRACEE_ZOMBIE,	/* ended before it was ours; still listed, as a leader can be */
	VQI_TRACEE_GONE,	/* ended, or detached from: not ours, to be forgotten */
};

struct vqi_tracee {
	pid_t tid;
	enum vqi_tracee_state state;
	bool was_running;  /* when it was met: may be on a CPU */
	int signal;	   /* kept when STOPPED: was about to be delivered; 0: none */
	uint64_t switches; /* when ASLEEP: how often it had gone to sleep by then */
};

/* What /proc/PID/task/TID/status tells. */
struct vqi_tracee_status {
	char state;	   /* 'R', 'S', 'D', 'T', 't', 'Z', 'X'; 0 when there is no such thread */
	pid_t tracer;	   /* 0: none */
	uint64_t switches; /* voluntary context switches */
};

/* Reads a thread's status, without allocation. */
struct vqi_tracee_status vqi_tracee_status(int task_dirfd, pid_t tid);

bool vqi_tracee_is_zombie(char state);

/* What became of waiting for a stop. */
enum vqi_tracee_wait {
	VQI_TRACEE_WAIT_STOPPED, /* now STOPPED */
	VQI_TRACEE_WAIT_GONE,	 /* it has ended, and been reaped */
	VQI_TRACEE_WAIT_NOT_YET,
};

/* Tells a thread of ours to stop. */
void vqi_tracee_interrupt(struct vqi_tracee *tracee);

/* Looks, without waiting, whether a thread of ours has stopped or ended. ret_child gets the id of a
 * thread that it was just creating and that is ours therefore; else 0. */
enum vqi_tracee_wait vqi_tracee_poll(struct vqi_tracee *tracee, pid_t *ret_child);

/* Detaches from a stopped thread and lets it run, with its signal; into its group-stop where it was
 * in one. False when it was killed while stopped: to be reaped. */
bool vqi_tracee_detach(struct vqi_tracee *tracee);

/* The threads that a stop knows, in the order in which they were listed. */
struct vqi_tracees {
	struct vqi_tracee *items;
	size_t count, size;
};

/* Finds a thread; hint is where to look first, and becomes the place behind the one found. */
struct vqi_tracee *vqi_tracees_find(const struct vqi_tracees *tracees, pid_t tid, size_t *hint);

/* Makes room for so many more, so that adding these allocates nothing. */
struct vqi_error *vqi_tracees_reserve(struct vqi_tracees *tracees, size_t spare) vqi_must_check;

/* Errors: LIMIT, NOMEM. */
struct vqi_error *vqi_tracees_add(struct vqi_tracees *tracees,
				  struct vqi_tracee tracee) vqi_must_check;

/* Drops all that are in a state; the others keep their order. */
void vqi_tracees_forget(struct vqi_tracees *tracees, enum vqi_tracee_state state);

/* How many are in a state. */
size_t vqi_tracees_count(const struct vqi_tracees *tracees, enum vqi_tracee_state state);

#endif
