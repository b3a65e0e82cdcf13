/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vqi/image.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <string.h>
#include <sys/stat.h>

#include "elf_file.h"
#include "private_file.h"
#include "recorded.h"
#include "vqi/checked.h"

#define cleanup_image __attribute__((cleanup(vqi_image_done)))

void vqi_image_done(struct vqi_image *image)
{
	if (!image)
		return;
	if (image->fd >= 0)
		close(image->fd);
	free(image->path);
	free(image->build_id);
	free(image->version);
	*image = (struct vqi_image){.fd = -1};
}

static struct vqi_image take_image(struct vqi_image *image)
{
	struct vqi_image taken = *image;

	*image = (struct vqi_image){.fd = -1};
	return taken;
}

/* Offsets of 4-byte pointers or swapped bytes could be resolved, but nobody could read with
 * them. */
static struct vqi_error *check_class(Elf *elf)
{
	const char *ident = elf_getident(elf, NULL);
	char class = sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32;
	char data = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB;

	if (ident && ident[EI_CLASS] == class && ident[EI_DATA] == data)
		return NULL;
	return vqi_error_new(VQI_ERROR_UNSUPPORTED,
			     "a QEMU of another word size or byte order than this tool");
}

/* Fills version, kind and build_id when it is a QEMU; leaves version NULL when it is none.
 * Owner: ret_elf, which may be NULL, is the caller's. */
static struct vqi_error *look_into(struct vqi_image *image, Elf **ret_elf)
{
	vqi_cleanup_elf Elf *elf = NULL;
	struct vqi_error *error = vqi_elf_open(image->fd, &elf);

	if (!error && elf)
		error = vqi_elf_qemu_version(elf, image->fd, &image->kind, &image->version);
	if (!error && image->version)
		error = check_class(elf);
	if (!error && image->version)
		error = vqi_elf_build_id(elf, &image->build_id);
	if (error)
		return vqi_error_prefix(error, "%s", image->path);
	*ret_elf = take_ptr(elf);
	return NULL;
}

static struct vqi_error *open_exe(struct vqi_process *process, struct vqi_image *image)
{
	struct vqi_error *error = vqi_process_exe_path(process, &image->path);

	/* A kernel thread has none; neither has a process that is ending. */
	if (error && error->saved_errno == ENOENT) {
		vqi_error_free(error);
		error = vqi_process_check(process);
		if (!error)
			error = vqi_error_new(VQI_ERROR_NOT_QEMU, "process %d runs no program",
					      vqi_process_pid(process));
	}
	if (error)
		return error;
	error = vqi_process_open_file(process, "exe", 0, &image->fd);
	return vqi_error_prefix(error, "cannot open the executable of process %d, %s",
				vqi_process_pid(process), image->path);
}

/* The length of what the kernel puts after the path of a file that was deleted or replaced. */
static size_t deleted_len(const char *path)
{
	static const char suffix[] = " (deleted)";
	size_t len = strlen(path), suffix_len = strlen(suffix);

	return len > suffix_len && !strcmp(path + len - suffix_len, suffix) ? suffix_len : 0;
}

/* The file of a mapping is told by device and inode. On overlayfs and btrfs maps shows others than
 * fstat(2); there its path tells. */
static const struct vqi_map *find_exe_map(const struct vqi_image *image,
					  const struct vqi_maps *maps)
{
	struct stat status;
	size_t len = strlen(image->path);

	if (fstat(image->fd, &status))
		return NULL;
	for (size_t i = 0; i < maps->count; i++)
		if (maps->maps[i].dev == status.st_dev && maps->maps[i].inode == status.st_ino)
			return &maps->maps[i];
	for (size_t i = 0; i < maps->count; i++) {
		const char *path = maps->maps[i].path;

		if (maps->maps[i].inode && path && !strncmp(path, image->path, len) &&
		    strlen(path) - deleted_len(path) == len)
			return &maps->maps[i];
	}
	return NULL;
}

static struct vqi_error *find_bias(struct vqi_image *image, Elf *elf, const struct vqi_maps *maps,
				   const struct vqi_map *map)
{
	if (map && vqi_elf_bias(elf, maps, map->dev, map->inode, &image->bias))
		return NULL;
	return vqi_error_new(VQI_ERROR_BAD_DATA, "%s: not mapped where the process runs it",
			     image->path);
}

/* Whether there may be a program behind a mapping. Other files can be mapped executable, too, by
 * processes under READ_IMPLIES_EXEC: personality(2). */
static bool may_be_program(const struct vqi_map *map)
{
	return map->executable && map->inode && map->path && map->path[0] == '/' &&
	       strncmp(map->path, "/dev/", strlen("/dev/")) != 0 &&
	       strncmp(map->path, "/memfd:", strlen("/memfd:")) != 0;
}

/* Tries the file of one mapping. What cannot be opened or read is passed over; image->version stays
 * NULL then. */
static struct vqi_error *try_map(struct vqi_process *process, const struct vqi_maps *maps,
				 const struct vqi_map *map, struct vqi_image *ret_image)
{
	cleanup_image struct vqi_image image = {.fd = -1};
	vqi_cleanup_elf Elf *elf = NULL, *probe = NULL;
	vqi_cleanup_error struct vqi_error *ignored = NULL;
	struct vqi_error *error;

	ignored = vqi_process_open_mapped(process, map, &image.fd);
	if (!ignored)
		ignored = vqi_elf_open(image.fd, &probe);
	/* Libraries are many, and large. */
	if (ignored || !probe || !vqi_elf_is_program(probe))
		return NULL;
	image.path = strndup(map->path, strlen(map->path) - deleted_len(map->path));
	if (!image.path)
		return vqi_error_sys(ENOMEM, "executable");
	error = look_into(&image, &elf);
	if (error || !image.version)
		return error;
	error = find_bias(&image, elf, maps, map);
	if (!error)
		*ret_image = take_image(&image);
	return error;
}

static struct vqi_error *search_maps(struct vqi_process *process, const struct vqi_maps *maps,
				     const struct vqi_map *exe, struct vqi_image *ret_image)
{
	const struct vqi_map *last = exe;

	for (size_t i = 0; i < maps->count; i++) {
		const struct vqi_map *map = &maps->maps[i];
		struct vqi_error *error;

		if (!may_be_program(map) ||
		    (last && last->dev == map->dev && last->inode == map->inode))
			continue;
		last = map;
		error = try_map(process, maps, map, ret_image);
		if (error || ret_image->version)
			return error;
	}
	return NULL;
}

static struct vqi_error *find_image(struct vqi_process *process, struct vqi_image *ret_image)
{
	cleanup_image struct vqi_image image = {.fd = -1}, mapped = {.fd = -1};
	vqi_cleanup(vqi_maps_done) struct vqi_maps maps = {0};
	vqi_cleanup_elf Elf *elf = NULL;
	const struct vqi_map *map;
	struct vqi_error *error;

	error = open_exe(process, &image);
	if (!error)
		error = look_into(&image, &elf);
	if (!error)
		error = vqi_process_maps(process, &maps);
	if (error)
		return error;
	map = find_exe_map(&image, &maps);
	if (image.version) {
		error = find_bias(&image, elf, &maps, map);
		if (!error)
			*ret_image = take_image(&image);
		return error;
	}
	error = search_maps(process, &maps, map, &mapped);
	if (error)
		return error;
	if (!mapped.version)
		return vqi_error_new(VQI_ERROR_NOT_QEMU, "process %d is no QEMU: %s",
				     vqi_process_pid(process), image.path);
	*ret_image = take_image(&mapped);
	return NULL;
}

struct vqi_error *vqi_image_open(struct vqi_process *process, struct vqi_image *ret_image)
{
	vqi_cleanup(vqi_pack_done) struct vqi_pack data = {0};
	struct vqi_error *error;

	if (vqi_process_is_replay(process))
		return vqi_image_recall(process, ret_image);
	vqi_fact_begin(process);
	error = find_image(process, ret_image);
	vqi_fact_end(process);
	if (!error)
		vqi_image_pack(ret_image, &data);
	vqi_fact_note(process, VQI_FACT_IMAGE, 0, &data, error);
	return error;
}

struct vqi_error *vqi_image_open_file(const char *path, struct vqi_image *ret_image)
{
	cleanup_image struct vqi_image image = {.fd = -1};
	vqi_cleanup_elf Elf *elf = NULL;
	struct vqi_error *error;

	image.path = strdup(path);
	if (!image.path)
		return vqi_error_sys(ENOMEM, "executable");
	/* Without O_NONBLOCK a FIFO would keep us waiting. */
	image.fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (image.fd < 0)
		return vqi_error_sys(errno, "cannot open %s", path);
	error = look_into(&image, &elf);
	if (error)
		return error;
	if (!image.version)
		return vqi_error_new(VQI_ERROR_NOT_QEMU, "%s is no QEMU", path);
	*ret_image = take_image(&image);
	return NULL;
}

/* The part of a mapping that a segment has. */
static bool cut(const struct vqi_image *image, const GElf_Phdr *segment, const struct vqi_map *map,
		struct vqi_map *ret_part)
{
	uint64_t start = image->bias + segment->p_vaddr; /* wraps rightly, as the bias does */
	uint64_t end;

	if (segment->p_type != PT_LOAD || !(segment->p_flags & PF_W) || !map->writable ||
	    !vqi_add_u64(start, segment->p_memsz, &end))
		return false;
	*ret_part = *map;
	ret_part->path = NULL;
	if (ret_part->start < start)
		ret_part->start = start;
	if (ret_part->end > end)
		ret_part->end = end;
	return ret_part->start < ret_part->end;
}

struct vqi_error *vqi_image_variables(const struct vqi_image *image, const struct vqi_maps *maps,
				      struct vqi_maps *ret_variables)
{
	vqi_cleanup(vqi_maps_done) struct vqi_maps variables = {0};
	vqi_cleanup_elf Elf *elf = NULL;
	struct vqi_error *error = vqi_elf_open(image->fd, &elf);
	GElf_Phdr segment;

	for (size_t i = 0; !error && elf && vqi_elf_segment(elf, i, &segment); i++) {
		for (size_t j = 0; j < maps->count; j++) {
			struct vqi_map part, *grown;

			if (!cut(image, &segment, &maps->maps[j], &part))
				continue;
			grown = reallocarray(variables.maps, variables.count + 1, sizeof(*grown));
			if (!grown)
				return vqi_error_sys(ENOMEM, "variables");
			grown[variables.count++] = part;
			variables.maps = grown;
		}
	}
	if (error)
		return error;
	*ret_variables = variables;
	variables = (struct vqi_maps){0};
	return NULL;
}

bool vqi_image_is_trusted(const struct vqi_image *image)
{
	return vqi_is_private(image->fd);
}
