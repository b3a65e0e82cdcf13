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
#include "wait_facts.h"

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

/* What holds a back end's requests, for the summary; NULL where nothing is known of it.
 * Errors: NOMEM. Owner: the caller frees. */
static struct vqi_error *say_reason(const struct vqi_snapshot *snapshot,
				    const struct vqi_block *block, bool many, char **ret_reason)
{
	const char *group = vqi_throttle_group_of(block);
	const struct vqi_block_node *node = vqi_innermost_node(block);
	size_t workers = 0;
	const struct vqi_thread *worker = node ? vqi_find_workers(snapshot, node, &workers) : NULL;
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

/* Whether a closer look has found what is in flight, no less and no more. */
static bool are_known(const struct vqi_queue *queue)
{
	uint64_t count = 0;

	for (size_t i = 0; i < queue->request_count; i++) {
		if (queue->requests[i].is_candidate)
			return false;
		count += queue->ring == VQI_RING_PACKED ? queue->requests[i].ndescs : 1;
	}
	return count && vqi_num_is(queue->in_flight, count);
}

/* Whether the ages of all are known, so that the first, which is the oldest of them, is the oldest. */
static bool is_oldest_known(const struct vqi_queue *queue)
{
	for (size_t i = 0; i < queue->request_count; i++) {
		if (queue->requests[i].age != VQI_AGE_EXACT)
			return false;
	}
	return queue->request_count;
}

/* How long, in words: as QEMU has it of the oldest, or as it was seen. Owner: the caller. */
static char *say_age(const struct vqi_subject *subject)
{
	const struct vqi_queue *queue = subject->queue;
	char *age = NULL;
	int len;

	if (is_oldest_known(queue))
		len = asprintf(&age, "%s for %" PRIu64 " %s",
			       queue->request_count > 1 ? ", the oldest" : "",
			       vqi_age_number(queue->requests[0].age_ms),
			       vqi_age_unit(queue->requests[0].age_ms));
	else
		len = asprintf(&age, " for %" PRIu64 " ms or more",
			       subject->snapshot->capture.interval_ms);
	return len < 0 ? NULL : age;
}

static struct vqi_error *summarise(const struct vqi_subject *subject, const char *reason,
				   struct vqi_finding *finding)
{
	const struct vqi_queue *queue = subject->queue;
	uint64_t count = are_known(queue) ? queue->request_count : queue->in_flight.value;
	vqi_cleanup_free char *age = say_age(subject);

	if (!age)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	/* A packed ring's distance is in descriptors, of which a request may have several. */
	if (queue->ring == VQI_RING_PACKED && !are_known(queue))
		return vqi_finding_summarise(finding,
					     "requests of %" PRIu64
					     " descriptor%s taken and not completed%s%s",
					     count, vqi_plural(count), age, reason);
	return vqi_finding_summarise(finding, "%" PRIu64 " request%s taken and not completed%s%s",
				     count, vqi_plural(count), age, reason);
}

static struct vqi_error *add_workers(const struct vqi_snapshot *snapshot,
				     const struct vqi_block_node *node, struct vqi_finding *finding)
{
	struct vqi_error *error = NULL;
	size_t count = 0;

	for (size_t i = 0; !error && i < snapshot->thread_count; i++) {
		const struct vqi_thread *thread = &snapshot->threads[i];

		if (vqi_is_worker(thread, node) && ++count <= WORKERS_LISTED)
			error = vqi_finding_add_thread(snapshot, VQI_NUM(thread->tid), finding);
	}
	if (error || count <= WORKERS_LISTED)
		return error;
	return vqi_finding_add_fact(finding, "and %zu workers more on %s", count - WORKERS_LISTED,
				    node->filename);
}

static struct vqi_error *add_workers_of_backends(const struct vqi_subject *subject,
						 struct vqi_finding *finding)
{
	const struct vqi_device *device = subject->device;
	struct vqi_error *error = NULL;

	for (size_t i = 0; !error && i < device->backend_count; i++) {
		const struct vqi_block_node *node = vqi_innermost_node(&device->backends[i].block);

		if (node)
			error = add_workers(subject->snapshot, node, finding);
	}
	return error;
}

/* Of those that were looked at closer, the first is the oldest, if that is known. */
static struct vqi_error *add_oldest(const struct vqi_queue *queue, struct vqi_finding *finding)
{
	vqi_cleanup_free char *request = NULL, *stack = NULL;

	if (!queue->request_count)
		return NULL;
	request = vqi_request_words(&queue->requests[0]);
	stack = vqi_stack_words(&queue->requests[0].stack);
	if (!request || !stack)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	return vqi_finding_add_fact(finding, "%s: %s%s%s",
				    queue->request_count == 1 ? "request"
				    : is_oldest_known(queue)  ? "oldest"
							      : "one of them",
				    request, stack[0] ? "; waits in " : "", stack);
}

/* A throttle group that lets others through is slow, not stuck. */
static struct vqi_error *judge_throttling(const struct vqi_subject *subject,
					  struct vqi_finding *finding)
{
	const struct vqi_device *device = NULL;
	const struct vqi_queue *moved;
	const char *group = NULL;
	struct vqi_error *error;

	for (size_t i = 0; !group && i < subject->device->backend_count; i++)
		group = vqi_throttle_group_of(&subject->device->backends[i].block);
	if (!group)
		return NULL;
	error = vqi_finding_advise(finding,
				   "raise or lift the limits of throttle group %s, or find out "
				   "which of its members uses them up",
				   group);
	moved = vqi_find_let_through(subject, group, &device);
	if (error || !moved)
		return error;
	vqi_finding_doubt(finding);
	return vqi_finding_add_fact(finding,
				    "throttle group %s lets requests through: %s queue %u moved",
				    group, vqi_device_label(device), moved->index);
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
	if (!error)
		error = judge_throttling(subject, finding);
	for (size_t i = 0; !error && i < device->backend_count; i++)
		error = vqi_finding_add_backend(&device->backends[i], finding);
	if (!error)
		error = add_workers_of_backends(subject, finding);
	if (!error)
		error = add_oldest(subject->queue, finding);
	if (!error)
		error = vqi_finding_add_service(subject, finding);
	if (!error)
		error = vqi_finding_add_indices(subject->queue, finding);
	if (!error && vqi_num_nonzero(untaken))
		error = vqi_finding_add_fact(finding, "%" PRIu64 " more published and not taken",
					     untaken.value);
	return error ? error : vqi_finding_add_interval(subject, finding);
}
