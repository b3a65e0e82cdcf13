/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "root.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "process_private.h"
#include "vqi/cleanup.h"

int vqi_root_open_regular(int path_fd)
{
	char path[32];
	struct stat st;

	if (fstat(path_fd, &st) != 0)
		return -1;
	if (!S_ISREG(st.st_mode)) {
		errno = EINVAL;
		return -1;
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d", path_fd);
	return open(path, O_RDONLY | O_CLOEXEC);
}

int vqi_root_open_path(int root_fd, const char *path)
{
	struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT};
	int fd = (int)syscall(SYS_openat2, root_fd, path, &how, sizeof(how));

	if (fd < 0 && errno == ENOSYS) /* before Linux 5.6, or forbidden in a container */
		fd = openat(root_fd, path + strspn(path, "/"), O_PATH | O_CLOEXEC);
	return fd;
}

int vqi_root_open_file(int root_fd, const char *path)
{
	vqi_cleanup_fd int path_fd = vqi_root_open_path(root_fd, path);

	return path_fd < 0 ? -1 : vqi_root_open_regular(path_fd);
}

struct vqi_error *vqi_root_read(int fd, size_t max, char **ret_text)
{
	char name[32];

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	return vqi_proc_read(AT_FDCWD, name, max, ret_text, NULL);
}
