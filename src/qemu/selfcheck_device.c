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
#define DESC_SIZE     16 /* VirtIO 1.2, 2.7.5 and 2.8.13: bytes of a descriptor */

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
	return check_features(qemu, device->address);
}

/* ---- rings ---- */

/* The parts of a ring: its guest-physical address, and its cache. */
static const struct {
	enum vqi_field_id gpa, cache;
} parts[] = {
	{VQI_F_VRing_desc, VQI_F_VRingMemoryRegionCaches_desc},
	{VQI_F_VRing_avail, VQI_F_VRingMemoryRegionCaches_avail},
	{VQI_F_VRing_used, VQI_F_VRingMemoryRegionCaches_used},
};

/* 0: not RAM. */
static uint64_t hva_of(const struct vqi_guest_ram *ram, uint64_t gpa)
{
	for (size_t i = 0; i < ram->count; i++) {
		const struct vqi_ram_range *range = &ram->ranges[i];

		if (gpa >= range->gpa && gpa - range->gpa < range->len)
			return range->hva ? range->hva + (gpa - range->gpa) : 0;
	}
	return 0;
}

/* Whether a part is where its cache says; *ret_is_known stays false where the guest's RAM cannot tell. */
static struct vqi_error *check_part(struct vqi_qemu *qemu, const struct vqi_guest_ram *ram,
				    uint64_t vring, uint64_t caches, size_t i, bool *ret_is_known,
				    bool *ret_is_right)
{
	const struct vqi_field *cache = &qemu->layout->fields[parts[i].cache];
	uint64_t gpa = 0, ptr = 0, len = 0, num = 0, hva;
	struct vqi_error *error = vqi_qemu_field(qemu, vring, parts[i].gpa, &gpa);

	if (!error)
		error = vqi_qemu_field(qemu, vring, VQI_F_VRing_num, &num);
	if (!error)
		error = vqi_qemu_field(qemu, caches + cache->offset, VQI_F_MemoryRegionCache_ptr,
				       &ptr);
	if (!error)
		error = vqi_qemu_field(qemu, caches + cache->offset, VQI_F_MemoryRegionCache_len,
				       &len);
	if (error)
		return error;
	hva = hva_of(ram, gpa);
	*ret_is_known = hva;
	*ret_is_right = hva == ptr && len && (i || len == num * DESC_SIZE);
	return NULL;
}

static struct vqi_error *check_ring(struct vqi_qemu *qemu, const struct vqi_guest_ram *ram,
				    uint64_t vring, struct vqi_selfcheck_rings *rings)
{
	uint64_t num = 0, caches = 0;
	struct vqi_error *error = vqi_qemu_field(qemu, vring, VQI_F_VRing_num, &num);
	bool is_known = false, is_right = true;

	if (!error)
		error = vqi_qemu_field(qemu, vring, VQI_F_VRing_caches, &caches);
	if (error || !num || !caches)
		return error;
	for (size_t i = 0; !error && i < sizeof(parts) / sizeof(parts[0]); i++) {
		bool part_is_known = false, part_is_right = false;

		error = check_part(qemu, ram, vring, caches, i, &part_is_known, &part_is_right);
		is_known |= part_is_known;
		is_right &= part_is_known && part_is_right;
	}
	if (!error && is_known)
		rings->count++;
	if (!error && is_known && is_right)
		rings->right++;
	return error;
}

struct vqi_error *vqi_selfcheck_rings(struct vqi_qemu *qemu, uint64_t vdev,
				      struct vqi_selfcheck_rings *rings)
{
	uint32_t stride = qemu->layout->structs[VQI_S_VirtQueue].size;
	vqi_cleanup(vqi_guest_ram_done) struct vqi_guest_ram ram = {0};
	uint64_t vq = 0, space = 0, num = 1;
	struct vqi_error *error;

	error = vqi_known_pointer(qemu, vdev, VQI_F_VirtIODevice_dma_as, &space);
	if (!error && space)
		error = vqi_qemu_guest_ram(qemu, space, &ram);
	if (!error)
		error = vqi_qemu_field(qemu, vdev, VQI_F_VirtIODevice_vq, &vq);
	/* Two are enough: a device may have a thousand. */
	for (uint32_t i = 0; !error && ram.count && num && i < 2; i++) {
		uint64_t vring = vq + (uint64_t)i * stride +
				 qemu->layout->fields[VQI_F_VirtQueue_vring].offset;

		error = vqi_qemu_field(qemu, vring, VQI_F_VRing_num, &num);
		if (!error)
			error = check_ring(qemu, &ram, vring, rings);
		rings->count += error != NULL; /* caches that cannot be read are none */
	}
	return vqi_error_keep_fatal(error);
}
