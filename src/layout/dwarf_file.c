/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finding debug information. libdwfl knows where distributions put it:
 * dwfl_standard_find_debuginfo() looks by build-id, by .gnu_debuglink, for the file that dwz -m
 * made, and asks debuginfod. */
#include <elfutils/libdwelf.h>
#include <elfutils/libdwfl.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "dwarf_private.h"
#include "elf_file.h"

struct vqi_dwarf_file {
	Dwfl *dwfl;
	Dwarf *dwarf; /* dwfl's */
	Elf *image;   /* dwfl's, or own_image */
	Elf *own_image;
	enum vqi_layout_source source;
	int fetch_errno; /* why debuginfod did not give the debug file; 0: it was not asked */
	Dwfl_Callbacks callbacks; /* dwfl keeps pointers to these */
	char *debuginfo_path;
};

static struct vqi_error *open_file(const char *path, int *ret_fd)
{
	/* Without O_NONBLOCK a FIFO would keep us waiting. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return vqi_error_file(errno, path);
	*ret_fd = fd;
	return NULL;
}

static struct vqi_error *libdwfl_error(const char *path)
{
	const char *text = dwfl_errmsg(-1);

	return vqi_error_new(VQI_ERROR_BAD_DATA, "%s: %s", path, text ? text : "unknown error");
}

static const char *build_id_text(const char *build_id)
{
	return build_id ? build_id : "none";
}

static bool has_server(void)
{
	const char *urls = getenv("DEBUGINFOD_URLS");

	return urls && urls[0];
}

/* Without a link it looks for PROGRAM.debug. */
static bool may_be_here(const struct vqi_dwarf_file *file, const char *path, const char *link,
			const unsigned char *build_id, int build_id_len)
{
	vqi_cleanup_free char *name = NULL;
	struct vqi_dwarf_place place = {
		.search_path = file->debuginfo_path,
		.path = path,
		.name = link,
		.build_id = build_id,
		.build_id_len = build_id_len > 0 ? (size_t)build_id_len : 0,
	};

	if (!link && asprintf(&name, "%s.debug", basename(path)) < 0) {
		name = NULL;
		return true;
	}
	if (!link)
		place.name = name;
	return vqi_dwarf_may_be_here(&place);
}

/* Called by libdwfl for a separate debug file, and for the file that it shares with others. */
static int find_debuginfo(Dwfl_Module *module, void **userdata, const char *name, Dwarf_Addr base,
			  const char *path, const char *link, GElf_Word crc, char **ret_path)
{
	struct vqi_dwarf_file *file = *userdata;
	const unsigned char *build_id = NULL;
	GElf_Addr address;
	int build_id_len = dwfl_module_build_id(module, &build_id, &address);
	int fd;

	/* With neither, a file would be taken for its name alone. */
	if (!link && build_id_len <= 0)
		return -1;
	if (!has_server() && !may_be_here(file, path, link, build_id, build_id_len))
		return -1;
	*ret_path = NULL;
	fd = dwfl_standard_find_debuginfo(module, userdata, name, base, path, link, crc, ret_path);
	/* Only debuginfod yields a descriptor and no name: libdwfl/debuginfod-client.c. */
	if (fd >= 0 && !*ret_path)
		file->source = VQI_LAYOUT_DEBUGINFOD;
	if (fd < 0 && has_server())
		file->fetch_errno = -fd;
	return fd;
}

/* The target may run in a container: look below its root directory too. libdwfl drops leading
 * folders of the file's path one by one, so that /usr/lib/debug is searched for
 * /proc/.../root/usr/bin/X as well as for /usr/bin/X. The + demands the checksum where there is
 * no build-id. */
char *vqi_dwarf_search_path(const char *root)
{
	char *path;
	int len = asprintf(&path, "+:.debug:/usr/lib/debug%s%s%s", root[0] ? ":" : "", root,
			   root[0] ? "/usr/lib/debug" : "");

	return len < 0 ? NULL : path;
}

static struct vqi_error *set_search_path(struct vqi_dwarf_file *file, const char *root)
{
	file->debuginfo_path = vqi_dwarf_search_path(root);
	if (!file->debuginfo_path)
		return vqi_error_sys(ENOMEM, "debug information");
	file->callbacks = (Dwfl_Callbacks){
		.find_debuginfo = find_debuginfo,
		.section_address = dwfl_offline_section_address,
		.debuginfo_path = &file->debuginfo_path,
	};
	return NULL;
}

/* Hands a file to libdwfl and takes what debug information that has or leads to.
 * Owner: takes fd. ret_module belongs to file. */
static struct vqi_error *report(struct vqi_dwarf_file *file, const char *path, int fd,
				Dwfl_Module **ret_module)
{
	vqi_cleanup_fd int owned = fd;
	Dwfl_Module *module;
	void **userdata;
	Dwarf_Addr bias;

	file->dwfl = dwfl_begin(&file->callbacks);
	if (!file->dwfl)
		return vqi_error_sys(ENOMEM, "debug information");
	module = dwfl_report_offline(file->dwfl, "qemu", path, owned);
	if (!module)
		return libdwfl_error(path);
	take_fd(&owned);
	if (dwfl_report_end(file->dwfl, NULL, NULL))
		return libdwfl_error(path);
	dwfl_module_info(module, &userdata, NULL, NULL, NULL, NULL, NULL, NULL);
	*userdata = file;
	file->dwarf = dwfl_module_getdwarf(module, &bias);
	*ret_module = module;
	return NULL;
}

/* --debuginfo FILE: that file, if it is of the same build. */
static struct vqi_error *check_given(const struct vqi_image *image, const char *path, int fd)
{
	vqi_cleanup_elf Elf *elf = NULL;
	vqi_cleanup_free char *build_id = NULL;
	struct vqi_error *error = vqi_elf_open(fd, &elf);

	if (!error && !elf)
		error = vqi_error_new(VQI_ERROR_BAD_DATA, "not an ELF file");
	if (!error)
		error = vqi_elf_build_id(elf, &build_id);
	if (!error && strcmp(build_id_text(build_id), build_id_text(image->build_id)) != 0)
		error = vqi_error_new(VQI_ERROR_BAD_DATA,
				      "debug information of another build: build-id %s, but %s has "
				      "%s",
				      build_id_text(build_id), image->path,
				      build_id_text(image->build_id));
	if (!error && !vqi_elf_has_section(elf, ".debug_info") &&
	    !vqi_elf_has_section(elf, ".zdebug_info"))
		error = vqi_error_new(VQI_ERROR_NO_LAYOUT, "no debug information in it");
	return vqi_error_prefix(error, "%s", path);
}

static struct vqi_error *open_given(struct vqi_dwarf_file *file, const struct vqi_image *image,
				    const char *path)
{
	vqi_cleanup_fd int fd = -1;
	Dwfl_Module *module;
	struct vqi_error *error = open_file(path, &fd);

	if (!error)
		error = check_given(image, path, fd);
	if (!error)
		error = report(file, path, take_fd(&fd), &module);
	if (error)
		return error;
	if (!file->dwarf)
		return libdwfl_error(path);
	file->own_image = elf_begin(image->fd, ELF_C_READ_MMAP, NULL);
	if (!file->own_image)
		return vqi_error_new(VQI_ERROR_BAD_DATA, "%s: %s", image->path, elf_errmsg(-1));
	file->image = file->own_image;
	return NULL;
}

struct vqi_error *vqi_dwarf_none(const struct vqi_image *image)
{
	return vqi_error_new(VQI_ERROR_NO_LAYOUT, "no debug information for %s, build-id %s",
			     image->path, build_id_text(image->build_id));
}

/* What libdwfl makes of the errors of debuginfod_find_debuginfo(3); -1 where it did not get so far. */
static const char *fetch_problem(int fetch_errno)
{
	switch (fetch_errno) {
	case 1:
		return "it cannot be asked: libdebuginfod is not installed";
	case ENOENT:
		return "no server has it";
	case ETIME:
		return "given up, as a server is too slow";
	default:
		return strerror(fetch_errno);
	}
}

static struct vqi_error *no_debuginfo(struct vqi_dwarf_file *file, const struct vqi_image *image)
{
	struct vqi_error *error;

	if (vqi_elf_has_section(file->image, ".debug_info"))
		return libdwfl_error(image->path);
	error = vqi_dwarf_none(image);
	return file->fetch_errno
		       ? vqi_error_prefix(error, "debuginfod (%s): %s", getenv("DEBUGINFOD_URLS"),
					  fetch_problem(file->fetch_errno))
		       : error;
}

struct vqi_error *vqi_dwarf_path_here(int fd, const char *path, const char *root, char **ret_path)
{
	struct stat of_file, of_path;

	if (!fstat(fd, &of_file) && !stat(path, &of_path) && of_file.st_dev == of_path.st_dev &&
	    of_file.st_ino == of_path.st_ino)
		root = "";
	if (asprintf(ret_path, "%s%s", root, path) < 0) {
		*ret_path = NULL;
		return vqi_error_sys(ENOMEM, "debug information");
	}
	return NULL;
}

static struct vqi_error *open_found(struct vqi_dwarf_file *file, const struct vqi_image *image,
				    const char *root)
{
	vqi_cleanup_free char *path = NULL;
	vqi_cleanup_fd int fd = fcntl(image->fd, F_DUPFD_CLOEXEC, 0);
	struct vqi_error *error;
	Dwfl_Module *module;
	Dwarf_Addr bias;

	if (fd < 0)
		return vqi_error_sys(errno, "cannot read %s", image->path);
	error = vqi_dwarf_path_here(image->fd, image->path, root, &path);
	if (error)
		return error;
	error = report(file, path, take_fd(&fd), &module);
	if (error)
		return error;
	file->image = dwfl_module_getelf(module, &bias);
	if (!file->image)
		return libdwfl_error(image->path);
	return file->dwarf ? NULL : no_debuginfo(file, image);
}

void vqi_dwarf_root_of(const struct vqi_process *process, char ret_root[64])
{
	ret_root[0] = '\0';
	if (process && vqi_process_dirfd(process) >= 0)
		snprintf(ret_root, 64, "/proc/self/fd/%d/root", vqi_process_dirfd(process));
}

/* Of pairs of hexadecimal digits; the number of bytes, at most VQI_MAX_BUILD_ID. */
static int parse_build_id(const char *text, unsigned char *ret_bytes)
{
	int count = 0;
	unsigned int byte;

	for (; text && text[0] && text[1] && count < VQI_MAX_BUILD_ID; text += 2) {
		if (sscanf(text, "%2x", &byte) != 1)
			break;
		ret_bytes[count++] = (unsigned char)byte;
	}
	return count;
}

bool vqi_dwarf_may_be_found(struct vqi_process *process, const struct vqi_image *image)
{
	vqi_cleanup_dwarf_file struct vqi_dwarf_file *file = calloc(1, sizeof(*file));
	vqi_cleanup_free char *path = NULL;
	unsigned char build_id[VQI_MAX_BUILD_ID];
	vqi_cleanup_elf Elf *elf = NULL;
	char root[64];
	GElf_Word crc;

	vqi_dwarf_root_of(process, root);
	if (!file || vqi_error_drop(set_search_path(file, root)) ||
	    vqi_error_drop(vqi_dwarf_path_here(image->fd, image->path, root, &path)) ||
	    vqi_error_drop(vqi_elf_open(image->fd, &elf)) || !elf)
		return true;
	if (vqi_elf_has_section(elf, ".debug_info") || vqi_elf_has_section(elf, ".zdebug_info"))
		return true;
	return may_be_here(file, path, dwelf_elf_gnu_debuglink(elf, &crc), build_id,
			   parse_build_id(image->build_id, build_id));
}

struct vqi_error *vqi_dwarf_file_open(struct vqi_process *process, const struct vqi_image *image,
				      const struct vqi_dwarf_options *options,
				      struct vqi_dwarf_file **ret_file)
{
	vqi_cleanup_dwarf_file struct vqi_dwarf_file *file = calloc(1, sizeof(*file));
	struct vqi_error *error;
	char root[64];

	if (!file)
		return vqi_error_sys(ENOMEM, "debug information");
	file->source = VQI_LAYOUT_DWARF;
	vqi_dwarf_root_of(process, root);
	error = set_search_path(file, root);
	if (!error && options->debuginfo)
		error = open_given(file, image, options->debuginfo);
	else if (!error)
		error = open_found(file, image, root);
	if (error)
		return error;
	*ret_file = take_ptr(file);
	return NULL;
}

void vqi_dwarf_file_close(struct vqi_dwarf_file *file)
{
	if (!file)
		return;
	if (file->dwfl)
		dwfl_end(file->dwfl);
	elf_end(file->own_image);
	free(file->debuginfo_path);
	free(file);
}

Dwarf *vqi_dwarf_file_dwarf(struct vqi_dwarf_file *file)
{
	return file->dwarf;
}

Elf *vqi_dwarf_file_image_elf(struct vqi_dwarf_file *file)
{
	return file->image;
}

enum vqi_layout_source vqi_dwarf_file_source(const struct vqi_dwarf_file *file)
{
	return file->source;
}

const char *vqi_dwarf_file_lacks(struct vqi_dwarf_file *file)
{
	const char *name;
	const void *build_id;

	if (dwelf_dwarf_gnu_debugaltlink(file->dwarf, &name, &build_id) <= 0 ||
	    dwarf_getalt(file->dwarf))
		return NULL;
	return name;
}
