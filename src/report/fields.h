/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The numbers of a queue, by their names in the report: one list for text and JSON. */
#ifndef VQI_REPORT_FIELDS_H
#define VQI_REPORT_FIELDS_H

#include <stddef.h>

#include "vqi/snapshot.h"

/* Where a number comes from: a line each in the verbose text. */
enum vqi_field_group {
	VQI_FIELDS_GUEST,   /* guest RAM */
	VQI_FIELDS_QEMU,    /* QEMU's VirtQueue */
	VQI_FIELDS_DERIVED, /* computed of the others */
	VQI_FIELDS_GROUP_COUNT,
};

enum vqi_field_form { VQI_FORM_NUMBER, VQI_FORM_BOOLEAN };

struct vqi_queue_field {
	enum vqi_field_group group;
	enum vqi_field_form form;
	const char *name;
	size_t offset; /* of a struct vqi_num in struct vqi_queue */
};

extern const struct vqi_queue_field vqi_queue_fields[];
extern const size_t vqi_queue_field_count;

struct vqi_num vqi_queue_field_value(const struct vqi_queue *queue,
				     const struct vqi_queue_field *field);

/* Up to where the device has completed: QEMU's index, or the ring's where QEMU does not know. */
struct vqi_num vqi_queue_used(const struct vqi_queue *queue);

/* Up to where the driver has consumed what was completed. */
struct vqi_num vqi_queue_reaped(const struct vqi_queue *queue);

#endif
