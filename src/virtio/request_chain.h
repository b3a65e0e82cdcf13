/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Filling a request from the chain that it is. */
#ifndef VQI_VIRTIO_REQUEST_CHAIN_H
#define VQI_VIRTIO_REQUEST_CHAIN_H

#include "vqi/requests.h"

/* Where chains are read from. */
struct vqi_chain_source {
	struct vqi_mem *mem;
	const struct vqi_guest_ram *ram; /* NULL: nothing is translated, nor a table followed */
	const uint8_t *descs;		 /* of the ring; NULL: each is read */
	uint64_t desc_hva;
	uint32_t num;
	bool packed, big_endian;
};

/* Fills buffers and ndescs from the chain that begins at an index of the ring; limit: descriptors that it may
 * have there. Errors: GONE, PERMISSION, NOMEM. */
struct vqi_error *vqi_chain_fill(const struct vqi_chain_source *source, uint32_t first,
				 uint32_t limit, struct vqi_request *request) vqi_must_check;

#endif
