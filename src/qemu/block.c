/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the requests of a block device wait for: drains, throttling, nodes, the VM itself. */
#include <stdlib.h>
#include <string.h>

#include "vqi/limits.h"
#include "vqi/qemu.h"

#include "unknown.h"

/* ---- throttle groups: block/throttle-groups.c ---- */

/* Two unsigned ints, for reads and writes. */
static struct vqi_num sum_of_pair(struct vqi_num pair)
{
	return pair.known ? VQI_NUM((pair.value & UINT32_MAX) + (pair.value >> 32)) : VQI_UNKNOWN;
}

/* The group is known by the address of its member ts. */
static struct vqi_error *read_group_name(struct vqi_qemu *qemu, uint64_t state, char **ret_name)
{
	const struct vqi_field *ts = &qemu->layout->fields[VQI_F_ThrottleGroup_ts];

	if (!state || !ts->present)
		return NULL;
	return vqi_known_string(qemu, state - ts->offset, VQI_F_ThrottleGroup_name, ret_name);
}

/* Where a structure has its member of a group. */
struct throttle_fields {
	enum vqi_field_id pending, state;
};

/* How many requests a member of a group holds back, and the group's name. */
static struct vqi_error *read_member(struct vqi_qemu *qemu, uint64_t address,
				     const struct throttle_fields *fields,
				     struct vqi_num *ret_throttled, char **ret_group)
{
	struct vqi_num pending = VQI_UNKNOWN;
	struct vqi_error *error;
	uint64_t state = 0;

	error = vqi_qemu_known(qemu, address, fields->pending, &pending);
	if (!error)
		error = vqi_known_pointer(qemu, address, fields->state, &state);
	*ret_throttled = sum_of_pair(pending);
	return error ? error : read_group_name(qemu, state, ret_group);
}

/* What a node of driver "throttle" has in its opaque. */
static struct vqi_error *read_throttle(struct vqi_qemu *qemu, uint64_t bs,
				       struct vqi_block_node *node)
{
	static const struct throttle_fields fields = {VQI_F_ThrottleGroupMember_pending_reqs,
						      VQI_F_ThrottleGroupMember_throttle_state};
	struct vqi_error *error;
	uint64_t member = 0;

	error = vqi_known_pointer(qemu, bs, VQI_F_BlockDriverState_opaque, &member);
	if (error || !member)
		return error;
	return read_member(qemu, member, &fields, &node->throttled, &node->throttle_group);
}

/* ---- nodes: include/block/block_int-common.h ---- */

/* What block/file-posix.c has in its opaque. */
static struct vqi_error *read_fd(struct vqi_qemu *qemu, uint64_t bs, struct vqi_block_node *node)
{
	struct vqi_error *error;
	uint64_t raw = 0;

	error = vqi_known_pointer(qemu, bs, VQI_F_BlockDriverState_opaque, &raw);
	if (error || !raw)
		return error;
	return vqi_qemu_known(qemu, raw, VQI_F_BDRVRawState_fd, &node->fd);
}

static bool is_driver(const struct vqi_block_node *node, const char *name)
{
	return node->driver && strcmp(node->driver, name) == 0;
}

/* A read or write is on the list from bdrv_co_preadv_part() on; it waits for another when that
 * overlaps. */
static struct vqi_error *count_tracked(struct vqi_qemu *qemu, uint64_t bs,
				       struct vqi_block_node *node)
{
	uint64_t request, waiting, tracked = 0, serialising = 0;
	struct vqi_error *error;

	error = vqi_qemu_field(qemu, bs, VQI_F_BlockDriverState_tracked_requests, &request);
	for (; !error && request; tracked++) {
		if (tracked == VQI_MAX_BLOCK_REQS)
			return vqi_error_new(VQI_ERROR_LIMIT, "more than %d requests",
					     VQI_MAX_BLOCK_REQS);
		error = vqi_qemu_field(qemu, request, VQI_F_BdrvTrackedRequest_waiting_for,
				       &waiting);
		if (!error)
			error = vqi_qemu_field(qemu, request, VQI_F_BdrvTrackedRequest_list,
					       &request);
		serialising += !error && waiting;
	}
	if (error)
		return vqi_drop_unknown(error);
	node->tracked = VQI_NUM(tracked);
	node->serialising = VQI_NUM(serialising);
	return NULL;
}

static struct vqi_error *read_names(struct vqi_qemu *qemu, uint64_t bs, struct vqi_block_node *node)
{
	struct vqi_error *error;
	uint64_t driver = 0;

	error = vqi_known_string(qemu, bs, VQI_F_BlockDriverState_node_name, &node->node_name);
	if (!error)
		error = vqi_known_pointer(qemu, bs, VQI_F_BlockDriverState_drv, &driver);
	if (!error && driver)
		error = vqi_known_string(qemu, driver, VQI_F_BlockDriver_format_name,
					 &node->driver);
	if (!error)
		error = vqi_known_string(qemu, bs, VQI_F_BlockDriverState_filename,
					 &node->filename);
	/* Only paths: a URL may have a password in it. */
	if (!error && node->filename && node->filename[0] != '/')
		free(take_ptr(node->filename));
	return error;
}

static struct vqi_error *read_node(struct vqi_qemu *qemu, uint64_t bs, struct vqi_block_node *node)
{
	struct vqi_error *error;

	node->bs_hva = bs;
	error = read_names(qemu, bs, node);
	if (!error)
		error = vqi_qemu_known(qemu, bs, VQI_F_BlockDriverState_in_flight,
				       &node->in_flight);
	if (!error)
		error = vqi_qemu_known(qemu, bs, VQI_F_BlockDriverState_quiesce_counter,
				       &node->quiesce);
	if (!error)
		error = count_tracked(qemu, bs, node);
	if (!error && is_driver(node, "throttle"))
		error = read_throttle(qemu, bs, node);
	if (!error && (is_driver(node, "file") || is_driver(node, "host_device")))
		error = read_fd(qemu, bs, node);
	return error;
}

static bool has_node(const struct vqi_block *block, uint64_t bs)
{
	for (size_t i = 0; i < block->node_count; i++) {
		if (block->nodes[i].bs_hva == bs)
			return true;
	}
	return false;
}

/* A node that two others share is there once. */
static struct vqi_error *add_node(struct vqi_qemu *qemu, uint64_t bs, struct vqi_block *block)
{
	struct vqi_block_node *grown;

	if (!bs || has_node(block, bs))
		return NULL;
	if (block->node_count == VQI_MAX_BLOCK_NODES)
		return vqi_error_new(VQI_ERROR_LIMIT, "more than %d nodes", VQI_MAX_BLOCK_NODES);
	grown = reallocarray(block->nodes, block->node_count + 1, sizeof(*grown));
	if (!grown)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	block->nodes = grown;
	grown[block->node_count] = (struct vqi_block_node){0};
	return read_node(qemu, bs, &grown[block->node_count++]);
}

static struct vqi_error *add_children(struct vqi_qemu *qemu, uint64_t bs, struct vqi_block *block)
{
	struct vqi_error *error;
	uint64_t link, child;

	error = vqi_qemu_field(qemu, bs, VQI_F_BlockDriverState_children, &link);
	for (int i = 0; !error && link; i++) {
		if (i == VQI_MAX_BLOCK_NODES)
			return vqi_error_new(VQI_ERROR_LIMIT, "more than %d children",
					     VQI_MAX_BLOCK_NODES);
		error = vqi_qemu_field(qemu, link, VQI_F_BdrvChild_bs, &child);
		if (!error)
			error = add_node(qemu, child, block);
		if (!error)
			error = vqi_qemu_field(qemu, link, VQI_F_BdrvChild_next, &link);
	}
	return vqi_drop_unknown(error);
}

/* ---- the device's end: block/block-backend.c ---- */

static struct vqi_error *read_blk(struct vqi_qemu *qemu, uint64_t blk, struct vqi_block *block)
{
	/* qapi/block-core.json, BlockDeviceIoStatus */
	static const char *const iostatus[] = {"ok", "failed", "nospace"};
	static const struct throttle_fields fields = {VQI_F_BlockBackend_throttle_pending,
						      VQI_F_BlockBackend_throttle_state};
	struct vqi_num status = VQI_UNKNOWN;
	struct vqi_error *error;

	error = vqi_qemu_known(qemu, blk, VQI_F_BlockBackend_in_flight, &block->in_flight);
	if (!error)
		error = vqi_qemu_known(qemu, blk, VQI_F_BlockBackend_quiesce_counter,
				       &block->quiesce);
	if (!error)
		error = vqi_qemu_known(qemu, blk, VQI_F_BlockBackend_iostatus, &status);
	if (status.known && status.value < sizeof(iostatus) / sizeof(iostatus[0]))
		block->iostatus = iostatus[status.value];
	return error ? error
		     : read_member(qemu, blk, &fields, &block->throttled, &block->throttle_group);
}

/* Follows a list of requests, and counts those that a flag is set in, or all of them. */
static struct vqi_error *count_requests(struct vqi_qemu *qemu, uint64_t request,
					enum vqi_field_id next, const enum vqi_field_id *flag,
					struct vqi_num *ret_count)
{
	uint64_t count = 0, flagged = 1;
	struct vqi_error *error = NULL;

	for (int i = 0; !error && request; i++) {
		if (i == VQI_MAX_BLOCK_REQS)
			return vqi_error_new(VQI_ERROR_LIMIT, "more than %d requests",
					     VQI_MAX_BLOCK_REQS);
		if (flag)
			error = vqi_qemu_field(qemu, request, *flag, &flagged);
		count += !error && flagged;
		if (!error)
			error = vqi_qemu_field(qemu, request, next, &request);
	}
	if (!error)
		*ret_count = VQI_NUM(count);
	return error;
}

/* Requests that failed under werror=stop or rerror=stop, and are tried again when the VM goes on.
 * Source: hw/block/virtio-blk.c virtio_blk_handle_rw_error(), hw/scsi/scsi-bus.c scsi_req_retry(). */
static struct vqi_error *count_parked(struct vqi_qemu *qemu, uint64_t vdev,
				      const struct vqi_backend *backend, struct vqi_num *ret_count)
{
	static const enum vqi_field_id retry = VQI_F_SCSIRequest_retry;
	struct vqi_error *error;
	uint64_t request;
	bool is_block;

	if (!vdev)
		return NULL;
	if (backend->child_hva) {
		error = vqi_qemu_field(qemu, backend->child_hva, VQI_F_SCSIDevice_requests,
				       &request);
		return error ? error
			     : count_requests(qemu, request, VQI_F_SCSIRequest_next, &retry,
					      ret_count);
	}
	error = vqi_qemu_is_a(qemu, vdev, "virtio-blk-device", &is_block);
	if (error || !is_block)
		return error;
	error = vqi_qemu_field(qemu, vdev, VQI_F_VirtIOBlock_rq, &request);
	return error ? error
		     : count_requests(qemu, request, VQI_F_VirtIOBlockReq_next, NULL, ret_count);
}

static struct vqi_error *read_block(struct vqi_qemu *qemu, uint64_t vdev,
				    const struct vqi_backend *backend, struct vqi_block *block)
{
	uint64_t root = 0, bs = 0;
	struct vqi_error *error;

	error = read_blk(qemu, backend->hva, block);
	if (!error)
		error = vqi_drop_unknown(count_parked(qemu, vdev, backend, &block->parked));
	if (!error)
		error = vqi_known_pointer(qemu, backend->hva, VQI_F_BlockBackend_root, &root);
	if (!error && root) /* none: no medium */
		error = vqi_known_pointer(qemu, root, VQI_F_BdrvChild_bs, &bs);
	if (!error)
		error = add_node(qemu, bs, block);
	for (size_t i = 0; !error && i < block->node_count; i++)
		error = add_children(qemu, block->nodes[i].bs_hva, block);
	return error;
}

struct vqi_error *vqi_qemu_block(struct vqi_qemu *qemu, uint64_t vdev, struct vqi_backend *backend)
{
	struct vqi_block block = {.blk_hva = backend->hva};
	struct vqi_error *error = read_block(qemu, vdev, backend, &block);

	if (error) {
		vqi_block_done(&block);
		return vqi_error_keep_fatal(error);
	}
	vqi_block_done(&backend->block);
	backend->block = block;
	return NULL;
}

/* ---- nodes of nobody here ---- */

/* As a device's, or as one of the others: the list may have become a circle. */
static bool is_known_node(const struct vqi_snapshot *snapshot, uint64_t bs)
{
	for (size_t i = 0; i < snapshot->other_node_count; i++) {
		if (snapshot->other_nodes[i].bs_hva == bs)
			return true;
	}
	for (size_t i = 0; i < snapshot->device_count; i++) {
		const struct vqi_device *device = &snapshot->devices[i];

		for (size_t j = 0; j < device->backend_count; j++) {
			if (has_node(&device->backends[j].block, bs))
				return true;
		}
	}
	return false;
}

static struct vqi_error *add_other_node(struct vqi_qemu *qemu, uint64_t bs,
					struct vqi_snapshot *snapshot)
{
	struct vqi_block_node *grown, *node;
	struct vqi_error *error;

	if (is_known_node(snapshot, bs))
		return NULL;
	grown = reallocarray(snapshot->other_nodes, snapshot->other_node_count + 1, sizeof(*grown));
	if (!grown)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	snapshot->other_nodes = grown;
	node = &grown[snapshot->other_node_count];
	*node = (struct vqi_block_node){0};
	error = read_node(qemu, bs, node);
	if (vqi_num_nonzero(node->in_flight)) /* also where the rest of it could not be read */
		snapshot->other_node_count++;
	else
		vqi_block_node_done(node);
	return error;
}

/* Where a device's own nodes are not known, nobody's are. */
static bool knows_all_graphs(const struct vqi_snapshot *snapshot)
{
	for (size_t i = 0; i < snapshot->device_count; i++) {
		const struct vqi_device *device = &snapshot->devices[i];

		for (size_t j = 0; j < device->backend_count; j++) {
			const struct vqi_backend *backend = &device->backends[j];

			if (strcmp(backend->kind, "block") == 0 && backend->hva &&
			    !backend->block.blk_hva)
				return false;
		}
	}
	return true;
}

struct vqi_error *vqi_qemu_other_nodes(struct vqi_qemu *qemu, struct vqi_snapshot *snapshot)
{
	struct vqi_error *error;
	uint64_t bs;

	if (!knows_all_graphs(snapshot))
		return NULL;
	error = vqi_qemu_pointer(qemu, VQI_SYM_all_bdrv_states, &bs);
	for (int i = 0; !error && bs; i++) {
		if (i == VQI_MAX_ALL_NODES)
			return vqi_error_new(VQI_ERROR_LIMIT, "more than %d nodes",
					     VQI_MAX_ALL_NODES);
		error = add_other_node(qemu, bs, snapshot);
		if (!error)
			error = vqi_qemu_field(qemu, bs, VQI_F_BlockDriverState_bs_list, &bs);
	}
	return error;
}
