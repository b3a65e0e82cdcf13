/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Variables of a program without symbols. */
#include "vqi/scan.h"

#include <check.h>
#include <string.h>

#include "fake_block.h"
#include "fake_loops.h"
#include "unit.h"
#include "vqi/qemu.h"

#define SEEDS	  5
#define LINKED	  0x4000 /* where the variables are */
#define LEN	  0x4000
#define FIRST	  0x10 /* of them, a word that is no variable of the table's */
#define HEAP	  UINT64_C(0x7f1200000000)
#define HEAP_END  (HEAP + (UINT64_C(1) << 32))
#define CONSTANTS (HEAP - 0x10000)

static struct fake_qemu *qemu;
static struct vqi_layout layout; /* without symbols */
static struct vqi_map maps[3], variable_map;
static struct vqi_maps all = {maps, 3}, variables = {&variable_map, 1};

static struct vqi_map mapping(uint64_t start, uint64_t end, bool writable)
{
	return (struct vqi_map){.start = start, .end = end, .readable = true, .writable = writable};
}

static void make(unsigned int seed)
{
	qemu = fake_qemu_new(seed);
	layout = qemu->layout;
	variable_map = mapping(qemu->qemu.bias + LINKED, qemu->qemu.bias + LINKED + LEN, true);
	maps[0] = variable_map;
	maps[1] = mapping(CONSTANTS, HEAP, false);
	maps[2] = mapping(HEAP, HEAP_END, true);
	vqi_fake_mem_map(qemu->fake, CONSTANTS, HEAP - CONSTANTS);
}

static void setup(void)
{
	make(1);
}

static void teardown(void)
{
	fake_qemu_free(qemu);
}

static struct vqi_error *scan(void)
{
	memset(layout.symbols, 0, sizeof(layout.symbols));
	return vqi_scan(&qemu->mem, qemu->qemu.bias, &variables, &all, &layout);
}

static void poke(uint64_t linked, uint64_t value)
{
	fake_poke(qemu, qemu->qemu.bias + linked, 8, value);
}

static void hide(enum vqi_symbol_id symbol)
{
	fake_set_symbol(qemu, symbol, 8, 0);
}

static void assert_at(enum vqi_symbol_id symbol, uint64_t linked)
{
	ck_assert_msg(layout.symbols[symbol].present, "no %s", vqi_symbol_info(symbol)->name);
	ck_assert(layout.symbols[symbol].by_content);
	ck_assert_uint_eq(layout.symbols[symbol].address, linked);
}

static void assert_found(enum vqi_symbol_id symbol)
{
	assert_at(symbol, qemu->layout.symbols[symbol].address);
}

static void assert_unknown(enum vqi_symbol_id symbol)
{
	ck_assert_msg(!layout.symbols[symbol].present, "%s", vqi_symbol_info(symbol)->name);
}

static void assert_none(void)
{
	ck_assert_code_text(scan(), VQI_ERROR_NO_LAYOUT, "holds a machine or a system bus");
}

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

/* The type of the machine. */
static uint64_t impl(void)
{
	return fake_type_impl(qemu, fake_class(qemu, "q35-machine"));
}

/* A machine that is a child of the root, of this class. */
static uint64_t machine_of(uint64_t class)
{
	uint64_t machine = fake_object(qemu, VQI_S_DeviceState, "q35-machine");

	fake_set(qemu, machine, VQI_F_Object_class, class);
	fake_set(qemu, machine, VQI_F_Object_parent,
		 fake_get(qemu, qemu->machine, VQI_F_Object_parent));
	return machine;
}

/* Its class says of what type it is, and that type has another class. */
static uint64_t foreign_class(void)
{
	uint64_t class = fake_make(qemu, VQI_S_MachineClass);

	fake_set(qemu, class, VQI_F_ObjectClass_type, impl());
	return machine_of(class);
}

/* free() leaves pointers of its own at the start of what was an object. */
static uint64_t freed(void)
{
	return machine_of(fake_alloc(qemu, 4096));
}

/* A class that cannot be written to, as all that QEMU allocates can. */
static uint64_t constant_class(void)
{
	fake_set(qemu, CONSTANTS, VQI_F_ObjectClass_type, impl());
	fake_set(qemu, impl(), VQI_F_TypeImpl_class, CONSTANTS);
	return machine_of(CONSTANTS);
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
	fake_set(qemu, impl(), VQI_F_TypeImpl_name, 0);
	return qemu->machine;
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
	foreign_class,
	freed,
	orphan,
	stray,
	dangling,
	empty,
	unaligned,
	/* These are nothing beside others: the machine itself suffers. */
	constant_class,
	nameless,
	unreadable,
	unreadable_type,
};
#define HARMLESS 7
#define DECOYS	 (int)(sizeof(decoys) / sizeof(decoys[0]))

START_TEST(test_decoy)
{
	hide(VQI_SYM_current_machine);
	hide(VQI_SYM_main_system_bus);
	poke(LINKED + FIRST, decoys[_i]());
	assert_none();
}
END_TEST

START_TEST(test_among_decoys)
{
	hide(VQI_SYM_current_machine);
	for (unsigned int i = 0; i < HARMLESS; i++)
		poke(LINKED + FIRST + 8 * i, decoys[i]());
	poke(LINKED + FIRST + 8 * HARMLESS, qemu->machine);
	ck_assert_ok(scan());
	assert_at(VQI_SYM_current_machine, LINKED + FIRST + 8 * HARMLESS);
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

/* What malloc() gives for a short text has more room than that. */
static void set_name(uint64_t address, enum vqi_field_id field, const char *text)
{
	uint64_t name = fake_alloc(qemu, 24);

	strcpy((char *)fake_bytes(qemu, name, 24), text);
	fake_set(qemu, address, field, name);
}

START_TEST(test_main_loop)
{
	static const char *const names[] = {"aio-context", "io-handler", "io0 aio-context", ""};
	struct fake_main_loop loop = fake_main_loop(qemu);

	ck_assert_ok(scan());
	assert_unknown(VQI_SYM_qemu_aio_context);
	for (size_t i = 0; i < 4; i++) {
		set_name(loop.ctx, VQI_F_AioContext_source_name, names[i]);
		ck_assert_ok(scan());
		ck_assert_int_eq(layout.symbols[VQI_SYM_qemu_aio_context].present, i == 0);
	}
	set_name(loop.ctx, VQI_F_AioContext_source_name, "aio-context");
	set_name(loop.iohandler, VQI_F_AioContext_source_name, "io-handler");
	ck_assert_ok(scan());
	assert_found(VQI_SYM_qemu_aio_context);
	assert_found(VQI_SYM_iohandler_ctx);
}
END_TEST

/* Of old QEMUs and of new ones. */
static const char *const regions[] = {"memory-region", "qemu:memory-region"};

START_TEST(test_address_spaces)
{
	uint64_t space = fake_symbol(qemu, VQI_SYM_address_space_memory);
	uint64_t ports = fake_symbol(qemu, VQI_SYM_address_space_io);
	uint64_t region = fake_object(qemu, VQI_S_DeviceState, regions[_i]);

	set_name(space, VQI_F_AddressSpace_name, "memory");
	set_name(ports, VQI_F_AddressSpace_name, "I/O");
	ck_assert_ok(scan());
	assert_unknown(VQI_SYM_address_space_memory);
	fake_set(qemu, space, VQI_F_AddressSpace_root, qemu->objects);
	fake_set(qemu, ports, VQI_F_AddressSpace_root, region);
	ck_assert_ok(scan());
	assert_unknown(VQI_SYM_address_space_memory);
	assert_found(VQI_SYM_address_space_io);
	fake_set(qemu, space, VQI_F_AddressSpace_root, region);
	ck_assert_ok(scan());
	assert_found(VQI_SYM_address_space_memory);
	set_name(space, VQI_F_AddressSpace_name, "memory-of-another");
	ck_assert_ok(scan());
	assert_unknown(VQI_SYM_address_space_memory);
}
END_TEST

/* The first of a list points back at its head. */
static void link_back(enum vqi_symbol_id symbol, uint64_t first, enum vqi_field_id link)
{
	fake_poke(qemu, fake_place(qemu, first, link) + 8, 8, fake_symbol(qemu, symbol));
}

START_TEST(test_cpus)
{
	uint64_t cpu = fake_vcpu(qemu, VQI_SYM_cpus, 0, 7);

	ck_assert_ok(scan());
	assert_unknown(VQI_SYM_cpus);
	link_back(VQI_SYM_cpus, cpu, VQI_F_CPUState_node);
	poke(LINKED + FIRST, cpu);
	ck_assert_ok(scan());
	assert_found(VQI_SYM_cpus);
	fake_set(qemu, cpu, VQI_F_Object_class, fake_class(qemu, "virtio-mmio"));
	ck_assert_ok(scan());
	assert_unknown(VQI_SYM_cpus);
}
END_TEST

START_TEST(test_block_nodes)
{
	uint64_t node = fake_block_node(qemu, "d0", "raw");

	fake_set_symbol(qemu, VQI_SYM_all_bdrv_states, 8, node);
	ck_assert_ok(scan());
	assert_unknown(VQI_SYM_all_bdrv_states);
	link_back(VQI_SYM_all_bdrv_states, node, VQI_F_BlockDriverState_bs_list);
	ck_assert_ok(scan());
	assert_found(VQI_SYM_all_bdrv_states);
	fake_set(qemu, node, VQI_F_BlockDriverState_drv, 0);
	ck_assert_ok(scan());
	assert_unknown(VQI_SYM_all_bdrv_states);
}
END_TEST

START_TEST(test_vhost_devices)
{
	uint64_t dev = fake_make(qemu, VQI_S_vhost_dev), ops = fake_make(qemu, VQI_S_VhostOps);
	uint64_t vdev = fake_object(qemu, VQI_S_VirtIODevice, "virtio-net-device");
	unsigned int kind;

	fake_set_symbol(qemu, VQI_SYM_vhost_devices, 8, dev);
	link_back(VQI_SYM_vhost_devices, dev, VQI_F_vhost_dev_entry);
	ck_assert_ok(scan());
	assert_unknown(VQI_SYM_vhost_devices);
	fake_set(qemu, dev, VQI_F_vhost_dev_vhost_ops, ops);
	for (kind = 0; kind < 5; kind++) {
		fake_set(qemu, ops, VQI_F_VhostOps_backend_type, kind);
		ck_assert_ok(scan());
		ck_assert_int_eq(layout.symbols[VQI_SYM_vhost_devices].present,
				 kind >= 1 && kind <= 3);
	}
	fake_set(qemu, ops, VQI_F_VhostOps_backend_type, 2);
	fake_set(qemu, dev, VQI_F_vhost_dev_vdev, vdev);
	ck_assert_ok(scan());
	assert_found(VQI_SYM_vhost_devices);
	fake_set(qemu, dev, VQI_F_vhost_dev_vdev, qemu->machine);
	ck_assert_ok(scan());
	assert_unknown(VQI_SYM_vhost_devices);
}
END_TEST

/* What a layout lacks costs what it would have told. */
START_TEST(test_unknown_fields)
{
	static const enum vqi_field_id optional[] = {
		VQI_F_AioContext_source_name, VQI_F_AddressSpace_name, VQI_F_AddressSpace_root,
		VQI_F_CPUState_node,	      VQI_F_vhost_dev_entry,
	};

	set_name(fake_symbol(qemu, VQI_SYM_address_space_io), VQI_F_AddressSpace_name, "I/O");
	for (size_t i = 0; i < sizeof(optional) / sizeof(optional[0]); i++) {
		layout.fields[optional[i]].present = false;
		ck_assert_ok(scan());
		assert_found(VQI_SYM_current_machine);
	}
	layout.fields[VQI_F_TypeImpl_class].present = false;
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
	tcase_add_loop_test(tcase, test_decoy, 0, DECOYS);
	tcase_add_test(tcase, test_among_decoys);
	tcase_add_test(tcase, test_unreadable_variables);
	tcase_add_test(tcase, test_main_loop);
	tcase_add_loop_test(tcase, test_address_spaces, 0, 2);
	tcase_add_test(tcase, test_cpus);
	tcase_add_test(tcase, test_block_nodes);
	tcase_add_test(tcase, test_vhost_devices);
	tcase_add_test(tcase, test_unknown_fields);
	tcase_add_test(tcase, test_target_ends);
	return unit_run("scan", tcase);
}
