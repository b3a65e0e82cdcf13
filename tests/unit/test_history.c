/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vqi/history.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "sample.h"
#include "unit.h"

#define SECOND UINT64_C(1000000000)

static struct vqi_sample sample;
static struct vqi_history *history;
static uint64_t now;
static struct vqi_queue *queue; /* of the sample: a split ring of 256 */

static void setup(void)
{
	now = 100 * SECOND;
	vqi_sample_healthy(&sample);
	queue = &sample.devices[0].queues[0];
	ck_assert_ok(vqi_history_new(&history));
}

static void teardown(void)
{
	vqi_history_free(take_ptr(history));
}

/* A look, which is this much after the one before. */
static const struct vqi_queue_history *look(uint64_t after_ns)
{
	now += after_ns;
	ck_assert_ok(vqi_history_add(history, &sample.snapshot, now));
	return vqi_history_queue(history, &sample.devices[0], queue);
}

/* The driver publishes, the device completes. */
static void go_on(unsigned int published, unsigned int completed)
{
	uint16_t avail = (uint16_t)(queue->avail_idx.value + published);
	uint16_t used = (uint16_t)(queue->used_idx.value + completed);

	queue->avail_idx = queue->last_avail_idx = queue->shadow_avail_idx = VQI_NUM(avail);
	queue->used_idx = queue->used_ring_idx = VQI_NUM(used);
	queue->in_flight = VQI_NUM((uint16_t)(avail - used));
	queue->state = avail == used ? VQI_QUEUE_IDLE : VQI_QUEUE_BUSY;
}

START_TEST(test_devices_come_and_go)
{
	const struct vqi_queue_history *seen;
	struct vqi_device *last = &sample.devices[sample.snapshot.device_count - 1];
	struct vqi_device net0 = sample.devices[1];

	look(0);
	ck_assert_uint_eq(history->queue_count, 32);
	/* blk0 goes, the others move up. */
	sample.devices[0] = *last;
	sample.snapshot.device_count--;
	ck_assert_ok(vqi_history_add(history, &sample.snapshot, now += SECOND));
	ck_assert_uint_eq(history->queue_count, 30);
	seen = vqi_history_queue(history, &net0, &net0.queues[1]);
	ck_assert_uint_eq(seen->state_ms, 1000);
	ck_assert_uint_eq(seen->look_count, 2);
	/* A blk0 comes again. */
	vqi_sample_healthy(&sample);
	seen = look(SECOND);
	ck_assert_uint_eq(seen->look_count, 1);
	ck_assert_uint_eq(vqi_history_queue(history, &net0, &net0.queues[1])->look_count, 3);
	/* The next one of this name is another device. */
	sample.devices[0].vdev_addr += 0x1000;
	ck_assert_uint_eq(look(SECOND)->look_count, 1);
}
END_TEST

START_TEST(test_the_order_is_that_of_the_look)
{
	size_t number = 0;

	look(0);
	look(SECOND);
	for (size_t i = 0; i < sample.snapshot.device_count; i++) {
		const struct vqi_device *device = &sample.devices[i];

		for (size_t j = 0; j < device->queue_count; j++)
			ck_assert_ptr_eq(history->queues[number++],
					 vqi_history_queue(history, device, &device->queues[j]));
	}
	ck_assert_uint_eq(number, history->queue_count);
}
END_TEST

START_TEST(test_a_device_that_cannot_be_read_is_not_forgotten)
{
	struct vqi_device *device = &sample.devices[0];
	const struct vqi_queue_history *seen;

	look(0);
	device->unread = true;
	device->queue_count = 0;
	ck_assert_ptr_null(look(SECOND));
	ck_assert_uint_eq(history->queue_count, 30);
	ck_assert_uint_eq(history->kept_count, 2);
	device->unread = false;
	device->queue_count = 2;
	go_on(7, 7);
	seen = look(SECOND);
	ck_assert_uint_eq(history->kept_count, 0);
	ck_assert_uint_eq(seen->look_count, 3);
	ck_assert(!seen->published.known);
}
END_TEST

START_TEST(test_samples)
{
	for (size_t i = 0; i < vqi_sample_count; i++) {
		vqi_samples[i](&sample);
		ck_assert_ok(vqi_history_add(history, &sample.snapshot, now += SECOND));
		ck_assert_ok(vqi_history_add(history, &sample.snapshot, now += SECOND));
	}
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("history");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_devices_come_and_go);
	tcase_add_test(tcase, test_the_order_is_that_of_the_look);
	tcase_add_test(tcase, test_a_device_that_cannot_be_read_is_not_forgotten);
	tcase_add_test(tcase, test_samples);
	return unit_run("history", tcase);
}
