/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The devices of a storage daemon: what it exports by vhost-user. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vqi/exports.h"
#include "vqi/names.h"

#include "observer.h"

/* Owner: takes the id of export. */
static struct vqi_error *describe(struct vqi_qemu *qemu, struct vqi_export *export,
				  struct observed *device)
{
	device->class_hva = export->drv;
	device->fixed = (struct vqi_device){
		.id = take_ptr(export->id),
		.is_export = true,
		.vdev_addr = export->vu_dev,
		.device_id = VQI_DEVICE_BLOCK,
	};
	device->unknown = vqi_qemu_export_backend(qemu, &device->fixed);
	if (device->unknown && vqi_error_is_fatal(device->unknown))
		return take_ptr(device->unknown);
	return vqi_copy_string(vqi_device_type_name(VQI_DEVICE_BLOCK), &device->fixed.type);
}

struct vqi_error *vqi_exports_describe(struct vqi_observer *observer, struct observed **ret_devices,
				       size_t *ret_count)
{
	vqi_cleanup(vqi_exports_done) struct vqi_exports exports = {0};
	struct vqi_error *error = vqi_qemu_find_exports(observer->qemu, &exports);
	struct observed *devices;

	if (error)
		return error;
	devices = calloc(exports.count + 1, sizeof(*devices));
	if (!devices)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	for (size_t i = 0; !error && i < exports.count; i++)
		error = describe(observer->qemu, &exports.exports[i], &devices[i]);
	observer->vduse_count = exports.vduse_count;
	*ret_devices =
		devices; /* also after a failure: what is described is the caller's to free */
	*ret_count = exports.count;
	return error;
}

struct vqi_error *vqi_exports_presence(const struct vqi_observer *observer,
				       struct presence *ret_presences)
{
	vqi_cleanup(vqi_exports_done) struct vqi_exports exports = {0};
	struct vqi_error *error = vqi_qemu_find_exports(observer->qemu, &exports);

	for (size_t i = 0; i < observer->device_count; i++) {
		const struct observed *device = &observer->devices[i];

		ret_presences[i].class_hva = device->class_hva;
		/* The list may change just now: then it is not known to be gone. */
		ret_presences[i].realized = error != NULL;
		for (size_t j = 0; j < exports.count; j++)
			ret_presences[i].realized |= exports.exports[j].vu_dev ==
						     device->fixed.vdev_addr;
	}
	return vqi_error_keep_fatal(error);
}

struct vqi_error *vqi_observer_add_export_gap(const struct vqi_observer *observer,
					      struct vqi_snapshot *snapshot)
{
	vqi_cleanup_free char *why = NULL;

	if (!observer->vduse_count || observer->names)
		return NULL;
	if (asprintf(&why, "%zu by VDUSE: only those by vhost-user are looked at",
		     observer->vduse_count) < 0) {
		why = NULL;
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	}
	return vqi_snapshot_add_gap(snapshot, NULL, VQI_UNKNOWN, "exports", why);
}
