/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The requests that a ring says are in flight. */
#include <stdlib.h>

#include "vqi/limits.h"
#include "vqi/requests.h"
#include "vqi/virtio.h"

#include "desc.h"
#include "flight.h"
#include "request_chain.h"

#define AVAIL_SIZE(num) (4 + 2 * (size_t)(num))
#define USED_SIZE(num)	(4 + 8 * (size_t)(num))

static bool is_packed(const struct vqi_queue *queue)
{
	return queue->ring == VQI_RING_PACKED;
}

static bool is_big_endian(const struct vqi_device *device, const struct vqi_queue *queue)
{
	return !is_packed(queue) && device->endian == VQI_ENDIAN_BIG;
}

static struct vqi_chain_source make_source(struct vqi_mem *mem, const struct vqi_guest_ram *ram,
					   const struct vqi_device *device,
					   const struct vqi_queue *queue)
{
	return (struct vqi_chain_source){
		.mem = mem,
		.ram = ram && ram->count ? ram : NULL,
		.desc_hva = queue->desc_hva,
		.num = queue->num,
		.packed = is_packed(queue),
		.big_endian = is_big_endian(device, queue),
	};
}

/* Whether there is a ring to read, and the indices of the queue can be. */
static bool has_ring(const struct vqi_queue *queue)
{
	if (queue->access != VQI_RING_READ || !queue->desc_hva || !queue->num ||
	    queue->num > VQI_MAX_RING || !queue->used_idx.known || !queue->in_flight.known ||
	    queue->in_flight.value > queue->num)
		return false;
	if (is_packed(queue))
		return queue->used_idx.value < queue->num && queue->wrap.used.known;
	return queue->avail_hva && queue->used_hva;
}

/* Reads the ring's areas into one piece. Owner: the caller frees *ret_bytes, which ring points into. */
static struct vqi_error *read_ring(struct vqi_mem *mem, const struct vqi_queue *queue,
				   struct vqi_flight_ring *ring, uint8_t **ret_bytes)
{
	size_t desc_len = (size_t)queue->num * VQI_DESC_SIZE;
	size_t avail_len = AVAIL_SIZE(queue->num), used_len = USED_SIZE(queue->num);
	vqi_cleanup_free uint8_t *bytes = malloc(desc_len + avail_len + used_len);
	struct vqi_range ranges[] = {
		{.addr = queue->desc_hva, .buf = bytes, .len = desc_len},
		{.addr = queue->avail_hva, .buf = bytes + desc_len, .len = avail_len},
		{.addr = queue->used_hva, .buf = bytes + desc_len + avail_len, .len = used_len},
	};
	struct vqi_error *error;

	if (!bytes)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	error = vqi_mem_readv_all(mem, ranges, is_packed(queue) ? 1 : 3);
	if (error)
		return vqi_error_prefix(error, "ring");
	ring->descs = bytes;
	ring->avail = bytes + desc_len;
	ring->used = bytes + desc_len + avail_len;
	*ret_bytes = take_ptr(bytes);
	return NULL;
}

/* Whether a packed ring's descriptors are others than when queue was filled. */
static bool has_moved(const struct vqi_queue *queue, const struct vqi_flight_ring *ring)
{
	struct vqi_num digest = vqi_packed_digest(ring->descs, (size_t)queue->num * VQI_DESC_SIZE);

	return queue->desc_digest.known && !vqi_num_equal(queue->desc_digest, digest);
}

/* Whether the ring is not what the indices belong to: it moved, or its device gave up in the middle. */
static bool is_doubtful(const struct vqi_device *device, const struct vqi_queue *queue,
			const struct vqi_flight_ring *ring)
{
	uint16_t avail_idx;

	if (device->broken)
		return true;
	if (is_packed(queue))
		return has_moved(queue, ring);
	/* the places of another size come again at the wrap, and are others there */
	if (queue->num & (queue->num - 1))
		return true;
	avail_idx = vqi_guest_u16(ring->avail + 2, ring->big_endian);
	return vqi_guest_u16(ring->used + 2, ring->big_endian) != ring->used_idx ||
	       (uint16_t)(avail_idx - ring->used_idx) > queue->num ||
	       (uint16_t)(avail_idx - ring->used_idx) < ring->in_flight;
}

static struct vqi_error *make_requests(struct vqi_chain_source *source,
				       const struct vqi_flights *flights, bool is_doubtful_ring,
				       struct vqi_request *requests)
{
	struct vqi_error *error = NULL;

	for (size_t i = 0; !error && i < flights->count; i++) {
		const struct vqi_flight *flight = &flights->list[i];

		requests[i].head = flight->head;
		requests[i].source = VQI_REQUEST_RING;
		requests[i].is_candidate = flight->is_candidate || is_doubtful_ring;
		if (flight->is_whole)
			error = vqi_chain_fill(source, flight->place, source->num, &requests[i]);
	}
	return error;
}

static void free_requests(struct vqi_request *requests, size_t count)
{
	for (size_t i = 0; i < count; i++)
		vqi_request_done(&requests[i]);
	free(requests);
}

/* Reads the ring, and concludes what is in flight. flights->list has room for num. */
static struct vqi_error *find_flights(struct vqi_mem *mem, const struct vqi_device *device,
				      const struct vqi_queue *queue, struct vqi_flights *flights,
				      uint8_t **ret_bytes, bool *ret_is_doubtful)
{
	struct vqi_flight_ring ring = {
		.num = queue->num,
		.big_endian = is_big_endian(device, queue),
		.in_order = device->guest_features >> VQI_FEATURE_IN_ORDER & 1,
		.in_flight = (uint32_t)queue->in_flight.value,
		.used_idx = (uint16_t)queue->used_idx.value,
		.used_wrap = queue->wrap.used.value,
	};
	vqi_cleanup_free uint8_t *bytes = NULL;
	struct vqi_error *error = read_ring(mem, queue, &ring, &bytes);

	if (!error)
		error = is_packed(queue) ? vqi_flight_packed(&ring, flights)
					 : vqi_flight_split(&ring, flights);
	if (error)
		return error;
	*ret_is_doubtful = is_doubtful(device, queue, &ring);
	*ret_bytes = take_ptr(bytes);
	return NULL;
}

struct vqi_error *vqi_requests_from_ring(struct vqi_mem *mem, const struct vqi_guest_ram *ram,
					 const struct vqi_device *device,
					 const struct vqi_queue *queue,
					 struct vqi_request **ret_requests, size_t *ret_count)
{
	struct vqi_chain_source source = make_source(mem, ram, device, queue);
	vqi_cleanup_free struct vqi_flight *list = NULL;
	vqi_cleanup_free uint8_t *bytes = NULL;
	struct vqi_flights flights = {0};
	struct vqi_request *requests;
	struct vqi_error *error;
	bool doubtful = false;

	*ret_requests = NULL;
	*ret_count = 0;
	if (!has_ring(queue) || !queue->in_flight.value)
		return NULL;
	flights.list = list = calloc(queue->num, sizeof(*list));
	if (!list)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	error = find_flights(mem, device, queue, &flights, &bytes, &doubtful);
	if (error || !flights.count)
		return error;
	source.descs = bytes;
	requests = calloc(flights.count, sizeof(*requests));
	if (!requests)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	error = make_requests(&source, &flights, doubtful, requests);
	if (error) {
		free_requests(requests, flights.count);
		return error;
	}
	*ret_requests = requests;
	*ret_count = flights.count;
	return NULL;
}

/* The chain of a buffer id is where the ring says that it may be in flight. */
static struct vqi_error *read_packed_chain(struct vqi_chain_source *source,
					   const struct vqi_device *device,
					   const struct vqi_queue *queue,
					   struct vqi_request *request)
{
	vqi_cleanup_free struct vqi_flight *list = calloc(queue->num + 1, sizeof(*list));
	vqi_cleanup_free uint8_t *bytes = NULL;
	struct vqi_flights flights = {.list = list};
	struct vqi_error *error;
	bool doubtful;

	if (!list)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	error = find_flights(source->mem, device, queue, &flights, &bytes, &doubtful);
	if (error)
		return vqi_error_keep_fatal(error);
	source->descs = bytes;
	for (size_t i = 0; i < flights.count; i++) {
		if (list[i].head == request->head && list[i].is_whole)
			return vqi_chain_fill(source, list[i].place, source->num, request);
	}
	return NULL;
}

struct vqi_error *vqi_request_read_chain(struct vqi_mem *mem, const struct vqi_guest_ram *ram,
					 const struct vqi_device *device,
					 const struct vqi_queue *queue, struct vqi_request *request)
{
	struct vqi_chain_source source = make_source(mem, ram, device, queue);

	free(take_ptr(request->buffers));
	request->buffer_count = 0;
	request->ndescs = 0;
	if (!is_packed(queue)) {
		if (queue->access != VQI_RING_READ || !queue->desc_hva || queue->num > VQI_MAX_RING)
			return NULL;
		return vqi_chain_fill(&source, request->head, queue->num, request);
	}
	if (!has_ring(queue) || !queue->in_flight.value)
		return NULL;
	return read_packed_chain(&source, device, queue, request);
}
