/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vqi/replace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Removes a file that was not finished. */
static void unlink_path(char *path)
{
	unlink(path);
	free(path);
}
VQI_DEFINE_CLEANUP(char *, unlink_path)

/* A device would be gone. */
static struct vqi_error *check_kind(const char *path)
{
	struct stat status;

	if (stat(path, &status) == 0 && !S_ISREG(status.st_mode))
		return vqi_error_new(VQI_ERROR_USAGE, "%s is no regular file", path);
	return NULL;
}

struct vqi_error *vqi_replace_check(const char *path)
{
	const char *slash = strrchr(path, '/');
	vqi_cleanup_free char *folder = slash ? strndup(path, (size_t)(slash - path + 1))
					      : strdup(".");

	if (!folder)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	if (access(folder, W_OK | X_OK) != 0)
		return vqi_error_sys(errno, "cannot write %s", path);
	return check_kind(path);
}

/* Else after a crash of the host there could be an empty file in place of the old one. Not every file system can. */
static bool is_on_disk(int fd)
{
	return fsync(fd) == 0 || errno == EINVAL || errno == ENOSYS;
}

struct vqi_error *vqi_replace_file(const char *path, mode_t mode, vqi_content_func content,
				   const void *data)
{
	vqi_cleanup(unlink_path) char *unfinished = NULL;
	vqi_cleanup_file FILE *stream = NULL;
	vqi_cleanup_fd int fd = -1;
	struct vqi_error *error = check_kind(path);

	if (error)
		return error;
	if (asprintf(&unfinished, "%s.XXXXXX", path) < 0) {
		unfinished = NULL;
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	}
	fd = mkostemp(unfinished, O_CLOEXEC);
	if (fd < 0 || fchmod(fd, mode) != 0)
		return vqi_error_sys(errno, "cannot write %s", path);
	stream = fdopen(fd, "w");
	if (!stream)
		return vqi_error_sys(errno, "cannot write %s", path);
	take_fd(&fd); /* the stream's now */
	error = content(stream, data);
	if (!error && (fflush(stream) != 0 || !is_on_disk(fileno(stream))))
		error = vqi_error_sys(errno, "cannot write");
	if (error)
		return vqi_error_prefix(error, "%s", path);
	if (rename(unfinished, path) != 0)
		return vqi_error_sys(errno, "cannot write %s", path);
	free(take_ptr(unfinished));
	return NULL;
}
