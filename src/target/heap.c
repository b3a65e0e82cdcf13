/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vqi/heap.h"

#include <stdlib.h>
#include <string.h>

#include "vqi/limits.h"

/* Of 64-bit hosts. Source: glibc malloc/malloc.c, "A (physical) chunk". */
#define WORD	    8
#define ALIGNMENT   16
#define LEAST_CHUNK 32
#define PREV_INUSE  1
#define IS_MMAPPED  2
#define FLAGS	    7 /* these, and NON_MAIN_ARENA */

/* Source: glibc malloc/arena.c: HEAP_MAX_SIZE, struct heap_info, of which some versions have more than others. */
#define ARENA_SIZE (64u << 20)
#define LEAST_INFO 32
#define ARENA_SPAN                                                                                 \
	4096 /* bytes in which the first chunk of an arena begins, behind its malloc_state */

#define PIECE (256u << 10) /* bytes read at a time */

/* One part: what it is, and what was read of it. */
struct part {
	uint64_t start;
	size_t len;
	const uint8_t *data;
};

bool vqi_chunk_is_for(uint32_t len, uint64_t size)
{
	uint64_t least = (size + WORD + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;

	least = least < LEAST_CHUNK ? LEAST_CHUNK : least;
	return len == least - WORD || len == least + ALIGNMENT - WORD;
}

void vqi_heap_done(struct vqi_heap *heap)
{
	for (size_t i = 0; i < heap->part_count; i++)
		free(heap->parts[i]);
	free(heap->parts);
	free(heap->chunks);
	*heap = (struct vqi_heap){0};
}

static uint64_t word_at(const struct part *part, size_t offset)
{
	uint64_t word = 0;

	if (offset <= part->len && part->len - offset >= WORD)
		memcpy(&word, part->data + offset, WORD);
	return word;
}

/* ---- chunks ---- */

/* Size of the chunk whose first word, the size of the one before, is at offset; 0: none. */
static size_t chunk_size(const struct part *part, size_t offset)
{
	uint64_t size = word_at(part, offset + WORD) & ~(uint64_t)FLAGS;

	return size >= LEAST_CHUNK && size % ALIGNMENT == 0 && size <= part->len - offset ? size
											  : 0;
}

static struct vqi_error *add(struct vqi_heap *heap, size_t *room, struct vqi_chunk chunk)
{
	struct vqi_chunk *grown;

	if (heap->count == *room) {
		*room = *room ? *room * 2 : 4096;
		grown = reallocarray(heap->chunks, *room, sizeof(*grown));
		if (!grown)
			return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
		heap->chunks = grown;
	}
	heap->chunks[heap->count++] = chunk;
	return NULL;
}

/* Where the chain of chunks ends that begins at offset: the end of the part, or a fence, which is too small for a
 * chunk; 0: it does not hold together. */
static bool is_chain(const struct part *part, size_t offset)
{
	while (offset + 2 * WORD <= part->len) {
		size_t size = chunk_size(part, offset);

		if (!size)
			return (word_at(part, offset + WORD) & ~(uint64_t)FLAGS) < LEAST_CHUNK;
		offset += size;
	}
	return true;
}

/* The next chunk says whether one is in use; the last, which all others are made of, has none. */
static struct vqi_error *add_chain(struct vqi_heap *heap, size_t *room, const struct part *part,
				   size_t offset)
{
	struct vqi_error *error = NULL;
	size_t size;

	for (; !error && (size = chunk_size(part, offset)); offset += size) {
		if (!(word_at(part, offset + size + WORD) & PREV_INUSE))
			continue;
		error = add(heap, room,
			    (struct vqi_chunk){.address = part->start + offset + 2 * WORD,
					       .len = (uint32_t)(size - WORD),
					       .data = part->data + offset + 2 * WORD});
	}
	heap->is_whole &= is_chain(part, offset);
	return error;
}

/* ---- arenas ---- */

/* Whether a mapping is the heap of a thread, by what it begins with: its arena, the heap before it, its size, and how
 * much of it can be used. */
static bool is_arena(const struct part *part)
{
	uint64_t arena = word_at(part, 0), size = word_at(part, 2 * WORD),
		 usable = word_at(part, 3 * WORD);

	return part->start % ARENA_SIZE == 0 && part->len <= ARENA_SIZE && arena % WORD == 0 &&
	       arena % ARENA_SIZE >= LEAST_INFO && arena % ARENA_SIZE < ARENA_SPAN && size &&
	       size <= usable && usable <= part->len;
}

/* Behind struct malloc_state in the first heap of an arena, behind struct heap_info in others; both grew. */
static bool find_first(const struct part *part, size_t *ret_offset)
{
	uint64_t arena = word_at(part, 0);
	size_t first = LEAST_INFO;

	if (arena - part->start < part->len)
		first = (arena - part->start + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT + ALIGNMENT;
	for (size_t offset = first; offset < ARENA_SPAN; offset += ALIGNMENT) {
		if (word_at(part, offset + WORD) & PREV_INUSE && chunk_size(part, offset) &&
		    is_chain(part, offset)) {
			*ret_offset = offset;
			return true;
		}
	}
	return false;
}

/* ---- parts ---- */

/* Keeps a part's bytes; what cannot be read is 0, and no chunk. */
static struct vqi_error *read_part(struct vqi_mem *mem, struct vqi_heap *heap, struct part *part)
{
	size_t count = (part->len + PIECE - 1) / PIECE;
	vqi_cleanup_free struct vqi_range *ranges = calloc(count, sizeof(*ranges));
	uint8_t **grown = reallocarray(heap->parts, heap->part_count + 1, sizeof(*grown));
	uint8_t *data = calloc(1, part->len);
	struct vqi_error *error;

	if (grown)
		heap->parts = grown;
	if (!ranges || !grown || !data) {
		free(data);
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	}
	heap->parts[heap->part_count++] = data;
	part->data = data;
	for (size_t i = 0; i < count; i++) {
		size_t left = part->len - i * PIECE;

		ranges[i] = (struct vqi_range){.addr = part->start + i * PIECE,
					       .buf = data + i * PIECE,
					       .len = left < PIECE ? left : PIECE};
	}
	error = vqi_mem_readv(mem, ranges, count);
	for (size_t i = 0; !error && i < count; i++) {
		if (!ranges[i].ok)
			memset(ranges[i].buf, 0, ranges[i].len);
	}
	return error;
}

static struct vqi_error *add_main(struct vqi_mem *mem, struct vqi_heap *heap, size_t *room,
				  struct part *part)
{
	struct vqi_error *error = read_part(mem, heap, part);

	return error ? error : add_chain(heap, room, part, 0);
}

/* The mapping may be another's, aligned by chance: that is looked at first. */
static struct vqi_error *add_arena(struct vqi_mem *mem, struct vqi_heap *heap, size_t *room,
				   struct part *part)
{
	uint8_t head[LEAST_INFO];
	struct part begin = {.start = part->start, .len = part->len, .data = head};
	struct vqi_error *error = vqi_mem_read(mem, part->start, head, sizeof(head));
	size_t first;

	if (error)
		return vqi_error_keep_fatal(error);
	if (!is_arena(&begin))
		return NULL;
	part->len = (size_t)word_at(&begin, 2 * WORD);
	error = read_part(mem, heap, part);
	if (error)
		return error;
	if (find_first(part, &first))
		return add_chain(heap, room, part, first);
	heap->is_whole = false;
	return NULL;
}

static bool is_main(const struct vqi_map *map)
{
	return map->path && strcmp(map->path, "[heap]") == 0;
}

static bool may_be_arena(const struct vqi_map *map)
{
	return !map->path && !map->inode && map->start % ARENA_SIZE == 0 &&
	       map->end - map->start <= ARENA_SIZE;
}

static struct vqi_error *read_all(struct vqi_mem *mem, const struct vqi_maps *maps,
				  struct vqi_heap *heap)
{
	struct vqi_error *error = NULL;
	size_t room = 0, left = VQI_MAX_HEAP_BYTES;

	for (size_t i = 0; !error && i < maps->count; i++) {
		const struct vqi_map *map = &maps->maps[i];
		struct part part = {.start = map->start, .len = map->end - map->start};

		if (!map->readable || !map->writable || (!is_main(map) && !may_be_arena(map)))
			continue;
		if (part.len > left)
			return vqi_error_new(VQI_ERROR_LIMIT, "more than %u MiB of heap",
					     VQI_MAX_HEAP_BYTES >> 20);
		error = is_main(map) ? add_main(mem, heap, &room, &part)
				     : add_arena(mem, heap, &room, &part);
		left -= part.data ? part.len : 0;
	}
	return error;
}

struct vqi_error *vqi_heap_read(struct vqi_mem *mem, const struct vqi_maps *maps,
				struct vqi_heap *ret_heap)
{
	vqi_cleanup(vqi_heap_done) struct vqi_heap heap = {.is_whole = true};
	struct vqi_error *error = read_all(mem, maps, &heap);

	if (error)
		return error;
	*ret_heap = heap;
	heap = (struct vqi_heap){0};
	return NULL;
}

static int compare(const void *key, const void *member)
{
	const uint64_t *address = key;
	const struct vqi_chunk *chunk = member;

	if (*address == chunk->address)
		return 0;
	return *address < chunk->address ? -1 : 1;
}

const struct vqi_chunk *vqi_heap_find(const struct vqi_heap *heap, uint64_t address)
{
	return bsearch(&address, heap->chunks, heap->count, sizeof(*heap->chunks), compare);
}
