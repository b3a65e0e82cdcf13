/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "describe.h"

#include <inttypes.h>
#include <string.h>

#include "finding.h"

#define OWNERS_FOLLOWED 4 /* from one mutex to the next */

const char *vqi_plural(uint64_t count)
{
	return count == 1 ? "" : "s";
}

struct vqi_error *vqi_finding_add_indices(const struct vqi_queue *queue,
					  struct vqi_finding *finding)
{
	struct vqi_error *error = NULL;

	if (queue->last_avail_idx.known)
		error = vqi_finding_add_fact(finding,
					     "shadow_avail_idx %" PRIu64 ", last_avail_idx %" PRIu64
					     ", used_idx %" PRIu64 ", inuse %" PRIu64
					     " (%s at 0x%" PRIx64 ")",
					     queue->shadow_avail_idx.value,
					     queue->last_avail_idx.value, queue->used_idx.value,
					     queue->inuse.value, vqi_queue_structure(queue),
					     queue->vq_addr);
	if (!error && queue->ring == VQI_RING_PACKED && queue->unseen.known)
		error = vqi_finding_add_fact(finding,
					     "avail_idx %" PRIu64 ", wrap %" PRIu64
					     " (descriptor ring at 0x%" PRIx64 ")",
					     queue->avail_idx.value, queue->wrap.avail.value,
					     queue->desc_hva);
	if (!error && queue->ring == VQI_RING_SPLIT && queue->avail_idx.known &&
	    queue->used_ring_idx.known)
		error = vqi_finding_add_fact(finding,
					     "avail_idx %" PRIu64 " (avail ring at 0x%" PRIx64
					     "), used_ring_idx %" PRIu64 " (used ring at 0x%" PRIx64
					     ")",
					     queue->avail_idx.value, queue->avail_hva,
					     queue->used_ring_idx.value, queue->used_hva);
	return error;
}

struct vqi_error *vqi_finding_add_interval(const struct vqi_subject *subject,
					   struct vqi_finding *finding)
{
	if (!subject->held_still)
		return NULL;
	return vqi_finding_add_fact(finding, "no index moved over %" PRIu64 " ms",
				    subject->snapshot->capture.interval_ms);
}

const char *vqi_node_name(const struct vqi_block_node *node)
{
	return node->node_name && node->node_name[0] ? node->node_name : "-";
}

/* ---- threads ---- */

static struct vqi_error *add_one_thread(const struct vqi_thread *thread,
					struct vqi_finding *finding)
{
	bool sleeps = thread->state == 'S' || thread->state == 'D';
	bool named = sleeps && thread->in_syscall && thread->syscall;

	return vqi_finding_add_fact(
		finding, "thread %d%s%s (%s): state %c%s%s%s%s%s%s%s", (int)thread->tid,
		thread->role ? ", " : "", thread->role ? thread->role : "",
		thread->name ? thread->name : "-", thread->state, named ? " in " : "",
		named ? thread->syscall : "", named && thread->file ? " on " : "",
		named && thread->file ? thread->file : "",
		sleeps && thread->in_fault ? ", waiting for a page of memory" : "",
		thread->wchan ? ", wchan " : "", thread->wchan ? thread->wchan : "");
}

static bool holds_it_itself(const struct vqi_thread *thread)
{
	return vqi_num_is(thread->mutex_owner, (uint64_t)thread->tid);
}

static struct vqi_error *add_mutex(const struct vqi_thread *thread, struct vqi_finding *finding)
{
	if (!thread->mutex_owner.known)
		return NULL;
	return vqi_finding_add_fact(finding,
				    "thread %d waits for the mutex at 0x%" PRIx64
				    ", which thread %" PRIu64 " holds%s",
				    (int)thread->tid, thread->mutex_hva.value,
				    thread->mutex_owner.value,
				    holds_it_itself(thread) ? ": that is itself" : "");
}

/* Who holds the mutex that a thread waits for; NULL: nobody, or itself. */
static const struct vqi_thread *owner_of(const struct vqi_snapshot *snapshot,
					 const struct vqi_thread *thread)
{
	return holds_it_itself(thread) ? NULL : vqi_snapshot_thread(snapshot, thread->mutex_owner);
}

struct vqi_error *vqi_finding_add_thread(const struct vqi_snapshot *snapshot, struct vqi_num tid,
					 struct vqi_finding *finding)
{
	const struct vqi_thread *thread = vqi_snapshot_thread(snapshot, tid);
	struct vqi_error *error = NULL;

	for (int i = 0; !error && thread && i < OWNERS_FOLLOWED; i++) {
		error = add_one_thread(thread, finding);
		if (!error)
			error = add_mutex(thread, finding);
		thread = owner_of(snapshot, thread);
	}
	return error;
}

struct vqi_error *vqi_finding_add_stacks(const struct vqi_snapshot *snapshot, struct vqi_num tid,
					 struct vqi_finding *finding)
{
	const struct vqi_thread *thread = vqi_snapshot_thread(snapshot, tid);
	struct vqi_error *error = NULL;

	for (int i = 0; !error && thread && i < OWNERS_FOLLOWED; i++) {
		vqi_cleanup_free char *words = vqi_stack_words(&thread->stack);

		if (!words)
			return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
		if (words[0])
			error = vqi_finding_add_fact(finding, "thread %d is in %s",
						     (int)thread->tid, words);
		thread = owner_of(snapshot, thread);
	}
	return error;
}

static struct vqi_error *add_handler(const struct vqi_queue *queue, const char *loop,
				     struct vqi_finding *finding)
{
	switch (queue->handler) {
	case VQI_HANDLER_NONE:
		return vqi_finding_add_fact(finding,
					    "no event loop has a handler for the host notifier at "
					    "0x%" PRIx64 "; the %s should",
					    queue->host_notifier_hva, loop);
	case VQI_HANDLER_DISABLED:
		return vqi_finding_add_fact(
			finding,
			"the %s listens for its kicks, and passes them over: external_disable_cnt is not 0 "
			"(AioContext at 0x%" PRIx64 ")",
			loop, queue->handler_ctx_hva);
	case VQI_HANDLER_READY:
		return vqi_finding_add_fact(
			finding, "the %s listens for its kicks%s (AioContext at 0x%" PRIx64 ")",
			loop, vqi_num_is(queue->handler_polled, 1) ? ", and polls for them" : "",
			queue->handler_ctx_hva);
	default:
		return vqi_finding_add_fact(finding, "the %s serves the queue", loop);
	}
}

struct vqi_error *vqi_finding_add_service(const struct vqi_subject *subject,
					  struct vqi_finding *finding)
{
	struct vqi_error *error;

	if (!subject->loop)
		return NULL;
	error = add_handler(subject->queue, subject->loop->name, finding);
	return error ? error
		     : vqi_finding_add_thread(subject->snapshot, subject->loop->tid, finding);
}

/* ---- back ends ---- */

static struct vqi_error *add_node_requests(const struct vqi_block_node *node,
					   struct vqi_finding *finding)
{
	const char *file = node->filename;
	vqi_cleanup_free char *behind = NULL;

	if (!node->in_flight.value && !node->tracked.value)
		return NULL;
	if (node->serialising.value &&
	    asprintf(&behind, ", %" PRIu64 " of them behind an overlapping one",
		     node->serialising.value) < 0)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	return vqi_finding_add_fact(finding,
				    "node %s, driver %s%s%s: in_flight %" PRIu64
				    ", tracked_requests %" PRIu64 "%s (at 0x%" PRIx64 ")",
				    vqi_node_name(node), node->driver ? node->driver : "-",
				    file ? ", file " : "", file ? file : "", node->in_flight.value,
				    node->tracked.value, behind ? behind : "", node->bs_hva);
}

struct vqi_error *vqi_finding_add_node(const struct vqi_block_node *node,
				       struct vqi_finding *finding)
{
	struct vqi_error *error = add_node_requests(node, finding);
	const char *name = vqi_node_name(node);

	if (!error && node->throttled.value)
		error = vqi_finding_add_fact(finding,
					     "node %s: %" PRIu64 " wait in throttle group %s", name,
					     node->throttled.value,
					     node->throttle_group ? node->throttle_group : "-");
	if (!error && node->quiesce.value)
		error = vqi_finding_add_fact(finding,
					     "node %s is drained: quiesce_counter %" PRIu64, name,
					     node->quiesce.value);
	return error;
}

static struct vqi_error *add_block(const struct vqi_block *block, struct vqi_finding *finding)
{
	struct vqi_error *error = NULL;

	if (block->in_flight.known && block->quiesce.known)
		error = vqi_finding_add_fact(finding,
					     "BlockBackend at 0x%" PRIx64 ": %" PRIu64
					     " in flight, quiesce_counter %" PRIu64 "%s%s",
					     block->blk_hva, block->in_flight.value,
					     block->quiesce.value,
					     block->iostatus ? ", iostatus " : "",
					     block->iostatus ? block->iostatus : "");
	if (!error && block->parked.value)
		error = vqi_finding_add_fact(finding,
					     "%" PRIu64 " request%s parked until the VM goes on",
					     block->parked.value, vqi_plural(block->parked.value));
	if (!error && block->throttled.value)
		error = vqi_finding_add_fact(finding, "%" PRIu64 " wait in throttle group %s",
					     block->throttled.value,
					     block->throttle_group ? block->throttle_group : "-");
	for (size_t i = 0; !error && i < block->node_count; i++)
		error = vqi_finding_add_node(&block->nodes[i], finding);
	return error;
}

struct vqi_error *vqi_finding_add_backend(const struct vqi_backend *backend,
					  struct vqi_finding *finding)
{
	struct vqi_error *error;

	error = vqi_finding_add_fact(
		finding, "back end%s%s: %s%s%s%s%s%s%s", backend->child_id ? " of " : "",
		backend->child_id ? backend->child_id : "", backend->kind, backend->name ? " " : "",
		backend->name ? backend->name : "", backend->node_name ? ", node " : "",
		backend->node_name ? backend->node_name : "", backend->driver ? ", driver " : "",
		backend->driver ? backend->driver : "");
	if (error || !backend->block.blk_hva)
		return error;
	return add_block(&backend->block, finding);
}
