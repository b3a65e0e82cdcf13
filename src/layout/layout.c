/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vqi/layout.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "vqi/checked.h"

/* How many of the missing things an error names; the rest is counted. */
#define MAX_NAMED			  4

#define STRUCT_INFO(structure, functions) {#structure, functions},
static const struct vqi_struct_info struct_infos[] = {VQI_LAYOUT_STRUCTS(STRUCT_INFO)};

#define FIELD_INFO(structure, member, need)                                                        \
	{VQI_S_##structure, #member, #structure "." #member, need},
#define PATH_INFO(structure, name, path, need) {VQI_S_##structure, path, #structure "." path, need},
static const struct vqi_field_info field_infos[] = {VQI_LAYOUT_FIELDS(FIELD_INFO, PATH_INFO)};

#define SYMBOL_INFO(symbol, need) {#symbol, need},
static const struct vqi_symbol_info symbol_infos[] = {VQI_LAYOUT_SYMBOLS(SYMBOL_INFO)};

const struct vqi_field_info *vqi_field_info(enum vqi_field_id field)
{
	return &field_infos[field];
}

const struct vqi_struct_info *vqi_struct_info(enum vqi_struct_id structure)
{
	return &struct_infos[structure];
}

const struct vqi_symbol_info *vqi_symbol_info(enum vqi_symbol_id symbol)
{
	return &symbol_infos[symbol];
}

enum vqi_struct_id vqi_struct_base(enum vqi_struct_id structure)
{
	switch (structure) {
	case VQI_S_DeviceState:
	case VQI_S_BusState:
	case VQI_S_Chardev:
	case VQI_S_IOThread:
	case VQI_S_ThrottleGroup:
	case VQI_S_MemoryRegion:
		return VQI_S_Object;
	case VQI_S_MachineClass:
		return VQI_S_ObjectClass;
	case VQI_S_VirtIODevice:
	case VQI_S_SysBusDevice:
	case VQI_S_PCIDevice:
	case VQI_S_SCSIDevice:
	case VQI_S_CPUState:
		return VQI_S_DeviceState;
	case VQI_S_PCIBus:
	case VQI_S_VirtioBusState:
		return VQI_S_BusState;
	case VQI_S_PXBDev:
	case VQI_S_VirtIOPCIProxy:
		return VQI_S_PCIDevice;
	case VQI_S_VirtIOBlock:
	case VQI_S_VirtIONet:
	case VQI_S_VirtIORNG:
	case VQI_S_VirtIOCrypto:
	case VQI_S_VirtIOSCSI:
	case VQI_S_V9fsVirtioState:
	case VQI_S_VHostUserFS:
	case VQI_S_VHostUserBlk:
		return VQI_S_VirtIODevice;
	case VQI_S_VuBlkExport:
		return VQI_S_BlockExport;
	case VQI_S_VuBlkReq:
		return VQI_S_VuVirtqElement;
	default:
		return VQI_NO_STRUCT;
	}
}

const char *vqi_layout_source_name(enum vqi_layout_source source)
{
	switch (source) {
	case VQI_LAYOUT_NONE:
		return "none";
	case VQI_LAYOUT_DWARF:
		return "dwarf";
	case VQI_LAYOUT_DEBUGINFOD:
		return "debuginfod";
	case VQI_LAYOUT_CACHE:
		return "cache";
	case VQI_LAYOUT_PROFILE:
		return "profile";
	case VQI_LAYOUT_BUILTIN:
		return "builtin";
	}
	return "none";
}

const char *vqi_how_name(enum vqi_how how)
{
	static const char *const names[VQI_HOW_COUNT] = {
		[VQI_HOW_MEASURED] = "measured",
		[VQI_HOW_AGREED] = "agreed",
		[VQI_HOW_LEAST] = "least",
	};

	return names[how];
}

/* The names of what is missing, as far as an error tells them. */
struct missing {
	char text[256];
	size_t len;
	size_t count;
};

static void missing_add(struct missing *missing, const char *name)
{
	size_t room = sizeof(missing->text) - missing->len;
	int len;

	if (missing->count++ >= MAX_NAMED)
		return;
	len = snprintf(missing->text + missing->len, room, "%s%s", missing->len ? ", " : "", name);
	if (len > 0)
		missing->len += (size_t)len < room ? (size_t)len : room - 1;
}

static void list_missing(const struct vqi_layout *layout, struct missing *missing)
{
	enum vqi_need need = vqi_need_of(layout->kind);

	for (size_t i = 0; i < VQI_FIELD_COUNT; i++)
		if (field_infos[i].need == need && !layout->fields[i].present)
			missing_add(missing, field_infos[i].name);
	for (size_t i = 0; i < VQI_SYMBOL_COUNT; i++)
		if (symbol_infos[i].need == need && !layout->symbols[i].present)
			missing_add(missing, symbol_infos[i].name);
}

static struct vqi_error *check_complete(const struct vqi_layout *layout)
{
	struct missing missing = {0};

	list_missing(layout, &missing);
	if (missing.count > MAX_NAMED)
		return vqi_error_new(VQI_ERROR_NO_LAYOUT, "layout lacks %s and %zu more",
				     missing.text, missing.count - MAX_NAMED);
	if (missing.count)
		return vqi_error_new(VQI_ERROR_NO_LAYOUT, "layout lacks %s", missing.text);
	return NULL;
}

/* Whoever reads a structure trusts that its fields lie within it and that it is no larger than what
 * can be a structure: otherwise a broken debug file makes the tool read gigabytes. */
static struct vqi_error *check_bounds(const struct vqi_layout *layout)
{
	for (size_t i = 0; i < VQI_STRUCT_COUNT; i++)
		if (layout->structs[i].present && layout->structs[i].size > VQI_LAYOUT_MAX_SIZE)
			return vqi_error_new(VQI_ERROR_BAD_DATA, "layout: %s of %" PRIu32 " bytes",
					     struct_infos[i].name, layout->structs[i].size);
	for (size_t i = 0; i < VQI_FIELD_COUNT; i++) {
		const struct vqi_field *field = &layout->fields[i];
		const struct vqi_struct_layout *structure =
			&layout->structs[field_infos[i].structure];

		if (!field->present)
			continue;
		if (!structure->present ||
		    !vqi_range_within(field->offset, field->size, structure->size))
			return vqi_error_new(VQI_ERROR_BAD_DATA,
					     "layout: %s lies outside of its structure",
					     field_infos[i].name);
	}
	return NULL;
}

/* A number lies where a processor reads it at once, in all structures that C compilers lay out by themselves. */
static struct vqi_error *check_alignment(const struct vqi_layout *layout)
{
	for (size_t i = 0; i < VQI_FIELD_COUNT; i++) {
		const struct vqi_field *field = &layout->fields[i];
		bool is_number = field->size == 2 || field->size == 4 || field->size == 8;

		if (field->present && is_number && field->offset % field->size)
			return vqi_error_new(VQI_ERROR_BAD_DATA, "layout: %s is not aligned",
					     field_infos[i].name);
	}
	return NULL;
}

static bool overlap(const struct vqi_field *one, const struct vqi_field *other)
{
	return one->offset < other->offset + other->size && other->offset < one->offset + one->size;
}

/* Members of a structure lie behind each other; no two of the table are of one union. */
static struct vqi_error *check_overlap(const struct vqi_layout *layout)
{
	for (size_t i = 0; i < VQI_FIELD_COUNT; i++) {
		for (size_t j = 0; j < i; j++) {
			if (field_infos[i].structure == field_infos[j].structure &&
			    layout->fields[i].present && layout->fields[j].present &&
			    overlap(&layout->fields[i], &layout->fields[j]))
				return vqi_error_new(VQI_ERROR_BAD_DATA,
						     "layout: %s and %s overlap",
						     field_infos[j].name, field_infos[i].name);
		}
	}
	return NULL;
}

/* What a structure begins with has fields of its own. */
static struct vqi_error *check_bases(const struct vqi_layout *layout)
{
	for (size_t i = 0; i < VQI_FIELD_COUNT; i++) {
		enum vqi_struct_id base = vqi_struct_base(field_infos[i].structure);

		if (base != VQI_NO_STRUCT && layout->fields[i].present &&
		    layout->structs[base].present &&
		    layout->fields[i].offset < layout->structs[base].size)
			return vqi_error_new(VQI_ERROR_BAD_DATA, "layout: %s lies in the %s",
					     field_infos[i].name, struct_infos[base].name);
	}
	return NULL;
}

struct vqi_error *vqi_layout_check(const struct vqi_layout *layout)
{
	struct vqi_error *error = check_bounds(layout);

	if (!error)
		error = check_alignment(layout);
	if (!error)
		error = check_overlap(layout);
	if (!error)
		error = check_bases(layout);
	return error ? error : check_complete(layout);
}

struct vqi_error *vqi_layout_need(const struct vqi_layout *layout, const enum vqi_field_id *fields,
				  size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!layout->fields[fields[i]].present)
			return vqi_error_new(VQI_ERROR_NO_LAYOUT, "%s is unknown",
					     field_infos[fields[i]].name);
	}
	return NULL;
}

void vqi_layout_drop(struct vqi_layout *layout, enum vqi_struct_id structure)
{
	layout->structs[structure].present = false;
	for (size_t i = 0; i < VQI_FIELD_COUNT; i++) {
		if (field_infos[i].structure == structure)
			layout->fields[i].present = false;
	}
}

uint32_t vqi_layout_span(const struct vqi_layout *layout, enum vqi_struct_id structure)
{
	uint32_t span = 0;

	for (size_t i = 0; i < VQI_FIELD_COUNT; i++) {
		const struct vqi_field *field = &layout->fields[i];
		uint32_t end;

		if (!field->present || field_infos[i].structure != structure)
			continue;
		if (!__builtin_add_overflow(field->offset, field->size, &end) && end > span)
			span = end;
	}
	return span;
}

bool vqi_view_uint(const struct vqi_view *view, enum vqi_field_id id, uint64_t *ret_value)
{
	const struct vqi_field *field = &view->layout->fields[id];
	const uint8_t *at;

	if (!field->present || !vqi_range_within(field->offset, field->size, view->len))
		return false;
	at = view->data + field->offset;
	switch (field->size) {
	case sizeof(uint8_t):
		*ret_value = *at;
		return true;
	case sizeof(uint16_t): {
		uint16_t value;

		memcpy(&value, at, sizeof(value));
		*ret_value = value;
		return true;
	}
	case sizeof(uint32_t): {
		uint32_t value;

		memcpy(&value, at, sizeof(value));
		*ret_value = value;
		return true;
	}
	case sizeof(uint64_t):
		memcpy(ret_value, at, sizeof(*ret_value));
		return true;
	}
	return false;
}

uint64_t vqi_view_uint_or(const struct vqi_view *view, enum vqi_field_id field, uint64_t fallback)
{
	uint64_t value;

	return vqi_view_uint(view, field, &value) ? value : fallback;
}

uint64_t vqi_view_first_pointer(const struct vqi_view *view, enum vqi_field_id field)
{
	struct vqi_view member = vqi_view_member(view, field);
	uint64_t pointer;

	if (member.len < sizeof(pointer))
		return 0;
	memcpy(&pointer, member.data, sizeof(pointer));
	return pointer;
}

struct vqi_view vqi_view_member(const struct vqi_view *view, enum vqi_field_id id)
{
	const struct vqi_field *field = &view->layout->fields[id];
	struct vqi_view member = {.layout = view->layout};

	if (!field->present || !view->addr || !vqi_add_u64(view->addr, field->offset, &member.addr))
		return member;
	if (field->offset >= view->len)
		return member;
	member.data = view->data + field->offset;
	member.len = view->len - field->offset;
	if (member.len > field->size)
		member.len = field->size;
	return member;
}
