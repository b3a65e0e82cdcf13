/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VQI_QEMU_OBJECTS_H
#define VQI_QEMU_OBJECTS_H

#include "vqi/qemu.h"

/* Adds an object; takes path, also on failure. Errors: NOMEM, LIMIT. */
struct vqi_error *vqi_objects_add(struct vqi_objects *objects, size_t max, uint64_t address,
				  char *path) vqi_must_check;

/* Adds the object when it is a virtio device that is realized. */
struct vqi_error *vqi_objects_add_virtio(struct vqi_qemu *qemu, struct vqi_objects *devices,
					 uint64_t object, const char *path) vqi_must_check;

/* The two ways to the devices; see vqi_qemu_find_virtio(). */
struct vqi_error *vqi_qom_find_virtio(struct vqi_qemu *qemu,
				      struct vqi_objects *devices) vqi_must_check;
struct vqi_error *vqi_bus_find_virtio(struct vqi_qemu *qemu,
				      struct vqi_objects *devices) vqi_must_check;

VQI_DEFINE_CLEANUP_VALUE(struct vqi_objects, vqi_objects_done)

#endif
