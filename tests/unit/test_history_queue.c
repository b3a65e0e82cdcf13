/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "history_queue.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"
#include "watched.h"

static void set_up(uint16_t index)
{
	watched.queue->avail_idx = watched.queue->last_avail_idx = watched.queue->shadow_avail_idx =
		VQI_NUM(index);
	watched.queue->used_idx = watched.queue->used_ring_idx = VQI_NUM(index);
}

static void ck_assert_rate(struct vqi_rate rate, double wanted)
{
	ck_assert(rate.known);
	ck_assert(!rate.at_least);
	ck_assert_double_eq_tol(rate.per_second, wanted, 1e-6);
}

START_TEST(test_one_look_has_no_rates)
{
	const struct vqi_queue_history *seen = watched_look(0);

	ck_assert(!seen->published.known);
	ck_assert(!seen->completed.known);
	ck_assert(!seen->reaped.known);
	ck_assert(vqi_num_is(seen->depth, 0));
	ck_assert(!seen->oldest_ms.known);
	ck_assert(!seen->has_moved);
	ck_assert_uint_eq(seen->state, VQI_QUEUE_IDLE);
	ck_assert_uint_eq(seen->state_ms, 0);
}
END_TEST

START_TEST(test_rates)
{
	const struct vqi_queue_history *seen;

	watched_look(0);
	watched_go_on(30, 20);
	watched.queue->unreaped = VQI_NUM(15);
	seen = watched_look(2 * SECOND);
	ck_assert_rate(seen->published, 15);
	ck_assert_rate(seen->completed, 10);
	ck_assert_rate(seen->reaped, 2.5);
	ck_assert(vqi_num_is(seen->depth, 10));
	ck_assert(seen->has_moved);
	seen = watched_look(SECOND);
	ck_assert_rate(seen->published, 0);
	ck_assert_uint_eq(seen->still_ms, 1000);
}
END_TEST

START_TEST(test_rates_across_the_wrap)
{
	const struct vqi_queue_history *seen;

	set_up(65530);
	watched_look(0);
	watched_go_on(20, 20);
	seen = watched_look(SECOND);
	ck_assert_rate(seen->published, 20);
	ck_assert_rate(seen->completed, 20);
	ck_assert_rate(seen->reaped, 20);
}
END_TEST

START_TEST(test_looks_that_are_close_are_taken_together)
{
	const struct vqi_queue_history *seen = NULL;

	watched_look(0);
	for (int i = 0; i < 40; i++) {
		if (i % 10 == 0)
			watched_go_on(50, 50);
		seen = watched_look(SECOND / 20);
	}
	ck_assert(seen->completed.known);
	ck_assert(seen->completed.per_second >= 50 && seen->completed.per_second < 120);
}
END_TEST

START_TEST(test_looks_at_one_time)
{
	watched_look(0);
	watched_go_on(5, 5);
	ck_assert(!watched_look(0)->published.known);
}
END_TEST

START_TEST(test_unknown_stays_unknown)
{
	const struct vqi_queue_history *seen;

	watched_look(0);
	watched_go_on(5, 5);
	watched.queue->avail_idx = VQI_UNKNOWN;
	watched.queue->unreaped = VQI_UNKNOWN;
	seen = watched_look(SECOND);
	ck_assert(!seen->published.known);
	ck_assert(!seen->reaped.known);
	ck_assert(!seen->depth.known);
	ck_assert_rate(seen->completed, 5);
	/* What was not seen in between belongs to no look. */
	watched.queue->avail_idx = VQI_NUM(1500);
	ck_assert(!watched_look(SECOND)->published.known);
	watched.queue->avail_idx = VQI_NUM(1502);
	ck_assert_rate(watched_look(SECOND)->published, 2);
}
END_TEST

START_TEST(test_of_vhost_the_ring_tells)
{
	const struct vqi_queue_history *seen;

	vqi_sample_vhost(&watched.sample);
	watched.queue = &watched.sample.devices[0].queues[1];
	watched.queue->avail_idx = VQI_NUM(80);
	watched_look(0);
	watched.queue->avail_idx = VQI_NUM(90);
	watched.queue->used_ring_idx = VQI_NUM(81);
	seen = watched_look(SECOND);
	ck_assert_rate(seen->published, 10);
	ck_assert_rate(seen->completed, 4);
	ck_assert(vqi_num_is(seen->depth, 9));
}
END_TEST

START_TEST(test_a_ring_that_is_set_up_anew_has_no_absurd_rate)
{
	const struct vqi_queue_history *seen;

	watched_look(0);
	watched_go_on(10, 10);
	watched_look(SECOND);
	set_up(5); /* the same place: the guest was booted again */
	seen = watched_look(SECOND);
	ck_assert(!seen->published.known);
	ck_assert(!seen->completed.known);
	watched_go_on(3, 3);
	ck_assert_rate(watched_look(SECOND)->published, 3);
	watched.queue->num = 128;
	set_up(9);
	ck_assert(!watched_look(SECOND)->published.known);
	watched_go_on(4, 4);
	ck_assert_rate(watched_look(SECOND)->published, 4);
	watched.queue->desc_gpa = 0x9000;
	set_up(11);
	ck_assert(!watched_look(SECOND)->published.known);
	watched.queue->desc_gpa = 0; /* not set up */
	ck_assert(!watched_look(SECOND)->published.known);
	ck_assert(!watched_look(SECOND)->published.known);
}
END_TEST

START_TEST(test_a_queue_may_be_very_fast)
{
	const struct vqi_queue_history *seen;

	watched_look(0);
	watched_go_on(40000, 40000);
	ck_assert(!watched_look(SECOND)->published.known);
	watched_go_on(40000, 40000);
	seen = watched_look(SECOND);
	ck_assert(seen->published.known);
	ck_assert(seen->published.at_least);
	ck_assert_double_eq_tol(seen->published.per_second, 40000, 1);
	watched_go_on(100, 100);
	ck_assert_rate(watched_look(SECOND)->published, 100);
}
END_TEST

START_TEST(test_what_is_reaped_may_go_back)
{
	const struct vqi_queue_history *seen;

	watched_look(0);
	watched_go_on(10, 10);
	watched.queue->unreaped = VQI_NUM(30);
	seen = watched_look(SECOND);
	ck_assert(!seen->reaped.known);
	ck_assert_rate(seen->completed, 10);
}
END_TEST

START_TEST(test_a_packed_ring_counts_places)
{
	const struct vqi_queue_history *seen;

	vqi_sample_packed(&watched.sample);
	watched.queue = &watched.sample.devices[0].queues[0];
	watched.queue->unreaped = VQI_UNKNOWN;
	watched.queue->unseen = VQI_NUM(3);
	watched.queue->in_flight = VQI_NUM(4);
	watched.queue->desc_digest = VQI_NUM(1);
	watched_look(0);
	seen = watched_look(SECOND);
	ck_assert_rate(seen->published, 0);
	/* From 255 over the end to 3. */
	watched.queue->avail_idx = VQI_NUM(3);
	watched.queue->wrap.avail = VQI_NUM(0);
	seen = watched_look(SECOND);
	ck_assert_double_eq_tol(seen->published.per_second, 4, 1e-6);
	ck_assert(seen->published.at_least);
	ck_assert(vqi_num_is(seen->depth, 7));
	/* All of the places again, and other descriptors: it went round. */
	watched.queue->desc_digest = VQI_NUM(2);
	seen = watched_look(SECOND);
	ck_assert(seen->published.at_least);
	ck_assert_double_eq_tol(seen->published.per_second, 0, 1e-6);
	ck_assert_uint_eq(seen->still_ms, 0);
}
END_TEST

START_TEST(test_packed_nonsense)
{
	vqi_sample_packed(&watched.sample);
	watched.queue = &watched.sample.devices[0].queues[0];
	watched.queue->num = 0;
	watched_look(0);
	ck_assert(!watched_look(SECOND)->published.known);
	watched.queue->num = 4;
	watched_look(SECOND);
	watched.queue->avail_idx = VQI_NUM(3);
	watched.queue->used_idx = VQI_NUM(70000);
	watched_look(SECOND);
	ck_assert(watched_look(SECOND)->published.known);
	ck_assert(!watched_look(SECOND)->completed.known);
}
END_TEST

START_TEST(test_states_last)
{
	const struct vqi_queue_history *seen;

	watched_look(0);
	ck_assert_uint_eq(watched_look(SECOND)->state_ms, 1000);
	watched_go_on(4, 0);
	ck_assert_uint_eq(watched_look(SECOND)->state_ms, 0);
	watched_look(SECOND);
	ck_assert_uint_eq(watched_look(SECOND)->state_ms, 2000);
	/* It has been stuck since it was last seen to move. */
	watched.queue->state = VQI_QUEUE_STUCK;
	seen = watched_look(SECOND);
	ck_assert_uint_eq(seen->state_ms, 3000);
	ck_assert_uint_eq(seen->still_ms, 3000);
	ck_assert_uint_eq(watched_look(SECOND)->state_ms, 4000);
}
END_TEST

START_TEST(test_the_oldest_request)
{
	watched_look(0);
	watched_go_on(3, 0);
	ck_assert(vqi_num_is(watched_look(SECOND)->oldest_ms, 0));
	watched_go_on(2, 1);
	ck_assert(vqi_num_is(watched_look(SECOND)->oldest_ms, 1000));
	/* Three are completed in all; in whatever order, those of the first look may be. */
	watched_go_on(1, 2);
	ck_assert(vqi_num_is(watched_look(SECOND)->oldest_ms, 1000));
	watched_go_on(0, 3);
	ck_assert(!watched_look(SECOND)->oldest_ms.known);
}
END_TEST

START_TEST(test_the_oldest_request_is_remembered_longer_than_the_looks)
{
	const struct vqi_queue_history *seen = NULL;

	watched_look(0);
	watched_go_on(200, 0);
	watched_look(SECOND);
	for (int i = 0; i < 3 * VQI_HISTORY_LOOKS; i++) {
		watched_go_on(1, 1);
		seen = watched_look(SECOND);
	}
	ck_assert_uint_eq(seen->oldest_ms.value, 1000 * 3 * VQI_HISTORY_LOOKS);
	watched_go_on(9, 9); /* 201 of 200 */
	ck_assert_uint_lt(watched_look(SECOND)->oldest_ms.value, 1000 * (VQI_HISTORY_LOOKS + 1));
}
END_TEST

START_TEST(test_qemu_accounts_for_an_age)
{
	struct vqi_request requests[] = {
		{.age = VQI_AGE_EXACT, .age_ms = 5000},
		{.age = VQI_AGE_EXACT, .age_ms = 7000},
		{.age = VQI_AGE_EXACT, .age_ms = 90000, .is_candidate = true},
		{.age = VQI_AGE_UNKNOWN, .age_ms = 80000},
	};

	watched_look(0);
	watched_go_on(2, 0);
	watched.queue->requests = requests;
	watched.queue->request_count = 4;
	ck_assert(vqi_num_is(watched_look(SECOND)->oldest_ms, 7000));
	/* No other look is as close, and as long as nothing is completed it is there still. */
	watched.queue->requests = NULL;
	watched.queue->request_count = 0;
	ck_assert(vqi_num_is(watched_look(SECOND)->oldest_ms, 8000));
	watched_go_on(0, 1);
	ck_assert(vqi_num_is(watched_look(SECOND)->oldest_ms, 2000));
}
END_TEST

START_TEST(test_buffers_that_wait_are_no_requests)
{
	const struct vqi_queue_history *seen;

	watched.queue = &watched.sample.devices[1].queues[0];
	ck_assert_uint_eq(watched.queue->kind, VQI_KIND_RECEIVE);
	watched.queue->avail_idx = VQI_NUM(watched.queue->used_idx.value + 200);
	watched_look(0);
	watched_look(SECOND);
	seen = vqi_history_queue(watched.history, &watched.sample.devices[1], watched.queue);
	ck_assert(vqi_num_is(seen->depth, 200));
	ck_assert(!seen->oldest_ms.known);
}
END_TEST

START_TEST(test_depths)
{
	struct vqi_num depths[VQI_HISTORY_LOOKS + 1];
	const struct vqi_queue_history *seen = watched_look(0);

	ck_assert_uint_eq(vqi_queue_history_depths(seen, depths, 8), 1);
	watched_go_on(5, 0);
	watched_look(SECOND);
	watched_go_on(0, 2);
	seen = watched_look(SECOND);
	ck_assert_uint_eq(vqi_queue_history_depths(seen, depths, 8), 3);
	ck_assert(vqi_num_is(depths[0], 0));
	ck_assert(vqi_num_is(depths[1], 5));
	ck_assert(vqi_num_is(depths[2], 3));
	ck_assert_uint_eq(vqi_queue_history_depths(seen, depths, 1), 1);
	ck_assert(vqi_num_is(depths[0], 3));
	for (int i = 0; i < VQI_HISTORY_LOOKS; i++)
		seen = watched_look(SECOND);
	ck_assert_uint_eq(vqi_queue_history_depths(seen, depths, VQI_HISTORY_LOOKS + 1),
			  VQI_HISTORY_LOOKS);
	ck_assert(vqi_num_is(depths[0], 3));
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("history_queue");

	tcase_add_checked_fixture(tcase, watched_setup, watched_teardown);
	tcase_add_test(tcase, test_one_look_has_no_rates);
	tcase_add_test(tcase, test_rates);
	tcase_add_test(tcase, test_rates_across_the_wrap);
	tcase_add_test(tcase, test_looks_that_are_close_are_taken_together);
	tcase_add_test(tcase, test_looks_at_one_time);
	tcase_add_test(tcase, test_unknown_stays_unknown);
	tcase_add_test(tcase, test_of_vhost_the_ring_tells);
	tcase_add_test(tcase, test_a_ring_that_is_set_up_anew_has_no_absurd_rate);
	tcase_add_test(tcase, test_a_queue_may_be_very_fast);
	tcase_add_test(tcase, test_what_is_reaped_may_go_back);
	tcase_add_test(tcase, test_a_packed_ring_counts_places);
	tcase_add_test(tcase, test_packed_nonsense);
	tcase_add_test(tcase, test_states_last);
	tcase_add_test(tcase, test_the_oldest_request);
	tcase_add_test(tcase, test_the_oldest_request_is_remembered_longer_than_the_looks);
	tcase_add_test(tcase, test_qemu_accounts_for_an_age);
	tcase_add_test(tcase, test_buffers_that_wait_are_no_requests);
	tcase_add_test(tcase, test_depths);
	return unit_run("history_queue", tcase);
}
