/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The way of a PCI device's interrupts and kicks: MSI-X, INTx, ioeventfds. */
#include <stdlib.h>

#include "vqi/qemu.h"

#include "unknown.h"

/* PCI Local Bus 3.0, 6.2.2 and 6.8.2. */
#define CONFIG_SIZE	     256
#define COMMAND		     0x04
#define COMMAND_MEMORY	     (1 << 1)
#define COMMAND_MASTER	     (1 << 2)
#define COMMAND_INTX_DISABLE (1 << 10)
#define MSIX_CONTROL	     2 /* into the capability */
#define MSIX_ENABLE	     (1 << 15)
#define MSIX_FUNCTION_MASK   (1 << 14)
#define MSIX_ENTRY_SIZE	     16
#define MSIX_MAX_ENTRIES     2048
#define MSIX_VECTOR_CONTROL  12 /* into an entry */
#define MSIX_MASKED	     1
#define IRQ_STATE_INTA	     1 /* PCIDevice.irq_state */

/* A device's interrupt vectors. Source: hw/pci/msix.c. */
struct msix {
	uint8_t *table;	  /* entries of 16 bytes */
	uint8_t *pending; /* a bit an entry */
	uint64_t entries;
	uint64_t irqfds; /* VirtIOIRQFD[] in the target; 0: interrupts are sent by QEMU itself */
};

static void msix_done(struct msix *msix)
{
	free(msix->table);
	free(msix->pending);
}
VQI_DEFINE_CLEANUP_VALUE(struct msix, msix_done)

static uint16_t config_word(const uint8_t *config, size_t offset)
{
	return (uint16_t)(config[offset] | config[offset + 1] << 8);
}

static struct vqi_error *read_registers(struct vqi_qemu *qemu, uint64_t proxy,
					struct vqi_device *device)
{
	uint8_t bytes[CONFIG_SIZE];
	uint64_t config, cap, irq_state;
	struct vqi_error *error;
	uint16_t command, control;

	error = vqi_qemu_field(qemu, proxy, VQI_F_PCIDevice_config, &config);
	if (!error)
		error = vqi_qemu_field(qemu, proxy, VQI_F_PCIDevice_msix_cap, &cap);
	if (!error)
		error = vqi_mem_read(qemu->mem, config, bytes, sizeof(bytes));
	if (error)
		return error;
	command = config_word(bytes, COMMAND);
	device->pci_memory = VQI_NUM(!!(command & COMMAND_MEMORY));
	device->pci_master = VQI_NUM(!!(command & COMMAND_MASTER));
	device->intx_disabled = VQI_NUM(!!(command & COMMAND_INTX_DISABLE));
	control = cap && cap + MSIX_CONTROL + 2 <= CONFIG_SIZE
			  ? config_word(bytes, cap + MSIX_CONTROL)
			  : 0;
	device->msix_enabled = VQI_NUM(!!(control & MSIX_ENABLE));
	device->msix_function_masked = VQI_NUM(!!(control & MSIX_FUNCTION_MASK));
	error = vqi_qemu_field(qemu, proxy, VQI_F_PCIDevice_irq_state, &irq_state);
	if (!error)
		device->intx_asserted = VQI_NUM(irq_state & IRQ_STATE_INTA);
	return error;
}

static struct vqi_error *read_msix(struct vqi_qemu *qemu, uint64_t proxy, struct msix *msix)
{
	uint64_t table, pending;
	struct vqi_error *error;

	error = vqi_qemu_field(qemu, proxy, VQI_F_PCIDevice_msix_table, &table);
	if (!error)
		error = vqi_qemu_field(qemu, proxy, VQI_F_PCIDevice_msix_pba, &pending);
	if (!error)
		error = vqi_qemu_field(qemu, proxy, VQI_F_PCIDevice_msix_entries_nr,
				       &msix->entries);
	if (!error)
		error = vqi_qemu_field(qemu, proxy, VQI_F_VirtIOPCIProxy_vector_irqfd,
				       &msix->irqfds);
	if (error)
		return error;
	if (msix->entries > MSIX_MAX_ENTRIES)
		return vqi_error_new(VQI_ERROR_BAD_DATA, "%llu interrupt vectors",
				     (unsigned long long)msix->entries);
	msix->table = calloc(msix->entries + 1, MSIX_ENTRY_SIZE);
	msix->pending = calloc(msix->entries / 8 + 1, 1);
	if (!msix->table || !msix->pending)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	error = vqi_mem_read(qemu->mem, table, msix->table, msix->entries * MSIX_ENTRY_SIZE);
	return error ? error
		     : vqi_mem_read(qemu->mem, pending, msix->pending, (msix->entries + 7) / 8);
}

static struct vqi_error *fill_vector(struct vqi_qemu *qemu, const struct msix *msix,
				     struct vqi_queue *queue)
{
	uint64_t vector = queue->vector.value;
	const uint8_t *entry = msix->table + vector * MSIX_ENTRY_SIZE;
	uint32_t stride = qemu->layout->structs[VQI_S_VirtIOIRQFD].size;

	queue->msix_masked = VQI_NUM(entry[MSIX_VECTOR_CONTROL] & MSIX_MASKED);
	queue->msix_pending = VQI_NUM(msix->pending[vector / 8] >> vector % 8 & 1);
	if (!msix->irqfds || !stride)
		return NULL;
	return vqi_qemu_known(qemu, msix->irqfds + vector * stride, VQI_F_VirtIOIRQFD_users,
			      &queue->irqfd_users);
}

static struct vqi_error *read_pci(struct vqi_qemu *qemu, struct vqi_device *device)
{
	vqi_cleanup(msix_done) struct msix msix = {0};
	struct vqi_error *error;

	error = read_registers(qemu, device->proxy_hva, device);
	if (!error && device->msix_enabled.value)
		error = read_msix(qemu, device->proxy_hva, &msix);
	for (size_t i = 0; !error && i < device->queue_count; i++) {
		struct vqi_queue *queue = &device->queues[i];

		if (queue->desc_gpa && queue->vector.known && queue->vector.value < msix.entries)
			error = fill_vector(qemu, &msix, queue);
	}
	return error;
}

/* Source: include/hw/virtio/virtio-bus.h. */
static struct vqi_error *read_bus(struct vqi_qemu *qemu, struct vqi_device *device)
{
	struct vqi_error *error;
	uint64_t bus;

	error = vqi_qemu_field(qemu, device->vdev_addr, VQI_F_DeviceState_parent_bus, &bus);
	if (error || !bus)
		return error;
	error = vqi_qemu_known(qemu, bus, VQI_F_VirtioBusState_ioeventfd_started,
			       &device->ioeventfd_started);
	return error ? error
		     : vqi_qemu_known(qemu, bus, VQI_F_VirtioBusState_ioeventfd_grabbed,
				      &device->ioeventfd_grabbed);
}

struct vqi_error *vqi_qemu_interrupts(struct vqi_qemu *qemu, struct vqi_device *device)
{
	struct vqi_error *error = read_bus(qemu, device);

	if (!error && device->transport == VQI_TRANSPORT_PCI && device->proxy_hva)
		error = vqi_drop_unknown(read_pci(qemu, device));
	return error;
}
