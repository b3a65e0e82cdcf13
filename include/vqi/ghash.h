/* SPDX-License-Identifier: GPL-2.0-or-later */
/* GLib's GHashTable, read as bytes: its layout is private to GLib, and no debug information of QEMU
 * has it. */
#ifndef VQI_GHASH_H
#define VQI_GHASH_H

#include <stddef.h>
#include <stdint.h>

#include "vqi/error.h"
#include "vqi/mem.h"

/* Reads the values of the GHashTable at address, in no order.
 * Errors: BAD_DATA when it is no hash table or changed while it was read, LIMIT, FAULT.
 * Owner: the caller frees *ret_values. Source: glib/ghash.c struct _GHashTable, 2.56 to 2.90. */
struct vqi_error *vqi_ghash_values(struct vqi_mem *mem, uint64_t address, uint64_t **ret_values,
				   size_t *ret_count) vqi_must_check;

#endif
