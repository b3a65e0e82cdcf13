/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vqi/layout.h"

#include "unit.h"

static struct vqi_layout layout;

static uint32_t align_up(uint32_t offset)
{
	return (offset + 7) & ~7u;
}

/* Its fields one after another, of 8 bytes each, behind what it begins with. */
static void place(enum vqi_struct_id id)
{
	struct vqi_struct_layout *structure = &layout.structs[id];
	enum vqi_struct_id base = vqi_struct_base(id);

	if (structure->present)
		return;
	if (base != VQI_NO_STRUCT) {
		place(base);
		structure->size = layout.structs[base].size;
	}
	for (size_t i = 0; i < VQI_FIELD_COUNT; i++) {
		if (vqi_field_info(i)->structure != id)
			continue;
		layout.fields[i] = (struct vqi_field){
			.present = true, .offset = align_up(structure->size), .size = 8};
		structure->size = align_up(structure->size) + 8;
	}
	structure->present = true;
}

static void setup(void)
{
	layout = (struct vqi_layout){.source = VQI_LAYOUT_DWARF};
	for (size_t i = 0; i < VQI_STRUCT_COUNT; i++)
		place((enum vqi_struct_id)i);
	for (size_t i = 0; i < VQI_SYMBOL_COUNT; i++)
		layout.symbols[i] = (struct vqi_symbol){.present = true, .address = 4096 + i};
}

START_TEST(table_names_fields)
{
	const struct vqi_field_info *info = vqi_field_info(VQI_F_VirtIOBlock_blk);

	ck_assert_int_eq(info->structure, VQI_S_VirtIOBlock);
	ck_assert_str_eq(info->path, "conf.conf.blk");
	ck_assert_str_eq(info->name, "VirtIOBlock.conf.conf.blk");
	ck_assert_int_eq(info->need, VQI_OPTIONAL);
	ck_assert_str_eq(vqi_field_info(VQI_F_VirtQueue_vdev)->name, "VirtQueue.vdev");
	ck_assert_int_eq(vqi_field_info(VQI_F_VirtQueue_vdev)->need, VQI_REQUIRED);
	ck_assert_str_eq(vqi_struct_info(VQI_S_vhost_dev)->name, "vhost_dev");
	ck_assert_str_eq(vqi_symbol_info(VQI_SYM_current_machine)->name, "current_machine");
}
END_TEST

/* A name that occurs twice would be resolved once. */
START_TEST(table_has_no_duplicates)
{
	for (size_t i = 0; i < VQI_FIELD_COUNT; i++)
		for (size_t j = i + 1; j < VQI_FIELD_COUNT; j++)
			ck_assert_str_ne(vqi_field_info(i)->name, vqi_field_info(j)->name);
	for (size_t i = 0; i < VQI_STRUCT_COUNT; i++)
		for (size_t j = i + 1; j < VQI_STRUCT_COUNT; j++)
			ck_assert_str_ne(vqi_struct_info(i)->name, vqi_struct_info(j)->name);
}
END_TEST

START_TEST(sources_have_names)
{
	ck_assert_str_eq(vqi_layout_source_name(VQI_LAYOUT_NONE), "none");
	ck_assert_str_eq(vqi_layout_source_name(VQI_LAYOUT_DWARF), "dwarf");
	ck_assert_str_eq(vqi_layout_source_name(VQI_LAYOUT_DEBUGINFOD), "debuginfod");
	ck_assert_str_eq(vqi_layout_source_name(VQI_LAYOUT_CACHE), "cache");
	ck_assert_str_eq(vqi_layout_source_name(VQI_LAYOUT_PROFILE), "profile");
	ck_assert_str_eq(vqi_layout_source_name(VQI_LAYOUT_BUILTIN), "builtin");
}
END_TEST

START_TEST(complete_layout_passes)
{
	ck_assert_ok(vqi_layout_check(&layout));
}
END_TEST

START_TEST(optional_fields_may_be_absent)
{
	for (size_t i = 0; i < VQI_FIELD_COUNT; i++)
		if (vqi_field_info(i)->need == VQI_OPTIONAL)
			layout.fields[i].present = false;
	ck_assert_ok(vqi_layout_check(&layout));
}
END_TEST

START_TEST(each_required_field_is_named_when_absent)
{
	for (size_t i = 0; i < VQI_FIELD_COUNT; i++) {
		if (vqi_field_info(i)->need != VQI_REQUIRED)
			continue;
		layout.fields[i].present = false;
		ck_assert_code_text(vqi_layout_check(&layout), VQI_ERROR_NO_LAYOUT,
				    vqi_field_info(i)->name);
		layout.fields[i].present = true;
	}
}
END_TEST

START_TEST(many_absent_fields_are_counted)
{
	layout = (struct vqi_layout){0};
	ck_assert_code_text(vqi_layout_check(&layout), VQI_ERROR_NO_LAYOUT, " more");
}
END_TEST

/* They may be found by what they hold. */
START_TEST(symbols_may_be_absent)
{
	memset(layout.symbols, 0, sizeof(layout.symbols));
	ck_assert_ok(vqi_layout_check(&layout));
}
END_TEST

START_TEST(fields_must_lie_within_their_structure)
{
	struct vqi_field *field = &layout.fields[VQI_F_VirtQueue_vdev];
	uint32_t size = layout.structs[VQI_S_VirtQueue].size += 8;

	field->offset = size - 8;
	ck_assert_ok(vqi_layout_check(&layout));
	field->offset = size - 7;
	ck_assert_code_text(vqi_layout_check(&layout), VQI_ERROR_BAD_DATA, "VirtQueue.vdev");
	field->offset = UINT32_MAX;
	field->size = UINT32_MAX;
	ck_assert_code_text(vqi_layout_check(&layout), VQI_ERROR_BAD_DATA, "VirtQueue.vdev");
}
END_TEST

START_TEST(numbers_must_be_aligned)
{
	struct vqi_field *field = &layout.fields[VQI_F_VirtQueue_inuse];

	field->offset = (layout.structs[VQI_S_VirtQueue].size + 7) / 8 * 8;
	layout.structs[VQI_S_VirtQueue].size += 16;
	ck_assert_ok(vqi_layout_check(&layout));
	field->offset += 2;
	ck_assert_code_text(vqi_layout_check(&layout), VQI_ERROR_BAD_DATA,
			    "VirtQueue.inuse is not aligned");
}
END_TEST

START_TEST(fields_must_not_overlap)
{
	struct vqi_field *field = &layout.fields[VQI_F_VirtQueue_last_avail_idx];

	*field = layout.fields[VQI_F_VirtQueue_used_idx];
	ck_assert_code_text(vqi_layout_check(&layout), VQI_ERROR_BAD_DATA,
			    "VirtQueue.last_avail_idx and VirtQueue.used_idx overlap");
	layout.fields[VQI_F_VirtQueue_used_idx].present = false;
	layout.fields[VQI_F_VirtQueue_used_wrap_counter].present = false;
	ck_assert_code(vqi_layout_check(&layout), VQI_ERROR_NO_LAYOUT);
}
END_TEST

START_TEST(fields_must_lie_behind_the_base)
{
	struct vqi_field *field = &layout.fields[VQI_F_VirtIODevice_status];

	field->size = 1;
	field->offset = layout.structs[VQI_S_DeviceState].size - 1;
	ck_assert_code_text(vqi_layout_check(&layout), VQI_ERROR_BAD_DATA,
			    "VirtIODevice.status lies in the DeviceState");
	layout.structs[VQI_S_DeviceState].size--;
	layout.fields[VQI_F_DeviceState_child_bus].offset = 0; /* its last, which ended there */
	layout.fields[VQI_F_DeviceState_child_bus].present = false;
	ck_assert_code(vqi_layout_check(&layout), VQI_ERROR_NO_LAYOUT);
}
END_TEST

START_TEST(structures_must_be_of_a_likely_size)
{
	layout.structs[VQI_S_VirtQueue].size = VQI_LAYOUT_MAX_SIZE;
	ck_assert_ok(vqi_layout_check(&layout));
	layout.structs[VQI_S_VirtQueue].size++;
	ck_assert_code_text(vqi_layout_check(&layout), VQI_ERROR_BAD_DATA, "VirtQueue");
}
END_TEST

START_TEST(needed_fields_are_named_when_absent)
{
	static const enum vqi_field_id needed[] = {VQI_F_AioHandler_node, VQI_F_AioHandler_opaque};
	struct vqi_layout partial = {0};

	partial.fields[needed[0]].present = true;
	ck_assert_ok(vqi_layout_need(&partial, needed, 1));
	ck_assert_code_text(vqi_layout_need(&partial, needed, 2), VQI_ERROR_NO_LAYOUT,
			    vqi_field_info(needed[1])->name);
	partial.fields[needed[1]].present = true;
	ck_assert_ok(vqi_layout_need(&partial, needed, 2));
}
END_TEST

START_TEST(span_reaches_to_the_last_present_field)
{
	layout = (struct vqi_layout){0};
	ck_assert_uint_eq(vqi_layout_span(&layout, VQI_S_VRing), 0);
	layout.fields[VQI_F_VRing_used] =
		(struct vqi_field){.present = true, .offset = 32, .size = 8};
	layout.fields[VQI_F_VRing_num] = (struct vqi_field){.present = true, .size = 4};
	layout.fields[VQI_F_VRing_caches] = (struct vqi_field){.offset = 40, .size = 8};
	layout.fields[VQI_F_VirtQueue_vdev] =
		(struct vqi_field){.present = true, .offset = 96, .size = 8};
	ck_assert_uint_eq(vqi_layout_span(&layout, VQI_S_VRing), 40);
	ck_assert_uint_eq(vqi_layout_span(&layout, VQI_S_VirtQueue), 104);
}
END_TEST

/* ---- views ---- */

static const uint8_t bytes[16] = {0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08,
				  0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0x10};

static struct vqi_view view_of(uint32_t offset, uint32_t size)
{
	layout.fields[VQI_F_VRing_num] =
		(struct vqi_field){.present = true, .offset = offset, .size = size};
	return (struct vqi_view){
		.layout = &layout, .addr = 0x1000, .data = bytes, .len = sizeof(bytes)};
}

static uint64_t read_at(uint32_t offset, uint32_t size)
{
	struct vqi_view view = view_of(offset, size);
	uint64_t value;

	ck_assert(vqi_view_uint(&view, VQI_F_VRing_num, &value));
	return value;
}

/* The expected values are computed in the host's own byte order. */
START_TEST(integers_of_all_sizes)
{
	uint16_t two;
	uint32_t four;
	uint64_t eight;

	memcpy(&two, bytes + 3, sizeof(two));
	memcpy(&four, bytes + 5, sizeof(four));
	memcpy(&eight, bytes + 7, sizeof(eight));
	ck_assert_uint_eq(read_at(0, 1), 1);
	ck_assert_uint_eq(read_at(15, 1), 0x10);
	ck_assert_uint_eq(read_at(3, 2), two);
	ck_assert_uint_eq(read_at(5, 4), four);
	ck_assert_uint_eq(read_at(7, 8), eight);
}
END_TEST

START_TEST(no_integer_without_its_bytes)
{
	static const struct {
		uint32_t offset, size;
	} cases[] = {{16, 1}, {15, 2},	       {13, 4},		{9, 8},
		     {0, 0},  {0, 3},	       {0, 16},		{UINT32_MAX, 1},
		     {1, 5},  {UINT32_MAX, 8}, {0, UINT32_MAX}, {UINT32_MAX, UINT32_MAX}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct vqi_view view = view_of(cases[i].offset, cases[i].size);
		uint64_t value = 42;

		ck_assert(!vqi_view_uint(&view, VQI_F_VRing_num, &value));
		ck_assert_uint_eq(value, 42);
		ck_assert_uint_eq(vqi_view_uint_or(&view, VQI_F_VRing_num, 7), 7);
	}
}
END_TEST

START_TEST(absent_fields_have_no_value)
{
	struct vqi_view view = view_of(0, 8);
	uint64_t value = 42;

	layout.fields[VQI_F_VRing_num].present = false;
	ck_assert(!vqi_view_uint(&view, VQI_F_VRing_num, &value));
	ck_assert_uint_eq(value, 42);
	ck_assert_uint_eq(vqi_view_member(&view, VQI_F_VRing_num).addr, 0);
}
END_TEST

START_TEST(member_is_a_view_of_its_own)
{
	struct vqi_view view = view_of(4, 8);
	struct vqi_view member = vqi_view_member(&view, VQI_F_VRing_num);

	ck_assert_uint_eq(member.addr, 0x1004);
	ck_assert_ptr_eq(member.data, bytes + 4);
	ck_assert_uint_eq(member.len, 8);
	ck_assert_ptr_eq(member.layout, &layout);
}
END_TEST

/* Where a member is is known even when its bytes were not read. */
START_TEST(member_has_only_bytes_of_its_view)
{
	struct vqi_view view = view_of(12, 8);
	struct vqi_view member = vqi_view_member(&view, VQI_F_VRing_num);

	ck_assert_uint_eq(member.addr, 0x100c);
	ck_assert_uint_eq(member.len, 4);
	view = view_of(16, 8);
	member = vqi_view_member(&view, VQI_F_VRing_num);
	ck_assert_uint_eq(member.addr, 0x1010);
	ck_assert_uint_eq(member.len, 0);
}
END_TEST

START_TEST(member_of_nothing_is_nothing)
{
	struct vqi_view view = view_of(4, 8);

	view.addr = 0;
	ck_assert_uint_eq(vqi_view_member(&view, VQI_F_VRing_num).addr, 0);
	view.addr = UINT64_MAX;
	ck_assert_uint_eq(vqi_view_member(&view, VQI_F_VRing_num).addr, 0);
	ck_assert_uint_eq(vqi_view_member(&view, VQI_F_VRing_num).len, 0);
}
END_TEST

/* What a list's entry, which is larger than a pointer, leads to. */
START_TEST(first_pointer_of_a_larger_field)
{
	static const uint32_t sizes[] = {8, 16, 24};
	uint64_t pointer;

	memcpy(&pointer, bytes + 3, sizeof(pointer));
	for (size_t i = 0; i < 3; i++) {
		struct vqi_view view = view_of(3, sizes[i]); /* the last ends beyond the bytes */

		ck_assert_uint_eq(vqi_view_first_pointer(&view, VQI_F_VRing_num), pointer);
	}
}
END_TEST

START_TEST(no_first_pointer_without_its_bytes)
{
	static const struct {
		uint32_t offset, size;
	} cases[] = {{16, 16}, {9, 16}, {15, 8}, {0, 7}, {0, 0}, {UINT32_MAX, 16}};
	struct vqi_view view;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		view = view_of(cases[i].offset, cases[i].size);
		ck_assert_uint_eq(vqi_view_first_pointer(&view, VQI_F_VRing_num), 0);
	}
	view = view_of(0, 16);
	ck_assert_uint_ne(vqi_view_first_pointer(&view, VQI_F_VRing_num), 0);
	layout.fields[VQI_F_VRing_num].present = false;
	ck_assert_uint_eq(vqi_view_first_pointer(&view, VQI_F_VRing_num), 0);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("layout");

	tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_add_test(tcase, table_names_fields);
	tcase_add_test(tcase, table_has_no_duplicates);
	tcase_add_test(tcase, sources_have_names);
	tcase_add_test(tcase, complete_layout_passes);
	tcase_add_test(tcase, optional_fields_may_be_absent);
	tcase_add_test(tcase, each_required_field_is_named_when_absent);
	tcase_add_test(tcase, many_absent_fields_are_counted);
	tcase_add_test(tcase, symbols_may_be_absent);
	tcase_add_test(tcase, fields_must_lie_within_their_structure);
	tcase_add_test(tcase, numbers_must_be_aligned);
	tcase_add_test(tcase, fields_must_not_overlap);
	tcase_add_test(tcase, fields_must_lie_behind_the_base);
	tcase_add_test(tcase, structures_must_be_of_a_likely_size);
	tcase_add_test(tcase, needed_fields_are_named_when_absent);
	tcase_add_test(tcase, span_reaches_to_the_last_present_field);
	tcase_add_test(tcase, integers_of_all_sizes);
	tcase_add_test(tcase, no_integer_without_its_bytes);
	tcase_add_test(tcase, absent_fields_have_no_value);
	tcase_add_test(tcase, member_is_a_view_of_its_own);
	tcase_add_test(tcase, member_has_only_bytes_of_its_view);
	tcase_add_test(tcase, member_of_nothing_is_nothing);
	tcase_add_test(tcase, first_pointer_of_a_larger_field);
	tcase_add_test(tcase, no_first_pointer_without_its_bytes);
	return unit_run("layout", tcase);
}
