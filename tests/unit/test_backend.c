/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What devices work with on the host's side. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "fake_virtio.h"
#include "unit.h"
#include "vqi/limits.h"

static struct fake_qemu *qemu;
static struct vqi_device device; /* what is found */

static void setup(void)
{
	qemu = fake_qemu_new(1);
	device = (struct vqi_device){0};
}

static void teardown(void)
{
	vqi_device_done(&device);
	fake_qemu_free(qemu);
}

static uint64_t make(enum vqi_struct_id structure)
{
	return fake_alloc(qemu, qemu->layout.structs[structure].size);
}

static uint64_t make_device(const char *type)
{
	return fake_device(qemu, &(struct fake_device_options){.type = type}).vdev;
}

/* A BlockBackend with a qcow2 node. */
static uint64_t make_block(const char *name, const char *node_name)
{
	uint64_t blk = make(VQI_S_BlockBackend), root = make(VQI_S_BdrvChild);
	uint64_t node = make(VQI_S_BlockDriverState), driver = make(VQI_S_BlockDriver);

	if (name)
		fake_set_text(qemu, blk, VQI_F_BlockBackend_name, name);
	fake_set(qemu, blk, VQI_F_BlockBackend_root, root);
	fake_set(qemu, root, VQI_F_BdrvChild_bs, node);
	fake_set_text(qemu, node, VQI_F_BlockDriverState_node_name, node_name);
	fake_set(qemu, node, VQI_F_BlockDriverState_drv, driver);
	fake_set_text(qemu, driver, VQI_F_BlockDriver_format_name, "qcow2");
	return blk;
}

static struct vqi_error *read_backends(uint64_t vdev)
{
	vqi_device_done(&device);
	device = (struct vqi_device){0};
	return vqi_qemu_backends(&qemu->qemu, vdev, &device);
}

static void assert_backend(size_t index, const char *kind, const char *name, const char *node_name,
			   const char *driver)
{
	ck_assert_uint_lt(index, device.backend_count);
	ck_assert_str_eq(device.backends[index].kind, kind);
	ck_assert_pstr_eq(device.backends[index].name, name);
	ck_assert_pstr_eq(device.backends[index].node_name, node_name);
	ck_assert_pstr_eq(device.backends[index].driver, driver);
}

/* Where the back end is, and which child of the device it belongs to. */
static void assert_owner(size_t index, uint64_t hva, uint64_t child, const char *child_id)
{
	ck_assert_uint_eq(device.backends[index].hva, hva);
	ck_assert_uint_eq(device.backends[index].child_hva, child);
	ck_assert_pstr_eq(device.backends[index].child_id, child_id);
}

START_TEST(test_block)
{
	static const char *const names[][2] = {{"d0", "d0"}, {NULL, NULL}, {"", NULL}};

	for (size_t i = 0; i < 3; i++) {
		uint64_t vdev = make_device("virtio-blk-device");
		uint64_t blk = make_block(names[i][0], "#block12");

		fake_set(qemu, vdev, VQI_F_VirtIOBlock_blk, blk);
		ck_assert_ok(read_backends(vdev));
		ck_assert_uint_eq(device.backend_count, 1);
		assert_backend(0, "block", names[i][1], "#block12", "qcow2");
		assert_owner(0, blk, 0, NULL);
	}
}
END_TEST

/* A drive without a medium has no root; one that is being opened has no driver. */
START_TEST(test_block_without_medium)
{
	uint64_t vdev = make_device("virtio-blk-device");
	uint64_t blk = make(VQI_S_BlockBackend), root = make(VQI_S_BdrvChild);
	uint64_t node = make(VQI_S_BlockDriverState);

	fake_set(qemu, vdev, VQI_F_VirtIOBlock_blk, blk);
	fake_set_text(qemu, blk, VQI_F_BlockBackend_name, "cd0");
	ck_assert_ok(read_backends(vdev));
	assert_backend(0, "block", "cd0", NULL, NULL);
	fake_set(qemu, blk, VQI_F_BlockBackend_root, root);
	ck_assert_ok(read_backends(vdev));
	assert_backend(0, "block", "cd0", NULL, NULL);
	fake_set(qemu, root, VQI_F_BdrvChild_bs, node);
	fake_set_text(qemu, node, VQI_F_BlockDriverState_node_name, "n0");
	ck_assert_ok(read_backends(vdev));
	assert_backend(0, "block", "cd0", "n0", NULL);
}
END_TEST

/* A field that this QEMU does not have hides what lies behind it, not the back end. */
START_TEST(test_block_unknown_fields)
{
	static const struct {
		enum vqi_field_id field;
		const char *name, *node_name, *driver;
	} cases[] = {
		{VQI_F_BlockDriver_format_name, "d0", "n0", NULL},
		{VQI_F_BlockDriverState_drv, "d0", "n0", NULL},
		{VQI_F_BlockDriverState_node_name, "d0", NULL, "qcow2"},
		{VQI_F_BdrvChild_bs, "d0", NULL, NULL},
		{VQI_F_BlockBackend_root, "d0", NULL, NULL},
		{VQI_F_BlockBackend_name, NULL, "n0", "qcow2"},
	};
	uint64_t vdev = make_device("virtio-blk-device");

	fake_set(qemu, vdev, VQI_F_VirtIOBlock_blk, make_block("d0", "n0"));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		qemu->layout.fields[cases[i].field].present = false;
		ck_assert_ok(read_backends(vdev));
		ck_assert_msg(device.backend_count == 1, "case %zu", i);
		assert_backend(0, "block", cases[i].name, cases[i].node_name, cases[i].driver);
		qemu->layout.fields[cases[i].field].present = true;
	}
	qemu->layout.fields[VQI_F_VirtIOBlock_blk].present = false;
	ck_assert_ok(read_backends(vdev));
	ck_assert_uint_eq(device.backend_count, 0);
}
END_TEST

START_TEST(test_nothing_attached)
{
	static const char *const types[] = {"virtio-blk-device", "virtio-net-device",
					    "virtio-scsi-device", "virtio-rng-device",
					    "virtio-serial-device"};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		ck_assert_ok(read_backends(make_device(types[i])));
		ck_assert_uint_eq(device.backend_count, 0);
	}
}
END_TEST

START_TEST(test_named)
{
	uint64_t net = make_device("virtio-net-device");
	uint64_t fs = make_device("vhost-user-fs-device");
	uint64_t blk = make_device("vhost-user-blk");
	uint64_t ninep = make_device("virtio-9p-device");
	uint64_t peer = make(VQI_S_NetClientState), chardev = make(VQI_S_Chardev);

	fake_set_text(qemu, peer, VQI_F_NetClientState_name, "net0");
	fake_set(qemu, net, VQI_F_VirtIONet_peers, peer);
	ck_assert_ok(read_backends(net));
	assert_backend(0, "netdev", "net0", NULL, NULL);

	fake_set_text(qemu, chardev, VQI_F_Chardev_label, "char0");
	fake_set(qemu, fs, VQI_F_VHostUserFS_chr, chardev);
	ck_assert_ok(read_backends(fs));
	assert_backend(0, "chardev", "char0", NULL, NULL);
	fake_set(qemu, blk, VQI_F_VHostUserBlk_chr, chardev);
	ck_assert_ok(read_backends(blk));
	assert_backend(0, "chardev", "char0", NULL, NULL);

	fake_set(qemu, ninep, VQI_F_V9fsVirtioState_fsdev_id, fake_text(qemu, "share"));
	ck_assert_ok(read_backends(ninep));
	assert_backend(0, "fsdev", "share", NULL, NULL);
}
END_TEST

/* -object: the name is what /objects knows it by. */
START_TEST(test_objects)
{
	uint64_t rng = make_device("virtio-rng-device");
	uint64_t crypto = make_device("virtio-crypto-device");
	uint64_t objects = fake_object(qemu, VQI_S_Object, "container");
	uint64_t random = fake_object(qemu, VQI_S_Object, "container");
	uint64_t cryptodev = fake_object(qemu, VQI_S_Object, "container");

	fake_add_child(qemu, objects, "rng0", random);
	fake_add_child(qemu, objects, "crypto0", cryptodev);
	fake_set(qemu, rng, VQI_F_VirtIORNG_rng, random);
	fake_set(qemu, crypto, VQI_F_VirtIOCrypto_cryptodev, cryptodev);
	ck_assert_ok(read_backends(rng));
	assert_backend(0, "rng", "rng0", NULL, NULL);
	ck_assert_ok(read_backends(crypto));
	assert_backend(0, "cryptodev", "crypto0", NULL, NULL);
}
END_TEST

/* Plugs a disk with a back end into a bus. */
static uint64_t plug_disk(uint64_t bus, const char *name)
{
	uint64_t disk = fake_object(qemu, VQI_S_SCSIDevice, "scsi-hd");

	fake_set(qemu, disk, VQI_F_SCSIDevice_blk, make_block(name, name));
	fake_plug(qemu, bus, disk);
	return disk;
}

START_TEST(test_disks_of_a_scsi_controller)
{
	uint64_t vdev = make_device("virtio-scsi-device");
	uint64_t bus = fake_bus(qemu, VQI_S_BusState, "bus", vdev), disks[3];

	disks[0] = plug_disk(bus, "d0");
	fake_plug(qemu, bus, fake_object(qemu, VQI_S_DeviceState, "device")); /* another thing */
	fake_plug(qemu, bus, fake_object(qemu, VQI_S_SCSIDevice, "scsi-hd")); /* without */
	disks[1] = plug_disk(bus, "d1");
	fake_set_text(qemu, disks[1], VQI_F_DeviceState_id, "disk1");
	disks[2] = plug_disk(bus, "d2");
	ck_assert_ok(read_backends(vdev));
	ck_assert_uint_eq(device.backend_count, 3);
	assert_backend(0, "block", "d0", "d0", "qcow2");
	assert_backend(1, "block", "d1", "d1", "qcow2");
	assert_backend(2, "block", "d2", "d2", "qcow2");
	for (size_t i = 0; i < 3; i++)
		assert_owner(i, fake_get(qemu, disks[i], VQI_F_SCSIDevice_blk), disks[i],
			     i == 1 ? "disk1" : NULL);
}
END_TEST

START_TEST(test_ports_of_a_serial_bus)
{
	uint64_t vdev = make_device("virtio-serial-device");
	uint64_t bus = fake_bus(qemu, VQI_S_BusState, "bus", vdev);
	uint64_t chardev = make(VQI_S_Chardev), port = 0;

	fake_set_text(qemu, chardev, VQI_F_Chardev_label, "con");
	for (int i = 0; i < 2; i++) {
		port = fake_object(qemu, VQI_S_VirtConsole, "virtconsole");
		fake_set_text(qemu, port, VQI_F_DeviceState_id, i ? "console1" : "console0");
		fake_set(qemu, port, VQI_F_VirtConsole_chr, i ? chardev : 0);
		fake_plug(qemu, bus, port);
	}
	ck_assert_ok(read_backends(vdev));
	ck_assert_uint_eq(device.backend_count, 1);
	assert_backend(0, "chardev", "con", NULL, NULL);
	assert_owner(0, 0, port, "console1");
}
END_TEST

START_TEST(test_too_many)
{
	uint64_t vdev = make_device("virtio-scsi-device");
	uint64_t bus = fake_bus(qemu, VQI_S_BusState, "bus", vdev);
	uint64_t disk = fake_object(qemu, VQI_S_SCSIDevice, "scsi-hd");
	uint64_t kid = make(VQI_S_BusChild);

	/* A list in a ring: the same disk for ever. */
	fake_set(qemu, kid, VQI_F_BusChild_child, disk);
	fake_set(qemu, kid, VQI_F_BusChild_sibling, kid);
	fake_set(qemu, bus, VQI_F_BusState_children, kid);
	ck_assert_code_text(read_backends(vdev), VQI_ERROR_LIMIT, "children");
	fake_set(qemu, disk, VQI_F_SCSIDevice_blk, make_block("d0", "n0"));
	ck_assert_code_text(read_backends(vdev), VQI_ERROR_LIMIT, "back ends");
	ck_assert_uint_eq(device.backend_count, VQI_MAX_BACKENDS);
}
END_TEST

/* Every byte that a healthy run reads fails once. */
START_TEST(test_every_fault)
{
	vqi_cleanup_free struct fake_read *reads = NULL;
	uint64_t vdev = make_device("virtio-scsi-device");
	size_t count, errors = 0;

	fake_set_text(qemu, plug_disk(fake_bus(qemu, VQI_S_BusState, "bus", vdev), "d0"),
		      VQI_F_DeviceState_id, "disk0");
	fake_forget(qemu);
	ck_assert_ok(read_backends(vdev));
	reads = fake_take_reads(qemu, &count);
	ck_assert_uint_gt(count, 15);
	for (size_t i = 0; i < count; i++) {
		for (uint64_t byte = 0; byte < reads[i].len; byte++) {
			vqi_cleanup_error struct vqi_error *error = NULL;

			vqi_qemu_done(&qemu->qemu);
			ck_assert_ok(vqi_qemu_init(&qemu->mem, &qemu->layout, qemu->qemu.bias,
						   &qemu->qemu));
			vqi_fake_mem_fault(qemu->fake, reads[i].addr + byte, 1);
			error = read_backends(vdev);
			if (!error) /* what comes after the end of a name in an array */
				assert_backend(0, "block", "d0", "d0", "qcow2");
			else
				ck_assert_int_eq(error->code, VQI_ERROR_FAULT);
			errors += error != NULL;
			vqi_fake_mem_heal(qemu->fake);
		}
	}
	ck_assert_uint_gt(errors, 100);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("backend");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_block);
	tcase_add_test(tcase, test_block_without_medium);
	tcase_add_test(tcase, test_block_unknown_fields);
	tcase_add_test(tcase, test_nothing_attached);
	tcase_add_test(tcase, test_named);
	tcase_add_test(tcase, test_objects);
	tcase_add_test(tcase, test_disks_of_a_scsi_controller);
	tcase_add_test(tcase, test_ports_of_a_serial_bus);
	tcase_add_test(tcase, test_too_many);
	tcase_add_test(tcase, test_every_fault);
	return unit_run("backend", tcase);
}
