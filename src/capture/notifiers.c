/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kick and the interrupt that wait in an eventfd. */
#include "evidence.h"

/* A descriptor that is no eventfd leaves the count unknown. */
static struct vqi_error *read_eventfd(struct vqi_observer *observer, struct vqi_num fd,
				      struct vqi_num *ret_id, struct vqi_num *ret_count)
{
	struct vqi_eventfd eventfd;
	struct vqi_error *error;

	if (!fd.known)
		return NULL;
	error = vqi_process_eventfd(observer->process, (int)fd.value, &eventfd);
	if (error) {
		*ret_count = VQI_UNKNOWN;
		return vqi_error_keep_fatal(error);
	}
	*ret_count = VQI_NUM(eventfd.count);
	*ret_id = eventfd.id >= 0 ? VQI_NUM(eventfd.id) : VQI_UNKNOWN;
	return NULL;
}

static struct vqi_error *read_queue(struct vqi_observer *observer, struct vqi_queue *queue)
{
	struct vqi_error *error;

	error = read_eventfd(observer, queue->host_notifier_fd, &queue->host_notifier_id,
			     &queue->host_notifier_count);
	return error ? error
		     : read_eventfd(observer, queue->guest_notifier_fd, &queue->guest_notifier_id,
				    &queue->guest_notifier_count);
}

/* What was 0 once was not pending all the time: only the others are read again. */
static struct vqi_error *read_again(struct vqi_observer *observer, struct vqi_queue *queue)
{
	struct vqi_error *error = NULL;

	if (vqi_num_nonzero(queue->host_notifier_count)) {
		error = read_eventfd(observer, queue->host_notifier_fd, &queue->host_notifier_id,
				     &queue->host_notifier_count);
		queue->kick_pending = vqi_num_nonzero(queue->host_notifier_count);
	}
	if (!error && vqi_num_nonzero(queue->guest_notifier_count)) {
		error = read_eventfd(observer, queue->guest_notifier_fd, &queue->guest_notifier_id,
				     &queue->guest_notifier_count);
		queue->interrupt_pending = vqi_num_nonzero(queue->guest_notifier_count);
	}
	return error;
}

typedef struct vqi_error *(*vqi_notifier_reader)(struct vqi_observer *observer,
						 struct vqi_queue *queue);

static struct vqi_error *read_all(struct vqi_observer *observer, struct vqi_snapshot *snapshot,
				  vqi_notifier_reader reader)
{
	struct vqi_error *error = NULL;

	for (size_t i = 0; observer->process && i < snapshot->device_count; i++) {
		struct vqi_device *device = &snapshot->devices[i];

		for (size_t j = 0; !error && j < device->queue_count; j++) {
			if (device->queues[j].desc_gpa)
				error = reader(observer, &device->queues[j]);
		}
	}
	return error;
}

struct vqi_error *vqi_evidence_begin_notifiers(struct vqi_observer *observer,
					       struct vqi_snapshot *snapshot)
{
	return read_all(observer, snapshot, read_queue);
}

struct vqi_error *vqi_evidence_end_notifiers(struct vqi_observer *observer,
					     struct vqi_snapshot *snapshot)
{
	return read_all(observer, snapshot, read_again);
}
