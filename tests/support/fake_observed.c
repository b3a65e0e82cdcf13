/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fake_observed.h"

#include <check.h>

#include "unit.h"

#define RUNNING 1

void fake_disk_and_card(struct fake_qemu *qemu, uint16_t num, struct fake_device *ret_blk0,
			struct fake_device *ret_net0, struct ring_builder ret_rings[2])
{
	fake_run_state(qemu, RUNNING);
	*ret_blk0 = fake_device(
		qemu, &(struct fake_device_options){.id = "blk0", .queues = 2, .devfn = 3 << 3});
	*ret_net0 = fake_device(qemu, &(struct fake_device_options){.id = "net0",
								    .type = "virtio-net-device",
								    .device_id = 1,
								    .queues = 3});
	for (unsigned int i = 0; i < 2; i++)
		fake_ring(qemu, ret_blk0, i, &(struct ring_options){.num = num, .event_idx = true},
			  &ret_rings[i]);
}

void assert_every_end_is_told(struct fake_qemu *qemu, enum vqi_stop_mode mode,
			      struct vqi_observer **observer)
{
	struct vqi_snapshot *snapshot = NULL;
	size_t calls;

	for (int i = 0; i < 2; i++) { /* the first one finds out more, once */
		vqi_snapshot_free(take_ptr(snapshot));
		vqi_observer_free(take_ptr(*observer));
		ck_assert_ok(vqi_observer_new(NULL, &qemu->qemu, observer));
		qemu->fake->calls = 0;
		ck_assert_ok(vqi_observer_look(*observer, mode, &snapshot));
	}
	calls = qemu->fake->calls;
	vqi_snapshot_free(take_ptr(snapshot));
	for (size_t i = 0; i < calls; i++) {
		vqi_observer_free(take_ptr(*observer));
		qemu->fake->gone_after = SIZE_MAX;
		ck_assert_ok(vqi_observer_new(NULL, &qemu->qemu, observer));
		qemu->fake->calls = 0;
		qemu->fake->gone_after = i;
		ck_assert_code(vqi_observer_look(*observer, mode, &snapshot), VQI_ERROR_GONE);
		ck_assert_ptr_null(snapshot);
	}
}
