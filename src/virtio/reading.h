/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VQI_VIRTIO_READING_H
#define VQI_VIRTIO_READING_H

#include "vqi/virtio.h"

struct vqi_reading;

/* Of what kind a device is: where its queues are. */
struct reading_model {
	enum vqi_struct_id device; /* whose bytes are read: at vqi_reading.vdev */
	struct vqi_index_fields fields;

	/* Follows pointers: fills vq, features, queues. Errors: those of vqi_reading_plan(). */
	struct vqi_error *(*plan)(struct vqi_reading *reading);

	/* See vqi_reading_follow_caches(); NULL: there is nothing to follow. */
	struct vqi_error *(*follow)(struct vqi_reading *reading);

	/* See vqi_reading_is_current(). */
	bool (*is_current)(const struct vqi_reading *reading);

	void (*decode_device)(const struct vqi_view *view, struct vqi_device *device);

	/* What a queue has of its own: neither indices nor rings. Errors: BAD_DATA. */
	struct vqi_error *(*decode_queue)(const struct vqi_reading *reading, size_t index,
					  struct vqi_queue *queue);
};

extern const struct reading_model vqi_model_emulated, vqi_model_exported;

/* Where bytes of the target go in a reading, and whether they arrived. */
struct piece {
	size_t offset; /* into vqi_reading.bytes */
	size_t len;    /* 0: nothing to read */
	size_t range;  /* index into vqi_reading.ranges; meaningless for len 0 */
};

/* One part of a ring, as planned: what a MemoryRegionCache says. */
struct cache {
	uint64_t hva; /* 0: not directly readable */
	uint64_t len; /* bytes that may be read there */
};

/* One queue, as planned. */
struct queue_plan {
	uint64_t caches_hva; /* what says where the ring is: VRing.caches; 0: nothing */
	bool caches_read;    /* what it points to could be read */
	struct cache desc, avail, used;
	uint32_t num;
	uint64_t desc_gpa, avail_gpa, used_gpa;
	struct piece avail_ring, used_header, used_tail, descriptors;
};

struct vqi_reading {
	const struct reading_model *model;
	struct vqi_qemu *qemu;
	uint64_t vdev, vq; /* addresses in the target */
	uint64_t features; /* negotiated */
	bool packed;
	struct piece device; /* the model's structures */
	struct piece array;  /* [queue_count], and the one that ends it */
	struct queue_plan *queues;
	size_t queue_count;
	bool has_end;	       /* one more in the array says that there are no more */
	void *own;	       /* of the model's; freed with the reading */
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

/* The value of a field; unknown where the view does not have it. */
struct vqi_num vqi_view_number(const struct vqi_view *view, enum vqi_field_id field);

#endif
