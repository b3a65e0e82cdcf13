/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A small QEMU world in fake memory: types, objects, hash tables, buses. Whatever goes wrong in here
 * aborts the test. */
#ifndef VQI_TESTS_FAKE_QEMU_H
#define VQI_TESTS_FAKE_QEMU_H

#include <stddef.h>
#include <stdint.h>

#include "fake_mem.h"
#include "vqi/cleanup.h"
#include "vqi/layout.h"
#include "vqi/qemu.h"

/* Every seed lays the structures out in another way. All fields and symbols are present. */
void fake_layout(struct vqi_layout *layout, unsigned int seed);

/* What an object of a type is, if it is of any structure of its own; else as large as a virtio device. */
enum vqi_struct_id fake_structure_of(const char *type);

/* How GLib lays out a hash table: by release, the first that did so. */
enum fake_glib { FAKE_GLIB_2_56, FAKE_GLIB_2_60, FAKE_GLIB_2_62, FAKE_GLIB_2_87 };

/* One range that was read, and could be. */
struct fake_read {
	uint64_t addr, len;
};

struct fake_type;
struct fake_properties;

struct fake_qemu {
	struct vqi_mem mem; /* what is under test reads here: asks fake, and notes each range */
	struct vqi_fake_mem *fake;
	struct vqi_layout layout;
	struct vqi_qemu qemu;
	enum fake_glib glib;
	uint64_t next;		      /* where the next allocation goes */
	uint64_t machine, system_bus; /* objects */
	uint64_t objects;	      /* the container /objects, with nothing in it */
	unsigned int unnamed;	      /* devices without an id so far */
	size_t gap;		      /* bytes between two allocations: 64 */
	unsigned int queue_max;	      /* entries of VirtIODevice.vq: 1024 */

	struct fake_read *reads; /* since the last fake_forget() */
	size_t read_count, read_room;

	struct fake_type *types;	    /* private */
	struct fake_properties *properties; /* private */
};

/* A machine of type "q35-machine" with the objects peripheral, peripheral-anon and unattached, and a
 * system bus; beside it, the container of what -object makes. */
struct fake_qemu *fake_qemu_new(unsigned int seed);

/* The same with a heap that begins at base. */
struct fake_qemu *fake_qemu_new_at(unsigned int seed, uint64_t base);
void fake_qemu_free(struct fake_qemu *qemu);
VQI_DEFINE_CLEANUP(struct fake_qemu *, fake_qemu_free)
#define fake_cleanup_qemu vqi_cleanup(fake_qemu_free)

/* What was read since the last fake_forget(). Owner: the caller frees it. */
void fake_forget(struct fake_qemu *qemu);
struct fake_read *fake_take_reads(struct fake_qemu *qemu, size_t *ret_count);

/* Zeroed memory of its own, with nothing mapped around it. */
uint64_t fake_alloc(struct fake_qemu *qemu, size_t len);
uint64_t fake_make(struct fake_qemu *qemu, enum vqi_struct_id structure);
uint8_t *fake_bytes(struct fake_qemu *qemu, uint64_t address, size_t len);
uint64_t fake_text(struct fake_qemu *qemu, const char *text);
void fake_poke(struct fake_qemu *qemu, uint64_t address, size_t size, uint64_t value);

/* Sets the field of the structure at address; of a larger one, its first 8 bytes. */
void fake_set(struct fake_qemu *qemu, uint64_t address, enum vqi_field_id field, uint64_t value);

uint64_t fake_get(struct fake_qemu *qemu, uint64_t address, enum vqi_field_id field);

/* Where the field of the structure at address lies. */
uint64_t fake_place(const struct fake_qemu *qemu, uint64_t address, enum vqi_field_id field);

/* Puts a structure, which the field next links, at the head of the list whose first pointer lies at
 * head. */
void fake_push(struct fake_qemu *qemu, uint64_t head, uint64_t node, enum vqi_field_id next);

/* Sets a char pointer field, or an array of more than 8 characters. */
void fake_set_text(struct fake_qemu *qemu, uint64_t address, enum vqi_field_id field,
		   const char *text);

/* Sets a variable of size bytes. */
void fake_set_symbol(struct fake_qemu *qemu, enum vqi_symbol_id symbol, size_t size,
		     uint64_t value);
uint64_t fake_symbol(struct fake_qemu *qemu, enum vqi_symbol_id symbol);

/* The ObjectClass of a type, which is made when it is met first. */
uint64_t fake_class(struct fake_qemu *qemu, const char *type);

/* The TypeImpl of a class. */
uint64_t fake_type_impl(struct fake_qemu *qemu, uint64_t class);

/* An object of a type in a structure of that size, with no properties. */
uint64_t fake_object(struct fake_qemu *qemu, enum vqi_struct_id structure, const char *type);
void fake_add_property(struct fake_qemu *qemu, uint64_t object, const char *name, const char *type,
		       uint64_t opaque);
void fake_add_child(struct fake_qemu *qemu, uint64_t parent, const char *name, uint64_t child);

/* The object's hash table is made anew, in the shape that glib now says. */
void fake_rehash(struct fake_qemu *qemu, uint64_t object);

/* The child of an object that is known by this name. */
uint64_t fake_child(struct fake_qemu *qemu, uint64_t parent, const char *name);

/* A GHashTable of slots slots with these values among tombstones; small: slots of 32 bits. */
uint64_t fake_hash(struct fake_qemu *qemu, uint32_t slots, const uint64_t *values, size_t count,
		   bool small);

/* A bus of a device; parent 0: a root bus of the machine. */
uint64_t fake_bus(struct fake_qemu *qemu, enum vqi_struct_id structure, const char *type,
		  uint64_t parent);
void fake_plug(struct fake_qemu *qemu, uint64_t bus, uint64_t device);

#endif
