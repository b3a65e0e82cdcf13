/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The QOM tree. Source: qom/object.c do_object_child_foreach(). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vqi/ghash.h"
#include "vqi/limits.h"

#include "objects.h"

#define CHILD_PREFIX "child<" /* ObjectProperty.type of a child property */

/* What is read of every property of an object, all properties at once. */
struct property {
	uint64_t type, opaque, name;
	char prefix[sizeof(CHILD_PREFIX) - 1];
};

static void add_range(struct vqi_range *ranges, size_t *count, uint64_t address,
		      const struct vqi_field *field, uint64_t *ret_pointer)
{
	ranges[(*count)++] = (struct vqi_range){
		.addr = address + field->offset,
		.buf = ret_pointer,
		.len = sizeof(*ret_pointer),
	};
}

static struct vqi_error *first_fault(const struct vqi_range *ranges, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!ranges[i].ok)
			return vqi_error_fault(ranges[i].addr, ranges[i].len);
	}
	return NULL;
}

/* Two system calls for all properties of an object: their pointers, then what these point to. */
static struct vqi_error *read_properties(struct vqi_qemu *qemu, const uint64_t *addresses,
					 size_t count, struct property *ret_properties)
{
	const struct vqi_field *fields = qemu->layout->fields;
	vqi_cleanup_free struct vqi_range *ranges = calloc(count * 3, sizeof(*ranges));
	struct vqi_error *error;
	size_t used = 0;

	if (!ranges)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	for (size_t i = 0; i < count; i++) {
		struct property *property = &ret_properties[i];

		add_range(ranges, &used, addresses[i], &fields[VQI_F_ObjectProperty_type],
			  &property->type);
		add_range(ranges, &used, addresses[i], &fields[VQI_F_ObjectProperty_opaque],
			  &property->opaque);
		add_range(ranges, &used, addresses[i], &fields[VQI_F_ObjectProperty_name],
			  &property->name);
	}
	error = vqi_mem_readv(qemu->mem, ranges, used);
	if (!error)
		error = first_fault(ranges, used);
	if (error)
		return error;

	for (size_t i = 0; i < count; i++)
		ranges[i] = (struct vqi_range){
			.addr = ret_properties[i].type,
			.buf = ret_properties[i].prefix,
			.len = sizeof(ret_properties[i].prefix),
		};
	error = vqi_mem_readv(qemu->mem, ranges, count);
	/* A shorter type at the end of a mapping is none of ours. */
	for (size_t i = 0; !error && i < count; i++) {
		if (!ranges[i].ok)
			ret_properties[i].prefix[0] = '\0';
	}
	return error;
}

struct children {
	struct property *properties; /* only child properties */
	size_t count;
};

static void children_done(struct children *children)
{
	free(children->properties);
}
VQI_DEFINE_CLEANUP_VALUE(struct children, children_done)

/* read_properties() takes offsets from the layout as they are. */
static struct vqi_error *check_fields(const struct vqi_layout *layout)
{
	static const enum vqi_field_id needed[] = {
		VQI_F_ObjectProperty_name,
		VQI_F_ObjectProperty_type,
		VQI_F_ObjectProperty_opaque,
	};

	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		if (!layout->fields[needed[i]].present)
			return vqi_error_new(VQI_ERROR_NO_LAYOUT, "%s is unknown",
					     vqi_field_info(needed[i])->name);
	}
	return NULL;
}

/* Reads the properties of an object that are its children. */
static struct vqi_error *read_children(struct vqi_qemu *qemu, uint64_t object,
				       struct children *ret_children)
{
	vqi_cleanup_free struct property *properties = NULL;
	vqi_cleanup_free uint64_t *addresses = NULL;
	struct vqi_error *error;
	size_t count, kept = 0;
	uint64_t table;

	error = check_fields(qemu->layout);
	if (!error)
		error = vqi_qemu_field(qemu, object, VQI_F_Object_properties, &table);
	if (!error && !table)
		return NULL;
	if (!error)
		error = vqi_ghash_values(qemu->mem, table, &addresses, &count);
	if (error || !count)
		return error;
	properties = calloc(count, sizeof(*properties));
	if (!properties)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	error = read_properties(qemu, addresses, count, properties);
	if (error)
		return error;
	for (size_t i = 0; i < count; i++) {
		if (memcmp(properties[i].prefix, CHILD_PREFIX, strlen(CHILD_PREFIX)) == 0)
			properties[kept++] = properties[i];
	}
	*ret_children = (struct children){.properties = take_ptr(properties), .count = kept};
	return NULL;
}

/* Puts the children of an object onto the list of those to visit. */
static struct vqi_error *push_children(struct vqi_qemu *qemu, uint64_t object, const char *path,
				       struct vqi_objects *pending, size_t *visited)
{
	vqi_cleanup(children_done) struct children children = {0};
	struct vqi_error *error;

	error = read_children(qemu, object, &children);
	for (size_t i = 0; !error && i < children.count; i++) {
		vqi_cleanup_free char *name = NULL;
		char *child_path;

		if (++*visited > VQI_MAX_QOM_OBJECTS)
			return vqi_error_new(VQI_ERROR_LIMIT, "more than %d objects",
					     VQI_MAX_QOM_OBJECTS);
		error = vqi_mem_read_string(qemu->mem, children.properties[i].name, VQI_MAX_NAME,
					    &name);
		if (error)
			return error;
		if (asprintf(&child_path, "%s/%s", path, name) < 0)
			child_path = NULL;
		error = vqi_objects_add(pending, VQI_MAX_QOM_OBJECTS, children.properties[i].opaque,
					child_path);
	}
	return error;
}

struct vqi_error *vqi_qemu_object_name(struct vqi_qemu *qemu, uint64_t object, char **ret_name)
{
	vqi_cleanup(children_done) struct children children = {0};
	struct vqi_error *error;
	uint64_t parent;

	*ret_name = NULL;
	error = vqi_qemu_field(qemu, object, VQI_F_Object_parent, &parent);
	if (!error && parent)
		error = read_children(qemu, parent, &children);
	for (size_t i = 0; !error && i < children.count; i++) {
		if (children.properties[i].opaque == object)
			return vqi_mem_read_string(qemu->mem, children.properties[i].name,
						   VQI_MAX_NAME, ret_name);
	}
	return error;
}

static unsigned int depth_of(const char *path)
{
	unsigned int depth = 0;

	for (; *path; path++)
		depth += *path == '/';
	return depth;
}

static struct vqi_error *visit(struct vqi_qemu *qemu, const struct vqi_object *object,
			       struct vqi_objects *pending, size_t *visited,
			       struct vqi_objects *devices)
{
	struct vqi_error *error;

	if (depth_of(object->path) > VQI_MAX_QOM_DEPTH)
		return vqi_error_new(VQI_ERROR_LIMIT, "more than %d levels", VQI_MAX_QOM_DEPTH);
	error = vqi_objects_add_virtio(qemu, devices, object->address, object->path);
	if (!error)
		error = push_children(qemu, object->address, object->path, pending, visited);
	return vqi_error_prefix(error, "%s", object->path);
}

struct vqi_error *vqi_qom_find_virtio(struct vqi_qemu *qemu, struct vqi_objects *devices)
{
	vqi_cleanup(vqi_objects_done) struct vqi_objects pending = {0};
	struct vqi_error *error;
	uint64_t machine;
	size_t visited = 0;

	error = vqi_qemu_pointer(qemu, VQI_SYM_current_machine, &machine);
	if (!error && !machine)
		error = vqi_error_new(VQI_ERROR_BAD_DATA, "there is no machine yet");
	if (!error)
		error = vqi_objects_add(&pending, 1, machine, strdup("/machine"));

	while (!error && pending.count) {
		struct vqi_object object = pending.objects[--pending.count];

		error = visit(qemu, &object, &pending, &visited, devices);
		free(object.path);
	}
	return error;
}
