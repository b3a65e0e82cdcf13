/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The threads of a process. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "process_private.h"
#include "vqi/cleanup.h"
#include "vqi/limits.h"

static struct vqi_error *append(struct vqi_tids *tids, size_t *size, pid_t tid)
{
	if (tids->count == *size) {
		size_t new_size = *size ? *size * 2 : 64;
		pid_t *grown;

		if (tids->count >= VQI_MAX_THREADS)
			return vqi_error_new(VQI_ERROR_LIMIT, "more than %d threads",
					     VQI_MAX_THREADS);
		grown = reallocarray(tids->tids, new_size, sizeof(*grown));
		if (!grown)
			return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
		tids->tids = grown;
		*size = new_size;
	}
	tids->tids[tids->count++] = tid;
	return NULL;
}

static struct vqi_error *read_tids(DIR *dir, struct vqi_tids *tids)
{
	size_t size = 0;

	for (;;) {
		struct vqi_error *error;
		struct dirent *entry;

		errno = 0;
		entry = readdir(dir);
		if (!entry)
			return errno ? vqi_error_sys(errno, "cannot read task") : NULL;
		if (entry->d_name[0] == '.')
			continue;
		error = append(tids, &size, (pid_t)strtol(entry->d_name, NULL, 10));
		if (error)
			return error;
	}
}

struct vqi_error *vqi_process_threads(struct vqi_process *process, struct vqi_tids *ret_tids)
{
	vqi_cleanup_dir DIR *dir = NULL;
	struct vqi_tids tids = {0};
	struct vqi_error *error;
	int fd = openat(vqi_process_dirfd(process), "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return vqi_process_file_error(process, "task",
					      vqi_error_sys(errno, "cannot open task"));
	dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	}
	error = read_tids(dir, &tids);
	if (error)
		error = vqi_process_file_error(process, "task", error);
	else if (tids.count == 0)
		error = vqi_error_new(VQI_ERROR_GONE, "process %d has ended",
				      vqi_process_pid(process));
	if (error) {
		vqi_tids_done(&tids);
		return error;
	}
	*ret_tids = tids;
	return NULL;
}

void vqi_tids_done(struct vqi_tids *tids)
{
	if (!tids)
		return;
	free(tids->tids);
	*tids = (struct vqi_tids){0};
}
