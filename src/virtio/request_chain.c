/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The buffers of a request. A guest that breaks its chain gets as far as its chain does.
 * Source: VirtIO 1.2, 2.7.5, 2.8.5 to 2.8.8. */
#include "request_chain.h"

#include <stdlib.h>

#include "vqi/limits.h"

#include "desc.h"

struct walk {
	const struct vqi_chain_source *source;
	struct vqi_request *request;
	size_t capacity; /* of its buffers */
};

static struct vqi_error *append(struct walk *walk, struct vqi_buffer buffer)
{
	struct vqi_request *request = walk->request;

	if (request->buffer_count == walk->capacity) {
		size_t capacity = walk->capacity ? 2 * walk->capacity : 4;
		struct vqi_buffer *grown =
			reallocarray(request->buffers, capacity, sizeof(*request->buffers));

		if (!grown)
			return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
		request->buffers = grown;
		walk->capacity = capacity;
	}
	request->buffers[request->buffer_count++] = buffer;
	return NULL;
}

/* Source: hw/virtio/virtio.c virtqueue_map_desc(), which splits a buffer likewise. */
static struct vqi_error *add_buffer(struct walk *walk, const struct vqi_desc *desc)
{
	uint64_t gpa = desc->gpa, have = 0;
	uint32_t left = desc->len;

	do {
		struct vqi_buffer buffer = {
			.gpa = gpa, .len = left, .is_written = desc->flags & VQI_DESC_WRITE};
		struct vqi_error *error;

		if (walk->request->buffer_count == VQI_MAX_REQ_BUFFERS)
			return NULL;
		if (walk->source->ram)
			buffer.hva = vqi_guest_ram_at(walk->source->ram, gpa, &have);
		if (buffer.hva && have < left)
			buffer.len = (uint32_t)have;
		error = append(walk, buffer);
		if (error)
			return error;
		gpa += buffer.len; /* beyond the last address there is no RAM */
		left -= buffer.len;
	} while (left);
	return NULL;
}

static struct vqi_desc table_desc(const struct walk *walk, const uint8_t *table, uint32_t index)
{
	return vqi_desc_decode(table + (size_t)index * VQI_DESC_SIZE, walk->source->packed,
			       walk->source->big_endian);
}

/* In a packed table there is no next, all its entries are buffers. VirtIO 1.2, 2.8.7. */
static struct vqi_error *follow_table(struct walk *walk, const struct vqi_desc *desc)
{
	uint32_t count = desc->len / VQI_DESC_SIZE, index = 0;
	const struct vqi_chain_source *source = walk->source;
	vqi_cleanup_free uint8_t *table = NULL;
	struct vqi_error *error;

	if (!source->ram || !vqi_desc_is_table(desc) || count > VQI_MAX_RING ||
	    vqi_guest_ram_has(source->ram, desc->gpa, desc->len) != VQI_RAM_YES)
		return NULL;
	error = vqi_desc_read_table(source->mem, source->ram, desc, &table);
	if (error)
		return vqi_error_keep_fatal(error);
	for (uint32_t visited = 0; !error && index < count && visited < count &&
				   walk->request->buffer_count < VQI_MAX_REQ_BUFFERS;
	     visited++) {
		struct vqi_desc entry = table_desc(walk, table, index);

		if (!source->packed && entry.flags & VQI_DESC_INDIRECT)
			break;
		error = add_buffer(walk, &entry);
		if (!source->packed && !(entry.flags & VQI_DESC_NEXT))
			break;
		index = source->packed ? index + 1 : entry.next;
	}
	return error;
}

static struct vqi_error *read_desc(const struct vqi_chain_source *source, uint32_t index,
				   struct vqi_desc *ret_desc)
{
	uint64_t offset = (uint64_t)index * VQI_DESC_SIZE;
	uint8_t bytes[VQI_DESC_SIZE];
	const uint8_t *from = source->descs ? source->descs + offset : bytes;
	struct vqi_error *error;

	if (!source->descs) {
		error = vqi_mem_read(source->mem, source->desc_hva + offset, bytes, sizeof(bytes));
		if (error)
			return error;
	}
	*ret_desc = vqi_desc_decode(from, source->packed, source->big_endian);
	return NULL;
}

struct vqi_error *vqi_chain_fill(const struct vqi_chain_source *source, uint32_t first,
				 uint32_t limit, struct vqi_request *request)
{
	struct walk walk = {.source = source, .request = request};
	struct vqi_error *error = NULL;
	uint32_t index = first;

	free(take_ptr(request->buffers));
	request->buffer_count = 0;
	request->ndescs = 0;
	while (!error && index < source->num && request->ndescs < limit) {
		struct vqi_desc desc;

		error = read_desc(source, index, &desc);
		if (error)
			return vqi_error_keep_fatal(error);
		request->ndescs++;
		if (desc.flags & VQI_DESC_INDIRECT)
			return follow_table(&walk, &desc);
		error = add_buffer(&walk, &desc);
		if (!(desc.flags & VQI_DESC_NEXT) || request->buffer_count == VQI_MAX_REQ_BUFFERS)
			break;
		index = source->packed ? (index + 1) % source->num : desc.next;
	}
	return error;
}
