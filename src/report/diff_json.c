/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <json-c/json.h>

#include "json.h"
#include "vqi/diff.h"

#define SCHEMA "virtq-inspect-diff/1"

static const char *kind_word(enum vqi_diff_kind kind)
{
	switch (kind) {
	case VQI_DIFF_TARGET:
		return "target";
	case VQI_DIFF_DEVICE:
		return "device";
	case VQI_DIFF_QUEUE:
		return "queue";
	case VQI_DIFF_LOOP:
		return "loop";
	case VQI_DIFF_THREAD:
		return "thread";
	case VQI_DIFF_VCPU:
		return "vcpu";
	}
	return NULL;
}

static void put_side(struct vqi_json *json, const char *name, const struct vqi_diff_side *side)
{
	struct json_object *object = vqi_json_object(json, json->root, name);

	vqi_json_string(json, object, "name", side->name);
	vqi_json_string(json, object, "vm_name", side->snapshot->target.vm_name);
	vqi_json_uint(json, object, "pid", (uint64_t)side->snapshot->target.pid);
	vqi_json_time(json, object, "time", &side->snapshot->capture.time);
	vqi_json_string(json, object, "device",
			side->device ? vqi_device_label(side->device) : NULL);
	vqi_json_num(json, object, "queue",
		     side->queue ? VQI_NUM(side->queue->index) : VQI_UNKNOWN);
}

/* Adds a value of one of the documents that were compared. */
static void put_value(struct vqi_json *json, struct json_object *into, const char *name,
		      struct json_object *value)
{
	if (into && json_object_object_add(into, name, json_object_get(value)) != 0) {
		json_object_put(value);
		json->failed = true;
	}
}

static void put_change(struct vqi_json *json, struct json_object *list,
		       const struct vqi_change *change)
{
	struct json_object *object = vqi_json_object(json, list, NULL);

	vqi_json_string(json, object, "field", change->field);
	put_value(json, object, "old", change->old);
	put_value(json, object, "new", change->new);
	vqi_json_num(json, object, "difference", change->difference);
}

static void put_part(struct vqi_json *json, struct json_object *list,
		     const struct vqi_diff_part *part)
{
	struct json_object *object = vqi_json_object(json, list, NULL), *changes;

	vqi_json_string(json, object, "kind", kind_word(part->kind));
	vqi_json_string(json, object, "old", part->old);
	vqi_json_string(json, object, "new", part->new);
	changes = vqi_json_list(json, object, "changes");
	for (size_t i = 0; i < part->change_count; i++)
		put_change(json, changes, &part->changes[i]);
}

static void put_findings(struct vqi_json *json, const char *name,
			 const struct vqi_finding *const *findings, size_t count)
{
	struct json_object *list = vqi_json_list(json, json->root, name);

	for (size_t i = 0; i < count; i++)
		vqi_json_finding(json, list, findings[i]);
}

static void put_gaps(struct vqi_json *json, const char *name, const struct vqi_gap *const *gaps,
		     size_t count)
{
	struct json_object *list = vqi_json_list(json, json->root, name);

	for (size_t i = 0; i < count; i++)
		vqi_json_gap(json, list, gaps[i]);
}

struct vqi_error *vqi_diff_json(FILE *stream, const struct vqi_diff *diff)
{
	struct json_object *parts;
	struct vqi_error *error;
	struct vqi_json json;

	vqi_json_init(&json);
	vqi_json_string(&json, json.root, "schema", SCHEMA);
	vqi_json_tool(&json, json.root);
	put_side(&json, "old", &diff->old);
	put_side(&json, "new", &diff->new);
	parts = vqi_json_list(&json, json.root, "parts");
	for (size_t i = 0; i < diff->part_count; i++)
		if (vqi_diff_part_differs(&diff->parts[i]))
			put_part(&json, parts, &diff->parts[i]);
	vqi_json_uint(&json, json.root, "compared", diff->compared);
	put_findings(&json, "findings_come", diff->come, diff->come_count);
	put_findings(&json, "findings_gone", diff->gone, diff->gone_count);
	put_gaps(&json, "gaps_come", diff->gaps_come, diff->gaps_come_count);
	put_gaps(&json, "gaps_gone", diff->gaps_gone, diff->gaps_gone_count);
	error = vqi_json_write(&json, stream);
	vqi_json_done(&json);
	return error;
}
