/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which devices a user means by a name. */
#include "observer.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "fake_block.h"
#include "fake_virtio.h"
#include "unit.h"

static struct fake_qemu *qemu;
static struct vqi_observer *observer;

/* The drive of a device: its name, its node's. */
static void set_drive(const struct fake_device *device, const char *name, const char *node_name)
{
	uint64_t blk = fake_alloc(qemu, qemu->layout.structs[VQI_S_BlockBackend].size);
	uint64_t root = fake_alloc(qemu, qemu->layout.structs[VQI_S_BdrvChild].size);
	uint64_t node = fake_alloc(qemu, qemu->layout.structs[VQI_S_BlockDriverState].size);

	fake_set(qemu, device->vdev, VQI_F_VirtIOBlock_blk, blk);
	fake_set(qemu, blk, VQI_F_BlockBackend_root, root);
	fake_set(qemu, root, VQI_F_BdrvChild_bs, node);
	if (name)
		fake_set_text(qemu, blk, VQI_F_BlockBackend_name, name);
	fake_set_text(qemu, node, VQI_F_BlockDriverState_node_name, node_name);
}

/* In the order of their paths: an anonymous blk, blk "boot", blk "data", rng "mmio0", net "net0". */
static void setup(void)
{
	struct fake_device device;

	qemu = fake_qemu_new(1);
	device = fake_device(qemu, &(struct fake_device_options){.devfn = 7 << 3});
	set_drive(&device, NULL, "#block100");
	device = fake_device(qemu, &(struct fake_device_options){.id = "boot", .devfn = 3 << 3});
	set_drive(&device, "d0", "n0");
	device =
		fake_device(qemu, &(struct fake_device_options){.id = "data", .devfn = 4 << 3 | 1});
	set_drive(&device, "d1", "n1");
	fake_device(qemu, &(struct fake_device_options){.id = "net0",
							.type = "virtio-net-device",
							.queues = 3,
							.device_id = 1,
							.devfn = 5 << 3});
	device = fake_device(qemu, &(struct fake_device_options){.id = "mmio0",
								 .proxy = "virtio-mmio",
								 .type = "virtio-rng-device",
								 .device_id = 4});
	fake_set(qemu, device.proxy, VQI_F_SysBusDevice_mmio, 0xfeb00e00);
	ck_assert_ok(vqi_observer_new(NULL, &qemu->qemu, &observer));
}

static void teardown(void)
{
	vqi_observer_free(take_ptr(observer));
	fake_qemu_free(take_ptr(qemu));
}

/* Each device as one letter, in order: a(nonymous) b(oot) d(ata) m(mio0) n(et0). */
static const char *selected(void)
{
	static char letters[16];
	size_t count = 0;

	for (size_t i = 0; i < observer->device_count && i < sizeof(letters) - 1; i++) {
		const char *id = observer->devices[i].fixed.id;

		letters[count++] = id ? id[0] : 'a';
	}
	letters[count] = '\0';
	return letters;
}

START_TEST(test_every_kind_of_name)
{
	static const struct {
		const char *name, *selected;
	} cases[] = {
		/* ids */
		{"boot", "b"},
		{"net0", "n"},
		/* QOM paths, of the device, of its proxy, and their ends */
		{"/machine/peripheral/boot/virtio-backend", "b"},
		{"/machine/peripheral/boot", "b"},
		{"boot/virtio-backend", "b"},
		{"peripheral/boot/virtio-backend", "b"},
		{"peripheral/boot", "b"},
		{"/machine/peripheral-anon/device[0]", "a"},
		{"peripheral-anon/device[0]", "a"},
		{"device[0]", "a"},
		{"/machine/peripheral/mmio0", "m"},
		{"peripheral/mmio0", "m"},
		{"virtio-backend", "abdn"},
		/* addresses */
		{"0000:00:03.0", "b"},
		{"00:03.0", "b"},
		{"00:04.1", "d"},
		{"0xfeb00e00", "m"},
		/* back ends */
		{"d1", "d"},
		{"n0", "b"},
		{"#block100", "a"},
		/* types, and those with a number */
		{"virtio-blk", "abd"},
		{"virtio-blk0", "a"},
		{"virtio-blk2", "d"},
		{"virtio-net", "n"},
		{"virtio-net0", "n"},
		{"virtio-rng0", "m"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ck_assert_ok(vqi_observer_select(observer, &cases[i].name, 1, false));
		ck_assert_msg(strcmp(selected(), cases[i].selected) == 0, "%s: %s, not %s",
			      cases[i].name, selected(), cases[i].selected);
		teardown();
		setup();
	}
}
END_TEST

START_TEST(test_no_match)
{
	static const char *const names[] = {
		"",
		"blk0",
		"oot",
		"boo",
		"boot/",
		"/boot",
		"machine/peripheral",
		"/machine",
		"kend",
		"00:03",
		"0:03.0",
		"00:03.1",
		"virtio",
		"virtio-blk3",
		"virtio-blk00",
		"virtio-blk-",
		"virtio-blk0 ",
		"virtio-block",
		"VIRTIO-BLK",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct vqi_error *error = vqi_observer_select(observer, &names[i], 1, false);

		ck_assert_msg(error != NULL, "'%s' matches %s", names[i], selected());
		ck_assert_int_eq(error->code, VQI_ERROR_USAGE);
		ck_assert_uint_eq(observer->device_count, 5);
		vqi_error_free(error);
	}
}
END_TEST

/* What else the requests of a disk go through: its node's children, and what throttles them. */
START_TEST(test_names_in_the_graph)
{
	static const char *const names[] = {"f0", "g0", "g1"};

	for (int i = 0; i < 3; i++) {
		uint64_t data = observer->devices[2].fixed.vdev_addr;

		fake_block_everything(qemu, data, fake_get(qemu, data, VQI_F_VirtIOBlock_blk));
		ck_assert_ok(vqi_observer_select(observer, &names[i], 1, false));
		ck_assert_str_eq(selected(), "d");
		teardown();
		setup();
	}
}
END_TEST

START_TEST(test_several_names)
{
	const char *const names[] = {"net0", "boot", "virtio-blk1", "00:05.0"};

	ck_assert_ok(vqi_observer_select(observer, names, 4, false));
	ck_assert_str_eq(selected(), "bn");
}
END_TEST

/* One of several that matches nothing is an error, as it is alone. */
START_TEST(test_one_of_several_is_wrong)
{
	const char *const names[] = {"net0", "gone"};

	ck_assert_code_text(vqi_observer_select(observer, names, 2, false), VQI_ERROR_USAGE,
			    "'gone'");
	ck_assert_uint_eq(observer->device_count, 5);
}
END_TEST

/* Of several VMs each has its own devices. */
START_TEST(test_one_of_several_is_enough)
{
	const char *const names[] = {"gone", "net0", "lost"}, *const none[] = {"gone", "lost"};

	ck_assert_code_text(vqi_observer_select(observer, none, 2, true), VQI_ERROR_USAGE,
			    "'lost'");
	ck_assert_uint_eq(observer->device_count, 5);
	ck_assert_ok(vqi_observer_select(observer, names, 3, true));
	ck_assert_str_eq(selected(), "n");
}
END_TEST

START_TEST(test_error_lists_what_there_is)
{
	static const char *const parts[] = {
		"'nope' matches nothing",
		"/machine/peripheral-anon/device[0]/virtio-backend (virtio-blk0 at 0000:00:07.0)",
		"boot (virtio-blk1 at 0000:00:03.0)",
		"data (virtio-blk2 at 0000:00:04.1)",
		"mmio0 (virtio-rng0 at 0xfeb00e00)",
		"net0 (virtio-net0 at 0000:00:05.0)",
	};
	const char *name = "nope";

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		ck_assert_code_text(vqi_observer_select(observer, &name, 1, false), VQI_ERROR_USAGE,
				    parts[i]);
}
END_TEST

/* What is called so goes before what is of such a type. */
START_TEST(test_id_like_a_type)
{
	const char *name = "virtio-blk0";

	fake_device(qemu, &(struct fake_device_options){.id = "virtio-blk0", .device_id = 1});
	vqi_observer_free(take_ptr(observer));
	ck_assert_ok(vqi_observer_new(NULL, &qemu->qemu, &observer));
	ck_assert_ok(vqi_observer_select(observer, &name, 1, false));
	ck_assert_uint_eq(observer->device_count, 1);
	ck_assert_str_eq(observer->devices[0].fixed.id, "virtio-blk0");
}
END_TEST

START_TEST(test_no_devices)
{
	const char *name = "boot";

	teardown();
	qemu = fake_qemu_new(0);
	ck_assert_ok(vqi_observer_new(NULL, &qemu->qemu, &observer));
	ck_assert_code_text(vqi_observer_select(observer, &name, 1, false), VQI_ERROR_USAGE,
			    "there is no virtio device");
}
END_TEST

/* Queue 1: the network card has it; of the others only one that could not be read stays. */
START_TEST(test_queue)
{
	vqi_cleanup_snapshot struct vqi_snapshot *snapshot = NULL;
	struct vqi_device *device;

	ck_assert_ok(vqi_observer_look(observer, VQI_STOP_AUTO, &snapshot));
	ck_assert_uint_eq(snapshot->device_count, 5);
	device = &snapshot->devices[0];
	free(take_ptr(device->queues));
	device->queue_count = 0;
	ck_assert_ok(vqi_snapshot_add_gap(snapshot, device, VQI_UNKNOWN, "device", "why"));
	device = &snapshot->devices[4];
	ck_assert_str_eq(device->id, "net0");
	for (unsigned int i = 0; i < 3; i++)
		ck_assert_ok(vqi_snapshot_add_gap(snapshot, device, VQI_NUM(i), "ring", "why"));

	ck_assert_ok(vqi_snapshot_select_queue(snapshot, 1));
	ck_assert_uint_eq(snapshot->device_count, 2);
	ck_assert_uint_eq(snapshot->devices[0].queue_count, 0);
	ck_assert_str_eq(snapshot->devices[1].id, "net0");
	ck_assert_uint_eq(snapshot->devices[1].queue_count, 1);
	ck_assert_uint_eq(snapshot->devices[1].queues[0].index, 1);
	ck_assert_uint_eq(snapshot->gap_count, 2);
	ck_assert_str_eq(snapshot->gaps[0].what, "device");
	ck_assert(vqi_num_is(snapshot->gaps[1].queue, 1));
}
END_TEST

START_TEST(test_no_such_queue)
{
	vqi_cleanup_snapshot struct vqi_snapshot *snapshot = NULL;

	ck_assert_ok(vqi_observer_look(observer, VQI_STOP_AUTO, &snapshot));
	ck_assert_code_text(vqi_snapshot_select_queue(snapshot, 3), VQI_ERROR_USAGE, "queue 3");
	ck_assert_uint_eq(snapshot->device_count, 0);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("select");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_every_kind_of_name);
	tcase_add_test(tcase, test_no_match);
	tcase_add_test(tcase, test_names_in_the_graph);
	tcase_add_test(tcase, test_several_names);
	tcase_add_test(tcase, test_one_of_several_is_wrong);
	tcase_add_test(tcase, test_one_of_several_is_enough);
	tcase_add_test(tcase, test_error_lists_what_there_is);
	tcase_add_test(tcase, test_id_like_a_type);
	tcase_add_test(tcase, test_no_devices);
	tcase_add_test(tcase, test_queue);
	tcase_add_test(tcase, test_no_such_queue);
	return unit_run("select", tcase);
}
