/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of the JSON document. */
#ifndef VQI_REPORT_JSON_H
#define VQI_REPORT_JSON_H

#include "json_tree.h"
#include "vqi/report.h"

/* The findings of a queue, or all with queue NULL. */
void vqi_json_findings(struct vqi_json *json, struct json_object *into,
		       const struct vqi_diagnosis *diagnosis, const struct vqi_queue *queue);

/* Fills the object of a device. */
void vqi_json_device(struct vqi_json *json, struct json_object *object,
		     const struct vqi_device *device, const struct vqi_diagnosis *diagnosis);

#endif
