/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The split ring. Source: VirtIO 1.2, 2.7; hw/virtio/virtio.c virtqueue_split_pop(). */
#include "vqi/virtio.h"

#include "guest_int.h"

#define AVAIL_RING 4 /* offset of ring[] in struct virtq_avail */

/* How much of what the driver was given it has not consumed, as far as used_event tells. The event is
 * the driver's own index only while it wants interrupts: it is evidence, and only where it fits. */
static struct vqi_num unreaped_by_event(const struct vqi_ring_bytes *bytes,
					const struct vqi_queue *queue)
{
	uint16_t behind;

	/* A driver that reaps late (net tx) leaves its event anywhere. */
	if (!queue->used_event.known || !queue->used_ring_idx.known ||
	    queue->kind == VQI_KIND_SEND || queue->kind == VQI_KIND_UNKNOWN)
		return VQI_UNKNOWN;
	behind = (uint16_t)(queue->used_ring_idx.value - queue->used_event.value);
	if (behind > queue->num) /* ahead: the driver asked to hear later, or left it long ago */
		return VQI_UNKNOWN;
	/* Linux writes 0 to disable callbacks (commit 8d622d21d248): for as long as it polls a receive
	 * queue, and for good on a queue that never interrupts. */
	if (behind && !queue->used_event.value &&
	    (queue->kind != VQI_KIND_REQUEST || bytes->no_interrupt))
		return VQI_UNKNOWN;
	return VQI_NUM(behind);
}

/* Source: virtio.c virtqueue_num_heads(), virtqueue_get_head(). */
static unsigned int check_avail(const struct vqi_ring_bytes *bytes, const struct vqi_queue *queue,
				uint16_t from)
{
	uint16_t count = (uint16_t)(queue->avail_idx.value - from);

	/* A broken device has taken as many as there can be, and stopped at the next: "Virtqueue size
	 * exceeded". Of one that works, the two numbers may be of different moments. */
	if (count > queue->num || (bytes->broken && count && queue->in_flight.known &&
				   queue->in_flight.value >= queue->num))
		return VQI_RING_AVAIL_AHEAD;
	for (uint16_t i = 0; i < count; i++) {
		size_t slot = AVAIL_RING + 2 * (size_t)((uint16_t)(from + i) % queue->num);

		if (slot + 2 > bytes->avail_len)
			return 0;
		if (vqi_guest_u16(bytes->avail + slot, bytes->big_endian) >= queue->num)
			return VQI_RING_BAD_HEAD;
	}
	return 0;
}

void vqi_split_decode(const struct vqi_ring_bytes *bytes, struct vqi_queue *queue)
{
	size_t event = AVAIL_RING + 2 * (size_t)queue->num;
	bool big = bytes->big_endian;

	if (bytes->avail_len >= AVAIL_RING) {
		queue->avail_flags = VQI_NUM(vqi_guest_u16(bytes->avail, big));
		queue->avail_idx = VQI_NUM(vqi_guest_u16(bytes->avail + 2, big));
	}
	if (bytes->event_idx && bytes->avail_len >= event + 2)
		queue->used_event = VQI_NUM(vqi_guest_u16(bytes->avail + event, big));
	if (bytes->used_len >= 4) {
		queue->used_flags = VQI_NUM(vqi_guest_u16(bytes->used, big));
		queue->used_ring_idx = VQI_NUM(vqi_guest_u16(bytes->used + 2, big));
	}
	if (bytes->event_idx && bytes->used_tail)
		queue->avail_event = VQI_NUM(vqi_guest_u16(bytes->used_tail, big));

	queue->unseen = vqi_num_ahead(queue->avail_idx, queue->shadow_avail_idx);
	queue->in_flight = vqi_num_ahead(queue->last_avail_idx, queue->used_idx);
	queue->unreaped = unreaped_by_event(bytes, queue);

	if (!queue->avail_idx.known || !queue->used_ring_idx.known)
		return;
	queue->ring_faults = check_avail(bytes, queue,
					 (uint16_t)(bytes->vhost ? queue->used_ring_idx.value
								 : queue->last_avail_idx.value));
	if (!bytes->vhost && !vqi_num_equal(queue->used_ring_idx, queue->used_idx))
		queue->ring_faults |= VQI_RING_USED_MISMATCH;
}
