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

/* What a guest may have made otherwise in one place, or for a moment, and hardly everywhere: how often it could be
 * told, and how often it was right. One that is right is enough. */
struct vqi_tally {
	size_t count, right;
};

struct vqi_selfcheck_rings {
	struct vqi_tally caches;   /* rings whose region caches are where the guest's RAM is */
	struct vqi_tally shadows;  /* rings whose shadow_avail_idx the driver can have meant */
	struct vqi_tally statuses; /* devices that a driver started, and told so */
};

/* Adds what can be told of a device and its rings. Errors: those of readv, NOMEM.
 * Source: hw/virtio/virtio.c virtio_init_region_cache(), vring_avail_idx(), virtio_set_started(). */
struct vqi_error *vqi_selfcheck_rings(struct vqi_qemu *qemu, uint64_t vdev,
				      struct vqi_selfcheck_rings *rings) vqi_must_check;

/* Checks an entry of VirtIODevice.vq: that it has a size exactly if it has a default one, and that the last of all,
 * which no device uses, is as it was made. What of that a driver could have changed becomes unknown. Errors: NO_LAYOUT.
 * Source: hw/virtio/virtio.c virtio_queue_set_num(), virtio_delete_queue(), virtio_queue_set_vector(). */
struct vqi_error *vqi_selfcheck_queue(const struct vqi_view *queue, bool is_last,
				      struct vqi_layout *layout) vqi_must_check;

/* Check what the diagnosis can do without: where it does not fit, its structure becomes unknown.
 * Errors: those of readv. */

/* That a PCI device's configuration space is that of a virtio device, and has the vectors that it says.
 * Source: hw/pci/msix.c msix_init(). */
struct vqi_error *vqi_selfcheck_proxy(struct vqi_qemu *qemu, struct vqi_layout *layout,
				      uint64_t proxy) vqi_must_check;

/* That virtual CPUs are a list, each with a number and a thread. Source: cpu-common.c cpu_list_add(). */
struct vqi_error *vqi_selfcheck_cpu(struct vqi_qemu *qemu, struct vqi_layout *layout,
				    uint64_t first) vqi_must_check;

/* That an iothread has a thread, and an AioContext with handlers. Source: iothread.c, util/async.c. */
struct vqi_error *vqi_selfcheck_iothread(struct vqi_qemu *qemu, struct vqi_layout *layout,
					 uint64_t iothread) vqi_must_check;

/* Checks fields against QEMU's own descriptions of what it migrates, where these are found.
 * Errors: NO_LAYOUT; those of readv, NOMEM. Source: hw/virtio/virtio.c vmstate_virtio. */
struct vqi_error *vqi_selfcheck_vmstate(struct vqi_qemu *qemu) vqi_must_check;

/* Checks an AioContext: its list of handlers is one. Errors: NO_LAYOUT, those of readv. */
struct vqi_error *vqi_selfcheck_context(struct vqi_qemu *qemu, uint64_t context) vqi_must_check;

#endif
