/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VQI_QEMU_CHUNKS_H
#define VQI_QEMU_CHUNKS_H

#include "vqi/qemu.h"

/* Checks structures that are no objects, and so have no size that QEMU itself knows: those that malloc() gave
 * have the size of their chunk before them. What has another size than the layout says becomes unknown, as it
 * does where the C library is not glibc. Of a BlockBackend, of those of a virtio device, and of the main loop.
 * Errors: those of readv, NOMEM. Source: glibc malloc/malloc.c struct malloc_chunk. */
struct vqi_error *vqi_chunks_check_disk(struct vqi_qemu *qemu, struct vqi_layout *layout,
					uint64_t blk) vqi_must_check;
struct vqi_error *vqi_chunks_check_disks(struct vqi_qemu *qemu, struct vqi_layout *layout,
					 uint64_t vdev) vqi_must_check;
struct vqi_error *vqi_chunks_check_loop(struct vqi_qemu *qemu,
					struct vqi_layout *layout) vqi_must_check;

#endif
