/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What QEMU's own descriptions of its fields say against a layout; and what becomes unknown. */
#include <check.h>
#include <string.h>

#include "fake_loops.h"
#include "fake_virtio.h"
#include "unit.h"

#define VARIABLE_SIZE 48   /* of what the descriptions lie behind */
#define ROOM	      2048 /* of the fields of one, and more */

static struct fake_qemu *qemu;
static struct fake_device blk0;
static uint64_t next;

/* A name, with what lies behind it in a program. */
static uint64_t make_name(const char *name)
{
	uint64_t address = fake_alloc(qemu, 64);

	strcpy((char *)fake_bytes(qemu, address, strlen(name) + 1), name);
	return address;
}

static void make_field(uint64_t at, const char *name, uint64_t offset, uint64_t size)
{
	fake_poke(qemu, at, 8, make_name(name));
	fake_poke(qemu, at + 16, 8, offset);
	fake_poke(qemu, at + 24, 8, size);
}

/* A description behind those before it; what it returns is where its fields are. */
static uint64_t make_description(const char *name, unsigned int words)
{
	uint64_t fields = fake_alloc(qemu, ROOM);

	fake_poke(qemu, next, 8, make_name(name));
	fake_poke(qemu, next + 8, 8, UINT64_C(1) << 32);
	fake_poke(qemu, next + 16, 8, 1);
	fake_poke(qemu, next + 8 * words, 8, fields);
	next += 8 * words + 16;
	return fields;
}

/* The place of a field, as the layout has it. */
static uint64_t offset_of(enum vqi_field_id field)
{
	return qemu->layout.fields[field].offset;
}

static void setup(void)
{
	qemu = fake_qemu_new(1);
	qemu->layout.source = VQI_LAYOUT_PROFILE;
	blk0 = fake_device(qemu, &(struct fake_device_options){.id = "blk0"});
	next = fake_symbol(qemu, VQI_SYM_virtio_vmstate_info) + VARIABLE_SIZE;
}

static void teardown(void)
{
	fake_qemu_free(qemu);
}

static struct vqi_error *check(void)
{
	return vqi_qemu_check_layout(&qemu->qemu, &qemu->layout);
}

START_TEST(test_none)
{
	ck_assert_ok(check());
	qemu->layout.symbols[VQI_SYM_virtio_vmstate_info].present = false;
	ck_assert_ok(check());
}
END_TEST

/* Whatever number of words is before its fields, and of each of these. */
START_TEST(test_fields)
{
	uint64_t of_ring = offset_of(VQI_F_VirtQueue_vring);
	uint64_t queue = make_description("packed_virtqueue_state", 11 + (unsigned int)_i);
	uint64_t vring = make_description("virtqueue_state", 9);
	uint64_t device = make_description("virtio/broken", 13);

	make_field(queue, "last_avail_idx", offset_of(VQI_F_VirtQueue_last_avail_idx), 2);
	make_field(queue + 96 + 8 * (uint64_t)_i, "inuse", offset_of(VQI_F_VirtQueue_inuse), 4);
	make_field(vring, "vring.avail", of_ring + offset_of(VQI_F_VRing_avail), 8);
	make_field(device, "broken", offset_of(VQI_F_VirtIODevice_broken), 1);
	ck_assert_ok(check());
	make_field(vring, "vring.avail", of_ring + offset_of(VQI_F_VRing_avail) + 8, 8);
	ck_assert_code_text(check(), VQI_ERROR_NO_LAYOUT, "VRing.avail");
	make_field(vring, "vring.avail", of_ring + offset_of(VQI_F_VRing_avail), 8);
	make_field(device, "broken", offset_of(VQI_F_VirtIODevice_broken) - 1, 1);
	ck_assert_code_text(check(), VQI_ERROR_NO_LAYOUT, "VirtIODevice.broken");
	qemu->layout.source = VQI_LAYOUT_DWARF;
	ck_assert_ok(check());
}
END_TEST

/* Of another structure, which has a field of that name. */
START_TEST(test_others)
{
	uint64_t other = make_description("virtio-pmem", 11);
	uint64_t features = make_description("virtio/64bit_features", 11);

	make_field(other, "broken", offset_of(VQI_F_VirtIODevice_broken) + 64, 1);
	make_field(features, "guest_features", 7, 4); /* not of its size */
	ck_assert_ok(check());
	make_field(features, "guest_features", 8, 8);
	ck_assert_code_text(check(), VQI_ERROR_NO_LAYOUT, "VirtIODevice.guest_features");
}
END_TEST

/* ---- the machine ---- */

START_TEST(test_machine)
{
	struct vqi_field *field = &qemu->layout.fields[VQI_F_TypeImpl_parent_type];
	struct vqi_field before = *field;
	uint64_t root = fake_get(qemu, qemu->machine, VQI_F_Object_parent);
	uint64_t class = fake_get(qemu, root, VQI_F_Object_class);

	ck_assert_ok(check());
	fake_set(qemu, root, VQI_F_Object_class, fake_get(qemu, blk0.vdev, VQI_F_Object_class));
	ck_assert_code_text(check(), VQI_ERROR_NO_LAYOUT, "below the root");
	fake_set(qemu, root, VQI_F_Object_class, class);
	fake_set(qemu, root, VQI_F_Object_parent, root);
	ck_assert_code_text(check(), VQI_ERROR_NO_LAYOUT, "below the root");
	fake_set(qemu, root, VQI_F_Object_parent, 0);
	ck_assert_ok(check());

	/* Nothing has a parent type then, and nothing is a device. */
	vqi_qemu_done(&qemu->qemu);
	ck_assert_ok(vqi_qemu_init(&qemu->mem, &qemu->layout, qemu->qemu.bias, &qemu->qemu));
	field->offset = qemu->layout.structs[VQI_S_TypeImpl].size;
	ck_assert_code(check(), VQI_ERROR_NO_LAYOUT);
	*field = before;
	fake_set_symbol(qemu, VQI_SYM_current_machine, 8, 0);
	ck_assert_ok(check());
}
END_TEST

/* Of a tree that has no properties, or others, the machine is not there by its name. */
START_TEST(test_properties)
{
	static const enum vqi_field_id fields[] = {VQI_F_ObjectProperty_opaque,
						   VQI_F_ObjectProperty_type};

	for (size_t i = 0; i < 2; i++) {
		struct vqi_field before = qemu->layout.fields[fields[i]];

		qemu->layout.fields[fields[i]].offset =
			qemu->layout.fields[VQI_F_ObjectProperty_name].offset;
		ck_assert_code_text(check(), VQI_ERROR_NO_LAYOUT, "no machine");
		qemu->layout.fields[fields[i]].present = false;
		ck_assert_ok(check());
		qemu->layout.fields[fields[i]] = before;
	}
}
END_TEST

/* ---- what becomes unknown ---- */

static uint64_t make_config(uint64_t vectors)
{
	uint64_t config = fake_get(qemu, blk0.proxy, VQI_F_PCIDevice_config);

	fake_poke(qemu, config, 2, 0x1af4);
	fake_poke(qemu, config + 0x98, 1, 0x11);
	fake_poke(qemu, config + 0x9a, 2, 0x8000 | (vectors - 1));
	fake_set(qemu, blk0.proxy, VQI_F_PCIDevice_msix_cap, 0x98);
	fake_set(qemu, blk0.proxy, VQI_F_PCIDevice_msix_entries_nr, vectors);
	fake_set(qemu, blk0.proxy, VQI_F_PCIDevice_msix_table, config);
	fake_set(qemu, blk0.proxy, VQI_F_PCIDevice_msix_pba, config);
	return config;
}

static const struct {
	enum vqi_field_id field;
	uint64_t wrong;
} of_proxy[] = {
	{VQI_F_PCIDevice_config, 0x1000}, {VQI_F_PCIDevice_devfn, 256},
	{VQI_F_PCIDevice_msix_cap, 0},	  {VQI_F_PCIDevice_msix_cap, 0x99},
	{VQI_F_PCIDevice_msix_cap, 255},  {VQI_F_PCIDevice_msix_entries_nr, 4},
	{VQI_F_PCIDevice_msix_table, 0},  {VQI_F_PCIDevice_msix_pba, 0},
};

START_TEST(test_proxy)
{
	make_config(3);
	ck_assert_ok(check());
	ck_assert(qemu->layout.structs[VQI_S_PCIDevice].present);
	fake_set(qemu, blk0.proxy, of_proxy[_i].field, of_proxy[_i].wrong);
	ck_assert_ok(check());
	ck_assert(!qemu->layout.structs[VQI_S_PCIDevice].present);
	ck_assert(!qemu->layout.fields[VQI_F_PCIDevice_devfn].present);
}
END_TEST

/* Its head, and what of the first leads back to it. */
static void link_cpus(uint64_t first, uint64_t second)
{
	uint64_t link = offset_of(VQI_F_CPUState_node);

	fake_poke(qemu, first + link + 8, 8, fake_symbol(qemu, VQI_SYM_cpus));
	fake_poke(qemu, second + link + 8, 8, first + link);
}

static const struct {
	enum vqi_field_id field;
	uint64_t wrong;
} of_cpu[] = {
	{VQI_F_CPUState_thread_id, 0}, {VQI_F_CPUState_thread_id, 1 << 23},
	{VQI_F_CPUState_cpu_index, 0}, {VQI_F_CPUState_cpu_index, 100000},
	{VQI_F_CPUState_halted, 2},    {VQI_F_CPUState_crash_occurred, 85},
};

START_TEST(test_cpus)
{
	uint64_t second = fake_vcpu(qemu, VQI_SYM_cpus, 1, 5001);
	uint64_t first = fake_vcpu(qemu, VQI_SYM_cpus, 0, 5000);

	link_cpus(first, second);
	ck_assert_ok(check());
	ck_assert(qemu->layout.structs[VQI_S_CPUState].present);
	fake_set(qemu, second, of_cpu[_i].field, of_cpu[_i].wrong);
	ck_assert_ok(check());
	ck_assert(!qemu->layout.structs[VQI_S_CPUState].present);
}
END_TEST

START_TEST(test_cpus_that_are_no_list)
{
	uint64_t first = fake_vcpu(qemu, VQI_SYM_cpus, 0, 5000);

	link_cpus(first, first);
	ck_assert_ok(check());
	ck_assert(!qemu->layout.structs[VQI_S_CPUState].present);
}
END_TEST

START_TEST(test_iothread)
{
	uint64_t ctx, iothread = fake_iothread(qemu, "io0", 4243, &ctx);
	uint64_t handler = fake_handler(qemu, ctx, 0x55d0c2000010);
	uint64_t back = fake_place(qemu, handler, VQI_F_AioHandler_node) + 8;

	fake_set_symbol(qemu, VQI_SYM_qemu_aio_context, 8, 0);
	fake_poke(qemu, back, 8, fake_place(qemu, ctx, VQI_F_AioContext_aio_handlers));
	ck_assert_ok(check());
	ck_assert(qemu->layout.structs[VQI_S_IOThread].present);
	if (_i)
		fake_poke(qemu, back, 8, ctx);
	else
		fake_set(qemu, iothread, VQI_F_IOThread_thread_id, UINT32_MAX);
	ck_assert_ok(check());
	ck_assert(!qemu->layout.structs[VQI_S_IOThread].present);
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

int main(void)
{
	TCase *tcase = tcase_create("selfcheck_vmstate");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_none);
	tcase_add_loop_test(tcase, test_fields, 0, 3);
	tcase_add_test(tcase, test_others);
	tcase_add_test(tcase, test_machine);
	tcase_add_test(tcase, test_properties);
	tcase_add_loop_test(tcase, test_proxy, 0, COUNT(of_proxy));
	tcase_add_loop_test(tcase, test_cpus, 0, COUNT(of_cpu));
	tcase_add_test(tcase, test_cpus_that_are_no_list);
	tcase_add_loop_test(tcase, test_iothread, 0, 2);
	return unit_run("selfcheck_vmstate", tcase);
}
