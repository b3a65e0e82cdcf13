/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which heads of a split ring are in flight.
 *
 * Both rings are logs of their last num entries: what was taken, and what was completed. A head is in flight
 * if it was taken after it was last completed; but the logs have no common clock. What is known is this: no
 * more than num buffers are ever outstanding, so that entry t of the avail ring was made after completion t -
 * num, and before completion t. And a head is completed once for each time that it is taken.
 *
 * Places are relative to used_idx: what may be in flight without anything being out of order is 0 and up,
 * completions are below 0. Source: VirtIO 1.2, 2.7.6 to 2.7.9, 2.7.13. */
#include "flight.h"

#include <stdlib.h>
#include <string.h>

#include "desc.h"

#define RING	   4 /* offset of ring[] in struct virtq_avail and virtq_used */
#define USED_ENTRY 8 /* bytes of struct virtq_used_elem */
#define NEVER	   INT32_MIN

/* What is known of a head. */
enum {
	IN_PLACE = 1,  /* it has an entry from used_idx on */
	RETURNED = 2,  /* it is the driver's again, or published anew */
	ELSEWHERE = 4, /* it is a part of another chain, or empty: in flight only as one IN_PLACE */
	CERTAIN = 8,   /* in flight */
	POSSIBLE = 16, /* in flight, for all that is known */
};

struct split {
	const struct vqi_flight_ring *ring;
	int32_t num, count; /* of the ring; in flight */
	int32_t ahead;	    /* up to where the driver has published */
	bool is_garbage;    /* something was taken that is no head: nothing is certain */
	int32_t reliable;   /* from where on entries of the avail ring are what they were */
	int32_t *taken;	    /* of each head: its latest entry in the avail ring, reliable or not */
	int32_t *completed; /* and in the used ring */
	uint8_t *heads;	    /* flags of each */
	struct vqi_flight_window window;
};

static void split_done(struct split *split)
{
	free(split->taken);
	free(split->completed);
	free(split->heads);
	free(split->window.takings);
	free(split->window.completions);
}
VQI_DEFINE_CLEANUP_VALUE(struct split, split_done)

static struct vqi_error *split_init(struct split *split, const struct vqi_flight_ring *ring)
{
	uint32_t num = ring->num;

	split->ring = ring;
	split->num = (int32_t)num;
	split->count = (int32_t)ring->in_flight;
	split->taken = calloc(num, sizeof(*split->taken));
	split->completed = calloc(num, sizeof(*split->completed));
	split->heads = calloc(num, sizeof(*split->heads));
	split->window.takings = calloc(num, sizeof(*split->window.takings));
	split->window.completions = calloc(num, sizeof(*split->window.completions));
	if (!split->taken || !split->completed || !split->heads || !split->window.takings ||
	    !split->window.completions)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	return NULL;
}

static uint32_t slot(const struct split *split, int32_t place)
{
	return (uint16_t)(split->ring->used_idx + place) % split->ring->num;
}

/* The head in an entry; num or more: none. */
static uint32_t avail_at(const struct split *split, int32_t place)
{
	return vqi_guest_u16(split->ring->avail + RING + 2 * (size_t)slot(split, place),
			     split->ring->big_endian);
}

static uint32_t used_at(const struct split *split, int32_t place)
{
	return vqi_guest_u32(split->ring->used + RING + USED_ENTRY * (size_t)slot(split, place),
			     split->ring->big_endian);
}

static struct vqi_desc desc_at(const struct split *split, uint32_t head)
{
	return vqi_desc_decode(split->ring->descs + (size_t)head * VQI_DESC_SIZE, false,
			       split->ring->big_endian);
}

/* Flags what follows the head in its chain. Where a link is stale, something younger was written over the
 * chain, which is not in flight under another head either. */
static void flag_members(struct split *split, uint32_t head, uint8_t flag)
{
	struct vqi_desc desc = desc_at(split, head);

	for (int32_t i = 0; i < split->num && desc.flags & VQI_DESC_NEXT &&
			    desc.next < split->ring->num && !(split->heads[desc.next] & flag);
	     i++) {
		split->heads[desc.next] |= flag;
		desc = desc_at(split, desc.next);
	}
}

static void find_published(struct split *split)
{
	uint16_t avail_idx = vqi_guest_u16(split->ring->avail + 2, split->ring->big_endian);

	split->ahead = (uint16_t)(avail_idx - split->ring->used_idx);
	if (split->ahead < split->count)
		split->ahead = split->count;
	if (split->ahead > split->num)
		split->ahead = split->num;
	for (int32_t place = split->count; place < split->ahead; place++) {
		uint32_t head = avail_at(split, place);

		if (head >= split->ring->num)
			continue;
		split->heads[head] |= RETURNED;
		flag_members(split, head, RETURNED);
	}
}

static void find_taken(struct split *split)
{
	for (int32_t head = 0; head < split->num; head++) {
		split->taken[head] = NEVER;
		if (!desc_at(split, (uint32_t)head).len)
			split->heads[head] |= ELSEWHERE;
	}
	for (int32_t place = split->ahead - split->num; place < split->count; place++) {
		uint32_t head = avail_at(split, place);

		if (head >= split->ring->num) {
			split->is_garbage = split->is_garbage || place >= 0;
			continue;
		}
		split->taken[head] = place;
		if (place < 0)
			continue;
		split->heads[head] |= IN_PLACE;
		flag_members(split, head, ELSEWHERE);
	}
}

/* A driver may have written further entries that it has not published: over the oldest ones, and of as many
 * different heads, none of them in flight. */
static struct vqi_error *find_reliable(struct split *split)
{
	vqi_cleanup_free uint8_t *seen = calloc(split->ring->num, 1);
	int32_t place = split->ahead - split->num;

	if (!seen)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	for (; place < 0; place++) {
		uint32_t head = avail_at(split, place);

		if (head >= split->ring->num || seen[head] || split->heads[head] & RETURNED ||
		    !desc_at(split, head).len)
			break;
		seen[head] = 1;
	}
	split->reliable = place;
	return NULL;
}

/* Widens the window to all completions that may have been after entry place was made; depth is how many
 * there are. False: more than can be seen. */
static bool widen(struct split *split, int32_t place, int32_t depth, bool is_first_round,
		  int32_t *lowest)
{
	struct vqi_flight_window *window = &split->window;
	int32_t limit = place - split->num + 1;
	int32_t floor = limit > -depth ? limit : -depth;

	for (; *lowest > floor; --*lowest) {
		uint32_t head = used_at(split, *lowest - 1);

		if (head >= split->ring->num)
			return false;
		if (!vqi_flight_may_complete(window, (uint16_t)head))
			return true;
		window->completions[head]++;
	}
	return floor == limit || is_first_round;
}

/* A head that was taken n times since a moment, and completed less often, is in flight. */
static void find_certain(struct split *split, int32_t first, int32_t depth, bool is_first_round)
{
	struct vqi_flight_window *window = &split->window;
	int32_t lowest = 0;

	memset(window->takings, 0, split->ring->num * sizeof(*window->takings));
	memset(window->completions, 0, split->ring->num * sizeof(*window->completions));
	for (int32_t place = split->count - 1; place >= first; place--) {
		bool is_seen = widen(split, place, depth, is_first_round, &lowest);
		uint32_t head = avail_at(split, place);

		if (head >= split->ring->num)
			continue;
		window->takings[head]++;
		if (is_seen && !split->is_garbage &&
		    window->completions[head] < window->takings[head])
			split->heads[head] |= CERTAIN;
	}
}

/* Whether a head without an entry from used_idx on may be in flight: not if its latest completion is no
 * earlier than any entry that it may have had after it. */
static bool may_be_older(const struct split *split, uint32_t head, int32_t first,
			 bool is_first_round)
{
	int32_t latest = split->taken[head] >= first ? split->taken[head] : first - 1;

	if (split->heads[head] & ELSEWHERE)
		return false;
	if (is_first_round && split->taken[head] < first)
		return false;
	return split->completed[head] < latest;
}

/* Concludes what can be from so many completions. */
static void conclude(struct split *split, int32_t depth, bool is_first_round)
{
	int32_t first = split->reliable > -depth ? split->reliable : -depth;

	for (int32_t head = 0; head < split->num; head++) {
		split->completed[head] = NEVER;
		split->heads[head] &= (uint8_t) ~(CERTAIN | POSSIBLE);
	}
	for (int32_t place = -depth; place < 0; place++) {
		uint32_t head = used_at(split, place);

		if (head < split->ring->num)
			split->completed[head] = place;
	}
	find_certain(split, first, depth, is_first_round);
	is_first_round = is_first_round && first == -depth;
	for (uint32_t head = 0; head < split->ring->num; head++) {
		uint8_t flags = split->heads[head];

		if (flags & CERTAIN ||
		    (!(flags & RETURNED) &&
		     (flags & IN_PLACE || may_be_older(split, head, first, is_first_round))))
			split->heads[head] |= POSSIBLE;
	}
}

/* A ring that has not come round once has entries that were never written. An index that is small may be of
 * such a ring, or have wrapped: true is what follows from either. */
static struct vqi_error *conclude_either(struct split *split)
{
	uint16_t used_idx = split->ring->used_idx;
	vqi_cleanup_free uint8_t *other = NULL;

	conclude(split, split->num, false);
	if (used_idx >= split->num)
		return NULL;
	other = malloc(split->ring->num);
	if (!other)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	memcpy(other, split->heads, split->ring->num);
	conclude(split, used_idx, true);
	for (uint32_t head = 0; head < split->ring->num; head++) {
		uint8_t both = split->heads[head] & other[head] & CERTAIN;
		uint8_t either = (split->heads[head] | other[head]) & POSSIBLE;

		split->heads[head] &= (uint8_t) ~(CERTAIN | POSSIBLE);
		split->heads[head] |= both | either;
	}
	return NULL;
}

static int32_t count_heads(const struct split *split, uint8_t flag)
{
	int32_t count = 0;

	for (int32_t head = 0; head < split->num; head++)
		count += (split->heads[head] & flag) != 0;
	return count;
}

static void list_head(const struct split *split, uint32_t head, struct vqi_flights *flights)
{
	bool is_certain = flights->is_exact || split->heads[head] & CERTAIN;

	vqi_flight_add(flights,
		       (struct vqi_flight){(uint16_t)head, (uint16_t)head, true, !is_certain});
}

/* Lists heads that have a flag, each once, the oldest first; such as have no entry any more before all. */
static void list_oldest_first(const struct split *split, uint8_t flag, struct vqi_flights *flights)
{
	for (uint32_t head = 0; head < split->ring->num; head++) {
		if (split->heads[head] & flag && split->taken[head] == NEVER)
			list_head(split, head, flights);
	}
	for (int32_t place = split->ahead - split->num; place < split->count; place++) {
		uint32_t head = avail_at(split, place);

		if (head < split->ring->num && split->heads[head] & flag &&
		    split->taken[head] == place)
			list_head(split, head, flights);
	}
}

static void list_candidates(const struct split *split, struct vqi_flights *flights)
{
	for (int32_t place = split->count - 1; place >= split->ahead - split->num; place--) {
		uint32_t head = avail_at(split, place);

		if (head < split->ring->num && split->taken[head] == place &&
		    (split->heads[head] & (CERTAIN | POSSIBLE)) == POSSIBLE)
			list_head(split, head, flights);
	}
}

/* VirtIO 1.2, 2.7.8: in order of the avail ring. */
static void list_in_order(struct split *split, struct vqi_flights *flights)
{
	flights->is_exact = true;
	for (uint32_t head = 0; head < split->ring->num; head++)
		split->heads[head] |= split->heads[head] & IN_PLACE ? POSSIBLE : 0;
	list_oldest_first(split, POSSIBLE, flights);
}

struct vqi_error *vqi_flight_split(const struct vqi_flight_ring *ring,
				   struct vqi_flights *ret_flights)
{
	vqi_cleanup(split_done) struct split split = {0};
	struct vqi_error *error;

	error = split_init(&split, ring);
	if (error)
		return error;
	find_published(&split);
	find_taken(&split);
	if (ring->in_order) {
		list_in_order(&split, ret_flights);
		return NULL;
	}
	error = find_reliable(&split);
	if (!error)
		error = conclude_either(&split);
	if (error)
		return error;
	ret_flights->is_exact = true;
	if (count_heads(&split, CERTAIN) == split.count) {
		list_oldest_first(&split, CERTAIN, ret_flights);
	} else if (!split.is_garbage && count_heads(&split, POSSIBLE) == split.count) {
		list_oldest_first(&split, POSSIBLE, ret_flights);
	} else {
		ret_flights->is_exact = false;
		list_oldest_first(&split, CERTAIN, ret_flights);
		list_candidates(&split, ret_flights);
	}
	return NULL;
}
