/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From the bytes of a reading to the values of a device and its queues. */
#include <stdlib.h>
#include <string.h>

#include "vqi/limits.h"
#include "vqi/names.h"

#include "reading.h"

#define DEVICE_ENDIAN_LITTLE 1 /* enum virtio_device_endian, include/hw/virtio/virtio.h */
#define DEVICE_ENDIAN_BIG    2

struct vqi_view vqi_reading_view(const struct vqi_reading *reading, const struct piece *piece,
				 uint64_t addr)
{
	bool arrived = piece->len && reading->ranges[piece->range].ok;

	return (struct vqi_view){
		.layout = reading->qemu->layout,
		.addr = addr,
		.data = reading->bytes + piece->offset,
		.len = arrived ? piece->len : 0,
	};
}

struct vqi_view vqi_reading_device(const struct vqi_reading *reading)
{
	return vqi_reading_view(reading, &reading->device, reading->vdev);
}

struct vqi_view vqi_reading_queue(const struct vqi_reading *reading, size_t index)
{
	size_t stride = reading->qemu->layout->structs[VQI_S_VirtQueue].size;
	struct vqi_view view = vqi_reading_view(reading, &reading->array, reading->vq);

	view.addr += index * stride;
	view.data += index * stride;
	view.len = view.len ? stride : 0;
	return view;
}

struct vqi_error *vqi_reading_keep(struct vqi_reading *reading)
{
	if (!reading->kept)
		reading->kept = malloc(reading->len);
	if (!reading->kept)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	memcpy(reading->kept, reading->bytes, reading->len);
	return NULL;
}

void vqi_reading_forget(struct vqi_reading *reading)
{
	free(reading->kept);
	reading->kept = NULL;
}

static bool same_bytes(const struct vqi_reading *reading, size_t start, size_t len)
{
	return memcmp(reading->bytes + start, reading->kept + start, len) == 0;
}

static bool same_piece(const struct vqi_reading *reading, const struct piece *piece)
{
	return same_bytes(reading, piece->offset, piece->len);
}

bool vqi_reading_same_queue(const struct vqi_reading *reading, size_t queue)
{
	size_t stride = reading->qemu->layout->structs[VQI_S_VirtQueue].size;
	const struct queue_plan *plan = &reading->queues[queue];

	return same_bytes(reading, reading->array.offset + queue * stride, stride) &&
	       same_piece(reading, &plan->avail_ring) && same_piece(reading, &plan->used_header) &&
	       same_piece(reading, &plan->used_tail) && same_piece(reading, &plan->descriptors);
}

size_t vqi_reading_queue_count(const struct vqi_reading *reading)
{
	return reading->queue_count;
}

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

	if (reading->queue_count == VQI_MAX_QUEUES)
		return true;
	end = vqi_reading_queue(reading, reading->queue_count);
	vring = vqi_view_member(&end, VQI_F_VirtQueue_vring);
	return vqi_view_uint_or(&vring, VQI_F_VRing_num, 1) == 0;
}

bool vqi_reading_is_current(const struct vqi_reading *reading)
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

static struct vqi_num number(const struct vqi_view *view, enum vqi_field_id field)
{
	uint64_t value;

	return vqi_view_uint(view, field, &value) ? VQI_NUM(value) : VQI_UNKNOWN;
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
	device->vm_running = number(view, VQI_F_VirtIODevice_vm_running);
	device->isr = number(view, VQI_F_VirtIODevice_isr);
	device->endian = decode_endian(view, device->guest_features);
	if (vqi_view_uint(view, VQI_F_VirtIODevice_vhost_started, &vhost_started))
		device->vhost = vhost_started ? VQI_VHOST_UNKNOWN : VQI_VHOST_NONE;
	/* A back end that is gone: it has written to the rings what QEMU knows nothing of. */
	if (device->is_vhost_only && device->status & VQI_STATUS_DRIVER_OK &&
	    device->vhost == VQI_VHOST_NONE)
		device->vhost = VQI_VHOST_UNKNOWN;
}

static void decode_indices(const struct vqi_view *view, bool packed, struct vqi_queue *queue)
{
	queue->last_avail_idx = number(view, VQI_F_VirtQueue_last_avail_idx);
	queue->shadow_avail_idx = number(view, VQI_F_VirtQueue_shadow_avail_idx);
	queue->used_idx = number(view, VQI_F_VirtQueue_used_idx);
	queue->signalled_used = number(view, VQI_F_VirtQueue_signalled_used);
	queue->signalled_used_valid = number(view, VQI_F_VirtQueue_signalled_used_valid);
	queue->notification = number(view, VQI_F_VirtQueue_notification);
	queue->inuse = number(view, VQI_F_VirtQueue_inuse);
	if (!packed)
		return;
	queue->wrap.last_avail = number(view, VQI_F_VirtQueue_last_avail_wrap_counter);
	queue->wrap.shadow_avail = number(view, VQI_F_VirtQueue_shadow_avail_wrap_counter);
	queue->wrap.used = number(view, VQI_F_VirtQueue_used_wrap_counter);
}

/* The descriptor of an EventNotifier; 0 is one that was never set up, -1 one that was cleaned up. */
static struct vqi_num decode_notifier(const struct vqi_view *view, enum vqi_field_id field)
{
	struct vqi_view notifier = vqi_view_member(view, field);
	struct vqi_num fd = number(&notifier, VQI_F_EventNotifier_rfd);

	return fd.known && (int32_t)fd.value > 0 ? fd : VQI_UNKNOWN;
}

static enum vqi_ring_access decode_access(const struct vqi_reading *reading,
					  const struct queue_plan *plan)
{
	const struct piece *pieces[] = {&plan->avail_ring, &plan->used_header, &plan->used_tail,
					&plan->descriptors};
	uint64_t avail = reading->packed ? 4 : 4 + 2 * (uint64_t)plan->num;

	if (!plan->caches_hva)
		return VQI_RING_NO_CACHE;
	if (!plan->caches_read)
		return VQI_RING_UNREADABLE;
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		if (pieces[i]->len && !reading->ranges[pieces[i]->range].ok)
			return VQI_RING_UNREADABLE;
	}
	if (!plan->avail.hva || !plan->used.hva || (reading->packed && !plan->desc.hva))
		return VQI_RING_NOT_DIRECT;
	if (plan->avail_ring.len < avail || plan->used_header.len < 4 ||
	    plan->desc.len < (uint64_t)plan->num * 16)
		return VQI_RING_SHORT;
	return VQI_RING_READ;
}

static struct vqi_ring_bytes ring_bytes(const struct vqi_reading *reading,
					const struct queue_plan *plan,
					const struct vqi_device *device,
					const struct vqi_queue *queue)
{
	struct vqi_view avail = vqi_reading_view(reading, &plan->avail_ring, plan->avail.hva);
	struct vqi_view used = vqi_reading_view(reading, &plan->used_header, plan->used.hva);
	struct vqi_view tail = vqi_reading_view(reading, &plan->used_tail, plan->used.hva);
	struct vqi_view desc = vqi_reading_view(reading, &plan->descriptors, plan->desc.hva);

	return (struct vqi_ring_bytes){
		.avail = avail.data,
		.avail_len = avail.len,
		.used = used.data,
		.used_len = used.len,
		.used_tail = tail.len ? tail.data : NULL,
		.desc = desc.data,
		.desc_len = desc.len,
		.big_endian = device->endian == VQI_ENDIAN_BIG,
		.event_idx = device->guest_features >> VQI_FEATURE_EVENT_IDX & 1,
		.vhost = device->vhost != VQI_VHOST_NONE,
		.broken = device->broken,
		/* On other transports all queues share one interrupt, which is always there. */
		.no_interrupt = device->transport == VQI_TRANSPORT_PCI &&
				vqi_num_is(queue->vector, VQI_NO_VECTOR),
	};
}

static void decode_ring(const struct vqi_reading *reading, const struct queue_plan *plan,
			const struct vqi_device *device, struct vqi_queue *queue)
{
	struct vqi_ring_bytes bytes = ring_bytes(reading, plan, device, queue);

	queue->access = decode_access(reading, plan);
	queue->desc_hva = plan->desc.hva;
	queue->avail_hva = plan->avail.hva;
	queue->used_hva = plan->used.hva;
	if (queue->ring == VQI_RING_PACKED)
		vqi_packed_decode(&bytes, queue);
	else
		vqi_split_decode(&bytes, queue);
}

static struct vqi_error *decode_queue(const struct vqi_reading *reading, size_t index,
				      const struct vqi_device *device, struct vqi_queue *queue)
{
	struct vqi_view view = vqi_reading_queue(reading, index);
	struct vqi_view vring = vqi_view_member(&view, VQI_F_VirtQueue_vring);
	struct vqi_queue_role role = vqi_queue_role(device->device_id, device->guest_features,
						    (unsigned int)reading->queue_count,
						    (unsigned int)index);

	/* Every entry names itself; one that does not means that the layout is wrong. */
	if (vqi_view_uint_or(&view, VQI_F_VirtQueue_queue_index, ~0ull) != index ||
	    vqi_view_uint_or(&view, VQI_F_VirtQueue_vdev, 0) != reading->vdev)
		return vqi_error_new(VQI_ERROR_BAD_DATA,
				     "queue %zu: what lies at 0x%llx is no VirtQueue of the device",
				     index, (unsigned long long)view.addr);

	*queue = (struct vqi_queue){
		.index = (unsigned int)index,
		.role = role.role,
		.kind = role.kind,
		.ring = reading->packed ? VQI_RING_PACKED : VQI_RING_SPLIT,
		.vq_addr = view.addr,
		.num = reading->queues[index].num,
		.desc_gpa = vqi_view_uint_or(&vring, VQI_F_VRing_desc, 0),
		.avail_gpa = vqi_view_uint_or(&vring, VQI_F_VRing_avail, 0),
		.used_gpa = vqi_view_uint_or(&vring, VQI_F_VRing_used, 0),
		.vector = number(&view, VQI_F_VirtQueue_vector),
		.host_notifier_fd = decode_notifier(&view, VQI_F_VirtQueue_host_notifier),
		.host_notifier_hva = vqi_view_member(&view, VQI_F_VirtQueue_host_notifier).addr,
		.guest_notifier_fd = decode_notifier(&view, VQI_F_VirtQueue_guest_notifier),
	};
	if (device->vhost == VQI_VHOST_NONE)
		decode_indices(&view, reading->packed, queue);
	if (queue->desc_gpa)
		decode_ring(reading, &reading->queues[index], device, queue);
	return NULL;
}

struct vqi_error *vqi_reading_decode(const struct vqi_reading *reading,
				     struct vqi_device *ret_device)
{
	vqi_cleanup_free struct vqi_queue *queues =
		calloc(reading->queue_count + 1, sizeof(*queues));
	struct vqi_view view = vqi_reading_device(reading);
	struct vqi_error *error = NULL;

	if (!queues)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	if (!view.len || !vqi_reading_queue(reading, 0).len)
		return vqi_error_fault(reading->vdev, reading->device.len);
	decode_device(&view, ret_device);
	for (size_t i = 0; !error && i < reading->queue_count; i++)
		error = decode_queue(reading, i, ret_device, &queues[i]);
	if (error)
		return error;
	free(ret_device->queues);
	ret_device->queues = take_ptr(queues);
	ret_device->queue_count = reading->queue_count;
	return NULL;
}
