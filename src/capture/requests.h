/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VQI_CAPTURE_REQUESTS_H
#define VQI_CAPTURE_REQUESTS_H

#include "vqi/in_flight.h"
#include "vqi/qemu.h"
#include "vqi/snapshot.h"

/* Where to look for the requests of one queue. */
struct vqi_requests_of {
	struct vqi_mem *mem;
	const struct vqi_layout *layout;
	const struct vqi_guest_ram *ram; /* NULL: it cannot be read */
	const struct vqi_device *device;
	const struct vqi_queue *queue;
};

/* Sets queue's requests, which may be of's queue: decoded, the first taken first. elements are all that QEMU has; dump_bytes
 * of the contents of each are kept. Errors: NOMEM, those of readv. */
struct vqi_error *vqi_requests_find(const struct vqi_requests_of *of,
				    const struct vqi_element *elements, size_t count,
				    size_t dump_bytes, struct vqi_queue *queue) vqi_must_check;

#endif
