/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "queue_facts.h"

#include "vqi/virtio.h"

#define USED_F_NO_NOTIFY 1 /* VirtIO 1.2, 2.7.8 */

bool vqi_queue_held_still(const struct vqi_queue *before, const struct vqi_queue *now)
{
	return before && before->consistent && now->consistent &&
	       before->desc_gpa == now->desc_gpa && before->num == now->num &&
	       vqi_num_equal(before->avail_idx, now->avail_idx) &&
	       vqi_num_equal(before->shadow_avail_idx, now->shadow_avail_idx) &&
	       vqi_num_equal(before->last_avail_idx, now->last_avail_idx) &&
	       vqi_num_equal(before->used_idx, now->used_idx) &&
	       vqi_num_equal(before->used_ring_idx, now->used_ring_idx) &&
	       vqi_num_equal(before->unseen, now->unseen) &&
	       vqi_num_equal(before->unreaped, now->unreaped) &&
	       vqi_num_equal(before->desc_digest, now->desc_digest) &&
	       vqi_num_equal(before->wrap.last_avail, now->wrap.last_avail) &&
	       vqi_num_equal(before->wrap.used, now->wrap.used);
}

static enum vqi_kick due_if(bool due)
{
	return due ? VQI_KICK_DUE : VQI_KICK_NOT_DUE;
}

static enum vqi_kick packed_kick_due(const struct vqi_queue *queue)
{
	const struct vqi_packed_event *event = &queue->wrap.device;

	if (!event->flags.known || !queue->unseen.known || !queue->wrap.last_avail.known)
		return VQI_KICK_UNKNOWN;
	if (event->flags.value != VQI_PACKED_EVENT_DESC)
		return due_if(event->flags.value == VQI_PACKED_EVENT_ENABLE);
	/* Due once the driver passes that descriptor: it lies among those not seen. */
	return due_if(vqi_packed_distance(queue->last_avail_idx.value, queue->wrap.last_avail.value,
					  event->off.value, event->wrap.value,
					  queue->num) < queue->unseen.value);
}

enum vqi_kick vqi_queue_kick_due(const struct vqi_queue *queue)
{
	struct vqi_num untaken = vqi_queue_untaken(queue);

	if (queue->ring == VQI_RING_PACKED)
		return packed_kick_due(queue);
	if (!untaken.known || !queue->used_flags.known)
		return VQI_KICK_UNKNOWN;
	if (queue->avail_event.known)
		return due_if((uint16_t)(queue->avail_event.value - queue->last_avail_idx.value) <
			      untaken.value);
	return due_if(!(queue->used_flags.value & USED_F_NO_NOTIFY));
}
