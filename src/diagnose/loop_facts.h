/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an event loop's thread does, derived from one look or two. Pure. */
#ifndef VQI_DIAGNOSE_LOOP_FACTS_H
#define VQI_DIAGNOSE_LOOP_FACTS_H

#include "vqi/diagnose.h"

enum vqi_loop_state {
	VQI_LOOP_UNKNOWN, /* the thread is stopped, or was not looked at */
	VQI_LOOP_POLLS,	  /* sleeps in its poll, as it should when there is nothing to do */
	VQI_LOOP_RUNS,	  /* is on a CPU, or waits for one */
	VQI_LOOP_NESTED,  /* sleeps in an aio_poll() of code that it called; does not come back */
	VQI_LOOP_SLEEPS,  /* sleeps in something else than a poll */
};

/* Of the subject's loop, now and a look before. */
enum vqi_loop_state vqi_loop_state_now(const struct vqi_subject *subject);
enum vqi_loop_state vqi_loop_state_before(const struct vqi_subject *subject);

/* Whether the loop's thread slept in one and the same wait from one look to the next. */
bool vqi_loop_slept(const struct vqi_subject *subject);

/* Processor time of the loop's thread between the looks. Units: ms. */
struct vqi_num vqi_loop_cpu_ms(const struct vqi_subject *subject);

/* Whether the loop's thread ran in both looks, and for half of the time between at least. */
bool vqi_loop_runs(const struct vqi_subject *subject);

/* Whether the loop's thread was ready to run in both looks and got little time to: the host has more to
 * do than CPUs, and what stands still may do so for that. */
bool vqi_loop_is_starved(const struct vqi_subject *subject);

/* Whether the loop's thread may be on its way to what waits for it: it is ready to run, and has not slept,
 * and so been through its poll, since the look before. */
bool vqi_loop_is_on_its_way(const struct vqi_subject *subject);

/* Whether the loop's thread waits for a mutex whose owner is ready to run and gets little time to. */
bool vqi_loop_owner_is_starved(const struct vqi_subject *subject);

/* A thread that takes part and is stopped now, by a tracer or a signal, all others running; NULL: none. */
const struct vqi_thread *vqi_find_stopped(const struct vqi_subject *subject);

/* A thread that takes part in what the queue waits for, and was ready to run for half of the interval without
 * a processor: its event loop's, a virtual CPU's, and, while requests are in flight, a worker's. NULL: none. */
const struct vqi_thread *vqi_find_starved(const struct vqi_subject *subject, uint64_t *ret_wait_ms);

/* Whether a queue of the loop moved between the looks: then the loop has been at its queues. */
bool vqi_loop_moved_a_queue(const struct vqi_subject *subject);

/* Whether a queue of a snapshot is the loop's and waits for it: buffers are published, not taken, and
 * none of its indices moved since the earlier look. */
bool vqi_queue_waits_for_loop(const struct vqi_subject *subject, const struct vqi_device *device,
			      const struct vqi_queue *queue);

#endif
