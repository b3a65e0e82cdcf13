/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The one list of what the tool needs from QEMU: structures, fields, symbols; and their places.
 *
 * A resolver (DWARF; later a cache, a profile) fills struct vqi_layout. Nothing else in the tool
 * knows an offset or asks for a version: it looks a field up by name, and an optional field that is
 * absent makes a value unknown, never an error. */
#ifndef VQI_LAYOUT_H
#define VQI_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vqi/error.h"
#include "vqi/image.h"
#include "vqi/process.h"

/* Of which kind of program a field or symbol is required; of others it is optional. */
enum vqi_need { VQI_OPTIONAL, VQI_REQUIRED /* of a QEMU */, VQI_OF_DAEMON };

/* S(structure, functions): a structure of QEMU, and names of functions, comma-separated, in whose
 * compilation unit it is defined; they are only where to look first. */
/* F(structure, member, need): the field structure.member.
 * P(structure, name, path, need): a field below a nested structure; path as in C. */
#include "vqi/layout_table.h"

#define VQI_LAYOUT_ENUM_STRUCT(structure, functions) VQI_S_##structure,
enum vqi_struct_id { VQI_LAYOUT_STRUCTS(VQI_LAYOUT_ENUM_STRUCT) VQI_STRUCT_COUNT };
#undef VQI_LAYOUT_ENUM_STRUCT

#define VQI_LAYOUT_ENUM_FIELD(structure, member, need)	  VQI_F_##structure##_##member,
#define VQI_LAYOUT_ENUM_PATH(structure, name, path, need) VQI_F_##structure##_##name,
enum vqi_field_id {
	VQI_LAYOUT_FIELDS(VQI_LAYOUT_ENUM_FIELD, VQI_LAYOUT_ENUM_PATH) VQI_FIELD_COUNT
};
#undef VQI_LAYOUT_ENUM_FIELD
#undef VQI_LAYOUT_ENUM_PATH

#define VQI_LAYOUT_ENUM_SYMBOL(symbol, need) VQI_SYM_##symbol,
enum vqi_symbol_id { VQI_LAYOUT_SYMBOLS(VQI_LAYOUT_ENUM_SYMBOL) VQI_SYMBOL_COUNT };
#undef VQI_LAYOUT_ENUM_SYMBOL

/* How a field is called and to which structure it belongs. */
struct vqi_field_info {
	enum vqi_struct_id structure;
	const char *path; /* "conf.conf.blk" */
	const char *name; /* "VirtIOBlock.conf.conf.blk" */
	enum vqi_need need;
};

struct vqi_struct_info {
	const char *name;
	const char *functions; /* comma-separated */
};

struct vqi_symbol_info {
	const char *name;
	enum vqi_need need;
};

const struct vqi_field_info *vqi_field_info(enum vqi_field_id field);
const struct vqi_struct_info *vqi_struct_info(enum vqi_struct_id structure);
/* What a structure begins with, its parent_obj; VQI_NO_STRUCT where it has none. */
#define VQI_NO_STRUCT ((enum vqi_struct_id)VQI_STRUCT_COUNT)
enum vqi_struct_id vqi_struct_base(enum vqi_struct_id structure);

const struct vqi_symbol_info *vqi_symbol_info(enum vqi_symbol_id symbol);

/* How a place was obtained, where it is not as all of its layout. */
enum vqi_how {
	VQI_HOW_AS_ALL,
	VQI_HOW_MEASURED, /* it proves itself in the memory of the target */
	VQI_HOW_AGREED,	  /* the profiles of others agree on it, or those with as much room there */
	VQI_HOW_LEAST,	  /* of a size: the structure has that many bytes, or more */
	VQI_HOW_COUNT
};

struct vqi_field {
	bool present;
	enum vqi_how how;
	uint32_t offset; /* bytes from the structure's start */
	uint32_t size;	 /* bytes of the member; of a whole array for arrays */
};

struct vqi_struct_layout {
	bool present;
	enum vqi_how how;
	uint32_t size; /* sizeof; at most VQI_LAYOUT_MAX_SIZE */
};

/* No structure of QEMU is as large as this; what claims to be is broken debug information. */
#define VQI_LAYOUT_MAX_SIZE (1u << 20)

struct vqi_symbol {
	bool present;
	bool by_content;  /* told by what it holds: a guess that is good for this process alone */
	uint64_t address; /* as linked: add vqi_image.bias for the address in the target */
};

enum vqi_layout_source {
	VQI_LAYOUT_NONE,
	VQI_LAYOUT_DWARF,
	VQI_LAYOUT_DEBUGINFOD,
	VQI_LAYOUT_CACHE,
	VQI_LAYOUT_PROFILE,
	VQI_LAYOUT_BUILTIN,
};

struct vqi_layout {
	enum vqi_image_kind kind; /* of what program it is: what must be there */
	enum vqi_layout_source source;
	char name[64];	 /* of the profile that it is from, as far as there is room; "": none */
	bool is_foreign; /* from other builds: what cannot be checked may be otherwise in this one */
	struct vqi_field fields[VQI_FIELD_COUNT];
	struct vqi_struct_layout structs[VQI_STRUCT_COUNT];
	struct vqi_symbol symbols[VQI_SYMBOL_COUNT];
};

/* "dwarf", "debuginfod", ... as in the report. */
const char *vqi_layout_source_name(enum vqi_layout_source source);

/* "measured", ... as in a profile; NULL for VQI_HOW_AS_ALL. */
const char *vqi_how_name(enum vqi_how how);

/* Checks that everything required is there, and that each field lies within its structure, aligned, behind what that
 * begins with, and where no other does. A resolver ends with it.
 * Errors: NO_LAYOUT, naming what is missing; BAD_DATA. */
struct vqi_error *vqi_layout_check(const struct vqi_layout *layout) vqi_must_check;

/* Checks that fields are there of which one place needs the offsets. Errors: NO_LAYOUT, naming the first
 * that is missing. */
struct vqi_error *vqi_layout_need(const struct vqi_layout *layout, const enum vqi_field_id *fields,
				  size_t count) vqi_must_check;

/* What the layout says of a structure is unknown from now on. */
void vqi_layout_drop(struct vqi_layout *layout, enum vqi_struct_id structure);

/* What a program of a kind needs. */
static inline enum vqi_need vqi_need_of(enum vqi_image_kind kind)
{
	return kind == VQI_IMAGE_STORAGE_DAEMON ? VQI_OF_DAEMON : VQI_REQUIRED;
}

/* How many bytes of a structure must be read so that all its present fields are among them. */
uint32_t vqi_layout_span(const struct vqi_layout *layout, enum vqi_struct_id structure);

/* Records a layout, and what was recorded of a program of that kind; see vqi/record.h. Errors: as it was recorded,
 * those of vqi_layout_check(). */
void vqi_layout_note(struct vqi_process *process, const struct vqi_layout *layout);
struct vqi_error *vqi_layout_recall(struct vqi_process *process, enum vqi_image_kind kind,
				    struct vqi_layout *ret_layout) vqi_must_check;

/* Bytes of one structure of the target, as read. */
struct vqi_view {
	const struct vqi_layout *layout;
	uint64_t addr;	     /* where it lies in the target; 0: nothing there */
	const uint8_t *data; /* its first len bytes */
	size_t len;
};

/* The value of an unsigned integer, bool, enum or pointer field of 1, 2, 4 or 8 bytes, in the
 * host's byte order; false, and *ret_value untouched, when the field is absent, of another size
 * or beyond the view's bytes. */
bool vqi_view_uint(const struct vqi_view *view, enum vqi_field_id field, uint64_t *ret_value);

/* The same, with a default for what is absent. */
uint64_t vqi_view_uint_or(const struct vqi_view *view, enum vqi_field_id field, uint64_t fallback);

/* The pointer that a field begins with, which is larger than one: what a list's entry or head leads
 * to. 0 when the field is absent or beyond the view's bytes. */
uint64_t vqi_view_first_pointer(const struct vqi_view *view, enum vqi_field_id field);

/* The view of an embedded structure, which the field is: its address, and those of its bytes
 * that the view has. A view with addr 0 and no bytes when the field is absent, or view's own
 * addr is 0. */
struct vqi_view vqi_view_member(const struct vqi_view *view, enum vqi_field_id field);

#endif
