/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rings must be where their caches are; what a driver that means ill can bring about is no reason to doubt a layout. */
#include <check.h>

#include "fake_virtio.h"
#include "unit.h"
#include "vqi/limits.h"

#define NUM  8
#define HOST UINT64_C(0x7f0000000000) /* where guest-physical 0 is */
#define ALL  (UINT64_C(1) << 46)

static struct fake_qemu *qemu;
static struct fake_device blk0;
static struct ring_builder ring;

/* All of a guest's memory in one range of RAM. */
static uint64_t make_space(void)
{
	uint64_t space = fake_make(qemu, VQI_S_AddressSpace),
		 view = fake_make(qemu, VQI_S_FlatView);
	uint64_t range = fake_make(qemu, VQI_S_FlatRange), mr = fake_make(qemu, VQI_S_MemoryRegion);
	uint64_t block = fake_make(qemu, VQI_S_RAMBlock);

	fake_set(qemu, space, VQI_F_AddressSpace_current_map, view);
	fake_set(qemu, view, VQI_F_FlatView_ranges, range);
	fake_set(qemu, view, VQI_F_FlatView_nr, 1);
	fake_set(qemu, range, VQI_F_FlatRange_mr, mr);
	fake_set(qemu, range, VQI_F_FlatRange_size, ALL);
	fake_set(qemu, mr, VQI_F_MemoryRegion_ram_block, block);
	fake_set(qemu, block, VQI_F_RAMBlock_host, HOST);
	return space;
}

static struct fake_device make_device(const char *id)
{
	struct fake_device device = fake_device(qemu, &(struct fake_device_options){.id = id});

	fake_set(qemu, device.vdev, VQI_F_VirtIODevice_dma_as, make_space());
	return device;
}

static void setup(void)
{
	qemu = fake_qemu_new(1);
	qemu->layout.source = VQI_LAYOUT_PROFILE;
	blk0 = make_device("blk0");
	fake_ring(qemu, &blk0, 0, &(struct ring_options){.num = NUM, .event_idx = true}, &ring);
}

static void teardown(void)
{
	fake_qemu_free(qemu);
}

static struct vqi_error *check(void)
{
	return vqi_qemu_check_layout(&qemu->qemu, &qemu->layout);
}

static void assert_misfit(const char *what)
{
	ck_assert_code_text(check(), VQI_ERROR_NO_LAYOUT, what);
}

static uint64_t cache_of(enum vqi_field_id cache)
{
	return fake_caches(qemu, &blk0, 0) + qemu->layout.fields[cache].offset;
}

static void move(enum vqi_field_id cache, uint64_t ptr)
{
	fake_set(qemu, cache_of(cache), VQI_F_MemoryRegionCache_ptr, ptr);
}

static uint64_t place_of(enum vqi_field_id cache)
{
	return fake_get(qemu, cache_of(cache), VQI_F_MemoryRegionCache_ptr);
}

/* ---- caches ---- */

static const enum vqi_field_id caches[] = {VQI_F_VRingMemoryRegionCaches_desc,
					   VQI_F_VRingMemoryRegionCaches_avail,
					   VQI_F_VRingMemoryRegionCaches_used};

START_TEST(test_caches)
{
	uint64_t ptr = place_of(caches[_i]);

	ck_assert_ok(check());
	move(caches[_i], ptr + 16);
	assert_misfit("no ring is where its caches say");
	qemu->layout.source = VQI_LAYOUT_DWARF;
	ck_assert_ok(check());
	qemu->layout.source = VQI_LAYOUT_PROFILE;
	move(caches[_i], ptr);
	ck_assert_ok(check());
	fake_set(qemu, cache_of(caches[_i]), VQI_F_MemoryRegionCache_len, 40);
	assert_misfit("no ring is where its caches say");
}
END_TEST

/* One that is right is enough: a driver may have moved the other. */
START_TEST(test_one_is_right)
{
	struct fake_device blk1 = make_device("blk1");
	struct ring_builder other;

	move(VQI_F_VRingMemoryRegionCaches_desc, 0x1000);
	assert_misfit("no ring is where its caches say");
	fake_ring(qemu, &blk1, 0, &(struct ring_options){.num = NUM}, &other);
	ck_assert_ok(check());
}
END_TEST

/* QEMU before 8.2 keeps the caches then. */
START_TEST(test_driver_changes_size)
{
	fake_set_vring(qemu, &blk0, 0, VQI_F_VRing_num, NUM / 2);
	ck_assert_ok(check());
	fake_set_vring(qemu, &blk0, 0, VQI_F_VRing_num, NUM * 4);
	ck_assert_ok(check());
}
END_TEST

/* A driver may put its ring anywhere: into a ROM, or where there is nothing. */
START_TEST(test_no_ram)
{
	uint64_t gpa = UINT64_C(0xffffffff00000000);

	move(VQI_F_VRingMemoryRegionCaches_used, 0);
	ck_assert_ok(check());
	fake_set_vring(qemu, &blk0, 0, VQI_F_VRing_used, gpa);
	ck_assert_ok(check());
	move(VQI_F_VRingMemoryRegionCaches_desc, 0);
	assert_misfit("no ring is where its caches say");
	fake_set_vring(qemu, &blk0, 0, VQI_F_VRing_desc, gpa);
	ck_assert_ok(check());
}
END_TEST

START_TEST(test_packed)
{
	fake_set(qemu, blk0.vdev, VQI_F_VirtIODevice_host_features, FAKE_FEATURES | FAKE_PACKED);
	fake_set(qemu, blk0.vdev, VQI_F_VirtIODevice_guest_features, FAKE_FEATURES | FAKE_PACKED);
	fake_ring(qemu, &blk0, 0, &(struct ring_options){.num = NUM, .packed = true}, &ring);
	ck_assert_ok(check());
	fake_set(qemu, blk0.vq, VQI_F_VirtQueue_shadow_avail_idx, NUM);
	assert_misfit("shadow_avail_idx");
}
END_TEST

/* ---- indices ---- */

static void set_indices(uint16_t last, uint16_t shadow, uint16_t there)
{
	fake_set(qemu, blk0.vq, VQI_F_VirtQueue_last_avail_idx, last);
	fake_set(qemu, blk0.vq, VQI_F_VirtQueue_shadow_avail_idx, shadow);
	fake_poke(qemu, place_of(VQI_F_VRingMemoryRegionCaches_avail) + 2, 2, there);
}

START_TEST(test_shadow)
{
	set_indices(0xfffe, 0xfffe, 0);
	ck_assert_ok(check());
	set_indices(0xfffe, (uint16_t)(0xfffe + NUM), 0);
	ck_assert_ok(check());
	set_indices(0xfffe, (uint16_t)(0xfffe + NUM + 1), 0);
	assert_misfit("shadow_avail_idx");
	set_indices(10, 9, 0);
	assert_misfit("shadow_avail_idx");
}
END_TEST

/* What a driver that errs wrote is what QEMU saw; a device that it broke says nothing. */
START_TEST(test_driver_errs)
{
	set_indices(10, 5000, 5000);
	ck_assert_ok(check());
	set_indices(10, 0x1234, 0x3412);
	ck_assert_ok(check());
	set_indices(10, 5000, 6000);
	assert_misfit("shadow_avail_idx");
	fake_set(qemu, blk0.vdev, VQI_F_VirtIODevice_broken, 1);
	ck_assert_ok(check());
}
END_TEST

START_TEST(test_status)
{
	fake_set(qemu, blk0.vdev, VQI_F_VirtIODevice_status, 0);
	assert_misfit("VirtIODevice.status");
	fake_device(qemu, &(struct fake_device_options){.id = "blk1"});
	ck_assert_ok(check());
	fake_set(qemu, blk0.vdev, VQI_F_VirtIODevice_started, 0);
	ck_assert_ok(check());
}
END_TEST

/* A driver that waits in its probe. */
START_TEST(test_not_yet_ready)
{
	fake_set(qemu, blk0.vdev, VQI_F_VirtIODevice_status, 3);
	ck_assert_ok(check());
}
END_TEST

/* ---- queues ---- */

START_TEST(test_size)
{
	fake_set_vring(qemu, &blk0, 0, VQI_F_VRing_num, 0);
	assert_misfit("VRing.num");
	fake_set_vring(qemu, &blk0, 0, VQI_F_VRing_num, VQI_MAX_RING + 1);
	assert_misfit("VRing.num");
	qemu->layout.fields[VQI_F_VRing_num_default].present = false;
	fake_set_vring(qemu, &blk0, 0, VQI_F_VRing_num, 0);
	ck_assert_ok(check());
}
END_TEST

static const enum vqi_field_id of_used[] = {
	VQI_F_VirtQueue_last_avail_idx, VQI_F_VirtQueue_shadow_avail_idx, VQI_F_VirtQueue_used_idx,
	VQI_F_VirtQueue_inuse,		VQI_F_VirtQueue_signalled_used,
};

START_TEST(test_unused)
{
	uint64_t last = fake_queue(qemu, &blk0, VQI_MAX_QUEUES - 1);

	fake_set(qemu, last, of_used[_i], 1);
	assert_misfit("a queue that is not there has been used");
	fake_set_vring(qemu, &blk0, VQI_MAX_QUEUES - 1, VQI_F_VRing_num, NUM);
	fake_set_vring(qemu, &blk0, VQI_MAX_QUEUES - 1, VQI_F_VRing_num_default, NUM);
	ck_assert_ok(check());
}
END_TEST

/* A driver can have given it one. */
START_TEST(test_unused_vector)
{
	uint64_t last = fake_queue(qemu, &blk0, VQI_MAX_QUEUES - 1);

	fake_set(qemu, last, VQI_F_VirtQueue_vector, 0xffff);
	fake_set(qemu, last, VQI_F_VirtQueue_notification, 1);
	ck_assert_ok(check());
	ck_assert(qemu->layout.fields[VQI_F_VirtQueue_vector].present);
	ck_assert(qemu->layout.fields[VQI_F_VirtQueue_notification].present);
	fake_set(qemu, last, VQI_F_VirtQueue_vector, 1);
	ck_assert_ok(check());
	ck_assert(!qemu->layout.fields[VQI_F_VirtQueue_vector].present);
	ck_assert(qemu->layout.fields[VQI_F_VirtQueue_notification].present);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("selfcheck_rings");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, test_caches, 0, 3);
	tcase_add_test(tcase, test_one_is_right);
	tcase_add_test(tcase, test_driver_changes_size);
	tcase_add_test(tcase, test_no_ram);
	tcase_add_test(tcase, test_packed);
	tcase_add_test(tcase, test_shadow);
	tcase_add_test(tcase, test_driver_errs);
	tcase_add_test(tcase, test_status);
	tcase_add_test(tcase, test_not_yet_ready);
	tcase_add_test(tcase, test_size);
	tcase_add_loop_test(tcase, test_unused, 0, (int)(sizeof(of_used) / sizeof(of_used[0])));
	tcase_add_test(tcase, test_unused_vector);
	return unit_run("selfcheck_rings", tcase);
}
