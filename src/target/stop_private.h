/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What seizing and stopping share. */
#ifndef VQI_TARGET_STOP_PRIVATE_H
#define VQI_TARGET_STOP_PRIVATE_H

#include <signal.h>

#include "tracee.h"
#include "vqi/stop.h"

#define VQI_LISTING_SIZE (64 * 1024) /* some 2700 threads at once */

struct vqi_stop {
	struct vqi_process *process;
	int task_dirfd; /* /proc/PID/task */
	pid_t only;	/* the one thread that it is about; 0: all */
	bool mask_changed, ate_sigchld;
	bool stopping; /* from the first interrupt to the resume */
	bool inexact;  /* a thread may have run meanwhile */
	bool traced;   /* another process traces the target */
	sigset_t old_mask;
	struct vqi_tracees tracees;
	size_t held; /* threads in a ptrace-stop, in this stop or the last */
	uint64_t started_ns, stopped_us;
	char listing[VQI_LISTING_SIZE] __attribute__((aligned(8)));
};

/* Seizes the threads that there are, but those in a long uninterruptible sleep. */
struct vqi_error *vqi_stop_seize_all(struct vqi_stop *stop) vqi_must_check;

/* Seizes those left out that have woken up since. */
struct vqi_error *vqi_stop_seize_awoken(struct vqi_stop *stop) vqi_must_check;

/* Seizes and interrupts the threads that are not known; stores whether all had been known. */
struct vqi_error *vqi_stop_seize_new(struct vqi_stop *stop, bool *ret_complete) vqi_must_check;

#endif
