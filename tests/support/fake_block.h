/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Block devices in a fake QEMU. */
#ifndef VQI_TESTS_FAKE_BLOCK_H
#define VQI_TESTS_FAKE_BLOCK_H

#include "fake_qemu.h"

/* A BlockDriverState. */
uint64_t fake_block_node(struct fake_qemu *qemu, const char *node_name, const char *driver);

/* Puts a child before a node's others; the BdrvChild. */
uint64_t fake_block_child(struct fake_qemu *qemu, uint64_t parent, uint64_t child);

/* Puts a node, or none (0), into a BlockBackend. */
void fake_block_insert(struct fake_qemu *qemu, uint64_t blk, uint64_t node);

/* Adds a request to those that a node tracks; it waits for another, or for none (0). */
uint64_t fake_tracked_request(struct fake_qemu *qemu, uint64_t node, uint64_t waiting_for);

/* Adds a request to those that a virtio-blk device has parked. */
uint64_t fake_parked_request(struct fake_qemu *qemu, uint64_t vdev);

/* Adds a request to a SCSIDevice's. */
uint64_t fake_scsi_request(struct fake_qemu *qemu, uint64_t disk, bool retry);

/* The ThrottleState within a new ThrottleGroup. */
uint64_t fake_throttle_group(struct fake_qemu *qemu, const char *name);

/* A ThrottleGroupMember of a ThrottleState, or of none (0), with so many requests that wait. */
uint64_t fake_throttle_member(struct fake_qemu *qemu, uint64_t state, uint32_t reads,
			      uint32_t writes);

/* Fills the BlockBackend of a virtio-blk device: a throttle node "t0" on a file "f0", with something
 * of all that requests wait for. */
void fake_block_everything(struct fake_qemu *qemu, uint64_t vdev, uint64_t blk);

#endif
