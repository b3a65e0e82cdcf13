/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which package of the target's system a file is of. dpkg's database is text, and read as such: no program of the target's
 * is run. Source: dpkg-query(1), deb822(5). */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "root.h"
#include "vqi/cleanup.h"
#include "vqi/limits.h"

#define INFO_FOLDER "/var/lib/dpkg/info"
#define STATUS_FILE "/var/lib/dpkg/status"

/* A whole file as text, or NULL. */
static char *read_text(int fd, size_t max)
{
	vqi_cleanup_error struct vqi_error *error = NULL;
	char *text = NULL;

	error = vqi_root_read(fd, max, &text);
	return text;
}

static char *read_list(int folder_fd, const char *name)
{
	vqi_cleanup_fd int path_fd = openat(folder_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	vqi_cleanup_fd int fd = path_fd < 0 ? -1 : vqi_root_open_regular(path_fd);

	return fd < 0 ? NULL : read_text(fd, VQI_MAX_PACKAGE_LIST);
}

/* Whether one of the lines is just this. */
static bool has_line(const char *text, const char *line)
{
	size_t len = strlen(line);

	for (const char *at = text; (at = strstr(at, line)); at++) {
		if ((at == text || at[-1] == '\n') && (at[len] == '\n' || !at[len]))
			return true;
	}
	return false;
}

/* "qemu-system-x86.list", "libc6:amd64.list": what is before that is the package. */
static size_t package_len(const char *name)
{
	const char *end = strrchr(name, '.');

	return end && strcmp(end, ".list") == 0 ? (size_t)(end - name) : 0;
}

/* Looks at the lists of the packages whose names begin so, or of all others. */
static char *find_owner(int folder_fd, const char *path, const char *prefix, bool begins)
{
	vqi_cleanup_dir DIR *folder = NULL;
	vqi_cleanup_fd int fd = openat(folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	size_t looked_at = 0;

	folder = fd < 0 ? NULL : fdopendir(fd);
	if (!folder)
		return NULL;
	take_fd(&fd); /* the folder's now */
	for (struct dirent *entry; (entry = readdir(folder)) && looked_at < VQI_MAX_PACKAGES;) {
		vqi_cleanup_free char *list = NULL;
		size_t len = package_len(entry->d_name);

		if (!len || (strncmp(entry->d_name, prefix, strlen(prefix)) == 0) != begins)
			continue;
		looked_at++;
		list = read_list(folder_fd, entry->d_name);
		if (list && has_line(list, path))
			return strndup(entry->d_name, len);
	}
	return NULL;
}

/* The value of a field in a paragraph; *ret_len is 0 where there is none. */
static const char *find_field(const char *paragraph, size_t paragraph_len, const char *name,
			      size_t *ret_len)
{
	size_t len = strlen(name);

	*ret_len = 0;
	for (const char *at = paragraph; at < paragraph + paragraph_len;) {
		size_t line = strcspn(at, "\n");

		if (strncmp(at, name, len) == 0) {
			*ret_len = line - len;
			return at + len;
		}
		at += line + 1;
	}
	return NULL;
}

static bool is_field(const char *paragraph, size_t len, const char *name, const char *value,
		     size_t value_len)
{
	size_t found_len;
	const char *found = find_field(paragraph, len, name, &found_len);

	return found && found_len == value_len && memcmp(found, value, value_len) == 0;
}

/* owner: NAME or NAME:ARCHITECTURE. */
static char *find_version(const char *status, const char *owner)
{
	const char *colon = strchr(owner, ':');
	size_t name_len = colon ? (size_t)(colon - owner) : strlen(owner);

	while (*status) {
		const char *end = strstr(status, "\n\n");
		size_t len = end ? (size_t)(end - status) : strlen(status), version_len;
		const char *version;

		if (is_field(status, len, "Package: ", owner, name_len) &&
		    (!colon ||
		     is_field(status, len, "Architecture: ", colon + 1, strlen(colon + 1)))) {
			version = find_field(status, len, "Version: ", &version_len);
			return version ? strndup(version, version_len) : NULL;
		}
		status += len + (end ? 2 : 0);
	}
	return NULL;
}

char *vqi_root_package(int root_fd, const char *path)
{
	vqi_cleanup_fd int folder_fd = vqi_root_open_path(root_fd, INFO_FOLDER);
	vqi_cleanup_fd int status_fd = vqi_root_open_file(root_fd, STATUS_FILE);
	vqi_cleanup_free char *owner = NULL, *status = NULL, *version = NULL;
	char *package;

	if (folder_fd < 0)
		return NULL;
	owner = find_owner(folder_fd, path, "qemu", true);
	if (!owner)
		owner = find_owner(folder_fd, path, "qemu", false);
	status = owner && status_fd >= 0 ? read_text(status_fd, VQI_MAX_PACKAGE_STATUS) : NULL;
	version = status ? find_version(status, owner) : NULL;
	if (!owner ||
	    asprintf(&package, "%s%s%s", owner, version ? " " : "", version ? version : "") < 0)
		return NULL;
	return package;
}
