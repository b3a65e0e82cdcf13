/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a ring tells of requests in flight, case by case; random histories are in request_history. */
#include <check.h>

#include "flight_ring.h"

#define DEPTH 6

static void setup(void)
{
	start_ring(&(struct ring_options){.num = 16, .start = 65500, .packed = false});
}

static void teardown(void)
{
	end_ring();
}

/* Requests come and go, the newest first, until the ring went round; then so many are out. */
static void go_round(unsigned int depth)
{
	for (unsigned int i = 0; i < 100; i++) {
		while (ring.taken.count < depth)
			add_and_pop(1);
		while (ring.taken.count > i % depth)
			ring_complete(&ring, ring.taken.count - 1);
		while (ring_reap(&ring))
			;
	}
	while (ring.taken.count < depth)
		add_and_pop(1);
}

static void look(void)
{
	struct vqi_queue queue = flight_queue();

	ck_assert_ok(find_flights(&queue));
}

static size_t count_certain(void)
{
	size_t count = 0;

	for (size_t i = 0; i < request_count; i++)
		count += !requests[i].is_candidate;
	return count;
}

/* As many as are out as ever were: others cannot be, their descriptors are empty. */
START_TEST(test_all_that_ever_were)
{
	bool seen[DEPTH] = {0};

	go_round(DEPTH);
	look();
	ck_assert_uint_eq(request_count, DEPTH);
	ck_assert_uint_eq(count_certain(), DEPTH);
	for (size_t i = 0; i < DEPTH; i++) {
		ck_assert_uint_lt(requests[i].head, DEPTH);
		ck_assert(!seen[requests[i].head]);
		seen[requests[i].head] = true;
		ck_assert_uint_eq(requests[i].buffer_count, 1);
	}
}
END_TEST

static void turn(size_t n)
{
	ring_complete(&ring, n);
	ck_assert(ring_reap(&ring));
}

/* One is stuck while another comes and goes: it is certain, and alone, as long as its entry is there. */
START_TEST(test_one_among_others)
{
	add_and_pop(1);
	add_and_pop(1);
	turn(1);
	turn(0);
	for (int i = 0; i < 3; i++) {
		add_and_pop(1);
		turn(0);
	}
	add_and_pop(1);
	add_and_pop(1);
	turn(0);
	for (int i = 0; i < 40; i++) {
		add_and_pop(1);
		turn(1);
		look();
		/* the driver may be writing over the oldest entries, as long as they differ */
		ck_assert_uint_eq(request_count, i == 13 || i == 14 ? 2 : 1);
		ck_assert_uint_eq(requests[0].head, i < 13);
		ck_assert(requests[0].is_candidate == (i >= 13));
	}
}
END_TEST

/* An entry that was used anew: the ring shows the other one only, which may be out as well. */
START_TEST(test_one_long_ago)
{
	add_and_pop(1);
	add_and_pop(1);
	for (int i = 0; i < 40; i++) {
		turn(1);
		add_and_pop(1);
	}
	turn(1);
	look();
	ck_assert_uint_eq(request_count, 1);
	ck_assert(requests[0].is_candidate);
	ck_assert_uint_eq(requests[0].head, 1);
}
END_TEST

/* Taken and untaken, before the ring went round: heads that are published anew are not out. */
START_TEST(test_first_round)
{
	start_ring(&(struct ring_options){.num = 16, .packed = _i});
	for (int i = 0; i < 4; i++)
		add_and_pop((uint16_t)(1 + i % 2));
	look();
	ck_assert_uint_eq(request_count, 4);
	ck_assert_uint_eq(count_certain(), 4);
	ring_complete(&ring, 3);
	ck_assert(ring_reap(&ring));
	ck_assert(ring_add(&ring, 1));
	ring_publish(&ring);
	look();
	ck_assert_uint_ge(count_certain(), _i ? 0 : 2);
	for (size_t i = 0; i < request_count; i++)
		ck_assert(requests[i].is_candidate ||
			  requests[i].head != ring.published.buffers[0].id);
}
END_TEST

START_TEST(test_in_order)
{
	start_ring(&(struct ring_options){.num = 16, .packed = _i});
	for (int i = 0; i < 40; i++) {
		add_and_pop(2);
		add_and_pop(1);
		if (i)
			ring_complete(&ring, 0);
		ring_complete(&ring, 0);
		while (ring_reap(&ring))
			;
	}
	device.guest_features = UINT64_C(1) << VQI_FEATURE_IN_ORDER;
	look();
	ck_assert_uint_eq(request_count, ring.taken.count);
	ck_assert_uint_eq(count_certain(), ring.taken.count);
	for (size_t i = 0; i < request_count; i++)
		ck_assert_uint_eq(requests[i].head, ring.taken.buffers[i].id);
}
END_TEST

/* A broken device has taken one more than it counts; of a ring that moved the indices are another's. */
START_TEST(test_doubtful)
{
	struct vqi_queue queue;

	start_ring(&(struct ring_options){.num = 16, .packed = _i});
	add_and_pop(1);
	add_and_pop(1);
	queue = flight_queue();
	ck_assert_ok(find_flights(&queue));
	ck_assert_uint_eq(count_certain(), 2);
	device.broken = true;
	ck_assert_ok(find_flights(&queue));
	ck_assert_uint_eq(request_count, 2);
	ck_assert_uint_eq(count_certain(), 0);
	device.broken = false;
	ring_complete(&ring, 1);
	ck_assert_ok(find_flights(&queue));
	ck_assert_uint_ge(request_count, 1);
	ck_assert_uint_eq(count_certain(), 0);
}
END_TEST

/* Places of a ring whose size does not divide 65536 are others after the wrap. */
START_TEST(test_odd_size)
{
	start_ring(&(struct ring_options){.num = 12});
	add_and_pop(1);
	look();
	ck_assert_uint_eq(request_count, 1);
	ck_assert_uint_eq(count_certain(), 0);
}
END_TEST

START_TEST(test_nothing_to_look_at)
{
	struct vqi_queue known, queue;

	start_ring(&(struct ring_options){.num = 16, .packed = _i});
	look();
	ck_assert_uint_eq(request_count, 0);
	add_and_pop(1);
	known = queue = flight_queue();
	queue.used_idx.known = false; /* as for vhost */
	ck_assert_ok(find_flights(&queue));
	queue = known;
	queue.in_flight = VQI_UNKNOWN;
	ck_assert_ok(find_flights(&queue));
	queue.in_flight = VQI_NUM(17);
	ck_assert_ok(find_flights(&queue));
	queue = known;
	queue.access = VQI_RING_SHORT;
	ck_assert_ok(find_flights(&queue));
	queue = known;
	queue.desc_hva = 0;
	ck_assert_ok(find_flights(&queue));
	queue = known;
	queue.num = 0;
	ck_assert_ok(find_flights(&queue));
	ck_assert_uint_eq(request_count, 0);
	ck_assert_uint_eq(fake->calls, 0);
	queue = known;
	queue.wrap.used = VQI_UNKNOWN;
	ck_assert_ok(find_flights(&queue));
	ck_assert_uint_eq(request_count, !_i);
}
END_TEST

/* Each byte fails once. */
START_TEST(test_every_fault)
{
	const struct {
		uint64_t addr, len;
	} areas[] = {{DESC_HVA, 16 * 16}, {AVAIL_HVA, 4 + 16 * 2}, {USED_HVA, 4 + 16 * 8}};
	struct vqi_queue queue;

	start_ring(&(struct ring_options){.num = 16, .packed = _i});
	add_and_pop(1);
	queue = flight_queue();
	for (size_t i = 0; i < (_i ? 1 : 3); i++) {
		for (uint64_t byte = 0; byte < areas[i].len; byte++) {
			vqi_fake_mem_fault(fake, areas[i].addr + byte, 1);
			ck_assert_code(find_flights(&queue), VQI_ERROR_FAULT);
			vqi_fake_mem_heal(fake);
		}
	}
	fake->gone_after = 0;
	ck_assert_code(find_flights(&queue), VQI_ERROR_GONE);
	ck_assert_uint_eq(request_count, 0);
}
END_TEST

/* A head that is none, and a used entry that is none: of a hostile guest. */
START_TEST(test_garbage)
{
	struct vqi_queue queue;

	go_round(DEPTH);
	queue = flight_queue();
	memset(ring.avail + 4, 0xff, 32);
	ck_assert_ok(find_flights(&queue));
	ck_assert_uint_eq(count_certain(), 0);
	memset(ring.used + 4, 0xff, 128);
	ck_assert_ok(find_flights(&queue));
	ck_assert_uint_eq(count_certain(), 0);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("request_ring");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_all_that_ever_were);
	tcase_add_test(tcase, test_one_among_others);
	tcase_add_test(tcase, test_one_long_ago);
	tcase_add_loop_test(tcase, test_first_round, 0, 2);
	tcase_add_loop_test(tcase, test_in_order, 0, 2);
	tcase_add_loop_test(tcase, test_doubtful, 0, 2);
	tcase_add_test(tcase, test_odd_size);
	tcase_add_loop_test(tcase, test_nothing_to_look_at, 0, 2);
	tcase_add_loop_test(tcase, test_every_fault, 0, 2);
	tcase_add_test(tcase, test_garbage);
	return unit_run("request_ring", tcase);
}
