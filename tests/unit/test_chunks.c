/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The size of what malloc() gave, against what a profile of another build says. */
#include <check.h>

#include "fake_block.h"
#include "fake_loops.h"
#include "fake_virtio.h"
#include "unit.h"

static struct fake_qemu *qemu;
static struct fake_main_loop loop;
static uint64_t vdev, blk, child, bs, member, handler;

/* The header of a chunk, with the flag that its neighbour is in use. */
static void put_header(uint64_t address, uint64_t chunk)
{
	fake_poke(qemu, address - 8, 8, chunk | 1);
}

/* What malloc() puts before so many bytes. */
static void malloced(uint64_t address, enum vqi_struct_id id)
{
	vqi_fake_mem_map(qemu->fake, address - 8, 8);
	put_header(address, (qemu->layout.structs[id].size + 8 + 15) / 16 * 16);
}

/* The list of all nodes, with this alone. */
static void link_node(void)
{
	uint64_t head = fake_alloc(qemu, 16);

	fake_poke(qemu, head, 8, bs);
	fake_poke(qemu, fake_place(qemu, bs, VQI_F_BlockDriverState_bs_list) + 8, 8, head);
}

static void setup(void)
{
	qemu = fake_qemu_new(1);
	vdev = fake_device(qemu, &(struct fake_device_options){.id = "blk0"}).vdev;
	blk = fake_make(qemu, VQI_S_BlockBackend);
	fake_set(qemu, vdev, VQI_F_VirtIOBlock_blk, blk);
	bs = fake_block_node(qemu, "t0", "throttle");
	fake_block_insert(qemu, blk, bs);
	link_node();
	child = fake_get(qemu, blk, VQI_F_BlockBackend_root);
	member = fake_throttle_member(qemu, fake_throttle_group(qemu, "limits"), 0, 0);
	fake_set(qemu, bs, VQI_F_BlockDriverState_opaque, member);
	malloced(blk, VQI_S_BlockBackend);
	malloced(child, VQI_S_BdrvChild);
	malloced(bs, VQI_S_BlockDriverState);
	malloced(member, VQI_S_ThrottleGroupMember);

	loop = fake_main_loop(qemu);
	for (int i = 0; i < 2; i++) {
		uint64_t ctx = i ? loop.iohandler : loop.ctx;

		handler = fake_handler(qemu, ctx, 0x55d0c2000010);
		fake_poke(qemu, fake_place(qemu, handler, VQI_F_AioHandler_node) + 8, 8,
			  fake_place(qemu, ctx, VQI_F_AioContext_aio_handlers));
		if (!i)
			malloced(handler, VQI_S_AioHandler);
	}
	malloced(loop.ctx, VQI_S_AioContext);
	handler = fake_get(qemu, loop.ctx, VQI_F_AioContext_aio_handlers);
	qemu->layout.is_foreign = true;
}

static void teardown(void)
{
	fake_qemu_free(qemu);
}

static void check(void)
{
	ck_assert_ok(vqi_qemu_check_layout(&qemu->qemu, &qemu->layout));
}

static bool is_known(enum vqi_struct_id id)
{
	return qemu->layout.structs[id].present;
}

START_TEST(test_all_fits)
{
	struct vqi_layout before = qemu->layout;

	check();
	ck_assert_mem_eq(&before, &qemu->layout, sizeof(before));
}
END_TEST

/* Each where another size is found. */
static const struct {
	enum vqi_struct_id id;
	const uint64_t *address;
	enum vqi_field_id field; /* one of it */
} cases[] = {
	{VQI_S_BlockBackend, &blk, VQI_F_BlockBackend_in_flight},
	{VQI_S_BdrvChild, &child, VQI_F_BdrvChild_next},
	{VQI_S_BlockDriverState, &bs, VQI_F_BlockDriverState_in_flight},
	{VQI_S_ThrottleGroupMember, &member, VQI_F_ThrottleGroupMember_pending_reqs},
	{VQI_S_AioContext, &loop.ctx, VQI_F_AioContext_notify_me},
	{VQI_S_AioHandler, &handler, VQI_F_AioHandler_io_read},
};

START_TEST(test_another_size)
{
	enum vqi_struct_id id = cases[_i].id;
	uint64_t size = (qemu->layout.structs[id].size + 8 + 15) / 16 * 16;

	put_header(*cases[_i].address, size + 32);
	check();
	ck_assert(!is_known(id));
	ck_assert(!qemu->layout.fields[cases[_i].field].present);
	ck_assert(is_known(VQI_S_VirtQueue) && is_known(VQI_S_VirtIOBlock));
}
END_TEST

/* A node without a name, or that nothing leads to, is none. */
START_TEST(test_no_node)
{
	uint64_t back = fake_place(qemu, bs, VQI_F_BlockDriverState_bs_list) + 8;

	if (_i == 0)
		fake_set_text(qemu, bs, VQI_F_BlockDriverState_node_name, "");
	else
		fake_poke(qemu, back, 8, _i == 1 ? 0 : blk);
	check();
	ck_assert(!is_known(VQI_S_BlockDriverState));
	ck_assert(is_known(VQI_S_BlockBackend));
}
END_TEST

START_TEST(test_smaller)
{
	put_header(*cases[_i].address, 32);
	check();
	ck_assert(!is_known(cases[_i].id));
}
END_TEST

/* Too little to be split off stays with the chunk; pages of their own have another size anyway. */
START_TEST(test_more_room)
{
	uint64_t size = (qemu->layout.structs[cases[_i].id].size + 8 + 15) / 16 * 16;

	put_header(*cases[_i].address, size + 16);
	check();
	ck_assert(is_known(cases[_i].id));
	put_header(*cases[_i].address, (size + 4095) / 4096 * 4096 | 2);
	check();
	ck_assert(is_known(cases[_i].id));
}
END_TEST

/* Another C library's malloc() has nothing there, or anything. */
START_TEST(test_no_header)
{
	vqi_fake_mem_fault(qemu->fake, *cases[_i].address - 8, 8);
	check();
	ck_assert(!is_known(cases[_i].id));
}
END_TEST

/* What is of this very build is right, whatever malloc() it has. */
START_TEST(test_own_build)
{
	put_header(*cases[_i].address, 32);
	qemu->layout.is_foreign = false;
	check();
	ck_assert(is_known(cases[_i].id));
}
END_TEST

START_TEST(test_target_ends)
{
	size_t calls;

	check(); /* and knows the types then */
	qemu->fake->calls = 0;
	check();
	calls = qemu->fake->calls;
	for (size_t i = 0; i < calls; i++) {
		qemu->fake->calls = 0;
		qemu->fake->gone_after = i;
		ck_assert_code(vqi_qemu_check_layout(&qemu->qemu, &qemu->layout), VQI_ERROR_GONE);
	}
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("chunks");
	int count = (int)(sizeof(cases) / sizeof(cases[0]));

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_all_fits);
	tcase_add_loop_test(tcase, test_no_node, 0, 3);
	tcase_add_loop_test(tcase, test_another_size, 0, count);
	tcase_add_loop_test(tcase, test_smaller, 0, count);
	tcase_add_loop_test(tcase, test_more_room, 0, count);
	tcase_add_loop_test(tcase, test_no_header, 0, count);
	tcase_add_loop_test(tcase, test_own_build, 0, count);
	tcase_add_test(tcase, test_target_ends);
	return unit_run("chunks", tcase);
}
