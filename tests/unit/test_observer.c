/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Looks at devices that move, change and fail meanwhile. */
#include "observer.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "fake_observed.h"
#include "unit.h"
#include "vqi/limits.h"

#define NUM	  64
#define INMIGRATE 4 /* of fake_run_state() */

static struct fake_qemu *qemu;
static struct fake_device blk0, net0;
static struct ring_builder rings[2]; /* of blk0's queues */
static struct vqi_observer *observer;
static struct vqi_snapshot *snapshot;

static void setup(void)
{
	qemu = fake_qemu_new(1);
	fake_disk_and_card(qemu, NUM, &blk0, &net0, rings);
	ck_assert_ok(vqi_observer_new(NULL, &qemu->qemu, &observer));
}

static void teardown(void)
{
	vqi_snapshot_free(take_ptr(snapshot));
	vqi_observer_free(take_ptr(observer));
	fake_qemu_free(take_ptr(qemu));
}

static void look(void)
{
	vqi_snapshot_free(take_ptr(snapshot));
	ck_assert_ok(vqi_observer_look(observer, VQI_STOP_AUTO, &snapshot));
	ck_assert_uint_eq(snapshot->device_count, 2);
}

/* Every readv from now on counts from 0, and changes first what context says. */
static void change(void (*before_read)(struct vqi_fake_mem *, void *), void *context)
{
	qemu->fake->calls = 0;
	qemu->fake->before_read = before_read;
	qemu->fake->context = context;
}

/* Publishes and takes one buffer of a ring, and completes the one before. */
static void move(unsigned int index)
{
	struct ring_builder *ring = &rings[index];

	while (ring_reap(ring))
		;
	if (ring->taken.count)
		ring_complete(ring, 0);
	ck_assert(ring_add(ring, 1));
	ring_publish(ring);
	ck_assert(ring_pop(ring));
	fake_store(qemu, &blk0, index, ring);
}

static struct vqi_queue *queue(size_t index)
{
	return &snapshot->devices[0].queues[index];
}

static void assert_gap(size_t index, const char *device, const char *what, const char *why)
{
	ck_assert_uint_lt(index, snapshot->gap_count);
	ck_assert_pstr_eq(snapshot->gaps[index].device, device);
	ck_assert_str_eq(snapshot->gaps[index].what, what);
	ck_assert_msg(strstr(snapshot->gaps[index].why, why) != NULL, "%s",
		      snapshot->gaps[index].why);
}

START_TEST(test_still)
{
	const struct vqi_device *device;

	fake_set_text(qemu, blk0.vdev, VQI_F_VirtIODevice_name, "virtio-blk");
	look();
	ck_assert_str_eq(snapshot->target.run_state, "running");
	ck_assert_uint_eq(snapshot->capture.looks, 1);
	ck_assert(snapshot->capture.consistent);
	ck_assert_uint_eq(snapshot->capture.stopped_us, 0);
	ck_assert_uint_eq(snapshot->gap_count, 0);
	device = &snapshot->devices[0];
	ck_assert_str_eq(device->id, "blk0");
	ck_assert_str_eq(device->type, "virtio-blk");
	ck_assert_str_eq(device->qom_path, "/machine/peripheral/blk0/virtio-backend");
	ck_assert_str_eq(device->transport_address, "0000:00:03.0");
	ck_assert_uint_eq(device->vdev_addr, blk0.vdev);
	ck_assert_uint_eq(device->queue_count, 2);
	ck_assert_str_eq(snapshot->devices[1].id, "net0");
	ck_assert_str_eq(snapshot->devices[1].queues[1].role, "tx");
}
END_TEST

/* How often a look reads a device. */
static size_t count_readings(uint64_t vdev)
{
	uint32_t span = vqi_layout_span(&qemu->layout, VQI_S_VirtIODevice);
	vqi_cleanup_free struct fake_read *reads = NULL;
	size_t count, readings = 0;

	fake_forget(qemu);
	look();
	reads = fake_take_reads(qemu, &count);
	for (size_t i = 0; i < count; i++)
		readings += reads[i].addr == vdev && reads[i].len == span;
	return readings;
}

/* Two readings that agree are enough, and the plan is still good. */
START_TEST(test_second_look_reads_twice)
{
	look();
	ck_assert_uint_eq(count_readings(blk0.vdev), 2);
	ck_assert_uint_eq(count_readings(net0.vdev), 2);
}
END_TEST

static void move_first(struct vqi_fake_mem *fake, void *context)
{
	size_t *moves = context;

	(void)fake;
	if (*moves) {
		(*moves)--;
		move(0);
	}
}

START_TEST(test_always_moving)
{
	size_t moves = SIZE_MAX;

	look();
	change(move_first, &moves);
	look();
	ck_assert(!queue(0)->consistent);
	ck_assert(queue(1)->consistent);
	ck_assert(!snapshot->capture.consistent);
	ck_assert_uint_eq(queue(0)->ring_faults, 0);
	ck_assert(!observer->devices[0].needs_cut);
	ck_assert_uint_eq(snapshot->gap_count, 0);
}
END_TEST

/* As soon as two readings agree, they are taken. */
START_TEST(test_comes_to_rest)
{
	look();
	for (size_t moves = 0; moves < VQI_MAX_STABLE_READS; moves++) {
		size_t left = moves;

		change(move_first, &left);
		look();
		ck_assert_uint_eq(left, 0);
		ck_assert(queue(0)->consistent);
		ck_assert_uint_eq(queue(0)->avail_idx.value, rings[0].avail_idx);
		ck_assert_uint_eq(queue(0)->in_flight.value, rings[0].inuse);
	}
}
END_TEST

/* Half of an update: QEMU has written the used index to the ring, its own comes later. */
static void finish_update(struct vqi_fake_mem *fake, void *context)
{
	if (fake->calls == *(size_t *)context)
		fake_store(qemu, &blk0, 0, &rings[0]);
}

START_TEST(test_half_an_update)
{
	/* All reads are the device's. */
	qemu->layout.symbols[VQI_SYM_current_run_state].present = false;
	move(0);
	look();
	for (size_t at = 2; at < 12; at++) {
		move(0);
		fake_set(qemu, fake_queue(qemu, &blk0, 0), VQI_F_VirtQueue_used_idx,
			 (uint16_t)(rings[0].used_idx - 1));
		change(finish_update, &at);
		look();
		ck_assert(queue(0)->consistent);
		ck_assert_uint_eq(queue(0)->ring_faults, 0);
		ck_assert_uint_eq(queue(0)->used_idx.value, rings[0].used_idx);
	}
}
END_TEST

/* What stays wrong is a fact: two equal readings, and no need to stop anybody. */
START_TEST(test_wrong_and_at_rest)
{
	fake_set(qemu, fake_queue(qemu, &blk0, 0), VQI_F_VirtQueue_inuse, 3);
	look();
	ck_assert(queue(0)->consistent);
	ck_assert_uint_eq(queue(0)->inuse.value, 3);
	ck_assert(!observer->devices[0].needs_cut);
}
END_TEST

/* One queue is wrong and at rest, another moves and is right: there is nothing to cut. */
START_TEST(test_wrong_beside_moving)
{
	size_t moves = SIZE_MAX;

	look();
	fake_set(qemu, fake_queue(qemu, &blk0, 1), VQI_F_VirtQueue_inuse, 3);
	change(move_first, &moves);
	look();
	ck_assert(!queue(0)->consistent);
	ck_assert(queue(1)->consistent);
	ck_assert(!observer->devices[0].needs_cut);
}
END_TEST

static void move_wrongly(struct vqi_fake_mem *fake, void *context)
{
	(void)fake;
	(void)context;
	move(0);
	fake_set(qemu, fake_queue(qemu, &blk0, 0), VQI_F_VirtQueue_inuse, rings[0].inuse + 1);
}

START_TEST(test_wrong_and_moving)
{
	look();
	change(move_wrongly, NULL);
	look();
	ck_assert(!queue(0)->consistent);
	ck_assert(observer->devices[0].needs_cut);
	ck_assert_uint_eq(snapshot->capture.stopped_us, 0);
}
END_TEST

/* A driver that was loaded anew between two looks. */
START_TEST(test_new_rings)
{
	look();
	fake_ring(qemu, &blk0, 0, &(struct ring_options){.num = NUM / 2, .event_idx = true},
		  &rings[0]);
	move(0);
	look();
	ck_assert_uint_eq(queue(0)->num, NUM / 2);
	ck_assert_uint_eq(queue(0)->avail_idx.value, 1);
	ck_assert_int_eq(queue(0)->access, VQI_RING_READ);
}
END_TEST

START_TEST(test_more_queues)
{
	look();
	ck_assert_uint_eq(snapshot->devices[1].queue_count, 3);
	for (unsigned int i = 3; i < 5; i++)
		fake_set_vring(qemu, &net0, i, VQI_F_VRing_num, NUM);
	look();
	ck_assert_uint_eq(snapshot->devices[1].queue_count, 5);
	ck_assert_str_eq(snapshot->devices[1].queues[2].role, "rx");
}
END_TEST

static void resize(struct vqi_fake_mem *fake, void *context)
{
	(void)context;
	fake_set_vring(qemu, &blk0, 0, VQI_F_VRing_num, NUM / 2 + fake->calls % 8);
}

START_TEST(test_rings_never_the_same)
{
	look();
	change(resize, NULL);
	look();
	assert_gap(0, "blk0", "device", "changed");
	ck_assert_uint_eq(snapshot->gap_count, 1);
	ck_assert_uint_eq(snapshot->devices[0].queue_count, 0);
	ck_assert_uint_eq(snapshot->devices[1].queue_count, 3);
	change(NULL, NULL);
	fake_set_vring(qemu, &blk0, 0, VQI_F_VRing_num, NUM);
	look();
	ck_assert_uint_eq(snapshot->gap_count, 0);
	ck_assert_uint_eq(snapshot->devices[0].queue_count, 2);
}
END_TEST

/* The device is read well once, moves, and is gone before it agrees: nothing of it is left. */
static void unplug(struct vqi_fake_mem *fake, void *context)
{
	size_t *at = context;

	if (fake->calls > *at)
		fake_set(qemu, blk0.vdev, VQI_F_VirtIODevice_vq, 0);
	else
		move(0);
}

START_TEST(test_unplugged_meanwhile)
{
	/* All reads are the device's. */
	qemu->layout.symbols[VQI_SYM_current_run_state].present = false;
	for (size_t at = 1; at < 6; at++) {
		look();
		change(unplug, &at);
		look();
		change(NULL, NULL);
		fake_set(qemu, blk0.vdev, VQI_F_VirtIODevice_vq, blk0.vq);
		assert_gap(0, "blk0", "device", "vq is NULL");
		ck_assert_uint_eq(snapshot->devices[0].queue_count, 0);
		ck_assert_str_eq(snapshot->devices[0].id, "blk0");
	}
}
END_TEST

START_TEST(test_gaps_of_rings)
{
	fake_set_vring(qemu, &blk0, 0, VQI_F_VRing_caches, 0);
	fake_set_cache(qemu, &blk0, 1, VQI_F_VRingMemoryRegionCaches_used, 0, 0);
	look();
	ck_assert_uint_eq(snapshot->gap_count, 2);
	assert_gap(0, "blk0", "ring", "not mapped");
	ck_assert(vqi_num_is(snapshot->gaps[0].queue, 0));
	assert_gap(1, "blk0", "ring", "vIOMMU");
	ck_assert(vqi_num_is(snapshot->gaps[1].queue, 1));
	/* While a VM's state arrives it is not mapped yet. */
	fake_run_state(qemu, INMIGRATE);
	look();
	ck_assert_uint_eq(snapshot->gap_count, 1);
	assert_gap(0, "blk0", "ring", "vIOMMU");
}
END_TEST

/* What is not known of a device when the observer is made is a gap of every look. */
START_TEST(test_gap_of_description)
{
	fake_set(qemu, blk0.vdev, VQI_F_VirtIOBlock_blk, 4096);
	vqi_observer_free(take_ptr(observer));
	ck_assert_ok(vqi_observer_new(NULL, &qemu->qemu, &observer));
	for (int i = 0; i < 2; i++) {
		look();
		ck_assert_uint_eq(snapshot->gap_count, 1);
		assert_gap(0, "blk0", "description", "cannot read");
		ck_assert_uint_eq(snapshot->devices[0].queue_count, 2);
	}
}
END_TEST

START_TEST(test_nothing_to_stop)
{
	ck_assert_code(vqi_observer_look(observer, VQI_STOP_ALWAYS, &snapshot),
		       VQI_ERROR_UNSUPPORTED);
	ck_assert_ptr_null(snapshot);
}
END_TEST

START_TEST(test_target_ends)
{
	assert_every_end_is_told(qemu, VQI_STOP_AUTO, &observer);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("observer");

	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_still);
	tcase_add_test(tcase, test_second_look_reads_twice);
	tcase_add_test(tcase, test_always_moving);
	tcase_add_test(tcase, test_comes_to_rest);
	tcase_add_test(tcase, test_half_an_update);
	tcase_add_test(tcase, test_wrong_and_at_rest);
	tcase_add_test(tcase, test_wrong_beside_moving);
	tcase_add_test(tcase, test_wrong_and_moving);
	tcase_add_test(tcase, test_new_rings);
	tcase_add_test(tcase, test_more_queues);
	tcase_add_test(tcase, test_rings_never_the_same);
	tcase_add_test(tcase, test_unplugged_meanwhile);
	tcase_add_test(tcase, test_gaps_of_rings);
	tcase_add_test(tcase, test_gap_of_description);
	tcase_add_test(tcase, test_nothing_to_stop);
	tcase_add_test(tcase, test_target_ends);
	return unit_run("observer", tcase);
}
