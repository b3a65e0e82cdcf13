/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "selfcheck_device.h"

#include <stdlib.h>
#include <string.h>

#include "misfit.h"
#include "vqi/limits.h"

#include "unknown.h"

#define PERIPHERAL    "/machine/peripheral/" /* what has an id is there: qdev_set_id() */
#define MAX_DEVICE_ID 1023		     /* VirtIO 1.2, 5: far fewer are given away */
#define MAX_ENDIAN    2			     /* enum virtio_device_endian */
#define MAX_ISR	      3			     /* VirtIO 1.2, 4.1.4.5 */

/* ---- names ---- */

/* The object that an id belongs to: the proxy, or where there is none (virtio-mmio) the device. */
static struct vqi_error *check_id(struct vqi_qemu *qemu, const struct vqi_object *device)
{
	static const char what[] = "DeviceState.id is not the name of the device";
	vqi_cleanup_free char *id = NULL;
	uint64_t object = device->address;
	struct vqi_error *error = NULL;
	const char *name;
	size_t len;

	if (strncmp(device->path, PERIPHERAL, strlen(PERIPHERAL)) != 0)
		return NULL;
	name = device->path + strlen(PERIPHERAL);
	len = strcspn(name, "/");
	if (name[len] && strchr(name + len + 1, '/'))
		return NULL; /* of something that has other devices in it */
	if (name[len])
		error = vqi_qemu_field(qemu, object, VQI_F_Object_parent, &object);
	if (!error)
		error = vqi_qemu_string_field(qemu, object, VQI_F_DeviceState_id, &id);
	if (error)
		return vqi_unreadable(error, what);
	return id && strlen(id) == len && strncmp(id, name, len) == 0 ? NULL : vqi_misfit(what);
}

static struct vqi_error *check_path(struct vqi_qemu *qemu, const struct vqi_object *device)
{
	static const char what[] = "DeviceState.canonical_path is not the path of the device";
	vqi_cleanup_free char *path = NULL;
	struct vqi_error *error;

	error = vqi_known_string(qemu, device->address, VQI_F_DeviceState_canonical_path, &path);
	if (error)
		return vqi_unreadable(error, what);
	return path && strcmp(path, device->path) != 0 ? vqi_misfit(what) : NULL;
}

/* ---- buses ---- */

/* Whether a list leads to something: one whose entries hold it, or with no such field the entries themselves. */
static struct vqi_error *is_in_list(struct vqi_qemu *qemu, uint64_t entry,
				    const enum vqi_field_id *holds, enum vqi_field_id next,
				    uint64_t wanted, bool *ret_is)
{
	struct vqi_error *error = NULL;

	*ret_is = false;
	for (int i = 0; !error && entry && !*ret_is && i < VQI_MAX_BUS_NODES; i++) {
		uint64_t held = entry;

		if (holds)
			error = vqi_qemu_field(qemu, entry, *holds, &held);
		*ret_is = !error && held == wanted;
		if (!error)
			error = vqi_qemu_field(qemu, entry, next, &entry);
	}
	return error;
}

static struct vqi_error *check_bus(struct vqi_qemu *qemu, uint64_t vdev)
{
	static const char what[] = "the device is not on the bus that it is plugged into";
	static const enum vqi_field_id child = VQI_F_BusChild_child;
	uint64_t bus = 0, owner = 0, first = 0;
	struct vqi_error *error;
	bool is_bus = false, is_child = false, is_owned = false;

	error = vqi_qemu_field(qemu, vdev, VQI_F_DeviceState_parent_bus, &bus);
	if (!error && bus)
		error = vqi_qemu_is_a(qemu, bus, "bus", &is_bus);
	if (!error && is_bus)
		error = vqi_qemu_field(qemu, bus, VQI_F_BusState_children, &first);
	if (!error && is_bus)
		error = is_in_list(qemu, first, &child, VQI_F_BusChild_sibling, vdev, &is_child);
	if (!error && is_bus)
		error = vqi_qemu_field(qemu, bus, VQI_F_BusState_parent, &owner);
	if (!error && owner)
		error = vqi_qemu_field(qemu, owner, VQI_F_DeviceState_child_bus, &first);
	if (!error && owner)
		error = is_in_list(qemu, first, NULL, VQI_F_BusState_sibling, bus, &is_owned);
	if (error)
		return vqi_unreadable(error, what);
	return is_child && is_owned ? NULL : vqi_misfit(what);
}

/* ---- what it says of itself ---- */

static const struct {
	enum vqi_field_id field;
	uint64_t least, most;
} values[] = {
	{VQI_F_VirtIODevice_device_id, 1, MAX_DEVICE_ID},
	{VQI_F_VirtIODevice_device_endian, 0, MAX_ENDIAN},
	{VQI_F_VirtIODevice_isr, 0, MAX_ISR},
	{VQI_F_VirtIODevice_broken, 0, 1},
	{VQI_F_VirtIODevice_vm_running, 0, 1},
	{VQI_F_VirtIODevice_disabled, 0, 1},
	{VQI_F_VirtIODevice_use_started, 0, 1},
	{VQI_F_VirtIODevice_started, 0, 1},
	{VQI_F_VirtIODevice_vhost_started, 0, 1},
	{VQI_F_DeviceState_realized, 0, 1},
};

static struct vqi_error *check_values(struct vqi_qemu *qemu, uint64_t vdev)
{
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		const char *name = vqi_field_info(values[i].field)->name;
		struct vqi_num value = VQI_UNKNOWN;
		struct vqi_error *error;

		error = vqi_qemu_known(qemu, vdev, values[i].field, &value);
		if (error)
			return vqi_unreadable(error, name);
		if (value.known && (value.value < values[i].least || value.value > values[i].most))
			return vqi_misfit(name);
	}
	return NULL;
}

/* Of a type that is of one kind of device. Source: include/standard-headers/linux/virtio_ids.h. */
static const struct {
	const char *type;
	uint64_t id;
} kinds[] = {
	{"virtio-net-device", 1},    {"virtio-blk-device", 2},	   {"vhost-user-blk", 2},
	{"virtio-serial-device", 3}, {"virtio-rng-device", 4},	   {"virtio-balloon-device", 5},
	{"virtio-scsi-common", 8},   {"virtio-9p-device", 9},	   {"virtio-gpu-device", 16},
	{"virtio-input-device", 18}, {"vhost-vsock-common", 19},   {"virtio-crypto-device", 20},
	{"virtio-mem", 24},	     {"vhost-user-fs-device", 26}, {"virtio-pmem", 27},
};

/* Whether the device is of a type that is of the kind with this id, or of one with another. */
static struct vqi_error *is_of_kind(struct vqi_qemu *qemu, uint64_t vdev, uint64_t id, bool same,
				    bool *ret_is)
{
	struct vqi_error *error = NULL;

	*ret_is = false;
	for (size_t i = 0; !error && !*ret_is && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if ((kinds[i].id == id) == same)
			error = vqi_qemu_is_a(qemu, vdev, kinds[i].type, ret_is);
	}
	return error;
}

static struct vqi_error *check_kind(struct vqi_qemu *qemu, uint64_t vdev)
{
	static const char what[] = "VirtIODevice.device_id is not of the device's type";
	bool is_same = false, is_other = false;
	uint64_t id = 0;
	struct vqi_error *error = vqi_qemu_field(qemu, vdev, VQI_F_VirtIODevice_device_id, &id);

	if (!error)
		error = is_of_kind(qemu, vdev, id, true, &is_same);
	if (!error && !is_same)
		error = is_of_kind(qemu, vdev, id, false, &is_other);
	if (error)
		return vqi_unreadable(error, what);
	return is_other ? vqi_misfit(what) : NULL;
}

/* A driver cannot accept what the device does not offer; a state that is being loaded can, until it has arrived.
 * Source: hw/virtio/virtio.c virtio_set_features(), virtio_load(). */
static struct vqi_error *check_features(struct vqi_qemu *qemu, uint64_t vdev)
{
	static const char what[] = "VirtIODevice.guest_features are not of host_features";
	uint64_t host = 0, guest = 0;
	struct vqi_error *error;

	error = vqi_qemu_field(qemu, vdev, VQI_F_VirtIODevice_host_features, &host);
	if (!error)
		error = vqi_qemu_field(qemu, vdev, VQI_F_VirtIODevice_guest_features, &guest);
	if (error)
		return vqi_unreadable(error, what);
	return guest & ~host ? vqi_misfit(what) : NULL;
}

struct vqi_error *vqi_selfcheck_device(struct vqi_qemu *qemu, const struct vqi_object *device)
{
	struct vqi_error *error = check_id(qemu, device);

	if (!error)
		error = check_path(qemu, device);
	if (!error)
		error = check_bus(qemu, device->address);
	if (!error)
		error = check_values(qemu, device->address);
	if (error || vqi_selfcheck_is_sure(qemu->layout))
		return error;
	error = check_kind(qemu, device->address);
	return error ? error : check_features(qemu, device->address);
}
