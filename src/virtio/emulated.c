/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A device that QEMU itself runs: VirtIODevice, with an array of VirtQueues. */
#include <stdlib.h>
#include <string.h>

#include "vqi/limits.h"

#include "reading.h"

#define ARRAY_CHUNK	     64 /* VirtQueues read at a time while looking for the last */

#define DEVICE_ENDIAN_LITTLE 1 /* enum virtio_device_endian, include/hw/virtio/virtio.h */
#define DEVICE_ENDIAN_BIG    2

/* ---- planning ---- */

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
	reading->has_end = reading->queue_count < VQI_MAX_QUEUES;
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

static struct vqi_error *plan(struct vqi_reading *reading)
{
	struct vqi_qemu *qemu = reading->qemu;
	struct vqi_error *error;

	error = vqi_qemu_field(qemu, reading->vdev, VQI_F_VirtIODevice_vq, &reading->vq);
	if (!error && !reading->vq)
		error = vqi_error_new(VQI_ERROR_BAD_DATA, "VirtIODevice.vq is NULL");
	if (!error)
		error = vqi_qemu_field(qemu, reading->vdev, VQI_F_VirtIODevice_guest_features,
				       &reading->features);
	if (!error)
		error = read_array(reading, qemu->layout->structs[VQI_S_VirtQueue].size);
	if (!error)
		error = read_caches(reading);
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

static struct vqi_error *follow(struct vqi_reading *reading)
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

/* ---- decoding ---- */

/* QEMU never changes a VRingMemoryRegionCaches, but makes a new one, virtio_init_region_cache(); one that
 * lies where the old did and has the same guest addresses leads to the same memory. */
static bool queue_is_current(const struct vqi_reading *reading, size_t index)
{
	const struct queue_plan *plan = &reading->queues[index];
	struct vqi_view queue = vqi_reading_queue(reading, index);
	struct vqi_view vring = vqi_view_member(&queue, VQI_F_VirtQueue_vring);

	return vqi_view_uint_or(&vring, VQI_F_VRing_num, 0) == plan->num &&
	       vqi_view_uint_or(&vring, VQI_F_VRing_desc, 0) == plan->desc_gpa &&
	       vqi_view_uint_or(&vring, VQI_F_VRing_avail, 0) == plan->avail_gpa &&
	       vqi_view_uint_or(&vring, VQI_F_VRing_used, 0) == plan->used_gpa &&
	       vqi_view_uint_or(&vring, VQI_F_VRing_caches, 0) == plan->caches_hva;
}

/* A queue may have come after the last: a network card that negotiated VIRTIO_NET_F_MQ. */
static bool ends_where_planned(const struct vqi_reading *reading)
{
	struct vqi_view end, vring;

	if (!reading->has_end)
		return true;
	end = vqi_reading_queue(reading, reading->queue_count);
	vring = vqi_view_member(&end, VQI_F_VirtQueue_vring);
	return vqi_view_uint_or(&vring, VQI_F_VRing_num, 1) == 0;
}

static bool is_current(const struct vqi_reading *reading)
{
	struct vqi_view device = vqi_reading_device(reading);
	uint64_t features = vqi_view_uint_or(&device, VQI_F_VirtIODevice_guest_features, 0);

	if (vqi_view_uint_or(&device, VQI_F_VirtIODevice_vq, 0) != reading->vq ||
	    features != reading->features)
		return false;
	for (size_t i = 0; i < reading->queue_count; i++) {
		if (!queue_is_current(reading, i))
			return false;
	}
	return ends_where_planned(reading);
}

/* Source: include/hw/virtio/virtio-access.h virtio_access_is_big_endian(). */
static enum vqi_endian decode_endian(const struct vqi_view *view, uint64_t features)
{
	if (features >> VQI_FEATURE_VERSION_1 & 1)
		return VQI_ENDIAN_LITTLE;
	switch (vqi_view_uint_or(view, VQI_F_VirtIODevice_device_endian, 0)) {
	case DEVICE_ENDIAN_LITTLE:
		return VQI_ENDIAN_LITTLE;
	case DEVICE_ENDIAN_BIG:
		return VQI_ENDIAN_BIG;
	default:
		return VQI_ENDIAN_UNKNOWN;
	}
}

/* Source: include/hw/virtio/virtio.h virtio_device_started(). */
static bool decode_started(const struct vqi_view *view, unsigned int status)
{
	if (vqi_view_uint_or(view, VQI_F_VirtIODevice_use_started, 0))
		return vqi_view_uint_or(view, VQI_F_VirtIODevice_started, 0);
	return status & VQI_STATUS_DRIVER_OK;
}

static void decode_device(const struct vqi_view *view, struct vqi_device *device)
{
	uint64_t vhost_started;

	device->vdev_addr = view->addr;
	device->device_id = (unsigned int)vqi_view_uint_or(view, VQI_F_VirtIODevice_device_id, 0);
	device->status = (unsigned int)vqi_view_uint_or(view, VQI_F_VirtIODevice_status, 0);
	device->host_features = vqi_view_uint_or(view, VQI_F_VirtIODevice_host_features, 0);
	device->guest_features = vqi_view_uint_or(view, VQI_F_VirtIODevice_guest_features, 0);
	device->broken = vqi_view_uint_or(view, VQI_F_VirtIODevice_broken, 0);
	device->disabled = vqi_view_uint_or(view, VQI_F_VirtIODevice_disabled, 0);
	device->started = decode_started(view, device->status);
	device->vm_running = vqi_view_number(view, VQI_F_VirtIODevice_vm_running);
	device->isr = vqi_view_number(view, VQI_F_VirtIODevice_isr);
	device->endian = decode_endian(view, device->guest_features);
	if (vqi_view_uint(view, VQI_F_VirtIODevice_vhost_started, &vhost_started))
		device->vhost = vhost_started ? VQI_VHOST_UNKNOWN : VQI_VHOST_NONE;
	/* A back end that is gone: it has written to the rings what QEMU knows nothing of. */
	if (device->is_vhost_only && device->status & VQI_STATUS_DRIVER_OK &&
	    device->vhost == VQI_VHOST_NONE)
		device->vhost = VQI_VHOST_UNKNOWN;
}

/* The descriptor of an EventNotifier; 0 is one that was never set up, -1 one that was cleaned up. */
static struct vqi_num decode_notifier(const struct vqi_view *view, enum vqi_field_id field)
{
	struct vqi_view notifier = vqi_view_member(view, field);
	struct vqi_num fd = vqi_view_number(&notifier, VQI_F_EventNotifier_rfd);

	return fd.known && (int32_t)fd.value > 0 ? fd : VQI_UNKNOWN;
}

static struct vqi_error *decode_queue(const struct vqi_reading *reading, size_t index,
				      struct vqi_queue *queue)
{
	struct vqi_view view = vqi_reading_queue(reading, index);

	/* Every entry names itself; one that does not means that the layout is wrong. */
	if (vqi_view_uint_or(&view, VQI_F_VirtQueue_queue_index, ~0ull) != index ||
	    vqi_view_uint_or(&view, VQI_F_VirtQueue_vdev, 0) != reading->vdev)
		return vqi_error_new(VQI_ERROR_BAD_DATA,
				     "queue %zu: what lies at 0x%llx is no VirtQueue of the device",
				     index, (unsigned long long)view.addr);
	queue->vector = vqi_view_number(&view, VQI_F_VirtQueue_vector);
	queue->host_notifier_fd = decode_notifier(&view, VQI_F_VirtQueue_host_notifier);
	queue->host_notifier_hva = vqi_view_member(&view, VQI_F_VirtQueue_host_notifier).addr;
	queue->guest_notifier_fd = decode_notifier(&view, VQI_F_VirtQueue_guest_notifier);
	return NULL;
}

const struct reading_model vqi_model_emulated = {
	.device = VQI_S_VirtIODevice,
	.fields =
		{
			.queue = VQI_S_VirtQueue,
			.last_avail_idx = VQI_F_VirtQueue_last_avail_idx,
			.shadow_avail_idx = VQI_F_VirtQueue_shadow_avail_idx,
			.used_idx = VQI_F_VirtQueue_used_idx,
			.signalled_used = VQI_F_VirtQueue_signalled_used,
			.signalled_used_valid = VQI_F_VirtQueue_signalled_used_valid,
			.notification = VQI_F_VirtQueue_notification,
			.inuse = VQI_F_VirtQueue_inuse,
		},
	.plan = plan,
	.follow = follow,
	.is_current = is_current,
	.decode_device = decode_device,
	.decode_queue = decode_queue,
};
