/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the requests of a block device wait for. */
#include <check.h>

#include "fake_block.h"
#include "fake_virtio.h"
#include "unit.h"
#include "vqi/limits.h"

#define SEEDS		    5
#define PAIR(reads, writes) ((reads) | (uint64_t)(writes) << 32)

static struct fake_qemu *qemu;
static uint64_t vdev, blk;
static struct vqi_backend backend;

static void make(unsigned int seed)
{
	qemu = fake_qemu_new(seed);
	vdev = fake_device(qemu, &(struct fake_device_options){.id = "blk0"}).vdev;
	blk = fake_make(qemu, VQI_S_BlockBackend);
	backend = (struct vqi_backend){.kind = "block", .hva = blk};
}

static void setup(void)
{
	make(1);
}

static void teardown(void)
{
	vqi_backend_done(&backend);
	fake_qemu_free(qemu);
}

static struct vqi_error *read_block(void)
{
	vqi_block_done(&backend.block);
	backend.block = (struct vqi_block){0};
	return vqi_qemu_block(&qemu->qemu, vdev, &backend);
}

/* What is not fatal is no error, but leaves it all unread. */
static void assert_unread(void)
{
	ck_assert_ok(read_block());
	ck_assert_uint_eq(backend.block.blk_hva, 0);
	ck_assert_uint_eq(backend.block.node_count, 0);
	ck_assert(!backend.block.in_flight.known);
}

static void assert_read(size_t node_count)
{
	ck_assert_ok(read_block());
	ck_assert_uint_eq(backend.block.blk_hva, blk);
	ck_assert_uint_eq(backend.block.node_count, node_count);
}

static const struct vqi_block_node *node(size_t index)
{
	ck_assert_uint_lt(index, backend.block.node_count);
	return &backend.block.nodes[index];
}

static uint64_t make_node(const char *node_name, const char *driver)
{
	return fake_block_node(qemu, node_name, driver);
}

static uint64_t make_root(const char *node_name, const char *driver)
{
	uint64_t bs = make_node(node_name, driver);

	fake_block_insert(qemu, blk, bs);
	return bs;
}

static void assert_everything(void)
{
	const struct vqi_block *block = &backend.block;

	ck_assert_uint_eq(block->blk_hva, blk);
	ck_assert(vqi_num_is(block->in_flight, 5));
	ck_assert(vqi_num_is(block->quiesce, 1));
	ck_assert_pstr_eq(block->iostatus, "nospace");
	ck_assert(vqi_num_is(block->throttled, 7));
	ck_assert_pstr_eq(block->throttle_group, "g0");
	ck_assert(vqi_num_is(block->parked, 1));
	ck_assert_uint_eq(block->node_count, 2);
	ck_assert_pstr_eq(node(0)->node_name, "t0");
	ck_assert_pstr_eq(node(0)->driver, "throttle");
	ck_assert_ptr_null(node(0)->filename);
	ck_assert(vqi_num_is(node(0)->in_flight, 0) && vqi_num_is(node(0)->quiesce, 0));
	ck_assert(vqi_num_is(node(0)->tracked, 0) && vqi_num_is(node(0)->serialising, 0));
	ck_assert(vqi_num_is(node(0)->throttled, 1));
	ck_assert_pstr_eq(node(0)->throttle_group, "g1");
	ck_assert_pstr_eq(node(1)->node_name, "f0");
	ck_assert_pstr_eq(node(1)->driver, "file");
	ck_assert_pstr_eq(node(1)->filename, "/var/x.img");
	ck_assert(vqi_num_is(node(1)->in_flight, 4));
	ck_assert(vqi_num_is(node(1)->quiesce, 2));
	ck_assert(vqi_num_is(node(1)->tracked, 3));
	ck_assert(vqi_num_is(node(1)->serialising, 1));
	ck_assert(!node(1)->throttled.known && !node(1)->throttle_group);
}

START_TEST(test_every_layout)
{
	teardown();
	make((unsigned int)_i);
	fake_block_everything(qemu, vdev, blk);
	/* A second time what is there is freed. */
	ck_assert_ok(vqi_qemu_block(&qemu->qemu, vdev, &backend));
	ck_assert_ok(vqi_qemu_block(&qemu->qemu, vdev, &backend));
	assert_everything();
}
END_TEST

/* No root without a medium, no driver while it is opened. */
START_TEST(test_no_medium)
{
	uint64_t bs;

	assert_read(0);
	ck_assert(vqi_num_is(backend.block.in_flight, 0));
	fake_block_insert(qemu, blk, 0);
	assert_read(0);
	bs = make_root("n0", "qcow2");
	fake_set(qemu, bs, VQI_F_BlockDriverState_drv, 0);
	assert_read(1);
	ck_assert_pstr_eq(node(0)->node_name, "n0");
	ck_assert_ptr_null(node(0)->driver);
}
END_TEST

/* An overlay and its base are in one file: once, and below both. */
START_TEST(test_shared_child)
{
	static const char *const names[] = {"top", "left", "right", "shared"};
	uint64_t top = make_root("top", "quorum"), shared = make_node("shared", "file");

	for (int i = 0; i < 2; i++) {
		uint64_t middle = make_node(names[2 - i], "qcow2");

		fake_block_child(qemu, middle, shared);
		fake_block_child(qemu, top, middle);
	}
	fake_block_child(qemu, top, 0); /* a child that is being taken away */
	assert_read(4);
	for (size_t i = 0; i < 4; i++)
		ck_assert_str_eq(node(i)->node_name, names[i]);
	ck_assert_uint_eq(node(3)->bs_hva, shared);
}
END_TEST

START_TEST(test_graph_in_a_ring)
{
	uint64_t top = make_root("top", "qcow2"), file = make_node("file", "file");

	fake_block_child(qemu, top, file);
	fake_block_child(qemu, file, top);
	fake_block_child(qemu, top, top);
	assert_read(2);
}
END_TEST

START_TEST(test_too_many_nodes)
{
	uint64_t bs = make_root("n", "qcow2");

	for (int i = 1; i <= VQI_MAX_BLOCK_NODES; i++) {
		uint64_t below = make_node("n", "qcow2");

		if (i == VQI_MAX_BLOCK_NODES)
			assert_read(VQI_MAX_BLOCK_NODES);
		fake_block_child(qemu, bs, below);
		bs = below;
	}
	assert_unread();
}
END_TEST

/* Lists that lead back to themselves. */
START_TEST(test_lists_in_a_ring)
{
	uint64_t bs = make_root("n0", "qcow2"), link, request;

	request = fake_parked_request(qemu, vdev);
	fake_set(qemu, request, VQI_F_VirtIOBlockReq_next, request);
	assert_unread();
	fake_set(qemu, vdev, VQI_F_VirtIOBlock_rq, 0);

	request = fake_tracked_request(qemu, bs, 0);
	fake_set(qemu, request, VQI_F_BdrvTrackedRequest_list, request);
	assert_unread();
	fake_set(qemu, bs, VQI_F_BlockDriverState_tracked_requests, 0);

	link = fake_block_child(qemu, bs, make_node("n1", "file"));
	fake_set(qemu, link, VQI_F_BdrvChild_next, link);
	assert_unread();
	fake_set(qemu, link, VQI_F_BdrvChild_next, 0);
	assert_read(2);
}
END_TEST

/* Only paths: a URL may have a password in it. */
START_TEST(test_file_names)
{
	static const char *const others[] = {"nbd://user:secret@host/disk", "", "json:{}",
					     "relative", "host_device:/dev/sda"};
	uint64_t bs = make_root("n0", "file");

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		fake_set_text(qemu, bs, VQI_F_BlockDriverState_filename, others[i]);
		assert_read(1);
		ck_assert_ptr_null(node(0)->filename);
	}
	fake_set_text(qemu, bs, VQI_F_BlockDriverState_filename, "/a b/c:d");
	assert_read(1);
	ck_assert_pstr_eq(node(0)->filename, "/a b/c:d");
	memset(fake_bytes(qemu, fake_place(qemu, bs, VQI_F_BlockDriverState_filename), 4096), '/',
	       4096);
	assert_unread();
}
END_TEST

START_TEST(test_iostatus)
{
	static const char *const names[] = {"ok", "failed", "nospace", NULL, NULL};

	for (unsigned int i = 0; i < 5; i++) {
		fake_set(qemu, blk, VQI_F_BlockBackend_iostatus, i < 4 ? i : UINT32_MAX);
		assert_read(0);
		ck_assert_pstr_eq(backend.block.iostatus, names[i]);
	}
}
END_TEST

START_TEST(test_not_throttled)
{
	assert_read(0);
	ck_assert(vqi_num_is(backend.block.throttled, 0));
	ck_assert_ptr_null(backend.block.throttle_group);
	/* The sum does not fit into what each of them does. */
	fake_set(qemu, blk, VQI_F_BlockBackend_throttle_pending, PAIR(UINT32_MAX, UINT32_MAX));
	assert_read(0);
	ck_assert(vqi_num_is(backend.block.throttled, 2 * (uint64_t)UINT32_MAX));
}
END_TEST

/* The opaque of another driver is something else: it is not looked at. */
START_TEST(test_throttle_node)
{
	uint64_t bs = make_root("n0", "throttle-not");

	fake_set(qemu, bs, VQI_F_BlockDriverState_opaque, 4096);
	assert_read(1);
	ck_assert(!node(0)->throttled.known);
	bs = make_root("n0", "throttle");
	assert_read(1); /* its opaque is not set yet */
	ck_assert(!node(0)->throttled.known);
	fake_set(qemu, bs, VQI_F_BlockDriverState_opaque, fake_throttle_member(qemu, 0, 0, 2));
	assert_read(1); /* in no group */
	ck_assert(vqi_num_is(node(0)->throttled, 2));
	ck_assert_ptr_null(node(0)->throttle_group);
	fake_set(qemu, bs, VQI_F_BlockDriverState_opaque, 4096);
	assert_unread();
}
END_TEST

/* A SCSI disk has all its requests in the list; those to be tried again have a flag. */
START_TEST(test_parked)
{
	uint64_t disk = fake_object(qemu, VQI_S_SCSIDevice, "scsi-hd");

	for (uint64_t i = 0; i < 3; i++) {
		assert_read(0);
		ck_assert(vqi_num_is(backend.block.parked, i));
		fake_parked_request(qemu, vdev);
	}
	vdev = fake_device(qemu, &(struct fake_device_options){.type = "virtio-scsi-device"}).vdev;
	assert_read(0);
	ck_assert(!backend.block.parked.known);
	backend.child_hva = disk;
	for (uint64_t i = 0; i < 3; i++) {
		assert_read(0);
		ck_assert(vqi_num_is(backend.block.parked, i));
		fake_scsi_request(qemu, disk, false);
		fake_scsi_request(qemu, disk, true);
	}
	qemu->layout.fields[VQI_F_SCSIRequest_retry].present = false;
	assert_read(0);
	ck_assert(!backend.block.parked.known);
}
END_TEST

static char unknown[256];

static void note(bool known, const char *name)
{
	if (!known)
		strcat(strcat(unknown, unknown[0] ? " " : ""), name);
}

/* Lists in unknown what is not known of fake_block_everything(). */
static void note_all(void)
{
	const struct vqi_block *block = &backend.block;

	unknown[0] = '\0';
	note(block->in_flight.known, "in_flight");
	note(block->quiesce.known, "quiesce");
	note(block->iostatus, "iostatus");
	note(block->throttled.known, "throttled");
	note(block->throttle_group, "group");
	note(block->parked.known, "parked");
	note(block->node_count, "root");
	if (block->node_count) {
		note(node(0)->throttled.known, "node.throttled");
		note(node(0)->throttle_group, "node.group");
		note(block->node_count == 2, "child");
	}
	if (block->node_count == 2) {
		note(node(1)->in_flight.known, "node.in_flight");
		note(node(1)->quiesce.known, "node.quiesce");
		note(node(1)->tracked.known && node(1)->serialising.known, "tracked");
		note(node(1)->filename, "filename");
		note(node(1)->node_name, "node_name");
		note(node(1)->driver, "driver");
	}
}

START_TEST(test_unknown_fields)
{
	static const struct {
		enum vqi_field_id field;
		const char *unknown;
	} cases[] = {
		{VQI_F_BlockBackend_in_flight, "in_flight"},
		{VQI_F_BlockBackend_quiesce_counter, "quiesce"},
		{VQI_F_BlockBackend_iostatus, "iostatus"},
		{VQI_F_BlockBackend_throttle_pending, "throttled"},
		{VQI_F_BlockBackend_throttle_state, "group"},
		{VQI_F_ThrottleGroup_ts, "group node.group"},
		{VQI_F_ThrottleGroup_name, "group node.group"},
		{VQI_F_VirtIOBlock_rq, "parked"},
		{VQI_F_VirtIOBlockReq_next, "parked"},
		{VQI_F_BlockDriverState_in_flight, "node.in_flight"},
		{VQI_F_BlockDriverState_quiesce_counter, "node.quiesce"},
		{VQI_F_BlockDriverState_tracked_requests, "tracked"},
		{VQI_F_BdrvTrackedRequest_waiting_for, "tracked"},
		{VQI_F_BdrvTrackedRequest_list, "tracked"},
		{VQI_F_BlockDriverState_filename, "filename"},
		{VQI_F_BlockDriverState_node_name, "node_name"},
		{VQI_F_BlockDriverState_opaque, "node.throttled node.group"},
		{VQI_F_ThrottleGroupMember_pending_reqs, "node.throttled"},
		{VQI_F_ThrottleGroupMember_throttle_state, "node.group"},
		{VQI_F_BlockDriverState_drv, "node.throttled node.group driver"},
		{VQI_F_BlockDriver_format_name, "node.throttled node.group driver"},
		{VQI_F_BlockDriverState_children, "child"},
		{VQI_F_BdrvChild_bs, "root"},
		{VQI_F_BlockBackend_root, "root"},
	};

	fake_block_everything(qemu, vdev, blk);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ck_assert_ok(read_block());
		note_all();
		ck_assert_str_eq(unknown, "");
		qemu->layout.fields[cases[i].field].present = false;
		ck_assert_ok(read_block());
		note_all();
		ck_assert_str_eq(unknown, cases[i].unknown);
		qemu->layout.fields[cases[i].field].present = true;
	}
}
END_TEST

/* Every byte that a healthy run reads fails once: all of it is there, or nothing. */
START_TEST(test_every_fault)
{
	vqi_cleanup_free struct fake_read *reads = NULL;
	size_t count, unread = 0;

	fake_block_everything(qemu, vdev, blk);
	fake_forget(qemu);
	ck_assert_ok(read_block());
	reads = fake_take_reads(qemu, &count);
	for (size_t i = 0; i < count; i++) {
		for (uint64_t byte = 0; byte < reads[i].len; byte++) {
			vqi_qemu_done(&qemu->qemu);
			ck_assert_ok(vqi_qemu_init(&qemu->mem, &qemu->layout, qemu->qemu.bias,
						   &qemu->qemu));
			vqi_fake_mem_fault(qemu->fake, reads[i].addr + byte, 1);
			ck_assert_ok(read_block());
			vqi_fake_mem_heal(qemu->fake);
			fake_forget(qemu);
			unread += !backend.block.blk_hva;
			if (!backend.block.blk_hva)
				ck_assert_ptr_null(backend.block.nodes);
			else /* what comes after the end of a name in an array */
				assert_everything();
		}
	}
	ck_assert_uint_gt(unread, 200);
}
END_TEST

START_TEST(test_target_ends)
{
	size_t calls;

	fake_block_everything(qemu, vdev, blk);
	qemu->fake->calls = 0;
	ck_assert_ok(read_block());
	calls = qemu->fake->calls;
	for (size_t i = 0; i < calls; i++) {
		vqi_qemu_done(&qemu->qemu);
		ck_assert_ok(
			vqi_qemu_init(&qemu->mem, &qemu->layout, qemu->qemu.bias, &qemu->qemu));
		qemu->fake->calls = 0;
		qemu->fake->gone_after = i;
		ck_assert_code(read_block(), VQI_ERROR_GONE);
		ck_assert_uint_eq(backend.block.blk_hva, 0);
	}
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("block");

	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, test_every_layout, 0, SEEDS);
	tcase_add_test(tcase, test_no_medium);
	tcase_add_test(tcase, test_shared_child);
	tcase_add_test(tcase, test_graph_in_a_ring);
	tcase_add_test(tcase, test_too_many_nodes);
	tcase_add_test(tcase, test_lists_in_a_ring);
	tcase_add_test(tcase, test_file_names);
	tcase_add_test(tcase, test_iostatus);
	tcase_add_test(tcase, test_not_throttled);
	tcase_add_test(tcase, test_throttle_node);
	tcase_add_test(tcase, test_parked);
	tcase_add_test(tcase, test_unknown_fields);
	tcase_add_test(tcase, test_every_fault);
	tcase_add_test(tcase, test_target_ends);
	return unit_run("block", tcase);
}
