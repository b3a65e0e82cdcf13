/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VQI_QEMU_HANDLERS_H
#define VQI_QEMU_HANDLERS_H

#include "vqi/loops.h"

/* Reads what the AioContext at address ctx listens to. Errors: as vqi_qemu_loops().
 * Owner: the caller frees ret_context->handlers. */
struct vqi_error *vqi_aio_context_read(struct vqi_qemu *qemu, uint64_t ctx,
				       struct vqi_aio_context *ret_context) vqi_must_check;

#endif
