/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A ring in fake memory, and what is told to be in flight on it. What tests share. */
#ifndef VQI_TESTS_FLIGHT_RING_H
#define VQI_TESTS_FLIGHT_RING_H

#include "fake_mem.h"
#include "ring_view.h"
#include "unit.h"
#include "vqi/requests.h"
#include "vqi/virtio.h"

#define DESC_HVA   UINT64_C(0x7f1000000000)
#define AVAIL_HVA  UINT64_C(0x7f1100000000)
#define USED_HVA   UINT64_C(0x7f1200000000)
#define BUFFER_HVA UINT64_C(0x7f1300000000)

static struct vqi_fake_mem *fake;
static struct ring_builder ring;
static struct vqi_device device;
static struct vqi_ram_range range;
static struct vqi_request *requests;
static size_t request_count;

static inline void forget_requests(void)
{
	for (size_t i = 0; i < request_count; i++)
		vqi_request_done(&requests[i]);
	free(take_ptr(requests));
	request_count = 0;
}

static inline void end_ring(void)
{
	forget_requests();
	vqi_fake_mem_free(take_ptr(fake));
}

static inline void start_ring(const struct ring_options *given)
{
	struct ring_options options = *given;
	size_t buffers = (size_t)options.num * RING_BUFFER;

	end_ring();
	fake = vqi_fake_mem_new();
	options.buffers = vqi_fake_mem_map(fake, BUFFER_HVA, buffers);
	ring_init(&ring, &options, vqi_fake_mem_map(fake, DESC_HVA, ring_desc_size(&options)),
		  vqi_fake_mem_map(fake, AVAIL_HVA, ring_avail_size(&options)),
		  vqi_fake_mem_map(fake, USED_HVA, ring_used_size(&options)));
	device = (struct vqi_device){
		.endian = options.big_endian ? VQI_ENDIAN_BIG : VQI_ENDIAN_LITTLE,
	};
	range = (struct vqi_ram_range){RING_GPA, buffers, BUFFER_HVA};
}

/* The queue as a reading of this moment has it. */
static inline struct vqi_queue flight_queue(void)
{
	struct vqi_queue queue = ring_decode(&ring);

	queue.desc_hva = DESC_HVA;
	queue.avail_hva = AVAIL_HVA;
	queue.used_hva = USED_HVA;
	return queue;
}

static inline struct vqi_error *find_flights(const struct vqi_queue *queue)
{
	const struct vqi_guest_ram ram = {&range, 1};

	forget_requests();
	return vqi_requests_from_ring(vqi_fake_mem_base(fake), &ram, &device, queue, &requests,
				      &request_count);
}

static inline void add_and_pop(uint16_t descs)
{
	ck_assert(ring_add(&ring, descs));
	ring_publish(&ring);
	ck_assert(ring_pop(&ring));
}

#endif
