/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether some of a process's memory is yet to be filled by the process itself. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "process_private.h"
#include "vqi/cleanup.h"

static bool is_userfaultfd(int fds, const char *name)
{
	char target[64];
	ssize_t len = readlinkat(fds, name, target, sizeof(target) - 1);

	if (len < 0) /* closed meanwhile */
		return false;
	target[len] = '\0';
	return strcmp(target, "anon_inode:[userfaultfd]") == 0;
}

struct vqi_error *vqi_process_has_userfaultfd(struct vqi_process *process, bool *ret_has)
{
	vqi_cleanup_dir DIR *dir = NULL;
	const struct dirent *entry;
	bool has = false;
	int fd = openat(vqi_process_dirfd(process), "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return vqi_process_file_error(process, "fd",
					      vqi_error_sys(errno, "cannot open fd"));
	dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	}
	while (!has && (errno = 0, entry = readdir(dir)))
		has = is_userfaultfd(fd, entry->d_name);
	if (!has && errno)
		return vqi_process_file_error(process, "fd",
					      vqi_error_sys(errno, "cannot read fd"));
	*ret_has = has;
	return NULL;
}
