/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "jobs.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "vqi/limits.h"

#define WHAT "the inspection"

/* Units: s. For a child to die of its own alarm: what waits in the kernel may not. */
#define GRACE_S 2

#define PART	65536

/* All jobs, and those of them that run. */
struct jobs {
	struct vqi_job *all;
	size_t count, next; /* those from next on were not started yet */
	unsigned int wait_s;
	size_t running;
	struct vqi_job *of[VQI_MAX_AT_ONCE]; /* in the order of polled */
	struct pollfd polled[VQI_MAX_AT_ONCE];
};

void vqi_job_done(struct vqi_job *job)
{
	free(job->output);
	vqi_error_free(job->error);
	job->output = NULL;
	job->error = NULL;
}

/* ---- one ---- */

struct start {
	struct jobs *jobs;
	struct vqi_job *job;
};

/* In the child, which has no business with the others. */
static bool run(int fd, void *context)
{
	const struct start *start = context;

	for (size_t i = 0; i < start->jobs->running; i++)
		close(start->jobs->polled[i].fd);
	return start->job->func(fd, start->job->context);
}

static void start_next(struct jobs *jobs)
{
	struct vqi_job *job = &jobs->all[jobs->next++];
	struct start start = {.jobs = jobs, .job = job};
	const struct vqi_confined_limits limits = {.cpu_s = jobs->wait_s, .wait_s = jobs->wait_s};

	job->error = vqi_confined_start(&limits, run, &start, &job->child);
	if (job->error) {
		job->state = VQI_JOB_OVER;
		return;
	}
	job->state = VQI_JOB_RUNS;
	clock_gettime(CLOCK_MONOTONIC, &job->deadline);
	job->deadline.tv_sec += jobs->wait_s + GRACE_S;
	jobs->of[jobs->running] = job;
	jobs->polled[jobs->running++] = (struct pollfd){.fd = job->child.fd, .events = POLLIN};
}

/* Ends a child that is not done. It is not waited for: what sleeps in the kernel does not die before it wakes. */
static void abandon(struct vqi_job *job, struct vqi_error *error)
{
	kill(job->child.pid, SIGKILL);
	close(take_fd(&job->child.fd));
	job->error = error;
	job->state = VQI_JOB_OVER;
}

static bool make_room(struct vqi_job *job)
{
	size_t size = job->size ? 2 * job->size : PART;
	char *grown;

	if (job->size - job->len >= PART)
		return true;
	grown = realloc(job->output, size);
	if (!grown)
		return false;
	job->output = grown;
	job->size = size;
	return true;
}

static void read_part(struct vqi_job *job)
{
	ssize_t got;

	if (!make_room(job)) {
		abandon(job, vqi_error_new(VQI_ERROR_NOMEM, "out of memory"));
		return;
	}
	got = read(job->child.fd, job->output + job->len, job->size - job->len);
	if (got < 0 && errno == EINTR)
		return;
	if (got > 0) {
		job->len += (size_t)got;
		if (job->len > VQI_MAX_CHILD_OUTPUT)
			abandon(job, vqi_error_new(VQI_ERROR_LIMIT, WHAT " says too much"));
		return;
	}
	job->error = vqi_confined_end(&job->child, WHAT);
	job->state = VQI_JOB_OVER;
}

/* ---- all ---- */

/* Units: ms. Never negative. */
static int time_left(const struct vqi_job *job)
{
	struct timespec now;
	int64_t ms;

	clock_gettime(CLOCK_MONOTONIC, &now);
	ms = (job->deadline.tv_sec - now.tv_sec) * 1000 +
	     (job->deadline.tv_nsec - now.tv_nsec) / 1000000;
	return ms > 0 ? (int)ms : 0;
}

/* The first that was started is the first whose time is over. */
static void wait_for_some(struct jobs *jobs)
{
	int ready = poll(jobs->polled, jobs->running, time_left(jobs->of[0]) + 1);

	for (size_t i = 0; i < jobs->running; i++) {
		struct vqi_job *job = jobs->of[i];

		if (ready > 0 && jobs->polled[i].revents)
			read_part(job);
		else if (!time_left(job))
			abandon(job, vqi_error_new(VQI_ERROR_BAD_DATA, WHAT " took too long"));
	}
}

static void drop_ended(struct jobs *jobs)
{
	size_t kept = 0;

	for (size_t i = 0; i < jobs->running; i++) {
		if (jobs->of[i]->state != VQI_JOB_RUNS)
			continue;
		jobs->of[kept] = jobs->of[i];
		jobs->polled[kept++] = jobs->polled[i];
	}
	jobs->running = kept;
}

void vqi_jobs_run(struct vqi_job *jobs, size_t count, unsigned int wait_s)
{
	struct jobs all = {.all = jobs, .count = count, .wait_s = wait_s};

	while (all.next < count || all.running) {
		while (all.next < count && all.running < VQI_MAX_AT_ONCE)
			start_next(&all);
		if (!all.running)
			continue;
		wait_for_some(&all);
		drop_ended(&all);
	}
}
