/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which of the profiles that there are may fit. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "private_file.h"
#include "recorded.h"
#include "vqi/limits.h"
#include "vqi/snapshot.h"
#include "vqi/store.h"

/* ---- likelihood ---- */

struct version {
	unsigned int major, minor, micro;
};

/* "7.2.22 (Debian 1:7.2+dfsg-7+deb12u18)" */
static bool parse_version(const char *text, struct version *ret_version)
{
	return text && sscanf(text, "%u.%u.%u", &ret_version->major, &ret_version->minor,
			      &ret_version->micro) == 3;
}

/* How far a profile is from an image: 0 for the very build, else as its version tells; UINT_MAX for another
 * series, whose structures are others. */
static unsigned int distance_of_version(const char *version, const struct vqi_image *image)
{
	struct version ours, its;

	if (!parse_version(image->version, &ours) || !parse_version(version, &its) ||
	    ours.major != its.major || ours.minor != its.minor)
		return UINT_MAX;
	if (strcmp(version, image->version) == 0)
		return 1;
	return 2 + (ours.micro > its.micro ? ours.micro - its.micro : its.micro - ours.micro);
}

static unsigned int distance(const struct vqi_profile *profile, const struct vqi_image *image)
{
	return vqi_profile_is_of(profile, image) ? 0 : distance_of_version(profile->version, image);
}

/* ---- the list ---- */

struct search {
	const struct vqi_image *image;
	struct vqi_profiles found;
	unsigned int distances[VQI_MAX_PROFILES]; /* of found, ascending */
};

/* After those that are as near: what was found first counts first. Owner: takes what profile holds. */
static struct vqi_error *add(struct search *search, struct vqi_profile *profile)
{
	vqi_cleanup(vqi_profile_done) struct vqi_profile owned = *profile;
	unsigned int far = distance(&owned, search->image);
	struct vqi_profiles *found = &search->found;
	struct vqi_profile *grown;
	size_t at = found->count;

	*profile = (struct vqi_profile){0};
	if (far == UINT_MAX || found->count == VQI_MAX_PROFILES)
		return NULL;
	grown = reallocarray(found->profiles, found->count + 1, sizeof(*grown));
	if (!grown)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	found->profiles = grown;
	for (; at && search->distances[at - 1] > far; at--) {
		grown[at] = grown[at - 1];
		search->distances[at] = search->distances[at - 1];
	}
	grown[at] = owned;
	search->distances[at] = far;
	found->count++;
	owned = (struct vqi_profile){0};
	return NULL;
}

/* ---- where they are ---- */

/* Of a file or folder that could not be opened. */
static struct vqi_error *pass_over(struct search *search, const char *path)
{
	if (search->found.passed_over)
		return NULL;
	return vqi_explain_private(path, &search->found.passed_over, &search->found.mend);
}

static struct vqi_error *add_file(struct search *search, int folder, const char *path,
				  const char *name)
{
	vqi_cleanup(vqi_profile_done) struct vqi_profile profile = {0};
	vqi_cleanup_fd int fd = vqi_open_private_file(folder, name);
	vqi_cleanup_free char *whole = NULL;
	struct vqi_error *error;

	if (asprintf(&whole, "%s/%s", path, name) < 0) {
		whole = NULL;
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	}
	if (fd < 0)
		return pass_over(search, whole);
	error = vqi_profile_read_fd(fd, whole, &profile);
	return error ? vqi_error_keep_fatal(error) : add(search, &profile);
}

static int is_profile(const struct dirent *entry)
{
	const char *name = entry->d_name;
	size_t len = strlen(name), suffix = strlen(".json");

	return len > suffix && name[0] != '.' && strcmp(name + len - suffix, ".json") == 0;
}

static struct vqi_error *add_folder(struct search *search, const char *path)
{
	vqi_cleanup_fd int fd = vqi_open_private_folder(path);
	struct dirent **entries = NULL;
	struct vqi_error *error = NULL;
	int count;

	if (fd < 0)
		return pass_over(search, path);
	/* In the order of their names: of two that are as near it is always the same one. */
	count = scandirat(fd, ".", &entries, is_profile, alphasort);
	for (int i = 0; i < count; i++) {
		if (!error)
			error = add_file(search, fd, path, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	return error;
}

/* Each of the folders in a list as of $PATH. */
static struct vqi_error *add_folders(struct search *search, const char *list)
{
	struct vqi_error *error = NULL;

	while (!error && *list) {
		size_t len = strcspn(list, ":");
		vqi_cleanup_free char *path = NULL;

		if (asprintf(&path, "%.*s/" VQI_LAYOUT_FOLDER, (int)len, list) < 0) {
			path = NULL;
			return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
		}
		if (path[0] == '/')
			error = add_folder(search, path);
		list += len + (list[len] == ':');
	}
	return error;
}

static struct vqi_error *add_of_user(struct search *search)
{
	vqi_cleanup_free char *path = NULL;
	struct vqi_error *error = vqi_layout_folder("XDG_DATA_HOME", "~/.local/share", &path);

	if (error && error->code == VQI_ERROR_NO_LAYOUT) {
		vqi_error_free(error);
		return NULL;
	}
	return error ? error : add_folder(search, path);
}

static struct vqi_error *read_shipped(const struct vqi_shipped_profile *shipped,
				      struct vqi_profile *ret_profile)
{
	struct vqi_unpack data = {.at = shipped->layout, .end = shipped->layout + shipped->len};
	struct vqi_error *error = vqi_copy_string(shipped->name, &ret_profile->name);

	if (!error)
		error = vqi_copy_string(shipped->version, &ret_profile->version);
	vqi_layout_unpack(&data, &ret_profile->layout);
	ret_profile->layout.source = VQI_LAYOUT_PROFILE;
	if (!error && data.failed)
		error = vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	return error;
}

static struct vqi_error *add_shipped(struct search *search)
{
	struct vqi_error *error = NULL;

	for (size_t i = 0; !error && i < vqi_shipped_profile_count; i++) {
		const struct vqi_shipped_profile *shipped = &vqi_shipped_profiles[i];
		vqi_cleanup(vqi_profile_done) struct vqi_profile profile = {0};

		if (distance_of_version(shipped->version, search->image) == UINT_MAX)
			continue;
		error = read_shipped(shipped, &profile);
		if (!error)
			error = add(search, &profile);
	}
	return error;
}

struct vqi_error *vqi_profiles_find(const struct vqi_image *image,
				    struct vqi_profiles *ret_profiles)
{
	const char *shared = getenv("XDG_DATA_DIRS");
	struct search search = {.image = image};
	struct vqi_error *error = add_of_user(&search);

	if (!error)
		error = add_folders(&search, "/etc");
	if (!error)
		error = add_folders(&search,
				    shared && shared[0] ? shared : "/usr/local/share:/usr/share");
	if (!error)
		error = add_shipped(&search);
	if (error) {
		vqi_profiles_done(&search.found);
		return error;
	}
	*ret_profiles = search.found;
	return NULL;
}

struct vqi_error *vqi_profiles_shipped(struct vqi_profiles *ret_profiles)
{
	vqi_cleanup(vqi_profiles_done) struct vqi_profiles all = {0};
	struct vqi_error *error = NULL;

	all.profiles = calloc(vqi_shipped_profile_count + 1, sizeof(*all.profiles));
	if (!all.profiles)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	for (; !error && all.count < vqi_shipped_profile_count; all.count++)
		error = read_shipped(&vqi_shipped_profiles[all.count], &all.profiles[all.count]);
	if (error)
		return error;
	*ret_profiles = all;
	all = (struct vqi_profiles){0};
	return NULL;
}

void vqi_profiles_done(struct vqi_profiles *profiles)
{
	for (size_t i = 0; i < profiles->count; i++)
		vqi_profile_done(&profiles->profiles[i]);
	free(profiles->profiles);
	free(profiles->passed_over);
	free(profiles->mend);
	*profiles = (struct vqi_profiles){0};
}
