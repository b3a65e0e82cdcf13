/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The queues of what a storage daemon exports, as an observer sees them. */
#include <check.h>
#include <string.h>

#include "fake_exports.h"
#include "fake_loops.h"
#include "unit.h"
#include "vqi/capture.h"
#include "vqi/virtio.h"

#define SEEDS  4
#define NUM    64
#define OFFSET 0x2000 /* of the ring of queue 1 in the region */

static struct fake_qemu *qemu;
static struct fake_export export;
static struct vqi_observer *observer;
static struct vqi_snapshot *snapshot;

static void make(unsigned int seed)
{
	qemu = fake_qemu_new(seed);
	fake_daemon(qemu);
	export = fake_export(qemu, "e0", 2);
	fake_export_start(qemu, &export, 1, OFFSET, NUM);
}

static void setup(void)
{
	make(1);
}

static void teardown(void)
{
	vqi_snapshot_free(take_ptr(snapshot));
	vqi_observer_free(take_ptr(observer));
	fake_qemu_free(qemu);
}

static void look(void)
{
	vqi_snapshot_free(take_ptr(snapshot));
	if (!observer)
		ck_assert_ok(vqi_observer_new(NULL, &qemu->qemu, &observer));
	ck_assert_ok(vqi_observer_look(observer, VQI_STOP_NEVER, &snapshot));
}

static void look_again(void)
{
	vqi_snapshot_free(take_ptr(snapshot));
	ck_assert_ok(vqi_observer_look_again(observer, NULL, &snapshot));
}

static const struct vqi_queue *queue(unsigned int index)
{
	return &snapshot->devices[0].queues[index];
}

/* The driver has published so many, the device has taken and completed so many. */
static void set_indices(uint16_t avail, uint16_t taken, uint16_t used)
{
	uint64_t vq = fake_export_queue(qemu, &export, 1);
	uint64_t ring = export.region + OFFSET;

	fake_poke(qemu, ring + 16 * NUM + 2, 2, avail);
	fake_poke(qemu, ring + 4096 + 2, 2, used);
	fake_set(qemu, vq, VQI_F_VuVirtq_shadow_avail_idx, avail);
	fake_set(qemu, vq, VQI_F_VuVirtq_last_avail_idx, taken);
	fake_set(qemu, vq, VQI_F_VuVirtq_used_idx, used);
	fake_set(qemu, vq, VQI_F_VuVirtq_inuse, (uint16_t)(taken - used));
}

START_TEST(test_queues)
{
	const struct vqi_device *device;

	teardown();
	make((unsigned int)_i);
	set_indices(7, 7, 4);
	look();
	ck_assert_uint_eq(snapshot->gap_count, 0);
	ck_assert_uint_eq(snapshot->device_count, 1);
	device = &snapshot->devices[0];
	ck_assert_str_eq(device->id, "e0");
	ck_assert_str_eq(device->type, "virtio-blk");
	ck_assert_ptr_null(device->qom_path);
	ck_assert(device->is_export && device->started && !device->broken);
	ck_assert_uint_eq(device->vdev_addr, export.vu_dev);
	/* Without what the two processes agreed on among themselves. */
	ck_assert_uint_eq(device->guest_features, UINT64_C(1) << 32 | 1u << 29);
	ck_assert_int_eq(device->vhost, VQI_VHOST_NONE);
	ck_assert_uint_eq(device->queue_count, 2);

	ck_assert_uint_eq(queue(0)->desc_gpa, 0);
	ck_assert(!queue(0)->host_notifier_fd.known && !queue(0)->guest_notifier_fd.known);
	ck_assert_int_eq(queue(1)->access, VQI_RING_READ);
	ck_assert_str_eq(queue(1)->role, "request");
	ck_assert_str_eq(vqi_queue_structure(queue(1)), "VuVirtq");
	ck_assert_uint_eq(queue(1)->vq_addr, fake_export_queue(qemu, &export, 1));
	ck_assert_uint_eq(queue(1)->num, NUM);
	ck_assert_uint_eq(queue(1)->desc_gpa, FAKE_REGION_GPA + OFFSET);
	ck_assert_uint_eq(queue(1)->avail_gpa, FAKE_REGION_GPA + OFFSET + 16 * NUM);
	ck_assert_uint_eq(queue(1)->used_gpa, FAKE_REGION_GPA + OFFSET + 4096);
	ck_assert_uint_eq(queue(1)->desc_hva, export.region + OFFSET);
	ck_assert(vqi_num_is(queue(1)->avail_idx, 7));
	ck_assert(vqi_num_is(queue(1)->last_avail_idx, 7));
	ck_assert(vqi_num_is(queue(1)->used_idx, 4));
	ck_assert(vqi_num_is(queue(1)->used_ring_idx, 4));
	ck_assert(vqi_num_is(queue(1)->inuse, 3));
	ck_assert(vqi_num_is(queue(1)->in_flight, 3));
	ck_assert(vqi_num_is(queue(1)->host_notifier_fd, 31));
	ck_assert(vqi_num_is(queue(1)->guest_notifier_fd, 41));
	ck_assert_uint_eq(queue(1)->ring_faults, 0);
}
END_TEST

/* The root of all objects is made with the first of them. */
START_TEST(test_no_objects)
{
	fake_main_loop(qemu);
	fake_set_symbol(qemu, VQI_SYM_object_root, 8, 0);
	look();
	ck_assert_uint_eq(snapshot->gap_count, 0);
	ck_assert_uint_eq(snapshot->loop_count, 1);
	ck_assert(snapshot->loops[0].is_main);
}
END_TEST

/* The loop of a queue is that which listens for its kicks; else that of the export. */
START_TEST(test_loops)
{
	uint64_t ctx, handler;

	fake_main_loop(qemu);
	fake_iothread(qemu, "io0", 4300, &ctx);
	fake_set(qemu, export.address, VQI_F_BlockExport_ctx, ctx);
	look();
	ck_assert_int_eq(queue(1)->handler, VQI_HANDLER_NONE);
	ck_assert_str_eq(vqi_snapshot_loop(snapshot, queue(1))->name, "iothread io0");
	handler = fake_handler(qemu, ctx, 0x55d0c2000000);
	fake_set(qemu, handler, VQI_F_AioHandler_fd, 31);
	look();
	ck_assert_int_eq(queue(1)->handler, VQI_HANDLER_READY);
	ck_assert_uint_eq(queue(1)->handler_ctx_hva, ctx);
	fake_set(qemu, handler, VQI_F_AioHandler_fd, 32);
	look();
	ck_assert_int_eq(queue(1)->handler, VQI_HANDLER_NONE);
}
END_TEST

START_TEST(test_no_client)
{
	fake_set(qemu, export.vu_dev, VQI_F_VuDev_vq, 0);
	look();
	ck_assert_uint_eq(snapshot->gap_count, 0);
	ck_assert_uint_eq(snapshot->devices[0].queue_count, 0);
	ck_assert(!snapshot->devices[0].started);
	fake_set(qemu, export.vu_dev, VQI_F_VuDev_vq, export.vq); /* one comes */
	look();
	ck_assert_uint_eq(snapshot->devices[0].queue_count, 2);
	ck_assert(snapshot->devices[0].started);
}
END_TEST

/* What is left of one that is gone says nothing of the next. */
START_TEST(test_broken)
{
	fake_set(qemu, export.vu_dev, VQI_F_VuDev_broken, 1);
	look();
	ck_assert(snapshot->devices[0].broken);
	fake_set(qemu, export.vu_dev, VQI_F_VuDev_vq, 0);
	look();
	ck_assert(!snapshot->devices[0].broken);
	ck_assert_uint_eq(snapshot->devices[0].guest_features, 0);
}
END_TEST

START_TEST(test_no_packed_ring)
{
	fake_set(qemu, export.vu_dev, VQI_F_VuDev_features, UINT64_C(1) << 34 | UINT64_C(1) << 32);
	look();
	ck_assert_int_eq(queue(1)->ring, VQI_RING_SPLIT);
	ck_assert_uint_eq(snapshot->devices[0].guest_features, UINT64_C(1) << 32);
}
END_TEST

/* Since 9.0 a region that is taken away unmaps all rings, until they are used again. */
START_TEST(test_unmapped_ring)
{
	uint64_t ring = fake_export_ring(qemu, &export, 1);

	set_indices(7, 7, 4);
	fake_set(qemu, ring, VQI_F_VuRing_desc, 0);
	fake_set(qemu, ring, VQI_F_VuRing_avail, 0);
	fake_set(qemu, ring, VQI_F_VuRing_used, 0);
	look();
	ck_assert_int_eq(queue(1)->access, VQI_RING_READ);
	ck_assert_uint_eq(queue(1)->desc_gpa, FAKE_REGION_GPA + OFFSET);
	ck_assert(vqi_num_is(queue(1)->avail_idx, 7));
	ck_assert(vqi_num_is(queue(1)->used_ring_idx, 4));
}
END_TEST

/* VHOST_USER_GET_VRING_BASE, as when the VM is paused: its addresses stay. */
START_TEST(test_stopped_queue)
{
	look();
	fake_set(qemu, fake_export_queue(qemu, &export, 1), VQI_F_VuVirtq_started, 0);
	look();
	ck_assert_uint_eq(snapshot->gap_count, 0);
	ck_assert_uint_eq(queue(1)->desc_gpa, 0);
	ck_assert(!snapshot->devices[0].started);
}
END_TEST

START_TEST(test_other_ring)
{
	look();
	fake_export_start(qemu, &export, 1, 0x6000, NUM);
	look();
	ck_assert_uint_eq(queue(1)->desc_gpa, FAKE_REGION_GPA + 0x6000);
}
END_TEST

START_TEST(test_ring_that_is_none)
{
	uint64_t ring = fake_export_ring(qemu, &export, 1);

	fake_set(qemu, ring, VQI_F_VuRing_used, export.region + FAKE_REGION_LEN + 64);
	look();
	ck_assert_int_eq(queue(1)->access, VQI_RING_SHORT);
	fake_set(qemu, ring, VQI_F_VuRing_used, export.region + FAKE_REGION_LEN - 2);
	look();
	ck_assert_int_eq(queue(1)->access, VQI_RING_SHORT);
	ck_assert_uint_eq(snapshot->gap_count, 1);
	fake_set(qemu, ring, VQI_F_VuRing_num, 65536);
	look();
	ck_assert(snapshot->devices[0].unread);
	ck_assert_ptr_nonnull(strstr(snapshot->gaps[0].why, "ring of 65536 entries"));
	fake_set(qemu, export.vu_dev, VQI_F_VuDev_max_queues, 2000);
	look();
	ck_assert(snapshot->devices[0].unread);
	ck_assert_ptr_nonnull(strstr(snapshot->gaps[0].why, "VuDev.max_queues is 2000"));
}
END_TEST

/* block-export-add and block-export-del between two looks. */
START_TEST(test_coming_and_going)
{
	struct fake_export other;

	look();
	other = fake_export(qemu, "a", 1);
	look_again();
	ck_assert_uint_eq(snapshot->device_count, 2);
	ck_assert_uint_eq(snapshot->unplugged_count, 0);
	ck_assert_str_eq(snapshot->devices[0].id, "a");
	ck_assert_str_eq(snapshot->devices[1].id, "e0");
	fake_set_symbol(qemu, VQI_SYM_block_exports, 8, other.address);
	fake_set(qemu, other.address, VQI_F_BlockExport_next, 0);
	look_again();
	ck_assert_uint_eq(snapshot->device_count, 1);
	ck_assert_str_eq(snapshot->devices[0].id, "a");
	ck_assert_uint_eq(snapshot->unplugged_count, 1);
	ck_assert_str_eq(snapshot->unplugged[0], "e0");
}
END_TEST

/* Within one inspection. */
START_TEST(test_going)
{
	look();
	fake_set_symbol(qemu, VQI_SYM_block_exports, 8, 0);
	look();
	ck_assert_uint_eq(snapshot->device_count, 0);
	ck_assert_uint_eq(snapshot->unplugged_count, 1);
}
END_TEST

START_TEST(test_selected)
{
	static const struct {
		const char *name;
		const char *id; /* NULL: there is none */
	} names[] = {
		{"e0", "e0"}, {"f", "f"}, {"virtio-blk1", "f"}, {"virtio-blk2", NULL}, {"x", NULL},
	};

	fake_export(qemu, "f", 1);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct vqi_error *error;

		ck_assert_ok(vqi_observer_new(NULL, &qemu->qemu, &observer));
		error = vqi_observer_select(observer, &names[i].name, 1, false);
		if (!names[i].id) {
			ck_assert_code(error, VQI_ERROR_USAGE);
		} else {
			ck_assert_ok(error);
			look();
			ck_assert_uint_eq(snapshot->device_count, 1);
			ck_assert_str_eq(snapshot->devices[0].id, names[i].id);
		}
		vqi_observer_free(take_ptr(observer));
	}
}
END_TEST

/* It has rings, too: what is wrong with them is not seen. */
START_TEST(test_vduse_is_a_gap)
{
	struct fake_export vduse = fake_export(qemu, "v", 0);

	fake_set(qemu, vduse.address, VQI_F_BlockExport_drv,
		 fake_symbol(qemu, VQI_SYM_blk_exp_vduse_blk));
	look();
	ck_assert_uint_eq(snapshot->device_count, 1);
	ck_assert_uint_eq(snapshot->gap_count, 1);
	ck_assert_str_eq(snapshot->gaps[0].what, "exports");
	ck_assert_ptr_nonnull(strstr(snapshot->gaps[0].why, "1 by VDUSE"));
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("exported");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, test_queues, 0, SEEDS);
	tcase_add_test(tcase, test_no_objects);
	tcase_add_test(tcase, test_loops);
	tcase_add_test(tcase, test_no_client);
	tcase_add_test(tcase, test_broken);
	tcase_add_test(tcase, test_no_packed_ring);
	tcase_add_test(tcase, test_unmapped_ring);
	tcase_add_test(tcase, test_stopped_queue);
	tcase_add_test(tcase, test_other_ring);
	tcase_add_test(tcase, test_ring_that_is_none);
	tcase_add_test(tcase, test_coming_and_going);
	tcase_add_test(tcase, test_going);
	tcase_add_test(tcase, test_selected);
	tcase_add_test(tcase, test_vduse_is_a_gap);
	return unit_run("exported", tcase);
}
