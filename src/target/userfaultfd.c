/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether some of a process's memory is yet to be filled by the process itself. */
#include <stdio.h>
#include <string.h>

#include "vqi/cleanup.h"
#include "vqi/limits.h"
#include "vqi/process.h"

static struct vqi_error *is_userfaultfd(struct vqi_process *process, int fd, bool *ret_is)
{
	vqi_cleanup_free char *target = NULL;
	struct vqi_error *error;
	char name[32];

	snprintf(name, sizeof(name), "fd/%d", fd);
	error = vqi_process_read_link(process, name, &target);
	if (error) /* closed meanwhile */
		return vqi_error_keep_fatal(error);
	*ret_is = strcmp(target, "anon_inode:[userfaultfd]") == 0;
	return NULL;
}

struct vqi_error *vqi_process_has_userfaultfd(struct vqi_process *process, bool *ret_has)
{
	vqi_cleanup_free int *fds = NULL;
	size_t count = 0;
	bool has = false;
	struct vqi_error *error = vqi_process_list(process, "fd", VQI_MAX_FDS, &fds, &count);

	for (size_t i = 0; !error && !has && i < count; i++)
		error = is_userfaultfd(process, fds[i], &has);
	if (!error)
		*ret_has = has;
	return error;
}
