/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From the boot loader to main(), and from an interrupt to on_interrupt().
 * Multiboot Specification 0.6.96, 3.1 and 3.2. */

#define MAGIC 0x1BADB002
#define CODE 0x08
#define DATA 0x10

	.section .multiboot, "a"
	.balign 4
	.long MAGIC, 0, -MAGIC

	.text
	.globl start
start:
	cli
	/* The loader's segments work until one is loaded: their table may be gone. */
	lgdt gdt_register
	ljmp $CODE, $1f
1:	mov $DATA, %eax
	mov %eax, %ds
	mov %eax, %es
	mov %eax, %ss
	mov $stack_end, %esp
	push %ebx
	call main
2:	cli
	hlt
	jmp 2b

	.globl interrupt_entry
interrupt_entry:
	pushal
	cld
	call on_interrupt
	popal
	/* Back, with interrupts disabled. No iret: a KVM that has to interpret the guest knows none
	 * in protected mode (Linux, arch/x86/kvm/emulate.c, em_iret()). */
	ret $8

	.section .rodata
	.balign 8
gdt:
	.quad 0
	.quad 0x00CF9B000000FFFF
	.quad 0x00CF93000000FFFF
gdt_register:
	.word . - gdt - 1
	.long gdt

	.bss
	.balign 16
	.skip 4096
stack_end:

	.section .note.GNU-stack, "", @progbits
