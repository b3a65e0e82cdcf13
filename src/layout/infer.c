/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vqi/infer.h"

#include <string.h>

/* A place of a structure: in the target, and in a profile. */
struct place {
	int64_t target, profile;
	bool is_end; /* of what the structure begins with, or of itself: measured by its size alone */
};

/* The place before a field, and the one behind it. */
struct span {
	struct place before, behind;
	bool is_closed; /* there is one behind it */
};

/* Structures that lie behind each other: without their size, the second is not where it seems. */
static bool is_element(enum vqi_struct_id id)
{
	return id == VQI_S_VirtQueue || id == VQI_S_FlatRange ||
	       id == VQI_S_MemoryRegionIoeventfd || id == VQI_S_NetClientState ||
	       id == VQI_S_VirtIOIRQFD;
}

/* ---- places ---- */

static void offer(struct span *span, struct place place, int64_t field)
{
	if (place.profile <= field && place.profile >= span->before.profile)
		span->before = place;
	if (place.profile > field && (!span->is_closed || place.profile < span->behind.profile)) {
		span->behind = place;
		span->is_closed = true;
	}
}

static void offer_size(struct span *span, enum vqi_struct_id id, const struct vqi_layout *measured,
		       const struct vqi_layout *profile, int64_t field)
{
	if (id != VQI_NO_STRUCT && measured->structs[id].present && profile->structs[id].present)
		offer(span,
		      (struct place){.target = measured->structs[id].size,
				     .profile = profile->structs[id].size,
				     .is_end = true},
		      field);
}

static struct span find_span(const struct vqi_layout *measured, const struct vqi_layout *profile,
			     enum vqi_field_id field)
{
	enum vqi_struct_id id = vqi_field_info(field)->structure;
	int64_t offset = profile->fields[field].offset;
	struct span span = {0};

	offer_size(&span, vqi_struct_base(id), measured, profile, offset);
	offer_size(&span, id, measured, profile, offset);
	for (size_t i = 0; i < VQI_FIELD_COUNT; i++) {
		if (vqi_field_info(i)->structure == id && measured->fields[i].present &&
		    profile->fields[i].present)
			offer(&span,
			      (struct place){.target = measured->fields[i].offset,
					     .profile = profile->fields[i].offset},
			      offset);
	}
	return span;
}

/* ---- fields ---- */

/* What the profiles say of a field. */
struct opinion {
	struct vqi_field field;
	size_t count;
	int64_t room;  /* of the first */
	bool disagree; /* on the field */
	bool is_tried; /* they agree though it has more or less room, or no end, or from the beginning */
};

static int64_t room_of(const struct span *span)
{
	return span->behind.profile - span->before.profile;
}

static void add_opinion(struct opinion *opinion, const struct vqi_field *field,
			const struct span *span)
{
	int64_t offset = field->offset - span->before.profile + span->before.target;
	struct vqi_field said = {.present = true,
				 .how = VQI_HOW_AGREED,
				 .offset = (uint32_t)offset,
				 .size = field->size};

	if (!opinion->count++) {
		opinion->field = said;
		opinion->room = room_of(span);
	}
	opinion->disagree |= offset < 0 || opinion->field.offset != said.offset ||
			     opinion->field.size != said.size;
	opinion->is_tried |=
		opinion->count > 1 && !span->before.is_end &&
		(!span->is_closed || opinion->room != room_of(span) || span->before.profile == 0);
}

static struct vqi_field infer_field(const struct vqi_profiles *profiles,
				    const struct vqi_layout *measured, enum vqi_field_id id)
{
	struct opinion same = {0}, all = {0};

	if (measured->fields[id].present) {
		struct vqi_field field = measured->fields[id];

		field.how = VQI_HOW_MEASURED;
		return field;
	}
	for (size_t i = 0; i < profiles->count; i++) {
		const struct vqi_layout *profile = &profiles->profiles[i].layout;
		const struct vqi_field *field = &profile->fields[id];
		struct span span;

		if (!field->present) { /* nor need this QEMU have it */
			all.disagree = true;
			continue;
		}
		span = find_span(measured, profile, id);
		if (span.is_closed && span.behind.target - span.before.target == room_of(&span))
			add_opinion(&same, field, &span);
		add_opinion(&all, field, &span);
	}
	if (same.count)
		return same.disagree ? (struct vqi_field){0} : same.field;
	return all.disagree || !all.is_tried ? (struct vqi_field){0} : all.field;
}

/* ---- structures ---- */

/* The size that all profiles agree on; 0: they do not. */
static uint32_t common_size(const struct vqi_profiles *profiles, enum vqi_struct_id id)
{
	uint32_t size = 0;

	for (size_t i = 0; i < profiles->count; i++) {
		const struct vqi_struct_layout *its = &profiles->profiles[i].layout.structs[id];

		if (its->present && size && its->size != size)
			return 0;
		if (its->present)
			size = its->size;
	}
	return size;
}

static void infer_size(const struct vqi_profiles *profiles, const struct vqi_layout *measured,
		       enum vqi_struct_id id, struct vqi_layout *layout)
{
	bool is_measured = measured->structs[id].present;
	enum vqi_how how = is_measured ? VQI_HOW_MEASURED : VQI_HOW_AGREED;
	uint32_t size = is_measured ? measured->structs[id].size : common_size(profiles, id);

	if (!size && !is_element(id)) { /* it has at least what is known of it */
		size = vqi_layout_span(layout, id);
		how = VQI_HOW_LEAST;
	}
	layout->structs[id] = (struct vqi_struct_layout){.present = size, .how = how, .size = size};
}

/* Nothing is known of a field behind the end of what it is in, or of one without a structure. */
static void drop_outside(struct vqi_layout *layout)
{
	for (size_t i = 0; i < VQI_FIELD_COUNT; i++) {
		const struct vqi_struct_layout *its =
			&layout->structs[vqi_field_info(i)->structure];
		struct vqi_field *field = &layout->fields[i];

		if (!its->present || field->offset > its->size ||
		    field->size > its->size - field->offset)
			*field = (struct vqi_field){0};
	}
}

void vqi_infer(const struct vqi_profiles *profiles, const struct vqi_layout *measured,
	       struct vqi_layout *ret_layout)
{
	struct vqi_layout layout = {
		.kind = measured->kind, .source = VQI_LAYOUT_BUILTIN, .is_foreign = true};

	memcpy(layout.symbols, measured->symbols, sizeof(layout.symbols));
	for (size_t i = 0; i < VQI_FIELD_COUNT; i++)
		layout.fields[i] = infer_field(profiles, measured, i);
	for (size_t i = 0; i < VQI_STRUCT_COUNT; i++)
		infer_size(profiles, measured, i, &layout);
	drop_outside(&layout);
	*ret_layout = layout;
}
