/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What malloc() gave, as it was read: blocks, and QEMU's structures in them. Whatever goes wrong in here aborts. */
#ifndef VQI_TESTS_FAKE_HEAP_H
#define VQI_TESTS_FAKE_HEAP_H

#include <stddef.h>
#include <stdint.h>

#include "vqi/heap.h"
#include "vqi/layout.h"

struct fake_heap {
	struct vqi_heap heap;
	const struct vqi_layout *layout;
};

/* Frees the blocks. */
void fake_heap_done(struct fake_heap *heap);

/* A block for size bytes, all 0, behind those before, and nothing around it. Returns its address. */
uint64_t fake_heap_add(struct fake_heap *heap, uint64_t size);
uint64_t fake_heap_make(struct fake_heap *heap, enum vqi_struct_id structure);

/* Its bytes, to write to. */
uint8_t *fake_heap_at(struct fake_heap *heap, uint64_t address);

void fake_heap_poke(struct fake_heap *heap, uint64_t address, uint64_t offset, uint64_t value);
void fake_heap_set(struct fake_heap *heap, uint64_t address, enum vqi_field_id field,
		   uint64_t value);

/* What virtqueue_alloc_element() makes for a structure of size bytes; buffer i of each kind is at guest address GPA(i),
 * and so on. Source: hw/virtio/virtio.c. */
uint64_t fake_heap_element(struct fake_heap *heap, uint64_t size, unsigned int index,
			   unsigned int in_num, unsigned int out_num);
#define FAKE_GPA(is_in, i) (UINT64_C(0x10000) * ((i) + 1) + ((is_in) ? 0x800 : 0))
#define FAKE_HVA(is_in, i) (UINT64_C(0x7f0000000000) + FAKE_GPA(is_in, i))
#define FAKE_LEN(is_in, i) (16 * ((i) + 1) + ((is_in) ? 1 : 0))

#endif
