/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finding the virtio devices: the QOM tree, and the buses where that cannot be walked. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_virtio.h"
#include "unit.h"
#include "vqi/limits.h"

#include "objects.h"

#define SEEDS 4

static struct fake_qemu *qemu;
static struct fake_device blk0, anonymous, on_mmio;

/* A world with a device of each kind of name. */
static void make(unsigned int seed, enum fake_glib glib)
{
	qemu = fake_qemu_new(seed);
	qemu->glib = glib;
	blk0 = fake_device(qemu, &(struct fake_device_options){.id = "blk0"});
	anonymous = fake_device(qemu, &(struct fake_device_options){.type = "virtio-rng-device",
								    .device_id = 4});
	on_mmio = fake_device(qemu,
			      &(struct fake_device_options){.id = "mmio0", .proxy = "virtio-mmio"});
}

static void setup(void)
{
	make(1, FAKE_GLIB_2_62);
}

static void teardown(void)
{
	fake_qemu_free(qemu);
}

static void forget_qom(void)
{
	qemu->layout.symbols[VQI_SYM_current_machine].present = false;
}

static void forget_buses(void)
{
	qemu->layout.symbols[VQI_SYM_main_system_bus].present = false;
}

static struct vqi_error *find(struct vqi_objects *ret_devices)
{
	return vqi_qemu_find_virtio(&qemu->qemu, ret_devices);
}

/* Asserts that the walk of the QOM tree fails. */
static void assert_tree_fails(enum vqi_error_code code, const char *text)
{
	vqi_cleanup(vqi_objects_done) struct vqi_objects devices = {0};

	ck_assert_code_text(vqi_qom_find_virtio(&qemu->qemu, &devices), code, text);
}

/* Asserts that exactly the devices of make() are found. */
static void assert_found(void)
{
	vqi_cleanup(vqi_objects_done) struct vqi_objects devices = {0};

	ck_assert_ok(find(&devices));
	ck_assert_uint_eq(devices.count, 3);
	ck_assert_str_eq(devices.objects[0].path,
			 "/machine/peripheral-anon/device[0]/virtio-backend");
	ck_assert_uint_eq(devices.objects[0].address, anonymous.vdev);
	ck_assert_str_eq(devices.objects[1].path, "/machine/peripheral/blk0/virtio-backend");
	ck_assert_uint_eq(devices.objects[1].address, blk0.vdev);
	ck_assert_str_eq(devices.objects[2].path, "/machine/peripheral/mmio0");
	ck_assert_uint_eq(devices.objects[2].address, on_mmio.vdev);
}

START_TEST(test_every_layout)
{
	teardown();
	make((unsigned int)_i, FAKE_GLIB_2_62);
	assert_found();
	forget_qom();
	assert_found();
}
END_TEST

START_TEST(test_every_glib)
{
	teardown();
	make(0, (enum fake_glib)_i);
	forget_buses();
	assert_found();
}
END_TEST

/* A program that is not PIE: everything lies below 4 GiB, and hash tables have small slots. */
START_TEST(test_low_heap)
{
	teardown();
	qemu = fake_qemu_new_at(2, 0x10000000);
	blk0 = fake_device(qemu, &(struct fake_device_options){.id = "blk0"});
	forget_buses();

	vqi_cleanup(vqi_objects_done) struct vqi_objects devices = {0};

	ck_assert_ok(find(&devices));
	ck_assert_uint_eq(devices.count, 1);
	ck_assert_uint_eq(devices.objects[0].address, blk0.vdev);
}
END_TEST

START_TEST(test_no_devices)
{
	vqi_cleanup(vqi_objects_done) struct vqi_objects devices = {0};

	teardown();
	qemu = fake_qemu_new(0);
	ck_assert_ok(find(&devices));
	ck_assert_uint_eq(devices.count, 0);
	forget_qom();
	ck_assert_ok(find(&devices));
	ck_assert_uint_eq(devices.count, 0);
}
END_TEST

/* device[10] comes after device[2]. */
START_TEST(test_numbers_sort_by_value)
{
	vqi_cleanup(vqi_objects_done) struct vqi_objects devices = {0};
	char path[80];

	for (unsigned int i = 0; i < 12; i++)
		fake_device(qemu, &(struct fake_device_options){0});
	ck_assert_ok(find(&devices));
	ck_assert_uint_eq(devices.count, 15);
	for (unsigned int i = 0; i < 13; i++) {
		/* device[1] is the proxy of on_mmio, elsewhere */
		snprintf(path, sizeof(path), "/machine/peripheral-anon/device[%u]/virtio-backend",
			 i ? i + 1 : 0);
		ck_assert_str_eq(devices.objects[i].path, path);
	}
}
END_TEST

/* One that is being made or taken away has no queues. */
START_TEST(test_unrealized_is_passed_over)
{
	vqi_cleanup(vqi_objects_done) struct vqi_objects qom = {0}, buses = {0};

	fake_set(qemu, blk0.vdev, VQI_F_DeviceState_realized, 0);
	ck_assert_ok(find(&qom));
	ck_assert_uint_eq(qom.count, 2);
	fake_set(qemu, blk0.vdev, VQI_F_DeviceState_canonical_path, 0);
	forget_qom();
	ck_assert_ok(find(&buses));
	ck_assert_uint_eq(buses.count, 2);
}
END_TEST

/* A QEMU that has not come that far. */
START_TEST(test_no_machine_yet)
{
	struct vqi_objects devices = {0};

	fake_set_symbol(qemu, VQI_SYM_current_machine, 8, 0);
	assert_found();
	fake_set_symbol(qemu, VQI_SYM_main_system_bus, 8, 0);
	ck_assert_code_text(find(&devices), VQI_ERROR_BAD_DATA, "there is no machine yet");
	ck_assert_code_text(find(&devices), VQI_ERROR_BAD_DATA, "there is no system bus yet");
	ck_assert_uint_eq(devices.count, 0);
}
END_TEST

START_TEST(test_what_the_walks_need)
{
	static const enum vqi_field_id fields[] = {VQI_F_Object_properties,
						   VQI_F_ObjectProperty_name,
						   VQI_F_ObjectProperty_type,
						   VQI_F_ObjectProperty_opaque};
	struct vqi_objects devices = {0};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		qemu->layout.fields[fields[i]].present = false;
		assert_found();
		qemu->layout.fields[fields[i]].present = true;
	}
	forget_qom();
	qemu->layout.fields[VQI_F_DeviceState_canonical_path].present = false;
	ck_assert_code(find(&devices), VQI_ERROR_NO_LAYOUT);
}
END_TEST

START_TEST(test_object_within_itself)
{
	fake_add_property(qemu, blk0.vdev, "again", "child<virtio-device>", blk0.vdev);
	assert_tree_fails(VQI_ERROR_LIMIT, "levels");
	assert_found();
}
END_TEST

/* The machine is its own child three times: 3^64 paths. */
START_TEST(test_object_often_within_itself)
{
	teardown();
	qemu = fake_qemu_new(0);
	fake_add_property(qemu, qemu->machine, "one", "child<machine>", qemu->machine);
	fake_add_property(qemu, qemu->machine, "two", "child<machine>", qemu->machine);
	fake_add_property(qemu, qemu->machine, "three", "child<machine>", qemu->machine);
	assert_tree_fails(VQI_ERROR_LIMIT, "objects");
}
END_TEST

START_TEST(test_deep_tree)
{
	uint64_t parent = fake_child(qemu, qemu->machine, "unattached");

	forget_buses();
	for (int depth = 1; depth < VQI_MAX_QOM_DEPTH; depth++) {
		uint64_t child = fake_object(qemu, VQI_S_Object, "container");

		fake_add_child(qemu, parent, "deeper", child);
		parent = child;
	}
	assert_found();
	fake_add_child(qemu, parent, "too-deep", fake_object(qemu, VQI_S_Object, "container"));
	assert_tree_fails(VQI_ERROR_LIMIT, "levels");
}
END_TEST

START_TEST(test_bus_within_itself)
{
	struct vqi_objects devices = {0};

	forget_qom();
	fake_set(qemu, blk0.vdev, VQI_F_DeviceState_child_bus, blk0.bus);
	ck_assert_code_text(find(&devices), VQI_ERROR_LIMIT, "levels of buses");
}
END_TEST

START_TEST(test_buses_in_a_ring)
{
	struct vqi_objects devices = {0};

	forget_qom();
	fake_set(qemu, on_mmio.bus, VQI_F_BusState_children, 0);
	fake_set(qemu, on_mmio.bus, VQI_F_BusState_sibling, on_mmio.bus);
	ck_assert_code_text(find(&devices), VQI_ERROR_LIMIT, "buses and devices");
}
END_TEST

/* A type's name that is shorter than "child<" and ends with its mapping is read all the same. */
START_TEST(test_short_type_at_the_end_of_a_mapping)
{
	fake_add_property(qemu, qemu->machine, "flag", "bool", 0);
	fake_add_property(qemu, blk0.vdev, "empty", "", 0);
	forget_buses();
	assert_found();
}
END_TEST

/* Nothing is read of what no device is below; all else is walked. */
START_TEST(test_memory_regions)
{
	uint64_t nowhere = 8, parent = fake_child(qemu, qemu->machine, "peripheral");

	forget_buses();
	fake_add_property(qemu, qemu->machine, "ram", "child<qemu:memory-region>", nowhere);
	fake_add_property(qemu, parent, "line", "child<irq>, and what is read beyond", nowhere);
	assert_found();
	fake_add_property(qemu, parent, "other", "child<qemu:memory-region-bus>", nowhere);
	assert_tree_fails(VQI_ERROR_FAULT, "at 0x8");
}
END_TEST

typedef struct vqi_error *(*walk_func)(struct vqi_qemu *qemu, struct vqi_objects *devices);

/* Every byte that a healthy walk reads fails once. */
static void fault_each_byte(walk_func walk, void (*check)(uint64_t address))
{
	vqi_cleanup(vqi_objects_done) struct vqi_objects devices = {0};
	vqi_cleanup_free struct fake_read *reads = NULL;
	size_t count;

	fake_forget(qemu);
	ck_assert_ok(walk(&qemu->qemu, &devices));
	ck_assert_uint_eq(devices.count, 3);
	reads = fake_take_reads(qemu, &count);
	ck_assert_uint_gt(count, 50);
	for (size_t i = 0; i < count; i++) {
		for (uint64_t byte = 0; byte < reads[i].len; byte++) {
			vqi_qemu_done(&qemu->qemu);
			ck_assert_ok(vqi_qemu_init(&qemu->mem, &qemu->layout, qemu->qemu.bias,
						   &qemu->qemu));
			vqi_fake_mem_fault(qemu->fake, reads[i].addr + byte, 1);
			check(reads[i].addr + byte);
			vqi_fake_mem_heal(qemu->fake);
			fake_forget(qemu);
		}
	}
}

/* Asserts that a walk fails with FAULT. */
static void assert_fault(walk_func walk, uint64_t address)
{
	vqi_cleanup(vqi_objects_done) struct vqi_objects devices = {0};
	vqi_cleanup_error struct vqi_error *error = NULL;

	error = walk(&qemu->qemu, &devices);
	ck_assert_msg(error != NULL, "no error for 0x%llx", (unsigned long long)address);
	ck_assert_int_eq(error->code, VQI_ERROR_FAULT);
}

static void assert_tree_fault(uint64_t address)
{
	assert_fault(vqi_qom_find_virtio, address);
}

static void assert_bus_fault(uint64_t address)
{
	assert_fault(vqi_bus_find_virtio, address);
}

static void assert_fallback(uint64_t address)
{
	vqi_cleanup(vqi_objects_done) struct vqi_objects devices = {0};
	vqi_cleanup_error struct vqi_error *error = NULL;

	error = find(&devices);
	ck_assert_msg(error || devices.count == 3, "%zu devices for 0x%llx", devices.count,
		      (unsigned long long)address);
}

START_TEST(test_every_fault_in_the_tree)
{
	fault_each_byte(vqi_qom_find_virtio, assert_tree_fault);
}
END_TEST

START_TEST(test_every_fault_in_the_buses)
{
	forget_qom();
	fault_each_byte(vqi_bus_find_virtio, assert_bus_fault);
}
END_TEST

START_TEST(test_every_fault_with_a_fallback)
{
	fault_each_byte(vqi_qom_find_virtio, assert_fallback);
}
END_TEST

START_TEST(test_target_ends)
{
	struct vqi_objects devices = {0};
	size_t calls;

	qemu->fake->calls = 0;
	assert_found();
	calls = qemu->fake->calls;
	for (size_t i = 0; i < calls; i++) {
		vqi_qemu_done(&qemu->qemu);
		ck_assert_ok(
			vqi_qemu_init(&qemu->mem, &qemu->layout, qemu->qemu.bias, &qemu->qemu));
		qemu->fake->calls = 0;
		qemu->fake->gone_after = i;
		ck_assert_code(find(&devices), VQI_ERROR_GONE);
	}
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("qom");

	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, test_every_layout, 0, SEEDS);
	tcase_add_loop_test(tcase, test_every_glib, FAKE_GLIB_2_56, FAKE_GLIB_2_87 + 1);
	tcase_add_test(tcase, test_low_heap);
	tcase_add_test(tcase, test_no_devices);
	tcase_add_test(tcase, test_numbers_sort_by_value);
	tcase_add_test(tcase, test_unrealized_is_passed_over);
	tcase_add_test(tcase, test_no_machine_yet);
	tcase_add_test(tcase, test_what_the_walks_need);
	tcase_add_test(tcase, test_object_within_itself);
	tcase_add_test(tcase, test_object_often_within_itself);
	tcase_add_test(tcase, test_deep_tree);
	tcase_add_test(tcase, test_bus_within_itself);
	tcase_add_test(tcase, test_buses_in_a_ring);
	tcase_add_test(tcase, test_short_type_at_the_end_of_a_mapping);
	tcase_add_test(tcase, test_memory_regions);
	tcase_add_test(tcase, test_every_fault_in_the_tree);
	tcase_add_test(tcase, test_every_fault_in_the_buses);
	tcase_add_test(tcase, test_every_fault_with_a_fallback);
	tcase_add_test(tcase, test_target_ends);
	return unit_run("qom", tcase);
}
