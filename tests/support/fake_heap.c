/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fake_heap.h"

#include <stdlib.h>
#include <string.h>

#define FIRST UINT64_C(0x555556000010)

static uint64_t round_up(uint64_t value, uint64_t unit)
{
	return (value + unit - 1) / unit * unit;
}

void fake_heap_done(struct fake_heap *heap)
{
	vqi_heap_done(&heap->heap);
}

uint64_t fake_heap_add(struct fake_heap *heap, uint64_t size)
{
	struct vqi_heap *to = &heap->heap;
	uint64_t chunk = round_up(size + 8, 16);
	uint32_t len = (uint32_t)((chunk < 32 ? 32 : chunk) - 8);
	uint8_t *data = calloc(1, len);
	uint64_t address = FIRST;

	to->chunks = reallocarray(to->chunks, to->count + 1, sizeof(*to->chunks));
	to->parts = reallocarray(to->parts, to->part_count + 1, sizeof(*to->parts));
	if (!to->chunks || !to->parts || !data)
		abort();
	if (to->count)
		address = to->chunks[to->count - 1].address + to->chunks[to->count - 1].len + 8;
	to->parts[to->part_count++] = data;
	to->chunks[to->count++] = (struct vqi_chunk){.address = address, .len = len, .data = data};
	return address;
}

uint64_t fake_heap_make(struct fake_heap *heap, enum vqi_struct_id structure)
{
	return fake_heap_add(heap, heap->layout->structs[structure].size);
}

static uint8_t *bytes(struct fake_heap *heap, uint64_t address, uint64_t offset, uint64_t len)
{
	for (size_t i = 0; i < heap->heap.count; i++) {
		const struct vqi_chunk *chunk = &heap->heap.chunks[i];

		if (chunk->address == address && offset + len <= chunk->len)
			return heap->heap.parts[i] + offset;
	}
	abort();
}

uint8_t *fake_heap_at(struct fake_heap *heap, uint64_t address)
{
	return bytes(heap, address, 0, 0);
}

void fake_heap_poke(struct fake_heap *heap, uint64_t address, uint64_t offset, uint64_t value)
{
	memcpy(bytes(heap, address, offset, 8), &value, 8);
}

void fake_heap_set(struct fake_heap *heap, uint64_t address, enum vqi_field_id field,
		   uint64_t value)
{
	const struct vqi_field *place = &heap->layout->fields[field];
	uint32_t size = place->size < 8 ? place->size : 8;

	memcpy(bytes(heap, address, place->offset, size), &value, size);
}

/* The arrays of one kind of buffers. */
static void put_buffers(struct fake_heap *heap, uint64_t address, uint64_t addr, uint64_t sg,
			unsigned int count, bool is_in)
{
	for (unsigned int i = 0; i < count; i++) {
		fake_heap_poke(heap, address, addr + i * 8, FAKE_GPA(is_in, i));
		fake_heap_poke(heap, address, sg + i * 16, FAKE_HVA(is_in, i));
		fake_heap_poke(heap, address, sg + i * 16 + 8, FAKE_LEN(is_in, i));
	}
}

uint64_t fake_heap_element(struct fake_heap *heap, uint64_t size, unsigned int index,
			   unsigned int in_num, unsigned int out_num)
{
	uint64_t in_addr = round_up(size, 8), out_addr = in_addr + (uint64_t)in_num * 8;
	uint64_t in_sg = out_addr + (uint64_t)out_num * 8, out_sg = in_sg + (uint64_t)in_num * 16;
	uint64_t element = fake_heap_add(heap, out_sg + (uint64_t)out_num * 16);

	fake_heap_set(heap, element, VQI_F_VirtQueueElement_index, index);
	fake_heap_set(heap, element, VQI_F_VirtQueueElement_ndescs, in_num + out_num);
	fake_heap_set(heap, element, VQI_F_VirtQueueElement_in_num, in_num);
	fake_heap_set(heap, element, VQI_F_VirtQueueElement_out_num, out_num);
	fake_heap_set(heap, element, VQI_F_VirtQueueElement_in_addr, element + in_addr);
	fake_heap_set(heap, element, VQI_F_VirtQueueElement_out_addr, element + out_addr);
	fake_heap_set(heap, element, VQI_F_VirtQueueElement_in_sg, element + in_sg);
	fake_heap_set(heap, element, VQI_F_VirtQueueElement_out_sg, element + out_sg);
	put_buffers(heap, element, in_addr, in_sg, in_num, true);
	put_buffers(heap, element, out_addr, out_sg, out_num, false);
	return element;
}
