/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Many confined children at the same time, and what each has said. */
#ifndef VQI_CLI_JOBS_H
#define VQI_CLI_JOBS_H

#include <time.h>

#include "vqi/confined.h"

/* Runs in the child, as vqi_confined_func. */
struct vqi_job {
	vqi_confined_func func;
	void *context;

	char *output; /* all that it said, whole */
	size_t len, size;
	struct vqi_error *error; /* why that is not all; NULL: it is */

	struct vqi_confined child;
	struct timespec deadline;
	enum { VQI_JOB_WAITING, VQI_JOB_RUNS, VQI_JOB_OVER } state;
};

/* Runs them all, some at a time, and returns when each is over: ended by itself, with a signal, or for taking longer
 * than wait_s. */
void vqi_jobs_run(struct vqi_job *jobs, size_t count, unsigned int wait_s);
void vqi_job_done(struct vqi_job *job);

#endif
