/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rings that QEMU maps anew while they are read. */
#include "reading.h"

#include <check.h>
#include <string.h>

#include "fake_virtio.h"
#include "unit.h"

static struct fake_qemu *qemu;
static struct fake_device fake;
static struct ring_builder ring;
static struct vqi_reading *reading;

static void read_all(void)
{
	size_t count;
	struct vqi_range *ranges = vqi_reading_ranges(reading, &count);

	ck_assert_ok(vqi_mem_readv(&qemu->mem, ranges, count));
}

static void setup(void)
{
	qemu = fake_qemu_new(1);
	fake = fake_device(qemu, &(struct fake_device_options){.id = "blk0", .queues = 1});
	fake_ring(qemu, &fake, 0, &(struct ring_options){.num = 8, .event_idx = true}, &ring);
	ck_assert_ok(vqi_reading_plan(
		&qemu->qemu, &(const struct vqi_device){.vdev_addr = fake.vdev}, &reading));
}

static void teardown(void)
{
	vqi_reading_free(take_ptr(reading));
	fake_qemu_free(take_ptr(qemu));
}

/* Gives the queue a copy of its VRingMemoryRegionCaches; returns where that is. */
static uint64_t map_anew(void)
{
	uint32_t size = qemu->layout.structs[VQI_S_VRingMemoryRegionCaches].size;
	uint64_t old = fake_caches(qemu, &fake, 0), new = fake_alloc(qemu, size);

	memcpy(fake_bytes(qemu, new, size), fake_bytes(qemu, old, size), size);
	fake_set_vring(qemu, &fake, 0, VQI_F_VRing_caches, new);
	return new;
}

static bool is_current(void)
{
	read_all();
	ck_assert_ok(vqi_reading_follow_caches(reading));
	return vqi_reading_is_current(reading);
}

START_TEST(test_to_the_same_memory)
{
	ck_assert(is_current());
	map_anew();
	read_all();
	ck_assert(!vqi_reading_is_current(reading));
	ck_assert(is_current());
	map_anew();
	ck_assert(is_current());
}
END_TEST

START_TEST(test_to_other_memory)
{
	static const enum vqi_field_id caches[] = {
		VQI_F_VRingMemoryRegionCaches_desc,
		VQI_F_VRingMemoryRegionCaches_avail,
		VQI_F_VRingMemoryRegionCaches_used,
	};

	for (size_t i = 0; i < sizeof(caches) / sizeof(caches[0]); i++) {
		teardown();
		setup();
		map_anew();
		fake_set_cache(qemu, &fake, 0, caches[i], 0x1000, 4096);
		ck_assert(!is_current());
	}
}
END_TEST

/* It may be freed again, or taken away. */
START_TEST(test_to_nothing)
{
	vqi_fake_mem_fault(qemu->fake, map_anew(), 8);
	ck_assert(!is_current());
	fake_set_vring(qemu, &fake, 0, VQI_F_VRing_caches, 0);
	ck_assert(!is_current());
}
END_TEST

/* Nothing more is read where nothing is new. */
START_TEST(test_costs_nothing)
{
	read_all();
	qemu->fake->calls = 0;
	ck_assert_ok(vqi_reading_follow_caches(reading));
	ck_assert_uint_eq(qemu->fake->calls, 0);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("reading_caches");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_to_the_same_memory);
	tcase_add_test(tcase, test_to_other_memory);
	tcase_add_test(tcase, test_to_nothing);
	tcase_add_test(tcase, test_costs_nothing);
	return unit_run("reading_caches", tcase);
}
