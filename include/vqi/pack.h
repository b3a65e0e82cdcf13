/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values one behind the other in bytes, little-endian, and back: of what may be cut off or hostile. */
#ifndef VQI_PACK_H
#define VQI_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vqi/cleanup.h"
#include "vqi/error.h"

/* Zeroes are an empty one. What is put into it after it has failed is lost. */
struct vqi_pack {
	uint8_t *data;
	size_t len, room;
	bool failed; /* there was no memory */
};

void vqi_pack_done(struct vqi_pack *pack);
VQI_DEFINE_CLEANUP_VALUE(struct vqi_pack, vqi_pack_done)

/* Makes room for so many bytes more. */
void vqi_pack_reserve(struct vqi_pack *pack, size_t len);

void vqi_pack_bytes(struct vqi_pack *pack, const void *bytes, size_t len);
void vqi_pack_u8(struct vqi_pack *pack, uint8_t value);
void vqi_pack_u32(struct vqi_pack *pack, uint32_t value);
void vqi_pack_u64(struct vqi_pack *pack, uint64_t value);

/* A text, or NULL. */
void vqi_pack_text(struct vqi_pack *pack, const char *text);

/* An error. NULL is packed, too. */
void vqi_pack_error(struct vqi_pack *pack, const struct vqi_error *error);

/* What is still to be taken from bytes, which belong to someone else. */
struct vqi_unpack {
	const uint8_t *at, *end;
	bool failed; /* there were too few bytes, or no memory: all that is taken is 0 or NULL from then on */
};

/* The next len bytes, where they are; NULL: there are not as many. */
const uint8_t *vqi_unpack_bytes(struct vqi_unpack *unpack, size_t len);
uint8_t vqi_unpack_u8(struct vqi_unpack *unpack);
uint32_t vqi_unpack_u32(struct vqi_unpack *unpack);
uint64_t vqi_unpack_u64(struct vqi_unpack *unpack);

/* Owner: the caller frees. */
char *vqi_unpack_text(struct vqi_unpack *unpack);

/* NULL: there was none; or failed. */
struct vqi_error *vqi_unpack_error(struct vqi_unpack *unpack) vqi_must_check;

#endif
