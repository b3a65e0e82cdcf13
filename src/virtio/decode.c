/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From the bytes of a reading to the values of a device and its queues. */
#include <stdlib.h>
#include <string.h>

#include "vqi/limits.h"
#include "vqi/names.h"

#include "reading.h"

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
	size_t stride = reading->qemu->layout->structs[reading->model->fields.queue].size;
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
	size_t stride = reading->qemu->layout->structs[reading->model->fields.queue].size;
	const struct queue_plan *plan = &reading->queues[queue];

	return same_bytes(reading, reading->array.offset + queue * stride, stride) &&
	       same_piece(reading, &plan->avail_ring) && same_piece(reading, &plan->used_header) &&
	       same_piece(reading, &plan->used_tail) && same_piece(reading, &plan->descriptors);
}

size_t vqi_reading_queue_count(const struct vqi_reading *reading)
{
	return reading->queue_count;
}

struct vqi_num vqi_view_number(const struct vqi_view *view, enum vqi_field_id field)
{
	uint64_t value;

	return vqi_view_uint(view, field, &value) ? VQI_NUM(value) : VQI_UNKNOWN;
}

bool vqi_reading_is_current(const struct vqi_reading *reading)
{
	return reading->model->is_current(reading);
}

const struct vqi_index_fields *vqi_index_fields_of(const struct vqi_device *device)
{
	return device->is_export ? &vqi_model_exported.fields : &vqi_model_emulated.fields;
}

static void decode_indices(const struct vqi_reading *reading, const struct vqi_view *view,
			   struct vqi_queue *queue)
{
	const struct vqi_index_fields *fields = &reading->model->fields;

	queue->last_avail_idx = vqi_view_number(view, fields->last_avail_idx);
	queue->shadow_avail_idx = vqi_view_number(view, fields->shadow_avail_idx);
	queue->used_idx = vqi_view_number(view, fields->used_idx);
	queue->signalled_used = vqi_view_number(view, fields->signalled_used);
	queue->signalled_used_valid = vqi_view_number(view, fields->signalled_used_valid);
	queue->notification = vqi_view_number(view, fields->notification);
	queue->inuse = vqi_view_number(view, fields->inuse);
	if (!reading->packed)
		return;
	queue->wrap.last_avail = vqi_view_number(view, VQI_F_VirtQueue_last_avail_wrap_counter);
	queue->wrap.shadow_avail = vqi_view_number(view, VQI_F_VirtQueue_shadow_avail_wrap_counter);
	queue->wrap.used = vqi_view_number(view, VQI_F_VirtQueue_used_wrap_counter);
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
	const struct queue_plan *plan = &reading->queues[index];
	struct vqi_view view = vqi_reading_queue(reading, index);
	struct vqi_queue_role role = vqi_queue_role(device->device_id, device->guest_features,
						    (unsigned int)reading->queue_count,
						    (unsigned int)index);
	struct vqi_error *error;

	*queue = (struct vqi_queue){
		.index = (unsigned int)index,
		.role = role.role,
		.kind = role.kind,
		.ring = reading->packed ? VQI_RING_PACKED : VQI_RING_SPLIT,
		.is_export = device->is_export,
		.vq_addr = view.addr,
		.num = plan->num,
		.desc_gpa = plan->desc_gpa,
		.avail_gpa = plan->avail_gpa,
		.used_gpa = plan->used_gpa,
	};
	error = reading->model->decode_queue(reading, index, queue);
	if (error)
		return error;
	if (device->vhost == VQI_VHOST_NONE)
		decode_indices(reading, &view, queue);
	if (queue->desc_gpa)
		decode_ring(reading, plan, device, queue);
	/* What was taken before a reset, and completed after it, is not of this ring. */
	if (device->is_export && queue->in_flight.known && queue->in_flight.value > queue->num)
		queue->in_flight = VQI_UNKNOWN;
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
	if (!view.len || (reading->queue_count && !vqi_reading_queue(reading, 0).len))
		return vqi_error_fault(reading->vdev, reading->device.len);
	reading->model->decode_device(&view, ret_device);
	for (size_t i = 0; !error && i < reading->queue_count; i++) {
		error = decode_queue(reading, i, ret_device, &queues[i]);
		if (ret_device->is_export) /* it has no status */
			ret_device->started |= queues[i].desc_gpa != 0;
	}
	if (error)
		return error;
	free(ret_device->queues);
	ret_device->queues = take_ptr(queues);
	ret_device->queue_count = reading->queue_count;
	return NULL;
}
