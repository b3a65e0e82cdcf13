/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The mappings that a core tells of: those that it holds, and those of files. */
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

#include "core.h"
#include "vqi/snapshot.h"

#define LEAST	  0x20 /* the smallest block of malloc() */
#define SIZE_BITS UINT64_C(7)
#define IN_USE	  UINT64_C(1) /* the block before this one is */

static struct vqi_error *no_memory(void)
{
	return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
}

static int compare(const void *a, const void *b)
{
	const uint64_t *one = a, *other = b;

	return (*one > *other) - (*one < *other);
}

/* Where a segment or a part begins or ends, ascending: between two of them all is of one kind.
 * Owner: the caller frees. NULL without memory. */
static uint64_t *list_borders(const struct vqi_core *core, size_t *ret_count)
{
	size_t count = 0, room = 2 * (core->segment_count + core->part_count) + 1;
	uint64_t *borders = calloc(room, sizeof(*borders));

	if (!borders)
		return NULL;
	for (size_t i = 0; i < core->segment_count; i++) {
		borders[count++] = core->segments[i].start;
		borders[count++] = core->segments[i].end;
	}
	for (size_t i = 0; i < core->part_count; i++) {
		borders[count++] = core->parts[i].start;
		borders[count++] = core->parts[i].end;
	}
	qsort(borders, count, sizeof(*borders), compare);
	*ret_count = count;
	return borders;
}

/* Outside of any segment, where gcore has left out what the file has, that tells what the mapping is for. */
static void describe_left_out(struct vqi_core *core, const struct vqi_core_part *part,
			      struct vqi_map *map)
{
	const struct vqi_core_file *file = vqi_core_use_file(core, part->file);
	uint32_t flags = file ? vqi_core_file_flags(file, map->offset) : 0;

	map->readable = true;
	map->writable = flags & PF_W;
	map->executable = flags & PF_X;
}

/* False: nothing is mapped. */
static bool describe(struct vqi_core *core, struct vqi_map *map, const char **ret_path)
{
	const struct vqi_core_segment *segment = vqi_core_segment_at(core, map->start);
	const struct vqi_core_part *part = vqi_core_part_at(core, map->start);

	*ret_path = NULL;
	if (segment) {
		map->readable = segment->readable;
		map->writable = segment->writable;
		map->executable = segment->executable;
	}
	if (part) {
		map->offset = part->offset + (map->start - part->start);
		map->inode = part->file + 1;
		*ret_path = core->files[part->file].path;
		if (!segment)
			describe_left_out(core, part, map);
	}
	if (map->start == vqi_core_auxv(core, AT_SYSINFO_EHDR))
		*ret_path = "[vdso]";
	return segment || part;
}

/* Whether a block of malloc() begins there, and none is before it. */
static bool begins_heap(const struct vqi_core *core, const struct vqi_map *map)
{
	uint64_t words[2], size;

	if (map->inode || map->path || !map->writable ||
	    !vqi_core_pread(core, map->start, words, sizeof(words)))
		return false;
	size = words[1] & ~SIZE_BITS;
	return !words[0] && (words[1] & SIZE_BITS) == IN_USE && size >= LEAST &&
	       size < map->end - map->start;
}

/* The kernel gives a process its heap behind its executable, at some distance, and calls it by its name in /proc/PID/maps;
 * a core has no such names. Source: fs/binfmt_elf.c load_elf_binary(), brk(2). */
static struct vqi_error *name_heap(const struct vqi_core *core, struct vqi_maps *maps)
{
	size_t i = maps->count;

	while (i > 0 && maps->maps[i - 1].inode != core->exe + 1)
		i--;
	for (; i > 0 && i < maps->count && !maps->maps[i].inode; i++) {
		if (maps->maps[i].start != maps->maps[i - 1].end &&
		    begins_heap(core, &maps->maps[i]))
			return vqi_copy_string("[heap]", &maps->maps[i].path);
	}
	return NULL;
}

struct vqi_error *vqi_core_maps(struct vqi_core *core, struct vqi_maps *ret_maps)
{
	vqi_cleanup(vqi_maps_done) struct vqi_maps maps = {0};
	vqi_cleanup_free uint64_t *borders = NULL;
	struct vqi_error *error = NULL;
	size_t count;

	borders = list_borders(core, &count);
	maps.maps = borders ? calloc(count + 1, sizeof(*maps.maps)) : NULL;
	if (!maps.maps)
		return no_memory();
	for (size_t i = 0; !error && i + 1 < count; i++) {
		struct vqi_map map = {.start = borders[i], .end = borders[i + 1]};
		const char *path;

		if (map.start == map.end || !describe(core, &map, &path))
			continue;
		error = vqi_copy_string(path, &map.path);
		if (!error)
			maps.maps[maps.count++] = map;
	}
	if (!error)
		error = name_heap(core, &maps);
	if (error)
		return error;
	*ret_maps = maps;
	maps = (struct vqi_maps){0};
	return NULL;
}
