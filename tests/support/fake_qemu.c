/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fake_qemu.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BASE		UINT64_C(0x7f1200000000)
#define BIAS		UINT64_C(0x55d0c0000000)
#define IMAGE		0x4000 /* where the variables are linked, and how large they are together */

#define FIRST_LIVE_HASH 2

struct fake_type {
	const char *name;
	uint64_t class, impl;
	struct fake_type *next;
};

/* One property of an object. */
struct fake_properties {
	uint64_t object, address, opaque;
	char name[64];
	struct fake_properties *next;
};

static void die(const char *what)
{
	fprintf(stderr, "fake_qemu: %s\n", what);
	abort();
}

static void *must(void *pointer)
{
	if (!pointer)
		die("out of memory");
	return pointer;
}

static struct vqi_error *note_readv(struct vqi_mem *mem, struct vqi_range *ranges, size_t count)
{
	struct fake_qemu *qemu = (struct fake_qemu *)mem;
	struct vqi_error *error = vqi_mem_readv(vqi_fake_mem_base(qemu->fake), ranges, count);

	if (error)
		return error;
	if (qemu->read_count + count > qemu->read_room) {
		qemu->read_room = 2 * (qemu->read_count + count);
		qemu->reads =
			must(reallocarray(qemu->reads, qemu->read_room, sizeof(*qemu->reads)));
	}
	for (size_t i = 0; i < count; i++) {
		if (ranges[i].ok)
			qemu->reads[qemu->read_count++] =
				(struct fake_read){ranges[i].addr, ranges[i].len};
	}
	return NULL;
}

void fake_forget(struct fake_qemu *qemu)
{
	qemu->read_count = 0;
}

struct fake_read *fake_take_reads(struct fake_qemu *qemu, size_t *ret_count)
{
	*ret_count = qemu->read_count;
	qemu->read_count = qemu->read_room = 0;
	return take_ptr(qemu->reads);
}

uint64_t fake_alloc(struct fake_qemu *qemu, size_t len)
{
	uint64_t address = qemu->next;

	vqi_fake_mem_map(qemu->fake, address, len);
	qemu->next += (len + 15) / 16 * 16 + qemu->gap;
	return address;
}

uint64_t fake_make(struct fake_qemu *qemu, enum vqi_struct_id structure)
{
	return fake_alloc(qemu, qemu->layout.structs[structure].size);
}

uint8_t *fake_bytes(struct fake_qemu *qemu, uint64_t address, size_t len)
{
	return vqi_fake_mem_at(qemu->fake, address, len);
}

uint64_t fake_text(struct fake_qemu *qemu, const char *text)
{
	size_t len = strlen(text) + 1;
	uint64_t address = fake_alloc(qemu, len);

	memcpy(fake_bytes(qemu, address, len), text, len);
	return address;
}

void fake_poke(struct fake_qemu *qemu, uint64_t address, size_t size, uint64_t value)
{
	memcpy(fake_bytes(qemu, address, size), &value, size < 8 ? size : 8);
}

void fake_set(struct fake_qemu *qemu, uint64_t address, enum vqi_field_id field, uint64_t value)
{
	const struct vqi_field *place = &qemu->layout.fields[field];

	fake_poke(qemu, address + place->offset, place->size, value);
}

uint64_t fake_get(struct fake_qemu *qemu, uint64_t address, enum vqi_field_id field)
{
	const struct vqi_field *place = &qemu->layout.fields[field];
	uint64_t value = 0;

	memcpy(&value, fake_bytes(qemu, address + place->offset, place->size),
	       place->size < 8 ? place->size : 8);
	return value;
}

uint64_t fake_place(const struct fake_qemu *qemu, uint64_t address, enum vqi_field_id field)
{
	return address + qemu->layout.fields[field].offset;
}

void fake_push(struct fake_qemu *qemu, uint64_t head, uint64_t node, enum vqi_field_id next)
{
	uint64_t first;

	memcpy(&first, fake_bytes(qemu, head, 8), 8);
	fake_set(qemu, node, next, first);
	fake_poke(qemu, head, 8, node);
}

void fake_set_text(struct fake_qemu *qemu, uint64_t address, enum vqi_field_id field,
		   const char *text)
{
	const struct vqi_field *place = &qemu->layout.fields[field];

	if (place->size == 8)
		fake_set(qemu, address, field, fake_text(qemu, text));
	else if (strlen(text) < place->size)
		strcpy((char *)fake_bytes(qemu, address + place->offset, place->size), text);
	else
		die("text too long");
}

uint64_t fake_symbol(struct fake_qemu *qemu, enum vqi_symbol_id symbol)
{
	return qemu->qemu.bias + qemu->layout.symbols[symbol].address;
}

void fake_set_symbol(struct fake_qemu *qemu, enum vqi_symbol_id symbol, size_t size, uint64_t value)
{
	fake_poke(qemu, fake_symbol(qemu, symbol), size, value);
}

/* QOM's inheritance, as far as anything here asks for it. */
static const char *parent_of(const char *type)
{
	static const char *const parents[][2] = {
		{"virtio-blk-device", "virtio-device"},
		{"virtio-net-device", "virtio-device"},
		{"virtio-rng-device", "virtio-device"},
		{"virtio-scsi-device", "virtio-device"},
		{"virtio-serial-device", "virtio-device"},
		{"virtio-crypto-device", "virtio-device"},
		{"virtio-9p-device", "virtio-device"},
		{"vhost-user-fs-device", "virtio-device"},
		{"vhost-user-blk", "virtio-device"},
		{"virtio-device", "device"},
		{"virtio-blk-pci", "virtio-pci"},
		{"virtio-pci", "pci-device"},
		{"virtio-blk-ccw", "virtio-ccw-device"},
		{"virtio-ccw-device", "ccw-device"},
		{"ccw-device", "device"},
		{"virtio-mmio", "sys-bus-device"},
		{"pci-device", "device"},
		{"sys-bus-device", "device"},
		{"iothread", "object"},
		{"qemu64-x86_64-cpu", "cpu"},
		{"cpu", "device"},
		{"scsi-hd", "scsi-device"},
		{"scsi-device", "device"},
		{"virtconsole", "virtserialport"},
		{"virtserialport", "device"},
		{"device", "object"},
		{"pxb-pcie-bus", "PCIE"},
		{"PCIE", "PCI"},
		{"PCI", "bus"},
		{"virtio-bus", "bus"},
		{"bus", "object"},
		{"q35-machine", "machine"},
		{"machine", "object"},
	};

	for (size_t i = 0; i < sizeof(parents) / sizeof(parents[0]); i++) {
		if (strcmp(parents[i][0], type) == 0)
			return parents[i][1];
	}
	return strcmp(type, "object") ? "object" : NULL;
}

static struct fake_type *type_of(struct fake_qemu *qemu, const char *name)
{
	const char *parent = parent_of(name);
	struct fake_type *type;

	for (type = qemu->types; type; type = type->next) {
		if (strcmp(type->name, name) == 0)
			return type;
	}
	type = must(calloc(1, sizeof(*type)));
	/* Large enough for each kind of class. */
	*type = (struct fake_type){
		.name = name,
		.class = fake_alloc(qemu, qemu->layout.structs[VQI_S_MachineClass].size),
		.impl = fake_alloc(qemu, qemu->layout.structs[VQI_S_TypeImpl].size),
		.next = qemu->types,
	};
	qemu->types = type;
	fake_set(qemu, type->class, VQI_F_ObjectClass_type, type->impl);
	fake_set(qemu, type->impl, VQI_F_TypeImpl_class, type->class);
	fake_set_text(qemu, type->impl, VQI_F_TypeImpl_name, name);
	fake_set(qemu, type->impl, VQI_F_TypeImpl_instance_size,
		 qemu->layout.structs[fake_structure_of(name)].size);
	if (parent)
		fake_set(qemu, type->impl, VQI_F_TypeImpl_parent_type, type_of(qemu, parent)->impl);
	return type;
}

uint64_t fake_class(struct fake_qemu *qemu, const char *name)
{
	return type_of(qemu, name)->class;
}

uint64_t fake_type_impl(struct fake_qemu *qemu, uint64_t class)
{
	return fake_get(qemu, class, VQI_F_ObjectClass_type);
}

uint64_t fake_object(struct fake_qemu *qemu, enum vqi_struct_id structure, const char *type)
{
	uint64_t object = fake_make(qemu, structure);

	fake_set(qemu, object, VQI_F_Object_class, fake_class(qemu, type));
	return object;
}

/* Where the fields of a GHashTable lie; -1: it has none such. */
struct hash_shape {
	int size_bytes, mask, nnodes, flags, hashes, values;
};

static const struct hash_shape hash_shapes[] = {
	[FAKE_GLIB_2_56] = {4, 8, 12, -1, 32, 40},
	[FAKE_GLIB_2_60] = {4, 8, 12, 20, 32, 40},
	[FAKE_GLIB_2_62] = {8, 12, 16, 24, 40, 48},
	[FAKE_GLIB_2_87] = {4, 8, 12, 20, 32, 40},
};

uint64_t fake_hash(struct fake_qemu *qemu, uint32_t slots, const uint64_t *values, size_t count,
		   bool small)
{
	const struct hash_shape *shape = &hash_shapes[qemu->glib];
	size_t width = small ? 4 : 8;
	uint64_t table = fake_alloc(qemu, 96);
	uint64_t hashes = fake_alloc(qemu, (size_t)slots * 4);
	uint64_t slot = fake_alloc(qemu, slots * width);
	uint32_t place = 1;

	if (count * 2 > slots)
		die("too many values");
	fake_poke(qemu, table, (size_t)shape->size_bytes, slots);
	fake_poke(qemu, table + (size_t)shape->size_bytes, 4, 7); /* mod, a prime */
	fake_poke(qemu, table + (size_t)shape->mask, 4, slots - 1);
	fake_poke(qemu, table + (size_t)shape->nnodes, 4, count);
	if (shape->flags >= 0)
		fake_poke(qemu, table + (size_t)shape->flags, 4, small ? 0 : 3);
	fake_poke(qemu, table + (size_t)shape->hashes, 8, hashes);
	fake_poke(qemu, table + (size_t)shape->values, 8, slot);
	for (size_t i = 0; i < count; i++) {
		fake_poke(qemu, hashes + place * 4, 4, FIRST_LIVE_HASH + i * 0x01000193);
		fake_poke(qemu, slot + place * width, width, values[i]);
		place = (place + 1) & (slots - 1);
		if (place != 1) { /* a tombstone, with what was there before */
			fake_poke(qemu, hashes + place * 4, 4, 1);
			fake_poke(qemu, slot + place * width, width, 0xdead);
		}
		place = (place + 1) & (slots - 1);
	}
	return table;
}

void fake_rehash(struct fake_qemu *qemu, uint64_t object)
{
	uint64_t values[256];
	size_t count = 0;
	uint32_t slots = 8;

	for (struct fake_properties *each = qemu->properties; each; each = each->next) {
		if (each->object == object && count < 256)
			values[count++] = each->address;
	}
	while (slots < 2 * count)
		slots *= 2;
	fake_set(qemu, object, VQI_F_Object_properties,
		 fake_hash(qemu, slots, values, count, qemu->next >> 32 == 0));
}

void fake_add_property(struct fake_qemu *qemu, uint64_t object, const char *name, const char *type,
		       uint64_t opaque)
{
	struct fake_properties *property = must(calloc(1, sizeof(*property)));

	*property = (struct fake_properties){
		.object = object,
		.address = fake_alloc(qemu, qemu->layout.structs[VQI_S_ObjectProperty].size),
		.opaque = opaque,
		.next = qemu->properties,
	};
	snprintf(property->name, sizeof(property->name), "%s", name);
	qemu->properties = property;
	fake_set_text(qemu, property->address, VQI_F_ObjectProperty_name, name);
	fake_set_text(qemu, property->address, VQI_F_ObjectProperty_type, type);
	fake_set(qemu, property->address, VQI_F_ObjectProperty_opaque, opaque);
	fake_rehash(qemu, object);
}

void fake_add_child(struct fake_qemu *qemu, uint64_t parent, const char *name, uint64_t child)
{
	fake_set(qemu, child, VQI_F_Object_parent, parent);
	fake_add_property(qemu, parent, name, "child<thing>", child);
}

uint64_t fake_child(struct fake_qemu *qemu, uint64_t parent, const char *name)
{
	for (struct fake_properties *each = qemu->properties; each; each = each->next) {
		if (each->object == parent && strcmp(each->name, name) == 0)
			return each->opaque;
	}
	die("no such child");
	return 0;
}

/* The last pointer of a list that begins with the pointer field of head: where to hang the next. */
static uint64_t list_end(struct fake_qemu *qemu, uint64_t head, enum vqi_field_id first,
			 enum vqi_field_id next)
{
	uint64_t node = fake_get(qemu, head, first);

	if (!node)
		return head + qemu->layout.fields[first].offset;
	while (fake_get(qemu, node, next))
		node = fake_get(qemu, node, next);
	return node + qemu->layout.fields[next].offset;
}

uint64_t fake_bus(struct fake_qemu *qemu, enum vqi_struct_id structure, const char *type,
		  uint64_t parent)
{
	uint64_t bus = fake_object(qemu, structure, type);

	fake_set(qemu, bus, VQI_F_BusState_parent, parent);
	if (parent)
		fake_poke(qemu,
			  list_end(qemu, parent, VQI_F_DeviceState_child_bus,
				   VQI_F_BusState_sibling),
			  8, bus);
	return bus;
}

void fake_plug(struct fake_qemu *qemu, uint64_t bus, uint64_t device)
{
	uint64_t kid = fake_alloc(qemu, qemu->layout.structs[VQI_S_BusChild].size);

	fake_set(qemu, kid, VQI_F_BusChild_child, device);
	fake_set(qemu, device, VQI_F_DeviceState_parent_bus, bus);
	fake_poke(qemu, list_end(qemu, bus, VQI_F_BusState_children, VQI_F_BusChild_sibling), 8,
		  kid);
}

struct fake_qemu *fake_qemu_new(unsigned int seed)
{
	return fake_qemu_new_at(seed, BASE);
}

struct fake_qemu *fake_qemu_new_at(unsigned int seed, uint64_t base)
{
	static const char *const containers[] = {"peripheral", "peripheral-anon", "unattached"};
	struct fake_qemu *qemu = must(calloc(1, sizeof(*qemu)));
	struct vqi_error *error;
	uint64_t root;

	qemu->mem.readv = note_readv;
	qemu->fake = vqi_fake_mem_new();
	qemu->glib = FAKE_GLIB_2_62;
	qemu->gap = 64;
	qemu->queue_max = 1024; /* VIRTIO_QUEUE_MAX */
	qemu->next = base;
	fake_layout(&qemu->layout, seed);
	error = vqi_qemu_init(&qemu->mem, &qemu->layout, BIAS, &qemu->qemu);
	if (error)
		die(error->message);
	vqi_fake_mem_map(qemu->fake, BIAS + IMAGE, IMAGE);

	root = fake_object(qemu, VQI_S_Object, "container");
	qemu->objects = fake_object(qemu, VQI_S_Object, "container");
	fake_add_child(qemu, root, "objects", qemu->objects);
	qemu->machine = fake_object(qemu, VQI_S_DeviceState, "q35-machine");
	fake_add_child(qemu, root, "machine", qemu->machine);
	for (size_t i = 0; i < sizeof(containers) / sizeof(containers[0]); i++)
		fake_add_child(qemu, qemu->machine, containers[i],
			       fake_object(qemu, VQI_S_Object, "container"));
	qemu->system_bus = fake_bus(qemu, VQI_S_BusState, "System", 0);
	fake_set_symbol(qemu, VQI_SYM_current_machine, 8, qemu->machine);
	fake_set_symbol(qemu, VQI_SYM_main_system_bus, 8, qemu->system_bus);
	return qemu;
}

void fake_qemu_free(struct fake_qemu *qemu)
{
	if (!qemu)
		return;
	while (qemu->types) {
		struct fake_type *type = qemu->types;

		qemu->types = type->next;
		free(type);
	}
	while (qemu->properties) {
		struct fake_properties *property = qemu->properties;

		qemu->properties = property->next;
		free(property);
	}
	vqi_qemu_done(&qemu->qemu);
	vqi_fake_mem_free(qemu->fake);
	free(qemu->reads);
	free(qemu);
}
