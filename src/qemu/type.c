/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QOM types: what an object is. Source: qom/object.c struct TypeImpl. */
#include "type.h"

#include <stdlib.h>
#include <string.h>

#include "vqi/limits.h"
#include "vqi/qemu.h"

/* One type; names[0] is its own, the others are its ancestors', nearest first. */
struct type {
	uint64_t class;
	char *names[VQI_MAX_QOM_DEPTH];
	size_t name_count;
};

struct vqi_types {
	struct type **types;
	size_t count;
};

struct vqi_types *vqi_types_new(void)
{
	return calloc(1, sizeof(struct vqi_types));
}

static void type_free(struct type *type)
{
	for (size_t i = 0; i < type->name_count; i++)
		free(type->names[i]);
	free(type);
}
VQI_DEFINE_CLEANUP(struct type *, type_free)

void vqi_types_free(struct vqi_types *types)
{
	if (!types)
		return;
	for (size_t i = 0; i < types->count; i++)
		type_free(types->types[i]);
	free(types->types);
	free(types);
}

/* TypeImpl.parent is only a name; parent_type is the pointer, and is set for every type that has been
 * instantiated. Source: qom/object.c type_get_parent(). */
static struct vqi_error *read_ancestry(struct vqi_qemu *qemu, uint64_t impl, struct type *type)
{
	struct vqi_error *error;

	while (impl) {
		if (type->name_count == VQI_MAX_QOM_DEPTH)
			return vqi_error_new(VQI_ERROR_LIMIT, "type of more than %d ancestors",
					     VQI_MAX_QOM_DEPTH);
		error = vqi_qemu_string_field(qemu, impl, VQI_F_TypeImpl_name,
					      &type->names[type->name_count]);
		if (error)
			return error;
		if (!type->names[type->name_count])
			return vqi_error_new(VQI_ERROR_BAD_DATA, "type without a name");
		type->name_count++;
		error = vqi_qemu_field(qemu, impl, VQI_F_TypeImpl_parent_type, &impl);
		if (error)
			return error;
	}
	return NULL;
}

static struct vqi_error *types_add(struct vqi_types *types, struct type *type)
{
	struct type **grown = reallocarray(types->types, types->count + 1, sizeof(struct type *));

	if (!grown)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	types->types = grown;
	types->types[types->count++] = type;
	return NULL;
}

static struct vqi_error *type_of(struct vqi_qemu *qemu, uint64_t object,
				 const struct type **ret_type)
{
	vqi_cleanup(type_free) struct type *type = NULL;
	struct vqi_types *types = qemu->types;
	struct vqi_error *error;
	uint64_t class, impl;

	error = vqi_qemu_field(qemu, object, VQI_F_Object_class, &class);
	if (error)
		return error;
	for (size_t i = 0; i < types->count; i++) {
		if (types->types[i]->class == class) {
			*ret_type = types->types[i];
			return NULL;
		}
	}

	type = calloc(1, sizeof(*type));
	if (!type)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	type->class = class;
	error = vqi_qemu_field(qemu, class, VQI_F_ObjectClass_type, &impl);
	if (!error)
		error = read_ancestry(qemu, impl, type);
	if (!error && !type->name_count)
		error = vqi_error_new(VQI_ERROR_BAD_DATA, "object without a type");
	if (!error)
		error = types_add(types, type);
	if (error)
		return error;
	*ret_type = take_ptr(type);
	return NULL;
}

struct vqi_error *vqi_qemu_is_a(struct vqi_qemu *qemu, uint64_t object, const char *name,
				bool *ret_is_a)
{
	const struct type *type;
	struct vqi_error *error;

	error = type_of(qemu, object, &type);
	if (error)
		return error;
	*ret_is_a = false;
	for (size_t i = 0; i < type->name_count && !*ret_is_a; i++)
		*ret_is_a = strcmp(type->names[i], name) == 0;
	return NULL;
}

struct vqi_error *vqi_qemu_type_name(struct vqi_qemu *qemu, uint64_t object, const char **ret_name)
{
	const struct type *type;
	struct vqi_error *error;

	error = type_of(qemu, object, &type);
	if (!error)
		*ret_name = type->names[0];
	return error;
}
