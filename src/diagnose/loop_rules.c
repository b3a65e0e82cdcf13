/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules about one event loop. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "describe.h"
#include "finding.h"
#include "loop_facts.h"
#include "predicates.h"
#include "wait_facts.h"

#define QUEUES_LISTED 8 /* of those that wait for a loop */

static bool serves(const struct vqi_subject *subject, const struct vqi_device *device)
{
	for (size_t i = 0; i < device->queue_count; i++) {
		if (vqi_snapshot_loop(subject->snapshot, &device->queues[i]) == subject->loop)
			return true;
	}
	return false;
}

/* The main loop always is: the monitor and the virtual CPUs' accesses need it. An iothread while it has
 * a started device's queue. */
bool vqi_is_loop_in_use(const struct vqi_subject *subject)
{
	if (subject->loop->is_main)
		return true;
	for (size_t i = 0; i < subject->snapshot->device_count; i++) {
		const struct vqi_device *device = &subject->snapshot->devices[i];

		if (device->started && serves(subject, device))
			return true;
	}
	return false;
}

static bool is_away(enum vqi_loop_state state)
{
	return state == VQI_LOOP_NESTED || state == VQI_LOOP_SLEEPS;
}

static bool is_away_twice(const struct vqi_subject *subject)
{
	return is_away(vqi_loop_state_now(subject)) && is_away(vqi_loop_state_before(subject));
}

bool vqi_is_loop_asleep_throughout(const struct vqi_subject *subject)
{
	return is_away_twice(subject) && vqi_loop_slept(subject);
}

/* Queues that wait for the loop; with_kick: that were told so all the time. */
static size_t count_waiting(const struct vqi_subject *subject, bool with_kick)
{
	size_t count = 0;

	for (size_t i = 0; i < subject->snapshot->device_count; i++) {
		const struct vqi_device *device = &subject->snapshot->devices[i];

		for (size_t j = 0; j < device->queue_count; j++)
			count += vqi_queue_waits_for_loop(subject, device, &device->queues[j]) &&
				 (!with_kick || device->queues[j].kick_pending);
	}
	return count;
}

/* It may have been in its poll meanwhile, but not at its queues: one of them was kicked. */
bool vqi_is_loop_away_from_work(const struct vqi_subject *subject)
{
	return is_away_twice(subject) && count_waiting(subject, true) &&
	       !vqi_loop_moved_a_queue(subject);
}

/* The main loop lets go of the big lock whenever it polls. */
static bool holds_big_lock(const struct vqi_subject *subject)
{
	return subject->loop->is_main && vqi_num_nonzero(subject->loop->tid) &&
	       vqi_num_equal(subject->snapshot->target.bql_owner, subject->loop->tid) &&
	       vqi_num_equal(subject->earlier->target.bql_owner, subject->loop->tid);
}

/* A loop that turns, however busy, sleeps now and then, or moves a queue. */
bool vqi_is_loop_spinning(const struct vqi_subject *subject)
{
	return vqi_loop_runs(subject) && vqi_loop_is_on_its_way(subject) &&
	       (count_waiting(subject, false) || holds_big_lock(subject)) &&
	       !vqi_loop_moved_a_queue(subject);
}

/* Nothing that waits says that it should do something else. */
static bool is_perhaps_busy(const struct vqi_subject *subject)
{
	return vqi_loop_state_now(subject) == VQI_LOOP_RUNS && !count_waiting(subject, false);
}

static bool has_work(const struct vqi_loop *loop)
{
	return vqi_num_nonzero(loop->bottom_halves) || vqi_num_is(loop->coroutines, 1);
}

/* Scheduling work wakes a loop; one that sleeps on it was not woken, or did not heed it. */
bool vqi_is_loop_asleep_on_work(const struct vqi_subject *subject)
{
	return vqi_loop_state_now(subject) == VQI_LOOP_POLLS && vqi_loop_slept(subject) &&
	       has_work(subject->loop) && has_work(subject->loop_before);
}

static struct vqi_error *summarise(const struct vqi_subject *subject, struct vqi_finding *finding)
{
	const char *name = subject->loop->name;
	const struct vqi_thread *thread =
		vqi_snapshot_thread(subject->snapshot, subject->loop->tid);
	uint64_t interval_ms = subject->snapshot->capture.interval_ms;

	switch (vqi_loop_state_now(subject)) {
	case VQI_LOOP_NESTED:
		return vqi_finding_summarise(finding,
					     "the %s has not returned to its poll for %" PRIu64
					     " ms: it waits in a nested aio_poll()",
					     name, interval_ms);
	case VQI_LOOP_RUNS:
		return vqi_finding_summarise(finding,
					     "the %s has not returned to its poll for %" PRIu64
					     " ms: it runs, and does not look at its queues",
					     name, interval_ms);
	case VQI_LOOP_POLLS:
		return vqi_finding_summarise(finding,
					     "the %s slept in its poll for %" PRIu64
					     " ms with work to do",
					     name, interval_ms);
	default:
		return vqi_finding_summarise(
			finding, "the %s has not returned to its poll for %" PRIu64 " ms: %s %s",
			name, interval_ms,
			thread->in_syscall ? "it sleeps in" : "it sleeps, waiting for",
			thread->in_syscall ? thread->syscall : "a page of memory");
	}
}

static struct vqi_error *add_work(const struct vqi_loop *loop, struct vqi_finding *finding)
{
	if (!has_work(loop))
		return NULL;
	if (!loop->bottom_halves.value)
		return vqi_finding_add_fact(finding,
					    "scheduled and not run: coroutines (AioContext at "
					    "0x%" PRIx64 ")",
					    loop->ctx_hva);
	return vqi_finding_add_fact(finding,
				    "scheduled and not run: %" PRIu64 " bottom hal%s%s "
				    "(AioContext at 0x%" PRIx64 ")",
				    loop->bottom_halves.value,
				    loop->bottom_halves.value == 1 ? "f" : "ves",
				    vqi_num_is(loop->coroutines, 1) ? ", and coroutines" : "",
				    loop->ctx_hva);
}

static struct vqi_error *add_waiting(const struct vqi_subject *subject, struct vqi_finding *finding)
{
	struct vqi_error *error = NULL;
	size_t listed = 0, count = count_waiting(subject, false);

	for (size_t i = 0; i < subject->snapshot->device_count; i++) {
		const struct vqi_device *device = &subject->snapshot->devices[i];

		for (size_t j = 0; !error && j < device->queue_count; j++) {
			const struct vqi_queue *queue = &device->queues[j];

			if (!vqi_queue_waits_for_loop(subject, device, queue) ||
			    listed == QUEUES_LISTED)
				continue;
			listed++;
			error = vqi_finding_add_fact(
				finding, "waits for it: %s queue %u, %" PRIu64 " not taken%s",
				vqi_device_label(device), queue->index,
				vqi_queue_untaken(queue).value,
				queue->kick_pending ? ", its kick pending" : "");
		}
	}
	if (!error && count > listed)
		error = vqi_finding_add_fact(finding, "and %zu queues more", count - listed);
	return error;
}

/* A device that is being made, or a job, has requests too; they are in no queue. */
static struct vqi_error *add_other_nodes(const struct vqi_snapshot *snapshot,
					 struct vqi_finding *finding)
{
	struct vqi_error *error = NULL;

	if (snapshot->other_node_count)
		error = vqi_finding_add_fact(
			finding, "requests in flight elsewhere, of no device in this report:");
	for (size_t i = 0; !error && i < snapshot->other_node_count; i++)
		error = vqi_finding_add_node(&snapshot->other_nodes[i], finding);
	return error;
}

/* Requests that the loop may wait for, as a drain does, or that wait for the loop: of all back ends for
 * the main loop, which waits for any. */
static struct vqi_error *add_requests(const struct vqi_subject *subject,
				      struct vqi_finding *finding)
{
	struct vqi_error *error = NULL;

	for (size_t i = 0; !error && i < subject->snapshot->device_count; i++) {
		const struct vqi_device *device = &subject->snapshot->devices[i];

		if (!subject->loop->is_main && !serves(subject, device))
			continue;
		for (size_t j = 0; !error && j < device->backend_count; j++) {
			const struct vqi_block *block = &device->backends[j].block;

			if (!vqi_num_nonzero(block->in_flight) && !vqi_innermost_node(block))
				continue;
			error = vqi_finding_add_fact(
				finding, "%s has requests in flight:", vqi_device_label(device));
			if (!error)
				error = vqi_finding_add_backend(&device->backends[j], finding);
		}
	}
	return error;
}

/* Run states in which QEMU may well block its main loop, and not for want of anything. */
static bool is_in_migration(const struct vqi_subject *subject)
{
	static const char *const states[] = {"inmigrate", "finish-migrate", "save-vm",
					     "restore-vm"};
	const char *run_state = subject->snapshot->target.run_state;

	for (size_t i = 0; run_state && i < sizeof(states) / sizeof(states[0]); i++) {
		if (strcmp(run_state, states[i]) == 0)
			return true;
	}
	return false;
}

/* The main loop's nested poll waits for requests, and the nodes that have them are named. */
static struct vqi_error *advise_nested(struct vqi_finding *finding)
{
	return vqi_finding_advise(finding,
				  "look at the storage or peer behind the nodes with requests in "
				  "flight: the thread goes on when those are done; its back trace "
				  "says what waits for them");
}

struct vqi_error *vqi_explain_loop_blocked(const struct vqi_subject *subject,
					   struct vqi_finding *finding)
{
	const struct vqi_snapshot *snapshot = subject->snapshot;
	bool is_nested = vqi_loop_state_now(subject) == VQI_LOOP_NESTED;
	struct vqi_num cpu = vqi_loop_cpu_ms(subject);
	struct vqi_error *error;

	if (is_in_migration(subject) || vqi_loop_owner_is_starved(subject) ||
	    is_perhaps_busy(subject))
		vqi_finding_doubt(finding);
	error = summarise(subject, finding);
	if (!error)
		error = vqi_finding_add_thread(snapshot, subject->loop->tid, finding);
	if (!error)
		error = vqi_finding_add_stacks(snapshot, subject->loop->tid, finding);
	if (!error && cpu.known)
		error = vqi_finding_add_fact(finding,
					     "%s; it used %" PRIu64 " ms of processor time",
					     vqi_loop_slept(subject)
						     ? "it slept all the time between the looks"
						     : "it was away in both looks",
					     cpu.value);
	if (!error && vqi_loop_owner_is_starved(subject))
		error = vqi_finding_add_fact(finding,
					     "who holds its mutex is ready to run and got "
					     "little processor time: is the host overloaded?");
	if (!error && is_nested)
		error = vqi_finding_add_fact(
			finding, "AioContext.%s (at 0x%" PRIx64 ")",
			subject->loop->is_main
				? "notify_me says that an aio_poll() waits"
				: "list_lock says that two aio_poll() are under way, one inside the other",
			subject->loop->ctx_hva);
	if (!error)
		error = add_work(subject->loop, finding);
	if (!error)
		error = add_waiting(subject, finding);
	if (!error)
		error = add_requests(subject, finding);
	if (!error && is_nested)
		error = advise_nested(finding);
	if (!error && is_nested)
		error = add_other_nodes(snapshot, finding);
	if (!error && vqi_num_nonzero(snapshot->target.bql_owner))
		error = vqi_finding_add_fact(finding,
					     "the big QEMU lock is held by thread %" PRIu64,
					     snapshot->target.bql_owner.value);
	return error;
}
