/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files that a process had mapped: which is its executable, and whether what is there now is what it had. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

#include "core.h"
#include "root.h"
#include "vqi/elf.h"
#include "vqi/limits.h"

#define PAGE 4096
#define MAX_HEAD                                                                                   \
	(16 *                                                                                      \
	 PAGE) /* bytes of a file in which its build-id is: linkers put it into the first page */

void vqi_core_file_done(struct vqi_core_file *file)
{
	if (file->elf)
		elf_end(file->elf);
	if (file->fd >= 0)
		close(file->fd);
	free(file->path);
	free(file->build_id);
	free(file->why);
}

/* ---- build-ids ---- */

/* The pages of a file's beginning that the core itself has; cores keep the first of each ELF file. */
static size_t read_head(const struct vqi_core *core, const struct vqi_core_part *part,
			uint8_t *ret_head)
{
	size_t len = 0;

	while (len < MAX_HEAD && part->start + len < part->end &&
	       vqi_core_pread(core, part->start + len, ret_head + len, PAGE))
		len += PAGE;
	return len;
}

static struct vqi_error *read_build_id(struct vqi_core *core, const struct vqi_core_part *part)
{
	vqi_cleanup_free uint8_t *head = malloc(MAX_HEAD);
	struct vqi_core_file *file = &core->files[part->file];
	vqi_cleanup_elf Elf *elf = NULL;
	size_t len;

	if (!head)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	if (part->offset || file->build_id)
		return NULL;
	len = read_head(core, part, head);
	elf = len ? elf_memory((char *)head, len) : NULL;
	return elf && elf_kind(elf) == ELF_K_ELF ? vqi_elf_build_id(elf, &file->build_id) : NULL;
}

/* ---- the executable ---- */

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* The file in which its program headers are is what the kernel has started. Where the core does not tell of them, the
 * process's name does, which is that file's, cut off. */
static size_t find_exe(const struct vqi_core *core)
{
	const struct vqi_core_part *part = vqi_core_part_at(core, vqi_core_auxv(core, AT_PHDR));
	size_t len = strlen(core->name);

	if (part)
		return part->file;
	for (size_t i = 0; len && i < core->file_count; i++) {
		if (strncmp(base_name(core->files[i].path), core->name, len) == 0)
			return i;
	}
	return core->file_count;
}

static int compare(const void *a, const void *b)
{
	const struct vqi_core_part *one = a, *other = b;

	return (one->start > other->start) - (one->start < other->start);
}

/* Opens a file, and takes its build-id, which may be NULL. Errors: SYS; UNSUPPORTED when it is no ELF file. */
static struct vqi_error *open_elf(const char *path, int *ret_fd, Elf **ret_elf, char **ret_build_id)
{
	vqi_cleanup_fd int path_fd = open(path, O_PATH | O_CLOEXEC);
	vqi_cleanup_fd int fd = path_fd < 0 ? -1 : vqi_root_open_regular(path_fd);
	vqi_cleanup_elf Elf *elf = NULL;
	struct vqi_error *error;

	if (fd < 0)
		return vqi_error_file(errno, path);
	error = vqi_elf_open(fd, &elf);
	if (!error && !elf)
		error = vqi_error_new(VQI_ERROR_UNSUPPORTED, "%s is no ELF file", path);
	if (!error)
		error = vqi_elf_build_id(elf, ret_build_id);
	if (error)
		return error;
	*ret_fd = take_fd(&fd);
	*ret_elf = take_ptr(elf);
	return NULL;
}

/* A loader can have been told to run it: then the kernel has started the loader. */
static struct vqi_error *match_given(struct vqi_core *core)
{
	vqi_cleanup_free char *build_id = NULL;
	vqi_cleanup_fd int fd = -1;
	vqi_cleanup_elf Elf *elf = NULL;
	struct vqi_error *error;

	if (!core->exe_path)
		return NULL;
	error = open_elf(core->exe_path, &fd, &elf, &build_id);
	for (size_t i = 0; !error && build_id && i < core->file_count; i++) {
		const char *known = core->files[i].build_id;

		if (known && strcmp(known, build_id) == 0)
			core->exe = i;
	}
	return error;
}

struct vqi_error *vqi_core_find_files(struct vqi_core *core)
{
	struct vqi_error *error = NULL;

	if (core->part_count)
		qsort(core->parts, core->part_count, sizeof(*core->parts), compare);
	for (size_t i = 1; i < core->part_count; i++) {
		if (core->parts[i].start < core->parts[i - 1].end)
			return vqi_error_new(VQI_ERROR_BAD_DATA,
					     "two of its mapped files have the same address");
	}
	for (size_t i = 0; !error && i < core->part_count; i++)
		error = read_build_id(core, &core->parts[i]);
	core->exe = find_exe(core);
	return error ? error : match_given(core);
}

/* ---- opening them ---- */

static const char *text_or_none(const char *text)
{
	return text ? text : "none";
}

/* Whether a file is what was mapped. Of the executable that --exe names, that is the user's word where the core does not tell. */
static struct vqi_error *check_build_id(const struct vqi_core_file *file, const char *path,
					bool is_given, const char *build_id)
{
	if (!file->build_id && is_given)
		return NULL;
	if (!file->build_id)
		return vqi_error_new(VQI_ERROR_UNSUPPORTED,
				     "the core does not tell the build-id of %s", file->path);
	if (!build_id || strcmp(build_id, file->build_id) != 0)
		return vqi_error_new(VQI_ERROR_UNSUPPORTED,
				     "%s is of another build: build-id %s, but the core's has %s",
				     path, text_or_none(build_id), file->build_id);
	return NULL;
}

static struct vqi_error *open_file(struct vqi_core *core, struct vqi_core_file *file)
{
	bool is_given = core->exe_path && file == &core->files[core->exe];
	const char *path = is_given ? core->exe_path : file->path;
	vqi_cleanup_free char *build_id = NULL;
	vqi_cleanup_elf Elf *elf = NULL;
	vqi_cleanup_fd int fd = -1;
	struct vqi_error *error;

	if (path[0] != '/' && !is_given)
		return vqi_error_new(VQI_ERROR_UNSUPPORTED, "there is no file %s", path);
	error = open_elf(path, &fd, &elf, &build_id);
	if (!error)
		error = check_build_id(file, path, is_given, build_id);
	if (error)
		return error;
	file->fd = take_fd(&fd);
	file->elf = take_ptr(elf);
	return NULL;
}

/* Opens it at the first time that it is asked for. */
static struct vqi_core_file *use(struct vqi_core *core, size_t index)
{
	struct vqi_core_file *file = &core->files[index];
	vqi_cleanup_error struct vqi_error *error = NULL;

	if (file->state != VQI_CORE_FILE_NEW)
		return file;
	error = open_file(core, file);
	file->state = error ? VQI_CORE_FILE_REFUSED : VQI_CORE_FILE_OPEN;
	if (error)
		file->why = strdup(error->message);
	return file;
}

const struct vqi_core_file *vqi_core_use_file(struct vqi_core *core, size_t index)
{
	const struct vqi_core_file *file = use(core, index);

	return file->state == VQI_CORE_FILE_OPEN ? file : NULL;
}

struct vqi_error *vqi_core_check_exe(struct vqi_core *core)
{
	const struct vqi_core_file *file;

	if (core->exe == core->file_count)
		return vqi_error_new(VQI_ERROR_NOT_QEMU,
				     "%s: the core does not tell which file its executable is",
				     core->path);
	file = use(core, core->exe);
	if (file->state == VQI_CORE_FILE_OPEN)
		return NULL;
	return vqi_error_new(VQI_ERROR_UNSUPPORTED,
			     "%s: its executable is missing: %s; name it with --exe FILE",
			     core->path, text_or_none(file->why));
}

struct vqi_error *vqi_core_open_file(struct vqi_core *core, size_t index, int *ret_fd)
{
	const struct vqi_core_file *file = use(core, index);
	char path[32];
	int fd;

	if (file->state != VQI_CORE_FILE_OPEN)
		return vqi_error_new(VQI_ERROR_UNSUPPORTED, "%s", text_or_none(file->why));
	/* One of its own: libdwfl closes what it is given. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file->fd);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return vqi_error_file(errno, file->path);
	*ret_fd = fd;
	return NULL;
}
