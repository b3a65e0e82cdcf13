/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which requests are in flight, when QEMU's records and the ring are asked both. */
#include "requests.h"

#include <check.h>

#include "fake_heap.h"
#include "fake_qemu.h"
#include "flight_ring.h"

#define VQ_HVA UINT64_C(0x55d0c0400000)

static struct vqi_layout layout;
static struct fake_heap heap;
static struct vqi_queue queue;

static void setup(void)
{
	fake_layout(&layout, 3);
	heap = (struct fake_heap){.layout = &layout};
	start_ring(&(struct ring_options){.num = 16, .start = 65530});
	vqi_fake_mem_map(fake, VQ_HVA, layout.structs[VQI_S_VirtQueue].size);
}

static void teardown(void)
{
	vqi_queue_done(&queue);
	queue = (struct vqi_queue){0};
	fake_heap_done(&heap);
	end_ring();
}

static void poke_index(enum vqi_field_id field, uint64_t value)
{
	memcpy(vqi_fake_mem_at(fake, VQ_HVA + layout.fields[field].offset,
			       layout.fields[field].size),
	       &value, layout.fields[field].size);
}

/* QEMU's indices are in its memory as a reading had them. */
static void read_queue(void)
{
	vqi_queue_done(&queue);
	queue = flight_queue();
	queue.vq_addr = VQ_HVA;
	queue.num = 16;
	poke_index(VQI_F_VirtQueue_last_avail_idx, queue.last_avail_idx.value);
	poke_index(VQI_F_VirtQueue_used_idx, queue.used_idx.value);
	poke_index(VQI_F_VirtQueue_inuse, queue.inuse.value);
}

/* The element that QEMU has of the n-th buffer taken; its buffer is bytes behind where that of the ring is. */
static uint64_t record(size_t n, uint64_t bytes)
{
	uint64_t size = layout.structs[VQI_S_VirtQueueElement].size, element;
	const struct vqi_guest_ram ram = {&range, 1};
	struct vqi_request there = {.head = ring.taken.buffers[n].id};

	read_queue();
	ck_assert_ok(
		vqi_request_read_chain(vqi_fake_mem_base(fake), &ram, &device, &queue, &there));
	ck_assert_uint_eq(there.buffer_count, 1);
	element = fake_heap_element(&heap, size, there.head, there.buffers[0].is_written,
				    !there.buffers[0].is_written);
	fake_heap_poke(&heap, element, size, there.buffers[0].gpa + bytes);
	fake_heap_poke(&heap, element, size + 8, there.buffers[0].hva + bytes);
	fake_heap_poke(&heap, element, size + 16, there.buffers[0].len);
	vqi_request_done(&there);
	return element;
}

static void find(void)
{
	const struct vqi_guest_ram ram = {&range, 1};
	const struct vqi_requests_of of = {.mem = vqi_fake_mem_base(fake),
					   .layout = &layout,
					   .ram = &ram,
					   .device = &device,
					   .queue = &queue};
	vqi_cleanup_free struct vqi_element *elements = NULL;
	size_t count = 0;

	ck_assert_ok(vqi_elements_find(&layout, &heap.heap, &elements, &count));
	ck_assert_ok(vqi_requests_find(&of, elements, count, 0, &queue));
}

static const struct vqi_request *request_of(unsigned int head)
{
	for (size_t i = 0; i < queue.request_count; i++) {
		if (queue.requests[i].head == head)
			return &queue.requests[i];
	}
	return NULL;
}

/* Three are out, of five that were taken, one of them for long. */
static void go(void)
{
	for (int i = 0; i < 5; i++)
		add_and_pop(1);
	ring_complete(&ring, 3);
	ring_complete(&ring, 1);
	while (ring_reap(&ring))
		;
	ck_assert_uint_eq(ring.taken.count, 3);
}

START_TEST(test_records_are_all)
{
	uint64_t elements[3];

	go();
	for (size_t i = 0; i < 3; i++)
		elements[i] = record(i, 0);
	read_queue();
	find();
	ck_assert_uint_eq(queue.request_count, 3);
	for (size_t i = 0; i < 3; i++) {
		const struct vqi_request *request = request_of(ring.taken.buffers[i].id);

		ck_assert_ptr_nonnull(request);
		ck_assert_int_eq(request->source, VQI_REQUEST_QEMU);
		ck_assert(!request->is_candidate);
		ck_assert_uint_eq(request->element_hva, elements[i]);
		ck_assert_uint_eq(request->buffer_count, 1);
	}
}
END_TEST

/* The descriptors of what is in flight stay: memory that was given back has others. */
START_TEST(test_record_of_another_time)
{
	const struct vqi_request *request;

	go();
	record(0, 0);
	record(1, 0);
	record(2, 4);
	read_queue();
	find();
	request = request_of(ring.taken.buffers[2].id);
	ck_assert(!request || request->source == VQI_REQUEST_RING);
	ck_assert_int_eq(request_of(ring.taken.buffers[0].id)->source, VQI_REQUEST_QEMU);
}
END_TEST

/* Where two have one head, and the ring speaks for both, nothing is certain. */
START_TEST(test_more_records_than_requests)
{
	add_and_pop(1);
	record(0, 0);
	record(0, 0);
	read_queue();
	find();
	ck_assert_uint_eq(queue.request_count, 1);
	ck_assert(queue.requests[0].is_candidate);
}
END_TEST

START_TEST(test_ring_alone)
{
	go();
	read_queue();
	find();
	ck_assert_uint_ge(queue.request_count, 3);
	for (size_t i = 0; i < queue.request_count; i++) {
		ck_assert_int_eq(queue.requests[i].source, VQI_REQUEST_RING);
		ck_assert_uint_eq(queue.requests[i].element_hva, 0);
	}
}
END_TEST

/* What is listed of a queue that moves may be completed by now, and its ring is another's already. */
START_TEST(test_queue_that_moves)
{
	go();
	record(0, 0);
	read_queue();
	poke_index(VQI_F_VirtQueue_used_idx, queue.used_idx.value + 1);
	find();
	ck_assert_uint_eq(queue.request_count, 1);
	ck_assert(queue.requests[0].is_candidate);
	ck_assert_int_eq(queue.requests[0].source, VQI_REQUEST_QEMU);
	vqi_fake_mem_fault(fake, VQ_HVA, 8 + layout.structs[VQI_S_VirtQueue].size);
	read_queue();
	find();
	ck_assert(queue.requests[0].is_candidate);
}
END_TEST

/* In order, what is completed before its turn is not passed on, and has no record any more. */
START_TEST(test_in_order)
{
	device.guest_features = UINT64_C(1) << VQI_FEATURE_IN_ORDER;
	for (int i = 0; i < 4; i++)
		add_and_pop(1);
	record(0, 0);
	read_queue();
	find();
	ck_assert_uint_eq(queue.request_count, 1);
	ck_assert(!queue.requests[0].is_candidate);
	ck_assert_uint_eq(queue.requests[0].head, ring.taken.buffers[0].id);
}
END_TEST

START_TEST(test_vhost)
{
	go();
	record(0, 0);
	read_queue();
	device.vhost = VQI_VHOST_USER;
	queue.last_avail_idx = queue.used_idx = queue.inuse = queue.in_flight = VQI_UNKNOWN;
	find();
	ck_assert_uint_ge(queue.request_count, 3);
	for (size_t i = 0; i < queue.request_count; i++) {
		ck_assert(queue.requests[i].is_candidate && queue.requests[i].may_be_untaken);
		ck_assert_int_eq(queue.requests[i].source, VQI_REQUEST_RING);
	}
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("requests");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_records_are_all);
	tcase_add_test(tcase, test_record_of_another_time);
	tcase_add_test(tcase, test_more_records_than_requests);
	tcase_add_test(tcase, test_ring_alone);
	tcase_add_test(tcase, test_queue_that_moves);
	tcase_add_test(tcase, test_in_order);
	tcase_add_test(tcase, test_vhost);
	return unit_run("requests", tcase);
}
