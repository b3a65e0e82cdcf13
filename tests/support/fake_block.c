/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fake_block.h"

uint64_t fake_block_node(struct fake_qemu *qemu, const char *node_name, const char *driver)
{
	uint64_t node = fake_make(qemu, VQI_S_BlockDriverState);
	uint64_t drv = fake_make(qemu, VQI_S_BlockDriver);

	fake_set_text(qemu, node, VQI_F_BlockDriverState_node_name, node_name);
	fake_set_text(qemu, drv, VQI_F_BlockDriver_format_name, driver);
	fake_set(qemu, node, VQI_F_BlockDriverState_drv, drv);
	return node;
}

uint64_t fake_block_child(struct fake_qemu *qemu, uint64_t parent, uint64_t child)
{
	uint64_t link = fake_make(qemu, VQI_S_BdrvChild);

	fake_set(qemu, link, VQI_F_BdrvChild_bs, child);
	fake_push(qemu, fake_place(qemu, parent, VQI_F_BlockDriverState_children), link,
		  VQI_F_BdrvChild_next);
	return link;
}

void fake_block_insert(struct fake_qemu *qemu, uint64_t blk, uint64_t node)
{
	uint64_t root = fake_make(qemu, VQI_S_BdrvChild);

	fake_set(qemu, root, VQI_F_BdrvChild_bs, node);
	fake_set(qemu, blk, VQI_F_BlockBackend_root, root);
}

uint64_t fake_tracked_request(struct fake_qemu *qemu, uint64_t node, uint64_t waiting_for)
{
	uint64_t request = fake_make(qemu, VQI_S_BdrvTrackedRequest);

	fake_set(qemu, request, VQI_F_BdrvTrackedRequest_waiting_for, waiting_for);
	fake_push(qemu, fake_place(qemu, node, VQI_F_BlockDriverState_tracked_requests), request,
		  VQI_F_BdrvTrackedRequest_list);
	return request;
}

uint64_t fake_parked_request(struct fake_qemu *qemu, uint64_t vdev)
{
	uint64_t request = fake_make(qemu, VQI_S_VirtIOBlockReq);

	fake_push(qemu, fake_place(qemu, vdev, VQI_F_VirtIOBlock_rq), request,
		  VQI_F_VirtIOBlockReq_next);
	return request;
}

uint64_t fake_scsi_request(struct fake_qemu *qemu, uint64_t disk, bool retry)
{
	uint64_t request = fake_make(qemu, VQI_S_SCSIRequest);

	fake_set(qemu, request, VQI_F_SCSIRequest_retry, retry);
	fake_push(qemu, fake_place(qemu, disk, VQI_F_SCSIDevice_requests), request,
		  VQI_F_SCSIRequest_next);
	return request;
}

uint64_t fake_throttle_group(struct fake_qemu *qemu, const char *name)
{
	uint64_t group = fake_make(qemu, VQI_S_ThrottleGroup);

	fake_set_text(qemu, group, VQI_F_ThrottleGroup_name, name);
	return fake_place(qemu, group, VQI_F_ThrottleGroup_ts);
}

uint64_t fake_throttle_member(struct fake_qemu *qemu, uint64_t state, uint32_t reads,
			      uint32_t writes)
{
	uint64_t member = fake_make(qemu, VQI_S_ThrottleGroupMember);

	fake_set(qemu, member, VQI_F_ThrottleGroupMember_throttle_state, state);
	fake_set(qemu, member, VQI_F_ThrottleGroupMember_pending_reqs,
		 reads | (uint64_t)writes << 32);
	return member;
}

void fake_block_everything(struct fake_qemu *qemu, uint64_t vdev, uint64_t blk)
{
	uint64_t throttle = fake_block_node(qemu, "t0", "throttle");
	uint64_t file = fake_block_node(qemu, "f0", "file");

	fake_block_insert(qemu, blk, throttle);
	fake_set(qemu, blk, VQI_F_BlockBackend_in_flight, 5);
	fake_set(qemu, blk, VQI_F_BlockBackend_quiesce_counter, 1);
	fake_set(qemu, blk, VQI_F_BlockBackend_iostatus, 2);
	fake_set(qemu, blk, VQI_F_BlockBackend_throttle_pending, 3 | UINT64_C(4) << 32);
	fake_set(qemu, blk, VQI_F_BlockBackend_throttle_state, fake_throttle_group(qemu, "g0"));
	fake_set(qemu, throttle, VQI_F_BlockDriverState_opaque,
		 fake_throttle_member(qemu, fake_throttle_group(qemu, "g1"), 1, 0));
	fake_block_child(qemu, throttle, file);
	fake_set_text(qemu, file, VQI_F_BlockDriverState_filename, "/var/x.img");
	fake_set(qemu, file, VQI_F_BlockDriverState_in_flight, 4);
	fake_set(qemu, file, VQI_F_BlockDriverState_quiesce_counter, 2);
	fake_tracked_request(qemu, file, fake_tracked_request(qemu, file, 0));
	fake_tracked_request(qemu, file, 0);
	fake_parked_request(qemu, vdev);
}
