/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A layout that no profile has, from the memory of the target and two profiles of others. */
#include <check.h>
#include <stdlib.h>

#include "fake_virtio.h"
#include "unit.h"
#include "vqi/infer.h"

#define SEEDS  5
#define MORE   (FAKE_FEATURES | 0xff) /* than the driver has accepted */
#define QUEUES 1024

static struct fake_qemu *qemu;
static struct fake_device blk0;
static struct vqi_profile others[2];
static const struct vqi_profiles profiles = {.profiles = others, .count = 2};
static struct vqi_layout derived;

/* ---- the profiles: DeviceState ends later in each, and what begins with one is further behind ---- */

static bool begins_with_device(enum vqi_struct_id id)
{
	while (id != VQI_NO_STRUCT && id != VQI_S_DeviceState)
		id = vqi_struct_base(id);
	return id != VQI_NO_STRUCT;
}

static void make_profile(struct vqi_layout *layout, uint32_t more)
{
	*layout = qemu->layout;
	layout->source = VQI_LAYOUT_PROFILE;
	for (unsigned int i = 0; i < VQI_FIELD_COUNT; i++) {
		enum vqi_struct_id id = vqi_field_info(i)->structure;

		if (id != VQI_S_DeviceState && begins_with_device(id))
			layout->fields[i].offset += more;
	}
	for (unsigned int i = 0; i < VQI_STRUCT_COUNT; i++) {
		if (begins_with_device(i))
			layout->structs[i].size += more;
	}
}

/* ---- what a QEMU has that is not in the fake one by itself ---- */

/* An entry that is in a list: what it points to behind its opaque points back. */
static void list_vmstate(uint64_t vdev)
{
	uint64_t entry = fake_alloc(qemu, 256), before = fake_alloc(qemu, 8);
	struct vqi_field *opaque = &qemu->layout.fields[VQI_F_VMChangeStateEntry_opaque];

	fake_poke(qemu, entry + opaque->offset, 8, vdev);
	fake_poke(qemu, entry + opaque->offset + 16, 8, before);
	fake_poke(qemu, before, 8, entry);
	fake_set(qemu, vdev, VQI_F_VirtIODevice_vmstate, entry);
}

static void make(unsigned int seed, bool has_device)
{
	qemu = fake_qemu_new(seed);
	/* At the beginning is its callback. */
	qemu->layout.fields[VQI_F_VMChangeStateEntry_opaque].offset = 16;
	qemu->layout.structs[VQI_S_VMChangeStateEntry].size = 64;
	memset(others, 0, sizeof(others));
	make_profile(&others[0].layout, 16);
	make_profile(&others[1].layout, 40);
	memset(&derived, 0x5a, sizeof(derived));
	if (!has_device)
		return;
	blk0 = fake_device(qemu, &(struct fake_device_options){.id = "blk0"});
	list_vmstate(blk0.vdev);
	fake_set(qemu, blk0.vdev, VQI_F_VirtIODevice_host_features, MORE);
}

static void setup(void)
{
	make(1, true);
}

static void teardown(void)
{
	fake_qemu_free(qemu);
}

static struct vqi_error *derive(void)
{
	struct vqi_layout symbols = {0}, common;

	memcpy(symbols.symbols, qemu->layout.symbols, sizeof(symbols.symbols));
	vqi_infer(&profiles, &symbols, &common);
	return vqi_qemu_derive_layout(&qemu->mem, qemu->qemu.bias, &profiles, &common, &derived);
}

static void assert_missing(const char *what)
{
	ck_assert_code_text(derive(), VQI_ERROR_NO_LAYOUT, what);
	ck_assert_int_eq(derived.source, 0x5a5a5a5a); /* untouched */
}

/* All that is said is so, and all that is said in the profiles of a structure is there. */
static void assert_right(void)
{
	ck_assert_int_eq(derived.source, VQI_LAYOUT_BUILTIN);
	for (unsigned int i = 0; i < VQI_FIELD_COUNT; i++) {
		const struct vqi_field_info *info = vqi_field_info(i);
		const struct vqi_field *is = &derived.fields[i], *wanted = &qemu->layout.fields[i];

		ck_assert_msg(!is->present ||
				      (is->offset == wanted->offset && is->size == wanted->size),
			      "%s", info->name);
		ck_assert_msg(is->present || (info->structure != VQI_S_VirtIODevice &&
					      info->structure != VQI_S_VirtQueue &&
					      info->structure != VQI_S_DeviceState &&
					      info->structure != VQI_S_Object),
			      "no %s", info->name);
	}
	ck_assert_uint_eq(derived.structs[VQI_S_VirtQueue].size,
			  qemu->layout.structs[VQI_S_VirtQueue].size);
	ck_assert_uint_eq(derived.structs[VQI_S_DeviceState].size,
			  qemu->layout.structs[VQI_S_DeviceState].size);
}

START_TEST(test_derives)
{
	static const enum vqi_field_id measured[] = {
		VQI_F_VirtIODevice_vq,
		VQI_F_VirtQueue_vdev,
		VQI_F_VirtIODevice_vmstate,
		VQI_F_VMChangeStateEntry_opaque,
		VQI_F_DeviceState_parent_bus,
		VQI_F_DeviceState_child_bus,
		VQI_F_VirtIODevice_host_features,
		VQI_F_VirtIODevice_guest_features,
	};

	teardown();
	make((unsigned int)_i, true);
	ck_assert_ok(derive());
	assert_right();
	for (size_t i = 0; i < sizeof(measured) / sizeof(measured[0]); i++)
		ck_assert_msg(derived.fields[measured[i]].how == VQI_HOW_MEASURED, "%s",
			      vqi_field_info(measured[i])->name);
	ck_assert(derived.fields[VQI_F_VirtIOBlock_blk].present);
	ck_assert(!derived.fields[VQI_F_VirtIONet_peers].present); /* there is no such device */
}
END_TEST

/* Of a type of device that all profiles lack, nothing is known. */
START_TEST(test_missing_type)
{
	for (int i = 0; i < 2; i++) {
		vqi_layout_drop(&others[i].layout, VQI_S_VirtIOBlock);
		ck_assert_ok(derive());
		assert_right();
		ck_assert_int_eq(derived.fields[VQI_F_VirtIOBlock_blk].present, i == 0);
	}
}
END_TEST

/* An array that is not that of the queues, where it is met first. */
enum decoy { COUNTS_TO_FOUR, OF_ANOTHER, OF_TWO_PLACES, DECOYS };

static void make_decoy(enum decoy decoy)
{
	const struct vqi_field *index = &qemu->layout.fields[VQI_F_VirtQueue_queue_index];
	size_t stride = (index->offset / 8 + 4) * 8;
	uint64_t array = fake_alloc(qemu, QUEUES * stride);

	for (unsigned int i = 0; i < QUEUES; i++) {
		uint64_t entry = array + i * stride, end = entry + stride;

		fake_poke(qemu, entry + index->offset, index->size,
			  decoy == COUNTS_TO_FOUR && i > 4 ? 7 : i);
		fake_poke(qemu, end - 8, 8, decoy == OF_ANOTHER ? blk0.proxy : blk0.vdev);
		if (decoy == OF_TWO_PLACES)
			fake_poke(qemu, end - 16, 8, blk0.vdev);
	}
	ck_assert_uint_lt(qemu->layout.fields[VQI_F_DeviceState_id].offset,
			  qemu->layout.fields[VQI_F_VirtIODevice_vq].offset);
	fake_set(qemu, blk0.vdev, VQI_F_DeviceState_id, array);
}

START_TEST(test_decoy)
{
	make_decoy((enum decoy)_i);
	ck_assert_ok(derive());
	assert_right();
	/* Nor is it taken where there is nothing else. */
	memset(&derived, 0x5a, sizeof(derived));
	fake_set(qemu, blk0.vdev, VQI_F_VirtIODevice_vq, 0);
	assert_missing("VirtIODevice.vq is not found");
}
END_TEST

START_TEST(test_no_device)
{
	teardown();
	make(1, false);
	assert_missing("there is no virtio device to look at");
}
END_TEST

/* The places that must prove themselves, which do not. */
START_TEST(test_what_is_missing)
{
	fake_set(qemu, fake_queue(qemu, &blk0, QUEUES - 1), VQI_F_VirtQueue_queue_index, 0);
	assert_missing("VirtIODevice.vq is not found");
	fake_set(qemu, fake_queue(qemu, &blk0, QUEUES - 1), VQI_F_VirtQueue_queue_index,
		 QUEUES - 1);
	fake_set(qemu, blk0.vdev, VQI_F_VirtIODevice_vmstate, blk0.proxy);
	assert_missing("VirtIODevice.vmstate is not found");
	list_vmstate(blk0.vdev);
	fake_set(qemu, blk0.vdev, VQI_F_DeviceState_parent_bus, blk0.proxy_bus);
	assert_missing("DeviceState.parent_bus is not found");
	fake_set(qemu, blk0.vdev, VQI_F_DeviceState_parent_bus, blk0.bus);
	others[0].layout.fields[VQI_F_VirtQueue_queue_index].offset += 2;
	assert_missing("VirtQueue.queue_index is unknown");
}
END_TEST

/* Where a pointer is tried, an end looks as if it were none: the caller asks whether there still is a process. */
START_TEST(test_target_ends)
{
	qemu->fake->calls = 0;
	ck_assert_ok(derive());
	for (size_t i = 0, calls = qemu->fake->calls; i < calls; i += 1 + calls / 20) {
		vqi_cleanup_error struct vqi_error *error = NULL;

		qemu->fake->calls = 0;
		qemu->fake->gone_after = i;
		error = derive();
		ck_assert_ptr_nonnull(error);
		ck_assert(error->code == VQI_ERROR_GONE || strstr(error->message, "is not found"));
	}
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("derive");

	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, test_derives, 0, SEEDS);
	tcase_add_test(tcase, test_missing_type);
	tcase_add_loop_test(tcase, test_decoy, 0, DECOYS);
	tcase_add_test(tcase, test_no_device);
	tcase_add_test(tcase, test_what_is_missing);
	tcase_add_test(tcase, test_target_ends);
	return unit_run("derive", tcase);
}
