/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether devices have come or gone: those that somebody adds or takes away while the VM runs are all children of
 * two containers. Source: softmmu/qdev-monitor.c qdev_set_id(). */
#include <string.h>

#include "vqi/fnv.h"
#include "vqi/ghash.h"

#include "objects.h"

/* Finds the containers below the machine. */
static struct vqi_error *find_containers(struct vqi_qemu *qemu, struct vqi_objects *ret_containers)
{
	struct vqi_error *error;
	uint64_t machine;

	error = vqi_qemu_pointer(qemu, VQI_SYM_current_machine, &machine);
	if (!error && !machine)
		error = vqi_error_new(VQI_ERROR_BAD_DATA, "there is no machine yet");
	return error ? error : vqi_qom_children(qemu, machine, "container", ret_containers);
}

struct vqi_error *vqi_qemu_find_plugged(struct vqi_qemu *qemu, struct vqi_plugged *ret_plugged)
{
	vqi_cleanup(vqi_objects_done) struct vqi_objects containers = {0};
	struct vqi_plugged plugged = {0};
	struct vqi_error *error = find_containers(qemu, &containers);

	for (size_t i = 0; !error && i < containers.count; i++) {
		const struct vqi_object *object = &containers.objects[i];

		if (plugged.count < VQI_PLUGGED_CONTAINERS &&
		    (strcmp(object->path, "peripheral") == 0 ||
		     strcmp(object->path, "peripheral-anon") == 0))
			plugged.containers[plugged.count++] = object->address;
	}
	if (!error && !plugged.count)
		error = vqi_error_new(VQI_ERROR_BAD_DATA, "there is no container of devices");
	if (!error)
		*ret_plugged = plugged;
	return error;
}

struct vqi_error *vqi_qemu_plugged_digest(struct vqi_qemu *qemu, const struct vqi_plugged *plugged,
					  uint64_t *ret_digest)
{
	uint64_t digest = VQI_FNV_BASIS;
	struct vqi_error *error = NULL;

	for (size_t i = 0; !error && i < plugged->count; i++) {
		vqi_cleanup_free uint64_t *values = NULL;
		uint64_t table = 0;
		size_t count = 0;

		error = vqi_qemu_field(qemu, plugged->containers[i], VQI_F_Object_properties,
				       &table);
		if (!error && table)
			error = vqi_ghash_values(qemu->mem, table, &values, &count);
		if (!error && count)
			digest = vqi_fnv_bytes(digest, values, count * sizeof(*values));
		digest = vqi_fnv_bytes(digest, &count, sizeof(count));
	}
	if (!error)
		*ret_digest = digest;
	return error;
}
