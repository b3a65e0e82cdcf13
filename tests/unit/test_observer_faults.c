/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Looks at devices that are gone, or whose bytes cannot be read. */
#include "observer.h"

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
}

/* What was freed may look like anything: it is not a device any more, and no gap. */
START_TEST(test_gone)
{
	look();
	fake_set(qemu, blk0.vdev, VQI_F_Object_class, 0x1234);
	look();
	ck_assert_uint_eq(snapshot->device_count, 1);
	ck_assert_str_eq(snapshot->devices[0].id, "net0");
	ck_assert_uint_eq(snapshot->gap_count, 0);
	ck_assert_uint_eq(snapshot->unplugged_count, 1);
	ck_assert_str_eq(snapshot->unplugged[0], "blk0");
	fake_set(qemu, net0.vdev, VQI_F_DeviceState_realized, 0);
	look();
	ck_assert_uint_eq(snapshot->device_count, 0);
	ck_assert_uint_eq(snapshot->gap_count, 0);
	ck_assert_uint_eq(snapshot->unplugged_count, 2);
	ck_assert_str_eq(snapshot->unplugged[1], "net0");
}
END_TEST

/* Faults one byte for a look, which must succeed all the same; whether it has a gap. */
static bool has_gap_without(uint64_t address)
{
	vqi_fake_mem_fault(qemu->fake, address, 1);
	look();
	vqi_fake_mem_heal(qemu->fake);
	ck_assert_uint_eq(snapshot->device_count, 2);
	return snapshot->gap_count;
}

#define STEP 8 /* bytes: a pointer, or some smaller fields */

/* What a reading of a device needs fails once: a gap. */
START_TEST(test_every_fault_of_a_reading)
{
	vqi_cleanup(vqi_reading_free) struct vqi_reading *reading = NULL;
	size_t count, stride = qemu->layout.structs[VQI_S_VirtQueue].size;
	struct vqi_range *ranges;

	ck_assert_ok(vqi_reading_plan(
		&qemu->qemu, &(const struct vqi_device){.vdev_addr = blk0.vdev}, &reading));
	ranges = vqi_reading_ranges(reading, &count);
	for (size_t i = 0; i < count; i++) {
		for (uint64_t byte = 0; byte < ranges[i].len && byte < 4 * stride; byte += STEP)
			ck_assert_msg(has_gap_without(ranges[i].addr + byte), "range %zu byte %llu",
				      i, (unsigned long long)byte);
	}
	look();
	ck_assert_uint_eq(snapshot->gap_count, 0);
}
END_TEST

/* What else a look reads fails once: at worst something is not known. */
START_TEST(test_every_other_fault)
{
	vqi_cleanup_free struct fake_read *reads = NULL;
	size_t count;

	vqi_observer_free(take_ptr(observer));
	ck_assert_ok(vqi_observer_new(NULL, &qemu->qemu, &observer));
	fake_forget(qemu);
	look();
	reads = fake_take_reads(qemu, &count);
	for (size_t i = 0; i < count; i++) {
		has_gap_without(reads[i].addr);
	}
	look();
	ck_assert_uint_eq(snapshot->gap_count, 0);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("observer_faults");

	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_gone);
	tcase_add_test(tcase, test_every_fault_of_a_reading);
	tcase_add_test(tcase, test_every_other_fault);
	return unit_run("observer_faults", tcase);
}
