/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vqi/in_flight.h"

#include <stdlib.h>
#include <string.h>

#include "vqi/limits.h"

#define WORD	    8
#define IOVEC	    16	 /* struct iovec: iov_base, iov_len */
#define MAX_BUFFERS 1024 /* VIRTQUEUE_MAX_SIZE, include/hw/virtio/virtio.h */

/* What virtqueue_alloc_element() made, QEMU's or libvhost-user's. */
struct shape {
	enum vqi_struct_id structure;
	enum vqi_field_id index, in_num, out_num, in_sg, out_sg;
	bool has_guest; /* and guest addresses, of which libvhost-user's has none: ndescs, in_addr, out_addr */
};

static const struct shape *shape_of(const struct vqi_layout *layout)
{
	static const struct shape emulated =
					  {
						  .structure = VQI_S_VirtQueueElement,
						  .index = VQI_F_VirtQueueElement_index,
						  .in_num = VQI_F_VirtQueueElement_in_num,
						  .out_num = VQI_F_VirtQueueElement_out_num,
						  .in_sg = VQI_F_VirtQueueElement_in_sg,
						  .out_sg = VQI_F_VirtQueueElement_out_sg,
						  .has_guest = true,
					  },
				  exported = {
					  .structure = VQI_S_VuVirtqElement,
					  .index = VQI_F_VuVirtqElement_index,
					  .in_num = VQI_F_VuVirtqElement_in_num,
					  .out_num = VQI_F_VuVirtqElement_out_num,
					  .in_sg = VQI_F_VuVirtqElement_in_sg,
					  .out_sg = VQI_F_VuVirtqElement_out_sg,
				  };

	return layout->kind == VQI_IMAGE_STORAGE_DAEMON ? &exported : &emulated;
}

static struct vqi_error *check_layout(const struct vqi_layout *layout, const struct shape *shape)
{
	const enum vqi_field_id needed[] = {shape->index, shape->in_num, shape->out_num,
					    shape->in_sg, shape->out_sg};
	static const enum vqi_field_id guest[] = {VQI_F_VirtQueueElement_ndescs,
						  VQI_F_VirtQueueElement_in_addr,
						  VQI_F_VirtQueueElement_out_addr};
	struct vqi_error *error =
		vqi_layout_need(layout, needed, sizeof(needed) / sizeof(needed[0]));

	if (!error && shape->has_guest)
		error = vqi_layout_need(layout, guest, sizeof(guest) / sizeof(guest[0]));
	return error;
}

static uint64_t field(const struct vqi_view *view, enum vqi_field_id id)
{
	return vqi_view_uint_or(view, id, 0);
}

/* The arrays lie behind the structure, one behind the other, and end with the block. */
static bool has_arrays(const struct vqi_view *view, const struct shape *shape,
		       const struct vqi_element *element)
{
	uint64_t words = shape->has_guest ? WORD : 0;
	uint64_t in_addr = view->addr + element->in_addr;
	uint64_t out_addr = in_addr + element->in_num * words;
	uint64_t in_sg = out_addr + element->out_num * words;
	uint64_t out_sg = in_sg + (uint64_t)element->in_num * IOVEC;
	uint64_t end = out_sg + (uint64_t)element->out_num * IOVEC;

	return element->in_addr >= view->layout->structs[shape->structure].size &&
	       element->in_addr < view->len && field(view, shape->in_sg) == in_sg &&
	       field(view, shape->out_sg) == out_sg &&
	       vqi_chunk_is_for((uint32_t)view->len, end - view->addr) &&
	       (!shape->has_guest || field(view, VQI_F_VirtQueueElement_out_addr) == out_addr);
}

static bool is_element(const struct vqi_layout *layout, const struct shape *shape,
		       const struct vqi_chunk *chunk, struct vqi_element *ret_element)
{
	struct vqi_view view = vqi_chunk_view(layout, chunk);
	uint64_t index = field(&view, shape->index);
	uint64_t in_num = field(&view, shape->in_num);
	uint64_t out_num = field(&view, shape->out_num);
	uint64_t arrays =
		field(&view, shape->has_guest ? VQI_F_VirtQueueElement_in_addr : shape->in_sg);

	if (chunk->len < layout->structs[shape->structure].size || index >= VQI_MAX_RING ||
	    in_num > MAX_BUFFERS || out_num > MAX_BUFFERS || !(in_num + out_num) ||
	    arrays - view.addr >= view.len)
		return false;
	*ret_element = (struct vqi_element){
		.chunk = chunk,
		.index = (unsigned int)index,
		.ndescs = (unsigned int)(shape->has_guest
						 ? field(&view, VQI_F_VirtQueueElement_ndescs)
						 : in_num + out_num),
		.in_num = (unsigned int)in_num,
		.out_num = (unsigned int)out_num,
		.in_addr = (uint32_t)(arrays - view.addr),
		.has_guest = shape->has_guest,
	};
	return has_arrays(&view, shape, ret_element);
}

struct vqi_error *vqi_elements_find(const struct vqi_layout *layout, const struct vqi_heap *heap,
				    struct vqi_element **ret_elements, size_t *ret_count)
{
	vqi_cleanup_free struct vqi_element *elements = NULL;
	const struct shape *shape = shape_of(layout);
	struct vqi_element *grown, element;
	struct vqi_error *error;
	size_t count = 0, room = 0;

	error = check_layout(layout, shape);
	if (error)
		return error;
	for (size_t i = 0; i < heap->count; i++) {
		if (!is_element(layout, shape, &heap->chunks[i], &element))
			continue;
		if (count == room) {
			room = room ? room * 2 : 64;
			grown = reallocarray(elements, room, sizeof(*grown));
			if (!grown)
				return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
			elements = grown;
		}
		elements[count++] = element;
		vqi_heap_use(heap, element.chunk);
	}
	*ret_elements = take_ptr(elements);
	*ret_count = count;
	return NULL;
}

static uint64_t word_at(const struct vqi_chunk *chunk, size_t offset)
{
	uint64_t word;

	memcpy(&word, chunk->data + offset, WORD);
	return word;
}

bool vqi_element_is_bare(const struct vqi_layout *layout, const struct vqi_element *element)
{
	return element->in_addr == layout->structs[shape_of(layout)->structure].size;
}

bool vqi_element_has(const struct vqi_layout *layout, const struct vqi_element *element,
		     uint64_t pointer)
{
	for (uint32_t at = layout->structs[shape_of(layout)->structure].size;
	     at + WORD <= element->in_addr; at += WORD) {
		if (word_at(element->chunk, at) == pointer)
			return true;
	}
	return false;
}

/* ---- buffers ---- */

/* From the arrays at these offsets; without one of guest addresses these are 0. */
static void take_buffers(const struct vqi_element *element, size_t addr, size_t sg,
			 unsigned int count, bool is_written, struct vqi_buffer *ret_buffers)
{
	const struct vqi_chunk *chunk = element->chunk;

	for (unsigned int i = 0; i < count; i++)
		ret_buffers[i] = (struct vqi_buffer){
			.gpa = element->has_guest ? word_at(chunk, addr + (size_t)i * WORD) : 0,
			.hva = word_at(chunk, sg + (size_t)i * IOVEC),
			.len = (uint32_t)word_at(chunk, sg + (size_t)i * IOVEC + WORD),
			.is_written = is_written,
		};
}

struct vqi_error *vqi_element_buffers(const struct vqi_element *element,
				      struct vqi_request *request)
{
	size_t word = element->has_guest ? WORD : 0;
	size_t count = (size_t)element->in_num + element->out_num;
	size_t out_addr = element->in_addr + element->in_num * word;
	size_t in_sg = out_addr + element->out_num * word;
	size_t out_sg = in_sg + (size_t)element->in_num * IOVEC;
	struct vqi_buffer *buffers = calloc(count, sizeof(*buffers));

	if (!buffers)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	take_buffers(element, out_addr, out_sg, element->out_num, false, buffers);
	take_buffers(element, element->in_addr, in_sg, element->in_num, true,
		     buffers + element->out_num);
	free(request->buffers);
	request->buffers = buffers;
	request->buffer_count = count;
	return NULL;
}
