/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lookup.h"

#include <string.h>

const struct vqi_device *vqi_find_device(const struct vqi_snapshot *snapshot,
					 const struct vqi_device *device)
{
	for (size_t i = 0; snapshot && i < snapshot->device_count; i++) {
		const struct vqi_device *other = &snapshot->devices[i];

		if (other->vdev_addr == device->vdev_addr &&
		    strcmp(other->qom_path, device->qom_path) == 0)
			return other;
	}
	return NULL;
}

const struct vqi_queue *vqi_find_queue(const struct vqi_device *device, unsigned int index)
{
	for (size_t i = 0; device && i < device->queue_count; i++) {
		if (device->queues[i].index == index)
			return &device->queues[i];
	}
	return NULL;
}

const struct vqi_loop *vqi_find_loop(const struct vqi_snapshot *snapshot,
				     const struct vqi_loop *loop)
{
	for (size_t i = 0; snapshot && loop && i < snapshot->loop_count; i++) {
		if (snapshot->loops[i].ctx_hva == loop->ctx_hva)
			return &snapshot->loops[i];
	}
	return NULL;
}

struct vqi_subject vqi_loop_subject(const struct vqi_snapshot *snapshot,
				    const struct vqi_snapshot *earlier, const struct vqi_loop *loop)
{
	return (struct vqi_subject){
		.snapshot = snapshot,
		.earlier = earlier,
		.loop = loop,
		.loop_before = vqi_find_loop(earlier, loop),
	};
}
