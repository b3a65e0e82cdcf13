/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QEMU's own records of the requests in flight: what it has taken from queues, and what carries that on. */
#ifndef VQI_IN_FLIGHT_H
#define VQI_IN_FLIGHT_H

#include "vqi/heap.h"
#include "vqi/jmp_buf.h"
#include "vqi/layout.h"
#include "vqi/qemu.h"
#include "vqi/request.h"

/* A block as the structure that it begins with. */
static inline struct vqi_view vqi_chunk_view(const struct vqi_layout *layout,
					     const struct vqi_chunk *chunk)
{
	return (struct vqi_view){
		.layout = layout, .addr = chunk->address, .data = chunk->data, .len = chunk->len};
}

/* A VirtQueueElement, or a VuVirtqElement of an export: each has a block of its own, and often begins a structure of its
 * device. What virtqueue_alloc_element() puts behind that tells it from all else. */
struct vqi_element {
	const struct vqi_chunk *chunk;
	unsigned int index;  /* head, or, of a packed ring, buffer id */
	unsigned int ndescs; /* descriptors of the ring */
	unsigned int in_num, out_num;
	uint32_t
		in_addr; /* bytes from the start of the block to its first array: the size of the structure */
	bool has_guest; /* it has the guest addresses of its buffers */
};

/* Finds all. Owner: the caller frees the array, whose chunks are the heap's.
 * Errors: NO_LAYOUT, NOMEM. Source: hw/virtio/virtio.c, libvhost-user.c virtqueue_alloc_element(). */
struct vqi_error *vqi_elements_find(const struct vqi_layout *layout, const struct vqi_heap *heap,
				    struct vqi_element **ret_elements,
				    size_t *ret_count) vqi_must_check;

/* Whether it begins no structure but its own. */
bool vqi_element_is_bare(const struct vqi_layout *layout, const struct vqi_element *element);

/* Whether the structure that an element begins has this pointer: its queue's, its device's. */
bool vqi_element_has(const struct vqi_layout *layout, const struct vqi_element *element,
		     uint64_t pointer);

/* The buffers of an element: those that the driver wrote first; without guest addresses where it has none. A device
 * that has looked at them may have made the first and the last of each kind shorter. Errors: NOMEM. */
struct vqi_error *vqi_element_buffers(const struct vqi_element *element,
				      struct vqi_request *request) vqi_must_check;

/* How QEMU's block layer carries on what a disk has taken. */
struct vqi_carried {
	const struct vqi_element *element;
	struct vqi_num
		start_ns; /* of its accounting, by QEMU_CLOCK_REALTIME, which is CLOCK_MONOTONIC; or by another */
	enum vqi_carrier carrier;
	uint64_t coroutine_hva;		   /* 0: none was found */
	uint64_t stack_hva, stack_size;	   /* of the coroutine */
	struct vqi_registers registers;	   /* WAITING: where it goes on */
	uint64_t words[VQI_JMP_BUF_WORDS]; /* these as they are saved; private */
};

/* Fills all but element of each. machine is of elf.h; guard: see vqi/jmp_buf.h. What is not found stays unknown.
 * Errors: NOMEM. Source: block/block-backend.c blk_aio_prwv(), util/coroutine-ucontext.c. */
struct vqi_error *vqi_carried_find(const struct vqi_layout *layout, const struct vqi_heap *heap,
				   unsigned int machine, uint64_t guard,
				   struct vqi_carried *carried, size_t count) vqi_must_check;

/* Whether a coroutine that waited still waits: nobody has entered it, and its saved registers are what they were. */
bool vqi_carried_is_there(struct vqi_qemu *qemu, const struct vqi_carried *carried);

#endif
