/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "private_file.h"
#include "recorded.h"
#include "vqi/fnv.h"
#include "vqi/limits.h"
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
	if (asprintf(ret_name, "%s-" VQI_VERSION "-%08" PRIx32 ".layout", image->build_id,
		     hash_table()) >= 0)
		return NULL;
	*ret_name = NULL;
	return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
}

/* ---- reading ---- */

/* A file that was changed by accident is told. */
static uint64_t digest_of(const uint8_t *bytes, size_t len)
{
	return vqi_fnv_bytes(VQI_FNV_BASIS, bytes, len);
}

/* What is in a file, which belongs to bytes, without its digest. */
static struct vqi_error *read_bytes(int fd, struct vqi_pack *bytes, struct vqi_unpack *ret_data)
{
	struct stat status;
	ssize_t got;

	if (fstat(fd, &status) != 0)
		return vqi_error_sys(errno, "cannot look at it");
	if (status.st_size > VQI_MAX_PROFILE)
		return vqi_error_new(VQI_ERROR_BAD_DATA, "it is too large");
	vqi_pack_reserve(bytes, (size_t)status.st_size);
	if (bytes->failed)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	got = read(fd, bytes->data, (size_t)status.st_size);
	if (got < 0)
		return vqi_error_sys(errno, "cannot read it");
	*ret_data = (struct vqi_unpack){.at = bytes->data, .end = bytes->data + got};
	if (vqi_unpack_u64(ret_data) !=
	    digest_of(ret_data->at, (size_t)(ret_data->end - ret_data->at)))
		return vqi_error_new(VQI_ERROR_BAD_DATA, "it was changed after it was written");
	return NULL;
}

static struct vqi_error *read_file(int fd, const struct vqi_image *image,
				   struct vqi_layout *ret_layout)
{
	vqi_cleanup(vqi_pack_done) struct vqi_pack bytes = {0};
	vqi_cleanup_free char *build_id = NULL;
	struct vqi_layout layout;
	struct vqi_unpack data;
	struct vqi_error *error = read_bytes(fd, &bytes, &data);

	if (error)
		return error;
	build_id = vqi_unpack_text(&data);
	vqi_layout_unpack(&data, &layout);
	if (data.failed || !build_id || strcmp(build_id, image->build_id) != 0)
		return vqi_error_new(VQI_ERROR_BAD_DATA, "it is of another build");
	layout.kind = image->kind;
	error = vqi_layout_check(&layout);
	if (error)
		return error;
	*ret_layout = layout; /* the variables too: it is the same build */
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
	error = fd >= 0 ? vqi_error_prefix(read_file(fd, image, ret_layout), "%s", name)
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

static struct vqi_error *write_content(FILE *stream, const void *content)
{
	const struct vqi_pack *bytes = content;

	if (fwrite(bytes->data, bytes->len, 1, stream) != 1 || fflush(stream) != 0)
		return vqi_error_sys(errno, "cannot write the layout");
	return NULL;
}

/* Its digest comes first. */
static struct vqi_error *make_content(const struct vqi_image *image,
				      const struct vqi_layout *layout, struct vqi_pack *bytes)
{
	vqi_cleanup(vqi_pack_done) struct vqi_pack data = {0};

	vqi_pack_text(&data, image->build_id);
	vqi_layout_pack(layout, &data);
	vqi_pack_u64(bytes, digest_of(data.data, data.len));
	vqi_pack_bytes(bytes, data.data, data.len);
	if (data.failed || bytes->failed)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	return NULL;
}

struct vqi_error *vqi_cache_write(const struct vqi_image *image, const struct vqi_layout *layout)
{
	vqi_cleanup_free char *folder = NULL, *name = NULL, *path = NULL;
	vqi_cleanup(vqi_pack_done) struct vqi_pack content = {0};
	vqi_cleanup_fd int fd = -1;
	struct vqi_error *error = find_folder(&folder);

	if (!error)
		error = file_name(image, &name);
	if (!error)
		error = make_content(image, layout, &content);
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
