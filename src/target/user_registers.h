/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Registers of a thread as the kernel gives them: by ptrace, and in the notes of a core. */
#ifndef VQI_TARGET_USER_REGISTERS_H
#define VQI_TARGET_USER_REGISTERS_H

#include <sys/user.h>

#include "vqi/registers.h"

#if defined(__x86_64__) || defined(__aarch64__)
void vqi_user_registers(const struct user_regs_struct *from, struct vqi_registers *ret_registers);
#endif

#endif
