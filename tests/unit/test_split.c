/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "ring_view.h"
#include "unit.h"

#define NUM 8

static uint8_t desc[RING_MAX * 16], avail[6 + 2 * RING_MAX], used[6 + 8 * RING_MAX];
static struct ring_builder ring;

static void start(const struct ring_options *options)
{
	memset(desc, 0, sizeof(desc));
	memset(avail, 0, sizeof(avail));
	memset(used, 0, sizeof(used));
	ring_init(&ring, options, desc, avail, used);
}

static void setup(void)
{
	start(&(struct ring_options){.num = NUM, .event_idx = true});
}

static void publish(int count)
{
	for (int i = 0; i < count; i++)
		ck_assert(ring_add(&ring, 1));
	ring_publish(&ring);
}

static void pop(int count)
{
	for (int i = 0; i < count; i++)
		ck_assert(ring_pop(&ring));
}

static void complete(int count)
{
	for (int i = 0; i < count; i++)
		ring_complete(&ring, 0);
}

static void assert_num(struct vqi_num num, uint64_t value)
{
	ck_assert(num.known);
	ck_assert_uint_eq(num.value, value);
}

/* 5 published, of which 4 are seen, 3 taken, 2 completed, 1 reaped. */
static void make_one_of_each(void)
{
	publish(4);
	pop(3);
	complete(2);
	ck_assert(ring_reap(&ring));
	publish(1);
}

static void assert_one_of_each(uint16_t first)
{
	struct vqi_queue queue = ring_decode(&ring);

	assert_num(queue.avail_idx, (uint16_t)(first + 5));
	assert_num(queue.used_ring_idx, (uint16_t)(first + 2));
	assert_num(queue.avail_flags, 0);
	assert_num(queue.used_flags, 0);
	assert_num(queue.used_event, (uint16_t)(first + 1));
	assert_num(queue.avail_event, (uint16_t)(first + 3));
	assert_num(queue.unseen, 1);
	assert_num(queue.in_flight, 1);
	assert_num(queue.unreaped, 1);
	ck_assert_uint_eq(queue.ring_faults, 0);
}

START_TEST(test_one_of_each)
{
	make_one_of_each();
	assert_one_of_each(0);
}
END_TEST

/* At every place around the end of the 16 bits. */
START_TEST(test_across_the_wrap)
{
	for (uint16_t first = 65525; first != 10; first++) {
		start(&(struct ring_options){.num = NUM, .event_idx = true, .start = first});
		make_one_of_each();
		assert_one_of_each(first);
	}
}
END_TEST

START_TEST(test_big_endian)
{
	start(&(struct ring_options){
		.num = NUM, .event_idx = true, .big_endian = true, .start = 258});
	make_one_of_each();
	assert_one_of_each(258);
}
END_TEST

START_TEST(test_without_event_idx)
{
	struct vqi_queue queue;

	start(&(struct ring_options){.num = NUM});
	make_one_of_each();
	ring_set_notification(&ring, false);
	ring_set_interrupts(&ring, false);
	queue = ring_decode(&ring);
	assert_num(queue.avail_idx, 5);
	assert_num(queue.avail_flags, 1);
	assert_num(queue.used_flags, 1);
	assert_num(queue.unseen, 1);
	assert_num(queue.in_flight, 1);
	ck_assert(!queue.used_event.known);
	ck_assert(!queue.avail_event.known);
	ck_assert(!queue.unreaped.known);
}
END_TEST

START_TEST(test_full_ring)
{
	struct vqi_queue queue;

	publish(NUM);
	queue = ring_decode(&ring);
	assert_num(queue.unseen, NUM);
	assert_num(queue.in_flight, 0);
	ck_assert_uint_eq(queue.ring_faults, 0);
	pop(NUM);
	queue = ring_decode(&ring);
	assert_num(queue.unseen, 0);
	assert_num(queue.in_flight, NUM);
	complete(NUM);
	queue = ring_decode(&ring);
	assert_num(queue.in_flight, 0);
	assert_num(queue.unreaped, NUM);
}
END_TEST

/* What did not arrive is unknown, and so is all that follows from it. */
START_TEST(test_missing_parts)
{
	struct vqi_ring_bytes bytes;
	struct vqi_queue queue;

	make_one_of_each();
	bytes = ring_view(&ring);
	bytes.avail_len = 0;
	queue = ring_queue(&ring);
	vqi_split_decode(&bytes, &queue);
	ck_assert(!queue.avail_idx.known && !queue.avail_flags.known && !queue.used_event.known);
	ck_assert(!queue.unseen.known && !queue.unreaped.known);
	assert_num(queue.used_ring_idx, 2);
	assert_num(queue.in_flight, 1);
	ck_assert_uint_eq(queue.ring_faults, 0);

	bytes = ring_view(&ring);
	bytes.used_len = 0;
	bytes.used_tail = NULL;
	queue = ring_queue(&ring);
	vqi_split_decode(&bytes, &queue);
	ck_assert(!queue.used_ring_idx.known && !queue.used_flags.known);
	ck_assert(!queue.avail_event.known && !queue.unreaped.known);
	assert_num(queue.unseen, 1);
	ck_assert_uint_eq(queue.ring_faults, 0);
}
END_TEST

/* A cache may be shorter than the ring: nothing behind its end is looked at. */
START_TEST(test_every_length)
{
	uint8_t *exact;

	publish(NUM);
	for (size_t len = 0; len <= ring_avail_size(&ring.options); len++) {
		struct vqi_ring_bytes bytes = ring_view(&ring);
		struct vqi_queue queue = ring_queue(&ring);

		exact = malloc(len ? len : 1); /* its end is guarded */
		ck_assert_ptr_nonnull(exact);
		memcpy(exact, avail, len);
		bytes.avail = exact;
		bytes.avail_len = len;
		vqi_split_decode(&bytes, &queue);
		ck_assert(queue.avail_idx.known == (len >= 4));
		ck_assert(queue.used_event.known == (len >= 4 + 2 * NUM + 2));
		ck_assert_uint_eq(queue.ring_faults, 0);
		free(exact);
	}
}
END_TEST

/* vhost: QEMU's own indices are stale, and not given. */
START_TEST(test_vhost)
{
	struct vqi_ring_bytes bytes;
	struct vqi_queue queue = {.kind = VQI_KIND_REQUEST, .num = NUM, .vector = VQI_NUM(1)};

	make_one_of_each();
	bytes = ring_view(&ring);
	bytes.vhost = true;
	vqi_split_decode(&bytes, &queue);
	assert_num(queue.avail_idx, 5);
	assert_num(queue.used_ring_idx, 2);
	ck_assert(!queue.unseen.known && !queue.in_flight.known);
	assert_num(queue.unreaped, 1);
	ck_assert_uint_eq(queue.ring_faults, 0);
	avail[2] = 2 + NUM + 1;
	vqi_split_decode(&bytes, &queue);
	ck_assert_uint_eq(queue.ring_faults, VQI_RING_AVAIL_AHEAD);
}
END_TEST

START_TEST(test_avail_too_far_ahead)
{
	struct vqi_queue queue;

	publish(NUM);
	pop(2);
	avail[2] = 2 + NUM;
	queue = ring_decode(&ring);
	ck_assert_uint_eq(queue.ring_faults, 0);
	avail[2] = 2 + NUM + 1;
	queue = ring_decode(&ring);
	ck_assert_uint_eq(queue.ring_faults, VQI_RING_AVAIL_AHEAD);
	assert_num(queue.avail_idx, 2 + NUM + 1);
	/* or behind */
	avail[2] = 1;
	queue = ring_decode(&ring);
	ck_assert_uint_eq(queue.ring_faults, VQI_RING_AVAIL_AHEAD);
}
END_TEST

/* A device that took as many as the ring can hold broke at the next. One that works may be torn. */
START_TEST(test_broken_at_one_too_many)
{
	struct vqi_ring_bytes bytes;
	struct vqi_queue queue;

	for (int broken = 0; broken < 2; broken++) {
		queue = ring_decode(&ring);
		queue.last_avail_idx = VQI_NUM((uint16_t)(queue.used_idx.value + NUM));
		avail[2] = (uint8_t)(queue.last_avail_idx.value + 1);
		bytes = ring_view(&ring);
		bytes.broken = broken;
		vqi_split_decode(&bytes, &queue);
		ck_assert_uint_eq(queue.ring_faults, broken ? VQI_RING_AVAIL_AHEAD : 0);
	}
}
END_TEST

/* Only of those not taken: a head that was taken is not looked at again. */
START_TEST(test_bad_head)
{
	publish(4);
	pop(2);
	for (int i = 0; i < NUM; i++) {
		uint8_t before = avail[4 + 2 * i];

		avail[4 + 2 * i] = NUM;
		ck_assert_uint_eq(ring_decode(&ring).ring_faults,
				  i == 2 || i == 3 ? VQI_RING_BAD_HEAD : 0);
		avail[4 + 2 * i] = NUM - 1;
		ck_assert_uint_eq(ring_decode(&ring).ring_faults, 0);
		avail[4 + 2 * i] = before;
	}
}
END_TEST

START_TEST(test_used_mismatch)
{
	make_one_of_each();
	used[2] = 1;
	ck_assert_uint_eq(ring_decode(&ring).ring_faults, VQI_RING_USED_MISMATCH);
	avail[2] = 100;
	ck_assert_uint_eq(ring_decode(&ring).ring_faults,
			  VQI_RING_USED_MISMATCH | VQI_RING_AVAIL_AHEAD);
}
END_TEST

/* used_event is evidence only where it fits. */
START_TEST(test_unreaped)
{
	static const struct {
		enum vqi_queue_kind kind;
		uint16_t used, event;
		bool no_interrupt;
		int unreaped; /* -1: unknown */
	} cases[] = {
		{VQI_KIND_REQUEST, 5, 5, false, 0},	{VQI_KIND_REQUEST, 5, 3, false, 2},
		{VQI_KIND_REQUEST, 2, 65534, false, 4}, {VQI_KIND_REQUEST, 12, 4, false, NUM},
		{VQI_KIND_REQUEST, 13, 4, false, -1}, /* further behind than can be */
		{VQI_KIND_REQUEST, 5, 6, false, -1},  /* ahead: asked to hear later */
		{VQI_KIND_REQUEST, 5, 0, false, 5},	{VQI_KIND_REQUEST, 0, 0, false, 0},
		{VQI_KIND_REQUEST, 5, 0, true, -1}, /* Linux: no interrupts */
		{VQI_KIND_REQUEST, 5, 3, true, 2},	{VQI_KIND_RECEIVE, 5, 3, false, 2},
		{VQI_KIND_RECEIVE, 5, 0, false, -1}, /* Linux: while it polls */
		{VQI_KIND_RECEIVE, 0, 0, false, 0},	{VQI_KIND_SEND, 5, 3, false, -1},
		{VQI_KIND_UNKNOWN, 5, 3, false, -1},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct vqi_ring_bytes bytes = ring_view(&ring);
		struct vqi_queue queue = ring_queue(&ring);

		queue.kind = cases[i].kind;
		bytes.no_interrupt = cases[i].no_interrupt;
		memcpy(used + 2, &cases[i].used, 2); /* little-endian, as the hosts of QEMU */
		memcpy(avail + 4 + 2 * NUM, &cases[i].event, 2);
		vqi_split_decode(&bytes, &queue);
		ck_assert_msg(queue.unreaped.known == (cases[i].unreaped >= 0) &&
				      (!queue.unreaped.known ||
				       queue.unreaped.value == (uint64_t)cases[i].unreaped),
			      "case %zu: %d %llu", i, queue.unreaped.known,
			      (unsigned long long)queue.unreaped.value);
	}
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("split");

	tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_add_test(tcase, test_one_of_each);
	tcase_add_test(tcase, test_across_the_wrap);
	tcase_add_test(tcase, test_big_endian);
	tcase_add_test(tcase, test_without_event_idx);
	tcase_add_test(tcase, test_full_ring);
	tcase_add_test(tcase, test_missing_parts);
	tcase_add_test(tcase, test_every_length);
	tcase_add_test(tcase, test_vhost);
	tcase_add_test(tcase, test_avail_too_far_ahead);
	tcase_add_test(tcase, test_broken_at_one_too_many);
	tcase_add_test(tcase, test_bad_head);
	tcase_add_test(tcase, test_used_mismatch);
	tcase_add_test(tcase, test_unreaped);
	return unit_run("split", tcase);
}
