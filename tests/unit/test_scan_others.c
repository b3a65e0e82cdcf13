/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Other variables of a program without symbols: loops, address spaces, CPUs, block nodes, vhost devices. */
#include "scanned.h"

#include "fake_block.h"
#include "fake_loops.h"
#include "vqi/limits.h"
#include "vqi/qemu.h"

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

START_TEST(test_address_spaces)
{
	uint64_t space = fake_symbol(qemu, VQI_SYM_address_space_memory);
	uint64_t ports = fake_symbol(qemu, VQI_SYM_address_space_io);
	uint64_t region = fake_object(qemu, VQI_S_DeviceState, "memory-region");

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

int main(void)
{
	TCase *tcase = tcase_create("scan_others");

	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_main_loop);
	tcase_add_test(tcase, test_address_spaces);
	tcase_add_test(tcase, test_cpus);
	tcase_add_test(tcase, test_block_nodes);
	tcase_add_test(tcase, test_vhost_devices);
	return unit_run("scan_others", tcase);
}
