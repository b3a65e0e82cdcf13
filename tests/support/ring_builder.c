/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What both kinds of ring share; the kinds are in ring_split.c and ring_packed.c. */
#include "ring_builder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ring_private.h"

size_t ring_desc_size(const struct ring_options *options)
{
	return (size_t)options->num * 16;
}

size_t ring_avail_size(const struct ring_options *options)
{
	return options->packed ? 4 : 4 + 2 * (size_t)options->num + (options->event_idx ? 2 : 0);
}

size_t ring_used_size(const struct ring_options *options)
{
	return options->packed ? 4 : 4 + 8 * (size_t)options->num + (options->event_idx ? 2 : 0);
}

void ring_put16(const struct ring_builder *ring, uint8_t *bytes, uint16_t value)
{
	bool big = ring->options.big_endian;

	bytes[big ? 0 : 1] = (uint8_t)(value >> 8);
	bytes[big ? 1 : 0] = (uint8_t)value;
}

uint16_t ring_get16(const struct ring_builder *ring, const uint8_t *bytes)
{
	bool big = ring->options.big_endian;

	return (uint16_t)(bytes[big ? 0 : 1] << 8 | bytes[big ? 1 : 0]);
}

static void put_place(const struct ring_builder *ring, uint8_t *desc, uint64_t gpa, uint32_t len)
{
	for (unsigned int i = 0; i < 8; i++)
		desc[ring->options.big_endian ? 7 - i : i] = (uint8_t)(gpa >> 8 * i);
	for (unsigned int i = 0; i < 4; i++)
		desc[8 + (ring->options.big_endian ? 3 - i : i)] = (uint8_t)(len >> 8 * i);
}

/* The first half of what a chain has is for the device to read; every other single one is. */
static bool is_written(uint16_t id, uint16_t i, uint16_t count)
{
	return count == 1 ? id % 2 : i >= count / 2;
}

uint16_t ring_flags(const struct ring_buffer *buffer, uint16_t i)
{
	if (buffer->table)
		return RING_INDIRECT;
	return is_written(buffer->id, i, buffer->descs) ? RING_WRITE : 0;
}

/* The buffers of a table lie in the second half of what the descriptor has. */
static void put_table(const struct ring_builder *ring, const struct ring_buffer *buffer,
		      uint16_t index)
{
	uint64_t gpa = RING_GPA + (uint64_t)index * RING_BUFFER + RING_BUFFER / 2;

	for (uint16_t i = 0; i < buffer->table; i++) {
		uint8_t *desc =
			ring->options.buffers + (size_t)index * RING_BUFFER + (size_t)i * 16;
		uint16_t flags = is_written(buffer->id, i, buffer->table) ? RING_WRITE : 0;

		put_place(ring, desc, gpa + i, RING_BUFFER / 2 - i);
		if (ring->options.packed)
			packed_put_flags(ring, desc, flags);
		else if (i + 1 < buffer->table)
			split_put_flags(ring, desc, flags | RING_NEXT, (uint16_t)(i + 1));
		else
			split_put_flags(ring, desc, flags, 0);
	}
}

void ring_put_desc(const struct ring_builder *ring, const struct ring_buffer *buffer, uint16_t i,
		   uint16_t index)
{
	uint64_t gpa = RING_GPA + (uint64_t)index * RING_BUFFER;

	put_place(ring, ring->desc + (size_t)index * 16, gpa,
		  buffer->table ? buffer->table * 16u : RING_BUFFER - (uint32_t)i);
	if (buffer->table)
		put_table(ring, buffer, index);
}

/* VirtIO 1.2, 2.7.10.1: vring_need_event(). */
bool ring_need_event(uint16_t event, uint16_t now, uint16_t before)
{
	return (uint16_t)(now - event - 1) < (uint16_t)(now - before);
}

void ring_append(struct ring_list *list, struct ring_buffer buffer)
{
	if (list->count == RING_MAX) {
		fprintf(stderr, "ring_builder: too many buffers\n");
		abort();
	}
	list->buffers[list->count++] = buffer;
}

struct ring_buffer ring_remove(struct ring_list *list, size_t n)
{
	struct ring_buffer buffer = list->buffers[n];

	list->count--;
	memmove(&list->buffers[n], &list->buffers[n + 1],
		(list->count - n) * sizeof(list->buffers[0]));
	return buffer;
}

size_t ring_count(const struct ring_builder *ring, const struct ring_list *list)
{
	size_t descs = 0;

	if (!ring->options.packed)
		return list->count;
	for (size_t i = 0; i < list->count; i++)
		descs += list->buffers[i].descs;
	return descs;
}

void ring_init(struct ring_builder *ring, const struct ring_options *options, uint8_t *desc,
	       uint8_t *avail, uint8_t *used)
{
	memset(ring, 0, sizeof(*ring));
	ring->options = *options;
	ring->desc = desc;
	ring->avail = avail;
	ring->used = used;
	ring->free_descs = options->num;
	ring->avail_wrap = ring->last_used_wrap = true;
	ring->last_avail_wrap = ring->shadow_avail_wrap = ring->used_wrap = true;
	if (!options->packed)
		split_start(ring);
	ring_set_notification(ring, true);
	ring_set_interrupts(ring, true);
}

static bool add(struct ring_builder *ring, uint16_t descs, uint16_t table)
{
	struct ring_buffer buffer = {.descs = descs, .table = table};

	if (descs > ring->free_descs)
		return false;
	while (ring->id_busy[buffer.id])
		buffer.id++;
	ring->id_busy[buffer.id] = true;
	ring->free_descs = (uint16_t)(ring->free_descs - descs);
	if (ring->options.packed)
		packed_add(ring, &buffer);
	else
		split_add(ring, &buffer);
	ring_append(&ring->added, buffer);
	return true;
}

bool ring_add(struct ring_builder *ring, uint16_t descs)
{
	return add(ring, descs, 0);
}

bool ring_add_indirect(struct ring_builder *ring, uint16_t entries)
{
	if (!ring->options.buffers || !entries || entries > RING_BUFFER / 2 / 16) {
		fprintf(stderr, "ring_builder: no room for a table\n");
		abort();
	}
	return add(ring, 1, entries);
}

void ring_publish(struct ring_builder *ring)
{
	if (ring->options.packed)
		packed_publish(ring);
	else
		split_publish(ring);
	while (ring->added.count)
		ring_append(&ring->published, ring_remove(&ring->added, 0));
}

bool ring_look(struct ring_builder *ring)
{
	return ring->options.packed ? packed_look(ring) : split_look(ring);
}

bool ring_pop(struct ring_builder *ring)
{
	if (!ring_look(ring))
		return false;
	if (!ring->published.count) {
		fprintf(stderr, "ring_builder: the device sees what was not published\n");
		abort();
	}
	if (ring->options.packed)
		packed_pop(ring);
	else
		split_pop(ring);
	ring_append(&ring->taken, ring_remove(&ring->published, 0));
	return true;
}

void ring_complete(struct ring_builder *ring, size_t n)
{
	struct ring_buffer buffer = ring_remove(&ring->taken, n);

	if (ring->options.packed)
		packed_complete(ring, &buffer);
	else
		split_complete(ring, &buffer);
	ring_append(&ring->completed, buffer);
}

bool ring_reap(struct ring_builder *ring)
{
	struct ring_buffer buffer;
	uint16_t id;

	if (!(ring->options.packed ? packed_reap(ring, &id) : split_reap(ring, &id)))
		return false;
	buffer = ring_remove(&ring->completed, 0);
	if (buffer.id != id) {
		fprintf(stderr, "ring_builder: reaped %u, not %u\n", id, buffer.id);
		abort();
	}
	ring->id_busy[id] = false;
	if (!ring->options.packed)
		split_free(ring, &buffer);
	ring->free_descs = (uint16_t)(ring->free_descs + buffer.descs);
	return true;
}

void ring_set_notification(struct ring_builder *ring, bool enable)
{
	ring->notification = enable;
	if (ring->options.packed)
		packed_set_notification(ring);
	else
		split_set_notification(ring);
}

void ring_set_interrupts(struct ring_builder *ring, bool enable)
{
	ring->interrupts = enable;
	if (ring->options.packed)
		packed_set_interrupts(ring);
	else
		split_set_interrupts(ring);
}
