/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a device interrupts, and hears of, its driver. */
#include <check.h>

#include "fake_virtio.h"
#include "unit.h"
#include "vqi/virtio.h"

#define SEEDS	4
#define QUEUES	3
#define VECTORS 24 /* of the device */

/* PCI Local Bus 3.0. */
#define COMMAND		4
#define CAPABILITY	0x98
#define CONTROL		(CAPABILITY + 2)
#define CONFIG_SIZE	256
#define COMMAND_MEMORY	0x0002
#define COMMAND_MASTER	0x0004
#define COMMAND_NO_INTX 0x0400
#define MSIX_ENABLE	0x8000
#define MSIX_MASK_ALL	0x4000
#define ENTRY_SIZE	16
#define VECTOR_CONTROL	12

static const uint16_t vectors[QUEUES] = {0, 9, 23};

static struct fake_qemu *qemu;
static struct fake_device fake;
static uint64_t config, table, pending, irqfds;
static struct vqi_queue queues[QUEUES];
static struct vqi_device device;

/* What the observer knows of a device. */
static void init_device(enum vqi_transport transport)
{
	device = (struct vqi_device){
		.vdev_addr = fake.vdev,
		.proxy_hva = fake.proxy,
		.transport = transport,
		.queues = queues,
		.queue_count = QUEUES,
	};
	for (unsigned int i = 0; i < QUEUES; i++)
		queues[i] = (struct vqi_queue){
			.index = i, .desc_gpa = 0x1000, .vector = VQI_NUM(vectors[i])};
}

static void make(unsigned int seed)
{
	qemu = fake_qemu_new(seed);
	fake = fake_device(qemu, &(struct fake_device_options){.id = "blk0", .queues = QUEUES});
	config = fake_get(qemu, fake.proxy, VQI_F_PCIDevice_config);
	table = fake_alloc(qemu, VECTORS * ENTRY_SIZE);
	pending = fake_alloc(qemu, VECTORS / 8);
	irqfds = fake_alloc(qemu, VECTORS * qemu->layout.structs[VQI_S_VirtIOIRQFD].size);
	fake_set(qemu, fake.proxy, VQI_F_PCIDevice_msix_cap, CAPABILITY);
	fake_set(qemu, fake.proxy, VQI_F_PCIDevice_msix_entries_nr, VECTORS);
	fake_set(qemu, fake.proxy, VQI_F_PCIDevice_msix_table, table);
	fake_set(qemu, fake.proxy, VQI_F_PCIDevice_msix_pba, pending);
	fake_set(qemu, fake.proxy, VQI_F_VirtIOPCIProxy_vector_irqfd, irqfds);
	fake_poke(qemu, config + CONTROL, 2, MSIX_ENABLE | (VECTORS - 1));
	init_device(VQI_TRANSPORT_PCI);
}

static void setup(void)
{
	make(1);
}

static void teardown(void)
{
	fake_qemu_free(qemu);
}

static struct vqi_error *read_interrupts(void)
{
	init_device(device.transport);
	return vqi_qemu_interrupts(&qemu->qemu, &device);
}

static void set_irqfd_users(unsigned int vector, unsigned int users)
{
	fake_set(qemu, irqfds + vector * qemu->layout.structs[VQI_S_VirtIOIRQFD].size,
		 VQI_F_VirtIOIRQFD_users, users);
}

/* Each vector has its own entry, bit and irqfd. */
START_TEST(test_vectors_in_every_layout)
{
	teardown();
	make((unsigned int)_i);
	for (unsigned int i = 0; i < QUEUES; i++) {
		fake_poke(qemu, table + vectors[i] * ENTRY_SIZE + VECTOR_CONTROL, 4, 1);
		fake_poke(qemu, pending + vectors[(i + 1) % QUEUES] / 8, 1,
			  1u << vectors[(i + 1) % QUEUES] % 8);
		set_irqfd_users(vectors[(i + 2) % QUEUES], 2);
		ck_assert_ok(read_interrupts());
		for (unsigned int j = 0; j < QUEUES; j++) {
			ck_assert(vqi_num_is(queues[j].msix_masked, j == i));
			ck_assert(vqi_num_is(queues[j].msix_pending, j == (i + 1) % QUEUES));
			ck_assert(vqi_num_is(queues[j].irqfd_users, j == (i + 2) % QUEUES ? 2 : 0));
		}
		fake_poke(qemu, table + vectors[i] * ENTRY_SIZE + VECTOR_CONTROL, 4, 0);
		fake_poke(qemu, pending + vectors[(i + 1) % QUEUES] / 8, 1, 0);
		set_irqfd_users(vectors[(i + 2) % QUEUES], 0);
	}
}
END_TEST

/* Neighbours of the bits do not matter. */
START_TEST(test_other_bits_of_a_vector)
{
	uint64_t entry = table + vectors[1] * ENTRY_SIZE;

	for (unsigned int offset = 0; offset < ENTRY_SIZE; offset++)
		fake_poke(qemu, entry + offset, 1, offset == VECTOR_CONTROL ? 0xfe : 0xff);
	fake_poke(qemu, pending + vectors[1] / 8, 1, 0xff & ~(1u << vectors[1] % 8));
	ck_assert_ok(read_interrupts());
	ck_assert(vqi_num_is(queues[1].msix_masked, 0));
	ck_assert(vqi_num_is(queues[1].msix_pending, 0));
}
END_TEST

static void assert_registers(uint16_t command, uint16_t control)
{
	fake_poke(qemu, config + COMMAND, 2, command);
	fake_poke(qemu, config + CONTROL, 2, control);
	ck_assert_ok(read_interrupts());
	ck_assert(vqi_num_is(device.pci_memory, !!(command & COMMAND_MEMORY)));
	ck_assert(vqi_num_is(device.pci_master, !!(command & COMMAND_MASTER)));
	ck_assert(vqi_num_is(device.intx_disabled, !!(command & COMMAND_NO_INTX)));
	ck_assert(vqi_num_is(device.msix_enabled, !!(control & MSIX_ENABLE)));
	ck_assert(vqi_num_is(device.msix_function_masked, !!(control & MSIX_MASK_ALL)));
}

START_TEST(test_every_bit_of_the_registers)
{
	for (unsigned int bit = 0; bit < 16; bit++) {
		assert_registers((uint16_t)(1u << bit), 0);
		assert_registers((uint16_t) ~(1u << bit), 0xffff);
		assert_registers(0, (uint16_t)(1u << bit));
		assert_registers(0xffff, (uint16_t) ~(1u << bit));
	}
}
END_TEST

/* Without MSI-X a vector means nothing. */
START_TEST(test_msix_disabled)
{
	fake_poke(qemu, config + CONTROL, 2, 0x7fff);
	fake_poke(qemu, table + VECTOR_CONTROL, 4, 1);
	ck_assert_ok(read_interrupts());
	for (unsigned int i = 0; i < QUEUES; i++) {
		ck_assert(!queues[i].msix_masked.known);
		ck_assert(!queues[i].msix_pending.known);
		ck_assert(!queues[i].irqfd_users.known);
	}
}
END_TEST

/* A device without the capability (vectors=0), and one whose place makes no sense. */
START_TEST(test_no_msix)
{
	static const uint8_t places[] = {0, 0xfd, 0xff};

	fake_poke(qemu, config, 8, UINT64_MAX);
	for (size_t i = 0; i < sizeof(places); i++) {
		fake_set(qemu, fake.proxy, VQI_F_PCIDevice_msix_cap, places[i]);
		ck_assert_ok(read_interrupts());
		ck_assert(vqi_num_is(device.msix_enabled, 0));
		ck_assert(vqi_num_is(device.msix_function_masked, 0));
		ck_assert(!queues[0].msix_masked.known);
	}
	/* At the very end of the configuration space it is good. */
	fake_set(qemu, fake.proxy, VQI_F_PCIDevice_msix_cap, CONFIG_SIZE - 4);
	fake_poke(qemu, config + CONFIG_SIZE - 2, 2, MSIX_ENABLE);
	ck_assert_ok(read_interrupts());
	ck_assert(vqi_num_is(device.msix_enabled, 1));
}
END_TEST

START_TEST(test_queues_without_a_vector)
{
	init_device(VQI_TRANSPORT_PCI);
	queues[0].desc_gpa = 0; /* not set up */
	queues[1].vector = VQI_NUM(VQI_NO_VECTOR);
	queues[2].vector = VQI_UNKNOWN;
	ck_assert_ok(vqi_qemu_interrupts(&qemu->qemu, &device));
	for (unsigned int i = 0; i < QUEUES; i++)
		ck_assert(!queues[i].msix_masked.known);
}
END_TEST

/* The first vector that the device does not have. */
START_TEST(test_vector_beyond_the_table)
{
	init_device(VQI_TRANSPORT_PCI);
	queues[0].vector = VQI_NUM(VECTORS);
	queues[1].vector = VQI_NUM(VECTORS - 1);
	ck_assert_ok(vqi_qemu_interrupts(&qemu->qemu, &device));
	ck_assert(!queues[0].msix_masked.known);
	ck_assert(queues[1].msix_masked.known);
}
END_TEST

/* However many vectors, the table and the pending bits are read once each. */
START_TEST(test_as_many_vectors_as_there_may_be)
{
	table = fake_alloc(qemu, 2048 * ENTRY_SIZE);
	pending = fake_alloc(qemu, 2048 / 8);
	fake_set(qemu, fake.proxy, VQI_F_PCIDevice_msix_entries_nr, 2048);
	fake_set(qemu, fake.proxy, VQI_F_PCIDevice_msix_table, table);
	fake_set(qemu, fake.proxy, VQI_F_PCIDevice_msix_pba, pending);
	fake_set(qemu, fake.proxy, VQI_F_VirtIOPCIProxy_vector_irqfd, 0);
	fake_poke(qemu, table + 2047 * ENTRY_SIZE + VECTOR_CONTROL, 4, 1);
	fake_poke(qemu, pending + 2047 / 8, 1, 0x80);
	init_device(VQI_TRANSPORT_PCI);
	queues[0].vector = VQI_NUM(2047);
	qemu->fake->calls = 0;
	ck_assert_ok(vqi_qemu_interrupts(&qemu->qemu, &device));
	ck_assert(vqi_num_is(queues[0].msix_masked, 1));
	ck_assert(vqi_num_is(queues[0].msix_pending, 1));
	ck_assert(vqi_num_is(queues[1].msix_masked, 0));
	ck_assert_uint_lt(qemu->fake->calls, 20);
}
END_TEST

START_TEST(test_more_vectors_than_there_may_be)
{
	static const uint32_t counts[] = {2049, INT32_MAX, UINT32_MAX};

	for (size_t i = 0; i < 3; i++) {
		fake_set(qemu, fake.proxy, VQI_F_PCIDevice_msix_entries_nr, counts[i]);
		ck_assert_code_text(read_interrupts(), VQI_ERROR_BAD_DATA, "vectors");
		ck_assert(!queues[0].msix_masked.known);
	}
}
END_TEST

/* QEMU sends the interrupts by itself. */
START_TEST(test_no_irqfds)
{
	fake_set(qemu, fake.proxy, VQI_F_VirtIOPCIProxy_vector_irqfd, 0);
	ck_assert_ok(read_interrupts());
	ck_assert(vqi_num_is(queues[0].msix_masked, 0));
	ck_assert(vqi_num_is(queues[0].msix_pending, 0));
	ck_assert(!queues[0].irqfd_users.known);
}
END_TEST

START_TEST(test_intx)
{
	for (unsigned int state = 0; state < 16; state++) {
		fake_set(qemu, fake.proxy, VQI_F_PCIDevice_irq_state, state);
		ck_assert_ok(read_interrupts());
		ck_assert(vqi_num_is(device.intx_asserted, state & 1));
	}
}
END_TEST

START_TEST(test_bus)
{
	for (unsigned int i = 0; i < 2; i++) {
		fake_set(qemu, fake.bus, VQI_F_VirtioBusState_ioeventfd_started, i);
		fake_set(qemu, fake.bus, VQI_F_VirtioBusState_ioeventfd_grabbed, 2 - i);
		ck_assert_ok(read_interrupts());
		ck_assert(vqi_num_is(device.ioeventfd_started, i));
		ck_assert(vqi_num_is(device.ioeventfd_grabbed, 2 - i));
	}
	/* It is being taken away. */
	fake_set(qemu, fake.vdev, VQI_F_DeviceState_parent_bus, 0);
	ck_assert_ok(read_interrupts());
	ck_assert(!device.ioeventfd_started.known);
	ck_assert(!device.ioeventfd_grabbed.known);
	ck_assert(device.msix_enabled.known);
}
END_TEST

START_TEST(test_other_transports)
{
	static const enum vqi_transport transports[] = {VQI_TRANSPORT_UNKNOWN, VQI_TRANSPORT_MMIO,
							VQI_TRANSPORT_CCW};

	for (int i = 0; i < 3; i++) {
		device.transport = transports[i];
		ck_assert_ok(read_interrupts());
		ck_assert(vqi_num_is(device.ioeventfd_started, 0));
		ck_assert(!device.pci_master.known);
		ck_assert(!device.msix_enabled.known);
		ck_assert(!device.intx_asserted.known);
		ck_assert(!queues[0].msix_masked.known);
	}
	/* And PCI without a proxy. */
	init_device(VQI_TRANSPORT_PCI);
	device.proxy_hva = 0;
	ck_assert_ok(vqi_qemu_interrupts(&qemu->qemu, &device));
	ck_assert(!device.msix_enabled.known);
}
END_TEST

/* What this QEMU does not have is unknown, and is no error. */
START_TEST(test_unknown_fields)
{
	static const struct {
		enum vqi_field_id field;
		bool bus, registers, vectors, irqfds;
	} cases[] = {
		{VQI_F_VirtioBusState_ioeventfd_started, false, true, true, true},
		{VQI_F_VirtioBusState_ioeventfd_grabbed, true, true, true, true},
		{VQI_F_PCIDevice_config, true, false, false, false},
		{VQI_F_PCIDevice_msix_cap, true, false, false, false},
		{VQI_F_PCIDevice_irq_state, true, true, false, false},
		{VQI_F_PCIDevice_msix_table, true, true, false, false},
		{VQI_F_PCIDevice_msix_pba, true, true, false, false},
		{VQI_F_PCIDevice_msix_entries_nr, true, true, false, false},
		{VQI_F_VirtIOPCIProxy_vector_irqfd, true, true, false, false},
		{VQI_F_VirtIOIRQFD_users, true, true, true, false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		qemu->layout.fields[cases[i].field].present = false;
		ck_assert_ok(read_interrupts());
		ck_assert_msg(device.ioeventfd_started.known == cases[i].bus, "case %zu", i);
		ck_assert_msg(device.msix_enabled.known == cases[i].registers, "case %zu", i);
		ck_assert_msg(queues[0].msix_masked.known == cases[i].vectors, "case %zu", i);
		ck_assert_msg(queues[2].irqfd_users.known == cases[i].irqfds, "case %zu", i);
		qemu->layout.fields[cases[i].field].present = true;
	}
}
END_TEST

/* Every byte that a healthy run reads fails once. */
START_TEST(test_every_fault)
{
	vqi_cleanup_free struct fake_read *reads = NULL;
	size_t count;

	fake_forget(qemu);
	ck_assert_ok(read_interrupts());
	reads = fake_take_reads(qemu, &count);
	ck_assert_uint_eq(count, 3 + 4 + 4 + 2 + QUEUES);
	for (size_t i = 0; i < count; i++) {
		for (uint64_t byte = 0; byte < reads[i].len; byte++) {
			vqi_fake_mem_fault(qemu->fake, reads[i].addr + byte, 1);
			ck_assert_code(read_interrupts(), VQI_ERROR_FAULT);
			vqi_fake_mem_heal(qemu->fake);
		}
	}
}
END_TEST

START_TEST(test_target_ends)
{
	size_t calls;

	qemu->fake->calls = 0;
	ck_assert_ok(read_interrupts());
	calls = qemu->fake->calls;
	for (size_t i = 0; i < calls; i++) {
		qemu->fake->calls = 0;
		qemu->fake->gone_after = i;
		ck_assert_code(read_interrupts(), VQI_ERROR_GONE);
	}
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("interrupts");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, test_vectors_in_every_layout, 0, SEEDS);
	tcase_add_test(tcase, test_other_bits_of_a_vector);
	tcase_add_test(tcase, test_every_bit_of_the_registers);
	tcase_add_test(tcase, test_msix_disabled);
	tcase_add_test(tcase, test_no_msix);
	tcase_add_test(tcase, test_queues_without_a_vector);
	tcase_add_test(tcase, test_vector_beyond_the_table);
	tcase_add_test(tcase, test_as_many_vectors_as_there_may_be);
	tcase_add_test(tcase, test_more_vectors_than_there_may_be);
	tcase_add_test(tcase, test_no_irqfds);
	tcase_add_test(tcase, test_intx);
	tcase_add_test(tcase, test_bus);
	tcase_add_test(tcase, test_other_transports);
	tcase_add_test(tcase, test_unknown_fields);
	tcase_add_test(tcase, test_every_fault);
	tcase_add_test(tcase, test_target_ends);
	return unit_run("interrupts", tcase);
}
