/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "history_queue.h"

#include <string.h>

#include "fields.h"
#include "vqi/virtio.h"

#define NS_PER_MS  UINT64_C(1000000)
#define NS_PER_SEC 1e9

/* Rates are of this time at least, where looks are closer: numbers that flicker cannot be read. */
#define RATE_WINDOW_NS (900 * NS_PER_MS)

/* Indices of a split ring are of 16 bits. */
#define SPLIT_RANGE 0x10000

enum { PUBLISHED, COMPLETED, REAPED, COUNTERS };

/* A counter of a look, by its number here. */
static struct vqi_num *counter(struct vqi_history_look *look, int which)
{
	struct vqi_num *const counters[COUNTERS] = {&look->published, &look->completed,
						    &look->reaped};

	return counters[which];
}

static struct vqi_history_look *look_at(struct vqi_queue_history *history, size_t number)
{
	return &history->looks[number % VQI_HISTORY_LOOKS];
}

/* The number of the first look that is kept. */
static size_t first_look(const struct vqi_queue_history *history)
{
	return history->look_count > VQI_HISTORY_LOOKS ? history->look_count - VQI_HISTORY_LOOKS
						       : 0;
}

/* ---- what moved between two looks ---- */

static struct vqi_num packed_position(struct vqi_num index, struct vqi_num wrap, uint32_t num)
{
	if (!index.known || !wrap.known || index.value >= num)
		return VQI_UNKNOWN;
	return VQI_NUM(vqi_packed_distance(0, 1, index.value, wrap.value, num));
}

/* Where a counter stands in its range, which a queue's counters all have. */
static struct vqi_num position(const struct vqi_queue *queue, int which, uint32_t range)
{
	struct vqi_num used;

	if (queue->ring == VQI_RING_SPLIT) {
		struct vqi_num index = which == PUBLISHED   ? queue->avail_idx
				       : which == COMPLETED ? vqi_queue_used(queue)
							    : vqi_queue_reaped(queue);

		return index.known ? VQI_NUM(index.value % range) : VQI_UNKNOWN;
	}
	if (which == PUBLISHED)
		return packed_position(queue->avail_idx, queue->wrap.avail, queue->num);
	used = packed_position(queue->used_idx, queue->wrap.used, queue->num);
	if (which == COMPLETED || !used.known)
		return used;
	if (!queue->unreaped.known)
		return VQI_UNKNOWN;
	return VQI_NUM((used.value + range - queue->unreaped.value % range) % range);
}

static uint32_t range_of(const struct vqi_queue *queue)
{
	return queue->ring == VQI_RING_SPLIT ? SPLIT_RANGE : 2 * queue->num;
}

/* How far a counter went on, at least; unknown where it is in either look. */
static struct vqi_num moved_by(const struct vqi_queue *before, const struct vqi_queue *now,
			       int which)
{
	uint32_t range = range_of(now);
	struct vqi_num from, to;

	if (!range)
		return VQI_UNKNOWN;
	from = position(before, which, range);
	to = position(now, which, range);
	return from.known && to.known ? VQI_NUM((to.value + range - from.value) % range)
				      : VQI_UNKNOWN;
}

/* Whether it is the ring of the look before, as far as its place tells. */
static bool is_same_ring(const struct vqi_queue *before, const struct vqi_queue *now)
{
	return now->desc_gpa && now->num && before->ring == now->ring && before->num == now->num &&
	       before->desc_gpa == now->desc_gpa && before->avail_gpa == now->avail_gpa &&
	       before->used_gpa == now->used_gpa;
}

/* Whether anything of it went on; used up buffers that nobody has looked for do not count. */
static bool has_moved(const struct vqi_queue *before, const struct vqi_queue *now)
{
	return !is_same_ring(before, now) || !vqi_num_equal(before->avail_idx, now->avail_idx) ||
	       !vqi_num_equal(before->last_avail_idx, now->last_avail_idx) ||
	       !vqi_num_equal(vqi_queue_used(before), vqi_queue_used(now)) ||
	       !vqi_num_equal(before->wrap.used, now->wrap.used) ||
	       !vqi_num_equal(before->desc_digest, now->desc_digest);
}

/* ---- totals and rates ---- */

/* Makes a counter begin with the last look. */
static void restart(struct vqi_queue_history *history, int which)
{
	for (size_t i = first_look(history); i + 1 < history->look_count; i++)
		*counter(look_at(history, i), which) = VQI_UNKNOWN;
}

/* Whether an index went on by more than half of its range: it went back, as that of a ring that was set up
 * anew does, or is very fast. A queue is not set up anew look after look. */
static bool is_jump(const struct vqi_num moved[COUNTERS])
{
	return (moved[PUBLISHED].known && moved[PUBLISHED].value > SPLIT_RANGE / 2) ||
	       (moved[COMPLETED].known && moved[COMPLETED].value > SPLIT_RANGE / 2);
}

/* Fills the totals of the last look, of which is known how far its counters went on. */
static void add_up(struct vqi_queue_history *history, const struct vqi_queue *now,
		   const struct vqi_num moved[COUNTERS])
{
	struct vqi_history_look *look = look_at(history, history->look_count - 1);

	for (int i = 0; i < COUNTERS; i++) {
		struct vqi_num before = VQI_UNKNOWN;

		if (history->look_count > 1)
			before = *counter(look_at(history, history->look_count - 2), i);
		if (!range_of(now) || !position(now, i, range_of(now)).known)
			*counter(look, i) = VQI_UNKNOWN;
		else if (before.known && moved[i].known)
			*counter(look, i) = VQI_NUM(before.value + moved[i].value);
		else
			*counter(look, i) = VQI_NUM(0);
		if (before.known && !moved[i].known) /* else those before are unknown already */
			restart(history, i);
	}
}

static struct vqi_rate rate_of(struct vqi_queue_history *history, int which)
{
	struct vqi_history_look *now = look_at(history, history->look_count - 1), *then = now;
	struct vqi_num total = *counter(now, which);
	struct vqi_rate rate = {.known = false};

	for (size_t i = history->look_count - 1; i-- > first_look(history);) {
		if (!counter(look_at(history, i), which)->known)
			break;
		then = look_at(history, i);
		if (now->time_ns - then->time_ns >= RATE_WINDOW_NS)
			break;
	}
	if (!total.known || then->time_ns == now->time_ns)
		return rate;
	rate.known = true;
	rate.per_second = (double)(total.value - counter(then, which)->value) /
			  ((double)(now->time_ns - then->time_ns) / NS_PER_SEC);
	/* Places in a packed ring come again soon; in one that stood still nothing passed unseen. */
	rate.at_least = history->jumped || (history->before.ring == VQI_RING_PACKED &&
					    history->moved_ns > then->time_ns);
	return rate;
}

/* ---- the oldest request ---- */

/* The age that QEMU accounts for, of those requests that certainly are in flight. */
static struct vqi_num accounted_age_ms(const struct vqi_queue *queue)
{
	struct vqi_num oldest = VQI_UNKNOWN;

	for (size_t i = 0; i < queue->request_count; i++) {
		const struct vqi_request *request = &queue->requests[i];

		if (request->age == VQI_AGE_UNKNOWN || request->is_candidate)
			continue;
		if (!oldest.known || request->age_ms > oldest.value)
			oldest = VQI_NUM(request->age_ms);
	}
	return oldest;
}

/* Finds the first look by which more were published than have been completed now: in whatever order that was, one of
 * these is left. */
static void find_oldest(struct vqi_queue_history *history)
{
	size_t last = history->look_count - 1;
	const struct vqi_history_look *now = look_at(history, last);

	for (size_t i = now->completed.known ? first_look(history) : last; i <= last; i++) {
		const struct vqi_history_look *look = look_at(history, i);
		uint64_t completed = i == last ? 0 : now->completed.value - look->completed.value;

		if (look->time_ns < history->sure_since_ns ||
		    (i < last && !look->completed.known) || !look->depth.known ||
		    look->depth.value <= completed)
			continue;
		history->oldest_ns = look->time_ns;
		history->oldest_left = look->depth.value - completed;
		return;
	}
	history->oldest_left = 0;
}

static void find_oldest_age(struct vqi_queue_history *history, const struct vqi_queue *queue,
			    struct vqi_num completed, bool moved)
{
	const struct vqi_history_look *look = look_at(history, history->look_count - 1);
	struct vqi_num accounted_ms = accounted_age_ms(queue);
	uint64_t accounted = accounted_ms.value * NS_PER_MS;
	bool is_sure = queue->ring == VQI_RING_SPLIT ? completed.known && !history->jumped : !moved;

	if (!is_sure)
		history->sure_since_ns = look->time_ns;
	if (!is_sure || completed.value >= history->oldest_left)
		find_oldest(history);
	else
		history->oldest_left -= completed.value;
	if (accounted_ms.known)
		history->accounted_ns = accounted < look->time_ns ? look->time_ns - accounted : 1;
	else if (!is_sure || vqi_num_nonzero(completed))
		history->accounted_ns = 0;
	history->oldest_ms = VQI_UNKNOWN;
	if (queue->kind == VQI_KIND_RECEIVE || vqi_num_is(look->depth, 0))
		return;
	if (history->oldest_left)
		history->oldest_ms = VQI_NUM((look->time_ns - history->oldest_ns) / NS_PER_MS);
	if (history->accounted_ns &&
	    (!history->oldest_left || history->accounted_ns < history->oldest_ns))
		history->oldest_ms = VQI_NUM((look->time_ns - history->accounted_ns) / NS_PER_MS);
}

/* ---- a look ---- */

static struct vqi_history_look *begin_look(struct vqi_queue_history *history, uint64_t now_ns)
{
	struct vqi_history_look *look = look_at(history, history->look_count++);

	*look = (struct vqi_history_look){.time_ns = now_ns};
	return look;
}

static void set_state(struct vqi_queue_history *history, enum vqi_queue_state state,
		      uint64_t now_ns)
{
	if (history->look_count == 1 || state != history->state) {
		history->state = state;
		history->state_since_ns = now_ns;
	}
	if (state == VQI_QUEUE_STUCK) /* which is known a look later than it is so */
		history->state_since_ns = history->moved_ns;
	history->state_ms = (now_ns - history->state_since_ns) / NS_PER_MS;
	history->still_ms = (now_ns - history->moved_ns) / NS_PER_MS;
}

/* Keeps the numbers to compare the next look with. */
static void keep(struct vqi_queue_history *history, const struct vqi_queue *queue)
{
	history->before = *queue;
	history->before.role = NULL;
	history->before.requests = NULL;
	history->before.request_count = 0;
}

void vqi_queue_history_add(struct vqi_queue_history *history, const struct vqi_queue *queue,
			   uint64_t now_ns)
{
	struct vqi_num moved[COUNTERS] = {VQI_UNKNOWN, VQI_UNKNOWN, VQI_UNKNOWN};
	bool is_first = history->look_count == 0;
	bool goes_on = !is_first && is_same_ring(&history->before, queue);
	bool any = is_first || has_moved(&history->before, queue), jumps;

	for (int i = 0; goes_on && i < COUNTERS; i++)
		moved[i] = moved_by(&history->before, queue, i);
	jumps = queue->ring == VQI_RING_SPLIT && is_jump(moved);
	if (jumps && !history->jumped)
		moved[PUBLISHED] = moved[COMPLETED] = moved[REAPED] = VQI_UNKNOWN;
	if (moved[REAPED].known && moved[REAPED].value > range_of(queue) / 2 && !jumps)
		moved[REAPED] =
			VQI_UNKNOWN; /* what the driver has reaped is a guess that may go back */
	history->jumped = jumps;
	begin_look(history, now_ns)->depth = vqi_queue_outstanding(queue);
	add_up(history, queue, moved);
	if (any)
		history->moved_ns = now_ns;
	if (any && !is_first)
		history->has_moved = true;
	keep(history, queue);
	history->published = rate_of(history, PUBLISHED);
	history->completed = rate_of(history, COMPLETED);
	history->reaped = rate_of(history, REAPED);
	history->depth = look_at(history, history->look_count - 1)->depth;
	find_oldest_age(history, queue, moved[COMPLETED], any);
	set_state(history, queue->state, now_ns);
}

void vqi_queue_history_add_unread(struct vqi_queue_history *history, uint64_t now_ns)
{
	const struct vqi_queue unknown = {.index = history->index, .state = VQI_QUEUE_UNKNOWN};

	vqi_queue_history_add(history, &unknown, now_ns);
}

size_t vqi_queue_history_depths(const struct vqi_queue_history *queue, struct vqi_num *ret_depths,
				size_t count)
{
	size_t first = first_look(queue), kept = queue->look_count - first;

	if (count > kept)
		count = kept;
	for (size_t i = 0; i < count; i++) {
		size_t number = queue->look_count - count + i;

		ret_depths[i] = queue->looks[number % VQI_HISTORY_LOOKS].depth;
	}
	return count;
}
