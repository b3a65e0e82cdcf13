/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a virtio device hangs in its machine, and which kind of vhost runs it. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "fake_virtio.h"
#include "unit.h"
#include "vqi/limits.h"

#define SEEDS	      4
#define SECONDARY_BUS 0x19 /* PCI_SECONDARY_BUS */

static struct fake_qemu *qemu;

static void setup(void)
{
	qemu = fake_qemu_new(1);
}

static void teardown(void)
{
	fake_qemu_free(qemu);
}

VQI_DEFINE_CLEANUP_VALUE(struct vqi_device, vqi_device_done)

static void assert_transport(const struct fake_device *fake, const char *id,
			     enum vqi_transport transport, const char *address)
{
	vqi_cleanup(vqi_device_done) struct vqi_device device = {0};

	ck_assert_ok(vqi_qemu_transport(&qemu->qemu, fake->vdev, &device));
	ck_assert_pstr_eq(device.id, id);
	ck_assert_int_eq(device.transport, transport);
	ck_assert_pstr_eq(device.transport_address, address);
	ck_assert_uint_eq(device.proxy_hva, fake->proxy);
}

START_TEST(test_every_transport)
{
	struct fake_device pci, anonymous, mmio, empty_mmio, ccw;

	teardown();
	qemu = fake_qemu_new((unsigned int)_i);
	pci = fake_device(qemu, &(struct fake_device_options){.id = "blk0", .devfn = 3 << 3});
	anonymous = fake_device(qemu, &(struct fake_device_options){.devfn = 31 << 3 | 7,
								    .proxy = "virtio-blk-pci"});
	mmio = fake_device(qemu,
			   &(struct fake_device_options){.id = "vm0", .proxy = "virtio-mmio"});
	empty_mmio = fake_device(qemu, &(struct fake_device_options){.proxy = "virtio-mmio"});
	ccw = fake_device(qemu, &(struct fake_device_options){.proxy = "virtio-blk-ccw"});
	fake_set(qemu, mmio.proxy, VQI_F_SysBusDevice_mmio, 0xfeb00e00);
	fake_set(qemu, empty_mmio.proxy, VQI_F_SysBusDevice_mmio, 0xa003e00);
	fake_set(qemu, ccw.proxy, VQI_F_CcwDevice_cssid, 0xfe);
	fake_set(qemu, ccw.proxy, VQI_F_CcwDevice_ssid, 1);
	fake_set(qemu, ccw.proxy, VQI_F_CcwDevice_devid, 0x42);

	assert_transport(&pci, "blk0", VQI_TRANSPORT_PCI, "0000:00:03.0");
	assert_transport(&anonymous, NULL, VQI_TRANSPORT_PCI, "0000:00:1f.7");
	assert_transport(&mmio, "vm0", VQI_TRANSPORT_MMIO, "0xfeb00e00");
	assert_transport(&empty_mmio, NULL, VQI_TRANSPORT_MMIO, "0xa003e00");
	assert_transport(&ccw, NULL, VQI_TRANSPORT_CCW, "fe.1.0042");
}
END_TEST

/* Puts the proxy of a device behind a bridge; its bus is of a type. */
static uint64_t put_behind(struct fake_device *device, const char *bus_type)
{
	uint64_t bridge = fake_object(qemu, VQI_S_PXBDev, "pci-device");
	uint64_t bus = fake_bus(qemu, VQI_S_PCIBus, bus_type, bridge);
	uint64_t config = fake_alloc(qemu, 256);

	fake_set(qemu, bridge, VQI_F_PCIDevice_config, config);
	fake_poke(qemu, config + SECONDARY_BUS, 1, 0xab);
	fake_set(qemu, bridge, VQI_F_PXBDev_bus_nr, 0x40);
	fake_set(qemu, bus, VQI_F_PCIBus_parent_dev, bridge);
	fake_plug(qemu, bus, device->proxy);
	return bridge;
}

START_TEST(test_behind_a_bridge)
{
	struct fake_device device =
		fake_device(qemu, &(struct fake_device_options){.id = "blk0", .devfn = 1});
	struct vqi_field *bus_nr = &qemu->layout.fields[VQI_F_PXBDev_bus_nr];

	put_behind(&device, "PCI");
	assert_transport(&device, "blk0", VQI_TRANSPORT_PCI, "0000:ab:00.1");
	put_behind(&device, "pxb-pcie-bus");
	assert_transport(&device, "blk0", VQI_TRANSPORT_PCI, "0000:40:00.1");
	/* What this QEMU has no expander bridges for is a plain bridge. */
	bus_nr->present = false;
	assert_transport(&device, "blk0", VQI_TRANSPORT_PCI, "0000:ab:00.1");
}
END_TEST

/* The id of the device itself is nearer than its proxy's. */
START_TEST(test_two_ids)
{
	struct fake_device device = fake_device(qemu, &(struct fake_device_options){.id = "proxy"});

	fake_set_text(qemu, device.vdev, VQI_F_DeviceState_id, "own");
	assert_transport(&device, "own", VQI_TRANSPORT_PCI, "0000:00:00.0");
}
END_TEST

/* Broken types: the first that fits counts, and nothing is read twice. */
START_TEST(test_proxy_of_two_kinds)
{
	struct fake_device device = fake_device(qemu, &(struct fake_device_options){.id = "blk0"});

	fake_set(qemu, fake_type_impl(qemu, fake_class(qemu, "pci-device")),
		 VQI_F_TypeImpl_parent_type, fake_type_impl(qemu, fake_class(qemu, "virtio-mmio")));
	assert_transport(&device, "blk0", VQI_TRANSPORT_PCI, "0000:00:00.0");
}
END_TEST

START_TEST(test_unknown_proxy)
{
	struct fake_device device =
		fake_device(qemu, &(struct fake_device_options){.proxy = "sys-bus-device"});

	assert_transport(&device, NULL, VQI_TRANSPORT_UNKNOWN, NULL);
	fake_set(qemu, device.vdev, VQI_F_DeviceState_parent_bus, 0);
	device.proxy = 0;
	assert_transport(&device, NULL, VQI_TRANSPORT_UNKNOWN, NULL);
}
END_TEST

/* A field that this QEMU does not have leaves the address unknown, not the transport. */
START_TEST(test_unknown_fields)
{
	static const enum vqi_field_id fields[] = {VQI_F_PCIDevice_devfn, VQI_F_PCIBus_parent_dev,
						   VQI_F_PCIDevice_config};
	struct fake_device pci = fake_device(qemu, &(struct fake_device_options){.id = "blk0"});
	struct fake_device mmio = fake_device(
		qemu, &(struct fake_device_options){.id = "vm0", .proxy = "virtio-mmio"});
	struct fake_device ccw =
		fake_device(qemu, &(struct fake_device_options){.proxy = "virtio-blk-ccw"});

	put_behind(&pci, "PCI");
	for (size_t i = 0; i < 3; i++) {
		qemu->layout.fields[fields[i]].present = false;
		assert_transport(&pci, "blk0", VQI_TRANSPORT_PCI, NULL);
		qemu->layout.fields[fields[i]].present = true;
	}
	qemu->layout.fields[VQI_F_SysBusDevice_mmio].present = false;
	assert_transport(&mmio, "vm0", VQI_TRANSPORT_MMIO, NULL);
	qemu->layout.fields[VQI_F_CcwDevice_devid].present = false;
	assert_transport(&ccw, NULL, VQI_TRANSPORT_CCW, NULL);
}
END_TEST

static struct vqi_error *find_vhost(uint64_t vdev, enum vqi_vhost_type *ret_type)
{
	return vqi_qemu_vhost_type(&qemu->qemu, vdev, ret_type);
}

/* Puts a vhost_dev at the head of the list. */
static uint64_t add_vhost(uint64_t vdev, unsigned int backend_type)
{
	uint64_t dev = fake_alloc(qemu, qemu->layout.structs[VQI_S_vhost_dev].size);
	uint64_t ops = fake_alloc(qemu, qemu->layout.structs[VQI_S_VhostOps].size);

	fake_set(qemu, dev, VQI_F_vhost_dev_vdev, vdev);
	fake_set(qemu, dev, VQI_F_vhost_dev_started, 1);
	fake_set(qemu, dev, VQI_F_vhost_dev_vhost_ops, ops);
	fake_set(qemu, ops, VQI_F_VhostOps_backend_type, backend_type);
	fake_push_vhost(qemu, dev);
	return dev;
}

START_TEST(test_vhost_types)
{
	static const enum vqi_vhost_type types[] = {VQI_VHOST_UNKNOWN, VQI_VHOST_KERNEL,
						    VQI_VHOST_USER, VQI_VHOST_VDPA,
						    VQI_VHOST_UNKNOWN};
	enum vqi_vhost_type type;

	for (unsigned int i = 0; i < 5; i++)
		add_vhost(0x1000 + i, i);
	for (unsigned int i = 0; i < 5; i++) {
		type = VQI_VHOST_NONE;
		ck_assert_ok(find_vhost(0x1000 + i, &type));
		ck_assert_int_eq(type, types[i]);
	}
	ck_assert_ok(find_vhost(0x999, &type));
	ck_assert_int_eq(type, VQI_VHOST_NONE);
	fake_set(qemu, add_vhost(0x2000, 1), VQI_F_vhost_dev_started, 0);
	ck_assert_ok(find_vhost(0x2000, &type));
	ck_assert_int_eq(type, VQI_VHOST_NONE);
}
END_TEST

START_TEST(test_vhost_unknown_fields)
{
	static const enum vqi_field_id fields[] = {VQI_F_vhost_dev_vdev, VQI_F_vhost_dev_vhost_ops,
						   VQI_F_VhostOps_backend_type};
	enum vqi_vhost_type type;

	add_vhost(0x1000, 1);
	for (size_t i = 0; i < 3; i++) {
		type = VQI_VHOST_NONE;
		qemu->layout.fields[fields[i]].present = false;
		ck_assert_ok(find_vhost(0x1000, &type));
		ck_assert_int_eq(type, VQI_VHOST_UNKNOWN);
		qemu->layout.fields[fields[i]].present = true;
	}
}
END_TEST

/* Without the list it is known only that none runs a device whose ioeventfds QEMU has. */
START_TEST(test_vhost_without_a_list)
{
	struct fake_device device = fake_device(qemu, &(struct fake_device_options){.id = "blk0"});
	enum vqi_vhost_type type = VQI_VHOST_UNKNOWN;

	add_vhost(device.vdev, 1);
	qemu->layout.symbols[VQI_SYM_vhost_devices].present = false;
	ck_assert_ok(find_vhost(device.vdev, &type));
	ck_assert_int_eq(type, VQI_VHOST_NONE);
	fake_set(qemu, device.bus, VQI_F_VirtioBusState_ioeventfd_grabbed, 1);
	ck_assert_ok(find_vhost(device.vdev, &type));
	ck_assert_int_eq(type, VQI_VHOST_UNKNOWN);
}
END_TEST

/* The variable is another one: what it holds points elsewhere, or nowhere. */
START_TEST(test_vhost_list_that_is_none)
{
	struct fake_device device = fake_device(qemu, &(struct fake_device_options){.id = "blk0"});
	uint64_t dev = add_vhost(device.vdev, 1);
	enum vqi_vhost_type type = VQI_VHOST_UNKNOWN;

	ck_assert_ok(find_vhost(device.vdev, &type));
	ck_assert_int_eq(type, VQI_VHOST_KERNEL);
	for (int i = 0; i < 2; i++) {
		if (i)
			fake_set_symbol(qemu, VQI_SYM_vhost_devices, 8, 4096);
		else
			fake_poke(qemu, fake_place(qemu, dev, VQI_F_vhost_dev_entry) + 8, 8, dev);
		fake_set(qemu, device.bus, VQI_F_VirtioBusState_ioeventfd_grabbed, 1);
		ck_assert_ok(find_vhost(device.vdev, &type));
		ck_assert_int_eq(type, VQI_VHOST_UNKNOWN);
		fake_set(qemu, device.bus, VQI_F_VirtioBusState_ioeventfd_grabbed, 0);
		ck_assert_ok(find_vhost(device.vdev, &type));
		ck_assert_int_eq(type, VQI_VHOST_NONE);
	}
}
END_TEST

START_TEST(test_vhost_list_in_a_ring)
{
	uint64_t dev = add_vhost(0x1000, 1);
	enum vqi_vhost_type type = VQI_VHOST_NONE;

	fake_set(qemu, dev, VQI_F_vhost_dev_entry, dev);
	ck_assert_code(find_vhost(0x2000, &type), VQI_ERROR_LIMIT);
	ck_assert_int_eq(type, VQI_VHOST_NONE);
}
END_TEST

/* Every byte that a healthy run reads fails once. */
START_TEST(test_every_fault)
{
	vqi_cleanup_free struct fake_read *reads = NULL;
	struct fake_device fake = fake_device(qemu, &(struct fake_device_options){.id = "blk0"});
	enum vqi_vhost_type type;
	size_t count;

	put_behind(&fake, "pxb-pcie-bus");
	add_vhost(fake.vdev, 2);
	fake_set(qemu, fake.bus, VQI_F_VirtioBusState_ioeventfd_grabbed, 1);
	fake_forget(qemu);
	assert_transport(&fake, "blk0", VQI_TRANSPORT_PCI, "0000:40:00.0");
	ck_assert_ok(find_vhost(fake.vdev, &type));
	reads = fake_take_reads(qemu, &count);
	for (size_t i = 0; i < count; i++) {
		for (uint64_t byte = 0; byte < reads[i].len; byte++) {
			vqi_cleanup(vqi_device_done) struct vqi_device device = {0};
			vqi_cleanup_error struct vqi_error *error = NULL;

			vqi_qemu_done(&qemu->qemu);
			ck_assert_ok(vqi_qemu_init(&qemu->mem, &qemu->layout, qemu->qemu.bias,
						   &qemu->qemu));
			vqi_fake_mem_fault(qemu->fake, reads[i].addr + byte, 1);
			error = vqi_qemu_transport(&qemu->qemu, fake.vdev, &device);
			if (!error)
				error = find_vhost(fake.vdev, &type);
			if (error)
				ck_assert_int_eq(error->code, VQI_ERROR_FAULT);
			else /* a list that is none */
				ck_assert_int_eq(type, VQI_VHOST_UNKNOWN);
			vqi_fake_mem_heal(qemu->fake);
		}
	}
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("transport");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, test_every_transport, 0, SEEDS);
	tcase_add_test(tcase, test_behind_a_bridge);
	tcase_add_test(tcase, test_two_ids);
	tcase_add_test(tcase, test_proxy_of_two_kinds);
	tcase_add_test(tcase, test_unknown_proxy);
	tcase_add_test(tcase, test_unknown_fields);
	tcase_add_test(tcase, test_vhost_types);
	tcase_add_test(tcase, test_vhost_unknown_fields);
	tcase_add_test(tcase, test_vhost_without_a_list);
	tcase_add_test(tcase, test_vhost_list_that_is_none);
	tcase_add_test(tcase, test_vhost_list_in_a_ring);
	tcase_add_test(tcase, test_every_fault);
	return unit_run("transport", tcase);
}
