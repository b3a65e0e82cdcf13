/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "machine.h"

/* isa-debugcon */
#define CONSOLE	  0xE9

#define PIC_MASK  0x21
#define PIC2_MASK 0xA1

/* The local interrupt controller: Intel SDM 3A, Local APIC Register Address Map. */
#define APIC_EOI       0xB0
#define APIC_SPURIOUS  0xF0
#define APIC_ENABLE    0x100
#define APIC_IRR       0x200

#define CODE_SEGMENT   8
#define INTERRUPT_GATE 0x8E00

struct gate {
	uint16_t low, segment, kind, high;
};

static struct gate gates[256];
static volatile unsigned interrupts;

void interrupt_entry(void);
void on_interrupt(void);

void outb(uint16_t port, uint8_t value)
{
	asm volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

void outl(uint16_t port, uint32_t value)
{
	asm volatile("outl %0, %1" : : "a"(value), "Nd"(port));
}

uint32_t inl(uint16_t port)
{
	uint32_t value;

	asm volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

volatile uint32_t *reg(uintptr_t address)
{
	return (volatile uint32_t *)address;
}

void print(const char *text)
{
	while (*text)
		outb(CONSOLE, *text++);
}

void print_address(const char *name, const volatile void *address)
{
	print(name);
	for (int shift = 28; shift >= 0; shift -= 4)
		outb(CONSOLE, "0123456789abcdef"[(uintptr_t)address >> shift & 15]);
}

_Noreturn void halt(void)
{
	for (;;)
		asm volatile("cli; hlt");
}

_Noreturn void fail(const char *why)
{
	print("FAILED ");
	print(why);
	print("\n");
	halt();
}

void on_interrupt(void)
{
	interrupts++;
	*reg(APIC + APIC_EOI) = 0;
}

void set_up_interrupts(void)
{
	struct {
		uint16_t limit;
		uint32_t base;
	} __attribute__((packed)) table = {sizeof(gates) - 1, (uintptr_t)gates};
	uintptr_t entry = (uintptr_t)interrupt_entry;

	gates[INTERRUPT] = (struct gate){entry, CODE_SEGMENT, INTERRUPT_GATE, entry >> 16};
	asm volatile("lidt %0" : : "m"(table));
	/* No interrupt but ours: the firmware may have left its timer running. */
	outb(PIC_MASK, 0xFF);
	outb(PIC2_MASK, 0xFF);
	*reg(APIC + APIC_SPURIOUS) |= APIC_ENABLE;
}

void take_interrupts(unsigned count)
{
	/* sti takes effect after the next instruction: none is lost between it and hlt. */
	while (interrupts < count)
		asm volatile("sti; hlt; cli" : : : "memory");
}

void wait_interrupt_pending(void)
{
	volatile uint32_t *request = reg(APIC + APIC_IRR + INTERRUPT / 32 * 16);

	while (!(*request >> INTERRUPT % 32 & 1))
		asm volatile("pause");
}
