/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The packed ring. VirtIO 1.2, 2.8. */
#include <stdio.h>
#include <stdlib.h>

#include "ring_private.h"

#define DESC_SIZE     16
#define DESC_ID	      12
#define DESC_FLAGS    14
#define FLAG_AVAIL    0x0080
#define FLAG_USED     0x8000
#define EVENT_ENABLE  0
#define EVENT_DISABLE 1
#define EVENT_DESC    2

static uint8_t *desc_at(const struct ring_builder *ring, uint16_t place)
{
	return ring->desc + (size_t)place * DESC_SIZE;
}

/* Moves a place on by count descriptors. */
static void advance(const struct ring_builder *ring, uint16_t *place, bool *wrap, uint16_t count)
{
	*place = (uint16_t)(*place + count);
	if (*place >= ring->options.num) {
		*place = (uint16_t)(*place - ring->options.num);
		*wrap = !*wrap;
	}
}

void packed_put_flags(const struct ring_builder *ring, uint8_t *desc, uint16_t flags)
{
	ring_put16(ring, desc + DESC_FLAGS, flags);
}

/* Makes the i-th descriptor of a buffer available. */
static void set_flags(const struct ring_builder *ring, const struct ring_buffer *buffer, uint16_t i,
		      uint16_t place, bool wrap)
{
	bool more = i + 1 < buffer->descs;

	packed_put_flags(ring, desc_at(ring, place),
			 (uint16_t)(ring_flags(buffer, i) | (wrap ? FLAG_AVAIL : FLAG_USED) |
				    (more ? RING_NEXT : 0)));
}

/* All descriptors are written but the flags of the first, which make the buffer available. */
void packed_add(struct ring_builder *ring, struct ring_buffer *buffer)
{
	uint16_t place = ring->avail_idx;
	bool wrap = ring->avail_wrap;

	buffer->place = place;
	buffer->wrap = wrap;
	for (uint16_t i = 0; i < buffer->descs; i++) {
		ring_put_desc(ring, buffer, i, place);
		ring_put16(ring, desc_at(ring, place) + DESC_ID, buffer->id);
		if (i)
			set_flags(ring, buffer, i, place, wrap);
		advance(ring, &place, &wrap, 1);
	}
	ring->avail_idx = place;
	ring->avail_wrap = wrap;
}

void packed_publish(struct ring_builder *ring)
{
	uint16_t flags = ring_get16(ring, ring->used + 2);

	for (size_t i = 0; i < ring->added.count; i++) {
		const struct ring_buffer *buffer = &ring->added.buffers[i];

		set_flags(ring, buffer, 0, buffer->place, buffer->wrap);
	}
	ring->kick_due = flags != EVENT_DISABLE;
	if (flags == EVENT_DESC) { /* Linux, virtqueue_kick_prepare_packed() */
		uint16_t off_wrap = ring_get16(ring, ring->used);
		uint16_t event = off_wrap & 0x7fff;

		if (off_wrap >> 15 != ring->avail_wrap)
			event = (uint16_t)(event - ring->options.num);
		ring->kick_due = ring_need_event(
			event, ring->avail_idx,
			(uint16_t)(ring->avail_idx - ring_count(ring, &ring->added)));
	}
}

/* Source: QEMU, is_desc_avail(). */
bool packed_look(struct ring_builder *ring)
{
	uint16_t flags = ring_get16(ring, desc_at(ring, ring->last_avail_idx) + DESC_FLAGS);
	bool avail = flags & FLAG_AVAIL, used = flags & FLAG_USED;

	return avail != used && avail == ring->last_avail_wrap;
}

/* Source: QEMU, vring_packed_event_write() by virtio_queue_packed_set_notification(). */
static void write_device_event(struct ring_builder *ring)
{
	uint16_t off_wrap = (uint16_t)(ring->last_avail_idx | (ring->last_avail_wrap ? 0x8000 : 0));
	uint16_t flags = EVENT_DISABLE;

	if (ring->notification)
		flags = ring->options.event_idx ? EVENT_DESC : EVENT_ENABLE;
	if (flags == EVENT_DESC)
		ring_put16(ring, ring->used, off_wrap);
	ring_put16(ring, ring->used + 2, flags);
}

void packed_pop(struct ring_builder *ring)
{
	uint16_t place = ring->last_avail_idx, count = 1;
	bool wrap = ring->last_avail_wrap;

	while (ring_get16(ring, desc_at(ring, place) + DESC_FLAGS) & RING_NEXT) {
		advance(ring, &place, &wrap, 1);
		count++;
	}
	if (count != ring->published.buffers[0].descs ||
	    ring_get16(ring, desc_at(ring, place) + DESC_ID) != ring->published.buffers[0].id) {
		fprintf(stderr, "ring_builder: popped a wrong chain\n");
		abort();
	}
	advance(ring, &ring->last_avail_idx, &ring->last_avail_wrap, count);
	ring->shadow_avail_idx = ring->last_avail_idx;
	ring->shadow_avail_wrap = ring->last_avail_wrap;
	ring->inuse += count;
	if (ring->options.event_idx)
		write_device_event(ring);
}

/* Whether the event of the driver lies in what was used since before. */
static bool is_due(const struct ring_builder *ring, bool valid, uint16_t before)
{
	uint16_t flags = ring_get16(ring, ring->avail + 2);
	uint16_t off_wrap = ring_get16(ring, ring->avail);
	uint16_t event = off_wrap & 0x7fff;

	if (flags != EVENT_DESC)
		return flags == EVENT_ENABLE;
	/* Source: QEMU, virtio_packed_should_notify() */
	if (off_wrap >> 15 != ring->used_wrap)
		event = (uint16_t)(event - ring->options.num);
	return !valid || ring_need_event(event, ring->used_idx, before);
}

void packed_complete(struct ring_builder *ring, const struct ring_buffer *buffer)
{
	uint16_t before = ring->signalled_used;
	bool valid = ring->signalled_used_valid;
	uint8_t *desc = desc_at(ring, ring->used_idx);

	ring_put16(ring, desc + DESC_ID, buffer->id);
	ring_put16(ring, desc + DESC_FLAGS, ring->used_wrap ? FLAG_AVAIL | FLAG_USED : 0);
	ring->inuse -= buffer->descs;
	advance(ring, &ring->used_idx, &ring->used_wrap, buffer->descs);
	if (ring->used_idx < buffer->descs)
		valid = false; /* QEMU, virtqueue_packed_flush() */
	ring->signalled_used = ring->used_idx;
	ring->signalled_used_valid = true;
	ring->interrupt_due = is_due(ring, valid, before);
}

bool packed_reap(struct ring_builder *ring, uint16_t *ret_id)
{
	const uint8_t *desc = desc_at(ring, ring->last_used);
	uint16_t flags = ring_get16(ring, desc + DESC_FLAGS);
	bool avail = flags & FLAG_AVAIL, used = flags & FLAG_USED;

	if (avail != used || used != ring->last_used_wrap || !ring->completed.count)
		return false;
	*ret_id = ring_get16(ring, desc + DESC_ID);
	advance(ring, &ring->last_used, &ring->last_used_wrap, ring->completed.buffers[0].descs);
	packed_set_interrupts(ring);
	return true;
}

void packed_set_notification(struct ring_builder *ring)
{
	write_device_event(ring);
}

void packed_set_interrupts(struct ring_builder *ring)
{
	uint16_t off_wrap = (uint16_t)(ring->last_used | (ring->last_used_wrap ? 0x8000 : 0));
	uint16_t flags = EVENT_DISABLE;

	if (ring->interrupts)
		flags = ring->options.event_idx ? EVENT_DESC : EVENT_ENABLE;
	if (flags == EVENT_DESC)
		ring_put16(ring, ring->avail, off_wrap);
	ring_put16(ring, ring->avail + 2, flags);
}
