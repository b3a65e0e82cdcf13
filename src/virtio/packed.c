/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The packed ring. Source: VirtIO 1.2, 2.8; hw/virtio/virtio.c virtqueue_packed_pop(). */
#include "vqi/fnv.h"
#include "vqi/virtio.h"

#include "desc.h"

#define EVENT_WRAP 0x8000

static uint32_t linear(uint64_t index, uint64_t wrap, uint32_t num)
{
	return (uint32_t)index + (wrap ? 0 : num);
}

uint32_t vqi_packed_distance(uint64_t from_index, uint64_t from_wrap, uint64_t to_index,
			     uint64_t to_wrap, uint32_t num)
{
	return (linear(to_index, to_wrap, num) + 2 * num - linear(from_index, from_wrap, num)) %
	       (2 * num);
}

static struct vqi_packed_event decode_event(const uint8_t *bytes, size_t len)
{
	struct vqi_packed_event event = {.off = VQI_UNKNOWN};
	uint16_t off_wrap;

	if (len < 4)
		return event;
	off_wrap = vqi_guest_u16(bytes, false);
	event.off = VQI_NUM(off_wrap & (EVENT_WRAP - 1));
	event.wrap = VQI_NUM(off_wrap / EVENT_WRAP);
	event.flags = VQI_NUM(vqi_guest_u16(bytes + 2, false) & 3);
	return event;
}

/* A packed ring has no index of the driver's: what it has published are the descriptors from QEMU's
 * place on that are marked available. */
static void find_avail_idx(const struct vqi_ring_bytes *bytes, struct vqi_queue *queue)
{
	uint32_t index = (uint32_t)queue->last_avail_idx.value;
	bool wrap = queue->wrap.last_avail.value;
	uint32_t count = 0;

	if (bytes->desc_len < (size_t)queue->num * VQI_DESC_SIZE)
		return;
	while (count < queue->num) {
		struct vqi_desc desc =
			vqi_desc_decode(bytes->desc + (size_t)index * VQI_DESC_SIZE, true, false);

		if (!vqi_desc_is_available(desc.flags, wrap))
			break;
		/* VirtIO 1.2, 2.8.7; virtio.c virtqueue_packed_pop() */
		if (desc.flags & VQI_DESC_INDIRECT && !vqi_desc_is_table(&desc))
			queue->ring_faults |= VQI_RING_BAD_INDIRECT;
		count++;
		if (++index == queue->num) {
			index = 0;
			wrap = !wrap;
		}
	}
	queue->avail_idx = VQI_NUM(index);
	queue->wrap.avail = VQI_NUM(wrap);
	queue->unseen = VQI_NUM(count);
}

/* As for a split ring: evidence, and only where it fits. */
static struct vqi_num unreaped_by_event(const struct vqi_queue *queue, bool event_idx)
{
	const struct vqi_packed_event *event = &queue->wrap.driver;
	uint32_t behind;

	if (!event_idx || !vqi_num_is(event->flags, VQI_PACKED_EVENT_DESC) ||
	    event->off.value >= queue->num || queue->kind == VQI_KIND_SEND ||
	    queue->kind == VQI_KIND_UNKNOWN)
		return VQI_UNKNOWN;
	behind = vqi_packed_distance(event->off.value, event->wrap.value, queue->used_idx.value,
				     queue->wrap.used.value, queue->num);
	return behind <= queue->num ? VQI_NUM(behind) : VQI_UNKNOWN;
}

struct vqi_num vqi_packed_digest(const uint8_t *bytes, size_t len)
{
	return VQI_NUM(vqi_fnv_bytes(VQI_FNV_BASIS, bytes, len));
}

void vqi_packed_decode(const struct vqi_ring_bytes *bytes, struct vqi_queue *queue)
{
	const struct vqi_wrap *wrap = &queue->wrap;

	queue->wrap.driver = decode_event(bytes->avail, bytes->avail_len);
	queue->wrap.device = decode_event(bytes->used, bytes->used_len);
	queue->desc_digest = vqi_packed_digest(bytes->desc, bytes->desc_len);
	/* Without QEMU's own place, which vhost does not keep, the ring cannot be read. */
	if (bytes->vhost || !wrap->last_avail.known || !wrap->used.known)
		return;
	if (queue->last_avail_idx.value >= queue->num || queue->used_idx.value >= queue->num)
		return;
	find_avail_idx(bytes, queue);
	queue->in_flight = VQI_NUM(vqi_packed_distance(queue->used_idx.value, wrap->used.value,
						       queue->last_avail_idx.value,
						       wrap->last_avail.value, queue->num));
	queue->unreaped = unreaped_by_event(queue, bytes->event_idx);
}
