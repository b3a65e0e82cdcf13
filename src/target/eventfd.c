/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Eventfds of a process. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "status.h"
#include "vqi/cleanup.h"
#include "vqi/process.h"

#define FDINFO_MAX 65536

/* A descriptor that is not there is no failure of ours; a process that has ended is, and has been told by now. */
static struct vqi_error *not_open(int fd, struct vqi_error *error)
{
	if (error->code != VQI_ERROR_SYS || error->saved_errno != ENOENT)
		return error;
	vqi_error_free(error);
	return vqi_error_new(VQI_ERROR_BAD_DATA, "descriptor %d is not open", fd);
}

/* What the descriptor is instead. */
static struct vqi_error *no_eventfd(struct vqi_process *process, int fd)
{
	vqi_cleanup_free char *target = NULL;
	struct vqi_error *error;
	char name[32];

	snprintf(name, sizeof(name), "fd/%d", fd);
	error = vqi_process_read_link(process, name, &target);
	if (error)
		return not_open(fd, error);
	return vqi_error_new(VQI_ERROR_BAD_DATA, "descriptor %d is no eventfd but %s", fd, target);
}

struct vqi_error *vqi_process_eventfd(struct vqi_process *process, int fd,
				      struct vqi_eventfd *ret_eventfd)
{
	vqi_cleanup_free char *info = NULL;
	struct vqi_error *error;
	char name[32];

	if (fd < 0)
		return vqi_error_new(VQI_ERROR_BAD_DATA, "descriptor %d is not open", fd);
	snprintf(name, sizeof(name), "fdinfo/%d", fd);
	error = vqi_process_read_file(process, name, FDINFO_MAX, &info, NULL);
	if (error)
		return not_open(fd, error);
	/* The text is of one file, made in one go (fs/proc/fd.c seq_show()); and of an eventfd, as
	 * no other kind prints this line (fs/eventfd.c). */
	if (!vqi_status_find(info, "eventfd-count"))
		return no_eventfd(process, fd);
	*ret_eventfd = (struct vqi_eventfd){
		.count = vqi_status_number(info, "eventfd-count", 16, 0),
		.id = (int64_t)vqi_status_number(info, "eventfd-id", 10, (uint64_t)-1),
	};
	return NULL;
}
