/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A device must be where it is, go by its name, and say of itself what can be. */
#include <check.h>
#include <string.h>

#include "fake_virtio.h"
#include "unit.h"

static struct fake_qemu *qemu;
static struct fake_device blk0;

static void setup(void)
{
	qemu = fake_qemu_new(1);
	blk0 = fake_device(qemu, &(struct fake_device_options){.id = "blk0"});
	qemu->layout.source = VQI_LAYOUT_PROFILE;
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

START_TEST(test_fits)
{
	ck_assert_ok(check());
}
END_TEST

/* What an offset leads to can be anything, and is no reason to look no further. */
START_TEST(test_faults)
{
	static const enum vqi_field_id fields[] = {
		VQI_F_Object_class,	     VQI_F_Object_parent,     VQI_F_ObjectClass_type,
		VQI_F_TypeImpl_name,	     VQI_F_DeviceState_id,    VQI_F_DeviceState_parent_bus,
		VQI_F_BusState_parent,	     VQI_F_BusState_children, VQI_F_BusChild_child,
		VQI_F_DeviceState_child_bus,
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		struct vqi_field before = qemu->layout.fields[fields[i]];

		vqi_qemu_done(&qemu->qemu);
		ck_assert_ok(
			vqi_qemu_init(&qemu->mem, &qemu->layout, qemu->qemu.bias, &qemu->qemu));
		qemu->layout.fields[fields[i]].offset = 1 << 19; /* where there is nothing */
		assert_misfit("does not fit this QEMU");
		qemu->layout.fields[fields[i]] = before;
	}
}
END_TEST

START_TEST(test_id)
{
	fake_set_text(qemu, blk0.proxy, VQI_F_DeviceState_id, "blk1");
	assert_misfit("DeviceState.id");
	fake_set_text(qemu, blk0.proxy, VQI_F_DeviceState_id, "blk");
	assert_misfit("DeviceState.id");
	fake_set(qemu, blk0.proxy, VQI_F_DeviceState_id, 0);
	assert_misfit("DeviceState.id");
	fake_set_text(qemu, blk0.proxy, VQI_F_DeviceState_id, "blk0");
	ck_assert_ok(check());
}
END_TEST

/* Without an id there is nothing that it must be. */
START_TEST(test_no_id)
{
	fake_device(qemu, &(struct fake_device_options){0});
	ck_assert_ok(check());
}
END_TEST

START_TEST(test_path)
{
	fake_set_text(qemu, blk0.vdev, VQI_F_DeviceState_canonical_path, "/machine/elsewhere");
	assert_misfit("canonical_path");
	fake_set(qemu, blk0.vdev, VQI_F_DeviceState_canonical_path, 0);
	ck_assert_ok(check());
}
END_TEST

START_TEST(test_bus)
{
	uint64_t kid = fake_get(qemu, blk0.bus, VQI_F_BusState_children);

	fake_set(qemu, blk0.vdev, VQI_F_DeviceState_parent_bus,
		 blk0.proxy); /* an object, and no bus */
	assert_misfit("bus");
	fake_set(qemu, blk0.vdev, VQI_F_DeviceState_parent_bus, 0);
	assert_misfit("bus");
	fake_set(qemu, blk0.vdev, VQI_F_DeviceState_parent_bus, blk0.bus);
	fake_set(qemu, kid, VQI_F_BusChild_child, blk0.proxy);
	assert_misfit("bus");
	fake_set(qemu, kid, VQI_F_BusChild_child, blk0.vdev);
	fake_set(qemu, blk0.proxy, VQI_F_DeviceState_child_bus, 0);
	assert_misfit("bus");
	fake_set(qemu, blk0.proxy, VQI_F_DeviceState_child_bus, blk0.bus);
	ck_assert_ok(check());
}
END_TEST

/* A list that never ends. */
START_TEST(test_ring_of_children)
{
	uint64_t kid = fake_get(qemu, blk0.bus, VQI_F_BusState_children);

	fake_set(qemu, kid, VQI_F_BusChild_child, blk0.proxy);
	fake_set(qemu, kid, VQI_F_BusChild_sibling, kid);
	assert_misfit("bus");
}
END_TEST

static const struct {
	enum vqi_field_id field;
	uint64_t wrong;
} values[] = {
	{VQI_F_VirtIODevice_device_id, 0},     {VQI_F_VirtIODevice_device_id, 0x7f12},
	{VQI_F_VirtIODevice_device_endian, 3}, {VQI_F_VirtIODevice_broken, 2},
	{VQI_F_VirtIODevice_vm_running, 0x55}, {VQI_F_VirtIODevice_started, 0xff},
};

START_TEST(test_values)
{
	uint64_t right = fake_get(qemu, blk0.vdev, values[_i].field);

	fake_set(qemu, blk0.vdev, values[_i].field, values[_i].wrong);
	assert_misfit(vqi_field_info(values[_i].field)->name);
	fake_set(qemu, blk0.vdev, values[_i].field, right);
	ck_assert_ok(check());
	qemu->layout.fields[values[_i].field].present = false;
	if (vqi_field_info(values[_i].field)->need == VQI_OPTIONAL)
		ck_assert_ok(check());
}
END_TEST

START_TEST(test_features)
{
	fake_set(qemu, blk0.vdev, VQI_F_VirtIODevice_host_features, FAKE_FEATURES);
	fake_set(qemu, blk0.vdev, VQI_F_VirtIODevice_guest_features, FAKE_FEATURES | 1);
	assert_misfit("guest_features");
	fake_set(qemu, blk0.vdev, VQI_F_VirtIODevice_guest_features, 0);
	ck_assert_ok(check());
}
END_TEST

/* None of which there is the first half: one that comes or goes beside others is no sign. */
START_TEST(test_none_is_realized)
{
	struct fake_device net0;

	fake_set(qemu, blk0.vdev, VQI_F_DeviceState_realized, 0);
	assert_misfit("no device is realized");
	qemu->layout.source = VQI_LAYOUT_DWARF;
	ck_assert_ok(check());
	qemu->layout.source = VQI_LAYOUT_PROFILE;
	net0 = fake_device(qemu, &(struct fake_device_options){.id = "net0"});
	ck_assert_ok(check());
	fake_set(qemu, net0.vdev, VQI_F_DeviceState_realized, 0);
	fake_set(qemu, net0.vdev, VQI_F_VirtIODevice_vq, 0);
	fake_set(qemu, blk0.vdev, VQI_F_VirtIODevice_vq, 0);
	ck_assert_ok(check()); /* not yet begun */
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("selfcheck_device");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_fits);
	tcase_add_test(tcase, test_faults);
	tcase_add_test(tcase, test_id);
	tcase_add_test(tcase, test_no_id);
	tcase_add_test(tcase, test_path);
	tcase_add_test(tcase, test_bus);
	tcase_add_test(tcase, test_ring_of_children);
	tcase_add_loop_test(tcase, test_values, 0, (int)(sizeof(values) / sizeof(values[0])));
	tcase_add_test(tcase, test_features);
	tcase_add_test(tcase, test_none_is_realized);
	return unit_run("selfcheck_device", tcase);
}
