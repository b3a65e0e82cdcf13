/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VQI_QEMU_UNKNOWN_H
#define VQI_QEMU_UNKNOWN_H

#include <stddef.h>

#include "vqi/error.h"

/* A field or variable that this QEMU does not have leaves a value unknown, and is no error.
 * Owner: takes error, returns what remains of it. */
static inline struct vqi_error *vqi_drop_unknown(struct vqi_error *error)
{
	if (!error || error->code != VQI_ERROR_NO_LAYOUT)
		return error;
	vqi_error_free(error);
	return NULL;
}

#endif
