/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading one virtio device: first plan which bytes, then read them (again and again), then decode.
 *
 * Planning allocates and follows pointers; reading is a list of ranges for one batched read, fit for
 * the short time that a target may be stopped; decoding is pure. */
#ifndef VQI_VIRTIO_H
#define VQI_VIRTIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vqi/error.h"
#include "vqi/mem.h"
#include "vqi/qemu.h"
#include "vqi/snapshot.h"

struct vqi_reading;

/* Where the structure of a queue has what whoever runs it knows: QEMU's VirtQueue, or libvhost-user's VuVirtq. */
struct vqi_index_fields {
	enum vqi_struct_id queue;
	enum vqi_field_id last_avail_idx, shadow_avail_idx, used_idx;
	enum vqi_field_id signalled_used, signalled_used_valid, notification, inuse;
};

const struct vqi_index_fields *vqi_index_fields_of(const struct vqi_device *device);

/* Plans the reading of a device, with all its queues; of this must be there where it lies, and whether it is an export.
 * Errors: NO_LAYOUT, FAULT, BAD_DATA when its queue array is none, NOMEM, and those of readv. */
struct vqi_error *vqi_reading_plan(struct vqi_qemu *qemu, const struct vqi_device *device,
				   struct vqi_reading **ret_reading) vqi_must_check;
void vqi_reading_free(struct vqi_reading *reading);
VQI_DEFINE_CLEANUP(struct vqi_reading *, vqi_reading_free)

/* The ranges to read; give them to vqi_mem_readv() as often as wanted. Owner: the reading. */
struct vqi_range *vqi_reading_ranges(struct vqi_reading *reading, size_t *ret_count);

/* Keeps a copy of what was read, to compare the next reading with; forgets it. Errors: NOMEM. */
struct vqi_error *vqi_reading_keep(struct vqi_reading *reading) vqi_must_check;
void vqi_reading_forget(struct vqi_reading *reading);

/* Whether the last reading of one queue is equal to the kept one. */
bool vqi_reading_same_queue(const struct vqi_reading *reading, size_t queue);

size_t vqi_reading_queue_count(const struct vqi_reading *reading);

/* QEMU maps the rings anew whenever the guest's memory map changes, mostly to where they were: looks where
 * the new mappings lead, so that a reading that is of the same memory stays current. Needs a reading;
 * reads more only where a mapping is new. Errors: NOMEM, and those of readv. */
struct vqi_error *vqi_reading_follow_caches(struct vqi_reading *reading) vqi_must_check;

/* Whether what was read still is what was planned: the device has the same queues and rings as then.
 * If not, plan anew. */
bool vqi_reading_is_current(const struct vqi_reading *reading);

/* Fills a device's state and queues from the last reading: all of struct vqi_device but id, path,
 * transport, back ends and the type of vhost. Two must be there already: the transport, which decides
 * what a queue without a vector means, and, for a QEMU without VirtIODevice.vhost_started, vhost.
 * Errors: BAD_DATA when an entry of the queue array is no VirtQueue of this device, NOMEM. */
struct vqi_error *vqi_reading_decode(const struct vqi_reading *reading,
				     struct vqi_device *ret_device) vqi_must_check;

/* The bytes of one queue's ring, for the decoders below. */
struct vqi_ring_bytes {
	const uint8_t *avail; /* split: header, ring; packed: driver event suppression */
	size_t avail_len;
	const uint8_t *used; /* split: header; packed: device event suppression */
	size_t used_len;
	const uint8_t *used_tail; /* split: avail_event; NULL without */
	const uint8_t *desc;	  /* packed: the descriptor ring */
	size_t desc_len;
	bool big_endian;
	bool event_idx;	   /* VIRTIO_F_EVENT_IDX is negotiated */
	bool vhost;	   /* QEMU's own indices are stale */
	bool broken;	   /* the device gave up, and changes no index any more */
	bool no_interrupt; /* the queue may have none of its own: a driver may poll it */
};

/* Fill what a ring in guest RAM tells, and what follows from it together with QEMU's indices, which
 * must be in queue already. Pure. Source: VirtIO 1.2, 2.7 and 2.8. */
void vqi_split_decode(const struct vqi_ring_bytes *bytes, struct vqi_queue *queue);
void vqi_packed_decode(const struct vqi_ring_bytes *bytes, struct vqi_queue *queue);

/* Follows the chains that the driver has published and the device has not taken, and, for a broken
 * device, the one that it broke at; adds what is wrong with them to queue->ring_faults, and where the
 * first of it is to queue->fault_place. They belong to the device, so nobody may change them while the
 * indices stand still. ram may be NULL: then addresses are not checked, nor indirect tables followed.
 * Source: VirtIO 1.2, 2.7.5 and 2.8.5 to 2.8.8; hw/virtio/virtio.c virtqueue_split_pop(),
 * virtqueue_packed_pop(). Errors: NOMEM, FAULT for the descriptors, and those of readv. */
struct vqi_error *vqi_chains_check(struct vqi_mem *mem, const struct vqi_guest_ram *ram,
				   const struct vqi_device *device,
				   struct vqi_queue *queue) vqi_must_check;

/* How many descriptors of a packed ring lie between two places, each an index and a wrap counter, which
 * starts at 1. Places repeat after two rounds: the distance is modulo 2 * num, which is not 0. */
uint32_t vqi_packed_distance(uint64_t from_index, uint64_t from_wrap, uint64_t to_index,
			     uint64_t to_wrap, uint32_t num);

/* Of the bytes of a packed descriptor ring: see vqi_queue.desc_digest. */
struct vqi_num vqi_packed_digest(const uint8_t *bytes, size_t len);

/* Ids of devices. VirtIO 1.2, 5. */
#define VQI_DEVICE_NET	   1
#define VQI_DEVICE_BLOCK   2
#define VQI_DEVICE_CONSOLE 3
#define VQI_DEVICE_SCSI	   8

/* Bits of the features that change how rings are read. VirtIO 1.2, 6. */
#define VQI_FEATURE_EVENT_IDX 29
#define VQI_FEATURE_VERSION_1 32
#define VQI_FEATURE_PACKED    34
#define VQI_FEATURE_IN_ORDER  35

/* VirtIO 1.2, 2.1. */
#define VQI_STATUS_DRIVER_OK   0x04
#define VQI_STATUS_NEEDS_RESET 0x40

/* VIRTIO_NO_VECTOR, include/hw/virtio/virtio.h. */
#define VQI_NO_VECTOR 0xffff

/* Descriptor event flags of a packed ring. VirtIO 1.2, 2.8.14. */
#define VQI_PACKED_EVENT_ENABLE	 0
#define VQI_PACKED_EVENT_DISABLE 1
#define VQI_PACKED_EVENT_DESC	 2

#endif
