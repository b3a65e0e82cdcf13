/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Looks at a device that vhost runs. */
#include "observer.h"

#include <check.h>

#include "fake_virtio.h"
#include "unit.h"

static struct fake_qemu *qemu;
static struct fake_device blk0;
static struct vqi_observer *observer;
static struct vqi_snapshot *snapshot;

static void setup(void)
{
	struct ring_builder ring;

	qemu = fake_qemu_new(1);
	fake_run_state(qemu, 1);
	blk0 = fake_device(
		qemu, &(struct fake_device_options){.id = "blk0", .queues = 1, .devfn = 3 << 3});
	fake_ring(qemu, &blk0, 0, &(struct ring_options){.num = 64, .event_idx = true}, &ring);
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
	ck_assert_uint_eq(snapshot->device_count, 1);
}

START_TEST(test_vhost)
{
	uint64_t dev = fake_alloc(qemu, qemu->layout.structs[VQI_S_vhost_dev].size);
	uint64_t ops = fake_alloc(qemu, qemu->layout.structs[VQI_S_VhostOps].size);

	fake_set(qemu, blk0.vdev, VQI_F_VirtIODevice_vhost_started, 1);
	fake_push_vhost(qemu, dev);
	fake_set(qemu, dev, VQI_F_vhost_dev_vdev, blk0.vdev);
	fake_set(qemu, dev, VQI_F_vhost_dev_started, 1);
	fake_set(qemu, dev, VQI_F_vhost_dev_vhost_ops, ops);
	fake_set(qemu, ops, VQI_F_VhostOps_backend_type, 2);
	look();
	ck_assert_int_eq(snapshot->devices[0].vhost, VQI_VHOST_USER);
	ck_assert_uint_eq(snapshot->gap_count, 0);
	ck_assert(!snapshot->devices[0].queues[0].last_avail_idx.known);

	/* Before QEMU 7.1 only the list tells. */
	qemu->layout.fields[VQI_F_VirtIODevice_vhost_started].present = false;
	look();
	ck_assert_int_eq(snapshot->devices[0].vhost, VQI_VHOST_USER);
	ck_assert(!snapshot->devices[0].queues[0].last_avail_idx.known);
	fake_set(qemu, dev, VQI_F_vhost_dev_started, 0);
	look();
	ck_assert_int_eq(snapshot->devices[0].vhost, VQI_VHOST_NONE);
	ck_assert(snapshot->devices[0].queues[0].last_avail_idx.known);
	fake_set(qemu, dev, VQI_F_vhost_dev_started, 1);

	/* Without the list, who has the ioeventfds. */
	qemu->layout.symbols[VQI_SYM_vhost_devices].present = false;
	look();
	ck_assert_int_eq(snapshot->devices[0].vhost, VQI_VHOST_NONE);
	ck_assert(snapshot->devices[0].queues[0].last_avail_idx.known);
	fake_set(qemu, blk0.bus, VQI_F_VirtioBusState_ioeventfd_grabbed, 1);
	look();
	ck_assert_int_eq(snapshot->devices[0].vhost, VQI_VHOST_UNKNOWN);
	ck_assert(!snapshot->devices[0].queues[0].last_avail_idx.known);
	qemu->layout.fields[VQI_F_VirtioBusState_ioeventfd_grabbed].present = false;
	look();
	ck_assert_int_eq(snapshot->devices[0].vhost, VQI_VHOST_UNKNOWN);
	qemu->layout.symbols[VQI_SYM_vhost_devices].present = true;
	qemu->layout.fields[VQI_F_VirtIODevice_vhost_started].present = true;

	/* The list changes while it is walked. */
	vqi_fake_mem_fault(qemu->fake, ops, 1024);
	look();
	ck_assert_int_eq(snapshot->devices[0].vhost, VQI_VHOST_UNKNOWN);
	ck_assert_uint_eq(snapshot->gap_count, 1);
	ck_assert_str_eq(snapshot->gaps[0].device, "blk0");
	ck_assert_str_eq(snapshot->gaps[0].what, "kind of vhost");
	ck_assert_uint_eq(snapshot->devices[0].queue_count, 1);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("observer_vhost");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_vhost);
	return unit_run("observer_vhost", tcase);
}
