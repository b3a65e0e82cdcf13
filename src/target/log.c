/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "log.h"

#include <stdlib.h>
#include <string.h>

#include "vqi/limits.h"

#define MEMORY_KEY 12
#define HEAD	   (1 + 1 + 4 + 4) /* bytes of an entry before its key */

void vqi_log_done(struct vqi_log *log)
{
	vqi_pack_done(&log->bytes);
	free(log->at);
	vqi_error_free(log->error);
	*log = (struct vqi_log){0};
}

static struct vqi_error *no_memory(void)
{
	return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
}

static struct vqi_error *too_large(void)
{
	return vqi_error_new(VQI_ERROR_LIMIT, "a recording of more than %d MiB, or %d readings",
			     VQI_MAX_RECORDING >> 20, VQI_MAX_RECORDED);
}

/* Makes room in the index for some more. */
static bool grow(struct vqi_log *log, size_t more)
{
	size_t room = log->room ? log->room : 1024;
	size_t *grown;

	if (log->room - log->count >= more)
		return true;
	while (room - log->count < more)
		room *= 2;
	grown = reallocarray(log->at, room, sizeof(*grown));
	if (!grown)
		return false;
	log->at = grown;
	log->room = room;
	return true;
}

void vqi_log_reserve(struct vqi_log *log, size_t bytes, size_t entries)
{
	if (entries > VQI_MAX_RECORDED || bytes > VQI_MAX_RECORDING)
		return;
	/* Without memory for it: it is said when something is added. */
	vqi_pack_reserve(&log->bytes, bytes + entries * (HEAD + MEMORY_KEY));
	if (!log->error && !grow(log, entries))
		log->error = no_memory();
}

void vqi_log_add(struct vqi_log *log, const struct vqi_entry *entry)
{
	size_t len = (size_t)HEAD + entry->key_len + entry->data_len;

	if (log->error)
		return;
	if (len > VQI_MAX_RECORDING - log->bytes.len || log->count == VQI_MAX_RECORDED) {
		log->error = too_large();
		return;
	}
	vqi_pack_reserve(&log->bytes, len);
	if (log->bytes.failed || !grow(log, 1)) {
		log->error = no_memory();
		return;
	}
	log->at[log->count++] = log->bytes.len;
	vqi_pack_u8(&log->bytes, (uint8_t)entry->kind);
	vqi_pack_u8(&log->bytes, entry->ok);
	vqi_pack_u32(&log->bytes, entry->key_len);
	vqi_pack_u32(&log->bytes, entry->data_len);
	vqi_pack_bytes(&log->bytes, entry->key, entry->key_len);
	vqi_pack_bytes(&log->bytes, entry->data, entry->data_len);
}

static struct vqi_entry take(struct vqi_unpack *unpack)
{
	struct vqi_entry entry = {.kind = (enum vqi_entry_kind)vqi_unpack_u8(unpack)};

	entry.ok = vqi_unpack_u8(unpack);
	entry.key_len = vqi_unpack_u32(unpack);
	entry.data_len = vqi_unpack_u32(unpack);
	entry.key = vqi_unpack_bytes(unpack, entry.key_len);
	entry.data = vqi_unpack_bytes(unpack, entry.data_len);
	return entry;
}

struct vqi_entry vqi_log_entry(const struct vqi_log *log, size_t index)
{
	struct vqi_unpack unpack = {.at = log->bytes.data + log->at[index],
				    .end = log->bytes.data + log->bytes.len};

	return take(&unpack);
}

int vqi_entry_compare(const struct vqi_entry *a, const struct vqi_entry *b)
{
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (a->key_len != b->key_len)
		return a->key_len < b->key_len ? -1 : 1;
	return a->key_len ? memcmp(a->key, b->key, a->key_len) : 0;
}

int vqi_log_compare(const void *a, const void *b, void *context)
{
	const struct vqi_log *log = context;
	size_t one = *(const size_t *)a, other = *(const size_t *)b;
	const struct vqi_entry left = vqi_log_entry(log, one), right = vqi_log_entry(log, other);
	int order = vqi_entry_compare(&left, &right);

	if (order)
		return order;
	return one < other ? -1 : one > other;
}

void vqi_log_cut(struct vqi_log *log, size_t count)
{
	if (count >= log->count)
		return;
	log->bytes.len = log->at[count];
	log->count = count;
}

struct vqi_error *vqi_log_take(struct vqi_log *log, const uint8_t *bytes, size_t len)
{
	struct vqi_unpack unpack = {.at = bytes, .end = len ? bytes + len : bytes};

	while (unpack.at < unpack.end) {
		struct vqi_entry entry = take(&unpack);

		/* What a newer version has put in and this one does not know is nothing it asks for. */
		if (unpack.failed)
			return vqi_error_new(VQI_ERROR_BAD_DATA, "it makes no sense");
		if (entry.kind == VQI_ENTRY_MEMORY && entry.key_len != MEMORY_KEY)
			return vqi_error_new(VQI_ERROR_BAD_DATA, "it makes no sense");
		vqi_log_add(log, &entry);
		if (log->error)
			return take_ptr(log->error);
	}
	return NULL;
}
