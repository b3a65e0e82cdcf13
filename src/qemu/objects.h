/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VQI_QEMU_OBJECTS_H
#define VQI_QEMU_OBJECTS_H

#include "vqi/qemu.h"

/* Adds a device; takes path, also on failure. Errors: NOMEM, LIMIT. */
struct vqi_error *vqi_objects_add(struct vqi_objects *objects, uint64_t address,
				  char *path) vqi_must_check;

/* Whether an object is a virtio device that has its queues. One that has them, and is not realized, is counted among
 * the half of devices; any that is not, among the unrealized. */
struct vqi_error *vqi_qemu_is_realized_virtio(struct vqi_qemu *qemu, uint64_t object,
					      struct vqi_objects *devices,
					      bool *ret_is_one) vqi_must_check;

/* Adds the children of an object that are of a type; what is their path elsewhere is their name here.
 * Errors: as vqi_qemu_find_virtio(). */
struct vqi_error *vqi_qom_children(struct vqi_qemu *qemu, uint64_t parent, const char *type,
				   struct vqi_objects *objects) vqi_must_check;

/* The two ways to the devices; see vqi_qemu_find_virtio(). */
struct vqi_error *vqi_qom_find_virtio(struct vqi_qemu *qemu,
				      struct vqi_objects *devices) vqi_must_check;
struct vqi_error *vqi_bus_find_virtio(struct vqi_qemu *qemu,
				      struct vqi_objects *devices) vqi_must_check;

VQI_DEFINE_CLEANUP_VALUE(struct vqi_objects, vqi_objects_done)

#endif
