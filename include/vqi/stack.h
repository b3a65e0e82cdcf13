/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A back trace: plain values. */
#ifndef VQI_STACK_H
#define VQI_STACK_H

#include <stddef.h>
#include <stdint.h>

/* One function that has been called and has not returned. */
struct vqi_frame {
	uint64_t
		pc; /* address in the target: of the innermost frame where it is, of others where it goes on */
	char *module; /* file name of what is mapped there, "libc.so.6"; NULL: nothing that is known */
	char *function; /* NULL: unknown */
	uint64_t
		offset; /* bytes from the function's start; without one, from the module's; of neither, 0 */
	char *file;	   /* of the source, as the debug information has it; NULL: there is none */
	unsigned int line; /* in file; 0: unknown */
};

struct vqi_stack {
	struct vqi_frame *frames; /* the innermost first */
	size_t count;
	char *gap; /* why there is no more, where more must be; NULL: it is complete, or was not asked for */
};

void vqi_stack_done(struct vqi_stack *stack);

#endif
