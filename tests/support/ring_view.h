/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the decoders are given of a ring that the ring builder made. */
#ifndef VQI_TESTS_RING_VIEW_H
#define VQI_TESTS_RING_VIEW_H

#include "ring_builder.h"
#include "vqi/virtio.h"

/* All bytes of the ring, in areas as long as QEMU maps them. */
struct vqi_ring_bytes ring_view(const struct ring_builder *ring);

/* A queue for requests with QEMU's indices. */
struct vqi_queue ring_queue(const struct ring_builder *ring);

/* The queue with what the decoder for its kind of ring makes of it. */
struct vqi_queue ring_decode(const struct ring_builder *ring);

#endif
