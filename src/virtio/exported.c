/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A device that libvhost-user runs: VuDev, with an array of VuVirtqs. Its rings are at addresses of the process itself.
 * Source: libvhost-user.h, libvhost-user.c map_ring(). */
#include <stdlib.h>
#include <string.h>

#include "vqi/exports.h"
#include "vqi/limits.h"

#include "reading.h"

#define PROTOCOL_FEATURES                                                                          \
	30 /* VHOST_USER_F_PROTOCOL_FEATURES: between the processes, and no driver's */

/* Where a queue's ring is: here, and for the client. None of a queue that was stopped; not here where a region was taken
 * away, until the queue is used again. Source: libvhost-user.c unmap_rings(). */
struct place {
	uint32_t num;
	uint64_t desc, avail, used;
	uint64_t client_desc, client_avail, client_used;
};

static struct place decode_place(const struct vqi_view *queue)
{
	struct vqi_view vring = vqi_view_member(queue, VQI_F_VuVirtq_vring);
	uint32_t num = (uint32_t)vqi_view_uint_or(&vring, VQI_F_VuRing_num, 0);

	if (!vqi_view_uint_or(queue, VQI_F_VuVirtq_started, 0))
		return (struct place){.num = num};
	return (struct place){
		.num = num,
		.desc = vqi_view_uint_or(&vring, VQI_F_VuRing_desc, 0),
		.avail = vqi_view_uint_or(&vring, VQI_F_VuRing_avail, 0),
		.used = vqi_view_uint_or(&vring, VQI_F_VuRing_used, 0),
		.client_desc = vqi_view_uint_or(queue, VQI_F_VuVirtq_desc_user_addr, 0),
		.client_avail = vqi_view_uint_or(queue, VQI_F_VuVirtq_avail_user_addr, 0),
		.client_used = vqi_view_uint_or(queue, VQI_F_VuVirtq_used_user_addr, 0),
	};
}

/* ---- planning ---- */

/* What is none of the guest's memory has no length. */
static struct cache find_part(const struct vqi_export_regions *regions, uint64_t hva,
			      uint64_t client, uint64_t *ret_gpa)
{
	struct cache part = {.hva = hva ? hva : vqi_export_at(regions, client)};

	*ret_gpa = 0;
	for (size_t i = 0; part.hva && i < regions->count; i++) {
		const struct vqi_export_region *region = &regions->list[i];

		if (part.hva < region->hva || part.hva - region->hva >= region->len)
			continue;
		*ret_gpa = region->gpa + (part.hva - region->hva);
		part.len = region->len - (part.hva - region->hva);
		break;
	}
	return part;
}

static void plan_queue(const struct vqi_export_regions *regions, const struct place *place,
		       struct queue_plan *plan)
{
	plan->num = place->num;
	plan->caches_read = true;
	plan->desc = find_part(regions, place->desc, place->client_desc, &plan->desc_gpa);
	plan->avail = find_part(regions, place->avail, place->client_avail, &plan->avail_gpa);
	plan->used = find_part(regions, place->used, place->client_used, &plan->used_gpa);
	plan->caches_hva = plan->desc.hva;
}

static struct vqi_error *plan_queues(struct vqi_reading *reading,
				     const struct vqi_export_regions *regions)
{
	const struct vqi_layout *layout = reading->qemu->layout;
	size_t stride = layout->structs[VQI_S_VuVirtq].size;
	size_t count = reading->queue_count;
	vqi_cleanup_free uint8_t *bytes = calloc(count + 1, stride);
	struct place *places = calloc(count + 1, sizeof(*places));
	struct vqi_error *error;

	reading->own = places;
	reading->queues = calloc(count + 1, sizeof(*reading->queues));
	if (!bytes || !places || !reading->queues)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	if (!count)
		return NULL;
	error = vqi_error_prefix(
		vqi_mem_read(reading->qemu->mem, reading->vq, bytes, count * stride), "VuDev.vq");
	for (size_t i = 0; !error && i < count; i++) {
		const struct vqi_view view = {layout, reading->vq + i * stride, bytes + i * stride,
					      stride};

		places[i] = decode_place(&view);
		if (places[i].num > VQI_MAX_RING)
			return vqi_error_new(VQI_ERROR_BAD_DATA, "queue %zu: ring of %u entries", i,
					     places[i].num);
		plan_queue(regions, &places[i], &reading->queues[i]);
	}
	return error;
}

/* What the driver has accepted; libvhost-user knows no packed ring, whatever a client says. */
static uint64_t features_of(uint64_t raw)
{
	return raw & ~(1ull << PROTOCOL_FEATURES) & ~(1ull << VQI_FEATURE_PACKED);
}

/* Without a client there are no queues. */
static struct vqi_error *plan(struct vqi_reading *reading)
{
	vqi_cleanup(vqi_export_regions_done) struct vqi_export_regions regions = {0};
	struct vqi_qemu *qemu = reading->qemu;
	struct vqi_error *error;
	uint64_t count = 0;

	error = vqi_qemu_field(qemu, reading->vdev, VQI_F_VuDev_vq, &reading->vq);
	if (!error)
		error = vqi_qemu_field(qemu, reading->vdev, VQI_F_VuDev_features,
				       &reading->features);
	if (!error && reading->vq)
		error = vqi_qemu_field(qemu, reading->vdev, VQI_F_VuDev_max_queues, &count);
	if (!error && count > VQI_MAX_QUEUES)
		error = vqi_error_new(VQI_ERROR_BAD_DATA, "VuDev.max_queues is %llu",
				      (unsigned long long)count);
	reading->features = features_of(reading->features);
	reading->queue_count = count;
	if (!error && count)
		error = vqi_qemu_export_regions(qemu, reading->vdev, &regions);
	return error ? error : plan_queues(reading, &regions);
}

/* ---- decoding ---- */

static bool queue_is_current(const struct vqi_reading *reading, size_t index)
{
	const struct place *planned = &((const struct place *)reading->own)[index];
	struct vqi_view queue = vqi_reading_queue(reading, index);
	struct place place = decode_place(&queue);

	return place.num == planned->num && place.desc == planned->desc &&
	       place.avail == planned->avail && place.used == planned->used &&
	       place.client_desc == planned->client_desc;
}

static bool is_current(const struct vqi_reading *reading)
{
	struct vqi_view device = vqi_reading_device(reading);

	if (vqi_view_uint_or(&device, VQI_F_VuDev_vq, 0) != reading->vq ||
	    features_of(vqi_view_uint_or(&device, VQI_F_VuDev_features, 0)) != reading->features)
		return false;
	for (size_t i = 0; i < reading->queue_count; i++) {
		if (!queue_is_current(reading, i))
			return false;
	}
	return true;
}

/* Whatever the driver's byte order was once, libvhost-user knows little endian alone. What a client left behind is of
 * no moment without one. Source: libvhost-user.c vu_init(), vu_deinit(). */
static void decode_device(const struct vqi_view *view, struct vqi_device *device)
{
	device->is_export = true;
	device->vdev_addr = view->addr;
	device->device_id = VQI_DEVICE_BLOCK;
	device->endian = VQI_ENDIAN_LITTLE;
	if (!vqi_view_uint_or(view, VQI_F_VuDev_vq, 0))
		return;
	device->guest_features = features_of(vqi_view_uint_or(view, VQI_F_VuDev_features, 0));
	device->broken = vqi_view_uint_or(view, VQI_F_VuDev_broken, 0);
}

/* A descriptor; -1 is none. */
static struct vqi_num decode_fd(const struct vqi_view *view, enum vqi_field_id field)
{
	struct vqi_num fd = vqi_view_number(view, field);

	return fd.known && (int32_t)fd.value >= 0 ? fd : VQI_UNKNOWN;
}

static struct vqi_error *decode_queue(const struct vqi_reading *reading, size_t index,
				      struct vqi_queue *queue)
{
	struct vqi_view view = vqi_reading_queue(reading, index);

	queue->host_notifier_fd = decode_fd(&view, VQI_F_VuVirtq_kick_fd);
	queue->guest_notifier_fd = decode_fd(&view, VQI_F_VuVirtq_call_fd);
	return NULL;
}

const struct reading_model vqi_model_exported = {
	.device = VQI_S_VuDev,
	.fields =
		{
			.queue = VQI_S_VuVirtq,
			.last_avail_idx = VQI_F_VuVirtq_last_avail_idx,
			.shadow_avail_idx = VQI_F_VuVirtq_shadow_avail_idx,
			.used_idx = VQI_F_VuVirtq_used_idx,
			.signalled_used = VQI_F_VuVirtq_signalled_used,
			.signalled_used_valid = VQI_F_VuVirtq_signalled_used_valid,
			.notification = VQI_F_VuVirtq_notification,
			.inuse = VQI_F_VuVirtq_inuse,
		},
	.plan = plan,
	.is_current = is_current,
	.decode_device = decode_device,
	.decode_queue = decode_queue,
};
