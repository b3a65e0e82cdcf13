/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One look after another, of which each reads no more than it must. */
#include "vqi/capture.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "fake_observed.h"
#include "unit.h"

#define NUM 64

static struct fake_qemu *qemu;
static struct fake_device blk0, net0;
static struct ring_builder rings[2]; /* of blk0's queues */
static struct vqi_observer *observer;
static struct vqi_snapshot *before, *snapshot;

static void setup(void)
{
	qemu = fake_qemu_new(1);
	fake_disk_and_card(qemu, NUM, &blk0, &net0, rings);
	ck_assert_ok(vqi_observer_new(NULL, &qemu->qemu, &observer));
}

static void teardown(void)
{
	vqi_snapshot_free(take_ptr(before));
	vqi_snapshot_free(take_ptr(snapshot));
	vqi_observer_free(take_ptr(observer));
	fake_qemu_free(take_ptr(qemu));
}

static void look(void)
{
	vqi_snapshot_free(take_ptr(before));
	before = take_ptr(snapshot);
	ck_assert_ok(vqi_observer_look_again(observer, before, &snapshot));
}

/* Publishes a buffer of blk0's first queue, which the device takes. */
static void take_one(void)
{
	ck_assert(ring_add(&rings[0], 1));
	ring_publish(&rings[0]);
	ck_assert(ring_pop(&rings[0]));
	fake_store(qemu, &blk0, 0, &rings[0]);
}

static void complete_one(void)
{
	ring_complete(&rings[0], 0);
	while (ring_reap(&rings[0]))
		;
	fake_store(qemu, &blk0, 0, &rings[0]);
}

START_TEST(test_the_first_look_is_whole)
{
	look();
	ck_assert(!snapshot->capture.is_brief);
	look();
	ck_assert(snapshot->capture.is_brief);
	ck_assert_uint_eq(snapshot->device_count, 2);
	ck_assert_uint_eq(snapshot->gap_count, 0);
	ck_assert_str_eq(snapshot->target.run_state, "running");
}
END_TEST

START_TEST(test_brief_while_it_moves)
{
	look();
	for (int i = 0; i < 10; i++) {
		take_one();
		look();
		ck_assert(snapshot->capture.is_brief);
		complete_one();
	}
}
END_TEST

START_TEST(test_whole_where_something_stands_still)
{
	look();
	take_one();
	look();
	ck_assert(snapshot->capture.is_brief);
	look();
	ck_assert(!snapshot->capture.is_brief);
	look();
	ck_assert(!snapshot->capture.is_brief);
	complete_one();
	look();
	ck_assert(snapshot->capture.is_brief);
}
END_TEST

START_TEST(test_whole_where_something_looks_wrong)
{
	look();
	fake_run_state(qemu, 2);
	look();
	ck_assert(!snapshot->capture.is_brief);
	ck_assert_str_eq(snapshot->target.run_state, "paused");
	fake_run_state(qemu, 1);
	look();
	ck_assert(snapshot->capture.is_brief);
	fake_set(qemu, blk0.vdev, VQI_F_VirtIODevice_broken, 1);
	look();
	ck_assert(!snapshot->capture.is_brief);
}
END_TEST

/* The rings of both devices are read in two calls, the containers of those that can come and go in six, and a few more are of the VM. */
START_TEST(test_few_reads)
{
	look();
	look();
	qemu->fake->calls = 0;
	look();
	ck_assert_uint_le(qemu->fake->calls, 12);
}
END_TEST

START_TEST(test_plugged_and_unplugged)
{
	struct fake_device rng0;

	look();
	rng0 = fake_device(qemu, &(struct fake_device_options){.id = "rng0",
							       .type = "virtio-rng-device",
							       .device_id = 4});
	look();
	ck_assert_uint_eq(snapshot->device_count, 3);
	ck_assert_str_eq(snapshot->devices[2].id, "rng0");
	ck_assert_uint_eq(snapshot->unplugged_count, 0);
	fake_set(qemu, rng0.vdev, VQI_F_DeviceState_realized, 0);
	look();
	ck_assert_uint_eq(snapshot->device_count, 2);
	ck_assert_uint_eq(snapshot->unplugged_count, 1);
	ck_assert_str_eq(snapshot->unplugged[0], "rng0");
	look();
	ck_assert_uint_eq(snapshot->unplugged_count, 0);
	/* It is there again, or one like it. */
	fake_set(qemu, rng0.vdev, VQI_F_DeviceState_realized, 1);
	look();
	ck_assert_uint_eq(snapshot->device_count, 3);
}
END_TEST

/* A device is in the tree before it is realized. */
START_TEST(test_plugged_in_two_steps)
{
	struct fake_device rng0;

	look();
	rng0 = fake_device(qemu, &(struct fake_device_options){.id = "rng0",
							       .type = "virtio-rng-device",
							       .device_id = 4});
	fake_set(qemu, rng0.vdev, VQI_F_DeviceState_realized, 0);
	for (int i = 0; i < 3; i++) {
		look();
		ck_assert_uint_eq(snapshot->device_count, 2);
		ck_assert_uint_eq(snapshot->unplugged_count, 0);
	}
	fake_set(qemu, rng0.vdev, VQI_F_DeviceState_realized, 1);
	look();
	ck_assert_uint_eq(snapshot->device_count, 3);
}
END_TEST

START_TEST(test_names_choose_what_is_plugged)
{
	static const char *const names[] = {"blk0", "rng0"};

	ck_assert_ok(vqi_observer_select(observer, names, 2, true));
	look();
	ck_assert_uint_eq(snapshot->device_count, 1);
	fake_device(qemu, &(struct fake_device_options){
				  .id = "rng1", .type = "virtio-rng-device", .device_id = 4});
	look();
	ck_assert_uint_eq(snapshot->device_count, 1);
	fake_device(qemu, &(struct fake_device_options){
				  .id = "rng0", .type = "virtio-rng-device", .device_id = 4});
	look();
	ck_assert_uint_eq(snapshot->device_count, 2);
	ck_assert_str_eq(snapshot->devices[0].id, "blk0");
	ck_assert_str_eq(snapshot->devices[1].id, "rng0");
}
END_TEST

/* Looks again and again, each time with a target that ends one read later. */
START_TEST(test_every_end_is_told)
{
	size_t calls;

	look();
	qemu->fake->calls = 0;
	look();
	calls = qemu->fake->calls;
	for (size_t i = 0; i < calls; i++) {
		struct vqi_snapshot *last = NULL;

		qemu->fake->calls = 0;
		qemu->fake->gone_after = i;
		ck_assert_code(vqi_observer_look_again(observer, snapshot, &last), VQI_ERROR_GONE);
		ck_assert_ptr_null(last);
	}
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("look_again");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_the_first_look_is_whole);
	tcase_add_test(tcase, test_brief_while_it_moves);
	tcase_add_test(tcase, test_whole_where_something_stands_still);
	tcase_add_test(tcase, test_whole_where_something_looks_wrong);
	tcase_add_test(tcase, test_few_reads);
	tcase_add_test(tcase, test_plugged_and_unplugged);
	tcase_add_test(tcase, test_plugged_in_two_steps);
	tcase_add_test(tcase, test_names_choose_what_is_plugged);
	tcase_add_test(tcase, test_every_end_is_told);
	return unit_run("look_again", tcase);
}
