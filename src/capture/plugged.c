/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which devices there are, and their coming and going. */
#include <stdlib.h>
#include <string.h>

#include "vqi/names.h"

#include "observer.h"

VQI_DEFINE_CLEANUP_VALUE(struct vqi_objects, vqi_objects_done)

struct devices {
	struct observed *list;
	size_t count;
};

static void devices_done(struct devices *devices)
{
	for (size_t i = 0; i < devices->count; i++)
		vqi_observed_done(&devices->list[i]);
	free(devices->list);
}
VQI_DEFINE_CLEANUP_VALUE(struct devices, devices_done)

/* Looks after which the devices are found anew, whatever seems to be so; fewer where nothing would tell. */
#define LOOKS_UNTIL_FOUND 1024
#define LOOKS_UNTOLD	  64

static bool is_daemon(const struct vqi_observer *observer)
{
	return observer->qemu->layout->kind == VQI_IMAGE_STORAGE_DAEMON;
}

/* Finds out once what does not change of a device. */
static struct vqi_error *describe(struct vqi_qemu *qemu, struct vqi_object *object,
				  struct vqi_device *device)
{
	struct vqi_error *error;
	const char *type, *qom_type = NULL;
	uint64_t id = 0;

	device->vdev_addr = object->address;
	device->qom_path = take_ptr(object->path);
	error = vqi_qemu_field(qemu, object->address, VQI_F_VirtIODevice_device_id, &id);
	device->device_id = (unsigned int)id;
	type = vqi_device_type_name(device->device_id);
	if (type)
		device->type = strdup(type);
	else if (asprintf(&device->type, "virtio-%u", device->device_id) < 0)
		device->type = NULL;
	if (!error && !device->type)
		error = vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	if (!error)
		error = vqi_qemu_type_name(qemu, object->address, &qom_type);
	if (!error)
		error = vqi_qemu_transport(qemu, object->address, device);
	device->is_vhost_only = qom_type && strncmp(qom_type, "vhost-", strlen("vhost-")) == 0;
	return error ? error : vqi_qemu_backends(qemu, object->address, device);
}

static struct vqi_error *describe_all(struct vqi_qemu *qemu, struct vqi_objects *objects,
				      struct devices *devices)
{
	struct vqi_error *error = NULL;

	devices->list = calloc(objects->count + 1, sizeof(*devices->list));
	if (!devices->list)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	for (size_t i = 0; !error && i < objects->count; i++) {
		struct observed *device = &devices->list[devices->count++];

		device->unknown = describe(qemu, &objects->objects[i], &device->fixed);
		if (device->unknown && vqi_error_is_fatal(device->unknown))
			error = take_ptr(device->unknown);
		if (!error)
			error = vqi_error_keep_fatal(vqi_qemu_field(qemu, device->fixed.vdev_addr,
								    VQI_F_Object_class,
								    &device->class_hva));
	}
	return error;
}

/* ---- unplugging ---- */

/* Reads all of it at once. What cannot be read of a device is not known to be gone. */
static struct vqi_error *read_presence(const struct vqi_observer *observer,
				       struct presence *ret_presences)
{
	const struct vqi_field *class = &observer->qemu->layout->fields[VQI_F_Object_class],
			       *realized =
				       &observer->qemu->layout->fields[VQI_F_DeviceState_realized];
	vqi_cleanup_free struct vqi_range *ranges =
		calloc(2 * observer->device_count + 1, sizeof(*ranges));
	struct vqi_error *error;

	if (!ranges)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	for (size_t i = 0; i < observer->device_count; i++) {
		uint64_t vdev = observer->devices[i].fixed.vdev_addr;

		ranges[2 * i] = (struct vqi_range){.addr = vdev + class->offset,
						   .buf = &ret_presences[i].class_hva,
						   .len = class->present ? sizeof(uint64_t) : 0};
		ranges[2 * i + 1] = (struct vqi_range){.addr = vdev + realized->offset,
						       .buf = &ret_presences[i].realized,
						       .len = realized->present ? 1 : 0};
	}
	error = vqi_mem_readv(observer->qemu->mem, ranges, 2 * observer->device_count);
	for (size_t i = 0; !error && i < observer->device_count; i++) {
		if (!ranges[2 * i].ok || !ranges[2 * i].len)
			ret_presences[i].class_hva = observer->devices[i].class_hva;
		if (!ranges[2 * i + 1].ok || !ranges[2 * i + 1].len)
			ret_presences[i].realized = 1;
	}
	return error;
}

/* A device that was unplugged after it was read may be anything. */
struct vqi_error *vqi_observer_drop_unplugged(struct vqi_observer *observer)
{
	vqi_cleanup_free struct presence *presences =
		calloc(observer->device_count + 1, sizeof(*presences));
	struct vqi_error *error;
	size_t kept = 0;

	if (!presences)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	error = is_daemon(observer) ? vqi_exports_presence(observer, presences)
				    : read_presence(observer, presences);
	for (size_t i = 0; i < observer->device_count; i++) {
		struct observed *device = &observer->devices[i];
		bool plugged = presences[i].class_hva == device->class_hva && presences[i].realized;

		if (!error && !plugged)
			error = vqi_observer_note_unplugged(observer, device);
		if (error || plugged)
			observer->devices[kept++] = *device;
		else
			vqi_observed_done(device);
	}
	observer->is_dirty |= kept != observer->device_count;
	observer->device_count = kept;
	return error;
}

/* ---- plugging ---- */

/* A device that was there keeps how it is read. */
static void take_reading(struct vqi_observer *observer, struct observed *device)
{
	for (size_t i = 0; i < observer->device_count; i++) {
		struct observed *old = &observer->devices[i];

		if (!vqi_is_same_device(&old->fixed, &device->fixed) ||
		    old->class_hva != device->class_hva)
			continue;
		device->reading = take_ptr(old->reading);
		old->class_hva = 0; /* the same device: it is not gone */
	}
}

/* Puts devices in the place of those that there were, and notes which of these are gone. */
static struct vqi_error *replace(struct vqi_observer *observer, struct devices *devices)
{
	struct devices old = {observer->devices, observer->device_count};
	struct vqi_error *error = NULL;

	for (size_t i = 0; i < devices->count; i++)
		take_reading(observer, &devices->list[i]);
	for (size_t i = 0; !error && i < old.count; i++) {
		if (old.list[i].class_hva)
			error = vqi_observer_note_unplugged(observer, &old.list[i]);
	}
	observer->devices = devices->list;
	observer->device_count = devices->count;
	*devices = old;
	return error;
}

struct vqi_error *vqi_observer_find(struct vqi_observer *observer)
{
	struct vqi_qemu *qemu = observer->qemu;
	vqi_cleanup(vqi_qemu_pages_end) struct vqi_qemu_pages pages = {0};
	vqi_cleanup(vqi_objects_done) struct vqi_objects objects = {0};
	vqi_cleanup(devices_done) struct devices devices = {0};
	struct vqi_error *error = vqi_qemu_pages_begin(qemu, &pages);

	if (!error && is_daemon(observer))
		error = vqi_exports_describe(observer, &devices.list, &devices.count);
	else if (!error)
		error = vqi_qemu_take_virtio(qemu, &objects);
	if (!error && !is_daemon(observer))
		error = describe_all(qemu, &objects, &devices);
	if (!error)
		error = replace(observer, &devices);
	if (error)
		return error;
	observer->is_dirty = objects.unrealized;
	observer->looks_left = observer->plugged.count ? LOOKS_UNTIL_FOUND : LOOKS_UNTOLD;
	return NULL;
}

/* Whether devices have come or gone, as far as their containers tell. */
static struct vqi_error *notice(struct vqi_observer *observer)
{
	uint64_t digest = observer->plugged_digest;
	struct vqi_error *error = NULL;

	if (is_daemon(observer)) { /* there are few, and to find them costs little */
		observer->is_dirty = true;
		return NULL;
	}
	if (!observer->plugged.count)
		error = vqi_qemu_find_plugged(observer->qemu, &observer->plugged);
	if (!error)
		error = vqi_qemu_plugged_digest(observer->qemu, &observer->plugged, &digest);
	observer->is_dirty |= digest != observer->plugged_digest;
	observer->plugged_digest = digest;
	return vqi_error_keep_fatal(error);
}

struct vqi_error *vqi_observer_follow_plugging(struct vqi_observer *observer)
{
	struct vqi_error *error = notice(observer);

	vqi_observer_forget_unplugged(observer);
	if (error || (!observer->is_dirty && observer->looks_left-- > 0))
		return error;
	error = vqi_observer_find(observer);
	if (error) { /* the tree may change meanwhile: next time, then */
		observer->is_dirty = true;
		return vqi_error_keep_fatal(error);
	}
	return observer->names ? vqi_observer_keep_named(observer, observer->name_count) : NULL;
}
