/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "desc.h"

#include <stdlib.h>

struct vqi_error *vqi_desc_read_table(struct vqi_mem *mem, const struct vqi_guest_ram *ram,
				      const struct vqi_desc *desc, uint8_t **ret_bytes)
{
	vqi_cleanup_free uint8_t *bytes = malloc(desc->len);
	struct vqi_error *error;

	if (!bytes)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	error = vqi_guest_ram_get(mem, ram, desc->gpa, bytes, desc->len);
	if (error)
		return vqi_error_prefix(error, "indirect table");
	*ret_bytes = take_ptr(bytes);
	return NULL;
}
