/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "chunks.h"

#include <stdlib.h>
#include <string.h>

#include "vqi/heap.h"
#include "vqi/limits.h"

#include "unknown.h"

/* Source: glibc malloc/malloc.c, "A (physical) chunk"; of 64-bit hosts. */
#define WORD	   8
#define HEADER	   8 /* bytes of a chunk that are not the caller's: its size and flags */
#define FLAGS	   7 /* PREV_INUSE, IS_MMAPPED, NON_MAIN_ARENA */
#define IS_MMAPPED 2 /* whole pages then */

static bool has_chunk_of(uint64_t header, uint64_t size)
{
	return header & IS_MMAPPED ||
	       vqi_chunk_is_for((uint32_t)((header & ~(uint64_t)FLAGS) - HEADER), size);
}

/* The first one of a structure tells of all. */
static struct vqi_error *check(struct vqi_qemu *qemu, struct vqi_layout *layout, uint64_t address,
			       enum vqi_struct_id id)
{
	struct vqi_error *error;
	uint64_t header = 0;

	if (!address || !layout->structs[id].present || layout->structs[id].how == VQI_HOW_LEAST)
		return NULL;
	error = vqi_error_keep_fatal(
		vqi_mem_read_uint(qemu->mem, address - HEADER, HEADER, &header));
	if (!error && !has_chunk_of(header, layout->structs[id].size))
		vqi_layout_drop(layout, id);
	return error;
}

/* What a field leads to; 0 where that is unknown. */
static struct vqi_error *follow(struct vqi_qemu *qemu, uint64_t address, enum vqi_field_id field,
				uint64_t *ret_address)
{
	*ret_address = 0;
	return address ? vqi_error_keep_fatal(vqi_qemu_field(qemu, address, field, ret_address))
		       : NULL;
}

/* ---- block devices ---- */

/* A driver has a structure of its own beside the node. Source: block.c bdrv_open_driver(). */
static struct vqi_error *check_driver(struct vqi_qemu *qemu, struct vqi_layout *layout, uint64_t bs)
{
	vqi_cleanup_free char *name = NULL;
	uint64_t driver = 0, opaque = 0;
	struct vqi_error *error = follow(qemu, bs, VQI_F_BlockDriverState_drv, &driver);

	if (!error)
		error = follow(qemu, bs, VQI_F_BlockDriverState_opaque, &opaque);
	if (!error && driver)
		error = vqi_error_keep_fatal(
			vqi_known_string(qemu, driver, VQI_F_BlockDriver_format_name, &name));
	if (error || !name)
		return error;
	if (strcmp(name, "throttle") == 0)
		return check(qemu, layout, opaque, VQI_S_ThrottleGroupMember);
	if (strcmp(name, "file") == 0 || strcmp(name, "host_device") == 0)
		return check(qemu, layout, opaque, VQI_S_BDRVRawState);
	return NULL;
}

/* Every node has a name, and is in the list of all: what its link leads back to leads to it (QTAILQ_ENTRY,
 * include/qemu/queue.h). Source: block.c bdrv_new(), bdrv_assign_node_name(). */
static struct vqi_error *check_node(struct vqi_qemu *qemu, struct vqi_layout *layout, uint64_t bs)
{
	const struct vqi_field *link = &layout->fields[VQI_F_BlockDriverState_bs_list];
	vqi_cleanup_free char *name = NULL;
	uint64_t before = 0, there = link->present ? 0 : bs;
	struct vqi_error *error = check(qemu, layout, bs, VQI_S_BlockDriverState);

	if (error || !bs || !layout->fields[VQI_F_BlockDriverState_node_name].present)
		return error;
	error = vqi_error_keep_fatal(
		vqi_known_string(qemu, bs, VQI_F_BlockDriverState_node_name, &name));
	if (!error && link->present)
		error = vqi_error_keep_fatal(
			vqi_mem_read_uint(qemu->mem, bs + link->offset + WORD, WORD, &before));
	if (!error && link->present)
		error = vqi_error_keep_fatal(vqi_mem_read_uint(qemu->mem, before, WORD, &there));
	if (!error && (!name || !name[0] || there != bs))
		vqi_layout_drop(layout, VQI_S_BlockDriverState);
	return error;
}

/* A node, and down its first children. */
static struct vqi_error *check_nodes(struct vqi_qemu *qemu, struct vqi_layout *layout,
				     uint64_t child)
{
	struct vqi_error *error = NULL;
	uint64_t bs;

	for (int i = 0; !error && child && i < VQI_MAX_BLOCK_NODES; i++) {
		error = check(qemu, layout, child, VQI_S_BdrvChild);
		if (!error)
			error = follow(qemu, child, VQI_F_BdrvChild_bs, &bs);
		if (!error)
			error = check_node(qemu, layout, bs);
		if (!error)
			error = check_driver(qemu, layout, bs);
		if (!error)
			error = follow(qemu, bs, VQI_F_BlockDriverState_children, &child);
	}
	return error;
}

struct vqi_error *vqi_chunks_check_disk(struct vqi_qemu *qemu, struct vqi_layout *layout,
					uint64_t blk)
{
	struct vqi_error *error = check(qemu, layout, blk, VQI_S_BlockBackend);
	uint64_t root;

	if (!error)
		error = follow(qemu, blk, VQI_F_BlockBackend_root, &root);
	return error ? error : check_nodes(qemu, layout, root);
}

struct vqi_error *vqi_chunks_check_disks(struct vqi_qemu *qemu, struct vqi_layout *layout,
					 uint64_t vdev)
{
	struct vqi_device device = {0};
	struct vqi_error *error;
	uint64_t id = 0;

	error = vqi_error_keep_fatal(vqi_qemu_field(qemu, vdev, VQI_F_VirtIODevice_device_id, &id));
	device.device_id = (unsigned int)id;
	if (!error)
		error = vqi_error_keep_fatal(vqi_qemu_backends(qemu, vdev, &device));
	for (size_t i = 0; !error && i < device.backend_count; i++) {
		if (device.backends[i].hva)
			error = vqi_chunks_check_disk(qemu, layout, device.backends[i].hva);
	}
	vqi_device_done(&device);
	return error;
}

/* ---- the main loop ---- */

struct vqi_error *vqi_chunks_check_loop(struct vqi_qemu *qemu, struct vqi_layout *layout)
{
	struct vqi_error *error;
	uint64_t context, handler;

	if (!layout->symbols[VQI_SYM_qemu_aio_context].present)
		return NULL;
	error = vqi_error_keep_fatal(vqi_qemu_pointer(qemu, VQI_SYM_qemu_aio_context, &context));
	if (!error)
		error = follow(qemu, context, VQI_F_AioContext_aio_handlers, &handler);
	if (!error)
		error = check(qemu, layout, context, VQI_S_AioContext);
	return error ? error : check(qemu, layout, handler, VQI_S_AioHandler);
}
