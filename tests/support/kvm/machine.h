/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The processor, its interrupts, and a way to say something. */
#ifndef MACHINE_H
#define MACHINE_H

#include <stdint.h>

/* Where message-signalled interrupts go, and the number that ours have there. */
#define APIC	  0xFEE00000
#define INTERRUPT 0x40

void outb(uint16_t port, uint8_t value);
void outl(uint16_t port, uint32_t value);
uint32_t inl(uint16_t port);
volatile uint32_t *reg(uintptr_t address);

/* What the test reads: a line of words, or why there is none. */
void print(const char *text);
void print_address(const char *name, const volatile void *address);
_Noreturn void halt(void);
_Noreturn void fail(const char *why);

/* Interrupts are disabled but within take_interrupts(), which returns when there were so many in all. */
void set_up_interrupts(void);
void take_interrupts(unsigned count);

/* Until one has come to the processor, where it waits to be taken. */
void wait_interrupt_pending(void);

#endif
