/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "loop_facts.h"

#include <string.h>

#include "lookup.h"
#include "predicates.h"
#include "queue_facts.h"

/* While a virtual CPU's thread holds the big lock, it may be the one that polls for the main loop. Source:
 * include/block/aio-wait.h in_aio_context_home_thread(). */
static bool is_nested(const struct vqi_snapshot *snapshot, const struct vqi_loop *loop)
{
	struct vqi_num owner = snapshot->target.bql_owner;

	return vqi_num_is(loop->nested, 1) &&
	       (!loop->is_main || !owner.known || vqi_num_equal(owner, loop->tid));
}

static enum vqi_loop_state loop_state(const struct vqi_snapshot *snapshot,
				      const struct vqi_loop *loop)
{
	const struct vqi_thread *thread = loop ? vqi_snapshot_thread(snapshot, loop->tid) : NULL;

	if (!thread)
		return VQI_LOOP_UNKNOWN;
	if (thread->state == 'R')
		return VQI_LOOP_RUNS;
	if (thread->state != 'S' && thread->state != 'D')
		return VQI_LOOP_UNKNOWN;
	if (thread->in_fault)
		return VQI_LOOP_SLEEPS;
	if (!thread->in_syscall || !thread->syscall)
		return thread->state == 'D' ? VQI_LOOP_SLEEPS : VQI_LOOP_UNKNOWN;
	if (!vqi_is_poll(thread->syscall))
		return VQI_LOOP_SLEEPS;
	return is_nested(snapshot, loop) ? VQI_LOOP_NESTED : VQI_LOOP_POLLS;
}

enum vqi_loop_state vqi_loop_state_now(const struct vqi_subject *subject)
{
	return loop_state(subject->snapshot, subject->loop);
}

enum vqi_loop_state vqi_loop_state_before(const struct vqi_subject *subject)
{
	if (!subject->earlier)
		return VQI_LOOP_UNKNOWN;
	return loop_state(subject->earlier, subject->loop_before);
}

/* The loop's thread in both looks. */
struct threads {
	const struct vqi_thread *before, *now; /* NULL: unknown */
};

static struct threads threads_of(const struct vqi_subject *subject)
{
	if (!subject->earlier || !subject->loop || !subject->loop_before)
		return (struct threads){0};
	return (struct threads){
		.before = vqi_snapshot_thread(subject->earlier, subject->loop_before->tid),
		.now = vqi_snapshot_thread(subject->snapshot, subject->loop->tid),
	};
}

static bool is_same_wait(const struct vqi_thread *before, const struct vqi_thread *now)
{
	if (before->in_fault != now->in_fault || before->in_syscall != now->in_syscall)
		return false;
	return !now->in_syscall || strcmp(before->syscall, now->syscall) == 0;
}

bool vqi_loop_slept(const struct vqi_subject *subject)
{
	struct threads threads = threads_of(subject);

	return threads.before && threads.now && threads.now->state != 'R' &&
	       threads.before->state != 'R' && threads.now->sleeps.known &&
	       vqi_num_equal(threads.before->sleeps, threads.now->sleeps) &&
	       is_same_wait(threads.before, threads.now);
}

static struct vqi_num cpu_ms_of(const struct vqi_thread *before, const struct vqi_thread *now)
{
	if (!before || !now || !before->cpu_ms.known || !now->cpu_ms.known ||
	    now->cpu_ms.value < before->cpu_ms.value)
		return VQI_UNKNOWN;
	return VQI_NUM(now->cpu_ms.value - before->cpu_ms.value);
}

struct vqi_num vqi_loop_cpu_ms(const struct vqi_subject *subject)
{
	struct threads threads = threads_of(subject);

	return cpu_ms_of(threads.before, threads.now);
}

/* A thread that was ready for all of the interval had a CPU for half of it. */
static bool has_run(const struct vqi_subject *subject, struct vqi_num cpu_ms)
{
	return cpu_ms.known && cpu_ms.value >= subject->snapshot->capture.interval_ms / 2;
}

bool vqi_loop_runs(const struct vqi_subject *subject)
{
	return vqi_loop_state_now(subject) == VQI_LOOP_RUNS &&
	       vqi_loop_state_before(subject) == VQI_LOOP_RUNS &&
	       has_run(subject, vqi_loop_cpu_ms(subject));
}

bool vqi_loop_is_on_its_way(const struct vqi_subject *subject)
{
	struct threads threads = threads_of(subject);
	bool has_slept = threads.before && threads.now && threads.before->sleeps.known &&
			 threads.now->sleeps.known &&
			 threads.before->sleeps.value != threads.now->sleeps.value;

	return vqi_loop_state_now(subject) == VQI_LOOP_RUNS && !has_slept;
}

bool vqi_loop_is_starved(const struct vqi_subject *subject)
{
	return vqi_loop_is_on_its_way(subject) && vqi_loop_state_before(subject) == VQI_LOOP_RUNS &&
	       !has_run(subject, vqi_loop_cpu_ms(subject));
}

bool vqi_loop_owner_is_starved(const struct vqi_subject *subject)
{
	struct threads threads = threads_of(subject);
	const struct vqi_thread *owner;

	owner = threads.now ? vqi_snapshot_thread(subject->snapshot, threads.now->mutex_owner)
			    : NULL;
	return owner && owner->state == 'R' &&
	       !has_run(subject,
			cpu_ms_of(vqi_snapshot_thread(subject->earlier, VQI_NUM(owner->tid)),
				  owner));
}

static bool takes_part(const struct vqi_subject *subject, const struct vqi_thread *thread)
{
	const struct vqi_snapshot *snapshot = subject->snapshot;

	if (subject->loop && vqi_num_is(subject->loop->tid, (uint64_t)thread->tid))
		return true;
	for (size_t i = 0; i < snapshot->vcpu_count; i++) {
		if (vqi_num_is(snapshot->vcpus[i].tid, (uint64_t)thread->tid))
			return true;
	}
	return !thread->role && vqi_num_nonzero(subject->queue->in_flight);
}

const struct vqi_thread *vqi_find_stopped(const struct vqi_subject *subject)
{
	for (size_t i = 0; i < subject->snapshot->thread_count; i++) {
		const struct vqi_thread *thread = &subject->snapshot->threads[i];

		if ((thread->state == 't' || thread->state == 'T') && takes_part(subject, thread))
			return thread;
	}
	return NULL;
}

const struct vqi_thread *vqi_find_starved(const struct vqi_subject *subject, uint64_t *ret_wait_ms)
{
	uint64_t interval_ms = subject->snapshot->capture.interval_ms;

	for (size_t i = 0; subject->earlier && i < subject->snapshot->thread_count; i++) {
		const struct vqi_thread *now = &subject->snapshot->threads[i];
		const struct vqi_thread *before =
			vqi_snapshot_thread(subject->earlier, VQI_NUM(now->tid));

		if (!before || !before->wait_ms.known || !now->wait_ms.known ||
		    now->wait_ms.value - before->wait_ms.value < interval_ms / 2 ||
		    !takes_part(subject, now))
			continue;
		*ret_wait_ms = now->wait_ms.value - before->wait_ms.value;
		return now;
	}
	return NULL;
}

bool vqi_loop_moved_a_queue(const struct vqi_subject *subject)
{
	for (size_t i = 0; i < subject->snapshot->device_count; i++) {
		const struct vqi_device *device = &subject->snapshot->devices[i];
		const struct vqi_device *before = vqi_find_device(subject->earlier, device);

		for (size_t j = 0; before && j < device->queue_count; j++) {
			const struct vqi_queue *queue = &device->queues[j];
			const struct vqi_queue *then = vqi_find_queue(before, queue->index);

			if (vqi_snapshot_loop(subject->snapshot, queue) == subject->loop && then &&
			    !vqi_queue_held_still(then, queue))
				return true;
		}
	}
	return false;
}

bool vqi_queue_waits_for_loop(const struct vqi_subject *subject, const struct vqi_device *device,
			      const struct vqi_queue *queue)
{
	struct vqi_num untaken = vqi_queue_untaken(queue);
	const struct vqi_device *before;

	if (!vqi_vm_is_running(subject->snapshot) || !vqi_vm_is_running(subject->earlier))
		return false;
	if (vqi_snapshot_loop(subject->snapshot, queue) != subject->loop || !device->started ||
	    device->broken || !untaken.known || !untaken.value || !vqi_queue_is_awaited(queue))
		return false;
	before = vqi_find_device(subject->earlier, device);
	return vqi_queue_held_still(vqi_find_queue(before, queue->index), queue);
}
