/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VQI_LAYOUT_ACCESSOR_H
#define VQI_LAYOUT_ACCESSOR_H

#include <libelf.h>
#include <stdbool.h>
#include <stdint.h>

/* The address, as linked, of the variable that the first instruction of a function reads: what an accessor
 * returns or compares. Only of x86-64 code, and where it is one of the few instructions that compilers
 * use for that; and only in a writable segment of the program. Pure. */
bool vqi_accessor_decode(Elf *elf, uint64_t function, uint64_t *ret_variable);

#endif
