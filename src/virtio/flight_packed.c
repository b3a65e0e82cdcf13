/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which buffers of a packed ring are in flight.
 *
 * Between the device's two places all descriptors are as the driver wrote them, and all were taken; but a
 * buffer that was completed out of order is still among them, and a used descriptor lies over the beginning
 * of an older one, which is not. The used descriptors before, as far as the driver did not write over them in
 * its next round, are the log of completions; see flight_split.c for what follows from it.
 *
 * Places are relative to used_idx. Source: VirtIO 1.2, 2.8.1, 2.8.6, 2.8.12. */
#include "flight.h"

#include <stdlib.h>

#include "desc.h"

/* A chain between the device's places. */
struct chain {
	int32_t first, end;
	uint16_t id;
	bool is_whole;
	bool is_certain;
	bool is_later; /* a later one has its id: it is completed */
};

struct packed {
	const struct vqi_flight_ring *ring;
	int32_t num, count;  /* descriptors of the ring; in flight */
	int32_t log;	     /* from where on used descriptors are what they were */
	bool is_first_round; /* there were none before */
	struct chain *chains;
	size_t chain_count;
	struct vqi_flight_window window;
};

static void packed_done(struct packed *packed)
{
	free(packed->chains);
	free(packed->window.takings);
	free(packed->window.completions);
}
VQI_DEFINE_CLEANUP_VALUE(struct packed, packed_done)

static struct vqi_error *packed_init(struct packed *packed, const struct vqi_flight_ring *ring)
{
	packed->ring = ring;
	packed->num = (int32_t)ring->num;
	packed->count = (int32_t)ring->in_flight;
	packed->chains = calloc(ring->in_flight, sizeof(*packed->chains));
	packed->window.takings = calloc(ring->num, sizeof(*packed->window.takings));
	packed->window.completions = calloc(ring->num, sizeof(*packed->window.completions));
	if (!packed->chains || !packed->window.takings || !packed->window.completions)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	return NULL;
}

/* From -num to 2 * num, of which the last part is the next round but one. */
static uint32_t index_of(const struct packed *packed, int32_t place)
{
	return (uint32_t)(packed->ring->used_idx + place + packed->num) % packed->ring->num;
}

/* The wrap counter of whoever comes to a place. */
static bool wrap_at(const struct packed *packed, int32_t place)
{
	int32_t linear = packed->ring->used_idx + place;

	return packed->ring->used_wrap != (linear < 0 || linear >= packed->num);
}

static struct vqi_desc desc_at(const struct packed *packed, int32_t place)
{
	return vqi_desc_decode(
		packed->ring->descs + (size_t)index_of(packed, place) * VQI_DESC_SIZE, true, false);
}

static bool is_available(const struct packed *packed, int32_t place)
{
	return vqi_desc_is_available(desc_at(packed, place).flags, wrap_at(packed, place));
}

/* No driver writes a descriptor of no bytes at address 0, and a device writes over a driver's. */
static bool is_unwritten(const struct packed *packed, int32_t place)
{
	struct vqi_desc desc = desc_at(packed, place);

	return !desc.gpa && !desc.len && !desc.flags && !desc.id;
}

/* The driver may be writing one more chain: its first descriptor, whose flags come last, and what follows. */
static void find_log(struct packed *packed)
{
	int32_t place = packed->count;

	while (place < packed->num && is_available(packed, place))
		place++;
	packed->is_first_round = packed->ring->used_wrap && place < packed->num &&
				 packed->ring->used_idx + place < packed->num &&
				 is_unwritten(packed, packed->num - packed->ring->used_idx - 1);
	place++;
	while (place < packed->num && is_available(packed, place))
		place++;
	packed->log = place < packed->num ? place - packed->num : 0;
	if (packed->is_first_round)
		packed->log = -packed->ring->used_idx;
}

/* Whether a chain begins at used_idx: all that was completed may end within one. It does if all is in order,
 * if it is a table, or if the driver's descriptor before is left, and ends a chain. */
static bool begins_whole(const struct packed *packed)
{
	struct vqi_desc before;

	if (packed->ring->in_order || desc_at(packed, 0).flags & VQI_DESC_INDIRECT)
		return true;
	if (packed->log == 0)
		return packed->is_first_round;
	before = desc_at(packed, -1);
	return vqi_desc_is_available(before.flags, wrap_at(packed, -1)) &&
	       !(before.flags & VQI_DESC_NEXT);
}

static void find_chains(struct packed *packed)
{
	struct chain chain = {.is_whole = begins_whole(packed)};

	for (int32_t place = 0; place < packed->count; place++) {
		struct vqi_desc desc = desc_at(packed, place);

		if (desc.flags & VQI_DESC_NEXT)
			continue;
		chain.id = desc.id; /* of the last: VirtIO 1.2, 2.8.6 */
		chain.end = place + 1;
		if (chain.id < packed->ring->num)
			packed->chains[packed->chain_count++] = chain;
		chain = (struct chain){.first = place + 1, .is_whole = true};
	}
}

/* Widens the window to all completions that may have been after the chain that ends at a place was taken.
 * False: more than can be seen. */
static bool widen(struct packed *packed, int32_t end, int32_t *lowest)
{
	struct vqi_flight_window *window = &packed->window;
	int32_t limit = end - packed->num;
	int32_t floor = limit > packed->log ? limit : packed->log;

	for (; *lowest > floor; --*lowest) {
		struct vqi_desc desc = desc_at(packed, *lowest - 1);

		if (!vqi_desc_is_used(desc.flags, wrap_at(packed, *lowest - 1)))
			continue;
		if (desc.id >= packed->ring->num)
			return false;
		if (!vqi_flight_may_complete(window, desc.id))
			return true;
		window->completions[desc.id]++;
	}
	return floor == limit || packed->is_first_round;
}

static int32_t find_certain(struct packed *packed)
{
	struct vqi_flight_window *window = &packed->window;
	int32_t lowest = 0, descs = 0;

	for (size_t i = packed->chain_count; i-- > 0;) {
		struct chain *chain = &packed->chains[i];
		bool is_seen = widen(packed, chain->end, &lowest);

		chain->is_later = window->takings[chain->id]++;
		chain->is_certain = packed->ring->in_order || (is_seen && !chain->is_later &&
							       !window->completions[chain->id]);
		descs += chain->is_certain ? chain->end - chain->first : 0;
	}
	return descs;
}

static void list_chain(const struct packed *packed, const struct chain *chain,
		       struct vqi_flights *flights)
{
	vqi_flight_add(flights, (struct vqi_flight){
					.head = chain->id,
					.place = (uint16_t)index_of(packed, chain->first),
					.is_whole = chain->is_whole,
					.is_candidate = !chain->is_certain,
				});
}

struct vqi_error *vqi_flight_packed(const struct vqi_flight_ring *ring,
				    struct vqi_flights *ret_flights)
{
	vqi_cleanup(packed_done) struct packed packed = {0};
	struct vqi_error *error = packed_init(&packed, ring);

	if (error)
		return error;
	find_log(&packed);
	find_chains(&packed);
	ret_flights->is_exact = find_certain(&packed) == packed.count;
	for (size_t i = 0; i < packed.chain_count; i++) {
		if (packed.chains[i].is_certain)
			list_chain(&packed, &packed.chains[i], ret_flights);
	}
	for (size_t i = packed.chain_count; !ret_flights->is_exact && i-- > 0;) {
		if (!packed.chains[i].is_certain && !packed.chains[i].is_later)
			list_chain(&packed, &packed.chains[i], ret_flights);
	}
	return NULL;
}
