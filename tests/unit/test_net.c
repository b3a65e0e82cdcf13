/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packets that wait for a buffer of a network card. */
#include <check.h>

#include "fake_virtio.h"
#include "unit.h"

#define SEEDS 5
#define PAIRS 3

static struct fake_qemu *qemu;
static uint64_t vdev, nic, clients;
static uint64_t queues[PAIRS]; /* NetQueue */
static struct vqi_num waiting;

static void make(unsigned int seed)
{
	size_t stride;

	qemu = fake_qemu_new(seed);
	stride = qemu->layout.structs[VQI_S_NetClientState].size;
	vdev = fake_device(qemu, &(struct fake_device_options){.type = "virtio-net-device",
							       .device_id = 1,
							       .queues = 3})
		       .vdev;
	nic = fake_make(qemu, VQI_S_NICState);
	clients = fake_alloc(qemu, PAIRS * stride);
	fake_set(qemu, vdev, VQI_F_VirtIONet_nic, nic);
	fake_set(qemu, nic, VQI_F_NICState_ncs, clients);
	for (unsigned int i = 0; i < PAIRS; i++) {
		queues[i] = fake_make(qemu, VQI_S_NetQueue);
		fake_set(qemu, clients + i * stride, VQI_F_NetClientState_incoming_queue,
			 queues[i]);
		fake_set(qemu, queues[i], VQI_F_NetQueue_nq_count, 10 + i);
	}
	waiting = VQI_UNKNOWN;
}

static void setup(void)
{
	make(1);
}

static void teardown(void)
{
	fake_qemu_free(qemu);
}

static struct vqi_error *read_waiting(unsigned int pair)
{
	waiting = VQI_UNKNOWN;
	return vqi_qemu_waiting_packets(&qemu->qemu, vdev, pair, &waiting);
}

START_TEST(test_every_layout)
{
	teardown();
	make((unsigned int)_i);
	for (unsigned int i = 0; i < PAIRS; i++) {
		ck_assert_ok(read_waiting(i));
		ck_assert(vqi_num_is(waiting, 10 + i));
		fake_set(qemu, queues[i], VQI_F_NetQueue_nq_count, 0);
		ck_assert_ok(read_waiting(i));
		ck_assert(vqi_num_is(waiting, 0));
	}
}
END_TEST

/* A card without a peer, or one that is being made. */
START_TEST(test_nothing_there)
{
	fake_set(qemu, clients, VQI_F_NetClientState_incoming_queue, 0);
	ck_assert_ok(read_waiting(0));
	ck_assert(!waiting.known);
	ck_assert_ok(read_waiting(1));
	ck_assert(waiting.known);
	fake_set(qemu, nic, VQI_F_NICState_ncs, 0);
	ck_assert_ok(read_waiting(1));
	ck_assert(!waiting.known);
	fake_set(qemu, vdev, VQI_F_VirtIONet_nic, 0);
	ck_assert_ok(read_waiting(1));
	ck_assert(!waiting.known);
}
END_TEST

START_TEST(test_unknown_fields)
{
	static const enum vqi_field_id fields[] = {VQI_F_VirtIONet_nic, VQI_F_NICState_ncs,
						   VQI_F_NetClientState_incoming_queue,
						   VQI_F_NetQueue_nq_count};
	struct vqi_struct_layout *client = &qemu->layout.structs[VQI_S_NetClientState];

	for (size_t i = 0; i < 4; i++) {
		qemu->layout.fields[fields[i]].present = false;
		ck_assert_ok(read_waiting(1));
		ck_assert(!waiting.known);
		qemu->layout.fields[fields[i]].present = true;
	}
	ck_assert_ok(read_waiting(1));
	ck_assert(waiting.known);
	*client = (struct vqi_struct_layout){0};
	ck_assert_ok(read_waiting(1));
	ck_assert(!waiting.known);
}
END_TEST

/* Every byte that a healthy run reads fails once. */
START_TEST(test_every_fault)
{
	vqi_cleanup_free struct fake_read *reads = NULL;
	size_t count;

	fake_forget(qemu);
	ck_assert_ok(read_waiting(1));
	reads = fake_take_reads(qemu, &count);
	ck_assert_uint_eq(count, 4);
	for (size_t i = 0; i < count; i++) {
		for (uint64_t byte = 0; byte < reads[i].len; byte++) {
			vqi_fake_mem_fault(qemu->fake, reads[i].addr + byte, 1);
			ck_assert_code(read_waiting(1), VQI_ERROR_FAULT);
			ck_assert(!waiting.known);
			vqi_fake_mem_heal(qemu->fake);
		}
	}
}
END_TEST

START_TEST(test_target_ends)
{
	for (size_t i = 0; i < 4; i++) {
		qemu->fake->calls = 0;
		qemu->fake->gone_after = i;
		ck_assert_code(read_waiting(1), VQI_ERROR_GONE);
		ck_assert(!waiting.known);
	}
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("net");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, test_every_layout, 0, SEEDS);
	tcase_add_test(tcase, test_nothing_there);
	tcase_add_test(tcase, test_unknown_fields);
	tcase_add_test(tcase, test_every_fault);
	tcase_add_test(tcase, test_target_ends);
	return unit_run("net", tcase);
}
