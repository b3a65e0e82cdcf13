/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The registers of a thread, or of a coroutine that is not running, as far as they are known. */
#ifndef VQI_REGISTERS_H
#define VQI_REGISTERS_H

#include <stdbool.h>
#include <stdint.h>

#define VQI_MAX_REGISTERS 64

struct vqi_registers {
	uint64_t pc;	/* where it goes on */
	uint64_t sp;	/* stack pointer */
	uint64_t known; /* bit i: values[i] is known */
	uint64_t values
		[VQI_MAX_REGISTERS]; /* by the number that DWARF has for them on that machine; without sp */
};

static inline void vqi_registers_set(struct vqi_registers *registers, unsigned int number,
				     uint64_t value)
{
	if (number >= VQI_MAX_REGISTERS)
		return;
	registers->values[number] = value;
	registers->known |= UINT64_C(1) << number;
}

static inline bool vqi_registers_has(const struct vqi_registers *registers, unsigned int number)
{
	return number < VQI_MAX_REGISTERS && registers->known >> number & 1;
}

#endif
