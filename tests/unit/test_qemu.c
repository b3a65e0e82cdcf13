/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fields, variables and types of a QEMU, by name. */
#include "vqi/qemu.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "fake_virtio.h"
#include "unit.h"
#include "vqi/limits.h"

#define SEEDS 6

static struct fake_qemu *qemu;

static void setup(void)
{
	qemu = fake_qemu_new(3);
}

static void teardown(void)
{
	fake_qemu_free(qemu);
}

START_TEST(test_layouts_are_complete_and_differ)
{
	struct vqi_layout layouts[SEEDS];

	for (unsigned int seed = 0; seed < SEEDS; seed++) {
		fake_layout(&layouts[seed], seed);
		ck_assert_ok(vqi_layout_check(&layouts[seed]));
		for (unsigned int other = 0; other < seed; other++)
			ck_assert_mem_ne(layouts[seed].fields, layouts[other].fields,
					 sizeof(layouts[seed].fields));
	}
}
END_TEST

/* A field of every size that an integer can have. */
START_TEST(test_field)
{
	static const enum vqi_field_id fields[] = {VQI_F_VirtIODevice_status,
						   VQI_F_VirtIODevice_device_id,
						   VQI_F_PCIDevice_devfn, VQI_F_VirtIODevice_vq};
	uint64_t value, structure = fake_alloc(qemu, 1024), wanted = 0xf1f2f3f4f5f6f7f8;

	for (size_t i = 0; i < 4; i++) {
		fake_set(qemu, structure, fields[i], wanted);
		ck_assert_ok(vqi_qemu_field(&qemu->qemu, structure, fields[i], &value));
		ck_assert_uint_eq(value, i == 3 ? wanted : wanted & ((1ull << (8 << i)) - 1));
	}
}
END_TEST

/* The first pointer of a list head, which is larger. */
START_TEST(test_field_of_list)
{
	uint64_t value, bus = fake_alloc(qemu, qemu->layout.structs[VQI_S_BusState].size);

	fake_set(qemu, bus, VQI_F_BusState_children, 0x1234567890);
	ck_assert_ok(vqi_qemu_field(&qemu->qemu, bus, VQI_F_BusState_children, &value));
	ck_assert_uint_eq(value, 0x1234567890);
}
END_TEST

START_TEST(test_field_errors)
{
	uint64_t value = 55, near_top = UINT64_MAX - 2;
	struct vqi_field *field = &qemu->layout.fields[VQI_F_VirtIODevice_vq];

	ck_assert_code_text(vqi_qemu_field(&qemu->qemu, 0, VQI_F_VirtIODevice_vq, &value),
			    VQI_ERROR_FAULT, "VirtIODevice.vq: ");
	ck_assert_code(vqi_qemu_field(&qemu->qemu, 4096, VQI_F_VirtIODevice_vq, &value),
		       VQI_ERROR_FAULT);
	ck_assert_code(vqi_qemu_field(&qemu->qemu, near_top, VQI_F_VirtIODevice_vq, &value),
		       VQI_ERROR_FAULT);
	field->size = 3;
	ck_assert_code(vqi_qemu_field(&qemu->qemu, qemu->machine, VQI_F_VirtIODevice_vq, &value),
		       VQI_ERROR_BAD_DATA);
	field->present = false;
	ck_assert_code_text(vqi_qemu_field(&qemu->qemu, qemu->machine, VQI_F_VirtIODevice_vq,
					   &value),
			    VQI_ERROR_NO_LAYOUT, "VirtIODevice.vq is unknown");
	ck_assert_uint_eq(value, 55);
}
END_TEST

START_TEST(test_string_field)
{
	uint64_t device = fake_alloc(qemu, 8192);
	vqi_cleanup_free char *pointed = NULL, *array = NULL, *none = NULL;

	fake_set_text(qemu, device, VQI_F_DeviceState_id, "blk0");
	ck_assert_ok(vqi_qemu_string_field(&qemu->qemu, device, VQI_F_DeviceState_id, &pointed));
	ck_assert_str_eq(pointed, "blk0");
	fake_set_text(qemu, device, VQI_F_BlockDriverState_node_name,
		      "a node's name of 31 characters.");
	ck_assert_ok(vqi_qemu_string_field(&qemu->qemu, device, VQI_F_BlockDriverState_node_name,
					   &array));
	ck_assert_str_eq(array, "a node's name of 31 characters.");
	fake_set(qemu, device, VQI_F_DeviceState_id, 0);
	none = strdup("old");
	free(none);
	none = NULL;
	ck_assert_ok(vqi_qemu_string_field(&qemu->qemu, device, VQI_F_DeviceState_id, &none));
	ck_assert_ptr_null(none);
}
END_TEST

/* An array without an end is not read beyond. */
START_TEST(test_endless_array)
{
	uint64_t node = fake_alloc(qemu, qemu->layout.structs[VQI_S_BlockDriverState].size);
	uint32_t offset = qemu->layout.fields[VQI_F_BlockDriverState_node_name].offset;
	char *text = NULL;

	memset(fake_bytes(qemu, node + offset, 32), 'x', 32);
	ck_assert_code(vqi_qemu_string_field(&qemu->qemu, node, VQI_F_BlockDriverState_node_name,
					     &text),
		       VQI_ERROR_BAD_DATA);
	ck_assert_ptr_null(text);
}
END_TEST

START_TEST(test_symbols)
{
	uint64_t value = 9;

	ck_assert_ok(vqi_qemu_symbol(&qemu->qemu, VQI_SYM_current_machine, &value));
	ck_assert_uint_eq(value, fake_symbol(qemu, VQI_SYM_current_machine));
	ck_assert_ok(vqi_qemu_pointer(&qemu->qemu, VQI_SYM_current_machine, &value));
	ck_assert_uint_eq(value, qemu->machine);

	/* A program that is linked higher than it is loaded has a bias below 0. */
	qemu->layout.symbols[VQI_SYM_current_machine].address += 0x600000000000;
	qemu->qemu.bias -= 0x600000000000;
	ck_assert_ok(vqi_qemu_pointer(&qemu->qemu, VQI_SYM_current_machine, &value));
	ck_assert_uint_eq(value, qemu->machine);

	qemu->layout.symbols[VQI_SYM_current_machine].present = false;
	ck_assert_code_text(vqi_qemu_pointer(&qemu->qemu, VQI_SYM_current_machine, &value),
			    VQI_ERROR_NO_LAYOUT, "current_machine");
}
END_TEST

START_TEST(test_is_a)
{
	uint64_t object = fake_object(qemu, VQI_S_VirtIODevice, "virtio-blk-device");
	const char *name = NULL;
	bool is_a;

	static const struct {
		const char *type;
		bool is_a;
	} types[] = {
		{"virtio-blk-device", true},
		{"virtio-device", true},
		{"device", true},
		{"object", true},
		{"virtio-net-device", false},
		{"virtio", false},
		{"", false},
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		is_a = !types[i].is_a;
		ck_assert_ok(vqi_qemu_is_a(&qemu->qemu, object, types[i].type, &is_a));
		ck_assert_msg(is_a == types[i].is_a, "%s", types[i].type);
	}
	ck_assert_ok(vqi_qemu_type_name(&qemu->qemu, object, &name));
	ck_assert_str_eq(name, "virtio-blk-device");
}
END_TEST

/* The ancestry of a type is read once, however many objects are of it. */
START_TEST(test_types_are_kept)
{
	uint64_t first = fake_object(qemu, VQI_S_VirtIODevice, "virtio-blk-device");
	uint64_t second = fake_object(qemu, VQI_S_VirtIODevice, "virtio-blk-device");
	bool is_a = false;

	ck_assert_ok(vqi_qemu_is_a(&qemu->qemu, first, "device", &is_a));
	qemu->fake->calls = 0;
	ck_assert_ok(vqi_qemu_is_a(&qemu->qemu, second, "device", &is_a));
	ck_assert(is_a);
	ck_assert_uint_eq(qemu->fake->calls, 1);
}
END_TEST

/* The TypeImpl of the object's own type. */
static uint64_t impl_of(const char *type)
{
	return fake_type_impl(qemu, fake_class(qemu, type));
}

START_TEST(test_type_is_its_own_ancestor)
{
	uint64_t object = fake_object(qemu, VQI_S_VirtIODevice, "virtio-blk-device");
	bool is_a;

	fake_set(qemu, impl_of("device"), VQI_F_TypeImpl_parent_type, impl_of("virtio-device"));
	ck_assert_code(vqi_qemu_is_a(&qemu->qemu, object, "device", &is_a), VQI_ERROR_LIMIT);
}
END_TEST

START_TEST(test_broken_types)
{
	uint64_t object = fake_object(qemu, VQI_S_VirtIODevice, "virtio-blk-device");
	uint64_t class = fake_class(qemu, "virtio-blk-device"), impl = impl_of("virtio-blk-device");
	bool is_a;

	fake_set(qemu, impl, VQI_F_TypeImpl_name, 0);
	ck_assert_code(vqi_qemu_is_a(&qemu->qemu, object, "device", &is_a), VQI_ERROR_BAD_DATA);
	fake_set(qemu, class, VQI_F_ObjectClass_type, 0);
	ck_assert_code(vqi_qemu_is_a(&qemu->qemu, object, "device", &is_a), VQI_ERROR_BAD_DATA);
	fake_set(qemu, object, VQI_F_Object_class, 0);
	ck_assert_code(vqi_qemu_is_a(&qemu->qemu, object, "device", &is_a), VQI_ERROR_FAULT);
	ck_assert_code(vqi_qemu_is_a(&qemu->qemu, 0, "device", &is_a), VQI_ERROR_FAULT);
}
END_TEST

START_TEST(test_object_name)
{
	uint64_t objects = fake_child(qemu, qemu->machine, "peripheral");
	uint64_t rng = fake_object(qemu, VQI_S_Object, "container");
	uint64_t loose = fake_object(qemu, VQI_S_Object, "container");
	vqi_cleanup_free char *name = NULL, *none = NULL;

	fake_add_property(qemu, objects, "type", "string", 0);
	fake_add_property(qemu, objects, "a-link", "link<rng>", rng);
	fake_add_child(qemu, objects, "rng0", rng);
	ck_assert_ok(vqi_qemu_object_name(&qemu->qemu, rng, &name));
	ck_assert_pstr_eq(name, "rng0");
	ck_assert_ok(vqi_qemu_object_name(&qemu->qemu, loose, &none));
	ck_assert_ptr_null(none);
	/* It says that it has a parent, which does not know it. */
	fake_set(qemu, loose, VQI_F_Object_parent, objects);
	ck_assert_ok(vqi_qemu_object_name(&qemu->qemu, loose, &none));
	ck_assert_ptr_null(none);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("qemu");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_layouts_are_complete_and_differ);
	tcase_add_test(tcase, test_field);
	tcase_add_test(tcase, test_field_of_list);
	tcase_add_test(tcase, test_field_errors);
	tcase_add_test(tcase, test_string_field);
	tcase_add_test(tcase, test_endless_array);
	tcase_add_test(tcase, test_symbols);
	tcase_add_test(tcase, test_is_a);
	tcase_add_test(tcase, test_types_are_kept);
	tcase_add_test(tcase, test_type_is_its_own_ancestor);
	tcase_add_test(tcase, test_broken_types);
	tcase_add_test(tcase, test_object_name);
	return unit_run("qemu", tcase);
}
