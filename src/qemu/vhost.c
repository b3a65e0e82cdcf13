/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which kind of vhost runs a device. Source: hw/virtio/vhost.c, include/hw/virtio/vhost-backend.h. */
#include "vqi/limits.h"
#include "vqi/qemu.h"

#include "list.h"
#include "unknown.h"

/* The first of the list; *ret_is_list is false where its head is not known, or not the head of such a list: what it
 * was told by, a function's first instruction, may be of another variable. */
static struct vqi_error *find_first(struct vqi_qemu *qemu, uint64_t *ret_hdev, bool *ret_is_list)
{
	uint64_t head;
	struct vqi_error *error;

	*ret_is_list = false;
	if (!qemu->layout->symbols[VQI_SYM_vhost_devices].present)
		return NULL;
	error = vqi_qemu_symbol(qemu, VQI_SYM_vhost_devices, &head);
	if (!error)
		error = vqi_qemu_pointer(qemu, VQI_SYM_vhost_devices, ret_hdev);
	return error ? error
		     : vqi_list_has_back(qemu, *ret_hdev, VQI_F_vhost_dev_entry, head, ret_is_list);
}

/* From the first on. */
static struct vqi_error *find_vhost_dev(struct vqi_qemu *qemu, uint64_t vdev, uint64_t hdev,
					uint64_t *ret_hdev)
{
	struct vqi_error *error = NULL;
	uint64_t owner, started;

	for (int i = 0; !error && hdev; i++) {
		if (i == VQI_MAX_VHOST_DEVICES)
			return vqi_error_new(VQI_ERROR_LIMIT, "more than %d vhost devices",
					     VQI_MAX_VHOST_DEVICES);
		error = vqi_qemu_field(qemu, hdev, VQI_F_vhost_dev_vdev, &owner);
		if (!error)
			error = vqi_qemu_field(qemu, hdev, VQI_F_vhost_dev_started, &started);
		if (!error && owner == vdev && started)
			break;
		if (!error)
			error = vqi_qemu_field(qemu, hdev, VQI_F_vhost_dev_entry, &hdev);
	}
	if (!error)
		*ret_hdev = hdev;
	return error;
}

/* Where the list is not known: vhost takes a device's ioeventfds from the transport, and nothing else does.
 * Source: hw/virtio/virtio-bus.c virtio_bus_grab_ioeventfd(). */
static struct vqi_error *ask_bus(struct vqi_qemu *qemu, uint64_t vdev,
				 enum vqi_vhost_type *ret_type)
{
	struct vqi_num grabbed = VQI_UNKNOWN;
	struct vqi_error *error;
	uint64_t bus;

	error = vqi_qemu_field(qemu, vdev, VQI_F_DeviceState_parent_bus, &bus);
	if (!error && bus)
		error = vqi_qemu_known(qemu, bus, VQI_F_VirtioBusState_ioeventfd_grabbed, &grabbed);
	if (!error)
		*ret_type = grabbed.known && !grabbed.value ? VQI_VHOST_NONE : VQI_VHOST_UNKNOWN;
	return error;
}

struct vqi_error *vqi_qemu_vhost_type(struct vqi_qemu *qemu, uint64_t vdev,
				      enum vqi_vhost_type *ret_type)
{
	/* enum VhostBackendType */
	static const enum vqi_vhost_type types[] = {VQI_VHOST_UNKNOWN, VQI_VHOST_KERNEL,
						    VQI_VHOST_USER, VQI_VHOST_VDPA};
	uint64_t first = 0, hdev = 0, ops, type = 0;
	bool is_list;
	struct vqi_error *error = find_first(qemu, &first, &is_list);

	if (!error && !is_list)
		return ask_bus(qemu, vdev, ret_type);
	if (!error)
		error = find_vhost_dev(qemu, vdev, first, &hdev);
	if (!error && !hdev) {
		*ret_type = VQI_VHOST_NONE;
		return NULL;
	}
	if (!error) {
		error = vqi_qemu_field(qemu, hdev, VQI_F_vhost_dev_vhost_ops, &ops);
		if (!error)
			error = vqi_qemu_field(qemu, ops, VQI_F_VhostOps_backend_type, &type);
	}
	error = vqi_drop_unknown(error);
	if (error)
		return error;
	*ret_type = type < sizeof(types) / sizeof(types[0]) ? types[type] : VQI_VHOST_UNKNOWN;
	return NULL;
}
