/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "diff_fields.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct vqi_error *no_memory(void)
{
	return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
}

static bool is_one_of(const char *name, const char *const *names)
{
	for (; *names; names++) {
		if (strcmp(name, *names) == 0)
			return true;
	}
	return false;
}

/* What a part is told by; what is compared as a part, or with its like; and where QEMU has it, which is elsewhere in each
 * process and says nothing. */
static bool is_passed_over(const char *name)
{
	static const char *const names[] = {"index",   "queues",    "findings", "vdev_addr",
					    "vq_addr", "context",   "bs_addr",	"blk_addr",
					    "tid",     "stack_gap", NULL};

	return is_one_of(name, names);
}

/* Free-running counters of 16 bits. */
static bool is_index(const char *field)
{
	static const char *const names[] = {"avail_idx",   "used_ring_idx",    "used_event",
					    "avail_event", "shadow_avail_idx", "last_avail_idx",
					    "used_idx",	   "signalled_used",   "driver_used_idx",
					    NULL};

	return is_one_of(field, names);
}

/* What stands for an item of a list of objects: of a request its head, of a frame its function. */
static struct json_object *item_key(struct json_object *item)
{
	static const char *const keys[] = {"head", "function", "pc", NULL};
	struct json_object *key = NULL;

	for (const char *const *name = keys; *name; name++) {
		if (json_object_object_get_ex(item, *name, &key) && key)
			return key;
	}
	return NULL;
}

/* A list as what stands for its items, [17, 3] of requests. NULL without memory. Owner: the caller. */
static struct json_object *list_keys(struct json_object *list)
{
	struct json_object *keys = json_object_new_array();

	for (size_t i = 0; keys && list && i < json_object_array_length(list); i++) {
		struct json_object *key = item_key(json_object_array_get_idx(list, i));

		if (json_object_array_add(keys, json_object_get(key)) != 0) {
			json_object_put(key);
			json_object_put(keys);
			return NULL;
		}
	}
	return keys;
}

/* Two objects, the fields that they are compared in, and what they are fields of. */
struct comparison {
	struct vqi_diff_part *part;
	bool has_indices;
};

static struct vqi_num difference(const struct comparison *comparison, const char *field,
				 struct json_object *old, struct json_object *new)
{
	if (!comparison->has_indices || !is_index(field) || !old || !new)
		return VQI_UNKNOWN;
	return VQI_NUM((uint16_t)(json_object_get_int64(new) - json_object_get_int64(old)));
}

static struct vqi_error *add_change(const struct comparison *comparison, const char *field,
				    struct json_object *old, struct json_object *new)
{
	struct vqi_diff_part *part = comparison->part;
	struct vqi_change *grown;
	char *copy = strdup(field);

	grown = reallocarray(part->changes, part->change_count + 1, sizeof(*grown));
	if (grown)
		part->changes = grown;
	if (!grown || !copy) {
		free(copy);
		return no_memory();
	}
	grown[part->change_count++] = (struct vqi_change){
		.field = copy,
		.old = json_object_get(old),
		.new = json_object_get(new),
		.difference = difference(comparison, field, old, new),
	};
	return NULL;
}

static struct vqi_error *compare_value(const struct comparison *comparison, const char *field,
				       struct json_object *old, struct json_object *new);

/* The members of one of them, as both have the same, or one of them is null. */
static struct vqi_error *compare_members(const struct comparison *comparison, const char *prefix,
					 struct json_object *old, struct json_object *new)
{
	struct json_object *named = old ? old : new;
	struct vqi_error *error = NULL;

	json_object_object_foreach(named, name, value)
	{
		struct json_object *before = old ? json_object_object_get(old, name) : NULL;
		struct json_object *after = new ? json_object_object_get(new, name) : NULL;
		vqi_cleanup_free char *field = NULL;

		(void)value;
		if (error || is_passed_over(name))
			continue;
		if (asprintf(&field, "%s%s%s", prefix, *prefix ? "." : "", name) < 0) {
			field = NULL;
			return no_memory();
		}
		error = compare_value(comparison, field, before, after);
	}
	return error;
}

/* Items of the same place; what one list has more stands against null. */
static struct vqi_error *compare_items(const struct comparison *comparison, const char *prefix,
				       struct json_object *old, struct json_object *new)
{
	size_t old_count = old ? json_object_array_length(old) : 0;
	size_t new_count = new ? json_object_array_length(new) : 0;
	struct vqi_error *error = NULL;

	for (size_t i = 0; !error && (i < old_count || i < new_count); i++) {
		vqi_cleanup_free char *field = NULL;

		if (asprintf(&field, "%s.%zu", prefix, i) < 0) {
			field = NULL;
			return no_memory();
		}
		error = compare_value(comparison, field,
				      i < old_count ? json_object_array_get_idx(old, i) : NULL,
				      i < new_count ? json_object_array_get_idx(new, i) : NULL);
	}
	return error;
}

static struct vqi_error *compare_keys(const struct comparison *comparison, const char *field,
				      struct json_object *old, struct json_object *new)
{
	struct json_object *before = list_keys(old), *after = list_keys(new);
	struct vqi_error *error = NULL;

	if (!before || !after)
		error = no_memory();
	else if (!json_object_equal(before, after))
		error = add_change(comparison, field, before, after);
	json_object_put(before);
	json_object_put(after);
	return error;
}

static bool is_list_of_objects(struct json_object *value)
{
	return json_object_is_type(value, json_type_array) && json_object_array_length(value) &&
	       json_object_is_type(json_object_array_get_idx(value, 0), json_type_object);
}

static struct vqi_error *compare_value(const struct comparison *comparison, const char *field,
				       struct json_object *old, struct json_object *new)
{
	if (json_object_equal(old, new))
		return NULL;
	if (strcmp(field, "requests") == 0 || strcmp(field, "stack") == 0)
		return compare_keys(comparison, field, old, new);
	if (json_object_is_type(old, json_type_object) ||
	    json_object_is_type(new, json_type_object))
		return compare_members(comparison, field, old, new);
	if (is_list_of_objects(old) || is_list_of_objects(new))
		return compare_items(comparison, field, old, new);
	return add_change(comparison, field, old, new);
}

struct vqi_error *vqi_diff_fields(struct json_object *old, struct json_object *new,
				  bool has_indices, struct vqi_diff_part *part)
{
	const struct comparison comparison = {.part = part, .has_indices = has_indices};

	return compare_members(&comparison, "", old, new);
}

/* ---- findings and gaps ---- */

static bool same_text(const char *one, const char *other)
{
	return one == other || (one && other && strcmp(one, other) == 0);
}

static const char *device_of(const struct vqi_finding *finding)
{
	return finding->device ? vqi_device_label(finding->device) : NULL;
}

/* Of one rule, and of what is called alike; or of the two queues that are compared. */
static bool same_finding(const struct vqi_finding *one, const struct vqi_finding *other,
			 bool of_queues)
{
	if (one->rule != other->rule)
		return false;
	if (of_queues)
		return true;
	return same_text(device_of(one), device_of(other)) && !one->queue == !other->queue &&
	       (!one->queue || one->queue->index == other->queue->index);
}

static bool is_of_side(const struct vqi_diff_side *side, const struct vqi_finding *finding)
{
	return (!side->device || finding->device == side->device) &&
	       (!side->queue || finding->queue == side->queue);
}

/* Lists the findings of a side that the other has not. */
static struct vqi_error *only_in(const struct vqi_diff_side *side,
				 const struct vqi_diff_side *other,
				 const struct vqi_finding ***ret_found, size_t *ret_count)
{
	const struct vqi_diagnosis *ours = side->diagnosis, *theirs = other->diagnosis;
	bool of_queues = side->device && other->device;
	const struct vqi_finding **found = calloc(ours->finding_count + 1, sizeof(*found));
	size_t count = 0;

	if (!found)
		return no_memory();
	for (size_t i = 0; i < ours->finding_count; i++) {
		bool there = !is_of_side(side, &ours->findings[i]);

		for (size_t j = 0; !there && j < theirs->finding_count; j++)
			there = is_of_side(other, &theirs->findings[j]) &&
				same_finding(&ours->findings[i], &theirs->findings[j], of_queues);
		if (!there)
			found[count++] = &ours->findings[i];
	}
	*ret_found = found;
	*ret_count = count;
	return NULL;
}

struct vqi_error *vqi_diff_findings(struct vqi_diff *diff)
{
	struct vqi_error *error;

	error = only_in(&diff->old, &diff->new, &diff->gone, &diff->gone_count);
	return error ? error : only_in(&diff->new, &diff->old, &diff->come, &diff->come_count);
}

static bool same_gap(const struct vqi_gap *one, const struct vqi_gap *other)
{
	return same_text(one->device, other->device) && vqi_num_equal(one->queue, other->queue) &&
	       same_text(one->what, other->what);
}

static bool is_gap_of_side(const struct vqi_diff_side *side, const struct vqi_gap *gap)
{
	if (!side->device || !gap->device)
		return true;
	return same_text(gap->device, vqi_device_label(side->device)) &&
	       (!side->queue || !gap->queue.known || gap->queue.value == side->queue->index);
}

static struct vqi_error *gaps_only_in(const struct vqi_diff_side *side,
				      const struct vqi_snapshot *other,
				      const struct vqi_gap ***ret_found, size_t *ret_count)
{
	const struct vqi_snapshot *ours = side->snapshot;
	const struct vqi_gap **found = calloc(ours->gap_count + 1, sizeof(*found));
	size_t count = 0;

	if (!found)
		return no_memory();
	for (size_t i = 0; i < ours->gap_count; i++) {
		bool there = !is_gap_of_side(side, &ours->gaps[i]);

		for (size_t j = 0; !there && j < other->gap_count; j++)
			there = same_gap(&ours->gaps[i], &other->gaps[j]);
		if (!there)
			found[count++] = &ours->gaps[i];
	}
	*ret_found = found;
	*ret_count = count;
	return NULL;
}

struct vqi_error *vqi_diff_gaps(struct vqi_diff *diff)
{
	struct vqi_error *error;

	error = gaps_only_in(&diff->old, diff->new.snapshot, &diff->gaps_gone,
			     &diff->gaps_gone_count);
	return error ? error
		     : gaps_only_in(&diff->new, diff->old.snapshot, &diff->gaps_come,
				    &diff->gaps_come_count);
}
