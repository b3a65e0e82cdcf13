/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When it is worth finding out why something stands still, where many looks follow one another. */
#include <stdlib.h>
#include <string.h>

#include "vqi/virtio.h"

#include "evidence.h"

/* Units: s. After so long all is read anyway: what shows in no ring, and in no thread's call. */
#define WHOLE_AGAIN_S 10

/* Waits for the other side: work that should not last, or a network card's queue without a buffer. */
static bool may_be_stuck(const struct vqi_device *device, const struct vqi_queue *queue)
{
	if (!queue->desc_gpa)
		return false;
	return vqi_queue_is_waiting(queue) ||
	       (device->device_id == VQI_DEVICE_NET && queue->kind == VQI_KIND_RECEIVE &&
		vqi_num_is(vqi_queue_untaken(queue), 0));
}

static bool is_queue_suspicious(const struct vqi_device *device, const struct vqi_queue *queue,
				const struct vqi_queue *before)
{
	if (queue->ring_faults || queue->access != VQI_RING_READ)
		return true;
	return may_be_stuck(device, queue) && vqi_queue_held_still(before, queue);
}

static bool is_device_suspicious(const struct vqi_device *device, const struct vqi_device *before)
{
	if (device->broken || device->unread || device->status & VQI_STATUS_NEEDS_RESET)
		return true;
	for (size_t i = 0; i < device->queue_count; i++) {
		const struct vqi_queue *queue = &device->queues[i];

		if (is_queue_suspicious(device, queue, vqi_find_queue(before, queue->index)))
			return true;
	}
	return false;
}

/* By what of the VM and the rings is known. */
static bool looks_suspicious(const struct vqi_snapshot *before, const struct vqi_snapshot *snapshot)
{
	const char *run_state = snapshot->target.run_state;

	if (snapshot->target.held.by != VQI_HELD_NOT ||
	    (run_state && strcmp(run_state, "running") != 0))
		return true;
	for (size_t i = 0; i < snapshot->device_count; i++) {
		const struct vqi_device *device = &snapshot->devices[i];

		if (is_device_suspicious(device, vqi_find_device(before, device)))
			return true;
	}
	return false;
}

/* ---- event loops ---- */

/* Whether a loop is elsewhere than in its poll in two looks, one after the other. */
static struct vqi_error *is_loop_away(struct vqi_observer *observer, bool *ret_away)
{
	struct vqi_error *error = NULL;
	bool away = false;

	for (size_t i = 0; !error && i < observer->loop_tid_count; i++) {
		bool polls = false; /* nor does a thread that has ended */

		error = vqi_error_keep_fatal(
			vqi_process_polls(observer->process, observer->loop_tids[i], &polls));
		away |= !polls;
	}
	*ret_away = away && observer->loop_away;
	observer->loop_away = away;
	return error;
}

/* Errors: NOMEM. */
static struct vqi_error *remember_loops(struct vqi_observer *observer,
					const struct vqi_snapshot *snapshot)
{
	pid_t *tids = calloc(snapshot->loop_count + 1, sizeof(*tids));

	if (!tids)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	free(observer->loop_tids);
	observer->loop_tids = tids;
	observer->loop_tid_count = 0;
	observer->loop_away = false;
	for (size_t i = 0; i < snapshot->loop_count; i++) {
		const struct vqi_thread *thread =
			vqi_snapshot_thread(snapshot, snapshot->loops[i].tid);

		if (!thread)
			continue;
		tids[observer->loop_tid_count++] = thread->tid;
		observer->loop_away |= !thread->in_syscall || !vqi_is_poll(thread->syscall);
	}
	return NULL;
}

/* ---- a look ---- */

static struct vqi_error *is_suspicious(struct vqi_observer *observer,
				       const struct vqi_snapshot *before,
				       const struct vqi_snapshot *snapshot, struct timespec now,
				       bool *ret_suspicious)
{
	struct vqi_error *error = NULL;
	bool away = false;

	if (observer->process)
		error = is_loop_away(observer, &away);
	*ret_suspicious = away || !before || looks_suspicious(before, snapshot) ||
			  now.tv_sec - observer->whole_time.tv_sec >= WHOLE_AGAIN_S;
	return error;
}

struct vqi_error *vqi_evidence_add_if_suspicious(struct vqi_observer *observer,
						 const struct vqi_snapshot *before,
						 struct vqi_snapshot *snapshot)
{
	struct timespec now = vqi_process_now(observer->process, CLOCK_MONOTONIC);
	struct vqi_error *error;
	bool suspicious;

	error = is_suspicious(observer, before, snapshot, now, &suspicious);
	if (!error && !suspicious)
		snapshot->capture.is_brief = true;
	if (error || !suspicious)
		return error;
	observer->whole_time = now;
	error = vqi_evidence_add(observer, snapshot);
	return error ? error : remember_loops(observer, snapshot);
}
