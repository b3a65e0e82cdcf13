/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fake_saved.h"

#include "fake_waits.h"

static struct fake_saved saved = {
	.rbx = UINT64_C(0x1111111122222222),
	.r12 = UINT64_C(0x1212121212121212),
	.r13 = UINT64_C(0x1313131313131313),
	.r14 = UINT64_C(0x1414141414141414),
};

#ifdef __x86_64__
/* Aligns the stack below the red zone, as a call wants it, and notes what setjmp() is to find. */
static __attribute__((noinline)) void save(void)
{
	void *env = saved.env;

	saved.frame = (uintptr_t)&env;
	__asm__ volatile("mov %%rsp, %%r15\n\t"
			 "sub $256, %%rsp\n\t"
			 "and $-64, %%rsp\n\t"
			 "mov %[rbx], %%rbx\n\t"
			 "mov %[r12], %%r12\n\t"
			 "mov %[r13], %%r13\n\t"
			 "mov %[r14], %%r14\n\t"
			 "mov %%rbp, %[rbp]\n\t"
			 "mov %%r15, %[r15]\n\t"
			 "mov %%rsp, %[sp]\n\t"
			 "lea 1f(%%rip), %%rax\n\t"
			 "mov %%rax, %[pc]\n\t"
			 "call _setjmp@PLT\n"
			 "1:\n\t"
			 "mov %%r15, %%rsp"
			 : [rbp] "=m"(saved.rbp), [r15] "=m"(saved.r15), [sp] "=m"(saved.sp),
			   [pc] "=m"(saved.pc), "+D"(env)
			 : [rbx] "m"(saved.rbx), [r12] "m"(saved.r12), [r13] "m"(saved.r13),
			   [r14] "m"(saved.r14)
			 : "rax", "rbx", "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", "r12",
			   "r13", "r14", "r15", "cc", "memory");
}
#else
static __attribute__((noinline)) void save(void)
{
	volatile int local = 0;

	saved.frame = (uintptr_t)&local;
	if (_setjmp(saved.env))
		local = 1;
}
#endif

uint64_t fake_saved_answer(const char *line)
{
	if (!is(line, "setjmp"))
		return 0;
	saved.function = (uintptr_t)save;
	save();
	return (uintptr_t)&saved;
}
