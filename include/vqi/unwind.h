/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Back traces, from registers, memory and the call frame information of the files that are mapped.
 * Threads, coroutines and what was recorded of them are unwound alike. Nothing is stopped here. */
#ifndef VQI_UNWIND_H
#define VQI_UNWIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vqi/error.h"
#include "vqi/mem.h"
#include "vqi/process.h"
#include "vqi/registers.h"
#include "vqi/stack.h"

/* Where to begin. */
struct vqi_unwind_job {
	struct vqi_registers registers;
	/* Bytes of the stack as they were when the registers were read; they count before those of memory. NULL: none. */
	const uint8_t *copy;
	uint64_t copy_addr;
	size_t copy_len;
	uint64_t stack_start, stack_end; /* all its frames lie in here; both 0: not known */
};

/* Whether to look for source lines in debug information. */
enum vqi_lines {
	VQI_LINES_NO,	 /* not even for debug files, so that static functions have no names */
	VQI_LINES_CHEAP, /* where it is not compressed; in milliseconds */
	VQI_LINES_ALL,	 /* everywhere; a second, say, for a QEMU */
};

/* What is unwound. */
struct vqi_unwind_source {
	struct vqi_mem *mem;
	const struct vqi_maps *maps;
	const char *root; /* folder below which debug files are looked for too; "": none */
	/* Opens the file behind a mapping. It is called in a child process. */
	struct vqi_error *(*open_file)(void *context, const struct vqi_map *map, int *ret_fd);
	void *context;
	enum vqi_lines lines;
};

struct vqi_unwinder;

/* For a process as it is now: what it maps later is not known. It asks no debuginfod.
 * Owner: the process is to outlive it. Errors: GONE, PERMISSION, SYS, NOMEM, LIMIT. */
struct vqi_error *vqi_unwinder_new(struct vqi_process *process, enum vqi_lines lines,
				   struct vqi_unwinder **ret_unwinder) vqi_must_check;

/* For anything. Owner: what the source points to is to outlive it. Errors: NOMEM. */
struct vqi_error *vqi_unwinder_of(const struct vqi_unwind_source *source,
				  struct vqi_unwinder **ret_unwinder) vqi_must_check;
void vqi_unwinder_free(struct vqi_unwinder *unwinder);
VQI_DEFINE_CLEANUP(struct vqi_unwinder *, vqi_unwinder_free)
#define vqi_cleanup_unwinder vqi_cleanup(vqi_unwinder_free)

/* Unwinds count stacks; ret_stacks has room for as many. Files are parsed in a child process. What cannot be unwound is the
 * gap of its stack; why functions have no names where they should have some is *ret_gap, else NULL.
 * Owner: the caller, vqi_stack_done() of each and free(*ret_gap).
 * Errors: SYS, NOMEM. */
struct vqi_error *vqi_unwind(struct vqi_unwinder *unwinder, const struct vqi_unwind_job *jobs,
			     size_t count, struct vqi_stack *ret_stacks,
			     char **ret_gap) vqi_must_check;

#endif
