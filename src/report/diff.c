/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Compares what the JSON document says of each thing, so that a field that is reported is a field that is compared. */
#include "vqi/diff.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "diff_fields.h"
#include "json.h"

static struct vqi_error *no_memory(void)
{
	return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
}

/* ---- parts ---- */

static void changes_done(struct vqi_change *changes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(changes[i].field);
		json_object_put(changes[i].old);
		json_object_put(changes[i].new);
	}
	free(changes);
}

static void part_done(struct vqi_diff_part *part)
{
	changes_done(part->changes, part->change_count);
	changes_done(part->unknown, part->unknown_count);
	free(part->old);
	free(part->new);
}

/* One thing of one side: what it is called, and what the document says of it. */
struct thing {
	char *name; /* NULL: it is not there */
	struct json_object *object;
};

/* Makes a part of a thing that is in one side or in both, and keeps it if it says anything. Takes the names. */
static struct vqi_error *add_part(struct vqi_diff *diff, enum vqi_diff_kind kind,
				  const struct thing *old, const struct thing *new,
				  bool has_indices)
{
	struct vqi_diff_part part = {.kind = kind, .old = old->name, .new = new->name};
	struct vqi_error *error = NULL;
	struct vqi_diff_part *grown;

	if (part.old && part.new) {
		diff->compared++;
		error = vqi_diff_fields(diff, old->object, new->object, has_indices, &part);
	}
	if (error || (!vqi_diff_part_differs(&part) && !part.unknown_count)) {
		part_done(&part);
		return error;
	}
	grown = reallocarray(diff->parts, diff->part_count + 1, sizeof(*grown));
	if (!grown) {
		part_done(&part);
		return no_memory();
	}
	diff->parts = grown;
	grown[diff->part_count++] = part;
	return NULL;
}

bool vqi_diff_part_differs(const struct vqi_diff_part *part)
{
	return !part->old || !part->new || part->change_count;
}

static char *queue_name(const struct vqi_device *device, const struct vqi_queue *queue)
{
	const char *label = vqi_device_label(device);
	char *name;

	if (asprintf(&name, "%s queue %u", label ? label : "-", queue->index) < 0)
		return NULL;
	return name;
}

/* ---- devices and queues ---- */

static struct json_object *find_queue(struct json_object *device, const struct vqi_queue *queue)
{
	struct json_object *queues = NULL, *index;

	json_object_object_get_ex(device, "queues", &queues);
	for (size_t i = 0; queues && i < json_object_array_length(queues); i++) {
		struct json_object *found = json_object_array_get_idx(queues, i);

		if (json_object_object_get_ex(found, "index", &index) &&
		    json_object_get_uint64(index) == queue->index)
			return found;
	}
	return NULL;
}

static const struct vqi_queue *same_queue(const struct vqi_device *device, unsigned int index)
{
	for (size_t i = 0; device && i < device->queue_count; i++) {
		if (device->queues[i].index == index)
			return &device->queues[i];
	}
	return NULL;
}

/* A device of each side, either of which may be NULL, with the document of it. */
struct pair {
	const struct vqi_device *old, *new;
	struct vqi_json old_json, new_json;
};

static struct vqi_error *add_queue(struct vqi_diff *diff, const struct pair *pair,
				   const struct vqi_queue *old, const struct vqi_queue *new)
{
	struct thing before = {0}, after = {0};
	bool has_indices = old && new && old->ring == VQI_RING_SPLIT &&new->ring == VQI_RING_SPLIT;

	if (old)
		before = (struct thing){queue_name(pair->old, old),
					find_queue(pair->old_json.root, old)};
	if (new)
		after = (struct thing){queue_name(pair->new, new),
				       find_queue(pair->new_json.root, new)};
	if ((old && !before.name) || (new && !after.name)) {
		free(before.name);
		free(after.name);
		return no_memory();
	}
	return add_part(diff, VQI_DIFF_QUEUE, &before, &after, has_indices);
}

static struct vqi_error *add_queues(struct vqi_diff *diff, const struct pair *pair)
{
	struct vqi_error *error = NULL;

	for (size_t i = 0; !error && pair->old && i < pair->old->queue_count; i++) {
		const struct vqi_queue *queue = &pair->old->queues[i];

		error = add_queue(diff, pair, queue, same_queue(pair->new, queue->index));
	}
	for (size_t i = 0; !error && pair->new &&i < pair->new->queue_count; i++) {
		const struct vqi_queue *queue = &pair->new->queues[i];

		if (!same_queue(pair->old, queue->index))
			error = add_queue(diff, pair, NULL, queue);
	}
	return error;
}

static struct vqi_error *add_device_itself(struct vqi_diff *diff, const struct pair *pair)
{
	struct thing old = {.object = pair->old_json.root}, new = {.object = pair->new_json.root};
	struct vqi_error *error = NULL;

	if (pair->old)
		error = vqi_copy_string(vqi_device_label(pair->old), &old.name);
	if (!error && pair->new)
		error = vqi_copy_string(vqi_device_label(pair->new), &new.name);
	if (!error)
		return add_part(diff, VQI_DIFF_DEVICE, &old, &new, false);
	free(old.name);
	free(new.name);
	return error;
}

static void put_device(const struct vqi_diff_side *side, const struct vqi_device *device,
		       struct vqi_json *json)
{
	vqi_json_init(json);
	if (device)
		vqi_json_device(json, json->root, side->snapshot, device, side->diagnosis);
}

/* Compares a device and its queues, or of the sides that name a queue these alone. */
static struct vqi_error *add_device(struct vqi_diff *diff, const struct vqi_device *old,
				    const struct vqi_device *new)
{
	struct pair pair = {.old = old, .new = new};
	bool is_of_queues = diff->old.queue && diff->new.queue;
	struct vqi_error *error = NULL;

	put_device(&diff->old, old, &pair.old_json);
	put_device(&diff->new, new, &pair.new_json);
	if (pair.old_json.failed || pair.new_json.failed)
		error = no_memory();
	else if (is_of_queues)
		error = add_queue(diff, &pair, diff->old.queue, diff->new.queue);
	else
		error = add_device_itself(diff, &pair);
	if (!error && !is_of_queues && old &&
	    new) /* else all its queues are there, or gone, with it */
		error = add_queues(diff, &pair);
	vqi_json_done(&pair.old_json);
	vqi_json_done(&pair.new_json);
	return error;
}

static bool has_label(const struct vqi_device *device, const struct vqi_device *other)
{
	const char *one = vqi_device_label(device), *two = vqi_device_label(other);

	return one && two && strcmp(one, two) == 0;
}

static const struct vqi_device *same_device(const struct vqi_snapshot *snapshot,
					    const struct vqi_device *device)
{
	for (size_t i = 0; i < snapshot->device_count; i++) {
		if (has_label(&snapshot->devices[i], device))
			return &snapshot->devices[i];
	}
	return NULL;
}

static struct vqi_error *add_devices(struct vqi_diff *diff)
{
	const struct vqi_snapshot *old = diff->old.snapshot, *new = diff->new.snapshot;
	struct vqi_error *error = NULL;

	for (size_t i = 0; !error && i < old->device_count; i++)
		error = add_device(diff, &old->devices[i], same_device(new, &old->devices[i]));
	for (size_t i = 0; !error && i < new->device_count; i++) {
		if (!same_device(old, &new->devices[i]))
			error = add_device(diff, NULL, &new->devices[i]);
	}
	return error;
}

/* ---- the VM, and who does the work ---- */

/* The text of a member, "" for null. */
static const char *member_text(struct json_object *object, const char *name)
{
	struct json_object *member = NULL;
	const char *text;

	json_object_object_get_ex(object, name, &member);
	text = member ? json_object_get_string(member) : "";
	return text ? text : "";
}

/* Lists of the document whose items are told apart by one member each. */
static const struct list {
	const char *name, *key, *word;
	enum vqi_diff_kind kind;
} lists[] = {
	{"loops", "name", "event loop", VQI_DIFF_LOOP},
	{"threads", "tid", "thread", VQI_DIFF_THREAD},
	{"vcpus", "index", "vCPU", VQI_DIFF_VCPU},
};

static struct json_object *find_item(struct json_object *items, const char *key, const char *value)
{
	for (size_t i = 0; i < json_object_array_length(items); i++) {
		struct json_object *item = json_object_array_get_idx(items, i);

		if (strcmp(member_text(item, key), value) == 0)
			return item;
	}
	return NULL;
}

static struct vqi_error *name_item(const struct list *list, struct json_object *item,
				   struct thing *ret_thing)
{
	ret_thing->object = item;
	if (!item)
		return NULL;
	if (list->kind == VQI_DIFF_LOOP)
		return vqi_copy_string(member_text(item, list->key), &ret_thing->name);
	if (asprintf(&ret_thing->name, "%s %s", list->word, member_text(item, list->key)) >= 0)
		return NULL;
	ret_thing->name = NULL;
	return no_memory();
}

static struct vqi_error *add_item(struct vqi_diff *diff, const struct list *list,
				  struct json_object *old, struct json_object *new)
{
	struct thing before = {0}, after = {0};
	struct vqi_error *error = name_item(list, old, &before);

	if (!error)
		error = name_item(list, new, &after);
	if (!error)
		return add_part(diff, list->kind, &before, &after, false);
	free(before.name);
	free(after.name);
	return error;
}

static struct vqi_error *add_list(struct vqi_diff *diff, const struct list *list,
				  struct json_object *old, struct json_object *new)
{
	struct json_object *before = json_object_object_get(old, list->name);
	struct json_object *after = json_object_object_get(new, list->name);
	struct vqi_error *error = NULL;

	for (size_t i = 0; !error && i < json_object_array_length(before); i++) {
		struct json_object *item = json_object_array_get_idx(before, i);

		error = add_item(diff, list, item,
				 find_item(after, list->key, member_text(item, list->key)));
	}
	for (size_t i = 0; !error && i < json_object_array_length(after); i++) {
		struct json_object *item = json_object_array_get_idx(after, i);

		if (!find_item(before, list->key, member_text(item, list->key)))
			error = add_item(diff, list, NULL, item);
	}
	return error;
}

static struct vqi_error *add_target(struct vqi_diff *diff, struct json_object *old,
				    struct json_object *new)
{
	struct thing before = {.object = json_object_object_get(old, "target")};
	struct thing after = {.object = json_object_object_get(new, "target")};
	struct vqi_error *error = vqi_copy_string("target", &before.name);

	if (!error)
		error = vqi_copy_string("target", &after.name);
	if (!error)
		return add_part(diff, VQI_DIFF_TARGET, &before, &after, false);
	free(before.name);
	return error;
}

static struct vqi_error *add_host(struct vqi_diff *diff)
{
	struct vqi_json old, new;
	struct vqi_error *error = NULL;

	vqi_json_init(&old);
	vqi_json_init(&new);
	vqi_json_target(&old, old.root, &diff->old.snapshot->target);
	vqi_json_target(&new, new.root, &diff->new.snapshot->target);
	vqi_json_host(&old, old.root, diff->old.snapshot);
	vqi_json_host(&new, new.root, diff->new.snapshot);
	if (old.failed || new.failed)
		error = no_memory();
	if (!error)
		error = add_target(diff, old.root, new.root);
	for (size_t i = 0; !error && i < sizeof(lists) / sizeof(lists[0]); i++)
		error = add_list(diff, &lists[i], old.root, new.root);
	vqi_json_done(&old);
	vqi_json_done(&new);
	return error;
}

/* ---- all of it ---- */

struct vqi_error *vqi_diff(const struct vqi_diff_side *old, const struct vqi_diff_side *new,
			   struct vqi_diff *ret_diff)
{
	vqi_cleanup(vqi_diff_done) struct vqi_diff diff = {.old = *old, .new = *new};
	struct vqi_error *error;

	if (old->device && new->device) {
		error = add_device(&diff, old->device, new->device);
	} else {
		error = add_devices(&diff);
		if (!error)
			error = add_host(&diff);
	}
	if (!error)
		error = vqi_diff_findings(&diff);
	if (!error)
		error = vqi_diff_gaps(&diff);
	if (error)
		return error;
	*ret_diff = diff;
	diff = (struct vqi_diff){0};
	return NULL;
}

void vqi_diff_done(struct vqi_diff *diff)
{
	for (size_t i = 0; i < diff->part_count; i++)
		part_done(&diff->parts[i]);
	free(diff->parts);
	free(diff->gone);
	free(diff->come);
	free(diff->unknown_gone);
	free(diff->unknown_come);
	free(diff->gaps_gone);
	free(diff->gaps_come);
}
