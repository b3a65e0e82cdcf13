/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vqi/history.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"
#include "watched.h"

START_TEST(test_devices_come_and_go)
{
	const struct vqi_queue_history *seen;
	struct vqi_device *last = &watched.sample.devices[watched.sample.snapshot.device_count - 1];
	struct vqi_device net0 = watched.sample.devices[1];

	watched_look(0);
	ck_assert_uint_eq(watched.history->queue_count, 32);
	/* blk0 goes, the others move up. */
	watched.sample.devices[0] = *last;
	watched.sample.snapshot.device_count--;
	ck_assert_ok(
		vqi_history_add(watched.history, &watched.sample.snapshot, watched.now += SECOND));
	ck_assert_uint_eq(watched.history->queue_count, 30);
	seen = vqi_history_queue(watched.history, &net0, &net0.queues[1]);
	ck_assert_uint_eq(seen->state_ms, 1000);
	ck_assert_uint_eq(seen->look_count, 2);
	/* A blk0 comes again. */
	vqi_sample_healthy(&watched.sample);
	seen = watched_look(SECOND);
	ck_assert_uint_eq(seen->look_count, 1);
	ck_assert_uint_eq(vqi_history_queue(watched.history, &net0, &net0.queues[1])->look_count,
			  3);
	/* The next one of this name is another device. */
	watched.sample.devices[0].vdev_addr += 0x1000;
	ck_assert_uint_eq(watched_look(SECOND)->look_count, 1);
}
END_TEST

START_TEST(test_the_order_is_that_of_the_look)
{
	size_t number = 0;

	watched_look(0);
	watched_look(SECOND);
	for (size_t i = 0; i < watched.sample.snapshot.device_count; i++) {
		const struct vqi_device *device = &watched.sample.devices[i];

		for (size_t j = 0; j < device->queue_count; j++)
			ck_assert_ptr_eq(watched.history->queues[number++],
					 vqi_history_queue(watched.history, device,
							   &device->queues[j]));
	}
	ck_assert_uint_eq(number, watched.history->queue_count);
}
END_TEST

START_TEST(test_a_device_that_cannot_be_read_is_not_forgotten)
{
	struct vqi_device *device = &watched.sample.devices[0];
	const struct vqi_queue_history *seen;

	watched_look(0);
	device->unread = true;
	device->queue_count = 0;
	ck_assert_ptr_null(watched_look(SECOND));
	ck_assert_uint_eq(watched.history->queue_count, 30);
	ck_assert_uint_eq(watched.history->kept_count, 2);
	device->unread = false;
	device->queue_count = 2;
	watched_go_on(7, 7);
	seen = watched_look(SECOND);
	ck_assert_uint_eq(watched.history->kept_count, 0);
	ck_assert_uint_eq(seen->look_count, 3);
	ck_assert(!seen->published.known);
}
END_TEST

START_TEST(test_samples)
{
	for (size_t i = 0; i < vqi_sample_count; i++) {
		vqi_samples[i](&watched.sample);
		ck_assert_ok(vqi_history_add(watched.history, &watched.sample.snapshot,
					     watched.now += SECOND));
		ck_assert_ok(vqi_history_add(watched.history, &watched.sample.snapshot,
					     watched.now += SECOND));
	}
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("history");

	tcase_add_checked_fixture(tcase, watched_setup, watched_teardown);
	tcase_add_test(tcase, test_devices_come_and_go);
	tcase_add_test(tcase, test_the_order_is_that_of_the_look);
	tcase_add_test(tcase, test_a_device_that_cannot_be_read_is_not_forgotten);
	tcase_add_test(tcase, test_samples);
	return unit_run("history", tcase);
}
