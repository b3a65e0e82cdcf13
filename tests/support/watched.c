/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "watched.h"

#include "unit.h"

struct watched watched;

void watched_setup(void)
{
	watched.now = 100 * SECOND;
	vqi_sample_healthy(&watched.sample);
	watched.queue = &watched.sample.devices[0].queues[0];
	ck_assert_ok(vqi_history_new(&watched.history));
}

void watched_teardown(void)
{
	vqi_history_free(take_ptr(watched.history));
}

const struct vqi_queue_history *watched_look(uint64_t after_ns)
{
	watched.now += after_ns;
	ck_assert_ok(vqi_history_add(watched.history, &watched.sample.snapshot, watched.now));
	return vqi_history_queue(watched.history, &watched.sample.devices[0], watched.queue);
}

void watched_go_on(unsigned int published, unsigned int completed)
{
	uint16_t avail = (uint16_t)(watched.queue->avail_idx.value + published);
	uint16_t used = (uint16_t)(watched.queue->used_idx.value + completed);

	watched.queue->avail_idx = watched.queue->last_avail_idx = watched.queue->shadow_avail_idx =
		VQI_NUM(avail);
	watched.queue->used_idx = watched.queue->used_ring_idx = VQI_NUM(used);
	watched.queue->in_flight = VQI_NUM((uint16_t)(avail - used));
	watched.queue->state = avail == used ? VQI_QUEUE_IDLE : VQI_QUEUE_BUSY;
}
