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

/* Bytes that the fences at the end of a part take. Source: glibc malloc/malloc.c sysmalloc(). */
#define FENCES 32

/* Source: glibc malloc/arena.c: HEAP_MAX_SIZE, struct heap_info, of which some versions have more than others. */
#define ARENA_SIZE VQI_THREAD_HEAP_BYTES
#define LEAST_INFO 32
#define ARENA_SPAN                                                                                 \
	4096 /* bytes in which the first chunk of an arena begins, behind its malloc_state */

#define MAX_MAPPING (UINT64_C(4) << 30) /* bytes of one that heaps are looked for in */

#define LINKS	    4 /* chunks of a chain that tell it from chance */

#define PIECE	    (256u << 10) /* bytes read at a time */

/* One part: what it is, and what was read of it. */
struct part {
	uint64_t start;
	size_t len;
	const uint8_t *data;
};

struct reader {
	struct vqi_mem *mem;
	struct vqi_heap *heap;
	size_t room; /* for chunks */
	size_t left; /* bytes that may be read yet */
};

bool vqi_chunk_is_for(uint32_t len, uint64_t size)
{
	uint64_t least;

	if (size > len)
		return false;
	least = (size + WORD + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	least = least < LEAST_CHUNK ? LEAST_CHUNK : least;
	return len == least - WORD || len == least + ALIGNMENT - WORD;
}

void vqi_heap_done(struct vqi_heap *heap)
{
	for (size_t i = 0; i < heap->part_count; i++)
		free(heap->parts[i]);
	free(heap->parts);
	free(heap->chunks);
	free(heap->used);
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

static struct vqi_error *add(struct reader *reader, struct vqi_chunk chunk)
{
	struct vqi_heap *heap = reader->heap;
	struct vqi_chunk *grown;

	if (heap->count == reader->room) {
		reader->room = reader->room ? reader->room * 2 : 4096;
		grown = reallocarray(heap->chunks, reader->room, sizeof(*grown));
		if (!grown)
			return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
		heap->chunks = grown;
	}
	heap->chunks[heap->count++] = chunk;
	return NULL;
}

/* Whether nothing is behind the last chunk, or only what is too small for one: a fence. What could not be read is none.
 */
static bool is_end(const struct part *part, size_t offset)
{
	uint64_t header = word_at(part, offset + WORD);

	if (offset == part->len)
		return true;
	return header && (header & ~(uint64_t)FLAGS) < LEAST_CHUNK && part->len - offset <= FENCES;
}

/* The next chunk says whether one is in use; the last, which all others are made of, has none. */
static struct vqi_error *add_chain(struct reader *reader, const struct part *part, size_t offset)
{
	struct vqi_error *error = NULL;
	size_t size;

	for (; !error && (size = chunk_size(part, offset)); offset += size) {
		if (!(word_at(part, offset + size + WORD) & PREV_INUSE))
			continue;
		error = add(reader, (struct vqi_chunk){.address = part->start + offset + 2 * WORD,
						       .len = (uint32_t)(size - WORD),
						       .data = part->data + offset + 2 * WORD});
	}
	reader->heap->is_whole &= is_end(part, offset);
	return error;
}

/* ---- arenas ---- */

/* Whether a mapping is the heap of a thread, by what it begins with: its arena, the heap before it, its size, and how
 * much of it can be used, which may have grown since the mappings were listed. */
static bool is_arena(const struct part *part)
{
	uint64_t arena = word_at(part, 0), size = word_at(part, 2 * WORD),
		 usable = word_at(part, 3 * WORD);

	return arena % WORD == 0 && arena % ARENA_SIZE >= LEAST_INFO &&
	       arena % ARENA_SIZE < ARENA_SPAN && size && size <= usable && usable <= ARENA_SIZE;
}

/* Whether chunks follow each other from offset: some, or up to the end. Not all: that would be none when one of them is
 * changed meanwhile. */
static bool begins_chain(const struct part *part, size_t offset)
{
	size_t size;

	if (!(word_at(part, offset + WORD) & PREV_INUSE) || !chunk_size(part, offset))
		return false;
	for (int i = 0; i < LINKS && !is_end(part, offset); i++) {
		size = chunk_size(part, offset);
		if (!size)
			return false;
		offset += size;
	}
	return true;
}

/* Behind struct malloc_state in the first heap of an arena, behind struct heap_info in others; both grew. 0: there is
 * none. */
static size_t find_first(const struct part *part)
{
	uint64_t arena = word_at(part, 0);
	size_t first = LEAST_INFO;

	if (arena - part->start < part->len)
		first = (arena - part->start + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT + ALIGNMENT;
	for (size_t offset = first; offset < ARENA_SPAN; offset += ALIGNMENT) {
		if (begins_chain(part, offset))
			return offset;
	}
	return 0;
}

/* ---- parts ---- */

/* Keeps a part's bytes; what cannot be read is 0, and no chunk. */
static struct vqi_error *read_part(struct reader *reader, struct part *part)
{
	struct vqi_heap *heap = reader->heap;
	size_t count = (part->len + PIECE - 1) / PIECE;
	vqi_cleanup_free struct vqi_range *ranges = NULL;
	uint8_t **grown, *data;
	struct vqi_error *error;

	if (part->len > reader->left)
		return vqi_error_new(VQI_ERROR_LIMIT, "more than %u MiB of heap",
				     VQI_MAX_HEAP_BYTES >> 20);
	reader->left -= part->len;
	ranges = calloc(count, sizeof(*ranges));
	data = calloc(1, part->len);
	grown = reallocarray(heap->parts, heap->part_count + 1, sizeof(*grown));
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
	error = vqi_mem_readv(reader->mem, ranges, count);
	for (size_t i = 0; !error && i < count; i++) {
		if (!ranges[i].ok)
			memset(ranges[i].buf, 0, ranges[i].len);
	}
	return error;
}

static struct vqi_error *add_main(struct reader *reader, const struct vqi_map *map)
{
	struct part part = {.start = map->start, .len = map->end - map->start};
	struct vqi_error *error = read_part(reader, &part);

	return error ? error : add_chain(reader, &part, 0);
}

/* The mapping may be another's, aligned by chance: that is looked at first. */
static struct vqi_error *add_arena(struct reader *reader, struct part *part)
{
	uint8_t head[LEAST_INFO];
	struct part begin = {.start = part->start, .len = sizeof(head), .data = head};
	struct vqi_error *error = vqi_mem_read(reader->mem, part->start, head, sizeof(head));
	uint64_t size;
	size_t first;

	if (error)
		return vqi_error_keep_fatal(error);
	if (!is_arena(&begin))
		return NULL;
	size = word_at(&begin, 2 * WORD);
	part->len = size < part->len ? size : part->len;
	error = read_part(reader, part);
	if (error)
		return error;
	first = find_first(part);
	if (first)
		return add_chain(reader, part, first);
	reader->heap->is_whole = false;
	return NULL;
}

/* The kernel makes one mapping of what adjoins: a heap may lie behind another that is full, or behind anything else. */
static struct vqi_error *add_arenas(struct reader *reader, const struct vqi_map *map)
{
	uint64_t at = (map->start + ARENA_SIZE - 1) / ARENA_SIZE * ARENA_SIZE;
	struct vqi_error *error = NULL;

	for (; !error && at < map->end; at += ARENA_SIZE) {
		uint64_t left = map->end - at;
		struct part part = {.start = at, .len = left < ARENA_SIZE ? left : ARENA_SIZE};

		error = add_arena(reader, &part);
	}
	return error;
}

static bool is_main(const struct vqi_map *map)
{
	return map->path && strcmp(map->path, "[heap]") == 0;
}

/* The memory of a guest is larger. */
static bool may_have_arenas(const struct vqi_map *map)
{
	return !map->path && !map->inode && map->end - map->start <= MAX_MAPPING;
}

static struct vqi_error *read_all(struct reader *reader, const struct vqi_maps *maps)
{
	struct vqi_error *error = NULL;

	for (size_t i = 0; !error && i < maps->count; i++) {
		const struct vqi_map *map = &maps->maps[i];

		if (!map->readable || !map->writable)
			continue;
		if (is_main(map))
			error = add_main(reader, map);
		else if (may_have_arenas(map))
			error = add_arenas(reader, map);
	}
	return error;
}

struct vqi_error *vqi_heap_read(struct vqi_mem *mem, const struct vqi_maps *maps,
				struct vqi_heap *ret_heap)
{
	vqi_cleanup(vqi_heap_done) struct vqi_heap heap = {.is_whole = true};
	struct reader reader = {.mem = mem, .heap = &heap, .left = VQI_MAX_HEAP_BYTES};
	struct vqi_error *error = read_all(&reader, maps);

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
	if (!heap->count)
		return NULL;
	return bsearch(&address, heap->chunks, heap->count, sizeof(*heap->chunks), compare);
}
