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

static bool is_owned(const struct stat *status)
{
	return status->st_uid == 0 || status->st_uid == geteuid();
}

static bool is_closed(const struct stat *status)
{
	return !(status->st_mode & (S_IWGRP | S_IWOTH));
}

bool vqi_is_private(int fd)
{
	struct stat status;

	return fstat(fd, &status) == 0 && is_owned(&status) && is_closed(&status);
}

/* Whether it is a folder or a file; links to files are not followed. */
static bool is_there(const char *path, struct stat *ret_status)
{
	struct stat link;

	return stat(path, ret_status) == 0 && lstat(path, &link) == 0 &&
	       (S_ISDIR(ret_status->st_mode) || S_ISREG(link.st_mode));
}

struct vqi_error *vqi_explain_private(const char *path, char **ret_why, char **ret_command)
{
	vqi_cleanup_free char *why = NULL, *command = NULL;
	struct stat status;
	bool owned, closed;

	if (!is_there(path, &status))
		return NULL;
	owned = is_owned(&status);
	closed = is_closed(&status);
	if (owned && closed)
		return NULL;
	if (asprintf(&why, "%s is passed over, as %s", path,
		     owned ? "others can write it" : "it is another user's") < 0)
		why = NULL;
	if (asprintf(&command, "%s%s%s%s%s", owned ? "" : "chown root ", owned ? "" : path,
		     owned || closed ? "" : " && ", closed ? "" : "chmod go-w ",
		     closed ? "" : path) < 0)
		command = NULL;
	if (!why || !command)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	*ret_why = take_ptr(why);
	*ret_command = take_ptr(command);
	return NULL;
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
