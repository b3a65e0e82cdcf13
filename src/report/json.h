/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of the JSON document. */
#ifndef VQI_REPORT_JSON_H
#define VQI_REPORT_JSON_H

#include "json_tree.h"
#include "vqi/report.h"

/* The findings of a queue, or all with queue NULL. */
void vqi_json_findings(struct vqi_json *json, struct json_object *into,
		       const struct vqi_diagnosis *diagnosis, const struct vqi_queue *queue);

/* Fills the object of a device of a snapshot. */
void vqi_json_device(struct vqi_json *json, struct json_object *object,
		     const struct vqi_snapshot *snapshot, const struct vqi_device *device,
		     const struct vqi_diagnosis *diagnosis);

/* Adds one of its queues to a list. */
void vqi_json_queue(struct vqi_json *json, struct json_object *list,
		    const struct vqi_snapshot *snapshot, const struct vqi_queue *queue,
		    const struct vqi_diagnosis *diagnosis);

/* Adds the requests in flight of a queue. */
void vqi_json_requests(struct vqi_json *json, struct json_object *into,
		       const struct vqi_queue *queue);

/* Adds a back trace, and why it may lack frames. */
void vqi_json_stack(struct vqi_json *json, struct json_object *into, const struct vqi_stack *stack);

/* Adds a node of the block layer to a list. */
void vqi_json_block_node(struct vqi_json *json, struct json_object *list,
			 const struct vqi_block_node *node);

/* Adds the program, the target, a moment: ISO 8601, in UTC, to the millisecond; null for one that has no calendar date. */
void vqi_json_tool(struct vqi_json *json, struct json_object *document);
void vqi_json_target(struct vqi_json *json, struct json_object *document,
		     const struct vqi_target *target);
void vqi_json_time(struct vqi_json *json, struct json_object *into, const char *name,
		   const struct timespec *time);

/* Adds one finding, or gap, to a list. */
void vqi_json_finding(struct vqi_json *json, struct json_object *list,
		      const struct vqi_finding *finding);
void vqi_json_gap(struct vqi_json *json, struct json_object *list, const struct vqi_gap *gap);

/* Writes a document as one line, as json-c's strings do, with what a terminal may obey escaped. Errors: SYS, NOMEM. */
struct vqi_error *vqi_json_write(struct vqi_json *json, FILE *stream) vqi_must_check;

/* Adds who does the work: loops, threads, vcpus; and requests of others. */
void vqi_json_host(struct vqi_json *json, struct json_object *document,
		   const struct vqi_snapshot *snapshot);

#endif
