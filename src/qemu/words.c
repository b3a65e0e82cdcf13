/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "words.h"

#include <stdlib.h>
#include <string.h>

#include "vqi/limits.h"

#define PIECE                                                                                      \
	4096 /* bytes read at once of the variables: a page that cannot be read costs no other */
#define BATCH 256 /* ranges a read */

/* Whether it can be the address of a structure that is no constant. */
static bool is_plausible(const struct vqi_maps *maps, uint64_t word)
{
	size_t low = 0, high = maps->count;

	if (!word || word % 8)
		return false;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (maps->maps[middle].end <= word)
			low = middle + 1;
		else
			high = middle;
	}
	return low < maps->count && maps->maps[low].start <= word && maps->maps[low].writable;
}

static struct vqi_error *add_word(struct vqi_words *words, uint64_t at, uint64_t value)
{
	size_t room = words->room ? 2 * words->room : 4096;
	uint64_t *grown;

	if (words->count == words->room) {
		grown = reallocarray(words->at, room, sizeof(*grown));
		if (!grown)
			return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
		words->at = grown;
		grown = reallocarray(words->value, room, sizeof(*grown));
		if (!grown)
			return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
		words->value = grown;
		words->room = room;
	}
	words->at[words->count] = at;
	words->value[words->count++] = value;
	return NULL;
}

static struct vqi_error *add_words(struct vqi_words *words, const struct vqi_range *range)
{
	const uint64_t *found = range->buf;
	struct vqi_error *error = NULL;

	for (size_t i = 0; !error && i < range->len / 8 && words->count < VQI_MAX_SCAN_WORDS; i++) {
		if (is_plausible(words->maps, found[i]))
			error = add_word(words, range->addr + 8 * i, found[i]);
	}
	return error;
}

/* Of a range of at most BATCH pieces. */
static struct vqi_error *read_pieces(struct vqi_words *words, uint64_t start, uint64_t len,
				     uint64_t *buffer)
{
	struct vqi_range ranges[BATCH];
	struct vqi_error *error;
	size_t count = 0;

	for (uint64_t done = 0; done < len; done += PIECE)
		ranges[count++] = (struct vqi_range){
			.addr = start + done,
			.buf = buffer + done / 8,
			.len = len - done < PIECE ? len - done : PIECE,
		};
	error = vqi_mem_readv(words->mem, ranges, count);
	for (size_t i = 0; !error && i < count; i++) {
		if (ranges[i].ok)
			error = add_words(words, &ranges[i]);
	}
	return error;
}

struct vqi_error *vqi_words_collect(struct vqi_words *words, const struct vqi_maps *variables)
{
	vqi_cleanup_free uint64_t *buffer = malloc(BATCH * PIECE);
	struct vqi_error *error = NULL;
	uint64_t left = VQI_MAX_SCAN_BYTES;

	if (!buffer)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	for (size_t i = 0; i < variables->count; i++) {
		uint64_t start = (variables->maps[i].start + 7) / 8 * 8;
		uint64_t end = variables->maps[i].end;

		while (!error && left && start < end) {
			uint64_t len = end - start < BATCH * PIECE ? end - start : BATCH * PIECE;

			if (len > left)
				len = left;
			error = read_pieces(words, start, len, buffer);
			start += len;
			left -= len;
		}
	}
	return error;
}

struct vqi_error *vqi_words_follow(struct vqi_words *words, const uint64_t *from, size_t count,
				   uint32_t offset, uint64_t *ret_to)
{
	struct vqi_error *error = NULL;

	for (size_t i = 0; !error && i < count; i += BATCH) {
		size_t len = count - i < BATCH ? count - i : BATCH;
		struct vqi_range ranges[BATCH];

		for (size_t j = 0; j < len; j++)
			ranges[j] = (struct vqi_range){
				.addr = from[i + j] + offset,
				.buf = &ret_to[i + j],
				.len = from[i + j] ? 8 : 0,
			};
		error = vqi_mem_readv(words->mem, ranges, len);
		for (size_t j = 0; j < len; j++) {
			if (!ranges[j].ok || !ranges[j].len)
				ret_to[i + j] = 0;
		}
	}
	return error;
}

struct vqi_error *vqi_words_follow_field(struct vqi_words *words, const uint64_t *from,
					 size_t count, enum vqi_field_id field, uint64_t *ret_to)
{
	struct vqi_error *error = vqi_layout_need(words->layout, &field, 1);

	if (!error)
		error = vqi_words_follow(words, from, count, words->layout->fields[field].offset,
					 ret_to);
	for (size_t i = 0; !error && i < count; i++) {
		if (!is_plausible(words->maps, ret_to[i]))
			ret_to[i] = 0;
	}
	return error;
}

void vqi_words_done(struct vqi_words *words)
{
	free(words->at);
	free(words->value);
	words->at = words->value = NULL;
}
