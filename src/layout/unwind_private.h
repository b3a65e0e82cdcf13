/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of the unwinder: what parent and child share, the files, their rules, the names. */
#ifndef VQI_LAYOUT_UNWIND_PRIVATE_H
#define VQI_LAYOUT_UNWIND_PRIVATE_H

#include <elfutils/libdwfl.h>
#include <stdbool.h>
#include <stdint.h>

#include "vqi/limits.h"
#include "vqi/unwind.h"

/* ---- unwind.c: the parent ---- */

/* What is to be done, and has been. The child starts with the parent's, goes on with its own copy, and tells what it adds. */
struct vqi_unwind_work {
	const struct vqi_unwind_source *source;
	const struct vqi_unwind_job *jobs;
	struct vqi_raw_stack *stacks;
	size_t count, done; /* jobs, and stacks that are there */
	struct vqi_named *names;
	size_t name_count;
	bool *closed; /* by the index of a file's mapping: its names are there, or there will be none */
	size_t naming; /* whose names are looked for, as an index; or SIZE_MAX */
};

struct vqi_raw_frame {
	uint64_t pc;
	uint64_t
		addr; /* of the instruction that it is in: pc, or before that when pc is where a call returns to */
};

struct vqi_raw_stack {
	struct vqi_raw_frame *frames;
	size_t count;
	char *gap; /* NULL: it is complete */
};

/* What is known of an address. */
struct vqi_named {
	uint64_t addr;
	uint64_t start; /* of function */
	char *function, *file;
	unsigned int line;
};

/* Compares their addresses, for qsort() and bsearch(). */
int vqi_named_by_address(const void *a, const void *b);

/* What the child says. Texts follow, without NUL. */
enum vqi_unwind_said {
	VQI_SAID_STACK = 1, /* number: frames; frames, then the gap follow */
	VQI_SAID_NAMING,    /* number: a file's index */
	VQI_SAID_NAME,	    /* function, then file follow */
	VQI_SAID_END,
};

struct vqi_unwind_message {
	uint32_t said;
	uint32_t number;
	uint32_t text_len, file_len;
	uint64_t addr, start;
};

#define VQI_MAX_UNWIND_TEXT 4096 /* of a text in a message, NUL included */

/* ---- unwind_child.c ---- */

/* A vqi_confined_func for a struct vqi_unwind_work. */
bool vqi_unwind_child(int fd, void *context);

/* The mapping that an address lies in; NULL: none. */
const struct vqi_map *vqi_unwind_map(const struct vqi_maps *maps, uint64_t addr);

/* The mapping that stands for the file behind another: the first of its kind. Its index. */
size_t vqi_unwind_file_index(const struct vqi_maps *maps, const struct vqi_map *map);

/* The name of what is mapped, without folders. Owner: the caller frees. NULL without memory. */
char *vqi_unwind_file_name(const struct vqi_map *map);

/* ---- unwind_files.c: files with code, opened when needed ---- */

struct vqi_unwind_file {
	size_t index;	     /* of the mapping that stands for it */
	Dwfl_Module *module; /* NULL: it could not be opened; why tells */
	Dwarf_CFI *cfi;	     /* NULL: it has none */
	Dwarf_Addr cfi_bias;
	char *why;
};

struct vqi_unwind_files {
	const struct vqi_unwind_source *source;
	Dwfl *dwfl;
	Dwfl_Callbacks callbacks; /* dwfl keeps pointers to these */
	char *search_path;
	struct vqi_unwind_file **items;
	size_t count;
	struct vqi_mem *mem;
};

bool vqi_unwind_files_init(struct vqi_unwind_files *files, const struct vqi_unwind_source *source,
			   struct vqi_mem *mem);

/* The file with the code at an address; NULL: there is no code, or no memory. */
struct vqi_unwind_file *vqi_unwind_files_find(struct vqi_unwind_files *files, uint64_t addr);

/* ---- unwind_rules.c: how to leave a frame ---- */

enum vqi_return_kind {
	VQI_RETURN_OTHER,
	VQI_RETURN_NEVER,    /* undefined: the outermost frame */
	VQI_RETURN_REGISTER, /* in the register that it always is in */
	VQI_RETURN_STACK,    /* at an offset from the CFA */
};

struct vqi_unwind_rule {
	uint64_t addr;
	struct vqi_unwind_file *file; /* NULL: no code */
	bool has_cfi;		      /* the rest is set */
	bool is_signal;		      /* its caller was interrupted, and has not called it */
	int cfa_register;	      /* the CFA is that and an offset; -1: it is something else */
	int64_t cfa_offset;
	enum vqi_return_kind return_kind;
	int return_register;
	int64_t return_offset;
	uint64_t
		start; /* of the code that has the same unwind information: the function as a rule */
};

struct vqi_unwind_rules;

struct vqi_unwind_rules *vqi_unwind_rules_new(struct vqi_unwind_files *files);

/* The rule for the frame that executes the instruction at an address. Owner: the rules, until the next call. */
const struct vqi_unwind_rule *vqi_unwind_rules_find(struct vqi_unwind_rules *rules, uint64_t addr);

/* ---- unwind_symbols.c: names ---- */

/* Finds the names of count addresses of a file, which are ascending; function and file belong to libdwfl. */
void vqi_unwind_names(const struct vqi_unwind_source *source, struct vqi_unwind_file *file,
		      struct vqi_named *names, size_t count);

#endif
