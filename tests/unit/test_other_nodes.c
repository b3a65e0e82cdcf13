/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Nodes of the block layer that are of no device. */
#include <check.h>
#include <stdlib.h>

#include "fake_block.h"
#include "fake_virtio.h"
#include "unit.h"

static struct fake_qemu *qemu;
static struct vqi_snapshot *snapshot;
static uint64_t own, other, idle;

/* QEMU's list of nodes: one of the device's, one of somebody else, and an idle one. */
static void setup(void)
{
	qemu = fake_qemu_new(1);
	own = fake_block_node(qemu, "own", "raw");
	other = fake_block_node(qemu, "other", "nbd");
	idle = fake_block_node(qemu, "idle", "file");
	fake_set(qemu, own, VQI_F_BlockDriverState_in_flight, 2);
	fake_set(qemu, other, VQI_F_BlockDriverState_in_flight, 4);
	fake_tracked_request(qemu, other, 0);
	fake_set_symbol(qemu, VQI_SYM_all_bdrv_states, 8, own);
	fake_set(qemu, own, VQI_F_BlockDriverState_bs_list, other);
	fake_set(qemu, other, VQI_F_BlockDriverState_bs_list, idle);
	snapshot = vqi_snapshot_new();
	ck_assert_ptr_nonnull(snapshot);
}

static void teardown(void)
{
	vqi_snapshot_free(take_ptr(snapshot));
	fake_qemu_free(qemu);
}

static void again(void)
{
	teardown();
	setup();
}

static void add_device(void)
{
	struct vqi_device *device = calloc(1, sizeof(*device));
	struct vqi_block *block;

	ck_assert_ptr_nonnull(device);
	device->backends = calloc(1, sizeof(*device->backends));
	ck_assert_ptr_nonnull(device->backends);
	device->backend_count = 1;
	device->backends[0].kind = "block";
	device->backends[0].hva = 0x5000;
	block = &device->backends[0].block;
	block->blk_hva = 0x5000;
	block->nodes = calloc(1, sizeof(*block->nodes));
	ck_assert_ptr_nonnull(block->nodes);
	block->nodes[0].bs_hva = own;
	block->node_count = 1;
	snapshot->devices = device;
	snapshot->device_count = 1;
}

static void assert_names(size_t count, const char *const *names)
{
	ck_assert_ok(vqi_qemu_other_nodes(&qemu->qemu, snapshot));
	ck_assert_uint_eq(snapshot->other_node_count, count);
	for (size_t i = 0; i < count; i++)
		ck_assert_str_eq(snapshot->other_nodes[i].node_name, names[i]);
}

START_TEST(test_of_a_device)
{
	static const char *const names[] = {"other"};

	add_device();
	assert_names(1, names);
	ck_assert_str_eq(snapshot->other_nodes[0].driver, "nbd");
	ck_assert_uint_eq(snapshot->other_nodes[0].bs_hva, other);
	ck_assert(vqi_num_is(snapshot->other_nodes[0].in_flight, 4));
	ck_assert(vqi_num_is(snapshot->other_nodes[0].tracked, 1));
}
END_TEST

START_TEST(test_of_no_device)
{
	static const char *const names[] = {"own", "other"};

	assert_names(2, names);
	again();
	fake_set_symbol(qemu, VQI_SYM_all_bdrv_states, 8, 0);
	assert_names(0, NULL);
}
END_TEST

/* Then it may be any device's. */
START_TEST(test_of_an_unknown_device)
{
	add_device();
	snapshot->devices[0].backends[0].block.blk_hva = 0;
	assert_names(0, NULL);
}
END_TEST

/* A list that leads nowhere, or in a circle, gives what it has. */
START_TEST(test_broken_list)
{
	fake_set(qemu, other, VQI_F_BlockDriverState_bs_list, 4096);
	ck_assert_code(vqi_qemu_other_nodes(&qemu->qemu, snapshot), VQI_ERROR_FAULT);
	ck_assert_uint_eq(snapshot->other_node_count, 2);
	again();
	fake_set(qemu, idle, VQI_F_BlockDriverState_bs_list, own);
	ck_assert_code(vqi_qemu_other_nodes(&qemu->qemu, snapshot), VQI_ERROR_LIMIT);
	ck_assert_uint_eq(snapshot->other_node_count, 2);
}
END_TEST

/* Too many requests to be counted are requests all the same. */
START_TEST(test_endless_requests)
{
	uint64_t request = fake_tracked_request(qemu, own, 0);

	fake_set(qemu, request, VQI_F_BdrvTrackedRequest_list, request);
	ck_assert_code(vqi_qemu_other_nodes(&qemu->qemu, snapshot), VQI_ERROR_LIMIT);
	ck_assert_uint_eq(snapshot->other_node_count, 1);
	ck_assert_str_eq(snapshot->other_nodes[0].node_name, "own");
}
END_TEST

START_TEST(test_unknown)
{
	qemu->layout.symbols[VQI_SYM_all_bdrv_states].present = false;
	ck_assert_code(vqi_qemu_other_nodes(&qemu->qemu, snapshot), VQI_ERROR_NO_LAYOUT);
	again();
	qemu->layout.fields[VQI_F_BlockDriverState_in_flight].present = false;
	assert_names(0, NULL);
	again();
	qemu->layout.fields[VQI_F_BlockDriverState_bs_list].present = false;
	ck_assert_code(vqi_qemu_other_nodes(&qemu->qemu, snapshot), VQI_ERROR_NO_LAYOUT);
	ck_assert_uint_eq(snapshot->other_node_count, 1);
}
END_TEST

START_TEST(test_target_ends)
{
	qemu->fake->calls = 0;
	qemu->fake->gone_after = 3;
	ck_assert_code(vqi_qemu_other_nodes(&qemu->qemu, snapshot), VQI_ERROR_GONE);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("other_nodes");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_of_a_device);
	tcase_add_test(tcase, test_of_no_device);
	tcase_add_test(tcase, test_of_an_unknown_device);
	tcase_add_test(tcase, test_broken_list);
	tcase_add_test(tcase, test_endless_requests);
	tcase_add_test(tcase, test_unknown);
	tcase_add_test(tcase, test_target_ends);
	return unit_run("other_nodes", tcase);
}
