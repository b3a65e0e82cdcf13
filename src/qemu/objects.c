/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finding the virtio devices. */
#include "objects.h"

#include <stdlib.h>
#include <string.h>

#include "vqi/limits.h"

void vqi_objects_done(struct vqi_objects *objects)
{
	for (size_t i = 0; i < objects->count; i++)
		free(objects->objects[i].path);
	free(objects->objects);
	*objects = (struct vqi_objects){0};
}

struct vqi_error *vqi_objects_add(struct vqi_objects *objects, uint64_t address, char *path)
{
	vqi_cleanup_free char *owned = path;
	struct vqi_object *grown;

	if (!path)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	if (objects->count >= VQI_MAX_DEVICES)
		return vqi_error_new(VQI_ERROR_LIMIT, "more than %d devices", VQI_MAX_DEVICES);
	grown = reallocarray(objects->objects, objects->count + 1, sizeof(*grown));
	if (!grown)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	objects->objects = grown;
	objects->objects[objects->count++] =
		(struct vqi_object){.address = address, .path = take_ptr(owned)};
	return NULL;
}

struct vqi_error *vqi_qemu_is_realized_virtio(struct vqi_qemu *qemu, uint64_t object,
					      struct vqi_objects *devices, bool *ret_is_one)
{
	struct vqi_error *error;
	uint64_t realized, vq = 0;
	bool is_virtio;

	error = vqi_qemu_is_a(qemu, object, "virtio-device", &is_virtio);
	if (error)
		return error;
	*ret_is_one = false;
	if (!is_virtio)
		return NULL;
	/* Before realize, and after unrealize, VirtIODevice.vq is NULL. */
	error = vqi_qemu_field(qemu, object, VQI_F_DeviceState_realized, &realized);
	if (!error && !realized)
		error = vqi_qemu_field(qemu, object, VQI_F_VirtIODevice_vq, &vq);
	if (error)
		return error;
	*ret_is_one = realized;
	devices->half += vq != 0;
	devices->unrealized += !realized;
	return NULL;
}

static int compare_paths(const void *a, const void *b)
{
	const struct vqi_object *left = a, *right = b;

	return strverscmp(left->path, right->path);
}

static struct vqi_error *find(struct vqi_qemu *qemu, struct vqi_objects *devices)
{
	vqi_cleanup_error struct vqi_error *qom_error = vqi_qom_find_virtio(qemu, devices);
	struct vqi_error *error;

	if (!qom_error)
		return NULL;
	if (qom_error->code == VQI_ERROR_GONE || qom_error->code == VQI_ERROR_NOMEM)
		return take_ptr(qom_error);
	vqi_objects_done(devices);
	error = vqi_bus_find_virtio(qemu, devices);
	return vqi_error_prefix(error, "no QOM tree (%s); no bus tree", qom_error->message);
}

struct vqi_error *vqi_qemu_find_virtio(struct vqi_qemu *qemu, struct vqi_objects *ret_devices)
{
	vqi_cleanup(vqi_objects_done) struct vqi_objects devices = {0};
	vqi_cleanup(vqi_qemu_pages_end) struct vqi_qemu_pages pages = {0};
	struct vqi_error *error = vqi_qemu_pages_begin(qemu, &pages);

	if (!error) /* thousands of objects and names: the tree changes by plugging only */
		error = find(qemu, &devices);
	if (error)
		return error;
	if (devices.count)
		qsort(devices.objects, devices.count, sizeof(*devices.objects), compare_paths);
	*ret_devices = devices;
	devices = (struct vqi_objects){0};
	return NULL;
}

struct vqi_error *vqi_qemu_take_virtio(struct vqi_qemu *qemu, struct vqi_objects *ret_devices)
{
	if (!qemu->kept.count)
		return vqi_qemu_find_virtio(qemu, ret_devices);
	*ret_devices = qemu->kept;
	qemu->kept = (struct vqi_objects){0};
	return NULL;
}
