/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a virtio device hangs in its machine: its proxy, id and address. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vqi/limits.h"
#include "vqi/qemu.h"

#include "unknown.h"

#define PCI_SECONDARY_BUS 0x19 /* PCI-to-PCI bridge specification, 3.2 */

/* The number of the bus that pci_device is on: 0 for a root bus, else what the guest's firmware
 * wrote into the bridge. Source: hw/pci/pci.c pcibus_num(),
 * hw/pci-bridge/pci_expander_bridge.c pxb_bus_num(). */
static struct vqi_error *read_bus_number(struct vqi_qemu *qemu, uint64_t pci_device,
					 uint64_t *ret_number)
{
	uint64_t bus, bridge, config;
	struct vqi_error *error;
	bool is_pxb = false;

	error = vqi_qemu_field(qemu, pci_device, VQI_F_DeviceState_parent_bus, &bus);
	if (!error)
		error = vqi_qemu_field(qemu, bus, VQI_F_PCIBus_parent_dev, &bridge);
	if (!error && !bridge) {
		*ret_number = 0;
		return NULL;
	}
	if (!error && qemu->layout->fields[VQI_F_PXBDev_bus_nr].present) {
		const char *type;

		error = vqi_qemu_type_name(qemu, bus, &type);
		is_pxb = !error && strncmp(type, "pxb-", 4) == 0;
	}
	if (!error && is_pxb)
		return vqi_qemu_field(qemu, bridge, VQI_F_PXBDev_bus_nr, ret_number);
	if (!error)
		error = vqi_qemu_field(qemu, bridge, VQI_F_PCIDevice_config, &config);
	if (!error)
		error = vqi_mem_read_uint(qemu->mem, config + PCI_SECONDARY_BUS, 1, ret_number);
	return error;
}

static struct vqi_error *read_pci_address(struct vqi_qemu *qemu, uint64_t proxy, char **ret_address)
{
	uint64_t devfn, number;
	struct vqi_error *error;
	char *address;

	error = vqi_qemu_field(qemu, proxy, VQI_F_PCIDevice_devfn, &devfn);
	if (!error)
		error = read_bus_number(qemu, proxy, &number);
	if (error)
		return error;
	/* QEMU has one PCI domain for all machines that virtio-pci is used on. */
	if (asprintf(&address, "0000:%02x:%02x.%x", (unsigned int)number,
		     (unsigned int)(devfn >> 3) & 31, (unsigned int)devfn & 7) < 0)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	*ret_address = address;
	return NULL;
}

static struct vqi_error *read_mmio_address(struct vqi_qemu *qemu, uint64_t proxy,
					   char **ret_address)
{
	struct vqi_error *error;
	uint64_t base;
	char *address;

	/* The first word of mmio[] is mmio[0].addr. */
	error = vqi_qemu_field(qemu, proxy, VQI_F_SysBusDevice_mmio, &base);
	if (error)
		return error;
	if (asprintf(&address, "0x%" PRIx64, base) < 0)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	*ret_address = address;
	return NULL;
}

/* As QEMU and libvirt write it: channel subsystem, subchannel set, device number. Linux calls the first
 * virtual channel subsystem, 0xfe, 0. Source: hw/s390x/css.c get_css_devid(). */
static struct vqi_error *read_ccw_address(struct vqi_qemu *qemu, uint64_t proxy, char **ret_address)
{
	uint64_t cssid, ssid, devid;
	struct vqi_error *error;
	char *address;

	error = vqi_qemu_field(qemu, proxy, VQI_F_CcwDevice_cssid, &cssid);
	if (!error)
		error = vqi_qemu_field(qemu, proxy, VQI_F_CcwDevice_ssid, &ssid);
	if (!error)
		error = vqi_qemu_field(qemu, proxy, VQI_F_CcwDevice_devid, &devid);
	if (error)
		return error;
	if (asprintf(&address, "%02x.%x.%04x", (unsigned int)cssid, (unsigned int)ssid,
		     (unsigned int)devid) < 0)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	*ret_address = address;
	return NULL;
}

struct vqi_error *vqi_qemu_transport(struct vqi_qemu *qemu, uint64_t vdev,
				     struct vqi_device *device)
{
	static const struct {
		const char *type;
		enum vqi_transport transport;
		struct vqi_error *(*read_address)(struct vqi_qemu *, uint64_t, char **);
	} proxies[] = {
		{"virtio-pci", VQI_TRANSPORT_PCI, read_pci_address},
		{"virtio-mmio", VQI_TRANSPORT_MMIO, read_mmio_address},
		{"virtio-ccw-device", VQI_TRANSPORT_CCW, read_ccw_address},
	};
	struct vqi_error *error;
	uint64_t bus, proxy = 0;

	error = vqi_qemu_string_field(qemu, vdev, VQI_F_DeviceState_id, &device->id);
	if (!error)
		error = vqi_qemu_field(qemu, vdev, VQI_F_DeviceState_parent_bus, &bus);
	if (!error && bus)
		error = vqi_qemu_field(qemu, bus, VQI_F_BusState_parent, &proxy);
	if (error || !proxy)
		return error;
	device->proxy_hva = proxy;
	/* The id that the user gave is the proxy's, but for a device put on virtio-mmio's own bus. */
	if (!device->id)
		error = vqi_qemu_string_field(qemu, proxy, VQI_F_DeviceState_id, &device->id);

	for (size_t i = 0; !error && i < sizeof(proxies) / sizeof(proxies[0]); i++) {
		bool is_a;

		error = vqi_qemu_is_a(qemu, proxy, proxies[i].type, &is_a);
		if (error || !is_a)
			continue;
		device->transport = proxies[i].transport;
		return vqi_drop_unknown(
			proxies[i].read_address(qemu, proxy, &device->transport_address));
	}
	return error;
}
