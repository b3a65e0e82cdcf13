/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Planning the reading of a device: following its pointers once, so that every later reading is one
 * batch of known ranges. */
#include <stdlib.h>
#include <string.h>

#include "vqi/limits.h"

#include "reading.h"

#define ARRAY_CHUNK  64 /* VirtQueues read at a time while looking for the last */

#define SPLIT_HEADER 4	/* flags and idx of struct virtq_avail and virtq_used */
#define SPLIT_EVENT  2	/* used_event, avail_event */
#define PACKED_EVENT 4	/* struct pvirtq_event_suppress */
#define DESC_SIZE    16 /* struct pvirtq_desc */

#define MAX_GAP	     4096 /* bytes; the smallest page of any host */

void vqi_reading_free(struct vqi_reading *reading)
{
	if (!reading)
		return;
	free(reading->queues);
	free(reading->bytes);
	free(reading->kept);
	free(reading->ranges);
	free(reading);
}

static void decode_caches(const struct vqi_view *view, struct queue_plan *ret_plan)
{
	const struct {
		enum vqi_field_id field;
		struct cache *cache;
	} caches[] = {
		{VQI_F_VRingMemoryRegionCaches_desc, &ret_plan->desc},
		{VQI_F_VRingMemoryRegionCaches_avail, &ret_plan->avail},
		{VQI_F_VRingMemoryRegionCaches_used, &ret_plan->used},
	};

	for (size_t i = 0; i < sizeof(caches) / sizeof(caches[0]); i++) {
		struct vqi_view cache = vqi_view_member(view, caches[i].field);

		caches[i].cache->hva = vqi_view_uint_or(&cache, VQI_F_MemoryRegionCache_ptr, 0);
		caches[i].cache->len = vqi_view_uint_or(&cache, VQI_F_MemoryRegionCache_len, 0);
	}
}

/* Makes room for the plans of one more chunk. Errors: NOMEM. */
static struct vqi_error *grow_queues(struct vqi_reading *reading)
{
	struct queue_plan *grown =
		reallocarray(reading->queues, reading->queue_count + ARRAY_CHUNK, sizeof(*grown));

	if (!grown)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	memset(grown + reading->queue_count, 0, ARRAY_CHUNK * sizeof(*grown));
	reading->queues = grown;
	return NULL;
}

/* The number of queues is the index of the first without a size.
 * Source: hw/virtio/virtio.c virtio_get_num_queues(). */
static struct vqi_error *read_array(struct vqi_reading *reading, size_t stride)
{
	const struct vqi_layout *layout = reading->qemu->layout;
	vqi_cleanup_free uint8_t *chunk = malloc(ARRAY_CHUNK * stride);
	struct vqi_error *error;

	if (!chunk)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	for (reading->queue_count = 0; reading->queue_count < VQI_MAX_QUEUES;
	     reading->queue_count++) {
		size_t i = reading->queue_count;
		uint64_t hva = reading->vq + i * stride;

		if (i % ARRAY_CHUNK == 0) {
			error = grow_queues(reading);
			if (!error)
				error = vqi_error_prefix(vqi_mem_read(reading->qemu->mem, hva,
								      chunk, ARRAY_CHUNK * stride),
							 "VirtIODevice.vq");
			if (error)
				return error;
		}

		struct vqi_view queue = {layout, hva, chunk + i % ARRAY_CHUNK * stride, stride};
		struct vqi_view vring = vqi_view_member(&queue, VQI_F_VirtQueue_vring);
		struct queue_plan *plan = &reading->queues[i];

		plan->num = (uint32_t)vqi_view_uint_or(&vring, VQI_F_VRing_num, 0);
		plan->caches_hva = vqi_view_uint_or(&vring, VQI_F_VRing_caches, 0);
		plan->desc_gpa = vqi_view_uint_or(&vring, VQI_F_VRing_desc, 0);
		plan->avail_gpa = vqi_view_uint_or(&vring, VQI_F_VRing_avail, 0);
		plan->used_gpa = vqi_view_uint_or(&vring, VQI_F_VRing_used, 0);
		if (!plan->num)
			break;
		if (plan->num > VQI_MAX_RING)
			return vqi_error_new(VQI_ERROR_BAD_DATA, "queue %zu: ring of %u entries", i,
					     plan->num);
	}
	return NULL;
}

static struct vqi_error *read_caches(struct vqi_reading *reading)
{
	const struct vqi_layout *layout = reading->qemu->layout;
	uint32_t span = vqi_layout_span(layout, VQI_S_VRingMemoryRegionCaches);
	vqi_cleanup_free uint8_t *bytes = calloc(reading->queue_count + 1, span);
	vqi_cleanup_free struct vqi_range *ranges =
		calloc(reading->queue_count + 1, sizeof(*ranges));
	struct vqi_error *error;

	if (!bytes || !ranges)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	for (size_t i = 0; i < reading->queue_count; i++)
		ranges[i] = (struct vqi_range){
			.addr = reading->queues[i].caches_hva,
			.buf = bytes + i * span,
			.len = reading->queues[i].caches_hva ? span : 0,
		};
	error = vqi_mem_readv(reading->qemu->mem, ranges, reading->queue_count);
	for (size_t i = 0; !error && i < reading->queue_count; i++) {
		struct vqi_view view = {layout, ranges[i].addr, ranges[i].buf,
					ranges[i].ok ? ranges[i].len : 0};

		reading->queues[i].caches_read = view.len;
		decode_caches(&view, &reading->queues[i]);
	}
	return error;
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

/* QEMU's indices are read before the rings in guest RAM: a ring that moves on in between makes the
 * driver look further ahead, never behind. */
static struct vqi_error *lay_out(struct vqi_reading *reading, size_t stride)
{
	uint32_t span = vqi_layout_span(reading->qemu->layout, VQI_S_VirtIODevice);
	size_t entries = reading->queue_count + (reading->queue_count < VQI_MAX_QUEUES);
	size_t offset = 0;

	reading->ranges = calloc(2 + 3 * reading->queue_count, sizeof(*reading->ranges));
	if (!reading->ranges)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	reading->device = reserve(reading, 0, reading->vdev, span);
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

struct vqi_error *vqi_reading_plan(struct vqi_qemu *qemu, uint64_t vdev,
				   struct vqi_reading **ret_reading)
{
	vqi_cleanup(vqi_reading_free) struct vqi_reading *reading = calloc(1, sizeof(*reading));
	const struct vqi_struct_layout *virtqueue = &qemu->layout->structs[VQI_S_VirtQueue];
	struct vqi_error *error;

	if (!virtqueue->present)
		return vqi_error_new(VQI_ERROR_NO_LAYOUT, "the size of VirtQueue is unknown");
	if (!reading)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	reading->qemu = qemu;
	reading->vdev = vdev;
	error = vqi_qemu_field(qemu, vdev, VQI_F_VirtIODevice_vq, &reading->vq);
	if (!error && !reading->vq)
		error = vqi_error_new(VQI_ERROR_BAD_DATA, "VirtIODevice.vq is NULL");
	if (!error)
		error = vqi_qemu_field(qemu, vdev, VQI_F_VirtIODevice_guest_features,
				       &reading->features);
	if (error)
		return error;
	reading->packed = reading->features >> VQI_FEATURE_PACKED & 1;
	error = read_array(reading, virtqueue->size);
	if (!error)
		error = read_caches(reading);
	if (!error)
		error = lay_out(reading, virtqueue->size);
	if (!error)
		*ret_reading = take_ptr(reading);
	return error;
}

static bool is_same_cache(const struct cache *a, const struct cache *b)
{
	return a->hva == b->hva && a->len == b->len;
}

/* Source: hw/virtio/virtio.c virtio_memory_listener_commit(). */
static struct vqi_error *follow_caches(struct vqi_reading *reading, uint64_t caches_hva,
				       struct queue_plan *plan)
{
	uint32_t span = vqi_layout_span(reading->qemu->layout, VQI_S_VRingMemoryRegionCaches);
	vqi_cleanup_free uint8_t *bytes = malloc(span);
	struct queue_plan fresh = {0};
	struct vqi_view view = {reading->qemu->layout, caches_hva, bytes, span};
	struct vqi_error *error;

	if (!bytes)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	error = vqi_mem_read(reading->qemu->mem, caches_hva, bytes, span);
	if (error)
		return vqi_error_keep_fatal(error);
	decode_caches(&view, &fresh);
	if (is_same_cache(&fresh.desc, &plan->desc) && is_same_cache(&fresh.avail, &plan->avail) &&
	    is_same_cache(&fresh.used, &plan->used))
		plan->caches_hva = caches_hva;
	return NULL;
}

struct vqi_error *vqi_reading_follow_caches(struct vqi_reading *reading)
{
	struct vqi_error *error = NULL;

	for (size_t i = 0; !error && i < reading->queue_count; i++) {
		struct queue_plan *plan = &reading->queues[i];
		struct vqi_view queue = vqi_reading_queue(reading, i);
		struct vqi_view vring = vqi_view_member(&queue, VQI_F_VirtQueue_vring);
		uint64_t caches_hva = vqi_view_uint_or(&vring, VQI_F_VRing_caches, 0);

		if (caches_hva && plan->caches_read && caches_hva != plan->caches_hva)
			error = follow_caches(reading, caches_hva, plan);
	}
	return error;
}

struct vqi_range *vqi_reading_ranges(struct vqi_reading *reading, size_t *ret_count)
{
	*ret_count = reading->range_count;
	return reading->ranges;
}
