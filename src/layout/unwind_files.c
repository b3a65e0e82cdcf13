/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files whose code is on a stack. libdwfl is told of one when the first address in it turns up:
 * a QEMU maps a hundred libraries, and waits in five. */
#include <elfutils/libdwelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dwarf_private.h"
#include "elf_file.h"
#include "unwind_private.h"
#include "vqi/cleanup.h"

#define MAX_VDSO 65536 /* bytes */

const struct vqi_map *vqi_unwind_map(const struct vqi_maps *maps, uint64_t addr)
{
	size_t low = 0, high = maps->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (maps->maps[middle].end <= addr)
			low = middle + 1;
		else
			high = middle;
	}
	return low < maps->count && maps->maps[low].start <= addr ? &maps->maps[low] : NULL;
}

size_t vqi_unwind_file_index(const struct vqi_maps *maps, const struct vqi_map *map)
{
	for (size_t i = 0; map->inode && i < maps->count; i++)
		if (maps->maps[i].dev == map->dev && maps->maps[i].inode == map->inode)
			return i;
	return (size_t)(map - maps->maps);
}

char *vqi_unwind_file_name(const struct vqi_map *map)
{
	static const char deleted[] = " (deleted)";
	const char *path = map->path ? map->path : "", *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	size_t len = strlen(name);

	if (len > strlen(deleted) && !strcmp(name + len - strlen(deleted), deleted))
		len -= strlen(deleted);
	return strndup(name, len);
}

/* Called by libdwfl for the one file that has none: the vdso, which is read from memory. */
static int find_elf(Dwfl_Module *module, void **userdata, const char *name, Dwarf_Addr base,
		    char **ret_path, Elf **ret_elf)
{
	struct vqi_unwind_files *files = *userdata;
	const struct vqi_map *map = vqi_unwind_map(files->source->maps, base);
	size_t len = map ? map->end - map->start : 0;
	char *bytes; /* it is the ELF file as long as the child lives */

	(void)module;
	(void)name;
	(void)ret_path;
	if (!len || len > MAX_VDSO)
		return -1;
	bytes = malloc(len);
	if (!bytes || vqi_mem_read(files->mem, map->start, bytes, len))
		return -1;
	*ret_elf = elf_memory(bytes, len);
	return -1;
}

/* Called by libdwfl for a separate debug file. */
static int find_debuginfo(Dwfl_Module *module, void **userdata, const char *name, Dwarf_Addr base,
			  const char *path, const char *link, GElf_Word crc, char **ret_path)
{
	struct vqi_unwind_files *files = *userdata;
	struct vqi_dwarf_place place = {
		.search_path = files->search_path, .path = path, .name = link};
	GElf_Addr address;
	int len = dwfl_module_build_id(module, &place.build_id, &address);

	place.build_id_len = len > 0 ? (size_t)len : 0;
	if (files->source->lines == VQI_LINES_NO || !path || (!link && len <= 0))
		return -1;
	if (link && !vqi_dwarf_may_be_here(&place))
		return -1;
	return dwfl_standard_find_debuginfo(module, userdata, name, base, path, link, crc,
					    ret_path);
}

bool vqi_unwind_files_init(struct vqi_unwind_files *files, const struct vqi_unwind_source *source,
			   struct vqi_mem *mem)
{
	*files = (struct vqi_unwind_files){.source = source, .mem = mem};
	files->search_path = vqi_dwarf_search_path(source->root ? source->root : "");
	if (!files->search_path)
		return false;
	files->callbacks = (Dwfl_Callbacks){
		.find_elf = find_elf,
		.find_debuginfo = find_debuginfo,
		.section_address = dwfl_offline_section_address,
		.debuginfo_path = &files->search_path,
	};
	files->dwfl = dwfl_begin(&files->callbacks);
	return files->dwfl;
}

static void set_why(struct vqi_unwind_file *file, const char *why)
{
	file->why = strdup(why ? why : "unknown error");
}

/* Reports the file behind a mapping to libdwfl, at the place where it is. */
static Dwfl_Module *report_file(struct vqi_unwind_files *files, struct vqi_unwind_file *file,
				const struct vqi_map *map, const char *name)
{
	const struct vqi_unwind_source *source = files->source;
	vqi_cleanup_free char *path = NULL;
	vqi_cleanup_elf Elf *elf = NULL;
	vqi_cleanup_fd int fd = -1;
	vqi_cleanup_error struct vqi_error *error = source->open_file(source->context, map, &fd);
	Dwfl_Module *module;
	uint64_t bias;

	if (!error)
		error = vqi_elf_open(fd, &elf);
	if (!error)
		error = vqi_dwarf_path_here(fd, map->path, source->root ? source->root : "", &path);
	if (error) {
		set_why(file, error->message);
		return NULL;
	}
	if (!elf || !vqi_elf_bias(elf, source->maps, map->dev, map->inode, &bias)) {
		set_why(file, elf ? "it is mapped in no way that its program headers tell"
				  : "it is no ELF file");
		return NULL;
	}
	module = dwfl_report_elf(files->dwfl, name, path, fd, bias, true);
	if (!module)
		set_why(file, dwfl_errmsg(-1));
	else
		take_fd(&fd); /* libdwfl's now */
	return module;
}

static void open_file(struct vqi_unwind_files *files, struct vqi_unwind_file *file,
		      const struct vqi_map *map)
{
	vqi_cleanup_free char *name = vqi_unwind_file_name(map);
	Dwfl_Module *module = NULL;
	void **userdata;
	Dwarf_Addr bias;

	if (!name)
		return;
	dwfl_report_begin_add(files->dwfl);
	if (map->inode)
		module = report_file(files, file, map, name);
	else if (!strcmp(name, "[vdso]"))
		module = dwfl_report_module(files->dwfl, name, map->start, map->end);
	else
		set_why(file, "there is no file behind it");
	if (module) {
		dwfl_module_info(module, &userdata, NULL, NULL, NULL, NULL, NULL, NULL);
		*userdata = files;
	}
	dwfl_report_end(files->dwfl, NULL, NULL);
	if (module && !dwfl_module_getelf(module, &bias)) {
		set_why(file, dwfl_errmsg(-1));
		module = NULL;
	}
	file->module = module;
	if (module)
		file->cfi = dwfl_module_eh_cfi(module, &file->cfi_bias);
}

struct vqi_unwind_file *vqi_unwind_files_find(struct vqi_unwind_files *files, uint64_t addr)
{
	const struct vqi_map *map = vqi_unwind_map(files->source->maps, addr);
	struct vqi_unwind_file *file, **grown;
	size_t index;

	if (!map || !map->executable)
		return NULL;
	index = vqi_unwind_file_index(files->source->maps, map);
	for (size_t i = 0; i < files->count; i++)
		if (files->items[i]->index == index)
			return files->items[i];
	grown = reallocarray(files->items, files->count + 1, sizeof(struct vqi_unwind_file *));
	if (!grown)
		return NULL;
	files->items = grown;
	file = calloc(1, sizeof(*file));
	if (!file)
		return NULL;
	files->items[files->count++] = file;
	file->index = index;
	open_file(files, file, map);
	return file;
}
