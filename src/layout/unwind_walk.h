/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From frame to frame. */
#ifndef VQI_LAYOUT_UNWIND_WALK_H
#define VQI_LAYOUT_UNWIND_WALK_H

#include "unwind_private.h"

/* One stack that is being walked. */
struct vqi_walk {
	const struct vqi_unwind_job *job;
	struct vqi_raw_stack *stack;
	struct vqi_registers registers; /* where libdwfl begins */
	bool after_signal; /* the last frame is a signal's: that behind it was interrupted */
	bool ended;	   /* the last frame is the outermost */
	bool stopped;	   /* the gap is set */
	uint64_t sp;	   /* of the last frame */
	struct vqi_unwind_rule rule; /* the last frame's */
	int missing;		     /* a register that this needs, and that is not known; or -1 */
	struct vqi_registers last;   /* of the last frame, when one is missing */
	bool resumed;		     /* the next frame is the last again */
	uint64_t cfa;		     /* of the last frame; 0 when it cannot be told simply */
};

struct vqi_walker {
	struct vqi_unwind_files *files;
	struct vqi_unwind_rules *rules;
	struct vqi_mem *mem;
	bool attached;
	int machine;	       /* EM_... */
	int sp_register;       /* in DWARF */
	struct vqi_walk *walk; /* the one that libdwfl is at */
};

bool vqi_walker_init(struct vqi_walker *walker, struct vqi_unwind_files *files,
		     struct vqi_mem *mem);

/* Walks a stack to its end or a gap. False: no memory, or libdwfl cannot begin. */
bool vqi_walk(struct vqi_walker *walker, const struct vqi_unwind_job *job,
	      struct vqi_raw_stack *ret_stack);

/* Reads 8 bytes of the stack: of the job's copy, or of memory. */
bool vqi_walk_read(struct vqi_walker *walker, uint64_t addr, uint64_t *ret_word);

/* ---- unwind_pointer.c ---- */

/* Finds the frame pointer that the last frame needs and lacks. */
bool vqi_walk_find_pointer(struct vqi_walker *walker, const struct vqi_walk *walk,
			   uint64_t *ret_pointer);

#endif
