/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "request_ages.h"

#include <check.h>

#include "unit.h"

#define INTERVAL_MS 1000

static struct vqi_request requests[4];
static struct vqi_queue queues[2];
static struct vqi_device devices[2];
static struct vqi_snapshot earlier, later;

/* A queue that has taken 7, in both looks, with requests of these ages in the later. */
static void look_twice(size_t count, const struct vqi_request *of)
{
	for (int i = 0; i < 2; i++) {
		queues[i] = (struct vqi_queue){.desc_gpa = 0x1000, .last_avail_idx = VQI_NUM(7)};
		devices[i] = (struct vqi_device){.qom_path = (char *)"/machine/blk0",
						 .vdev_addr = 0x55d0c0000010,
						 .queues = &queues[i],
						 .queue_count = 1};
	}
	memcpy(requests, of, count * sizeof(*of));
	queues[1].requests = requests;
	queues[1].request_count = count;
	earlier = (struct vqi_snapshot){.devices = &devices[0], .device_count = 1};
	later = (struct vqi_snapshot){.devices = &devices[1], .device_count = 1};
	later.capture.interval_ms = INTERVAL_MS;
}

static void check(size_t i, unsigned int head, enum vqi_age age, uint64_t age_ms)
{
	ck_assert_uint_eq(requests[i].head, head);
	ck_assert_int_eq(requests[i].age, age);
	ck_assert_uint_eq(requests[i].age_ms, age_ms);
}

START_TEST(test_what_stood_still_is_that_old)
{
	static const struct vqi_request three[] = {
		{.head = 1},
		{.head = 2, .age = VQI_AGE_EXACT, .age_ms = 312000},
		{.head = 3,
		 .age = VQI_AGE_EXACT,
		 .age_ms = 20}, /* accounted late: in flight before */
	};

	look_twice(3, three);
	vqi_requests_date(&earlier, &later);
	check(0, 2, VQI_AGE_EXACT, 312000);
	check(1, 1, VQI_AGE_AT_LEAST, INTERVAL_MS);
	check(2, 3, VQI_AGE_AT_LEAST, INTERVAL_MS);
}
END_TEST

START_TEST(test_what_moved_may_be_new)
{
	static const struct vqi_request two[] = {
		{.head = 1},
		{.head = 2, .age = VQI_AGE_EXACT, .age_ms = 20},
	};

	look_twice(2, two);
	queues[1].last_avail_idx = VQI_NUM(8);
	vqi_requests_date(&earlier, &later);
	check(0, 2, VQI_AGE_EXACT, 20);
	check(1, 1, VQI_AGE_UNKNOWN, 0);

	look_twice(2, two); /* once round a packed ring */
	queues[1].wrap.last_avail = VQI_NUM(1);
	vqi_requests_date(&earlier, &later);
	check(1, 1, VQI_AGE_UNKNOWN, 0);

	look_twice(2, two); /* set up anew */
	queues[1].desc_gpa = 0x2000;
	vqi_requests_date(&earlier, &later);
	check(1, 1, VQI_AGE_UNKNOWN, 0);

	look_twice(2, two);
	queues[0].last_avail_idx = queues[1].last_avail_idx = VQI_UNKNOWN;
	vqi_requests_date(&earlier, &later);
	check(1, 1, VQI_AGE_UNKNOWN, 0);
}
END_TEST

/* Of what vhost runs QEMU does not know what was taken. */
START_TEST(test_vhost)
{
	static const struct vqi_request one[] = {{.head = 1}};

	for (int moved = 0; moved < 2; moved++) {
		look_twice(1, one);
		queues[0].last_avail_idx = queues[1].last_avail_idx = VQI_UNKNOWN;
		queues[0].avail_idx = VQI_NUM(9);
		queues[1].avail_idx = VQI_NUM(9 + moved);
		vqi_requests_date(&earlier, &later);
		check(0, 1, moved ? VQI_AGE_UNKNOWN : VQI_AGE_AT_LEAST, moved ? 0 : INTERVAL_MS);
	}
}
END_TEST

START_TEST(test_one_look)
{
	static const struct vqi_request two[] = {{.head = 1}, {.head = 2, .age = VQI_AGE_EXACT}};

	look_twice(2, two);
	vqi_requests_date(NULL, &later);
	check(0, 2, VQI_AGE_EXACT, 0);
	check(1, 1, VQI_AGE_UNKNOWN, 0);
}
END_TEST

START_TEST(test_candidates_come_last)
{
	static const struct vqi_request two[] = {
		{.head = 1, .is_candidate = true, .age = VQI_AGE_EXACT, .age_ms = 5000},
		{.head = 2},
	};

	look_twice(2, two);
	vqi_requests_date(&earlier, &later);
	check(0, 2, VQI_AGE_AT_LEAST, INTERVAL_MS);
	check(1, 1, VQI_AGE_EXACT, 5000);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("request_ages");

	tcase_add_test(tcase, test_what_stood_still_is_that_old);
	tcase_add_test(tcase, test_what_moved_may_be_new);
	tcase_add_test(tcase, test_vhost);
	tcase_add_test(tcase, test_one_look);
	tcase_add_test(tcase, test_candidates_come_last);
	return unit_run("request_ages", tcase);
}
