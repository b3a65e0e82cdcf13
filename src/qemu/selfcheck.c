/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether a layout fits the QEMU that it is used for. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "vqi/limits.h"
#include "vqi/qemu.h"

/* A device that comes or goes meanwhile has half of everything. Units: ns. */
#define TRIES	 5
#define PAUSE_NS 20000000

static struct vqi_error *misfit(const char *what)
{
	return vqi_error_new(VQI_ERROR_NO_LAYOUT, "the layout does not fit this QEMU: %s", what);
}

/* What cannot be read does not fit, unless nothing can be read any more. */
static struct vqi_error *unreadable(struct vqi_error *error, const char *what)
{
	if (!error || vqi_error_is_fatal(error))
		return error;
	vqi_error_free(error);
	return misfit(what);
}

/* ---- the array of queues ---- */

static bool is_queue(const struct vqi_layout *layout, const uint8_t *data, size_t stride,
		     uint64_t vdev, uint64_t index)
{
	const struct vqi_view view = {.layout = layout, .data = data, .len = stride};
	uint64_t queue_index, owner;

	return vqi_view_uint(&view, VQI_F_VirtQueue_queue_index, &queue_index) &&
	       vqi_view_uint(&view, VQI_F_VirtQueue_vdev, &owner) && queue_index == index &&
	       owner == vdev;
}

static struct vqi_error *check_queues(struct vqi_qemu *qemu, uint64_t vdev)
{
	static const char what[] =
		"the entries of VirtIODevice.vq are no VirtQueues of their device";
	size_t stride = qemu->layout->structs[VQI_S_VirtQueue].size;
	size_t len = stride * VQI_MAX_QUEUES;
	vqi_cleanup_free uint8_t *data = malloc(len);
	struct vqi_error *error;
	uint64_t vq;

	if (!data)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	error = vqi_qemu_field(qemu, vdev, VQI_F_VirtIODevice_vq, &vq);
	if (!error)
		error = vqi_mem_read(qemu->mem, vq, data, len);
	if (error)
		return unreadable(error, what);
	for (size_t i = 0; i < VQI_MAX_QUEUES; i++) {
		if (!is_queue(qemu->layout, data + i * stride, stride, vdev, i))
			return misfit(what);
	}
	return NULL;
}

/* ---- what QEMU calls when the VM stops ---- */

static struct vqi_error *check_vmstate(struct vqi_qemu *qemu, uint64_t vdev)
{
	static const char what[] = "VirtIODevice.vmstate is not of the device";
	struct vqi_num entry = VQI_UNKNOWN, opaque = VQI_UNKNOWN;
	struct vqi_error *error;

	error = vqi_qemu_known(qemu, vdev, VQI_F_VirtIODevice_vmstate, &entry);
	if (!error && entry.known)
		error = vqi_qemu_known(qemu, entry.value, VQI_F_VMChangeStateEntry_opaque, &opaque);
	if (error)
		return unreadable(error, what);
	return opaque.known && opaque.value != vdev ? misfit(what) : NULL;
}

/* ---- types ---- */

static struct vqi_error *check_size(struct vqi_qemu *qemu, uint64_t impl, enum vqi_struct_id id)
{
	const struct vqi_struct_layout *structure = &qemu->layout->structs[id];
	struct vqi_num size = VQI_UNKNOWN;
	struct vqi_error *error;

	error = vqi_qemu_known(qemu, impl, VQI_F_TypeImpl_instance_size, &size);
	if (error)
		return error;
	if (!size.known || !structure->present || size.value == structure->size)
		return NULL;
	return vqi_error_new(VQI_ERROR_NO_LAYOUT,
			     "the layout does not fit this QEMU: its %s has %" PRIu64
			     " bytes, the layout's %" PRIu32,
			     vqi_struct_info(id)->name, size.value, structure->size);
}

/* The sizes that QEMU itself has of the structures that a device begins with. */
static struct vqi_error *check_types(struct vqi_qemu *qemu, uint64_t vdev)
{
	static const char what[] = "the type of a device cannot be read";
	struct vqi_error *error;
	uint64_t class, impl = 0;

	error = vqi_qemu_field(qemu, vdev, VQI_F_Object_class, &class);
	if (!error)
		error = vqi_qemu_field(qemu, class, VQI_F_ObjectClass_type, &impl);
	for (int i = 0; !error && impl && i < VQI_MAX_QOM_DEPTH; i++) {
		vqi_cleanup_free char *name = NULL;

		error = vqi_qemu_string_field(qemu, impl, VQI_F_TypeImpl_name, &name);
		if (!error && name && strcmp(name, "virtio-device") == 0)
			error = check_size(qemu, impl, VQI_S_VirtIODevice);
		if (!error && name && strcmp(name, "device") == 0)
			error = check_size(qemu, impl, VQI_S_DeviceState);
		if (!error)
			error = vqi_qemu_field(qemu, impl, VQI_F_TypeImpl_parent_type, &impl);
	}
	if (error && error->code == VQI_ERROR_NO_LAYOUT)
		return error;
	return unreadable(error, what);
}

/* ---- all of it ---- */

static struct vqi_error *check_device(struct vqi_qemu *qemu, uint64_t vdev)
{
	struct vqi_error *error = check_types(qemu, vdev);

	if (!error)
		error = check_queues(qemu, vdev);
	return error ? error : check_vmstate(qemu, vdev);
}

static struct vqi_error *check_devices(struct vqi_qemu *qemu)
{
	struct vqi_objects devices = {0};
	struct vqi_error *error;

	error = vqi_qemu_find_virtio(qemu, &devices);
	for (size_t i = 0; !error && i < devices.count; i++)
		error = vqi_error_prefix(check_device(qemu, devices.objects[i].address), "%s",
					 devices.objects[i].path);
	vqi_objects_done(&devices);
	return error;
}

struct vqi_error *vqi_qemu_check_layout(struct vqi_qemu *qemu)
{
	struct vqi_error *error = check_devices(qemu);

	for (int i = 1; error && error->code == VQI_ERROR_NO_LAYOUT && i < TRIES; i++) {
		vqi_error_free(error);
		nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
		error = check_devices(qemu);
	}
	return error;
}
