/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --export-layout. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "opened.h"
#include "vqi/inspect.h"
#include "vqi/profile.h"

/* Removes a file that was not finished. */
static void unlink_path(char *path)
{
	unlink(path);
	free(path);
}
VQI_DEFINE_CLEANUP(char *, unlink_path)

/* Another file that takes the place of the one at path when it is complete: nobody ever sees half of one. */
static struct vqi_error *write_file(const char *path, const struct vqi_opened *opened)
{
	vqi_cleanup(unlink_path) char *unfinished = NULL;
	vqi_cleanup_file FILE *stream = NULL;
	vqi_cleanup_fd int fd = -1;
	struct vqi_error *error;

	if (asprintf(&unfinished, "%s.XXXXXX", path) < 0) {
		unfinished = NULL;
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	}
	fd = mkostemp(unfinished, O_CLOEXEC);
	if (fd < 0 || fchmod(fd, 0644) != 0)
		return vqi_error_sys(errno, "cannot write %s", path);
	stream = fdopen(fd, "w");
	if (!stream)
		return vqi_error_sys(errno, "cannot write %s", path);
	take_fd(&fd); /* the stream's now */
	error = vqi_profile_write(stream, &opened->layout, &opened->image);
	if (error)
		return vqi_error_prefix(error, "%s", path);
	if (rename(unfinished, path) != 0)
		return vqi_error_sys(errno, "cannot write %s", path);
	free(take_ptr(unfinished));
	return NULL;
}

struct vqi_error *vqi_export_layout(const struct vqi_options *options)
{
	vqi_cleanup(vqi_opened_free) struct vqi_opened *opened = NULL;
	struct vqi_error *error = vqi_opened_new(options, &opened);

	if (error)
		return error;
	if (strcmp(options->export_layout, "-") == 0)
		return vqi_profile_write(stdout, &opened->layout, &opened->image);
	return write_file(options->export_layout, opened);
}
