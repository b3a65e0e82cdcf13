/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Layout profiles: a layout in a file, for QEMUs whose debug information is not at hand. */
#ifndef VQI_PROFILE_H
#define VQI_PROFILE_H

#include <stdio.h>

#include "vqi/error.h"
#include "vqi/image.h"
#include "vqi/layout.h"

/* Writes the layout of an image as JSON, described by data/virtq-inspect-layout.schema.json.
 * Errors: NOMEM; SYS when the stream cannot be written. */
struct vqi_error *vqi_profile_write(FILE *stream, const struct vqi_layout *layout,
				    const struct vqi_image *image) vqi_must_check;

/* A profile as read, of whatever QEMU it was made. */
struct vqi_profile {
	char *name;		  /* of its file, or of the profile that comes with the tool */
	char *version;		  /* QEMU's; NULL: unknown */
	char *build_id;		  /* NULL: of no one build */
	struct vqi_layout layout; /* with the addresses of that build's variables */
};

/* Reads a profile. Fields that it has and this tool does not know are passed over.
 * Errors: SYS, BAD_DATA for what is no profile, NOMEM. */
struct vqi_error *vqi_profile_read(const char *path,
				   struct vqi_profile *ret_profile) vqi_must_check;

/* The same from an open file; name is for messages. */
struct vqi_error *vqi_profile_read_fd(int fd, const char *name,
				      struct vqi_profile *ret_profile) vqi_must_check;
void vqi_profile_done(struct vqi_profile *profile);
VQI_DEFINE_CLEANUP_VALUE(struct vqi_profile, vqi_profile_done)

/* Whether a profile was made of this very build. */
bool vqi_profile_is_of(const struct vqi_profile *profile, const struct vqi_image *image);

/* The layout of an image by a profile. Addresses of variables are the image's own, from its symbol tables;
 * those of the profile count only when it was made of this very build. What there is then is complete, and not
 * known to fit: see vqi_qemu_check_layout().
 * Errors: NO_LAYOUT when something required is missing, BAD_DATA, SYS, NOMEM. */
struct vqi_error *vqi_profile_apply(const struct vqi_profile *profile,
				    const struct vqi_image *image,
				    struct vqi_layout *ret_layout) vqi_must_check;

#endif
