/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether a debug file may lie where libdwfl looks for one. It does that itself, but when it finds none it loads the
 * library that asks servers, and all that this needs, also where there is no server to ask: half of an inspection's
 * time. Source: libdwfl/find-debuginfo.c, libdwfl/dwfl_build_id_find_elf.c. */
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dwarf_private.h"

/* Or it cannot be told. */
__attribute__((format(printf, 1, 2))) static bool may_exist(const char *format, ...)
{
	char path[PATH_MAX];
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(path, sizeof(path), format, args);
	va_end(args);
	if (len < 0 || (size_t)len >= sizeof(path) || access(path, F_OK) == 0)
		return true;
	return errno != ENOENT && errno != ENOTDIR;
}

/* FOLDER/.build-id/12/345678.debug */
static bool may_be_by_build_id(const char *folder, size_t len, const unsigned char *id,
			       size_t id_len)
{
	char text[2 * VQI_MAX_BUILD_ID + 1];

	if (id_len < 2)
		return false;
	if (id_len > VQI_MAX_BUILD_ID)
		return true;
	for (size_t i = 0; i < id_len; i++)
		snprintf(text + 2 * i, 3, "%02x", id[i]);
	return may_exist("%.*s/.build-id/%.2s/%s.debug", (int)len, folder, text, text + 2);
}

/* Below FOLDER in the program's own folder, and in that with ever more of its leading parts left off. */
static bool may_be_below(const char *folder, size_t len, const char *dir, size_t dir_len,
			 const char *name)
{
	const char *end = dir + dir_len;

	while (dir < end) {
		if (may_exist("%.*s%.*s/%s", (int)len, folder, (int)(end - dir), dir, name))
			return true;
		dir++;
		dir += strcspn(dir, "/");
	}
	return may_exist("%.*s/%s", (int)len, folder, name);
}

static bool may_be_for(const struct vqi_dwarf_place *place, const char *path)
{
	size_t dir_len = strrchr(path, '/') ? (size_t)(strrchr(path, '/') - path) : 0;
	const char *at = place->search_path + strspn(place->search_path, "+-");
	size_t len;

	for (;; at += len + 1) {
		bool may_be;

		len = strcspn(at, ":");
		if (at[0] == '/')
			may_be =
				may_be_by_build_id(at, len, place->build_id, place->build_id_len) ||
				may_be_below(at, len, path, dir_len, place->name);
		else
			may_be = may_exist("%.*s/%.*s/%s", (int)dir_len, path, (int)len, at,
					   place->name);
		if (may_be || !at[len])
			return may_be;
	}
}

bool vqi_dwarf_may_be_here(const struct vqi_dwarf_place *place)
{
	vqi_cleanup_free char *real = NULL;

	if (place->path[0] != '/' || strchr(place->name, '/') || may_be_for(place, place->path))
		return true;
	real = realpath(place->path, NULL);
	return real && strcmp(real, place->path) != 0 && may_be_for(place, real);
}
