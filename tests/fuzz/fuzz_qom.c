/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All that follows pointers of a QEMU: the ways to the devices, their description, their rings. */
#include "fake_qemu.h"
#include "fuzz.h"
#include "vqi/virtio.h"
#include "world.h"

/* An error is as good as a value; what it leaves behind is not looked at. */
static void drop(struct vqi_error *error)
{
	vqi_error_free(error);
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
	error = vqi_reading_plan(qemu, vdev, &reading);
	if (!error) {
		struct vqi_range *ranges = vqi_reading_ranges(reading, &count);

		error = vqi_mem_readv(qemu->mem, ranges, count);
	}
	if (!error && vqi_reading_is_current(reading))
		error = vqi_reading_decode(reading, &device);
	drop(error);
	vqi_reading_free(reading);
	vqi_device_done(&device);
	vqi_device_done(&described);
}

static void read_machine(struct vqi_qemu *qemu)
{
	char *state = NULL, *name = NULL, *arch = NULL;

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
