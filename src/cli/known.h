/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What one target has told of the layout of all that run the same executable. */
#ifndef VQI_CLI_KNOWN_H
#define VQI_CLI_KNOWN_H

#include "vqi/candidates.h"
#include "vqi/image.h"
#include "vqi/layout.h"
#include "vqi/limits.h"
#include "vqi/options.h"

struct vqi_known_layout {
	uint64_t dev, inode;		     /* of the executable */
	char build_id[2 * VQI_MAX_NAME + 1]; /* "": it has none */
	struct vqi_layout layout;	     /* not yet fitted to a process */
};

struct vqi_known_layouts {
	struct vqi_known_layout *all;
	size_t count;
};

/* Finds out the layout of each executable that more than one of the candidates run: once, so that not each of them has to.
 * Where that fails none is known; so each of them says why. Errors: NOMEM. */
struct vqi_error *vqi_known_layouts_find(const struct vqi_options *options,
					 const struct vqi_candidates *candidates,
					 unsigned int wait_s,
					 struct vqi_known_layouts *ret_known) vqi_must_check;
void vqi_known_layouts_done(struct vqi_known_layouts *known);
VQI_DEFINE_CLEANUP_VALUE(struct vqi_known_layouts, vqi_known_layouts_done)

/* That of an image; NULL: it is not known. */
const struct vqi_layout *vqi_known_layout(const struct vqi_known_layouts *known,
					  const struct vqi_image *image);

#endif
