/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Planning the reading of a device: following its pointers once, so that every later reading is one
 * batch of known ranges. */
#include <stdlib.h>
#include <string.h>

#include "reading.h"

#define SPLIT_HEADER 4	/* flags and idx of struct virtq_avail and virtq_used */
#define SPLIT_EVENT  2	/* used_event, avail_event */
#define PACKED_EVENT 4	/* struct pvirtq_event_suppress */
#define DESC_SIZE    16 /* struct pvirtq_desc */

#define MAX_GAP	     4096 /* bytes; the smallest page of any host */

void vqi_reading_free(struct vqi_reading *reading)
{
	if (!reading)
		return;
	free(reading->own);
	free(reading->queues);
	free(reading->bytes);
	free(reading->kept);
	free(reading->ranges);
	free(reading);
}

/* Reads len bytes at addr into the next place. Together with the range before, from first on, where
 * that is near: a range costs more than some bytes. Between two pieces less than a page apart lie only
 * bytes of the pages that they are on. */
static struct piece reserve(struct vqi_reading *reading, size_t first, uint64_t addr, uint64_t len)
{
	struct vqi_range *last =
		reading->range_count > first ? &reading->ranges[reading->range_count - 1] : NULL;
	uint64_t gap = last ? addr - (last->addr + last->len) : UINT64_MAX;

	if (!len)
		return (struct piece){0};
	if (gap < MAX_GAP) {
		last->len += gap + len;
		reading->len += gap;
	} else {
		reading->ranges[reading->range_count++] =
			(struct vqi_range){.addr = addr, .len = len};
	}
	reading->len += len;
	return (struct piece){
		.offset = reading->len - len,
		.len = len,
		.range = reading->range_count - 1,
	};
}

static uint64_t at_most(uint64_t len, const struct cache *cache)
{
	if (!cache->hva)
		return 0;
	return len < cache->len ? len : cache->len;
}

/* The part [offset, offset + len) of a cache when it lies within. */
static uint64_t all_within(uint64_t offset, uint64_t len, const struct cache *cache)
{
	return cache->hva && offset + len <= cache->len ? len : 0;
}

static void reserve_queue(struct vqi_reading *reading, struct queue_plan *queue)
{
	uint64_t tail = SPLIT_HEADER + 8 * (uint64_t)queue->num;
	uint64_t avail = SPLIT_HEADER + 2 * (uint64_t)queue->num + SPLIT_EVENT;
	size_t first = reading->range_count;

	if (reading->packed) {
		queue->avail_ring = reserve(reading, first, queue->avail.hva,
					    at_most(PACKED_EVENT, &queue->avail));
		queue->used_header = reserve(reading, first, queue->used.hva,
					     at_most(PACKED_EVENT, &queue->used));
		queue->descriptors =
			reserve(reading, first, queue->desc.hva,
				at_most((uint64_t)queue->num * DESC_SIZE, &queue->desc));
		return;
	}
	/* avail_event is at the far end of the used ring, whose entries are not needed */
	queue->avail_ring =
		reserve(reading, first, queue->avail.hva, at_most(avail, &queue->avail));
	queue->used_header =
		reserve(reading, first, queue->used.hva, at_most(SPLIT_HEADER, &queue->used));
	queue->used_tail = reserve(reading, first, queue->used.hva + tail,
				   all_within(tail, SPLIT_EVENT, &queue->used));
}

/* The indices of the queues are read before the rings in guest RAM: a ring that moves on in between makes the
 * driver look further ahead, never behind. */
static struct vqi_error *lay_out(struct vqi_reading *reading, size_t stride)
{
	const struct vqi_layout *layout = reading->qemu->layout;
	size_t entries = reading->queue_count + reading->has_end;
	size_t offset = 0;

	reading->ranges = calloc(2 + 3 * reading->queue_count, sizeof(*reading->ranges));
	if (!reading->ranges)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	reading->device =
		reserve(reading, 0, reading->vdev, vqi_layout_span(layout, reading->model->device));
	reading->array = reserve(reading, 1, reading->vq, entries * stride);
	for (size_t i = 0; i < reading->queue_count; i++)
		reserve_queue(reading, &reading->queues[i]);

	reading->bytes = malloc(reading->len);
	if (!reading->bytes)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	memset(reading->bytes, 0, reading->len); /* the pages must be there before a stop */
	for (size_t i = 0; i < reading->range_count; i++) {
		reading->ranges[i].buf = reading->bytes + offset;
		offset += reading->ranges[i].len;
	}
	return NULL;
}

struct vqi_error *vqi_reading_plan(struct vqi_qemu *qemu, const struct vqi_device *device,
				   struct vqi_reading **ret_reading)
{
	vqi_cleanup(vqi_reading_free) struct vqi_reading *reading = calloc(1, sizeof(*reading));
	const struct vqi_struct_layout *queue;
	struct vqi_error *error;

	if (!reading)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	reading->model = device->is_export ? &vqi_model_exported : &vqi_model_emulated;
	reading->qemu = qemu;
	reading->vdev = device->vdev_addr;
	queue = &qemu->layout->structs[reading->model->fields.queue];
	if (!queue->present)
		return vqi_error_new(VQI_ERROR_NO_LAYOUT, "the size of %s is unknown",
				     vqi_struct_info(reading->model->fields.queue)->name);
	error = reading->model->plan(reading);
	if (error)
		return error;
	reading->packed = reading->features >> VQI_FEATURE_PACKED & 1;
	error = lay_out(reading, queue->size);
	if (!error)
		*ret_reading = take_ptr(reading);
	return error;
}

struct vqi_error *vqi_reading_follow_caches(struct vqi_reading *reading)
{
	return reading->model->follow ? reading->model->follow(reading) : NULL;
}

struct vqi_range *vqi_reading_ranges(struct vqi_reading *reading, size_t *ret_count)
{
	*ret_count = reading->range_count;
	return reading->ranges;
}
