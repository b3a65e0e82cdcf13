/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The way to the devices of a program without symbols. */
#include "scanned.h"

#include "fake_block.h"
#include "fake_loops.h"
#include "vqi/limits.h"
#include "vqi/qemu.h"

#define SEEDS 5

START_TEST(test_ways_to_the_devices)
{
	teardown();
	make((unsigned int)_i);
	ck_assert_ok(scan());
	assert_found(VQI_SYM_current_machine);
	assert_found(VQI_SYM_main_system_bus);
	for (unsigned int i = 0; i < VQI_SYMBOL_COUNT; i++) {
		if (i != VQI_SYM_current_machine && i != VQI_SYM_main_system_bus)
			assert_unknown((enum vqi_symbol_id)i);
	}
}
END_TEST

START_TEST(test_one_is_enough)
{
	hide(VQI_SYM_current_machine);
	ck_assert_ok(scan());
	assert_unknown(VQI_SYM_current_machine);
	assert_found(VQI_SYM_main_system_bus);
	fake_set_symbol(qemu, VQI_SYM_current_machine, 8, qemu->machine);
	hide(VQI_SYM_main_system_bus);
	ck_assert_ok(scan());
	assert_found(VQI_SYM_current_machine);
	assert_unknown(VQI_SYM_main_system_bus);
	hide(VQI_SYM_current_machine);
	assert_none();
}
END_TEST

/* Of several the first, always. */
START_TEST(test_several_words)
{
	poke(LINKED + LEN - 8, qemu->machine);
	ck_assert_ok(scan());
	assert_found(VQI_SYM_current_machine);
	hide(VQI_SYM_current_machine);
	ck_assert_ok(scan());
	assert_at(VQI_SYM_current_machine, LINKED + LEN - 8);
}
END_TEST

/* A machine whose class says so, and whose type does not. */
static uint64_t foreign_class(void)
{
	uint64_t machine = fake_object(qemu, VQI_S_DeviceState, "q35-machine");
	uint64_t class = fake_make(qemu, VQI_S_MachineClass);
	uint64_t impl = fake_type_impl(qemu, fake_class(qemu, "q35-machine"));

	fake_set(qemu, class, VQI_F_ObjectClass_type, impl);
	fake_set(qemu, machine, VQI_F_Object_class, class);
	fake_set(qemu, machine, VQI_F_Object_parent,
		 fake_get(qemu, qemu->machine, VQI_F_Object_parent));
	return machine;
}

/* What free() leaves: its own pointers at the start of what was the object, and of what was its class. */
static uint64_t freed(void)
{
	uint64_t machine = fake_object(qemu, VQI_S_DeviceState, "q35-machine");
	uint64_t chunk = fake_alloc(qemu, 4096);

	fake_set(qemu, machine, VQI_F_Object_class, chunk);
	fake_set(qemu, machine, VQI_F_Object_parent,
		 fake_get(qemu, qemu->machine, VQI_F_Object_parent));
	return machine;
}

/* One whose class cannot be changed, as all that QEMU allocates can. */
static uint64_t constant_class(void)
{
	uint64_t machine = fake_object(qemu, VQI_S_DeviceState, "q35-machine");
	uint64_t impl = fake_type_impl(qemu, fake_class(qemu, "q35-machine"));

	fake_set(qemu, machine, VQI_F_Object_class, CONSTANTS);
	fake_set(qemu, CONSTANTS, VQI_F_ObjectClass_type, impl);
	fake_set(qemu, impl, VQI_F_TypeImpl_class, CONSTANTS);
	fake_set(qemu, machine, VQI_F_Object_parent,
		 fake_get(qemu, qemu->machine, VQI_F_Object_parent));
	return machine;
}

/* One that is not, or not yet, below the root. */
static uint64_t orphan(void)
{
	return fake_object(qemu, VQI_S_DeviceState, "q35-machine");
}

static uint64_t stray(void)
{
	uint64_t machine = orphan();

	fake_set(qemu, machine, VQI_F_Object_parent, qemu->system_bus);
	return machine;
}

static uint64_t nameless(void)
{
	uint64_t machine = fake_object(qemu, VQI_S_DeviceState, "another-machine");

	fake_set(qemu, fake_type_impl(qemu, fake_class(qemu, "another-machine")),
		 VQI_F_TypeImpl_name, 0);
	return machine;
}

static uint64_t dangling(void)
{
	return HEAP_END - 0x1000; /* nothing is there */
}

static uint64_t empty(void)
{
	return fake_alloc(qemu, 4096);
}

static uint64_t unaligned(void)
{
	return qemu->machine + 4;
}

static uint64_t other_object(void)
{
	return qemu->objects;
}

static uint64_t unreadable(void)
{
	vqi_fake_mem_fault(qemu->fake, fake_place(qemu, qemu->machine, VQI_F_Object_class), 8);
	return qemu->machine;
}

static uint64_t unreadable_type(void)
{
	vqi_fake_mem_fault(
		qemu->fake,
		fake_place(qemu, fake_class(qemu, "q35-machine"), VQI_F_ObjectClass_type), 8);
	return qemu->machine;
}

static uint64_t (*const decoys[])(void) = {
	foreign_class, freed, constant_class, orphan,	    stray,	nameless,
	dangling,      empty, unaligned,      other_object, unreadable, unreadable_type,
};

START_TEST(test_decoys)
{
	hide(VQI_SYM_current_machine);
	hide(VQI_SYM_main_system_bus);
	poke(LINKED + FIRST, decoys[_i]());
	assert_none();
	vqi_fake_mem_heal(qemu->fake);
	fake_set(qemu, fake_type_impl(qemu, fake_class(qemu, "q35-machine")), VQI_F_TypeImpl_class,
		 fake_class(qemu, "q35-machine"));
	poke(LINKED + FIRST + 8, qemu->machine);
	ck_assert_ok(scan());
	ck_assert_uint_ge(layout.symbols[VQI_SYM_current_machine].address, LINKED + FIRST);
	ck_assert_uint_le(layout.symbols[VQI_SYM_current_machine].address, LINKED + FIRST + 8);
}
END_TEST

/* A page of the variables that cannot be read hides what is there, and nothing else. */
START_TEST(test_unreadable_variables)
{
	poke(LINKED + 3 * 4096, qemu->machine);
	vqi_fake_mem_fault(qemu->fake, fake_symbol(qemu, VQI_SYM_current_machine), 1);
	ck_assert_ok(scan());
	assert_at(VQI_SYM_current_machine, LINKED + 3 * 4096);
	assert_unknown(VQI_SYM_main_system_bus);
	vqi_fake_mem_fault(qemu->fake, qemu->qemu.bias + LINKED, LEN);
	assert_none();
}
END_TEST

/* Only so much is looked at. */
START_TEST(test_many_bytes)
{
	uint64_t start = variable_map.start;

	vqi_fake_mem_map(qemu->fake, start + VQI_MAX_SCAN_BYTES, 4096);
	fake_poke(qemu, start + VQI_MAX_SCAN_BYTES, 8, qemu->machine);
	variable_map.end = start + VQI_MAX_SCAN_BYTES + 4096;
	maps[0] = variable_map;
	hide(VQI_SYM_current_machine);
	hide(VQI_SYM_main_system_bus);
	assert_none();
	variable_map.start += 4096;
	maps[0] = variable_map;
	ck_assert_ok(scan());
	assert_at(VQI_SYM_current_machine, LINKED + VQI_MAX_SCAN_BYTES);
}
END_TEST

START_TEST(test_many_words)
{
	uint64_t start = variable_map.end + 0x1000;
	uint8_t *words = vqi_fake_mem_map(qemu->fake, start, 8 * (VQI_MAX_SCAN_WORDS + 1));
	uint64_t value = dangling();

	for (size_t i = 0; i < VQI_MAX_SCAN_WORDS; i++)
		memcpy(words + 8 * i, &value, 8);
	memcpy(words + (size_t)8 * VQI_MAX_SCAN_WORDS, &qemu->machine, 8);
	variable_map.start = start;
	variable_map.end = start + 8 * (VQI_MAX_SCAN_WORDS + 1);
	assert_none();
	memset(words, 0, 8);
	ck_assert_ok(scan());
	assert_at(VQI_SYM_current_machine, start + 8 * VQI_MAX_SCAN_WORDS - qemu->qemu.bias);
}
END_TEST

/* What a layout lacks costs what it would have told. */
START_TEST(test_unknown_fields)
{
	static const enum vqi_field_id optional[] = {
		VQI_F_AioContext_source_name, VQI_F_AddressSpace_name, VQI_F_AddressSpace_root,
		VQI_F_CPUState_node,	      VQI_F_vhost_dev_entry,
	};
	static const enum vqi_field_id needed[] = {VQI_F_TypeImpl_class};

	set_name(fake_symbol(qemu, VQI_SYM_address_space_io), VQI_F_AddressSpace_name, "I/O");
	for (size_t i = 0; i < sizeof(optional) / sizeof(optional[0]); i++) {
		layout.fields[optional[i]].present = false;
		ck_assert_ok(scan());
		assert_found(VQI_SYM_current_machine);
	}
	layout.fields[needed[0]].present = false;
	ck_assert_code_text(scan(), VQI_ERROR_NO_LAYOUT, "TypeImpl.class is unknown");
}
END_TEST

START_TEST(test_target_ends)
{
	size_t calls;

	fake_main_loop(qemu);
	ck_assert_ok(scan());
	calls = qemu->fake->calls;
	for (size_t i = 0; i < calls; i++) {
		qemu->fake->calls = 0;
		qemu->fake->gone_after = i;
		ck_assert_code(scan(), VQI_ERROR_GONE);
	}
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("scan");

	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, test_ways_to_the_devices, 0, SEEDS);
	tcase_add_test(tcase, test_one_is_enough);
	tcase_add_test(tcase, test_several_words);
	tcase_add_loop_test(tcase, test_decoys, 0, (int)(sizeof(decoys) / sizeof(decoys[0])));
	tcase_add_test(tcase, test_unreadable_variables);
	tcase_add_test(tcase, test_many_bytes);
	tcase_add_test(tcase, test_many_words);
	tcase_add_test(tcase, test_unknown_fields);
	tcase_add_test(tcase, test_target_ends);
	return unit_run("scan", tcase);
}
