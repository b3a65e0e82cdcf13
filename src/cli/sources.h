/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VQI_CLI_SOURCES_H
#define VQI_CLI_SOURCES_H

#include "opened.h"

/* Finds the layout of a target whose process and image are open: opened->layout, that fits. It is that of the
 * options where they name one; else that of the cache; else that of a profile of this very build; else that
 * of the debug information, which is put into the cache; else that of a profile that fits.
 * Errors: NO_LAYOUT when nothing fits, with the reasons; all others of the layers. */
struct vqi_error *vqi_sources_resolve(const struct vqi_options *options,
				      struct vqi_opened *opened) vqi_must_check;

#endif
