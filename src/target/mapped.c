/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opening the file behind a mapping. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "live.h"
#include "process_private.h"
#include "root.h"
#include "vqi/cleanup.h"

#define OUR_MAPS_MAX ((size_t)64 << 20)

/* Stores device and inode as maps shows them for a file: by mapping it and looking. On btrfs and
 * overlayfs that is not what stat(2) says. */
static struct vqi_error *identify(int fd, uint64_t *ret_dev, uint64_t *ret_inode)
{
	struct vqi_error *error = NULL;
	vqi_cleanup_free char *text = NULL;
	struct vqi_maps maps = {0};
	size_t len, page = (size_t)sysconf(_SC_PAGESIZE);
	void *at = mmap(NULL, page, PROT_NONE, MAP_PRIVATE, fd, 0);

	if (at == MAP_FAILED)
		return vqi_error_sys(errno, "mmap");
	error = vqi_proc_read(AT_FDCWD, "/proc/self/maps", OUR_MAPS_MAX, &text, &len);
	munmap(at, page);
	if (error)
		return error;
	error = vqi_maps_parse(text, len, &maps);
	if (error)
		return error;
	error = vqi_error_new(VQI_ERROR_BAD_DATA, "a mapping of ours is not in /proc/self/maps");
	for (size_t i = 0; i < maps.count; i++) {
		if (maps.maps[i].start > (uintptr_t)at || maps.maps[i].end <= (uintptr_t)at)
			continue;
		*ret_dev = maps.maps[i].dev;
		*ret_inode = maps.maps[i].inode;
		vqi_error_free(take_ptr(error));
		break;
	}
	vqi_maps_done(&maps);
	return error;
}

static bool is_mapped(int fd, const struct vqi_map *map)
{
	uint64_t dev, inode;
	vqi_cleanup_error struct vqi_error *error = identify(fd, &dev, &inode);

	return !error && dev == map->dev && inode == map->inode;
}

/* Opens a file of /proc/PID for reading, following links. Returns -1 with errno. */
static int open_entry(struct vqi_reader *reader, const char *name)
{
	vqi_cleanup_fd int path_fd = openat(reader->dirfd, name, O_PATH | O_CLOEXEC);

	return path_fd < 0 ? -1 : vqi_root_open_regular(path_fd);
}

/* Opens path as the target sees it. Returns -1 with errno. */
static int open_below_root(struct vqi_reader *reader, const char *path)
{
	vqi_cleanup_fd int root_fd =
		openat(reader->dirfd, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);

	return root_fd < 0 ? -1 : vqi_root_open_file(root_fd, path);
}

/* Turns \012 into a newline, in place. */
static void unescape_newlines(char *text)
{
	char *out = text;

	while (*text) {
		if (strncmp(text, "\\012", 4) == 0) {
			*out++ = '\n';
			text += 4;
		} else {
			*out++ = *text++;
		}
	}
	*out = '\0';
}

/* A newline is printed as \012, but a backslash as it is: tries the path both ways. */
static int open_path(struct vqi_reader *reader, const char *path)
{
	int fd = open_below_root(reader, path);
	vqi_cleanup_free char *plain = NULL;

	if (fd >= 0 || errno != ENOENT || !strstr(path, "\\012"))
		return fd;
	plain = strdup(path);
	if (!plain)
		return -1;
	unescape_newlines(plain);
	return open_below_root(reader, plain);
}

/* Keeps fd if it is the mapped file: true and stored. Else closes it. */
static bool keep(int fd, const struct vqi_map *map, int *ret_fd)
{
	vqi_cleanup_fd int owned = fd;

	if (owned < 0 || !is_mapped(owned, map))
		return false;
	*ret_fd = take_fd(&owned);
	return true;
}

struct vqi_error *vqi_live_open_mapped(struct vqi_reader *reader, const struct vqi_map *map,
				       int *ret_fd)
{
	struct vqi_error *error;
	char name[64];

	if (!map->inode || !map->path || map->path[0] != '/')
		return vqi_error_new(VQI_ERROR_BAD_DATA,
				     "there is no file behind the mapping at 0x%" PRIx64,
				     map->start);
	if (keep(open_entry(reader, "exe"), map, ret_fd))
		return NULL;
	/* Needs CAP_CHECKPOINT_RESTORE or CAP_SYS_ADMIN: fs/proc/base.c
	 * proc_map_files_get_link(). */
	snprintf(name, sizeof(name), "map_files/%" PRIx64 "-%" PRIx64, map->start, map->end);
	if (keep(open_entry(reader, name), map, ret_fd))
		return NULL;
	if (keep(open_path(reader, map->path), map, ret_fd))
		return NULL;
	error = reader->ops->check(reader);
	if (error)
		return error;
	return vqi_error_new(VQI_ERROR_UNSUPPORTED,
			     "cannot open the file mapped at 0x%" PRIx64
			     ": it was replaced or deleted: %s",
			     map->start, map->path);
}
