/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who serves the queues: event loops, and the threads that run them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vqi/exports.h"
#include "vqi/loops.h"

#include "evidence.h"

VQI_DEFINE_CLEANUP_VALUE(struct vqi_loops, vqi_loops_done)

/* ---- the loop of each queue ---- */

static enum vqi_handler judge_handler(const struct vqi_aio_context *context,
				      const struct vqi_aio_handler *handler)
{
	/* Up to 8.0; later ones take the handler from the list while they drain. */
	bool drained = vqi_num_nonzero(context->external_disable_cnt);

	if (!handler->reads)
		return VQI_HANDLER_NONE;
	return drained && handler->is_external ? VQI_HANDLER_DISABLED : VQI_HANDLER_READY;
}

/* Looks the queue's host notifier up in all lists; an export's, which is no EventNotifier, by its descriptor. Where one
 * of them could not be read, nobody knows whether it is in there. */
static void find_loop(const struct vqi_loops *loops, struct vqi_queue *queue)
{
	bool complete = !loops->unknown;

	for (size_t i = 0; i < loops->count; i++) {
		const struct vqi_loop_contexts *loop = &loops->loops[i];

		complete = complete && !loop->unknown;
		for (size_t j = 0; j < loop->context_count; j++) {
			const struct vqi_aio_context *context = &loop->contexts[j];
			const struct vqi_aio_handler *handler =
				queue->is_export
					? vqi_aio_context_find_fd(context, queue->host_notifier_fd)
					: vqi_aio_context_find(context, queue->host_notifier_hva);

			if (!handler)
				continue;
			queue->handler = judge_handler(context, handler);
			queue->handler_ctx_hva = context->hva;
			queue->handler_polled =
				context->poll_started.known
					? VQI_NUM(handler->polls && context->poll_started.value)
					: VQI_UNKNOWN;
			queue->loop = VQI_NUM(i);
			return;
		}
	}
	if (complete && queue->host_notifier_fd.known)
		queue->handler = VQI_HANDLER_NONE;
}

/* A queue without a handler is the main loop's unless its device was given an iothread. */
static struct vqi_error *expect_loop(struct vqi_qemu *qemu, const struct vqi_loops *loops,
				     const struct vqi_device *device, struct vqi_queue *queue)
{
	struct vqi_error *error;
	uint64_t context = 0;

	error = device->is_export
			? vqi_qemu_export_context(qemu, device->vdev_addr, &context)
			: vqi_qemu_queue_context(qemu, device->vdev_addr, queue->index, &context);
	if (error)
		return vqi_error_keep_fatal(error);
	if (device->is_export && !context) /* it is on its way from one to another */
		return NULL;
	for (size_t i = 0; i < loops->count; i++) {
		const struct vqi_loop *loop = &loops->loops[i].loop;

		if (loop->ctx_hva == context || (!context && loop->is_main))
			queue->loop = VQI_NUM(i);
	}
	return NULL;
}

static struct vqi_error *add_loop_of_queue(struct vqi_qemu *qemu, const struct vqi_loops *loops,
					   const struct vqi_device *device, struct vqi_queue *queue)
{
	if (queue->host_notifier_hva || queue->is_export)
		find_loop(loops, queue);
	return queue->loop.known ? NULL : expect_loop(qemu, loops, device, queue);
}

static struct vqi_error *add_loops_of_queues(struct vqi_qemu *qemu, const struct vqi_loops *loops,
					     struct vqi_snapshot *snapshot)
{
	struct vqi_error *error = NULL;

	for (size_t i = 0; loops->count && i < snapshot->device_count; i++) {
		struct vqi_device *device = &snapshot->devices[i];

		/* vhost's queues are nobody's here. */
		if (!device->started || device->vhost != VQI_VHOST_NONE)
			continue;
		for (size_t j = 0; !error && j < device->queue_count; j++) {
			if (device->queues[j].desc_gpa)
				error = add_loop_of_queue(qemu, loops, device, &device->queues[j]);
		}
	}
	return error;
}

static struct vqi_error *move_loops(struct vqi_loops *loops, struct vqi_snapshot *snapshot)
{
	snapshot->loops = calloc(loops->count + 1, sizeof(*snapshot->loops));
	if (!snapshot->loops)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	snapshot->loop_count = loops->count;
	for (size_t i = 0; i < loops->count; i++) {
		snapshot->loops[i] = loops->loops[i].loop;
		loops->loops[i].loop.name = NULL;
	}
	return NULL;
}

/* An iothread may be removed while it is looked at. */
#define TRIES 3

static struct vqi_error *add_loops(struct vqi_observer *observer, struct vqi_snapshot *snapshot)
{
	vqi_cleanup(vqi_loops_done) struct vqi_loops loops = {0};
	pid_t pid = observer->process ? vqi_process_pid(observer->process) : 0;
	struct vqi_error *error = NULL;

	for (int i = 0; i < TRIES; i++) {
		vqi_error_free(error);
		error = vqi_qemu_loops(observer->qemu, pid, &loops);
		if (!error || vqi_error_is_fatal(error))
			break;
	}
	if (error)
		return vqi_evidence_keep_limit(error, snapshot, "event loops");
	error = add_loops_of_queues(observer->qemu, &loops, snapshot);
	if (!error)
		error = move_loops(&loops, snapshot);
	if (error)
		return error;
	return vqi_evidence_keep_as_gap(take_ptr(loops.unknown), snapshot, NULL, "iothreads");
}

/* ---- threads ---- */

static bool wants_all_threads(const struct vqi_snapshot *snapshot)
{
	for (size_t i = 0; i < snapshot->device_count; i++) {
		if (vqi_device_is_waiting(&snapshot->devices[i]))
			return true;
	}
	return false;
}

static struct vqi_error *name_role(const struct vqi_snapshot *snapshot, struct vqi_thread *thread)
{
	for (size_t i = 0; i < snapshot->loop_count; i++) {
		if (vqi_num_is(snapshot->loops[i].tid, (uint64_t)thread->tid))
			return vqi_copy_string(snapshot->loops[i].name, &thread->role);
	}
	for (size_t i = 0; i < snapshot->vcpu_count; i++) {
		if (!vqi_num_is(snapshot->vcpus[i].tid, (uint64_t)thread->tid))
			continue;
		if (asprintf(&thread->role, "vCPU %u", snapshot->vcpus[i].index) >= 0)
			return NULL;
		thread->role = NULL;
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	}
	return NULL;
}

/* Adds a thread that is not there yet; one that has ended is left out. */
static struct vqi_error *add_thread(struct vqi_observer *observer, struct vqi_snapshot *snapshot,
				    struct vqi_num tid)
{
	struct vqi_thread *grown;
	struct vqi_error *error;

	if (!vqi_num_nonzero(tid) || vqi_snapshot_thread(snapshot, tid))
		return NULL;
	grown = reallocarray(snapshot->threads, snapshot->thread_count + 1, sizeof(*grown));
	if (!grown)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	snapshot->threads = grown;
	error = vqi_process_thread(observer->process, (pid_t)tid.value,
				   &grown[snapshot->thread_count]);
	if (error)
		return vqi_error_keep_fatal(error);
	return name_role(snapshot, &grown[snapshot->thread_count++]);
}

struct vqi_error *vqi_evidence_add_all_threads(struct vqi_observer *observer,
					       struct vqi_snapshot *snapshot)
{
	vqi_cleanup(vqi_tids_done) struct vqi_tids tids = {0};
	struct vqi_error *error = vqi_process_threads(observer->process, &tids);

	for (size_t i = 0; !error && i < tids.count; i++)
		error = add_thread(observer, snapshot, VQI_NUM(tids.tids[i]));
	return error;
}

/* The threads of the loops, who holds the big QEMU lock, and, as the list grows, who holds the mutex that
 * one of them waits for. */
static struct vqi_error *add_threads(struct vqi_observer *observer, struct vqi_snapshot *snapshot)
{
	struct vqi_error *error = NULL;

	for (size_t i = 0; !error && i < snapshot->loop_count; i++)
		error = add_thread(observer, snapshot, snapshot->loops[i].tid);
	if (!error)
		error = add_thread(observer, snapshot, snapshot->target.bql_owner);
	for (size_t i = 0; !error && i < snapshot->thread_count; i++)
		error = add_thread(observer, snapshot, snapshot->threads[i].mutex_owner);
	if (!error && wants_all_threads(snapshot))
		error = vqi_evidence_add_all_threads(observer, snapshot);
	return error;
}

/* QEMU knows its threads by the ids of its own pid namespace. The main loop's is that of the process, known already. */
static struct vqi_error *translate_tids(struct vqi_process *process, struct vqi_snapshot *snapshot)
{
	struct vqi_num *owner = &snapshot->target.bql_owner;
	struct vqi_error *error = vqi_process_tid(process, *owner, owner);

	for (size_t i = 0; !error && i < snapshot->loop_count; i++) {
		struct vqi_loop *loop = &snapshot->loops[i];

		if (!loop->is_main)
			error = vqi_process_tid(process, loop->tid, &loop->tid);
	}
	for (size_t i = 0; !error && i < snapshot->vcpu_count; i++)
		error = vqi_process_tid(process, snapshot->vcpus[i].tid, &snapshot->vcpus[i].tid);
	return error;
}

static struct vqi_error *add_bql_owner(struct vqi_qemu *qemu, struct vqi_target *target)
{
	struct vqi_error *error;
	uint64_t owner;

	error = vqi_qemu_bql_owner(qemu, &owner);
	if (!error)
		target->bql_owner = VQI_NUM(owner);
	return vqi_error_keep_fatal(error);
}

struct vqi_error *vqi_evidence_add_service(struct vqi_observer *observer,
					   struct vqi_snapshot *snapshot)
{
	struct vqi_error *error;

	error = vqi_error_keep_fatal(
		vqi_qemu_vcpus(observer->qemu, &snapshot->vcpus, &snapshot->vcpu_count));
	if (!error)
		error = add_loops(observer, snapshot);
	if (!error)
		error = add_bql_owner(observer->qemu, &snapshot->target);
	if (!error && observer->process)
		error = translate_tids(observer->process, snapshot);
	if (!error && observer->process)
		error = add_threads(observer, snapshot);
	return error;
}
