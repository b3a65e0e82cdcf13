/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Descriptors, of a ring or of an indirect table. Source: VirtIO 1.2, 2.7.5, 2.8.13. */
#ifndef VQI_VIRTIO_DESC_H
#define VQI_VIRTIO_DESC_H

#include <stddef.h>

#include "vqi/mem.h"
#include "vqi/qemu.h"

#include "guest_int.h"

#define VQI_DESC_SIZE	  16
#define VQI_DESC_NEXT	  0x0001
#define VQI_DESC_WRITE	  0x0002
#define VQI_DESC_INDIRECT 0x0004
#define VQI_DESC_AVAIL	  0x0080 /* packed only, as the next */
#define VQI_DESC_USED	  0x8000

/* struct virtq_desc or struct pvirtq_desc. */
struct vqi_desc {
	uint64_t gpa;
	uint32_t len;
	uint16_t flags;
	uint16_t next; /* split only */
	uint16_t id;   /* packed only: of the buffer */
};

static inline struct vqi_desc vqi_desc_decode(const uint8_t *bytes, bool packed, bool big_endian)
{
	uint16_t third = vqi_guest_u16(bytes + 12, big_endian);
	uint16_t fourth = vqi_guest_u16(bytes + 14, big_endian);

	return (struct vqi_desc){
		.gpa = vqi_guest_u64(bytes, big_endian),
		.len = vqi_guest_u32(bytes + 8, big_endian),
		.flags = packed ? fourth : third,
		.next = fourth,
		.id = third,
	};
}

/* Whether an indirect table may be as long as its descriptor says. VirtIO 1.2, 2.7.5.3. */
static inline bool vqi_desc_is_table(const struct vqi_desc *desc)
{
	return desc->len && desc->len % VQI_DESC_SIZE == 0;
}

/* Packed: whether the driver has made a descriptor available in the round that has this wrap counter.
 * Source: virtio.c is_desc_avail(). */
static inline bool vqi_desc_is_available(uint16_t flags, bool wrap)
{
	bool avail = flags & VQI_DESC_AVAIL, used = flags & VQI_DESC_USED;

	return avail != used && avail == wrap;
}

/* Packed: the same for the device, and what it has used. VirtIO 1.2, 2.8.1. */
static inline bool vqi_desc_is_used(uint16_t flags, bool wrap)
{
	bool avail = flags & VQI_DESC_AVAIL, used = flags & VQI_DESC_USED;

	return avail == used && used == wrap;
}

/* Reads an indirect table. Owner: the caller frees. Errors: FAULT, NOMEM, those of readv. */
struct vqi_error *vqi_desc_read_table(struct vqi_mem *mem, const struct vqi_guest_ram *ram,
				      const struct vqi_desc *desc,
				      uint8_t **ret_bytes) vqi_must_check;

#endif
