/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rule about requests that the device has taken and does not complete. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "vqi/virtio.h"

#include "describe.h"
#include "finding.h"
#include "loop_facts.h"
#include "predicates.h"
#include "queue_facts.h"

bool vqi_held_still(const struct vqi_subject *subject)
{
	return subject->held_still;
}

bool vqi_is_awaited(const struct vqi_subject *subject)
{
	return vqi_queue_is_awaited(subject->queue);
}

bool vqi_is_in_flight(const struct vqi_subject *subject)
{
	return vqi_num_nonzero(subject->queue->in_flight);
}

/* ---- why ---- */

#define WORKERS_LISTED 4 /* of those that wait for a file */

/* Whether a thread that is no event loop's works on a file, as those of a thread pool do. */
static bool is_worker(const struct vqi_thread *thread, const char *file)
{
	return file && !thread->role && thread->in_syscall && thread->file &&
	       strcmp(thread->file, file) == 0;
}

/* How many work on a file, and the first of them; NULL: none. */
static const struct vqi_thread *find_workers(const struct vqi_snapshot *snapshot, const char *file,
					     size_t *ret_count)
{
	const struct vqi_thread *first = NULL;

	*ret_count = 0;
	for (size_t i = snapshot->thread_count; i-- > 0;) {
		if (!is_worker(&snapshot->threads[i], file))
			continue;
		first = &snapshot->threads[i];
		++*ret_count;
	}
	return first;
}

/* The throttle group that some of a back end's requests wait in; NULL: none. */
static const char *throttle_group_of(const struct vqi_block *block)
{
	if (block->throttled.value)
		return block->throttle_group ? block->throttle_group : "-";
	for (size_t i = 0; i < block->node_count; i++) {
		const struct vqi_block_node *node = &block->nodes[i];

		if (node->throttled.value)
			return node->throttle_group ? node->throttle_group : "-";
	}
	return NULL;
}

/* Parents come before children: the last that has requests is the innermost. */
static const struct vqi_block_node *innermost_of(const struct vqi_block *block)
{
	const struct vqi_block_node *found = NULL;

	for (size_t i = 0; i < block->node_count; i++) {
		if (block->nodes[i].in_flight.value)
			found = &block->nodes[i];
	}
	return found;
}

/* What holds a back end's requests, for the summary; NULL where nothing is known of it.
 * Errors: NOMEM. Owner: the caller frees. */
static struct vqi_error *say_reason(const struct vqi_snapshot *snapshot,
				    const struct vqi_block *block, bool many, char **ret_reason)
{
	const char *group = throttle_group_of(block);
	const struct vqi_block_node *node = innermost_of(block);
	size_t workers = 0;
	const struct vqi_thread *worker = node ? find_workers(snapshot, node->filename, &workers)
					       : NULL;
	int len = 0;

	if (group)
		len = asprintf(ret_reason, "; throttle group %s holds %s back", group,
			       many ? "them" : "it");
	else if (block->quiesce.value)
		len = asprintf(ret_reason, "; the back end is drained");
	else if (workers > 1)
		len = asprintf(ret_reason, "; %zu workers wait for %s", workers, worker->file);
	else if (worker)
		len = asprintf(ret_reason, "; a worker waits in %s on %s", worker->syscall,
			       worker->file);
	else if (node)
		len = asprintf(ret_reason, "; %s in the block layer, node %s",
			       many ? "they are" : "it is", vqi_node_name(node));
	if (len >= 0)
		return NULL;
	*ret_reason = NULL;
	return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
}

static struct vqi_error *find_reason(const struct vqi_subject *subject, char **ret_reason)
{
	struct vqi_error *error = NULL;

	for (size_t i = 0; !error && !*ret_reason && i < subject->device->backend_count; i++)
		error = say_reason(subject->snapshot, &subject->device->backends[i].block,
				   subject->queue->in_flight.value > 1, ret_reason);
	return error;
}

/* ---- the finding ---- */

static struct vqi_error *summarise(const struct vqi_subject *subject, const char *reason,
				   struct vqi_finding *finding)
{
	uint64_t in_flight = subject->queue->in_flight.value;
	uint64_t interval_ms = subject->snapshot->capture.interval_ms;

	/* A packed ring's distance is in descriptors, of which a request may have several. */
	if (subject->queue->ring == VQI_RING_PACKED)
		return vqi_finding_summarise(finding,
					     "requests of %" PRIu64 " descriptor%s taken and not "
					     "completed for %" PRIu64 " ms or more%s",
					     in_flight, vqi_plural(in_flight), interval_ms, reason);
	return vqi_finding_summarise(finding,
				     "%" PRIu64 " request%s taken and not completed for %" PRIu64
				     " ms or more%s",
				     in_flight, vqi_plural(in_flight), interval_ms, reason);
}

static struct vqi_error *add_workers(const struct vqi_snapshot *snapshot, const char *file,
				     struct vqi_finding *finding)
{
	struct vqi_error *error = NULL;
	size_t count = 0;

	for (size_t i = 0; !error && i < snapshot->thread_count; i++) {
		const struct vqi_thread *thread = &snapshot->threads[i];

		if (is_worker(thread, file) && ++count <= WORKERS_LISTED)
			error = vqi_finding_add_thread(snapshot, VQI_NUM(thread->tid), finding);
	}
	if (error || count <= WORKERS_LISTED)
		return error;
	return vqi_finding_add_fact(finding, "and %zu workers more on %s", count - WORKERS_LISTED,
				    file);
}

static struct vqi_error *add_workers_of_backends(const struct vqi_subject *subject,
						 struct vqi_finding *finding)
{
	const struct vqi_device *device = subject->device;
	struct vqi_error *error = NULL;

	for (size_t i = 0; !error && i < device->backend_count; i++) {
		const struct vqi_block_node *node = innermost_of(&device->backends[i].block);

		if (node)
			error = add_workers(subject->snapshot, node->filename, finding);
	}
	return error;
}

struct vqi_error *vqi_explain_request_stuck(const struct vqi_subject *subject,
					    struct vqi_finding *finding)
{
	const struct vqi_device *device = subject->device;
	struct vqi_num untaken = vqi_queue_untaken(subject->queue);
	vqi_cleanup_free char *reason = NULL;
	struct vqi_error *error;

	/* Who reads at the other end of a console's port may take his time. */
	if (vqi_loop_is_starved(subject) || device->device_id == VQI_DEVICE_CONSOLE)
		vqi_finding_doubt(finding);
	error = find_reason(subject, &reason);
	if (!error)
		error = summarise(subject, reason ? reason : "", finding);
	for (size_t i = 0; !error && i < device->backend_count; i++)
		error = vqi_finding_add_backend(&device->backends[i], finding);
	if (!error)
		error = add_workers_of_backends(subject, finding);
	if (!error)
		error = vqi_finding_add_service(subject, finding);
	if (!error)
		error = vqi_finding_add_indices(subject->queue, finding);
	if (!error && vqi_num_nonzero(untaken))
		error = vqi_finding_add_fact(finding, "%" PRIu64 " more published and not taken",
					     untaken.value);
	return error ? error : vqi_finding_add_interval(subject, finding);
}
