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
 * process and says nothing; as does the file. */
static bool is_passed_over(const char *name)
{
	static const char *const names[] = {"index",   "queues",    "findings", "vdev_addr",
					    "vq_addr", "context",   "bs_addr",	"blk_addr",
					    "tid",     "stack_gap", "core",	NULL};

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

/* Whether a field, or an object that it is in, is called so. */
static bool is_in(const char *field, const char *const *names)
{
	for (const char *at = field; at; at = strchr(at, '.')) {
		at += *at == '.';
		for (const char *const *name = names; *name; name++) {
			if (strncmp(at, *name, strlen(*name)) == 0 &&
			    strchr(".", at[strlen(*name)]))
				return true;
		}
	}
	return false;
}

/* Whether null says that there is none, and not that nobody knows: of what is in QEMU's memory, and of what the kernel knew,
 * which is in no core. */
static bool is_null_an_answer(const char *field, const struct vqi_diff_side *side)
{
	static const char *const in_memory[] = {"throttle_group", "vhost", "wrap", "fault_place",
						NULL};
	static const char *const in_kernel[] = {"held", "wchan", "syscall", "file", "mutex", NULL};

	return is_in(field, in_memory) || (!side->snapshot->target.core && is_in(field, in_kernel));
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

static int compare_numbers(const void *one, const void *other)
{
	int64_t a = json_object_get_int64(*(struct json_object *const *)one);
	int64_t b = json_object_get_int64(*(struct json_object *const *)other);

	return a < b ? -1 : a > b;
}

/* A list as what stands for its items, [3, 17] of requests. NULL without memory. Owner: the caller. */
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
	const struct vqi_diff *diff;
	struct vqi_diff_part *part;
	bool has_indices;
	bool is_of_longer_list; /* the other list has no such item */
};

bool vqi_diff_is_of_two_looks(const struct vqi_diff_side *side)
{
	return side->snapshot->capture.looks > 1;
}

/* Whether a value may well be the same as that of the other side, for all that this side knows. */
static bool is_unknown(const struct comparison *comparison, const char *field,
		       const struct vqi_diff_side *side, struct json_object *value,
		       struct json_object *other)
{
	if (!value)
		return !comparison->is_of_longer_list && !is_null_an_answer(field, side);
	return strcmp(field, "state") == 0 && comparison->part->kind == VQI_DIFF_QUEUE && other &&
	       !vqi_diff_is_of_two_looks(side) &&
	       strcmp(json_object_get_string(value), "busy") == 0 &&
	       strcmp(json_object_get_string(other), "stuck") == 0;
}

static struct vqi_num difference(const struct comparison *comparison, const char *field,
				 struct json_object *old, struct json_object *new)
{
	if (!comparison->has_indices || !is_index(field) || !old || !new)
		return VQI_UNKNOWN;
	return VQI_NUM((uint16_t)(json_object_get_int64(new) - json_object_get_int64(old)));
}

/* NULL also for the state of a thread that nobody knows. */
static struct json_object *known_value(const struct comparison *comparison, const char *field,
				       struct json_object *value)
{
	bool is_state = comparison->part->kind == VQI_DIFF_THREAD && strcmp(field, "state") == 0;

	return is_state && value && strcmp(json_object_get_string(value), "?") == 0 ? NULL : value;
}

static struct vqi_error *append(struct vqi_change **changes, size_t *count,
				const struct vqi_change *change)
{
	struct vqi_change *grown = reallocarray(*changes, *count + 1, sizeof(*grown));
	char *field = strdup(change->field);

	if (grown)
		*changes = grown;
	if (!grown || !field) {
		free(field);
		return no_memory();
	}
	grown[*count] = *change;
	grown[*count].field = field;
	json_object_get(change->old);
	json_object_get(change->new);
	++*count;
	return NULL;
}

static struct vqi_error *add_change(const struct comparison *comparison, const char *field,
				    struct json_object *old, struct json_object *new)
{
	const struct vqi_diff *diff = comparison->diff;
	struct vqi_diff_part *part = comparison->part;
	const struct vqi_change change = {
		.field = (char *)(uintptr_t)field,
		.old = known_value(comparison, field, old),
		.new = known_value(comparison, field, new),
		.difference = difference(comparison, field, old, new),
	};

	if (is_unknown(comparison, field, &diff->old, change.old, change.new) ||
	    is_unknown(comparison, field, &diff->new, change.new, change.old))
		return append(&part->unknown, &part->unknown_count, &change);
	return append(&part->changes, &part->change_count, &change);
}

static struct vqi_error *compare_value(const struct comparison *comparison, const char *field,
				       struct json_object *old, struct json_object *new);

/* The requests of a queue; NULL where there are some, and nobody asked which. */
static struct json_object *listed_requests(struct json_object *queue)
{
	struct json_object *requests = json_object_object_get(queue, "requests");
	struct json_object *in_flight = json_object_object_get(queue, "in_flight");

	if (!json_object_array_length(requests) && json_object_get_int64(in_flight) > 0)
		return NULL;
	return requests;
}

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
		if (old && new && !*prefix && strcmp(name, "requests") == 0) {
			before = listed_requests(old);
			after = listed_requests(new);
		}
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
		struct comparison items = *comparison;

		if (asprintf(&field, "%s.%zu", prefix, i) < 0) {
			field = NULL;
			return no_memory();
		}
		items.is_of_longer_list |= i >= old_count || i >= new_count;
		error = compare_value(&items, field,
				      i < old_count ? json_object_array_get_idx(old, i) : NULL,
				      i < new_count ? json_object_array_get_idx(new, i) : NULL);
	}
	return error;
}

/* NULL is of a list that is not known. */
static struct vqi_error *compare_keys(const struct comparison *comparison, const char *field,
				      struct json_object *old, struct json_object *new)
{
	struct json_object *before = old ? list_keys(old) : NULL;
	struct json_object *after = new ? list_keys(new) : NULL;
	struct vqi_error *error = NULL;
	bool is_set = strcmp(field, "requests") == 0; /* they come in any order */

	if (before && is_set)
		json_object_array_sort(before, compare_numbers);
	if (after && is_set)
		json_object_array_sort(after, compare_numbers);
	if ((old && !before) || (new && !after))
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

struct vqi_error *vqi_diff_fields(const struct vqi_diff *diff, struct json_object *old,
				  struct json_object *new, bool has_indices,
				  struct vqi_diff_part *part)
{
	const struct comparison comparison = {
		.diff = diff, .part = part, .has_indices = has_indices};

	return compare_members(&comparison, "", old, new);
}
