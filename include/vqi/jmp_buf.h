/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Registers that setjmp() has saved. */
#ifndef VQI_JMP_BUF_H
#define VQI_JMP_BUF_H

#include <elf.h>

#include "vqi/error.h"
#include "vqi/process.h"
#include "vqi/registers.h"

/* The kind of this machine, which is the target's. */
#if defined(__x86_64__)
#define VQI_HOST_MACHINE EM_X86_64
#elif defined(__aarch64__)
#define VQI_HOST_MACHINE EM_AARCH64
#else
#define VQI_HOST_MACHINE EM_NONE
#endif

#define VQI_JMP_BUF_WORDS 22 /* that are looked at, at most */

/* What glibc keeps the addresses in a jmp_buf hidden with. It is made of random bytes that the kernel gave the process,
 * which are still there.
 * Source: glibc sysdeps/unix/sysv/linux/dl-osinfo.h _dl_setup_pointer_guard(), getauxval(3) AT_RANDOM.
 * Errors: BAD_DATA, FAULT; GONE, PERMISSION, SYS, NOMEM. */
struct vqi_error *vqi_process_pointer_guard(struct vqi_process *process,
					    uint64_t *ret_guard) vqi_must_check;

/* The registers in a jmp_buf, of a machine of elf.h (EM_X86_64, EM_AARCH64). guard 0 is for a C library that hides
 * nothing. False for other machines.
 * Source: glibc sysdeps/x86_64/setjmp.S, sysdeps/aarch64/setjmp.S and jmpbuf-offsets.h. */
bool vqi_jmp_buf_registers(unsigned int machine, const uint64_t words[VQI_JMP_BUF_WORDS],
			   uint64_t guard, struct vqi_registers *ret_registers);

#endif
