/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "private_file.h"
#include "vqi/fnv.h"
#include "vqi/replace.h"
#include "vqi/store.h"

static struct vqi_error *find_folder(char **ret_path)
{
	return vqi_layout_folder("XDG_CACHE_HOME", geteuid() == 0 ? "/var/cache" : "~/.cache",
				 ret_path);
}

/* What is asked for may be more in the next version of the tool. */
static uint32_t hash_table(void)
{
	uint64_t hash = VQI_FNV_BASIS;

	for (size_t i = 0; i < VQI_FIELD_COUNT; i++)
		hash = vqi_fnv(vqi_fnv(hash, vqi_field_info(i)->name), "\n");
	for (size_t i = 0; i < VQI_SYMBOL_COUNT; i++)
		hash = vqi_fnv(vqi_fnv(hash, vqi_symbol_info(i)->name), "\n");
	return (uint32_t)hash;
}

/* The file of a build in the cache's folder. Owner: the caller frees. */
static struct vqi_error *file_name(const struct vqi_image *image, char **ret_name)
{
	if (!image->build_id)
		return vqi_error_new(VQI_ERROR_NO_LAYOUT, "%s has no build-id", image->path);
	if (asprintf(ret_name, "%s-" VQI_VERSION "-%08" PRIx32 ".json", image->build_id,
		     hash_table()) >= 0)
		return NULL;
	*ret_name = NULL;
	return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
}

/* ---- reading ---- */

static struct vqi_error *read_file(int fd, const char *path, const struct vqi_image *image,
				   struct vqi_layout *ret_layout)
{
	vqi_cleanup(vqi_profile_done) struct vqi_profile profile = {0};
	struct vqi_error *error = vqi_profile_read_fd(fd, path, &profile);

	if (!error && !vqi_profile_is_of(&profile, image))
		error = vqi_error_new(VQI_ERROR_BAD_DATA, "%s is of another build", path);
	profile.layout.kind = image->kind;
	if (!error)
		error = vqi_error_prefix(vqi_layout_check(&profile.layout), "%s", path);
	if (error)
		return error;
	*ret_layout = profile.layout; /* the variables too: it is the same build */
	ret_layout->source = VQI_LAYOUT_CACHE;
	return NULL;
}

struct vqi_error *vqi_cache_read(const struct vqi_image *image, struct vqi_layout *ret_layout)
{
	vqi_cleanup_free char *path = NULL, *name = NULL;
	vqi_cleanup_fd int folder = -1, fd = -1;
	struct vqi_error *error = find_folder(&path);

	if (!error)
		error = file_name(image, &name);
	if (error)
		return error;
	folder = vqi_open_private_folder(path);
	if (folder >= 0)
		fd = vqi_open_private_file(folder, name);
	error = fd >= 0 ? read_file(fd, name, image, ret_layout)
			: vqi_error_new(VQI_ERROR_NO_LAYOUT, "nothing in %s", path);
	if (!error || error->code == VQI_ERROR_NOMEM)
		return error;
	error->code = VQI_ERROR_NO_LAYOUT;
	return error;
}

/* ---- writing ---- */

/* The folder that others than root and this user cannot have put there, made where it is missing; -1: none. */
static int open_or_make(int above, const char *name)
{
	int fd;

	mkdirat(above, name, 0700); /* it may be there */
	fd = openat(above, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || vqi_is_private(fd))
		return fd;
	close(fd);
	errno = EPERM;
	return -1;
}

/* Makes the last three folders of a path where they are missing: ~/.cache may be. */
static struct vqi_error *make_folder(const char *path, int *ret_fd)
{
	vqi_cleanup_free char *copy = strdup(path);
	vqi_cleanup_fd int base = -1, middle = -1, last = -1;
	char *folder, *name;

	if (!copy)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	name = strrchr(copy, '/');
	*name++ = '\0';
	folder = strrchr(copy, '/');
	*folder++ = '\0';
	mkdir(copy, 0700); /* it may be there */
	base = vqi_open_private_folder(copy);
	if (base < 0)
		return vqi_error_new(VQI_ERROR_PERMISSION, "%s is not this user's", copy);
	middle = open_or_make(base, folder);
	if (middle >= 0)
		last = open_or_make(middle, name);
	if (last < 0)
		return vqi_error_sys(errno, "cannot make the folder %s", path);
	*ret_fd = take_fd(&last);
	return NULL;
}

struct content {
	const struct vqi_image *image;
	const struct vqi_layout *layout;
};

static struct vqi_error *write_content(FILE *stream, const void *data)
{
	const struct content *content = data;

	return vqi_profile_write(stream, content->layout, content->image);
}

struct vqi_error *vqi_cache_write(const struct vqi_image *image, const struct vqi_layout *layout)
{
	const struct content content = {.image = image, .layout = layout};
	vqi_cleanup_free char *folder = NULL, *name = NULL, *path = NULL;
	vqi_cleanup_fd int fd = -1;
	struct vqi_error *error = find_folder(&folder);

	if (!error)
		error = file_name(image, &name);
	if (!error)
		error = make_folder(folder, &fd);
	if (error)
		return error;
	/* Through the descriptor, so that it stays this very folder. */
	if (asprintf(&path, "/proc/self/fd/%d/%s", fd, name) < 0) {
		path = NULL;
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	}
	return vqi_replace_file(path, 0644, write_content, &content);
}
