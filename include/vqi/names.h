/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The VirtIO specification's words: device types, queue roles, feature and status bits. */
#ifndef VQI_NAMES_H
#define VQI_NAMES_H

#include <stddef.h>

#include "vqi/snapshot.h"

/* "virtio-blk" for device id 2; NULL for one not in VirtIO 1.2, 5 or the drafts after it. */
const char *vqi_device_type_name(unsigned int device_id);

/* What queue index of a device is for. Needs the number of queues and the negotiated features,
 * because optional queues move the others. */
struct vqi_queue_role {
	const char *role; /* NULL: unknown */
	enum vqi_queue_kind kind;
};
struct vqi_queue_role vqi_queue_role(unsigned int device_id, uint64_t guest_features,
				     unsigned int queue_count, unsigned int index);

/* "VIRTIO_BLK_F_FLUSH" and the like; NULL for a bit without a name. */
const char *vqi_feature_name(unsigned int device_id, unsigned int bit);

/* "DRIVER_OK" for bit 2 of the status; NULL for a bit without a name. */
const char *vqi_status_name(unsigned int bit);

#endif
