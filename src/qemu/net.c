/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packets for a guest that has no buffers for them. Source: net/queue.c, include/net/net.h. */
#include "vqi/qemu.h"

#include "unknown.h"

struct vqi_error *vqi_qemu_waiting_packets(struct vqi_qemu *qemu, uint64_t vdev, unsigned int pair,
					   struct vqi_num *ret_count)
{
	uint32_t stride = qemu->layout->structs[VQI_S_NetClientState].size;
	uint64_t nic, clients = 0, packets = 0;
	struct vqi_error *error;

	error = vqi_qemu_field(qemu, vdev, VQI_F_VirtIONet_nic, &nic);
	if (!error && nic)
		error = vqi_qemu_field(qemu, nic, VQI_F_NICState_ncs, &clients);
	if (!error && clients && stride)
		error = vqi_qemu_field(qemu, clients + (uint64_t)pair * stride,
				       VQI_F_NetClientState_incoming_queue, &packets);
	if (!error && packets)
		error = vqi_qemu_known(qemu, packets, VQI_F_NetQueue_nq_count, ret_count);
	return vqi_drop_unknown(error);
}
