/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "user_registers.h"

#if defined(__x86_64__)
/* The numbers that DWARF has for them. Source: System V ABI, AMD64 supplement, 3.6.2. */
void vqi_user_registers(const struct user_regs_struct *from, struct vqi_registers *ret_registers)
{
	const unsigned long long values[] = {
		from->rax, from->rdx, from->rcx, from->rbx, from->rsi, from->rdi,
		from->rbp, from->rsp, from->r8,	 from->r9,  from->r10, from->r11,
		from->r12, from->r13, from->r14, from->r15,
	};

	for (unsigned int i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		vqi_registers_set(ret_registers, i, values[i]);
	ret_registers->pc = from->rip;
	ret_registers->sp = from->rsp;
}
#elif defined(__aarch64__)
/* Source: DWARF for the Arm 64-bit Architecture, 4.1. */
void vqi_user_registers(const struct user_regs_struct *from, struct vqi_registers *ret_registers)
{
	for (unsigned int i = 0; i < 31; i++)
		vqi_registers_set(ret_registers, i, from->regs[i]);
	ret_registers->pc = from->pc;
	ret_registers->sp = from->sp;
}
#endif
