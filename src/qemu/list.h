/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QEMU's doubly linked lists: QLIST and QTAILQ of include/qemu/queue.h. */
#ifndef VQI_QEMU_LIST_H
#define VQI_QEMU_LIST_H

#include "vqi/qemu.h"

#define VQI_LINK_BACK                                                                              \
	8 /* QLIST_ENTRY, QTAILQ_ENTRY: where what points to an entry has its pointer */

/* Whether an entry of a list says that it is pointed to from there: the first by the list's head. Where nothing is
 * known of the link, or there is no entry, it is believed. Errors: those of readv. */
static inline struct vqi_error *vqi_list_has_back(struct vqi_qemu *qemu, uint64_t entry,
						  enum vqi_field_id link, uint64_t from,
						  bool *ret_has)
{
	const struct vqi_field *field = &qemu->layout->fields[link];
	uint64_t back = 0;
	struct vqi_error *error;

	*ret_has = true;
	if (!field->present || !entry)
		return NULL;
	*ret_has = false;
	error = vqi_error_keep_fatal(vqi_mem_read_uint(
		qemu->mem, entry + field->offset + VQI_LINK_BACK, sizeof(back), &back));
	*ret_has = !error && back == from;
	return error;
}

#endif
