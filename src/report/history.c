/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vqi/history.h"

#include <stdlib.h>
#include <string.h>

#include "history_queue.h"

struct vqi_error *vqi_history_new(struct vqi_history **ret_history)
{
	struct vqi_history *history = calloc(1, sizeof(*history));

	if (!history)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	*ret_history = history;
	return NULL;
}

static void queue_history_free(struct vqi_queue_history *queue)
{
	if (queue)
		free(queue->device);
	free(queue);
}
VQI_DEFINE_CLEANUP(struct vqi_queue_history *, queue_history_free)

static void free_all(struct vqi_queue_history **queues, size_t count)
{
	for (size_t i = 0; i < count; i++)
		queue_history_free(queues[i]);
	free(queues);
}

void vqi_history_free(struct vqi_history *history)
{
	if (!history)
		return;
	free_all(history->queues, history->queue_count + history->kept_count);
	free(history);
}

static const char *label_of(const struct vqi_device *device)
{
	const char *label = vqi_device_label(device);

	return label ? label : "";
}

static bool is_of(const struct vqi_queue_history *entry, const struct vqi_device *device)
{
	return entry->vdev_addr == device->vdev_addr &&
	       strcmp(entry->device, label_of(device)) == 0;
}

/* The place of a queue among count entries, looked for from a place on, as they mostly have the same order; count:
 * it is not there. */
static size_t find(struct vqi_queue_history *const *entries, size_t count, size_t start,
		   const struct vqi_device *device, unsigned int index)
{
	for (size_t i = 0; i < count; i++) {
		size_t at = (start + i) % count;

		if (entries[at] && entries[at]->index == index && is_of(entries[at], device))
			return at;
	}
	return count;
}

static struct vqi_error *entry_new(const struct vqi_device *device, const struct vqi_queue *queue,
				   struct vqi_queue_history **ret_entry)
{
	vqi_cleanup(queue_history_free) struct vqi_queue_history *entry = calloc(1, sizeof(*entry));

	if (entry)
		entry->device = strdup(label_of(device));
	if (!entry || !entry->device)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	entry->vdev_addr = device->vdev_addr;
	entry->vq_addr = queue->vq_addr;
	entry->index = queue->index;
	*ret_entry = take_ptr(entry);
	return NULL;
}

/* The entries as they will be, and those that were: what is taken over is NULL there. */
struct matching {
	struct vqi_queue_history **old, **now;
	size_t old_count, count;
	size_t cursor; /* where the next one is expected */
};

static struct vqi_error *add_queue(struct matching *matching, const struct vqi_device *device,
				   const struct vqi_queue *queue, uint64_t now_ns)
{
	size_t at =
		find(matching->old, matching->old_count, matching->cursor, device, queue->index);
	struct vqi_queue_history *entry = NULL;
	struct vqi_error *error;

	if (at < matching->old_count) {
		entry = take_ptr(matching->old[at]);
		matching->cursor = at + 1;
	} else {
		error = entry_new(device, queue, &entry);
		if (error)
			return error;
	}
	vqi_queue_history_add(entry, queue, now_ns);
	matching->now[matching->count++] = entry;
	return NULL;
}

static struct vqi_error *add_queues(struct matching *matching, const struct vqi_snapshot *snapshot,
				    uint64_t now_ns)
{
	struct vqi_error *error = NULL;

	for (size_t i = 0; !error && i < snapshot->device_count; i++) {
		const struct vqi_device *device = &snapshot->devices[i];

		for (size_t j = 0; !error && j < device->queue_count; j++)
			error = add_queue(matching, device, &device->queues[j], now_ns);
	}
	return error;
}

/* Keeps, behind the others, the queues of devices that could not be read this time; returns how many. */
static size_t keep_unread(struct matching *matching, const struct vqi_snapshot *snapshot,
			  uint64_t now_ns)
{
	size_t kept = 0;

	for (size_t i = 0; i < snapshot->device_count; i++) {
		const struct vqi_device *device = &snapshot->devices[i];

		for (size_t j = 0; device->unread && j < matching->old_count; j++) {
			if (!matching->old[j] || !is_of(matching->old[j], device))
				continue;
			vqi_queue_history_add_unread(matching->old[j], now_ns);
			matching->now[matching->count + kept++] = take_ptr(matching->old[j]);
		}
	}
	return kept;
}

static size_t count_queues(const struct vqi_snapshot *snapshot)
{
	size_t count = 0;

	for (size_t i = 0; i < snapshot->device_count; i++)
		count += snapshot->devices[i].queue_count;
	return count;
}

struct vqi_error *vqi_history_add(struct vqi_history *history, const struct vqi_snapshot *snapshot,
				  uint64_t now_ns)
{
	struct matching matching = {
		.old = history->queues,
		.old_count = history->queue_count + history->kept_count,
	};
	struct vqi_error *error;

	matching.now =
		calloc(count_queues(snapshot) + matching.old_count + 1, sizeof(*matching.now));
	if (!matching.now)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	error = add_queues(&matching, snapshot, now_ns);
	history->kept_count = keep_unread(&matching, snapshot, now_ns);
	free_all(matching.old, matching.old_count);
	history->queues = matching.now;
	history->queue_count = matching.count;
	if (!history->look_count++)
		history->first_ns = now_ns;
	history->last_ns = now_ns;
	return error;
}

const struct vqi_queue_history *vqi_history_queue(const struct vqi_history *history,
						  const struct vqi_device *device,
						  const struct vqi_queue *queue)
{
	size_t at = find(history->queues, history->queue_count, 0, device, queue->index);

	return at < history->queue_count ? history->queues[at] : NULL;
}
