/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Disks that a process exports by vhost-user: the driver is in a VM of another process, whose rings and buffers are in
 * memory that both share. libvhost-user's structures have what QEMU's own have of a device that it runs itself. */
#ifndef VQI_EXPORTS_H
#define VQI_EXPORTS_H

#include "vqi/qemu.h"

struct vqi_export {
	uint64_t vu_dev; /* VuDev, which tells one export from another */
	uint64_t drv;	 /* BlockExportDriver */
	char *id;
};

struct vqi_exports {
	struct vqi_export *exports; /* ascending by id */
	size_t count;
	size_t vduse_count; /* exports of the kind that is not looked at, but has rings as well */
};

/* Lists the exports. Errors: NO_LAYOUT, FAULT, BAD_DATA, LIMIT, NOMEM, those of readv.
 * Source: block/export/export.c blk_exp_find(), block/export/vhost-user-blk-server.c struct VuBlkExport. */
struct vqi_error *vqi_qemu_find_exports(struct vqi_qemu *qemu,
					struct vqi_exports *ret_exports) vqi_must_check;
void vqi_exports_done(struct vqi_exports *exports);
VQI_DEFINE_CLEANUP_VALUE(struct vqi_exports, vqi_exports_done)

/* Fills the back end of the export that has its VuDev at device->vdev_addr. Errors: those of vqi_qemu_block_backend().
 * Source: include/block/export.h struct BlockExport, as of the next two. */
struct vqi_error *vqi_qemu_export_backend(struct vqi_qemu *qemu,
					  struct vqi_device *device) vqi_must_check;

/* Its BlockExport. */
uint64_t vqi_qemu_export_address(const struct vqi_qemu *qemu, uint64_t vu_dev);

/* The AioContext that serves its queues; 0 while it moves from one to another. Errors: FAULT, those of readv. */
struct vqi_error *vqi_qemu_export_context(struct vqi_qemu *qemu, uint64_t vu_dev,
					  uint64_t *ret_context) vqi_must_check;

/* A part of the guest's memory, as the client told of it: where it is for the guest, for the client, and here. */
struct vqi_export_region {
	uint64_t gpa, qva, hva;
	uint64_t len; /* bytes */
};

struct vqi_export_regions {
	struct vqi_export_region *list;
	size_t count;
};

/* Reads what of the guest's memory the process has mapped.
 * Errors: NO_LAYOUT, FAULT, BAD_DATA, NOMEM, those of readv. Source: libvhost-user.c vu_gpa_to_va(), qva_to_va(). */
struct vqi_error *vqi_qemu_export_regions(struct vqi_qemu *qemu, uint64_t vu_dev,
					  struct vqi_export_regions *ret_regions) vqi_must_check;
void vqi_export_regions_done(struct vqi_export_regions *regions);
VQI_DEFINE_CLEANUP_VALUE(struct vqi_export_regions, vqi_export_regions_done)

/* Where an address of the client lies in the process; 0: nowhere. */
uint64_t vqi_export_at(const struct vqi_export_regions *regions, uint64_t qva);

/* The same as guest RAM. Owner: the caller ends it with vqi_guest_ram_done(). Errors: BAD_DATA also where they overlap,
 * as while one is added or taken away. */
struct vqi_error *vqi_qemu_export_ram(struct vqi_qemu *qemu, uint64_t vu_dev,
				      struct vqi_guest_ram *ret_ram) vqi_must_check;

#endif
