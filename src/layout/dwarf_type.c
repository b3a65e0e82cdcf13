/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Types and their members. Numbers in comments are clauses of the DWARF 5 standard. */
#include <dwarf.h>
#include <string.h>

#include "dwarf_private.h"
#include "vqi/checked.h"

/* Chains of typedefs and qualifiers, nested unnamed structures: broken files can make rings of
 * them, in which dwarf_peel_type() goes round for ever. */
#define MAX_TYPE_DEPTH 32

static bool is_aggregate(Dwarf_Die *type)
{
	switch (dwarf_tag(type)) {
	case DW_TAG_structure_type:
	case DW_TAG_union_type:
	case DW_TAG_class_type:
		return true;
	default:
		return false;
	}
}

/* Follows an attribute that refers to another entry, in another unit or file maybe. */
static bool follow(Dwarf_Die *die, unsigned int name, Dwarf_Die *ret_die)
{
	Dwarf_Attribute attribute;

	return dwarf_attr_integrate(die, name, &attribute) &&
	       dwarf_formref_die(&attribute, ret_die);
}

static bool is_declaration(Dwarf_Die *type)
{
	Dwarf_Attribute attribute;
	bool flag = false;

	return dwarf_attr(type, DW_AT_declaration, &attribute) &&
	       !dwarf_formflag(&attribute, &flag) && flag;
}

bool vqi_dwarf_peel(Dwarf_Die *type)
{
	for (int i = 0; i < MAX_TYPE_DEPTH; i++) {
		Dwarf_Die next;
		unsigned int by = DW_AT_type;

		switch (dwarf_tag(type)) {
		case DW_TAG_typedef:
		case DW_TAG_const_type:
		case DW_TAG_volatile_type:
		case DW_TAG_restrict_type:
		case DW_TAG_atomic_type:
			break;
		case DW_TAG_structure_type:
		case DW_TAG_union_type:
		case DW_TAG_class_type:
			/* 5.7.1: a declaration may tell the signature of its type unit. */
			if (!is_declaration(type) || !dwarf_hasattr(type, DW_AT_signature))
				return true;
			by = DW_AT_signature;
			break;
		default:
			return true;
		}
		if (!follow(type, by, &next))
			return false; /* const void, or broken */
		*type = next;
	}
	return false;
}

bool vqi_dwarf_is_complete(Dwarf_Die *type)
{
	return is_aggregate(type) && !is_declaration(type) && dwarf_hasattr(type, DW_AT_byte_size);
}

static bool type_of(Dwarf_Die *die, Dwarf_Die *ret_type)
{
	return follow(die, DW_AT_type, ret_type) && vqi_dwarf_peel(ret_type);
}

/* 5.7.6: a constant; a location description in DWARF 2; or nothing, for the members of a union. A
 * bit-field has no address, so nobody can read it as bytes. */
static bool member_offset(Dwarf_Die *member, uint64_t *ret_offset)
{
	Dwarf_Attribute attribute;
	Dwarf_Word offset;
	Dwarf_Op *ops;
	size_t count;

	if (dwarf_hasattr(member, DW_AT_bit_size) || dwarf_hasattr(member, DW_AT_data_bit_offset) ||
	    dwarf_hasattr(member, DW_AT_bit_offset))
		return false;
	if (!dwarf_attr(member, DW_AT_data_member_location, &attribute)) {
		*ret_offset = 0;
		return true;
	}
	switch (dwarf_whatform(&attribute)) {
	case DW_FORM_block:
	case DW_FORM_block1:
	case DW_FORM_block2:
	case DW_FORM_block4:
	case DW_FORM_exprloc:
		if (dwarf_getlocation(&attribute, &ops, &count) || count != 1 ||
		    ops[0].atom != DW_OP_plus_uconst)
			return false;
		*ret_offset = ops[0].number;
		return true;
	default:
		if (dwarf_formudata(&attribute, &offset))
			return false;
		*ret_offset = offset;
		return true;
	}
}

/* One step of a path. */
struct member {
	Dwarf_Die die;
	uint64_t offset; /* from the start of the structure that was searched */
};

static bool has_name(Dwarf_Die *die, const char *name, size_t len)
{
	const char *text = dwarf_diename(die);

	return text && !strncmp(text, name, len) && !text[len];
}

/* Finds a member, also one of an unnamed structure or union: C11 6.7.2.1p13. QEMU 10.2 wrapped
 * VirtIODevice.guest_features in one: include/hw/virtio/virtio-features.h. */
static bool find_member(Dwarf_Die *type, const char *name, size_t len, int depth,
			struct member *ret_member)
{
	Dwarf_Die child;

	if (depth == MAX_TYPE_DEPTH || dwarf_child(type, &child))
		return false;
	do {
		Dwarf_Die inner;
		uint64_t offset;

		if (dwarf_tag(&child) != DW_TAG_member)
			continue;
		if (has_name(&child, name, len)) {
			ret_member->die = child;
			return member_offset(&child, &ret_member->offset);
		}
		if (dwarf_diename(&child) || !type_of(&child, &inner) || !is_aggregate(&inner) ||
		    !find_member(&inner, name, len, depth + 1, ret_member))
			continue;
		return member_offset(&child, &offset) &&
		       vqi_add_u64(ret_member->offset, offset, &ret_member->offset);
	} while (!dwarf_siblingof(&child, &child));
	return false;
}

/* The number of elements of one dimension; false for that of a flexible array member: 5.13. */
static bool element_count(Dwarf_Die *subrange, uint64_t *ret_count)
{
	Dwarf_Attribute attribute;
	Dwarf_Word count;

	if (dwarf_attr_integrate(subrange, DW_AT_count, &attribute)) {
		if (dwarf_formudata(&attribute, &count))
			return false;
		*ret_count = count;
		return true;
	}
	/* In C the lower bound is 0. dwarf_aggregate_size() wants to read that from DW_AT_language,
	 * which the partial units of dwz do not have. */
	if (!dwarf_attr_integrate(subrange, DW_AT_upper_bound, &attribute) ||
	    dwarf_formudata(&attribute, &count))
		return false;
	return vqi_add_u64(count, 1, ret_count);
}

static bool array_count(Dwarf_Die *array, uint64_t *ret_count)
{
	Dwarf_Die child;

	*ret_count = 1;
	if (dwarf_child(array, &child))
		return false;
	do {
		uint64_t count;

		if (dwarf_tag(&child) == DW_TAG_subrange_type &&
		    (!element_count(&child, &count) || !vqi_mul_u64(*ret_count, count, ret_count)))
			return false;
	} while (!dwarf_siblingof(&child, &child));
	return true;
}

/* Bytes of a peeled type; 0 where it has no size. */
static uint64_t size_of(Dwarf_Die *type)
{
	Dwarf_Die element = *type;
	uint64_t total = 1, count, size;
	Dwarf_Attribute attribute;
	Dwarf_Word value;

	for (int i = 0; dwarf_tag(&element) == DW_TAG_array_type; i++)
		if (i == MAX_TYPE_DEPTH || !array_count(&element, &count) ||
		    !vqi_mul_u64(total, count, &total) || !type_of(&element, &element))
			return 0;
	if (dwarf_attr_integrate(&element, DW_AT_byte_size, &attribute)) {
		if (dwarf_formudata(&attribute, &value))
			return 0;
	} else if (dwarf_tag(&element) == DW_TAG_pointer_type) {
		value = sizeof(void *); /* the image has our word size */
	} else {
		return 0;
	}
	return vqi_mul_u64(total, value, &size) ? size : 0;
}

/* Finds the field that path, "conf.conf.blk", leads to. */
static bool find_field(Dwarf_Die *structure, const char *path, uint64_t *ret_offset,
		       uint64_t *ret_size)
{
	Dwarf_Die type = *structure;
	uint64_t offset = 0;

	while (*path) {
		size_t len = strcspn(path, ".");
		struct member member;

		if (!is_aggregate(&type) || !find_member(&type, path, len, 0, &member) ||
		    !vqi_add_u64(offset, member.offset, &offset) || !type_of(&member.die, &type))
			return false;
		path += len;
		path += *path == '.';
	}
	*ret_offset = offset;
	*ret_size = size_of(&type);
	return true;
}

void vqi_dwarf_read_struct(Dwarf_Die *type, enum vqi_struct_id id, struct vqi_layout *layout)
{
	uint64_t size = size_of(type);

	if (size > VQI_LAYOUT_MAX_SIZE)
		return;
	layout->structs[id] = (struct vqi_struct_layout){.present = true, .size = (uint32_t)size};
	for (size_t i = 0; i < VQI_FIELD_COUNT; i++) {
		const struct vqi_field_info *info = vqi_field_info(i);
		uint64_t offset, len;

		if (info->structure == id && find_field(type, info->path, &offset, &len) &&
		    vqi_range_within(offset, len, size))
			layout->fields[i] = (struct vqi_field){
				.present = true, .offset = (uint32_t)offset, .size = (uint32_t)len};
	}
}
