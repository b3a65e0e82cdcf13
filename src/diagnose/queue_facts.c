/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "queue_facts.h"

#include "vqi/virtio.h"

#define USED_F_NO_NOTIFY     1 /* VirtIO 1.2, 2.7.8 */
#define AVAIL_F_NO_INTERRUPT 1 /* VirtIO 1.2, 2.7.6 */

bool vqi_queue_is_awaited(const struct vqi_queue *queue)
{
	return queue->kind == VQI_KIND_REQUEST || queue->kind == VQI_KIND_SEND;
}

bool vqi_need_event(uint64_t event, uint64_t new_idx, uint64_t old)
{
	return (uint16_t)(new_idx - event - 1) < (uint16_t)(new_idx - old);
}

/* Whether a side that went on by passed descriptors from a place of a packed ring was to tell of it. */
static struct vqi_num packed_due(const struct vqi_packed_event *event, uint64_t index,
				 uint64_t wrap, uint64_t passed, uint32_t num)
{
	if (!event->flags.known)
		return VQI_UNKNOWN;
	if (event->flags.value != VQI_PACKED_EVENT_DESC)
		return VQI_NUM(event->flags.value == VQI_PACKED_EVENT_ENABLE);
	return VQI_NUM(vqi_packed_distance(index, wrap, event->off.value, event->wrap.value, num) <
		       passed);
}

struct vqi_num vqi_queue_kick_due(const struct vqi_queue *queue)
{
	struct vqi_num untaken = vqi_queue_untaken(queue);

	if (!vqi_num_nonzero(untaken))
		return untaken.known ? VQI_NUM(0) : VQI_UNKNOWN;
	if (queue->ring == VQI_RING_PACKED)
		return packed_due(&queue->wrap.device, queue->last_avail_idx.value,
				  queue->wrap.last_avail.value, untaken.value, queue->num);
	if (queue->avail_event.known)
		return VQI_NUM(vqi_need_event(queue->avail_event.value, queue->avail_idx.value,
					      queue->last_avail_idx.value));
	if (!queue->used_flags.known)
		return VQI_UNKNOWN;
	return VQI_NUM(!(queue->used_flags.value & USED_F_NO_NOTIFY));
}

struct vqi_num vqi_queue_interrupt_due(const struct vqi_queue *queue)
{
	if (queue->unreaped.known)
		return VQI_NUM(queue->unreaped.value != 0);
	if (queue->ring == VQI_RING_PACKED)
		return vqi_num_is(queue->wrap.driver.flags, VQI_PACKED_EVENT_DISABLE) ? VQI_NUM(0)
										      : VQI_UNKNOWN;
	if (!queue->used_event.known && vqi_num_is(queue->avail_flags, AVAIL_F_NO_INTERRUPT))
		return VQI_NUM(0);
	return VQI_UNKNOWN;
}
