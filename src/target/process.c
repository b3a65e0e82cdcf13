/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vqi/process.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access.h"
#include "live.h"
#include "process_private.h"
#include "vqi/cleanup.h"
#include "vqi/limits.h"

static struct vqi_error *read_memory(struct vqi_mem *mem, struct vqi_range *ranges, size_t count)
{
	struct vqi_reader *reader = ((struct vqi_process *)mem)->reader;

	return reader->ops->readv(reader, ranges, count);
}

struct vqi_error *vqi_process_of(struct vqi_reader *reader, struct vqi_process **ret_process)
{
	struct vqi_process *process = malloc(sizeof(*process));

	if (!process) {
		reader->ops->close(reader);
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	}
	*process = (struct vqi_process){.mem = {.readv = read_memory}, .reader = reader};
	*ret_process = process;
	return NULL;
}

struct vqi_error *vqi_process_open(pid_t pid, struct vqi_process **ret_process)
{
	struct vqi_reader *reader;
	struct vqi_error *error = vqi_live_open(pid, &reader);

	return error ? error : vqi_process_of(reader, ret_process);
}

void vqi_process_close(struct vqi_process *process)
{
	if (!process)
		return;
	if (process->reader)
		process->reader->ops->close(process->reader);
	free(process->aliases);
	free(process);
}

pid_t vqi_process_pid(const struct vqi_process *process)
{
	return process->reader->pid;
}

int vqi_process_dirfd(const struct vqi_process *process)
{
	return process->reader->dirfd;
}

bool vqi_process_is_core(const struct vqi_process *process)
{
	return process->reader->is_core;
}

uint64_t vqi_process_start_time(const struct vqi_process *process)
{
	return process->reader->start_time;
}

struct vqi_mem *vqi_process_mem(struct vqi_process *process)
{
	return &process->mem;
}

struct vqi_error *vqi_process_check(struct vqi_process *process)
{
	return process->reader->ops->check(process->reader);
}

struct vqi_error *vqi_reader_file_error(struct vqi_reader *reader, const char *name,
					struct vqi_error *error)
{
	struct vqi_error *gone;

	/* Once the process has ended, its files are not there (ENOENT) or say ESRCH. */
	if (error->code == VQI_ERROR_SYS) {
		gone = reader->ops->check(reader);
		if (gone) {
			vqi_error_free(error);
			return gone;
		}
		/* A thread that has ended. */
		if (error->saved_errno == ENOENT && strncmp(name, "task/", 5) == 0)
			error->code = VQI_ERROR_GONE;
	}
	if (error->code == VQI_ERROR_PERMISSION) {
		int saved_errno = error->saved_errno;

		vqi_error_free(error);
		return vqi_error_prefix(vqi_access_refused(reader, saved_errno), "/proc/%d/%s",
					reader->pid, name);
	}
	return vqi_error_prefix(error, "/proc/%d", reader->pid);
}

struct vqi_error *vqi_process_read_file(struct vqi_process *process, const char *name, size_t max,
					char **ret_text, size_t *ret_len)
{
	return process->reader->ops->read_file(process->reader, name, max, ret_text, ret_len);
}

struct vqi_error *vqi_process_package(struct vqi_process *process, const char *path,
				      char **ret_package)
{
	vqi_cleanup_free char *name = NULL;
	struct vqi_error *error;

	if (asprintf(&name, VQI_PACKAGE_OF "%s", path) < 0) {
		name = NULL;
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	}
	error = vqi_process_read_file(process, name, VQI_MAX_STRING, ret_package, NULL);
	if (error && error->saved_errno == ENOENT)
		vqi_error_free(take_ptr(error));
	return error;
}

struct vqi_error *vqi_process_read_link(struct vqi_process *process, const char *name,
					char **ret_text)
{
	return process->reader->ops->read_link(process->reader, name, ret_text);
}

struct vqi_error *vqi_process_list(struct vqi_process *process, const char *name, size_t max,
				   int **ret_numbers, size_t *ret_count)
{
	return process->reader->ops->list(process->reader, name, max, ret_numbers, ret_count);
}

struct vqi_error *vqi_process_open_file(struct vqi_process *process, const char *name, int flags,
					int *ret_fd)
{
	return process->reader->ops->open(process->reader, name, flags, ret_fd);
}

struct vqi_error *vqi_process_open_mapped(struct vqi_process *process, const struct vqi_map *map,
					  int *ret_fd)
{
	return process->reader->ops->open_mapped(process->reader, map, ret_fd);
}

struct vqi_error *vqi_process_exe_path(struct vqi_process *process, char **ret_path)
{
	return process->reader->ops->exe_path(process->reader, ret_path);
}

/* ---- time ---- */

struct timespec vqi_process_now(struct vqi_process *process, clockid_t clock)
{
	return process ? process->reader->ops->now(process->reader, clock) : vqi_clock_now(clock);
}

void vqi_process_rest(struct vqi_process *process, uint64_t ns)
{
	if (process)
		process->reader->ops->rest(process->reader, ns);
	else
		vqi_clock_rest(ns);
}
