/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The split ring. VirtIO 1.2, 2.7. */
#include <stdio.h>
#include <stdlib.h>

#include "ring_private.h"

#define HEADER	     4 /* flags, idx */
#define NO_INTERRUPT 1
#define NO_NOTIFY    1

static uint8_t *avail_slot(const struct ring_builder *ring, uint16_t index)
{
	return ring->avail + HEADER + 2 * (size_t)(index % ring->options.num);
}

static uint8_t *used_slot(const struct ring_builder *ring, uint16_t index)
{
	return ring->used + HEADER + 8 * (size_t)(index % ring->options.num);
}

static uint8_t *used_event(const struct ring_builder *ring)
{
	return ring->avail + HEADER + 2 * (size_t)ring->options.num;
}

static uint8_t *avail_event(const struct ring_builder *ring)
{
	return ring->used + HEADER + 8 * (size_t)ring->options.num;
}

void split_start(struct ring_builder *ring)
{
	uint16_t start = ring->options.start;

	ring->avail_idx = ring->last_used = start;
	ring->last_avail_idx = ring->shadow_avail_idx = ring->used_idx = start;
	ring_put16(ring, ring->avail + 2, start);
	ring_put16(ring, ring->used + 2, start);
}

void split_put_flags(const struct ring_builder *ring, uint8_t *desc, uint16_t flags, uint16_t next)
{
	ring_put16(ring, desc + 12, flags);
	ring_put16(ring, desc + 14, next);
}

static uint16_t take_desc(struct ring_builder *ring)
{
	uint16_t free = 0;

	while (ring->id_busy[free])
		free++;
	ring->id_busy[free] = true;
	return free;
}

void split_add(struct ring_builder *ring, const struct ring_buffer *buffer)
{
	uint16_t index = (uint16_t)(ring->avail_idx + ring->added.count);
	uint16_t at = buffer->id;

	for (uint16_t i = 0; i < buffer->descs; i++) {
		bool more = i + 1 < buffer->descs;
		uint16_t next = more ? take_desc(ring) : 0;

		ring_put_desc(ring, buffer, i, at);
		split_put_flags(ring, ring->desc + (size_t)at * 16,
				ring_flags(buffer, i) | (more ? RING_NEXT : 0), next);
		ring->next[at] = next;
		at = next;
	}
	ring_put16(ring, avail_slot(ring, index), buffer->id);
}

void split_free(struct ring_builder *ring, const struct ring_buffer *buffer)
{
	uint16_t at = buffer->id;

	for (uint16_t i = 1; i < buffer->descs; i++) {
		at = ring->next[at];
		ring->id_busy[at] = false;
	}
}

void split_publish(struct ring_builder *ring)
{
	uint16_t before = ring->avail_idx;

	ring->avail_idx = (uint16_t)(ring->avail_idx + ring->added.count);
	ring_put16(ring, ring->avail + 2, ring->avail_idx);
	ring->kick_due = ring->options.event_idx
				 ? ring_need_event(ring_get16(ring, avail_event(ring)),
						   ring->avail_idx, before)
				 : !(ring_get16(ring, ring->used) & NO_NOTIFY);
}

bool split_look(struct ring_builder *ring)
{
	if (ring->shadow_avail_idx != ring->last_avail_idx)
		return true;
	ring->shadow_avail_idx = ring_get16(ring, ring->avail + 2);
	return ring->shadow_avail_idx != ring->last_avail_idx;
}

/* QEMU's vring_set_avail_event() does nothing while notifications are off. */
static void set_avail_event(struct ring_builder *ring, uint16_t value)
{
	if (ring->options.event_idx && ring->notification)
		ring_put16(ring, avail_event(ring), value);
}

void split_pop(struct ring_builder *ring)
{
	uint16_t head = ring_get16(ring, avail_slot(ring, ring->last_avail_idx));

	if (head != ring->published.buffers[0].id) {
		fprintf(stderr, "ring_builder: popped %u\n", head);
		abort();
	}
	ring->last_avail_idx++;
	ring->inuse++;
	set_avail_event(ring, ring->last_avail_idx);
}

void split_complete(struct ring_builder *ring, const struct ring_buffer *buffer)
{
	uint16_t before = ring->signalled_used;
	bool valid = ring->signalled_used_valid;

	ring_put16(ring, used_slot(ring, ring->used_idx) + (ring->options.big_endian ? 2 : 0),
		   buffer->id);
	ring->used_idx++;
	ring->inuse--;
	ring_put16(ring, ring->used + 2, ring->used_idx);
	if (!ring->options.event_idx) {
		ring->interrupt_due = !(ring_get16(ring, ring->avail) & NO_INTERRUPT);
		return;
	}
	ring->signalled_used = ring->used_idx;
	ring->signalled_used_valid = true;
	ring->interrupt_due = !valid || ring_need_event(ring_get16(ring, used_event(ring)),
							ring->used_idx, before);
}

bool split_reap(struct ring_builder *ring, uint16_t *ret_id)
{
	if (ring_get16(ring, ring->used + 2) == ring->last_used)
		return false;
	*ret_id = ring_get16(ring,
			     used_slot(ring, ring->last_used) + (ring->options.big_endian ? 2 : 0));
	ring->last_used++;
	split_set_interrupts(ring);
	return true;
}

void split_set_notification(struct ring_builder *ring)
{
	if (ring->options.event_idx)
		set_avail_event(ring, ring_get16(ring, ring->avail + 2));
	else
		ring_put16(ring, ring->used, ring->notification ? 0 : NO_NOTIFY);
}

/* With EVENT_IDX, Linux leaves the event behind while it wants no interrupts. */
void split_set_interrupts(struct ring_builder *ring)
{
	if (!ring->options.event_idx)
		ring_put16(ring, ring->avail, ring->interrupts ? 0 : NO_INTERRUPT);
	else if (ring->interrupts)
		ring_put16(ring, used_event(ring), ring->last_used);
}
