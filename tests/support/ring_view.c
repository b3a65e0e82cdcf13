/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ring_view.h"

struct vqi_ring_bytes ring_view(const struct ring_builder *ring)
{
	const struct ring_options *options = &ring->options;
	struct vqi_ring_bytes bytes = {
		.avail = ring->avail,
		.avail_len = ring_avail_size(options),
		.used = ring->used,
		.used_len = 4,
		.big_endian = options->big_endian,
		.event_idx = options->event_idx,
	};

	if (options->packed) {
		bytes.desc = ring->desc;
		bytes.desc_len = ring_desc_size(options);
	} else if (options->event_idx) {
		bytes.used_tail = ring->used + 4 + 8 * (size_t)options->num;
	}
	return bytes;
}

struct vqi_queue ring_queue(const struct ring_builder *ring)
{
	struct vqi_queue queue = {
		.role = "request",
		.kind = VQI_KIND_REQUEST,
		.ring = ring->options.packed ? VQI_RING_PACKED : VQI_RING_SPLIT,
		.num = ring->options.num,
		.last_avail_idx = VQI_NUM(ring->last_avail_idx),
		.shadow_avail_idx = VQI_NUM(ring->shadow_avail_idx),
		.used_idx = VQI_NUM(ring->used_idx),
		.signalled_used = VQI_NUM(ring->signalled_used),
		.signalled_used_valid = VQI_NUM(ring->signalled_used_valid),
		.notification = VQI_NUM(ring->notification),
		.inuse = VQI_NUM(ring->inuse),
		.vector = VQI_NUM(1),
	};

	if (ring->options.packed) {
		queue.wrap.last_avail = VQI_NUM(ring->last_avail_wrap);
		queue.wrap.shadow_avail = VQI_NUM(ring->shadow_avail_wrap);
		queue.wrap.used = VQI_NUM(ring->used_wrap);
	}
	return queue;
}

struct vqi_queue ring_decode(const struct ring_builder *ring)
{
	struct vqi_ring_bytes bytes = ring_view(ring);
	struct vqi_queue queue = ring_queue(ring);

	if (ring->options.packed)
		vqi_packed_decode(&bytes, &queue);
	else
		vqi_split_decode(&bytes, &queue);
	return queue;
}
