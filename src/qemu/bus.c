/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The qdev bus tree, which needs no GLib. Source: include/hw/qdev-core.h, qbus_walk_children(). */
#include <stdlib.h>
#include <string.h>

#include "vqi/limits.h"

#include "objects.h"

static struct vqi_error *walk_bus(struct vqi_qemu *qemu, uint64_t bus, unsigned int depth,
				  size_t *visited, struct vqi_objects *devices);

static struct vqi_error *count_visit(size_t *visited)
{
	if (++*visited > VQI_MAX_BUS_NODES)
		return vqi_error_new(VQI_ERROR_LIMIT, "more than %d buses and devices",
				     VQI_MAX_BUS_NODES);
	return NULL;
}

static struct vqi_error *walk_device(struct vqi_qemu *qemu, uint64_t device, unsigned int depth,
				     size_t *visited, struct vqi_objects *devices)
{
	struct vqi_error *error;
	char *path = NULL;
	uint64_t bus;
	bool wanted;

	error = vqi_qemu_is_realized_virtio(qemu, device, devices, &wanted);
	if (!error && wanted) {
		error = vqi_qemu_string_field(qemu, device, VQI_F_DeviceState_canonical_path,
					      &path);
		if (!error && !path)
			error = vqi_error_new(VQI_ERROR_BAD_DATA, "realized device without a path");
		if (!error)
			error = vqi_objects_add(devices, device, path);
	}
	if (!error)
		error = vqi_qemu_field(qemu, device, VQI_F_DeviceState_child_bus, &bus);
	while (!error && bus) {
		error = walk_bus(qemu, bus, depth + 1, visited, devices);
		if (!error)
			error = vqi_qemu_field(qemu, bus, VQI_F_BusState_sibling, &bus);
	}
	return error;
}

static struct vqi_error *walk_bus(struct vqi_qemu *qemu, uint64_t bus, unsigned int depth,
				  size_t *visited, struct vqi_objects *devices)
{
	struct vqi_error *error;
	uint64_t kid, device;

	if (depth > VQI_MAX_QOM_DEPTH)
		return vqi_error_new(VQI_ERROR_LIMIT, "more than %d levels of buses",
				     VQI_MAX_QOM_DEPTH);
	error = count_visit(visited); /* empty buses count too: a list may be a ring */
	if (!error)
		error = vqi_qemu_field(qemu, bus, VQI_F_BusState_children, &kid);
	while (!error && kid) {
		error = count_visit(visited);
		if (!error)
			error = vqi_qemu_field(qemu, kid, VQI_F_BusChild_child, &device);
		if (!error && device)
			error = walk_device(qemu, device, depth, visited, devices);
		if (!error)
			error = vqi_qemu_field(qemu, kid, VQI_F_BusChild_sibling, &kid);
	}
	return error;
}

struct vqi_error *vqi_bus_find_virtio(struct vqi_qemu *qemu, struct vqi_objects *devices)
{
	struct vqi_error *error;
	size_t visited = 0;
	uint64_t bus;

	error = vqi_qemu_pointer(qemu, VQI_SYM_main_system_bus, &bus);
	if (!error && !bus)
		error = vqi_error_new(VQI_ERROR_BAD_DATA, "there is no system bus yet");
	return error ? error : walk_bus(qemu, bus, 0, &visited, devices);
}
