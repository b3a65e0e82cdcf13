/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The mappings of a process. Source: fs/proc/task_mmu.c show_map_vma(). */
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "process_private.h"
#include "vqi/cleanup.h"
#include "vqi/limits.h"

#define MAPS_TEXT_MAX ((size_t)256 * VQI_MAX_MAPS)

/* A place in the text; reading stops at end. */
struct cursor {
	const char *at, *end;
};

static bool take_char(struct cursor *cursor, char wanted)
{
	if (cursor->at == cursor->end || *cursor->at != wanted)
		return false;
	cursor->at++;
	return true;
}

/* Stores whether the next character is the one given; false when it is neither that nor '-'. */
static bool take_flag(struct cursor *cursor, char letter, bool *ret_flag)
{
	if (take_char(cursor, letter))
		*ret_flag = true;
	else if (take_char(cursor, '-'))
		*ret_flag = false;
	else
		return false;
	return true;
}

static int digit_value(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	if (digit >= 'a' && digit <= 'f')
		return digit - 'a' + 10;
	return 16;
}

static bool take_number(struct cursor *cursor, unsigned base, uint64_t *ret_value)
{
	const char *start = cursor->at;
	uint64_t value = 0;

	for (; cursor->at < cursor->end; cursor->at++) {
		unsigned digit = (unsigned)digit_value(*cursor->at);

		if (digit >= base)
			break;
		if (__builtin_mul_overflow(value, base, &value) ||
		    __builtin_add_overflow(value, digit, &value))
			return false;
	}
	*ret_value = value;
	return cursor->at > start;
}

/* Takes one line apart, all but the path: "START-END rwxp OFFSET MAJOR:MINOR INODE". */
static bool take_fields(struct cursor *cursor, struct vqi_map *ret_map)
{
	uint64_t major_number, minor_number;
	struct vqi_map map = {0};

	if (!take_number(cursor, 16, &map.start) || !take_char(cursor, '-') ||
	    !take_number(cursor, 16, &map.end) || !take_char(cursor, ' ') ||
	    !take_flag(cursor, 'r', &map.readable) || !take_flag(cursor, 'w', &map.writable) ||
	    !take_flag(cursor, 'x', &map.executable) ||
	    (!take_char(cursor, 'p') && !take_char(cursor, 's')) || !take_char(cursor, ' ') ||
	    !take_number(cursor, 16, &map.offset) || !take_char(cursor, ' ') ||
	    !take_number(cursor, 16, &major_number) || !take_char(cursor, ':') ||
	    !take_number(cursor, 16, &minor_number) || !take_char(cursor, ' ') ||
	    !take_number(cursor, 10, &map.inode))
		return false;
	if (map.start >= map.end)
		return false;
	map.dev = makedev((unsigned)major_number, (unsigned)minor_number);
	*ret_map = map;
	return true;
}

/* Neighbours can be merged between two reads of the file, and the merged mapping then comes after
 * its first part. Cuts off what was listed before; false when nothing is left. */
static bool cut_overlap(const struct vqi_maps *maps, struct vqi_map *map)
{
	uint64_t listed = maps->count ? maps->maps[maps->count - 1].end : 0;

	if (listed <= map->start)
		return true;
	if (listed >= map->end)
		return false;
	map->offset += map->inode ? listed - map->start : 0;
	map->start = listed;
	return true;
}

static struct vqi_error *append(struct vqi_maps *maps, size_t *size, const struct vqi_map *map)
{
	if (maps->count == *size) {
		size_t new_size = *size ? *size * 2 : 256;
		struct vqi_map *grown;

		if (maps->count >= VQI_MAX_MAPS)
			return vqi_error_new(VQI_ERROR_LIMIT, "more than %d mappings",
					     VQI_MAX_MAPS);
		grown = reallocarray(maps->maps, new_size, sizeof(*grown));
		if (!grown)
			return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
		maps->maps = grown;
		*size = new_size;
	}
	maps->maps[maps->count++] = *map;
	return NULL;
}

/* Takes one line, without its newline. */
static struct vqi_error *take_line(struct vqi_maps *maps, size_t *size, const char *line,
				   size_t len)
{
	struct cursor cursor = {.at = line, .end = line + len};
	vqi_cleanup_free char *path = NULL;
	struct vqi_error *error;
	struct vqi_map map;

	if (!take_fields(&cursor, &map))
		return vqi_error_new(VQI_ERROR_BAD_DATA, "a line of maps makes no sense: %.*s",
				     (int)(len < 200 ? len : 200), line);
	if (!cut_overlap(maps, &map))
		return NULL;
	while (take_char(&cursor, ' '))
		;
	if (cursor.at < cursor.end) {
		path = strndup(cursor.at, (size_t)(cursor.end - cursor.at));
		if (!path)
			return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	}
	map.path = path;
	error = append(maps, size, &map);
	if (!error)
		path = NULL; /* it is in maps now */
	return error;
}

struct vqi_error *vqi_maps_parse(const char *text, size_t len, struct vqi_maps *ret_maps)
{
	struct vqi_maps maps = {0};
	const char *end = text + len;
	size_t size = 0;

	/* A newline in a path is printed as \012, so that a line is a mapping. */
	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		const char *line_end = newline ? newline : end;
		struct vqi_error *error = take_line(&maps, &size, text, (size_t)(line_end - text));

		if (error) {
			vqi_maps_done(&maps);
			return error;
		}
		text = newline ? newline + 1 : end;
	}
	*ret_maps = maps;
	return NULL;
}

void vqi_maps_done(struct vqi_maps *maps)
{
	if (!maps)
		return;
	for (size_t i = 0; i < maps->count; i++)
		free(maps->maps[i].path);
	free(maps->maps);
	*maps = (struct vqi_maps){0};
}

struct vqi_error *vqi_process_maps(struct vqi_process *process, struct vqi_maps *ret_maps)
{
	vqi_cleanup_free char *text = NULL;
	struct vqi_error *error;
	size_t len;

	/* Whole before any parsing: a read ends somewhere, not with a line, and the kernel promises
	 * for one pass that what stays mapped is listed (Documentation/filesystems/proc.rst). */
	error = vqi_process_read_file(process, "maps", MAPS_TEXT_MAX, &text, &len);
	if (error)
		return error;
	if (len == 0) {
		error = vqi_process_check(process);
		return error ? error
			     : vqi_error_new(
				       VQI_ERROR_GONE,
				       "process %d has no memory: it is ending, or the kernel's",
				       vqi_process_pid(process));
	}
	return vqi_error_prefix(vqi_maps_parse(text, len, ret_maps), "/proc/%d/maps",
				vqi_process_pid(process));
}
