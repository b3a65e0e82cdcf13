/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "request_ages.h"

#include <stdlib.h>

#include "lookup.h"

/* What is known certainly comes first. */
static int compare(const void *a, const void *b)
{
	const struct vqi_request *left = a, *right = b;

	if (left->is_candidate != right->is_candidate)
		return left->is_candidate ? 1 : -1;
	if (left->age_ms != right->age_ms)
		return left->age_ms > right->age_ms ? -1 : 1;
	if (left->age != right->age)
		return left->age > right->age ? -1 : 1;
	return (left->head > right->head) - (left->head < right->head);
}

static bool is_same(struct vqi_num before, struct vqi_num wrap_before, struct vqi_num now,
		    struct vqi_num wrap_now)
{
	return before.known && vqi_num_equal(before, now) && vqi_num_equal(wrap_before, wrap_now);
}

/* What vhost has taken nobody knows here: nothing new, at least, when nothing was published. */
static bool took_nothing(const struct vqi_queue *before, const struct vqi_queue *queue)
{
	if (!before || before->desc_gpa != queue->desc_gpa)
		return false;
	if (!before->last_avail_idx.known && !queue->last_avail_idx.known)
		return is_same(before->avail_idx, before->wrap.avail, queue->avail_idx,
			       queue->wrap.avail);
	return is_same(before->last_avail_idx, before->wrap.last_avail, queue->last_avail_idx,
		       queue->wrap.last_avail);
}

static void date(const struct vqi_queue *before, uint64_t interval_ms, struct vqi_queue *queue)
{
	if (!took_nothing(before, queue))
		return;
	for (size_t i = 0; i < queue->request_count; i++) {
		struct vqi_request *request = &queue->requests[i];

		if (request->age == VQI_AGE_EXACT && request->age_ms >= interval_ms)
			continue;
		if (request->is_candidate && request->source == VQI_REQUEST_QEMU)
			continue; /* taken since the last look, perhaps */
		request->age = VQI_AGE_AT_LEAST;
		request->age_ms = interval_ms;
	}
}

void vqi_requests_date(const struct vqi_snapshot *earlier, struct vqi_snapshot *later)
{
	for (size_t i = 0; i < later->device_count; i++) {
		struct vqi_device *device = &later->devices[i];
		const struct vqi_device *before = vqi_find_device(earlier, device);

		for (size_t j = 0; j < device->queue_count; j++) {
			struct vqi_queue *queue = &device->queues[j];

			date(vqi_find_queue(before, queue->index), later->capture.interval_ms,
			     queue);
			if (queue->request_count > 1)
				qsort(queue->requests, queue->request_count,
				      sizeof(*queue->requests), compare);
		}
	}
}
