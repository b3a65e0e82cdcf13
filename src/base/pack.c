/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vqi/pack.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_ROOM 256

void vqi_pack_done(struct vqi_pack *pack)
{
	free(pack->data);
	*pack = (struct vqi_pack){0};
}

void vqi_pack_reserve(struct vqi_pack *pack, size_t len)
{
	size_t wanted, room = pack->room ? pack->room : FIRST_ROOM;
	uint8_t *grown;

	if (__builtin_add_overflow(pack->len, len, &wanted) || wanted > SIZE_MAX / 2)
		pack->failed = true;
	if (pack->failed || wanted <= pack->room)
		return;
	while (room < wanted)
		room *= 2;
	grown = realloc(pack->data, room);
	if (!grown) {
		pack->failed = true;
		return;
	}
	pack->data = grown;
	pack->room = room;
}

void vqi_pack_bytes(struct vqi_pack *pack, const void *bytes, size_t len)
{
	vqi_pack_reserve(pack, len);
	if (pack->failed || !len)
		return;
	memcpy(pack->data + pack->len, bytes, len);
	pack->len += len;
}

static void pack_number(struct vqi_pack *pack, uint64_t value, size_t len)
{
	uint8_t bytes[8];

	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(value >> (8 * i));
	vqi_pack_bytes(pack, bytes, len);
}

void vqi_pack_u8(struct vqi_pack *pack, uint8_t value)
{
	pack_number(pack, value, 1);
}

void vqi_pack_u32(struct vqi_pack *pack, uint32_t value)
{
	pack_number(pack, value, 4);
}

void vqi_pack_u64(struct vqi_pack *pack, uint64_t value)
{
	pack_number(pack, value, 8);
}

void vqi_pack_text(struct vqi_pack *pack, const char *text)
{
	size_t len = text ? strlen(text) : 0;

	if (len >= UINT32_MAX) {
		pack->failed = true;
		return;
	}
	vqi_pack_u32(pack, text ? (uint32_t)len + 1 : 0);
	vqi_pack_bytes(pack, text, len);
}

void vqi_pack_error(struct vqi_pack *pack, const struct vqi_error *error)
{
	vqi_pack_u8(pack, error ? (uint8_t)(error->code + 1) : 0);
	if (!error)
		return;
	vqi_pack_u32(pack, (uint32_t)error->saved_errno);
	vqi_pack_u64(pack, error->address);
	vqi_pack_text(pack, error->message);
}

const uint8_t *vqi_unpack_bytes(struct vqi_unpack *unpack, size_t len)
{
	const uint8_t *bytes = unpack->at;

	if (unpack->failed || len > (size_t)(unpack->end - unpack->at)) {
		unpack->failed = true;
		return NULL;
	}
	unpack->at += len;
	return bytes;
}

static uint64_t unpack_number(struct vqi_unpack *unpack, size_t len)
{
	const uint8_t *bytes = vqi_unpack_bytes(unpack, len);
	uint64_t value = 0;

	for (size_t i = 0; bytes && i < len; i++)
		value |= (uint64_t)bytes[i] << (8 * i);
	return value;
}

uint8_t vqi_unpack_u8(struct vqi_unpack *unpack)
{
	return (uint8_t)unpack_number(unpack, 1);
}

uint32_t vqi_unpack_u32(struct vqi_unpack *unpack)
{
	return (uint32_t)unpack_number(unpack, 4);
}

uint64_t vqi_unpack_u64(struct vqi_unpack *unpack)
{
	return unpack_number(unpack, 8);
}

char *vqi_unpack_text(struct vqi_unpack *unpack)
{
	uint32_t len = vqi_unpack_u32(unpack);
	const uint8_t *bytes = len ? vqi_unpack_bytes(unpack, len - 1) : NULL;
	char *text;

	if (!bytes)
		return NULL;
	text = malloc(len);
	if (!text || memchr(bytes, '\0', len - 1)) {
		free(text);
		unpack->failed = true;
		return NULL;
	}
	memcpy(text, bytes, len - 1);
	text[len - 1] = '\0';
	return text;
}

struct vqi_error *vqi_unpack_error(struct vqi_unpack *unpack)
{
	uint8_t code = vqi_unpack_u8(unpack);
	vqi_cleanup_free char *message = NULL;
	struct vqi_error *error;
	int saved_errno;
	uint64_t address;

	if (!code)
		return NULL;
	saved_errno = (int)vqi_unpack_u32(unpack);
	address = vqi_unpack_u64(unpack);
	message = vqi_unpack_text(unpack);
	if (code - 1 > VQI_ERROR_UNSUPPORTED || !message)
		unpack->failed = true;
	if (unpack->failed)
		return NULL;
	error = vqi_error_new((enum vqi_error_code)(code - 1), "%s", message);
	if (error->code == VQI_ERROR_NOMEM) /* the one that is not ours to change */
		return error;
	error->saved_errno = saved_errno;
	error->address = address;
	return error;
}
