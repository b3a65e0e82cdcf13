/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "replay_log.h"

#include <stdlib.h>
#include <string.h>

#include "recording.h"
#include "vqi/checked.h"

/* The first place in sorted whose entry is not before one of this kind and key with this number. */
static size_t lower_bound(const struct vqi_replay_log *replay, const struct vqi_entry *wanted,
			  size_t number)
{
	size_t low = 0, high = replay->log->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct vqi_entry entry = vqi_log_entry(replay->log, replay->sorted[middle]);
		int order = vqi_entry_compare(&entry, wanted);

		if (order < 0 || (order == 0 && replay->sorted[middle] < number))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Whether the entry at a place in sorted is one of this kind and key. */
static bool is_at(const struct vqi_replay_log *replay, size_t place, const struct vqi_entry *wanted)
{
	struct vqi_entry entry;

	if (place >= replay->log->count)
		return false;
	entry = vqi_log_entry(replay->log, replay->sorted[place]);
	return vqi_entry_compare(&entry, wanted) == 0;
}

/* The next in the look under way, which is gone on to. place is where it would be in sorted. */
static bool find_next(struct vqi_replay_log *replay, const struct vqi_entry *wanted, size_t place,
		      struct vqi_entry *ret_entry)
{
	if (!is_at(replay, place, wanted) || replay->sorted[place] >= replay->end)
		return false;
	replay->cursor = replay->sorted[place] + 1;
	*ret_entry = vqi_log_entry(replay->log, replay->sorted[place]);
	return true;
}

bool vqi_replay_find(struct vqi_replay_log *replay, const struct vqi_entry *wanted,
		     struct vqi_entry *ret_entry)
{
	size_t place = lower_bound(replay, wanted, replay->cursor);

	if (find_next(replay, wanted, place, ret_entry))
		return true;
	if (place > 0 && is_at(replay, place - 1, wanted))
		place--;
	else if (!is_at(replay, place, wanted))
		return false;
	*ret_entry = vqi_log_entry(replay->log, replay->sorted[place]);
	return true;
}

/* ---- facts ---- */

/* The place in sorted of the first in the look under way that was not told yet; else of the last up to there; else of a later one. */
static size_t find_fact(const struct vqi_replay_log *replay, const struct vqi_entry *wanted)
{
	size_t place = lower_bound(replay, wanted, replay->begin);

	while (is_at(replay, place, wanted) && replay->sorted[place] < replay->end) {
		if (!replay->used[replay->sorted[place]])
			return place;
		place++;
	}
	return place && is_at(replay, place - 1, wanted) ? place - 1 : place;
}

bool vqi_replay_find_fact(struct vqi_replay_log *replay, const struct vqi_entry *wanted,
			  struct vqi_entry *ret_entry)
{
	size_t place = find_fact(replay, wanted);

	if (!is_at(replay, place, wanted))
		return false;
	replay->used[replay->sorted[place]] = true;
	*ret_entry = vqi_log_entry(replay->log, replay->sorted[place]);
	return true;
}

/* ---- memory ---- */

static uint64_t address_of(const struct vqi_entry *entry)
{
	struct vqi_unpack key = {.at = entry->key, .end = entry->key + entry->key_len};

	return vqi_unpack_u64(&key);
}

/* Fills bytes of a range that an entry has, and that are not there yet; returns how many. */
static size_t fill(const struct vqi_entry *entry, const struct vqi_range *range, bool *there)
{
	uint64_t addr = address_of(entry), end = addr + entry->data_len;
	uint64_t first = addr > range->addr ? addr : range->addr;
	uint64_t last = end < range->addr + range->len ? end : range->addr + range->len;
	size_t filled = 0;

	for (uint64_t at = first; entry->ok && at < last; at++) {
		size_t i = (size_t)(at - range->addr);

		if (there[i])
			continue;
		((uint8_t *)range->buf)[i] = entry->data[at - addr];
		there[i] = true;
		filled++;
	}
	return filled;
}

/* Numbers of the entries that may have bytes of a range, ascending. */
static size_t overlapping(const struct vqi_replay_log *replay, const struct vqi_range *range,
			  size_t **ret_numbers)
{
	uint64_t first = range->addr > replay->longest ? range->addr - replay->longest : 0;
	const struct vqi_log *log = replay->log;
	size_t count = 0, *numbers = calloc(log->count + 1, sizeof(*numbers));

	/* The keys are little-endian, and so not in the order of addresses. */
	for (size_t i = 0; numbers && i < log->count; i++) {
		const struct vqi_entry entry = vqi_log_entry(log, i);
		uint64_t addr;

		if (entry.kind != VQI_ENTRY_MEMORY || !entry.ok)
			continue;
		addr = address_of(&entry);
		if (addr >= first && addr < range->addr + range->len)
			numbers[count++] = i;
	}
	*ret_numbers = numbers;
	return count;
}

/* Puts a range together from what was known of its bytes up to now, the last first, and then from what was known later. */
static bool put_together(const struct vqi_replay_log *replay, const struct vqi_range *range)
{
	vqi_cleanup_free size_t *numbers = NULL;
	vqi_cleanup_free bool *there = calloc(range->len, sizeof(*there));
	size_t count = there ? overlapping(replay, range, &numbers) : 0;
	size_t left = range->len, before = 0;

	while (before < count && numbers[before] < replay->cursor)
		before++;
	for (size_t i = 0; left && i < count; i++) {
		size_t at = i < before ? before - 1 - i : i;
		const struct vqi_entry entry = vqi_log_entry(replay->log, numbers[at]);

		left -= fill(&entry, range, there);
	}
	return !left;
}

bool vqi_replay_memory(struct vqi_replay_log *replay, const struct vqi_range *range)
{
	const struct vqi_key key = vqi_key_memory(range->addr, range->len);
	const struct vqi_entry wanted = {
		.kind = VQI_ENTRY_MEMORY, .key = key.bytes, .key_len = key.len};
	struct vqi_entry entry;
	uint64_t end;

	if (!range->len)
		return true;
	if (!vqi_add_u64(range->addr, range->len, &end) || range->len > UINT32_MAX)
		return false;
	if (!find_next(replay, &wanted, lower_bound(replay, &wanted, replay->cursor), &entry))
		return put_together(replay, range);
	if (!entry.ok || entry.data_len != range->len)
		return false;
	memcpy(range->buf, entry.data, entry.data_len);
	return true;
}

/* ---- looks ---- */

static size_t next_look(const struct vqi_replay_log *replay, size_t from)
{
	while (from < replay->log->count && vqi_log_entry(replay->log, from).kind != VQI_ENTRY_LOOK)
		from++;
	return from;
}

void vqi_replay_next_look(struct vqi_replay_log *replay)
{
	if (replay->end >= replay->log->count)
		return;
	replay->begin = replay->end + 1;
	replay->cursor = replay->begin;
	replay->end = next_look(replay, replay->begin);
}

/* ---- all of it ---- */

struct vqi_error *vqi_replay_log_init(struct vqi_replay_log *replay, const struct vqi_log *log)
{
	*replay = (struct vqi_replay_log){.log = log};
	replay->sorted = calloc(log->count + 1, sizeof(*replay->sorted));
	replay->used = calloc(log->count + 1, sizeof(*replay->used));
	if (!replay->sorted || !replay->used)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	for (size_t i = 0; i < log->count; i++) {
		const struct vqi_entry entry = vqi_log_entry(log, i);

		replay->sorted[i] = i;
		if (entry.kind == VQI_ENTRY_MEMORY && entry.data_len > replay->longest)
			replay->longest = entry.data_len;
	}
	qsort_r(replay->sorted, log->count, sizeof(*replay->sorted), vqi_log_compare,
		(void *)(uintptr_t)log);
	replay->end = next_look(replay, 0);
	return NULL;
}

void vqi_replay_log_done(struct vqi_replay_log *replay)
{
	free(replay->sorted);
	free(replay->used);
}
