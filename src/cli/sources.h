/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the layout of a target is from. */
#ifndef VQI_CLI_SOURCES_H
#define VQI_CLI_SOURCES_H

#include "opened.h"

/* In the order in which they are asked. */
enum vqi_source {
	VQI_SOURCE_CACHE,
	VQI_SOURCE_OWN_PROFILE, /* of this very build */
	VQI_SOURCE_DEBUG_FILE,	/* or the program itself */
	VQI_SOURCE_DEBUGINFOD,
	VQI_SOURCE_PROFILE, /* of another build */
	VQI_SOURCE_DERIVED, /* from the process, and what all profiles agree on */
	VQI_SOURCE_COUNT
};

const char *vqi_source_name(enum vqi_source source);

/* Takes the layout from one source. What debug information gave is put into the cache.
 * Errors: NO_LAYOUT when it has none or none that fits, BAD_DATA; all others of the layers. */
struct vqi_error *vqi_source_try(enum vqi_source source, const struct vqi_options *options,
				 struct vqi_opened *opened) vqi_must_check;

/* Finds the layout of a target that has been begun: that of the options where they name one, else that of the
 * first source that has one. Errors: as vqi_source_try(). */
struct vqi_error *vqi_sources_resolve(const struct vqi_options *options,
				      struct vqi_opened *opened) vqi_must_check;

#endif
