/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What follows for a QEMU from the profiles of others: nothing wrong, and enough for the rings. */
#include "vqi/infer.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

/* Places that prove themselves in memory. */
static const enum vqi_field_id anchors[] = {
	VQI_F_VirtIODevice_vq,
	VQI_F_VirtIODevice_vmstate,
	VQI_F_VirtIODevice_host_features,
	VQI_F_VirtIODevice_guest_features,
	VQI_F_VirtQueue_vdev,
	VQI_F_DeviceState_parent_bus,
	VQI_F_DeviceState_child_bus,
	VQI_F_VMChangeStateEntry_opaque,
};

static const enum vqi_struct_id sizes[] = {
	VQI_S_DeviceState, VQI_S_VirtIODevice, VQI_S_VirtQueue,	     VQI_S_PCIDevice,
	VQI_S_VirtIOBlock, VQI_S_VirtIONet,    VQI_S_VirtIOPCIProxy,
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct vqi_profiles all, others;
static struct vqi_layout measured, inferred;

static void setup(void)
{
	ck_assert_ok(vqi_profiles_shipped(&all));
	others.profiles = calloc(all.count, sizeof(*others.profiles));
	memset(&measured, 0, sizeof(measured));
}

static void teardown(void)
{
	free(others.profiles); /* all's own */
	vqi_profiles_done(&all);
}

/* All but one; measured is what would be measured of that. */
static const struct vqi_layout *leave_out(size_t index)
{
	const struct vqi_layout *truth = &all.profiles[index].layout;

	others.count = 0;
	for (size_t i = 0; i < all.count; i++) {
		if (i != index)
			others.profiles[others.count++] = all.profiles[i];
	}
	for (size_t i = 0; i < COUNT(anchors); i++)
		measured.fields[anchors[i]] = truth->fields[anchors[i]];
	for (size_t i = 0; i < COUNT(sizes); i++)
		measured.structs[sizes[i]] = truth->structs[sizes[i]];
	measured.symbols[VQI_SYM_current_machine].present = true;
	return truth;
}

static void assert_nothing_wrong(const struct vqi_layout *truth, const char *name)
{
	for (size_t i = 0; i < VQI_FIELD_COUNT; i++) {
		if (!inferred.fields[i].present)
			continue;
		ck_assert_msg(truth->fields[i].present, "%s has no %s", name,
			      vqi_field_info(i)->name);
		ck_assert_msg(inferred.fields[i].offset == truth->fields[i].offset &&
				      inferred.fields[i].size == truth->fields[i].size,
			      "%s: %s", name, vqi_field_info(i)->name);
	}
}

/* Each QEMU of which there is a profile, as if there were none; but for the oldest: what has changed once since then
 * cannot be known without it. */
START_TEST(test_leave_one_out)
{
	size_t complete = 0;

	ck_assert_uint_ge(all.count, 3);
	for (size_t i = 0; i < all.count; i++) {
		const struct vqi_layout *truth = leave_out(i);

		if (strncmp(all.profiles[i].version, "5.2.", 4) == 0)
			continue;
		vqi_infer(&others, &measured, &inferred);
		assert_nothing_wrong(truth, all.profiles[i].name);
		ck_assert_int_eq(inferred.source, VQI_LAYOUT_BUILTIN);
		ck_assert_ok(vqi_layout_check(&inferred));
		ck_assert(inferred.fields[VQI_F_VirtQueue_host_notifier].present);
		ck_assert(inferred.fields[VQI_F_FlatView_ranges].present);
		complete++;
	}
	ck_assert_uint_ge(complete, 2);
}
END_TEST

/* Without anything measured there is what is the same in all: enough to find the devices. */
START_TEST(test_nothing_measured)
{
	static const enum vqi_field_id needed[] = {
		VQI_F_Object_class,	    VQI_F_Object_parent,
		VQI_F_Object_properties,    VQI_F_TypeImpl_name,
		VQI_F_TypeImpl_parent_type, VQI_F_TypeImpl_instance_size,
		VQI_F_DeviceState_realized, VQI_F_VirtQueue_queue_index,
	};

	vqi_infer(&all, &measured, &inferred);
	ck_assert_ok(vqi_layout_need(&inferred, needed, COUNT(needed)));
	ck_assert(!inferred.fields[VQI_F_VirtIODevice_vq].present);
	ck_assert_code(vqi_layout_check(&inferred), VQI_ERROR_NO_LAYOUT);
}
END_TEST

/* ---- by hand: VRing, as a structure of which all is of the test's making ---- */

static struct vqi_profile made[2];
static const struct vqi_profiles two = {.profiles = made, .count = 2};

static void put(struct vqi_layout *layout, enum vqi_field_id field, uint32_t offset)
{
	layout->fields[field] = (struct vqi_field){.present = true, .offset = offset, .size = 4};
}

static void put_size(struct vqi_layout *layout, uint32_t size)
{
	layout->structs[VQI_S_VRing] = (struct vqi_struct_layout){.present = true, .size = size};
}

/* num behind desc behind align, avail at the end. */
static void make(void)
{
	memset(made, 0, sizeof(made));
	for (uint32_t i = 0; i < 2; i++) {
		struct vqi_layout *layout = &made[i].layout;

		put(layout, VQI_F_VRing_align, 4);
		put(layout, VQI_F_VRing_desc, 8 + 8 * i);
		put(layout, VQI_F_VRing_num, 16 + 8 * i);
		put(layout, VQI_F_VRing_avail, 32 + 16 * i);
		put_size(layout, 40 + 16 * i);
	}
}

static void assert_offset(enum vqi_field_id field, uint32_t offset)
{
	ck_assert_msg(inferred.fields[field].present, "%s", vqi_field_info(field)->name);
	ck_assert_uint_eq(inferred.fields[field].offset, offset);
}

static void assert_unknown(enum vqi_field_id field)
{
	ck_assert_msg(!inferred.fields[field].present, "%s", vqi_field_info(field)->name);
}

START_TEST(test_how)
{
	const struct vqi_struct_layout *its = &inferred.structs[VQI_S_VRing];

	make();
	put(&measured, VQI_F_VRing_desc, 100);
	vqi_infer(&two, &measured, &inferred);
	ck_assert_int_eq(inferred.fields[VQI_F_VRing_desc].how, VQI_HOW_MEASURED);
	ck_assert_int_eq(inferred.fields[VQI_F_VRing_num].how, VQI_HOW_AGREED);
	ck_assert_int_eq(its->how, VQI_HOW_LEAST);
	put_size(&measured, 200);
	vqi_infer(&two, &measured, &inferred);
	ck_assert_int_eq(its->how, VQI_HOW_MEASURED);
	put_size(&made[1].layout, 40);
	measured.structs[VQI_S_VRing].present = false;
	measured.fields[VQI_F_VRing_desc].present = false;
	vqi_infer(&two, &measured, &inferred);
	ck_assert_int_eq(its->how, VQI_HOW_AGREED);
	ck_assert_uint_eq(its->size, 40);
}
END_TEST

START_TEST(test_what_all_agree_on)
{
	make();
	vqi_infer(&two, &measured, &inferred);
	assert_offset(VQI_F_VRing_align, 4);
	assert_unknown(VQI_F_VRing_desc);
	assert_unknown(VQI_F_VRing_num);
	ck_assert_uint_eq(inferred.structs[VQI_S_VRing].size, 8); /* that much is known of it */
}
END_TEST

/* The size is that of the second; nothing else is known, and so it all is the second's. */
START_TEST(test_the_same_room)
{
	make();
	put_size(&measured, 56);
	vqi_infer(&two, &measured, &inferred);
	assert_offset(VQI_F_VRing_desc, 16);
	assert_offset(VQI_F_VRing_num, 24);
	assert_offset(VQI_F_VRing_avail, 48);
	ck_assert_uint_eq(inferred.structs[VQI_S_VRing].size, 56);
}
END_TEST

/* A place in the middle: what is behind it is as far behind as in both; avail, near the end, in neither. */
START_TEST(test_behind_a_place)
{
	make();
	put(&measured, VQI_F_VRing_desc, 100);
	put_size(&measured, 200);
	vqi_infer(&two, &measured, &inferred);
	assert_offset(VQI_F_VRing_align,
		      4); /* before it there is more room in the one, and it is the same */
	assert_offset(VQI_F_VRing_desc, 100);
	assert_offset(VQI_F_VRing_num, 108); /* behind it, too */
	assert_unknown(VQI_F_VRing_avail);
	/* As much room behind it as in the first. */
	put_size(&measured, 132);
	vqi_infer(&two, &measured, &inferred);
	assert_offset(VQI_F_VRing_avail, 124);
}
END_TEST

/* In both there is as much room behind it, and it is the same: that says nothing of where there is more. */
START_TEST(test_not_tried)
{
	make();
	put_size(&made[1].layout, 48);
	put(&made[1].layout, VQI_F_VRing_avail, 40);
	put(&measured, VQI_F_VRing_desc, 100);
	put_size(&measured, 200);
	vqi_infer(&two, &measured, &inferred);
	assert_unknown(VQI_F_VRing_num);
	assert_unknown(VQI_F_VRing_avail);
	put_size(&measured, 132);
	vqi_infer(&two, &measured, &inferred);
	assert_offset(VQI_F_VRing_num, 108);
	assert_offset(VQI_F_VRing_avail, 124);
}
END_TEST

/* Two that have as much room, and disagree. */
START_TEST(test_they_disagree)
{
	make();
	put_size(&made[1].layout, 40);
	put(&made[1].layout, VQI_F_VRing_avail, 36);
	put_size(&measured, 40);
	vqi_infer(&two, &measured, &inferred);
	assert_offset(VQI_F_VRing_align, 4);
	assert_unknown(VQI_F_VRing_desc);
	assert_unknown(VQI_F_VRing_avail);
}
END_TEST

/* What one alone has need not be there. */
START_TEST(test_only_one_has_it)
{
	make();
	put(&made[0].layout, VQI_F_VRing_used, 0);
	vqi_infer(&two, &measured, &inferred);
	assert_unknown(VQI_F_VRing_used);
	put_size(&measured, 40);
	vqi_infer(&two, &measured, &inferred);
	assert_offset(VQI_F_VRing_used, 0); /* but for the one that it resembles */
}
END_TEST

/* Elements of an array without a known size would be looked for in wrong places. */
START_TEST(test_elements)
{
	made[0].layout = all.profiles[0].layout;
	made[1].layout = all.profiles[0].layout;
	made[1].layout.structs[VQI_S_FlatRange].size += 16;
	made[1].layout.structs[VQI_S_RAMBlock].size += 16;
	vqi_infer(&two, &measured, &inferred);
	ck_assert(!inferred.structs[VQI_S_FlatRange].present);
	assert_unknown(VQI_F_FlatRange_mr);
	ck_assert(inferred.structs[VQI_S_RAMBlock].present);
	ck_assert(inferred.fields[VQI_F_RAMBlock_host].present);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("infer");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_leave_one_out);
	tcase_add_test(tcase, test_nothing_measured);
	tcase_add_test(tcase, test_how);
	tcase_add_test(tcase, test_what_all_agree_on);
	tcase_add_test(tcase, test_the_same_room);
	tcase_add_test(tcase, test_behind_a_place);
	tcase_add_test(tcase, test_not_tried);
	tcase_add_test(tcase, test_they_disagree);
	tcase_add_test(tcase, test_only_one_has_it);
	tcase_add_test(tcase, test_elements);
	return unit_run("infer", tcase);
}
