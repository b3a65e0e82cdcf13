/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the test target had in its registers when it called setjmp(). */
#ifndef VQI_TESTS_FAKE_SAVED_H
#define VQI_TESTS_FAKE_SAVED_H

#include <setjmp.h>
#include <stdint.h>

/* In the target's memory, 64-bit words all. */
struct fake_saved {
	uint64_t function; /* that called it */
	uint64_t frame;	   /* an address in what that function has of the stack */
	uint64_t pc;	   /* where it goes on; 0: this is not known of this machine */
	uint64_t sp;
	uint64_t rbx, rbp, r12, r13, r14, r15;
	jmp_buf env;
};

/* Answers the command "setjmp" by the address of the above; 0: it is another command. */
uint64_t fake_saved_answer(const char *line);

#endif
