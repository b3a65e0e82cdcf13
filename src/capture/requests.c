/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which requests are in flight: QEMU's own records of what it has taken, or else what the ring tells. */
#include "requests.h"

#include <stdlib.h>

#include "evidence.h"
#include "vqi/requests.h"
#include "vqi/virtio.h"

#define MAX_HEADER 4096 /* bytes that a device steps over: less than that, of all there are */

/* ---- a list of requests ---- */

struct list {
	struct vqi_request *requests;
	size_t count;
};

static void list_done(struct list *list)
{
	for (size_t i = 0; i < list->count; i++)
		vqi_request_done(&list->requests[i]);
	free(list->requests);
}
VQI_DEFINE_CLEANUP_VALUE(struct list, list_done)

/* Owner: takes what request holds. */
static struct vqi_error *list_add(struct list *list, struct vqi_request *request)
{
	struct vqi_request *grown =
		reallocarray(list->requests, list->count + 1, sizeof(*list->requests));

	if (!grown)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	list->requests = grown;
	grown[list->count++] = *request;
	*request = (struct vqi_request){0};
	return NULL;
}

static struct vqi_request *list_find(const struct list *list, unsigned int head)
{
	for (size_t i = 0; i < list->count; i++) {
		if (list->requests[i].head == head)
			return &list->requests[i];
	}
	return NULL;
}

/* ---- whose an element is ---- */

static bool same_buffers(const struct vqi_request *a, const struct vqi_request *b)
{
	if (!a->buffer_count || a->buffer_count != b->buffer_count)
		return false;
	for (size_t i = 0; i < a->buffer_count; i++) {
		if (a->buffers[i].gpa != b->buffers[i].gpa ||
		    a->buffers[i].is_written != b->buffers[i].is_written)
			return false;
	}
	return true;
}

/* The ring has its descriptors: of a split one they stay until the request is completed, of a packed one some do. */
static struct vqi_error *is_in_ring(const struct vqi_requests_of *of, const struct list *ring,
				    const struct vqi_request *request, bool *ret_is)
{
	struct vqi_request there = {.head = request->head};
	const struct vqi_request *listed = list_find(ring, request->head);
	struct vqi_error *error = NULL;

	if (of->queue->ring == VQI_RING_SPLIT)
		error = vqi_request_read_chain(of->mem, of->ram, of->device, of->queue, &there);
	if (!error)
		*ret_is = same_buffers(request, &there) ||
			  (listed && same_buffers(request, listed));
	vqi_request_done(&there);
	return error;
}

/* Of an export its own process knows only where they are in itself. */
static void find_guest_addresses(const struct vqi_guest_ram *ram, struct vqi_request *request)
{
	uint64_t len;

	for (size_t i = 0; ram && i < request->buffer_count; i++)
		vqi_guest_ram_gpa(ram, request->buffers[i].hva, &request->buffers[i].gpa, &len);
}

/* A device may have made what it looked at shorter, see vqi_element_buffers(): the start is where its guest address
 * is. */
static void mend_buffers(const struct vqi_guest_ram *ram, struct vqi_request *request)
{
	for (size_t i = 0; i < request->buffer_count; i++) {
		struct vqi_buffer *buffer = &request->buffers[i];
		uint64_t len, start = ram ? vqi_guest_ram_at(ram, buffer->gpa, &len) : 0;

		if (!start || start >= buffer->hva || buffer->hva - start > MAX_HEADER)
			continue;
		buffer->len += (uint32_t)(buffer->hva - start);
		buffer->hva = start;
	}
}

static struct vqi_error *from_element(const struct vqi_requests_of *of,
				      const struct vqi_element *element,
				      struct vqi_request *ret_request)
{
	struct vqi_error *error;

	*ret_request = (struct vqi_request){
		.head = element->index,
		.ndescs = element->ndescs,
		.source = VQI_REQUEST_QEMU,
		.element_hva = element->chunk->address,
	};
	error = vqi_element_buffers(element, ret_request);
	if (!element->has_guest)
		find_guest_addresses(of->ram, ret_request);
	mend_buffers(of->ram, ret_request);
	return error;
}

/* A head is in flight once. In memory that changes while it is read, or where a device forgot to free it, an element of an
 * earlier request with that head is there, too: if the ring does not tell which it is, nothing does. */
static struct vqi_error *add_once(const struct vqi_requests_of *of, const struct list *ring,
				  struct vqi_request *request, struct list *list)
{
	struct vqi_request *twin = list_find(list, request->head), other;
	bool is_twin = false, is_this = false;
	struct vqi_error *error;

	if (!twin)
		return list_add(list, request);
	error = is_in_ring(of, ring, twin, &is_twin);
	if (!error)
		error = is_in_ring(of, ring, request, &is_this);
	if (error)
		return error;
	if (is_this && !is_twin) {
		other = *twin;
		*twin = *request;
		*request = other;
	}
	twin->is_candidate = is_this == is_twin;
	return NULL;
}

/* The descriptors of what is in flight stay as they are, so that those of a split ring tell whether an element is of a
 * request that is. Where they cannot be read, it is what its structure says. */
static struct vqi_error *is_of_queue(const struct vqi_requests_of *of, const struct list *ring,
				     const struct vqi_element *element,
				     const struct vqi_request *request, bool *ret_is)
{
	bool is_named = vqi_element_has(of->layout, element, of->queue->vq_addr);
	bool is_bare = vqi_element_is_bare(of->layout, element);
	bool is_readable = of->ram && of->queue->access == VQI_RING_READ;

	*ret_is = is_named;
	if (!is_named && !is_bare)
		return NULL;
	if (is_named && (!is_readable || of->queue->ring == VQI_RING_PACKED))
		return NULL;
	return is_in_ring(of, ring, request, ret_is);
}

static struct vqi_error *take_element(const struct vqi_requests_of *of, const struct list *ring,
				      const struct vqi_element *element, struct list *list)
{
	struct vqi_request request = {0};
	struct vqi_error *error;
	bool is_ours = false;

	if (element->index >= of->queue->num)
		return NULL;
	error = from_element(of, element, &request);
	if (!error)
		error = is_of_queue(of, ring, element, &request, &is_ours);
	if (!error && is_ours)
		error = add_once(of, ring, &request, list);
	vqi_request_done(&request);
	return error;
}

/* ---- both sources ---- */

/* Elements of a split ring count one each; of a packed one, its descriptors. */
static uint64_t inuse_of(const struct vqi_queue *queue, const struct list *list)
{
	uint64_t inuse = 0;

	for (size_t i = 0; i < list->count; i++)
		inuse += queue->ring == VQI_RING_PACKED ? list->requests[i].ndescs : 1;
	return inuse;
}

/* With VIRTIO_F_IN_ORDER what is completed before its turn is not passed on yet, and still counted: its record is gone. */
static bool is_in_order(const struct vqi_device *device)
{
	return device->guest_features >> VQI_FEATURE_IN_ORDER & 1;
}

/* Whether QEMU's records are of all that it counts, and the driver waits for. */
static bool are_all(const struct vqi_queue *queue, const struct list *list)
{
	uint64_t inuse = inuse_of(queue, list);

	return list->count && vqi_num_is(queue->inuse, inuse) &&
	       vqi_num_is(queue->in_flight, inuse);
}

/* Whether the queue has not moved since its indices were read. */
static bool is_still(const struct vqi_requests_of *of)
{
	const struct vqi_index_fields *fields = vqi_index_fields_of(of->device);
	const struct {
		enum vqi_field_id field;
		struct vqi_num value;
	} indices[] = {
		{fields->last_avail_idx, of->queue->last_avail_idx},
		{fields->used_idx, of->queue->used_idx},
		{fields->inuse, of->queue->inuse},
	};

	for (size_t i = 0; i < sizeof(indices) / sizeof(indices[0]); i++) {
		const struct vqi_field *field = &of->layout->fields[indices[i].field];
		uint64_t now;

		if (vqi_error_drop(vqi_mem_read_uint(of->mem, of->queue->vq_addr + field->offset,
						     field->size, &now)) ||
		    !vqi_num_is(indices[i].value, now))
			return false;
	}
	return true;
}

static void doubt_all(struct list *list)
{
	for (size_t i = 0; i < list->count; i++)
		list->requests[i].is_candidate = true;
}

static bool has_candidates(const struct list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		if (list->requests[i].is_candidate)
			return true;
	}
	return false;
}

/* Adds what the ring alone knows. What QEMU has a record of is its, certainly. */
static struct vqi_error *add_ring(struct list *ring, struct list *list)
{
	struct vqi_error *error = NULL;

	for (size_t i = 0; !error && i < ring->count; i++) {
		if (!list_find(list, ring->requests[i].head))
			error = list_add(list, &ring->requests[i]);
	}
	return error;
}

/* An element that the ring, which knows all of them, does not list is not in flight: its device forgot to free it. */
static void drop_others(const struct list *ring, struct list *list)
{
	size_t kept = 0;

	for (size_t i = 0; i < list->count; i++) {
		if (list_find(ring, list->requests[i].head))
			list->requests[kept++] = list->requests[i];
		else
			vqi_request_done(&list->requests[i]);
	}
	list->count = kept;
}

/* The descriptors of a split ring are as the driver wrote them. */
static struct vqi_error *read_chains(const struct vqi_requests_of *of, struct list *list)
{
	struct vqi_error *error = NULL;

	for (size_t i = 0; !error && of->queue->ring == VQI_RING_SPLIT && i < list->count; i++) {
		struct vqi_request there = {.head = list->requests[i].head};

		error = vqi_request_read_chain(of->mem, of->ram, of->device, of->queue, &there);
		if (!error && there.buffer_count == list->requests[i].buffer_count) {
			free(list->requests[i].buffers);
			list->requests[i].buffers = take_ptr(there.buffers);
			list->requests[i].ndescs = there.ndescs;
		}
		vqi_request_done(&there);
	}
	return error;
}

static struct vqi_error *from_ring(const struct vqi_requests_of *of, struct list *list)
{
	return vqi_error_keep_fatal(vqi_requests_from_ring(of->mem, of->ram, of->device, of->queue,
							   &list->requests, &list->count));
}

/* What vhost has taken QEMU does not know: of all that is published and not completed, some may be. */
static struct vqi_error *from_vhost(const struct vqi_requests_of *of, struct list *list)
{
	struct vqi_queue queue = *of->queue;
	struct vqi_device device = *of->device;
	struct vqi_requests_of there = *of;
	struct vqi_error *error;

	queue.last_avail_idx = queue.avail_idx;
	queue.used_idx = queue.used_ring_idx;
	queue.in_flight = vqi_queue_outstanding(of->queue);
	device.vhost = VQI_VHOST_NONE;
	there.queue = &queue;
	there.device = &device;
	error = from_ring(&there, list);
	doubt_all(list);
	for (size_t i = 0; i < list->count; i++)
		list->requests[i].may_be_untaken = true;
	return error;
}

static struct vqi_error *from_qemu(const struct vqi_requests_of *of,
				   const struct vqi_element *elements, size_t count,
				   struct list *list)
{
	vqi_cleanup(list_done) struct list ring = {0};
	struct vqi_error *error = from_ring(of, &ring);

	for (size_t i = 0; !error && i < count; i++)
		error = take_element(of, &ring, &elements[i], list);
	if (!error)
		error = read_chains(of, list);
	if (error)
		return error;
	if (!is_still(of)) { /* what its ring has may be of new requests already */
		doubt_all(list);
		return NULL;
	}
	if (are_all(of->queue, list) || (list->count && is_in_order(of->device)))
		return NULL;
	if (ring.count && !has_candidates(&ring))
		drop_others(&ring, list);
	if (inuse_of(of->queue, list) > of->queue->in_flight.value)
		doubt_all(list);
	return add_ring(&ring, list);
}

static struct vqi_error *describe(const struct vqi_requests_of *of, size_t dump_bytes,
				  struct list *list)
{
	struct vqi_error *error = NULL;

	for (size_t i = 0; !error && i < list->count; i++) {
		struct vqi_request *request = &list->requests[i];

		error = vqi_request_decode(of->mem, of->device, of->queue, request);
		if (!error && dump_bytes)
			error = vqi_request_dump(of->mem, request, dump_bytes);
	}
	return error;
}

struct vqi_error *vqi_requests_find(const struct vqi_requests_of *of,
				    const struct vqi_element *elements, size_t count,
				    size_t dump_bytes, struct vqi_queue *queue)
{
	vqi_cleanup(list_done) struct list list = {0};
	struct vqi_error *error;

	error = of->device->vhost == VQI_VHOST_NONE ? from_qemu(of, elements, count, &list)
						    : from_vhost(of, &list);
	if (!error)
		error = describe(of, dump_bytes, &list);
	if (error)
		return error;
	queue->requests = take_ptr(list.requests);
	queue->request_count = list.count;
	list.count = 0;
	return NULL;
}
