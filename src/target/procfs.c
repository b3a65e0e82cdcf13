/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading files and links of procfs: they have no size, and are short of what was asked for. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "process_private.h"
#include "vqi/cleanup.h"

#define FIRST_SIZE 4096

/* Makes room for twice as much, but not for more than max and the NUL, and one byte beyond that
 * tells that there is more. */
static struct vqi_error *grow(char **buf, size_t *size, size_t max)
{
	size_t new_size = *size ? *size * 2 : FIRST_SIZE;
	char *grown;

	if (new_size > max + 2)
		new_size = max + 2;
	grown = realloc(*buf, new_size);
	if (!grown)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	*buf = grown;
	*size = new_size;
	return NULL;
}

struct vqi_error *vqi_proc_read(int dirfd, const char *name, size_t max, char **ret_text,
				size_t *ret_len)
{
	vqi_cleanup_fd int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC);
	vqi_cleanup_free char *text = NULL;
	size_t len = 0, size = 0;
	ssize_t got;

	if (fd < 0)
		return vqi_error_sys(errno, "cannot open %s", name);
	do {
		if (len + 1 >= size) {
			struct vqi_error *error = grow(&text, &size, max);

			if (error)
				return error;
		}
		got = read(fd, text + len, size - len - 1);
		if (got < 0 && errno != EINTR)
			return vqi_error_sys(errno, "cannot read %s", name);
		if (got > 0)
			len += (size_t)got;
		if (len > max)
			return vqi_error_new(VQI_ERROR_LIMIT, "%s is longer than %zu bytes", name,
					     max);
	} while (got != 0);
	text[len] = '\0';
	*ret_text = take_ptr(text);
	if (ret_len)
		*ret_len = len;
	return NULL;
}

struct vqi_error *vqi_proc_readlink(int dirfd, const char *name, char **ret_text)
{
	/* The kernel makes the text in one page: fs/proc/base.c do_proc_readlink(). */
	char text[4097];
	ssize_t len = readlinkat(dirfd, name, text, sizeof(text) - 1);
	char *copy;

	if (len < 0)
		return vqi_error_sys(errno, "cannot read the link %s", name);
	text[len] = '\0';
	copy = strdup(text);
	if (!copy)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	*ret_text = copy;
	return NULL;
}

static struct vqi_error *append(int **numbers, size_t *size, size_t count, int number)
{
	size_t new_size = *size ? *size * 2 : 64;
	int *grown;

	if (count == *size) {
		grown = reallocarray(*numbers, new_size, sizeof(*grown));
		if (!grown)
			return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
		*numbers = grown;
		*size = new_size;
	}
	(*numbers)[count] = number;
	return NULL;
}

struct vqi_error *vqi_proc_list(int dirfd, const char *name, size_t max, int **ret_numbers,
				size_t *ret_count)
{
	vqi_cleanup_fd int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	vqi_cleanup_dir DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
	vqi_cleanup_free int *numbers = NULL;
	size_t size = 0, count = 0;
	const struct dirent *entry;

	if (!folder)
		return vqi_error_sys(errno, "cannot open %s", name);
	take_fd(&fd); /* the folder's now */
	while ((errno = 0, entry = readdir(folder))) {
		struct vqi_error *error;

		if (entry->d_name[0] == '.')
			continue;
		if (count == max)
			return vqi_error_new(VQI_ERROR_LIMIT, "more than %zu entries in %s", max,
					     name);
		error = append(&numbers, &size, count, (int)strtol(entry->d_name, NULL, 10));
		if (error)
			return error;
		count++;
	}
	if (errno)
		return vqi_error_sys(errno, "cannot read %s", name);
	*ret_numbers = take_ptr(numbers);
	*ret_count = count;
	return NULL;
}
