/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VQI_QEMU_UNKNOWN_H
#define VQI_QEMU_UNKNOWN_H

#include <stddef.h>

#include "vqi/qemu.h"

/* A field or variable that this QEMU does not have leaves a value unknown, and is no error.
 * Owner: takes error, returns what remains of it. */
static inline struct vqi_error *vqi_drop_unknown(struct vqi_error *error)
{
	if (!error || error->code != VQI_ERROR_NO_LAYOUT)
		return error;
	vqi_error_free(error);
	return NULL;
}

/* What a field that is unknown would lead to stays as it is. */
static inline struct vqi_error *vqi_known_pointer(struct vqi_qemu *qemu, uint64_t address,
						  enum vqi_field_id field, uint64_t *ret_pointer)
{
	return vqi_drop_unknown(vqi_qemu_field(qemu, address, field, ret_pointer));
}

/* The same of a string. Owner: the caller frees. */
static inline struct vqi_error *vqi_known_string(struct vqi_qemu *qemu, uint64_t address,
						 enum vqi_field_id field, char **ret_string)
{
	return vqi_drop_unknown(vqi_qemu_string_field(qemu, address, field, ret_string));
}

#endif
