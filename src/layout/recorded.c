/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Image and layout in a recording. Fields are written by their names, as another version of this
 * program may know others. */
#include "recorded.h"

#include <stdlib.h>
#include <string.h>

#include "vqi/layout.h"

#define MAX_SOURCE VQI_LAYOUT_BUILTIN

/* ---- the image ---- */

void vqi_image_pack(const struct vqi_image *image, struct vqi_pack *pack)
{
	vqi_pack_text(pack, image->path);
	vqi_pack_u64(pack, image->bias);
	vqi_pack_text(pack, image->build_id);
	vqi_pack_text(pack, image->version);
	vqi_pack_u8(pack, (uint8_t)image->kind);
}

struct vqi_error *vqi_image_recall(struct vqi_process *process, struct vqi_image *ret_image)
{
	struct vqi_image image = {.fd = -1};
	struct vqi_unpack data;
	struct vqi_error *error = vqi_fact_recall(process, VQI_FACT_IMAGE, 0, &data);

	if (error)
		return error;
	image.path = vqi_unpack_text(&data);
	image.bias = vqi_unpack_u64(&data);
	image.build_id = vqi_unpack_text(&data);
	image.version = vqi_unpack_text(&data);
	image.kind = vqi_unpack_u8(&data) == VQI_IMAGE_STORAGE_DAEMON ? VQI_IMAGE_STORAGE_DAEMON
								      : VQI_IMAGE_QEMU;
	data.failed |= !image.path;
	error = vqi_fact_error(&data, "the program");
	if (error)
		vqi_image_done(&image);
	else
		*ret_image = image;
	return error;
}

/* ---- the layout ---- */

static void pack_fields(const struct vqi_layout *layout, struct vqi_pack *pack)
{
	for (enum vqi_field_id i = 0; i < VQI_FIELD_COUNT; i++) {
		const struct vqi_field *field = &layout->fields[i];

		if (!field->present)
			continue;
		vqi_pack_text(pack, vqi_field_info(i)->name);
		vqi_pack_u8(pack, (uint8_t)field->how);
		vqi_pack_u32(pack, field->offset);
		vqi_pack_u32(pack, field->size);
	}
	vqi_pack_text(pack, NULL);
}

static void pack_structs(const struct vqi_layout *layout, struct vqi_pack *pack)
{
	for (enum vqi_struct_id i = 0; i < VQI_STRUCT_COUNT; i++) {
		if (!layout->structs[i].present)
			continue;
		vqi_pack_text(pack, vqi_struct_info(i)->name);
		vqi_pack_u8(pack, (uint8_t)layout->structs[i].how);
		vqi_pack_u32(pack, layout->structs[i].size);
	}
	vqi_pack_text(pack, NULL);
}

static void pack_symbols(const struct vqi_layout *layout, struct vqi_pack *pack)
{
	for (enum vqi_symbol_id i = 0; i < VQI_SYMBOL_COUNT; i++) {
		if (!layout->symbols[i].present)
			continue;
		vqi_pack_text(pack, vqi_symbol_info(i)->name);
		vqi_pack_u8(pack, layout->symbols[i].by_content);
		vqi_pack_u64(pack, layout->symbols[i].address);
	}
	vqi_pack_text(pack, NULL);
}

void vqi_layout_pack(const struct vqi_layout *layout, struct vqi_pack *pack)
{
	vqi_pack_u8(pack, (uint8_t)layout->source);
	vqi_pack_text(pack, layout->name);
	vqi_pack_u8(pack, layout->is_foreign);
	pack_structs(layout, pack);
	pack_fields(layout, pack);
	pack_symbols(layout, pack);
}

void vqi_layout_note(struct vqi_process *process, const struct vqi_layout *layout)
{
	vqi_cleanup(vqi_pack_done) struct vqi_pack data = {0};

	vqi_layout_pack(layout, &data);
	vqi_fact_note(process, VQI_FACT_LAYOUT, 0, &data, NULL);
}

static enum vqi_how unpack_how(struct vqi_unpack *data)
{
	uint8_t how = vqi_unpack_u8(data);

	data->failed |= how >= VQI_HOW_COUNT;
	return how < VQI_HOW_COUNT ? (enum vqi_how)how : VQI_HOW_AS_ALL;
}

/* Which of count names it is, or count. They were written in the same order: next is where the last one was found. */
static size_t find_name(const char *name, const char *(*name_of)(size_t i), size_t count,
			size_t *next)
{
	for (size_t i = 0; i < count; i++) {
		size_t at = (*next + i) % count;

		if (strcmp(name_of(at), name) == 0) {
			*next = at + 1;
			return at;
		}
	}
	return count;
}

static const char *struct_name(size_t i)
{
	return vqi_struct_info(i)->name;
}

static const char *field_name(size_t i)
{
	return vqi_field_info(i)->name;
}

static const char *symbol_name(size_t i)
{
	return vqi_symbol_info(i)->name;
}

static void unpack_structs(struct vqi_unpack *data, struct vqi_layout *layout)
{
	for (size_t next = 0;;) {
		vqi_cleanup_free char *name = vqi_unpack_text(data);
		struct vqi_struct_layout place = {.present = true};
		size_t i;

		if (!name)
			return;
		place.how = unpack_how(data);
		place.size = vqi_unpack_u32(data);
		i = find_name(name, struct_name, VQI_STRUCT_COUNT, &next);
		if (i < VQI_STRUCT_COUNT)
			layout->structs[i] = place;
	}
}

static void unpack_fields(struct vqi_unpack *data, struct vqi_layout *layout)
{
	for (size_t next = 0;;) {
		vqi_cleanup_free char *name = vqi_unpack_text(data);
		struct vqi_field field = {.present = true};
		size_t i;

		if (!name)
			return;
		field.how = unpack_how(data);
		field.offset = vqi_unpack_u32(data);
		field.size = vqi_unpack_u32(data);
		i = find_name(name, field_name, VQI_FIELD_COUNT, &next);
		if (i < VQI_FIELD_COUNT)
			layout->fields[i] = field;
	}
}

static void unpack_symbols(struct vqi_unpack *data, struct vqi_layout *layout)
{
	for (size_t next = 0;;) {
		vqi_cleanup_free char *name = vqi_unpack_text(data);
		struct vqi_symbol symbol = {.present = true};
		size_t i;

		if (!name)
			return;
		symbol.by_content = vqi_unpack_u8(data);
		symbol.address = vqi_unpack_u64(data);
		i = find_name(name, symbol_name, VQI_SYMBOL_COUNT, &next);
		if (i < VQI_SYMBOL_COUNT)
			layout->symbols[i] = symbol;
	}
}

void vqi_layout_unpack(struct vqi_unpack *data, struct vqi_layout *ret_layout)
{
	uint8_t source = vqi_unpack_u8(data);
	vqi_cleanup_free char *name = vqi_unpack_text(data);

	*ret_layout = (struct vqi_layout){.is_foreign = vqi_unpack_u8(data)};
	data->failed |= source > MAX_SOURCE || !name || strlen(name) >= sizeof(ret_layout->name);
	if (data->failed)
		return;
	ret_layout->source = (enum vqi_layout_source)source;
	memcpy(ret_layout->name, name, strlen(name) + 1);
	unpack_structs(data, ret_layout);
	unpack_fields(data, ret_layout);
	unpack_symbols(data, ret_layout);
}

struct vqi_error *vqi_layout_recall(struct vqi_process *process, enum vqi_image_kind kind,
				    struct vqi_layout *ret_layout)
{
	vqi_cleanup_free struct vqi_layout *layout = calloc(1, sizeof(*layout));
	struct vqi_unpack data;
	struct vqi_error *error = vqi_fact_recall(process, VQI_FACT_LAYOUT, 0, &data);

	if (error)
		return error;
	if (!layout)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	vqi_layout_unpack(&data, layout);
	layout->kind = kind;
	error = vqi_fact_error(&data, "the layout");
	if (!error)
		error = vqi_layout_check(layout);
	if (!error)
		*ret_layout = *layout;
	return error;
}
