/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VQI_VIRTIO_READING_H
#define VQI_VIRTIO_READING_H

#include "vqi/virtio.h"

/* Where bytes of the target go in a reading, and whether they arrived. */
struct piece {
	size_t offset; /* into vqi_reading.bytes */
	size_t len;    /* 0: nothing to read */
	size_t range;  /* index into vqi_reading.ranges; meaningless for len 0 */
};

/* One MemoryRegionCache, as planned. */
struct cache {
	uint64_t hva; /* 0: not directly readable */
	uint64_t len; /* bytes that may be read there */
};

/* One queue, as planned. */
struct queue_plan {
	uint64_t caches_hva; /* VRing.caches; 0: none */
	bool caches_read;    /* what it points to could be read */
	struct cache desc, avail, used;
	uint32_t num;
	uint64_t desc_gpa, avail_gpa, used_gpa;
	struct piece avail_ring, used_header, used_tail, descriptors;
};

struct vqi_reading {
	struct vqi_qemu *qemu;
	uint64_t vdev, vq; /* addresses in the target */
	uint64_t features; /* negotiated */
	bool packed;
	struct piece device; /* VirtIODevice */
	struct piece array;  /* VirtQueue[queue_count], and the one that ends it */
	struct queue_plan *queues;
	size_t queue_count;
	uint8_t *bytes, *kept; /* len each; kept is NULL until there is something to compare */
	size_t len;
	struct vqi_range *ranges;
	size_t range_count;
};

/* The view of a piece; without bytes when they did not arrive. */
struct vqi_view vqi_reading_view(const struct vqi_reading *reading, const struct piece *piece,
				 uint64_t addr);

/* The views of the device and of one VirtQueue. */
struct vqi_view vqi_reading_device(const struct vqi_reading *reading);
struct vqi_view vqi_reading_queue(const struct vqi_reading *reading, size_t index);

#endif
