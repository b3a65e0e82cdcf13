/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "private_file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vqi/cleanup.h"

struct vqi_error *vqi_layout_folder(const char *variable, const char *fallback, char **ret_path)
{
	const char *base = getenv(variable), *home = "", *path;
	int len;

	/* "All paths set in these environment variables must be absolute. ... ignore": XDG Base Directory
	 * Specification. */
	if (base && base[0] != '/')
		base = NULL;
	path = base ? base : fallback;
	if (strncmp(path, "~/", 2) == 0) {
		home = getenv("HOME");
		path++;
		if (!home || home[0] != '/')
			return vqi_error_new(VQI_ERROR_NO_LAYOUT, "there is no home folder");
	}
	len = asprintf(ret_path, "%s%s/" VQI_LAYOUT_FOLDER, home, path);
	if (len >= 0)
		return NULL;
	*ret_path = NULL;
	return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
}

bool vqi_is_private(int fd)
{
	struct stat status;

	return fstat(fd, &status) == 0 && (status.st_uid == 0 || status.st_uid == geteuid()) &&
	       !(status.st_mode & (S_IWGRP | S_IWOTH));
}

static int keep_private(int fd, mode_t type)
{
	vqi_cleanup_fd int owned = fd;
	struct stat status;

	if (fd < 0 || fstat(fd, &status) != 0 || (status.st_mode & S_IFMT) != type ||
	    !vqi_is_private(fd))
		return -1;
	return take_fd(&owned);
}

int vqi_open_private_folder(const char *path)
{
	return keep_private(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), S_IFDIR);
}

int vqi_open_private_file(int folder, const char *name)
{
	/* Without O_NONBLOCK a FIFO would keep us waiting. */
	int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;

	return keep_private(openat(folder, name, flags), S_IFREG);
}
