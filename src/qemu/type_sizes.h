/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QEMU itself has the sizes of the structures that objects are: TypeImpl.instance_size. */
#ifndef VQI_QEMU_TYPE_SIZES_H
#define VQI_QEMU_TYPE_SIZES_H

#include "vqi/qemu.h"

/* Called with a structure and the bytes that QEMU says it has. */
typedef struct vqi_error *(*vqi_type_size_func)(void *data, enum vqi_struct_id id, uint64_t size);

/* Calls func for the type of an object and for each of its ancestors of which the structure is in the table.
 * Errors: FAULT, NO_LAYOUT, func's. Source: qom/object.c struct TypeImpl. */
struct vqi_error *vqi_qemu_type_sizes(struct vqi_qemu *qemu, uint64_t object,
				      vqi_type_size_func func, void *data) vqi_must_check;

#endif
