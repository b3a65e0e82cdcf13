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

/* Reads a profile for an image. Addresses of variables are the image's own, from its symbol tables; those
 * of the profile count only when it was made of this very build. Fields that the profile has and this tool
 * does not know are passed over. What was read is complete, and not known to fit: see
 * vqi_qemu_check_layout().
 * Errors: SYS, BAD_DATA for what is no profile, NO_LAYOUT when something required is missing, NOMEM. */
struct vqi_error *vqi_profile_read(const char *path, const struct vqi_image *image,
				   struct vqi_layout *ret_layout) vqi_must_check;

#endif
