/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Random histories of a ring whose requests are completed in any order: what is told to be in flight is, and
 * all that is in flight is found where that is claimed.
 *
 * VQI_SEED, a number, repeats the histories of an earlier run. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "flight_ring.h"
#include "guest_int.h"

#define STEPS 1500

static uint64_t seed, state; /* of the run; of the history under way */
static unsigned int exact, certain, looks;

/* How a driver and a device behave. */
struct habit {
	struct ring_options options;
	bool in_order;
	uint32_t max_descs;
	uint32_t depth;	 /* requests that the driver has out at most */
	uint32_t sticky; /* the oldest so many are never completed */
	uint32_t batch;	 /* requests added before they are published, at most */
	bool warm;	 /* the ring went round before */
};

/* xorshift64* */
static uint32_t below(uint32_t limit)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (uint32_t)((state * UINT64_C(0x2545f4914f6cdd1d)) >> 33) % limit;
}

static void warm_up(void)
{
	for (uint32_t i = 0; i < 2u * ring.options.num; i++) {
		ck_assert(ring_add(&ring, 1));
		ring_publish(&ring);
		ck_assert(ring_pop(&ring));
		ring_complete(&ring, 0);
		ck_assert(ring_reap(&ring));
	}
}

static void start(const struct habit *habit, uint64_t number)
{
	state = (seed + number) * UINT64_C(0x9e3779b97f4a7c15) | 1;
	start_ring(&habit->options);
	device.guest_features = (uint64_t)habit->in_order << VQI_FEATURE_IN_ORDER;
	exact = certain = looks = 0;
	if (habit->warm)
		warm_up();
}

static size_t outstanding(void)
{
	return ring.added.count + ring.published.count + ring.taken.count;
}

static void add(const struct habit *habit)
{
	if (outstanding() >= habit->depth)
		return;
	if (below(3))
		ring_add(&ring, (uint16_t)(1 + below(habit->max_descs)));
	else
		ring_add_indirect(&ring, (uint16_t)(1 + below(8)));
	if (ring.added.count >= 1 + below(habit->batch))
		ring_publish(&ring);
}

static void complete(const struct habit *habit)
{
	size_t count = ring.taken.count;

	if (habit->in_order && count)
		ring_complete(&ring, 0);
	else if (count > habit->sticky)
		ring_complete(&ring, habit->sticky + below((uint32_t)(count - habit->sticky)));
	else if (count && below(500) == 0) /* at last */
		ring_complete(&ring, below((uint32_t)count));
}

static void step(const struct habit *habit)
{
	switch (below(5)) {
	case 0:
	case 1:
		add(habit);
		break;
	case 2:
		ring_pop(&ring);
		break;
	case 3:
		complete(habit);
		break;
	default:
		while (ring_reap(&ring) && below(2))
			;
	}
}

static const struct ring_buffer *find_taken(unsigned int head)
{
	for (size_t i = 0; i < ring.taken.count; i++) {
		if (ring.taken.buffers[i].id == head)
			return &ring.taken.buffers[i];
	}
	return NULL;
}

static bool is_listed(size_t count, unsigned int head)
{
	for (size_t i = 0; i < count; i++) {
		if (requests[i].head == head)
			return true;
	}
	return false;
}

/* Whether the entry of a buffer was used anew: packed, whether a used descriptor lies over all of it. */
static bool is_overwritten(const struct ring_buffer *buffer)
{
	uint16_t num = ring.options.num;
	uint32_t last = buffer->place + buffer->descs - 1u;

	if (ring.options.packed) /* nobody else has its id */
		return (last + num - ring.used_idx) % num >= ring_count(&ring, &ring.taken) ||
		       vqi_guest_u16(ring.desc + (size_t)(last % num) * 16 + 12, false) !=
			       buffer->id;
	for (size_t i = ring.added.count; i < num; i++) {
		uint16_t index = (uint16_t)(ring.avail_idx - num + i);
		const uint8_t *entry = ring.avail + 4 + 2 * (size_t)(index % num);

		if (vqi_guest_u16(entry, ring.options.big_endian) == buffer->id)
			return false;
	}
	return true;
}

static void assert_buffers(const struct vqi_request *request, const struct ring_buffer *buffer)
{
	size_t count = buffer->table ? buffer->table : buffer->descs;

	if (ring.options.packed && !request->ndescs) {
		ck_assert_uint_eq(request->buffer_count, 0);
		return;
	}
	ck_assert_uint_eq(request->ndescs, buffer->descs);
	ck_assert_uint_eq(request->buffer_count, count);
	for (size_t i = 0; i < count; i++) {
		const struct vqi_buffer *found = &request->buffers[i];

		ck_assert_uint_eq(found->hva - BUFFER_HVA, found->gpa - RING_GPA);
		ck_assert_uint_eq(found->len,
				  buffer->table ? RING_BUFFER / 2 - i : RING_BUFFER - i);
		ck_assert(count == 1 || found->is_written == (i >= count / 2));
	}
}

static void assert_listed(bool is_exact)
{
	bool is_in_order = true;

	for (size_t i = 0; i < request_count; i++) {
		const struct ring_buffer *buffer = find_taken(requests[i].head);

		ck_assert_int_eq(requests[i].source, VQI_REQUEST_RING);
		ck_assert_msg(buffer || requests[i].is_candidate,
			      "VQI_SEED=%llu: %u is not in flight (num %u, packed %d)",
			      (unsigned long long)seed, requests[i].head, ring.options.num,
			      ring.options.packed);
		ck_assert(!is_listed(i, requests[i].head));
		ck_assert(i == 0 || requests[i].is_candidate || !requests[i - 1].is_candidate);
		if (buffer)
			assert_buffers(&requests[i], buffer);
		certain += !requests[i].is_candidate;
	}
	/* the oldest first, as far as the ring tells */
	for (size_t i = 0; i < ring.taken.count; i++) {
		uint16_t id = ring.taken.buffers[i].id;

		ck_assert_msg(is_listed(request_count, id) ||
				      (!is_exact && is_overwritten(&ring.taken.buffers[i])),
			      "VQI_SEED=%llu: %u is not listed (num %u, packed %d, exact %d)",
			      (unsigned long long)seed, id, ring.options.num, ring.options.packed,
			      is_exact);
		is_in_order = is_in_order && !is_overwritten(&ring.taken.buffers[i]);
		ck_assert(!is_exact || !is_in_order || requests[i].head == id);
	}
}

static void look(void)
{
	struct vqi_queue queue = flight_queue();
	bool is_exact = true;

	ck_assert_ok(find_flights(&queue));
	for (size_t i = 0; i < request_count; i++)
		is_exact = is_exact && !requests[i].is_candidate;
	/* what is certain may be less than all */
	is_exact = is_exact && request_count >= ring.taken.count;
	assert_listed(is_exact);
	if (ring.taken.count) {
		looks++;
		exact += is_exact;
	}
}

static void run(const struct habit *habit, uint64_t number)
{
	start(habit, number);
	for (int i = 0; i < STEPS; i++) {
		step(habit);
		look();
	}
	ck_assert_uint_gt(looks, STEPS / 10);
	end_ring();
}

static const struct habit habits[] = {
	{.options = {.num = 1}, .max_descs = 1, .depth = 1, .batch = 1},
	{.options = {.num = 2}, .max_descs = 2, .depth = 2, .batch = 2},
	{.options = {.num = 4, .start = 65000},
	 .max_descs = 2,
	 .depth = 4,
	 .batch = 3,
	 .warm = true},
	{.options = {.num = 8, .start = 65400},
	 .max_descs = 3,
	 .depth = 8,
	 .batch = 3,
	 .warm = true},
	{.options = {.num = 16, .start = 65400},
	 .max_descs = 1,
	 .depth = 6,
	 .sticky = 2,
	 .batch = 1,
	 .warm = true},
	{.options = {.num = 64, .start = 65300},
	 .max_descs = 3,
	 .depth = 12,
	 .sticky = 3,
	 .batch = 1,
	 .warm = true},
	{.options = {.num = 64, .big_endian = true},
	 .max_descs = 3,
	 .depth = 64,
	 .sticky = 5,
	 .batch = 4},
	{.options = {.num = 128, .event_idx = true}, .max_descs = 1, .depth = 128, .batch = 8},
	{.options = {.num = 256, .event_idx = true},
	 .max_descs = 3,
	 .depth = 32,
	 .sticky = 4,
	 .batch = 1},
	{.options = {.num = 1, .packed = true}, .max_descs = 1, .depth = 1, .batch = 1},
	{.options = {.num = 3, .packed = true}, .max_descs = 2, .depth = 3, .batch = 1},
	{.options = {.num = 7, .packed = true}, .max_descs = 3, .depth = 7, .batch = 1},
	{.options = {.num = 16, .packed = true},
	 .max_descs = 1,
	 .depth = 6,
	 .sticky = 2,
	 .batch = 1},
	{.options = {.num = 64, .packed = true},
	 .max_descs = 3,
	 .depth = 12,
	 .sticky = 3,
	 .batch = 1},
	{.options = {.num = 255, .packed = true},
	 .max_descs = 2,
	 .depth = 32,
	 .sticky = 4,
	 .batch = 1},
};

#define HABITS (int)(sizeof(habits) / sizeof(habits[0]))

START_TEST(test_out_of_order)
{
	run(&habits[_i], (uint64_t)_i);
	ck_assert_uint_gt(certain, 0);
}
END_TEST

/* VIRTIO_F_IN_ORDER: always all of them. */
START_TEST(test_in_order)
{
	struct habit habit = habits[_i];

	habit.in_order = true;
	run(&habit, 100 + (uint64_t)_i);
	ck_assert_uint_eq(exact, looks);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("request_history");
	const char *given = getenv("VQI_SEED");

	seed = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
	printf("VQI_SEED=%llu\n", (unsigned long long)seed);
	fflush(stdout);
	tcase_set_timeout(tcase, 120);
	tcase_add_loop_test(tcase, test_out_of_order, 0, HABITS);
	tcase_add_loop_test(tcase, test_in_order, 0, HABITS);
	return unit_run("request_history", tcase);
}
