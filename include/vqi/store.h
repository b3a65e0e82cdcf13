/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Layouts that are kept: a cache of what debug information gave, and profiles for other QEMUs. */
#ifndef VQI_STORE_H
#define VQI_STORE_H

#include "vqi/profile.h"

/* Reads what the cache has of an image, by its build-id; complete, and not known to fit. The cache is
 * virtq-inspect/layouts below $XDG_CACHE_HOME, or else /var/cache for root, ~/.cache for others.
 * Errors: NO_LAYOUT when it has nothing, or nothing that only this user can have written; NOMEM. */
struct vqi_error *vqi_cache_read(const struct vqi_image *image,
				 struct vqi_layout *ret_layout) vqi_must_check;

/* Keeps the layout of an image. One without a build-id is not kept.
 * Errors: SYS, PERMISSION, NOMEM. */
struct vqi_error *vqi_cache_write(const struct vqi_image *image,
				  const struct vqi_layout *layout) vqi_must_check;

struct vqi_profiles {
	struct vqi_profile *profiles;
	size_t count;
	char *passed_over; /* why the first file that is not believed is not; NULL: there is none */
	char *mend;	   /* the command that makes it believed */
};

/* The profiles that may fit an image, the likeliest first: those of this very build, then those of QEMUs of the
 * same series (7.2), the same version and the nearest before others. They are files *.json in
 * virtq-inspect/layouts below $XDG_DATA_HOME, /etc and each of $XDG_DATA_DIRS, and those that come with the
 * tool. A file that others than root and this user can have written is passed over, and said in passed_over; so is
 * one that is no profile, without a word. Errors: NOMEM. */
struct vqi_error *vqi_profiles_find(const struct vqi_image *image,
				    struct vqi_profiles *ret_profiles) vqi_must_check;

/* All that come with the tool. Errors: NOMEM. */
struct vqi_error *vqi_profiles_shipped(struct vqi_profiles *ret_profiles) vqi_must_check;
void vqi_profiles_done(struct vqi_profiles *profiles);
VQI_DEFINE_CLEANUP_VALUE(struct vqi_profiles, vqi_profiles_done)

/* A profile that comes with the tool: data/layouts. */
struct vqi_shipped_profile {
	const char *name;
	const char *version;   /* QEMU's */
	const uint8_t *layout; /* packed: src/layout/recorded.h */
	size_t len;
};

extern const struct vqi_shipped_profile vqi_shipped_profiles[];
extern const size_t vqi_shipped_profile_count;

#endif
