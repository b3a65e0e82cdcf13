/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All that follows pointers of a QEMU: the ways to the devices, their description, their rings. */
#include "fake_qemu.h"
#include "fuzz.h"
#include "vqi/loops.h"
#include "vqi/virtio.h"
#include "world.h"

/* An error is as good as a value; what it leaves behind is not looked at. */
static void drop(struct vqi_error *error)
{
	vqi_error_free(error);
}

/* Why a queue of a device may stand still. */
static void read_evidence(struct vqi_qemu *qemu, uint64_t vdev, uint64_t proxy,
			  struct vqi_device *device)
{
	struct vqi_guest_ram ram = {0};
	struct vqi_error *error;
	uint64_t space;

	device->transport = VQI_TRANSPORT_PCI;
	device->proxy_hva = proxy;
	drop(vqi_qemu_interrupts(qemu, device));
	error = vqi_qemu_field(qemu, vdev, VQI_F_VirtIODevice_dma_as, &space);
	if (!error)
		error = vqi_qemu_guest_ram(qemu, space, &ram);
	for (unsigned int i = 0; i < device->queue_count; i++) {
		drop(vqi_chains_check(qemu->mem, error ? NULL : &ram, device, &device->queues[i]));
		drop(vqi_qemu_queue_context(qemu, vdev, i, &space));
		drop(vqi_qemu_waiting_packets(qemu, vdev, i, &device->queues[i].waiting_packets));
	}
	drop(error);
	vqi_guest_ram_done(&ram);
}

static void read_device(struct vqi_qemu *qemu, uint64_t vdev)
{
	struct vqi_device device = {0}, described = {0};
	struct vqi_reading *reading = NULL;
	enum vqi_vhost_type type;
	struct vqi_error *error;
	size_t count;

	drop(vqi_qemu_transport(qemu, vdev, &described));
	drop(vqi_qemu_backends(qemu, vdev, &described));
	drop(vqi_qemu_vhost_type(qemu, vdev, &type));
	for (size_t i = 0; i < described.backend_count; i++)
		drop(vqi_qemu_block(qemu, vdev, &described.backends[i]));
	described.vdev_addr = vdev;
	error = vqi_reading_plan(qemu, &described, &reading);
	if (!error) {
		struct vqi_range *ranges = vqi_reading_ranges(reading, &count);

		error = vqi_mem_readv(qemu->mem, ranges, count);
	}
	if (!error && vqi_reading_is_current(reading))
		error = vqi_reading_decode(reading, &device);
	if (!error)
		read_evidence(qemu, vdev, described.proxy_hva, &device);
	drop(error);
	vqi_reading_free(reading);
	vqi_device_done(&device);
	vqi_device_done(&described);
}

static void read_machine(struct vqi_qemu *qemu)
{
	char *state = NULL, *name = NULL, *arch = NULL;
	struct vqi_ioeventfds ioeventfds = {0};
	struct vqi_vcpu *vcpus = NULL;
	struct vqi_loops loops = {0};
	uint64_t owner;
	size_t count;

	drop(vqi_qemu_loops(qemu, 1, &loops));
	drop(vqi_qemu_vcpus(qemu, &vcpus, &count));
	drop(vqi_qemu_ioeventfds(qemu, &ioeventfds));
	drop(vqi_qemu_bql_owner(qemu, &owner));
	vqi_loops_done(&loops);
	vqi_ioeventfds_done(&ioeventfds);
	free(vcpus);
	drop(vqi_qemu_run_state(qemu, &state));
	drop(vqi_qemu_vm_name(qemu, &name));
	drop(vqi_qemu_arch(qemu, NULL, &arch));
	free(state);
	free(name);
	free(arch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct vqi_layout layout;
	struct fuzz_mem fuzz = {
		.mem = {.readv = fuzz_readv}, .base = WORLD_BASE, .data = data, .size = size};
	struct vqi_objects devices = {0};
	struct vqi_error *error;
	struct vqi_qemu qemu;

	if (!layout.source) {
		fake_layout(&layout, WORLD_SEED);
		for (size_t i = 0; i < VQI_SYMBOL_COUNT; i++)
			layout.symbols[i].address = i * 256;
	}
	error = vqi_qemu_init(&fuzz.mem, &layout, WORLD_BASE, &qemu);
	if (error)
		abort();
	read_machine(&qemu);
	error = vqi_qemu_find_virtio(&qemu, &devices);
	if (error && devices.count)
		abort();
	drop(error);
	for (size_t i = 0; i < devices.count; i++)
		read_device(&qemu, devices.objects[i].address);
	vqi_objects_done(&devices);
	vqi_qemu_done(&qemu);
	return 0;
}
