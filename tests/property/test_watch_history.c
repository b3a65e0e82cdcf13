/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Random histories of a queue across the wrap of its indices: what a watch makes of its looks is the truth, which is
 * kept here request by request.
 *
 * VQI_SEED, a number, repeats the histories of an earlier run. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sample.h"
#include "unit.h"
#include "vqi/history.h"

#define LOOKS	  2000
#define HISTORIES 30
#define SECOND	  UINT64_C(1000000000)

static uint64_t seed, state; /* of the run; of the history under way */
static struct vqi_sample sample;
static struct vqi_queue *queue;

/* The truth: when each request in flight was published, and the totals. */
static uint64_t flight[256];
static size_t in_flight;
static uint64_t published, completed;

/* xorshift64* */
static uint32_t below(uint32_t limit)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (uint32_t)((state * UINT64_C(0x2545f4914f6cdd1d)) >> 33) % limit;
}

static void publish(uint64_t now)
{
	if (in_flight == queue->num)
		return;
	flight[in_flight++] = now;
	published++;
}

/* Any one of them, mostly not in order. */
static void complete(void)
{
	size_t which;

	if (!in_flight)
		return;
	which = below((uint32_t)in_flight);
	flight[which] = flight[--in_flight];
	completed++;
}

static uint64_t oldest(void)
{
	uint64_t first = UINT64_MAX;

	for (size_t i = 0; i < in_flight; i++)
		first = flight[i] < first ? flight[i] : first;
	return first;
}

/* Up to an index that a busy queue has within a look. */
static void go_on(uint64_t now)
{
	static const uint32_t bursts[] = {1, 4, 300, 3000};
	uint32_t steps = below(bursts[below(4)] + 1);
	uint32_t bias = 1 + below(3); /* fills, drains, or neither */

	for (uint32_t i = 0; i < steps; i++) {
		if (below(4) < bias)
			publish(now);
		else
			complete();
	}
}

static void show(uint16_t start)
{
	queue->avail_idx = VQI_NUM((uint16_t)(start + published));
	queue->last_avail_idx = queue->shadow_avail_idx = queue->avail_idx;
	queue->used_idx = queue->used_ring_idx = VQI_NUM((uint16_t)(start + completed));
	queue->in_flight = VQI_NUM(in_flight);
	queue->state = in_flight ? VQI_QUEUE_BUSY : VQI_QUEUE_IDLE;
}

static void check_rate(const struct vqi_rate *rate, uint64_t count, uint64_t time_ns)
{
	ck_assert(rate->known);
	ck_assert(!rate->at_least);
	ck_assert_double_eq_tol(rate->per_second, (double)count * 1e9 / (double)time_ns, 1e-3);
}

static void run(uint64_t number)
{
	vqi_cleanup(vqi_history_free) struct vqi_history *history = NULL;
	uint64_t now = SECOND, published_before, completed_before, age;
	uint16_t start;

	state = (seed + number) * UINT64_C(0x9e3779b97f4a7c15) | 1;
	start = (uint16_t)(65000 + below(1000));
	in_flight = 0;
	published = completed = 0;
	vqi_sample_healthy(&sample);
	queue = &sample.devices[0].queues[0];
	ck_assert_ok(vqi_history_new(&history));
	show(start);
	ck_assert_ok(vqi_history_add(history, &sample.snapshot, now));
	for (int i = 0; i < LOOKS; i++) {
		uint64_t after = SECOND + below(1000) * (SECOND / 1000);
		const struct vqi_queue_history *seen;

		published_before = published;
		completed_before = completed;
		go_on(now + after / 2);
		now += after;
		show(start);
		ck_assert_ok(vqi_history_add(history, &sample.snapshot, now));
		seen = vqi_history_queue(history, &sample.devices[0], queue);
		check_rate(&seen->published, published - published_before, after);
		check_rate(&seen->completed, completed - completed_before, after);
		ck_assert(vqi_num_is(seen->depth, in_flight));
		ck_assert_int_eq(seen->oldest_ms.known, in_flight != 0);
		age = in_flight ? (now - oldest()) / (SECOND / 1000) : 0;
		ck_assert_uint_le(seen->oldest_ms.value, age);
	}
}

START_TEST(test_histories)
{
	run((uint64_t)_i);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("watch_history");
	const char *given = getenv("VQI_SEED");

	seed = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
	fprintf(stderr, "VQI_SEED=%llu\n", (unsigned long long)seed);
	tcase_set_timeout(tcase, 120);
	tcase_add_loop_test(tcase, test_histories, 0, HISTORIES);
	return unit_run("watch_history", tcase);
}
