/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of the DWARF resolver: a file with debug information, its symbols, its structures. */
#ifndef VQI_LAYOUT_DWARF_PRIVATE_H
#define VQI_LAYOUT_DWARF_PRIVATE_H

#include <elfutils/libdw.h>
#include <stdbool.h>
#include <stdint.h>

#include "vqi/cleanup.h"
#include "vqi/dwarf.h"
#include "vqi/error.h"
#include "vqi/image.h"
#include "vqi/layout.h"
#include "vqi/process.h"

/* ---- dwarf_file.c: the debug information of an image, found and opened ---- */

struct vqi_dwarf_file;

/* Errors: NO_LAYOUT, BAD_DATA, SYS, NOMEM. */
struct vqi_error *vqi_dwarf_file_open(struct vqi_process *process, const struct vqi_image *image,
				      const struct vqi_dwarf_options *options,
				      struct vqi_dwarf_file **ret_file) vqi_must_check;
void vqi_dwarf_file_close(struct vqi_dwarf_file *file);
VQI_DEFINE_CLEANUP(struct vqi_dwarf_file *, vqi_dwarf_file_close)
#define vqi_cleanup_dwarf_file vqi_cleanup(vqi_dwarf_file_close)

/* Whether it is worth a child process to look for debug information without debuginfod: false when the image has
 * none, and no file of its own may be where libdwfl looks. */
bool vqi_dwarf_may_be_found(struct vqi_process *process, const struct vqi_image *image);

/* The root directory of a process, through the descriptor, so that it stays this very process; "" without one. */
void vqi_dwarf_root_of(const struct vqi_process *process, char ret_root[64]);

/* Where libdwfl is to look for debug files: on this side, and below a folder ("": there is none).
 * Owner: the caller frees. NULL without memory. */
char *vqi_dwarf_search_path(const char *root);

/* The name by which to look for debug files around an open file that the target knows by a path: the path where that
 * is the file on this side too (no container, or a chroot(2)), else below the target's root directory.
 * Errors: NOMEM. Owner: the caller frees. */
struct vqi_error *vqi_dwarf_path_here(int fd, const char *path, const char *root,
				      char **ret_path) vqi_must_check;

/* The error NO_LAYOUT that says so. */
struct vqi_error *vqi_dwarf_none(const struct vqi_image *image) __attribute__((returns_nonnull));

/* Owner: the file, of what these return. */
Dwarf *vqi_dwarf_file_dwarf(struct vqi_dwarf_file *file);
Elf *vqi_dwarf_file_image_elf(struct vqi_dwarf_file *file);
enum vqi_layout_source vqi_dwarf_file_source(const struct vqi_dwarf_file *file);

/* The name of the file shared with others (dwz -m) that is needed and was not found, or NULL. */
const char *vqi_dwarf_file_lacks(struct vqi_dwarf_file *file);

/* ---- dwarf_place.c: where debug files are ---- */

#define VQI_MAX_BUILD_ID 64 /* bytes; 20 as a rule */

struct vqi_dwarf_place {
	const char *search_path; /* as libdwfl has it */
	const char *path;	 /* of the program */
	const char *name;	 /* of the debug file */
	const unsigned char *build_id;
	size_t build_id_len; /* bytes; 0 where there is none */
};

/* False when libdwfl would find no debug file on this machine. */
bool vqi_dwarf_may_be_here(const struct vqi_dwarf_place *place);

/* ---- dwarf_symbols.c: addresses of the functions and variables of the table ---- */

#define VQI_MAX_ANCHORS 4 /* functions named for one structure */

struct vqi_dwarf_symbols {
	/* Address of the i-th function of a structure; 0 where there is none. */
	uint64_t anchors[VQI_STRUCT_COUNT][VQI_MAX_ANCHORS];
	/* A .symtab was there: what is not in it does not exist. */
	bool complete;
};

/* Looks through the symbol tables of the image and of the debug file; fills the anchors, and the
 * symbols of the layout. */
struct vqi_error *vqi_dwarf_symbols_read(struct vqi_dwarf_file *file,
					 struct vqi_dwarf_symbols *ret_symbols,
					 struct vqi_layout *layout) vqi_must_check;

/* ---- dwarf_search.c: which unit defines which structure ---- */

/* Fills structures and fields of the layout, and variables where there was no symbol table. What
 * this kind of QEMU must have is looked for everywhere.
 * Errors: NOMEM; what is broken is passed over and told by ret_broken, which may be NULL after. */
struct vqi_error *vqi_dwarf_search(struct vqi_dwarf_file *file,
				   const struct vqi_dwarf_symbols *symbols,
				   struct vqi_layout *layout,
				   const char **ret_broken) vqi_must_check;

/* ---- dwarf_type.c: types and their members ---- */

/* Steps through typedefs and qualifiers, and from a declaration to the type unit that defines the
 * type; false when there is no end to it. */
bool vqi_dwarf_peel(Dwarf_Die *type);

/* Whether type is a structure or union with its members known. */
bool vqi_dwarf_is_complete(Dwarf_Die *type);

/* Fills a structure of the layout and all its fields from its complete type. */
void vqi_dwarf_read_struct(Dwarf_Die *type, enum vqi_struct_id id, struct vqi_layout *layout);

/* ---- dwarf_child.c: a process of its own for the parser ---- */

/* What vqi_dwarf_resolve() is around: the same, in this process. */
struct vqi_error *vqi_dwarf_resolve_here(struct vqi_process *process, const struct vqi_image *image,
					 const struct vqi_dwarf_options *options,
					 struct vqi_layout *ret_layout) vqi_must_check;

#endif
