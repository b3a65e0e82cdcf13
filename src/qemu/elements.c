/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vqi/in_flight.h"

#include <stdlib.h>
#include <string.h>

#include "vqi/limits.h"

#define WORD	    8
#define IOVEC	    16	 /* struct iovec: iov_base, iov_len */
#define MAX_BUFFERS 1024 /* VIRTQUEUE_MAX_SIZE, include/hw/virtio/virtio.h */

static const enum vqi_field_id needed[] = {
	VQI_F_VirtQueueElement_index,	 VQI_F_VirtQueueElement_ndescs,
	VQI_F_VirtQueueElement_in_num,	 VQI_F_VirtQueueElement_out_num,
	VQI_F_VirtQueueElement_in_addr,	 VQI_F_VirtQueueElement_in_sg,
	VQI_F_VirtQueueElement_out_addr, VQI_F_VirtQueueElement_out_sg,
};

static uint64_t field(const struct vqi_view *view, enum vqi_field_id id)
{
	return vqi_view_uint_or(view, id, 0);
}

/* Its four arrays lie behind its structure, one behind the other, and end with the block. */
static bool has_arrays(const struct vqi_view *view, uint64_t in_num, uint64_t out_num)
{
	uint64_t in_addr = field(view, VQI_F_VirtQueueElement_in_addr);
	uint64_t out_addr = in_addr + in_num * WORD;
	uint64_t in_sg = out_addr + out_num * WORD;
	uint64_t out_sg = in_sg + in_num * IOVEC;
	uint64_t end = out_sg + out_num * IOVEC;

	return in_addr - view->addr >= view->layout->structs[VQI_S_VirtQueueElement].size &&
	       in_addr - view->addr < view->len &&
	       field(view, VQI_F_VirtQueueElement_out_addr) == out_addr &&
	       field(view, VQI_F_VirtQueueElement_in_sg) == in_sg &&
	       field(view, VQI_F_VirtQueueElement_out_sg) == out_sg &&
	       vqi_chunk_is_for((uint32_t)view->len, end - view->addr);
}

static bool is_element(const struct vqi_layout *layout, const struct vqi_chunk *chunk,
		       struct vqi_element *ret_element)
{
	struct vqi_view view = vqi_chunk_view(layout, chunk);
	uint64_t index = field(&view, VQI_F_VirtQueueElement_index);
	uint64_t ndescs = field(&view, VQI_F_VirtQueueElement_ndescs);
	uint64_t in_num = field(&view, VQI_F_VirtQueueElement_in_num);
	uint64_t out_num = field(&view, VQI_F_VirtQueueElement_out_num);

	if (chunk->len < layout->structs[VQI_S_VirtQueueElement].size || index >= VQI_MAX_RING ||
	    in_num > MAX_BUFFERS || out_num > MAX_BUFFERS || !(in_num + out_num) ||
	    !has_arrays(&view, in_num, out_num))
		return false;
	*ret_element = (struct vqi_element){
		.chunk = chunk,
		.index = (unsigned int)index,
		.ndescs = (unsigned int)ndescs,
		.in_num = (unsigned int)in_num,
		.out_num = (unsigned int)out_num,
		.in_addr = (uint32_t)(field(&view, VQI_F_VirtQueueElement_in_addr) - view.addr),
	};
	return true;
}

struct vqi_error *vqi_elements_find(const struct vqi_layout *layout, const struct vqi_heap *heap,
				    struct vqi_element **ret_elements, size_t *ret_count)
{
	vqi_cleanup_free struct vqi_element *elements = NULL;
	struct vqi_element *grown, element;
	struct vqi_error *error;
	size_t count = 0, room = 0;

	error = vqi_layout_need(layout, needed, sizeof(needed) / sizeof(needed[0]));
	if (error)
		return error;
	for (size_t i = 0; i < heap->count; i++) {
		if (!is_element(layout, &heap->chunks[i], &element))
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

bool vqi_element_has(const struct vqi_layout *layout, const struct vqi_element *element,
		     uint64_t pointer)
{
	for (uint32_t at = layout->structs[VQI_S_VirtQueueElement].size;
	     at + WORD <= element->in_addr; at += WORD) {
		if (word_at(element->chunk, at) == pointer)
			return true;
	}
	return false;
}

/* ---- buffers ---- */

static void take_buffers(const struct vqi_chunk *chunk, size_t addr, size_t sg, unsigned int count,
			 bool is_written, struct vqi_buffer *ret_buffers)
{
	for (unsigned int i = 0; i < count; i++)
		ret_buffers[i] = (struct vqi_buffer){
			.gpa = word_at(chunk, addr + (size_t)i * WORD),
			.hva = word_at(chunk, sg + (size_t)i * IOVEC),
			.len = (uint32_t)word_at(chunk, sg + (size_t)i * IOVEC + WORD),
			.is_written = is_written,
		};
}

struct vqi_error *vqi_element_buffers(const struct vqi_element *element,
				      struct vqi_request *request)
{
	size_t count = (size_t)element->in_num + element->out_num;
	size_t out_addr = element->in_addr + (size_t)element->in_num * WORD;
	size_t in_sg = out_addr + (size_t)element->out_num * WORD;
	size_t out_sg = in_sg + (size_t)element->in_num * IOVEC;
	struct vqi_buffer *buffers = calloc(count, sizeof(*buffers));

	if (!buffers)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	take_buffers(element->chunk, out_addr, out_sg, element->out_num, false, buffers);
	take_buffers(element->chunk, element->in_addr, in_sg, element->in_num, true,
		     buffers + element->out_num);
	free(request->buffers);
	request->buffers = buffers;
	request->buffer_count = count;
	return NULL;
}
