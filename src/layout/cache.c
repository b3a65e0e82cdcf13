/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "private_file.h"
#include "vqi/replace.h"
#include "vqi/store.h"

static struct vqi_error *find_folder(char **ret_path)
{
	return vqi_layout_folder("XDG_CACHE_HOME", geteuid() == 0 ? "/var/cache" : "~/.cache",
				 ret_path);
}

/* FNV-1a: of names that nobody chooses to collide. */
static uint32_t hash_text(uint32_t hash, const char *text)
{
	do
		hash = (hash ^ (unsigned char)*text) * 16777619;
	while (*text++);
	return hash;
}

/* What is asked for may be more in the next version of the tool. */
static uint32_t hash_table(void)
{
	uint32_t hash = 2166136261;

	for (size_t i = 0; i < VQI_FIELD_COUNT; i++)
		hash = hash_text(hash, vqi_field_info(i)->name);
	for (size_t i = 0; i < VQI_SYMBOL_COUNT; i++)
		hash = hash_text(hash, vqi_symbol_info(i)->name);
	return hash;
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

/* Makes a folder and those above it that are missing. */
static struct vqi_error *make_folders(char *path)
{
	for (char *at = path + 1; *at; at++) {
		if (*at != '/')
			continue;
		*at = '\0';
		mkdir(path, 0755); /* the last one's failure is told */
		*at = '/';
	}
	if (mkdir(path, 0755) != 0 && errno != EEXIST)
		return vqi_error_sys(errno, "cannot make the folder %s", path);
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
	struct vqi_error *error = find_folder(&folder);

	if (!error)
		error = file_name(image, &name);
	if (!error)
		error = make_folders(folder);
	if (error)
		return error;
	if (asprintf(&path, "%s/%s", folder, name) < 0) {
		path = NULL;
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	}
	return vqi_replace_file(path, 0644, write_content, &content);
}
