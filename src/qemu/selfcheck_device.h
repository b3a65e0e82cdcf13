/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VQI_QEMU_SELFCHECK_DEVICE_H
#define VQI_QEMU_SELFCHECK_DEVICE_H

#include "vqi/qemu.h"

/* Of the debug information of the very build: what can be otherwise for a moment, or by a guest that means ill, is
 * no reason to doubt it. */
static inline bool vqi_selfcheck_is_sure(const struct vqi_layout *layout)
{
	return layout->source == VQI_LAYOUT_DWARF || layout->source == VQI_LAYOUT_DEBUGINFOD ||
	       layout->source == VQI_LAYOUT_CACHE;
}

/* Whether a device is where the tree of objects and the tree of buses have it, by the name that it has there, and
 * whether what it says of itself can be.
 * Errors: NO_LAYOUT, naming what does not fit; those of readv, NOMEM. Source: hw/core/qdev.c. */
struct vqi_error *vqi_selfcheck_device(struct vqi_qemu *qemu,
				       const struct vqi_object *device) vqi_must_check;

/* Rings that a driver has set up, and those of which the region caches are where the guest's RAM is. */
struct vqi_selfcheck_rings {
	size_t count, right;
};

/* Adds the rings of a device that can be told. A driver may have moved some meanwhile: one that is right proves the
 * layout. Errors: those of readv, NOMEM.
 * Source: hw/virtio/virtio.c virtio_init_region_cache(). */
struct vqi_error *vqi_selfcheck_rings(struct vqi_qemu *qemu, uint64_t vdev,
				      struct vqi_selfcheck_rings *rings) vqi_must_check;

#endif
