/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VQI_QEMU_SELFCHECK_EXPORTS_H
#define VQI_QEMU_SELFCHECK_EXPORTS_H

#include "vqi/qemu.h"

/* Checks what a storage daemon exports: each is as large as its driver says, and has the same of its queues and of who
 * serves them in two places; a ring is where the memory regions lead by the addresses that the client gave.
 * Errors: NO_LAYOUT, those of readv, NOMEM. */
struct vqi_error *vqi_selfcheck_exports(struct vqi_qemu *qemu,
					struct vqi_layout *layout) vqi_must_check;

#endif
