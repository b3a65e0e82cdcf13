/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a recording has of a heap: the blocks that were of use. */
#include <stdlib.h>
#include <string.h>

#include "vqi/cleanup.h"
#include "vqi/heap.h"
#include "vqi/record.h"

struct vqi_error *vqi_heap_watch(struct vqi_heap *heap)
{
	heap->used = calloc(heap->count + 1, sizeof(*heap->used));
	return heap->used ? NULL : vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
}

void vqi_heap_use(const struct vqi_heap *heap, const struct vqi_chunk *chunk)
{
	if (heap->used)
		heap->used[chunk - heap->chunks] = true;
}

void vqi_heap_note(struct vqi_process *process, const struct vqi_heap *heap,
		   const struct vqi_error *error)
{
	vqi_cleanup(vqi_pack_done) struct vqi_pack data = {0};

	if (!vqi_process_is_recorded(process))
		return;
	vqi_pack_u8(&data, heap->is_whole);
	for (size_t i = 0; i < heap->count; i++) {
		const struct vqi_chunk *chunk = &heap->chunks[i];

		if (!heap->used || !heap->used[i])
			continue;
		vqi_pack_u64(&data, chunk->address);
		vqi_pack_u32(&data, chunk->len);
		vqi_pack_bytes(&data, chunk->data, chunk->len);
	}
	vqi_fact_note(process, VQI_FACT_HEAP, 0, &data, error);
}

/* Copies the bytes, as the heap owns them. */
static struct vqi_error *copy(struct vqi_unpack *data, struct vqi_heap *heap)
{
	size_t len = (size_t)(data->end - data->at);
	uint8_t *bytes = malloc(len + 1);

	heap->parts = calloc(1, sizeof(*heap->parts));
	/* A block has its address and its length before it. */
	heap->chunks = calloc(len / 12 + 1, sizeof(*heap->chunks));
	if (!bytes || !heap->parts || !heap->chunks) {
		free(bytes);
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	}
	if (len)
		memcpy(bytes, data->at, len);
	heap->parts[heap->part_count++] = bytes;
	*data = (struct vqi_unpack){.at = bytes, .end = bytes + len};
	return NULL;
}

struct vqi_error *vqi_heap_recall(struct vqi_process *process, struct vqi_heap *ret_heap)
{
	vqi_cleanup(vqi_heap_done) struct vqi_heap heap = {0};
	struct vqi_unpack data;
	struct vqi_error *error = vqi_fact_recall(process, VQI_FACT_HEAP, 0, &data);
	uint64_t last = 0;

	if (error)
		return error;
	heap.is_whole = vqi_unpack_u8(&data);
	error = copy(&data, &heap);
	while (!error && !data.failed && data.at < data.end) {
		struct vqi_chunk *chunk = &heap.chunks[heap.count++];

		chunk->address = vqi_unpack_u64(&data);
		chunk->len = vqi_unpack_u32(&data);
		chunk->data = vqi_unpack_bytes(&data, chunk->len);
		data.failed |= chunk->address <= last || chunk->len < sizeof(uint64_t);
		last = chunk->address;
	}
	if (!error)
		error = vqi_fact_error(&data, "QEMU's memory");
	if (error)
		return error;
	*ret_heap = heap;
	heap = (struct vqi_heap){0};
	return NULL;
}
