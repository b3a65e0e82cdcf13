/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The QOM tree. Source: qom/object.c do_object_child_foreach(). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vqi/ghash.h"
#include "vqi/limits.h"

#include "objects.h"

#define CHILD_PREFIX "child<" /* ObjectProperty.type of a child property; the type's name follows */

/* Most objects are of these types, and no device is below one. The first name is that of old versions. */
static const char *const barren[] = {"qemu:memory-region>", "memory-region>", "irq>"};
#define BARREN_COUNT (sizeof(barren) / sizeof(barren[0]))
#define BARREN_MAX   sizeof("qemu:memory-region>")

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

/* The type did not have the prefix's length: it is short and ends with a mapping, or unreadable. */
static struct vqi_error *read_short_type(struct vqi_qemu *qemu, struct property *property)
{
	vqi_cleanup_free char *type = NULL;

	property->prefix[0] = '\0';
	return vqi_mem_read_string(qemu->mem, property->type, sizeof(property->prefix), &type);
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
	error = vqi_mem_readv_all(qemu->mem, ranges, used);
	if (error)
		return error;

	for (size_t i = 0; i < count; i++)
		ranges[i] = (struct vqi_range){
			.addr = ret_properties[i].type,
			.buf = ret_properties[i].prefix,
			.len = sizeof(ret_properties[i].prefix),
		};
	error = vqi_mem_readv(qemu->mem, ranges, count);
	for (size_t i = 0; !error && i < count; i++) {
		if (!ranges[i].ok)
			error = read_short_type(qemu, &ret_properties[i]);
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

	return vqi_layout_need(layout, needed, sizeof(needed) / sizeof(needed[0]));
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

struct vqi_error *vqi_qom_children(struct vqi_qemu *qemu, uint64_t parent, const char *type,
				   struct vqi_objects *objects)
{
	vqi_cleanup(children_done) struct children children = {0};
	struct vqi_error *error = read_children(qemu, parent, &children);

	for (size_t i = 0; !error && i < children.count; i++) {
		char *name = NULL;
		bool is_a;

		error = vqi_qemu_is_a(qemu, children.properties[i].opaque, type, &is_a);
		if (error || !is_a)
			continue;
		error = vqi_mem_read_string(qemu->mem, children.properties[i].name, VQI_MAX_NAME,
					    &name);
		if (!error)
			error = vqi_objects_add(objects, children.properties[i].opaque, name);
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

/* An object of the tree. Its path is only built for the few that are wanted. */
struct node {
	uint64_t address;
	uint64_t name; /* address of the name by which its parent knows it; 0: the machine */
	size_t parent; /* index into tree.nodes */
	unsigned int depth;
};

struct tree {
	struct node *nodes; /* parents before children */
	size_t count, capacity;
};

static void tree_done(struct tree *tree)
{
	free(tree->nodes);
}
VQI_DEFINE_CLEANUP_VALUE(struct tree, tree_done)

static struct vqi_error *tree_add(struct tree *tree, struct node node)
{
	struct node *grown;

	if (tree->count >= VQI_MAX_QOM_OBJECTS)
		return vqi_error_new(VQI_ERROR_LIMIT, "more than %d objects", VQI_MAX_QOM_OBJECTS);
	if (node.depth > VQI_MAX_QOM_DEPTH)
		return vqi_error_new(VQI_ERROR_LIMIT, "more than %d levels", VQI_MAX_QOM_DEPTH);
	if (tree->count == tree->capacity) {
		size_t capacity = tree->capacity ? 2 * tree->capacity : 512;

		grown = reallocarray(tree->nodes, capacity, sizeof(*grown));
		if (!grown)
			return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
		tree->nodes = grown;
		tree->capacity = capacity;
	}
	tree->nodes[tree->count++] = node;
	return NULL;
}

static bool is_barren(const char *name)
{
	bool is_one = false;

	for (size_t i = 0; i < BARREN_COUNT; i++)
		is_one |= strncmp(name, barren[i], strlen(barren[i])) == 0;
	return is_one;
}

/* A type whose name cannot be read that far is some other. */
static struct vqi_error *drop_barren(struct vqi_qemu *qemu, struct children *children)
{
	vqi_cleanup_free struct vqi_range *ranges = calloc(children->count + 1, sizeof(*ranges));
	vqi_cleanup_free char *names = calloc(children->count + 1, BARREN_MAX);
	size_t count = children->count;
	struct vqi_error *error;

	if (!ranges || !names)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	for (size_t i = 0; i < count; i++)
		ranges[i] = (struct vqi_range){.addr = children->properties[i].type +
						       strlen(CHILD_PREFIX),
					       .buf = names + i * BARREN_MAX,
					       .len = BARREN_MAX};
	error = vqi_mem_readv(qemu->mem, ranges, count);
	children->count = 0;
	for (size_t i = 0; !error && i < count; i++) {
		if (!ranges[i].ok || !is_barren(ranges[i].buf))
			children->properties[children->count++] = children->properties[i];
	}
	return error;
}

static struct vqi_error *add_children(struct vqi_qemu *qemu, struct tree *tree, size_t parent)
{
	vqi_cleanup(children_done) struct children children = {0};
	struct vqi_error *error;

	error = read_children(qemu, tree->nodes[parent].address, &children);
	if (!error)
		error = drop_barren(qemu, &children);
	for (size_t i = 0; !error && i < children.count; i++)
		error = tree_add(tree, (struct node){
					       .address = children.properties[i].opaque,
					       .name = children.properties[i].name,
					       .parent = parent,
					       .depth = tree->nodes[parent].depth + 1,
				       });
	return error;
}

/* Source: qom/object.c object_get_canonical_path(). */
static struct vqi_error *path_of(struct vqi_qemu *qemu, const struct tree *tree, size_t index,
				 char **ret_path)
{
	vqi_cleanup_free char *path = strdup("");
	struct vqi_error *error;

	for (const struct node *node = &tree->nodes[index]; path && node->name;
	     node = &tree->nodes[node->parent]) {
		vqi_cleanup_free char *name = NULL, *tail = take_ptr(path);

		error = vqi_mem_read_string(qemu->mem, node->name, VQI_MAX_NAME, &name);
		if (error)
			return error;
		if (asprintf(&path, "/%s%s", name, tail) < 0)
			path = NULL;
	}
	if (!path || asprintf(ret_path, "/machine%s", path) < 0)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	return NULL;
}

static struct vqi_error *visit(struct vqi_qemu *qemu, struct tree *tree, size_t index,
			       struct vqi_objects *devices)
{
	uint64_t address = tree->nodes[index].address;
	struct vqi_error *error;
	char *path;
	bool wanted;

	error = vqi_qemu_is_realized_virtio(qemu, address, devices, &wanted);
	if (!error && wanted) {
		error = path_of(qemu, tree, index, &path);
		if (!error)
			error = vqi_objects_add(devices, address, path);
	}
	if (!error)
		error = add_children(qemu, tree, index);
	return vqi_error_prefix(error, "object at 0x%llx", (unsigned long long)address);
}

struct vqi_error *vqi_qom_find_virtio(struct vqi_qemu *qemu, struct vqi_objects *devices)
{
	vqi_cleanup(tree_done) struct tree tree = {0};
	struct vqi_error *error;
	uint64_t machine;

	error = vqi_qemu_pointer(qemu, VQI_SYM_current_machine, &machine);
	if (!error && !machine)
		error = vqi_error_new(VQI_ERROR_BAD_DATA, "there is no machine yet");
	if (!error)
		error = tree_add(&tree, (struct node){.address = machine});
	for (size_t i = 0; !error && i < tree.count; i++)
		error = visit(qemu, &tree, i, devices);
	return error;
}
