/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fake_virtio.h"

#include <stdio.h>
#include <string.h>

static bool begins_with(const char *text, const char *start)
{
	return strncmp(text, start, strlen(start)) == 0;
}

/* Puts an object that has a DeviceState under a parent, realized. */
static void realize(struct fake_qemu *qemu, uint64_t parent, const char *parent_path,
		    const char *name, uint64_t device, char *ret_path, size_t size)
{
	snprintf(ret_path, size, "%s/%s", parent_path, name);
	fake_add_child(qemu, parent, name, device);
	fake_set_text(qemu, device, VQI_F_DeviceState_canonical_path, ret_path);
	fake_set(qemu, device, VQI_F_DeviceState_realized, 1);
}

/* The bus for proxies of a kind, made with its owner when it is needed first. */
static uint64_t host_bus(struct fake_qemu *qemu, bool pci)
{
	uint64_t bridge;

	if (!pci)
		return qemu->system_bus;
	bridge = fake_object(qemu, VQI_S_SysBusDevice, "sys-bus-device");
	fake_plug(qemu, qemu->system_bus, bridge);
	return fake_bus(qemu, VQI_S_PCIBus, "PCIE", bridge);
}

static void make_proxy(struct fake_qemu *qemu, const struct fake_device_options *options,
		       struct fake_device *device, char *path, size_t size)
{
	const char *type = options->proxy ? options->proxy : "virtio-pci";
	bool pci = strstr(type, "pci") != NULL;
	enum vqi_struct_id other = strstr(type, "ccw") ? VQI_S_CcwDevice : VQI_S_SysBusDevice;
	char name[32];

	device->proxy = fake_object(qemu, pci ? VQI_S_VirtIOPCIProxy : other, type);
	device->proxy_bus = host_bus(qemu, pci);
	fake_plug(qemu, device->proxy_bus, device->proxy);
	device->bus = fake_bus(qemu, VQI_S_VirtioBusState, "virtio-bus", device->proxy);
	if (pci) {
		fake_set(qemu, device->proxy, VQI_F_PCIDevice_devfn, options->devfn);
		fake_set(qemu, device->proxy, VQI_F_PCIDevice_config, fake_alloc(qemu, 256));
	}
	if (options->id && pci) {
		fake_set_text(qemu, device->proxy, VQI_F_DeviceState_id, options->id);
		realize(qemu, fake_child(qemu, qemu->machine, "peripheral"), "/machine/peripheral",
			options->id, device->proxy, path, size);
		return;
	}
	snprintf(name, sizeof(name), "device[%u]", qemu->unnamed++);
	if (pci)
		realize(qemu, fake_child(qemu, qemu->machine, "peripheral-anon"),
			"/machine/peripheral-anon", name, device->proxy, path, size);
	else
		realize(qemu, fake_child(qemu, qemu->machine, "unattached"), "/machine/unattached",
			name, device->proxy, path, size);
}

static void make_queues(struct fake_qemu *qemu, struct fake_device *device)
{
	size_t stride = qemu->layout.structs[VQI_S_VirtQueue].size;

	device->vq = fake_alloc(qemu, qemu->queue_max * stride);
	fake_set(qemu, device->vdev, VQI_F_VirtIODevice_vq, device->vq);
	for (unsigned int i = 0; i < qemu->queue_max; i++) {
		uint64_t queue = fake_queue(qemu, device, i);

		fake_set(qemu, queue, VQI_F_VirtQueue_queue_index, i);
		fake_set(qemu, queue, VQI_F_VirtQueue_vdev, device->vdev);
		fake_set(qemu, queue, VQI_F_VirtQueue_vector, i < device->queue_count ? i + 1 : 0);
		fake_set_vring(qemu, device, i, VQI_F_VRing_num,
			       i < device->queue_count ? device->num : 0);
		fake_set_vring(qemu, device, i, VQI_F_VRing_num_default,
			       i < device->queue_count ? device->num : 0);
	}
}

/* What QEMU calls when the VM stops. */
static void make_vmstate(struct fake_qemu *qemu, uint64_t vdev)
{
	uint64_t entry = fake_make(qemu, VQI_S_VMChangeStateEntry);

	fake_set(qemu, entry, VQI_F_VMChangeStateEntry_opaque, vdev);
	fake_set(qemu, vdev, VQI_F_VirtIODevice_vmstate, entry);
}

struct fake_device fake_device(struct fake_qemu *qemu, const struct fake_device_options *options)
{
	struct fake_device device = {
		.queue_count = options->queues ? options->queues : 1,
		.num = options->num ? options->num : 8,
	};
	const char *type = options->type ? options->type : "virtio-blk-device";
	char proxy_path[128], path[192];

	make_proxy(qemu, options, &device, proxy_path, sizeof(proxy_path));
	device.vdev = fake_object(qemu, fake_structure_of(type), type);
	if (begins_with(proxy_path, "/machine/unattached") && options->id) {
		/* -device virtio-blk-device: put on the bus of a virtio-mmio that was there */
		fake_set_text(qemu, device.vdev, VQI_F_DeviceState_id, options->id);
		realize(qemu, fake_child(qemu, qemu->machine, "peripheral"), "/machine/peripheral",
			options->id, device.vdev, path, sizeof(path));
	} else {
		realize(qemu, device.proxy, proxy_path, "virtio-backend", device.vdev, path,
			sizeof(path));
	}
	fake_plug(qemu, device.bus, device.vdev);
	fake_set(qemu, device.vdev, VQI_F_VirtIODevice_device_id,
		 options->device_id ? options->device_id : 2);
	fake_set(qemu, device.vdev, VQI_F_VirtIODevice_status, 0xf);
	fake_set(qemu, device.vdev, VQI_F_VirtIODevice_host_features, FAKE_FEATURES);
	fake_set(qemu, device.vdev, VQI_F_VirtIODevice_guest_features, FAKE_FEATURES);
	fake_set(qemu, device.vdev, VQI_F_VirtIODevice_use_started, 1);
	fake_set(qemu, device.vdev, VQI_F_VirtIODevice_started, 1);
	fake_set(qemu, device.vdev, VQI_F_VirtIODevice_vm_running, 1);
	fake_set(qemu, device.vdev, VQI_F_VirtIODevice_device_endian, 1);
	make_vmstate(qemu, device.vdev);
	make_queues(qemu, &device);
	return device;
}

uint64_t fake_queue(const struct fake_qemu *qemu, const struct fake_device *device,
		    unsigned int index)
{
	return device->vq + (uint64_t)index * qemu->layout.structs[VQI_S_VirtQueue].size;
}

void fake_set_vring(struct fake_qemu *qemu, const struct fake_device *device, unsigned int index,
		    enum vqi_field_id field, uint64_t value)
{
	fake_set(qemu,
		 fake_queue(qemu, device, index) +
			 qemu->layout.fields[VQI_F_VirtQueue_vring].offset,
		 field, value);
}

uint64_t fake_caches(struct fake_qemu *qemu, const struct fake_device *device, unsigned int index)
{
	const struct vqi_field *fields = qemu->layout.fields;
	uint64_t caches;

	memcpy(&caches,
	       fake_bytes(qemu,
			  fake_queue(qemu, device, index) + fields[VQI_F_VirtQueue_vring].offset +
				  fields[VQI_F_VRing_caches].offset,
			  8),
	       8);
	return caches;
}

void fake_set_cache(struct fake_qemu *qemu, const struct fake_device *device, unsigned int index,
		    enum vqi_field_id cache, uint64_t ptr, uint64_t len)
{
	uint64_t region = fake_caches(qemu, device, index) + qemu->layout.fields[cache].offset;

	fake_set(qemu, region, VQI_F_MemoryRegionCache_ptr, ptr);
	fake_set(qemu, region, VQI_F_MemoryRegionCache_len, len);
}

#define RING_GAP 34 /* bytes between the areas of a ring, which nothing may depend on */

void fake_ring(struct fake_qemu *qemu, const struct fake_device *device, unsigned int index,
	       const struct ring_options *options, struct ring_builder *ret_ring)
{
	static const struct {
		enum vqi_field_id gpa, cache;
		size_t (*size)(const struct ring_options *options);
	} areas[] = {
		{VQI_F_VRing_desc, VQI_F_VRingMemoryRegionCaches_desc, ring_desc_size},
		{VQI_F_VRing_avail, VQI_F_VRingMemoryRegionCaches_avail, ring_avail_size},
		{VQI_F_VRing_used, VQI_F_VRingMemoryRegionCaches_used, ring_used_size},
	};
	size_t room = 0;
	uint8_t *bytes[3];
	uint64_t hva;

	fake_set_vring(qemu, device, index, VQI_F_VRing_num, options->num);
	fake_set_vring(qemu, device, index, VQI_F_VRing_caches,
		       fake_alloc(qemu, qemu->layout.structs[VQI_S_VRingMemoryRegionCaches].size));
	/* All in one piece of guest RAM, as drivers do it. */
	for (unsigned int i = 0; i < 3; i++)
		room += areas[i].size(options) + RING_GAP;
	hva = fake_alloc(qemu, room);
	for (unsigned int i = 0; i < 3; i++) {
		size_t len = areas[i].size(options);

		bytes[i] = fake_bytes(qemu, hva, len);
		fake_set_vring(qemu, device, index, areas[i].gpa, hva - UINT64_C(0x7f0000000000));
		fake_set_cache(qemu, device, index, areas[i].cache, hva, len);
		hva += len + RING_GAP;
	}
	ring_init(ret_ring, options, bytes[0], bytes[1], bytes[2]);
	fake_store(qemu, device, index, ret_ring);
}

void fake_store(struct fake_qemu *qemu, const struct fake_device *device, unsigned int index,
		const struct ring_builder *ring)
{
	uint64_t queue = fake_queue(qemu, device, index);

	fake_set(qemu, queue, VQI_F_VirtQueue_last_avail_idx, ring->last_avail_idx);
	fake_set(qemu, queue, VQI_F_VirtQueue_last_avail_wrap_counter, ring->last_avail_wrap);
	fake_set(qemu, queue, VQI_F_VirtQueue_shadow_avail_idx, ring->shadow_avail_idx);
	fake_set(qemu, queue, VQI_F_VirtQueue_shadow_avail_wrap_counter, ring->shadow_avail_wrap);
	fake_set(qemu, queue, VQI_F_VirtQueue_used_idx, ring->used_idx);
	fake_set(qemu, queue, VQI_F_VirtQueue_used_wrap_counter, ring->used_wrap);
	fake_set(qemu, queue, VQI_F_VirtQueue_signalled_used, ring->signalled_used);
	fake_set(qemu, queue, VQI_F_VirtQueue_signalled_used_valid, ring->signalled_used_valid);
	fake_set(qemu, queue, VQI_F_VirtQueue_notification, ring->notification);
	fake_set(qemu, queue, VQI_F_VirtQueue_inuse, ring->inuse);
}

void fake_set_notifier(struct fake_qemu *qemu, const struct fake_device *device, unsigned int index,
		       enum vqi_field_id notifier, int fd)
{
	fake_set(qemu, fake_queue(qemu, device, index) + qemu->layout.fields[notifier].offset,
		 VQI_F_EventNotifier_rfd, (uint32_t)fd);
}

void fake_push_vhost(struct fake_qemu *qemu, uint64_t dev)
{
	uint64_t head = fake_symbol(qemu, VQI_SYM_vhost_devices);

	fake_push(qemu, head, dev, VQI_F_vhost_dev_entry);
	fake_poke(qemu, fake_place(qemu, dev, VQI_F_vhost_dev_entry) + 8, 8, head);
}

void fake_run_state(struct fake_qemu *qemu, unsigned int state)
{
	static const char *const names[] = {"debug", "running", "paused", "io-error", "inmigrate"};
	uint64_t lookup = fake_symbol(qemu, VQI_SYM_RunState_lookup);
	uint64_t array = fake_alloc(qemu, 5 * 8);

	for (unsigned int i = 0; i < 5; i++)
		fake_poke(qemu, array + i * 8, 8, fake_text(qemu, names[i]));
	fake_set(qemu, lookup, VQI_F_QEnumLookup_array, array);
	fake_set(qemu, lookup, VQI_F_QEnumLookup_size, 5);
	fake_set_symbol(qemu, VQI_SYM_current_run_state, 4, state);
}
