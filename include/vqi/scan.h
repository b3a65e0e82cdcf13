/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Variables of a program without symbols. */
#ifndef VQI_SCAN_H
#define VQI_SCAN_H

#include "vqi/image.h"
#include "vqi/layout.h"
#include "vqi/process.h"

/* Finds variables by what they hold, where a layout has neither current_machine nor main_system_bus: these, and
 * of the main loop's contexts, the address spaces and the lists of virtual CPUs, block nodes and vhost devices what
 * there is. Any other stays unknown. Nothing is stopped.
 * Errors: NO_LAYOUT when neither of the two is found, or the layout lacks what would tell them; GONE, PERMISSION,
 * SYS, NOMEM. */
struct vqi_error *vqi_scan_process(struct vqi_process *process, const struct vqi_image *image,
				   struct vqi_layout *layout) vqi_must_check;

/* The same of any memory: variables are where the image has some, maps all mappings. */
struct vqi_error *vqi_scan(struct vqi_mem *mem, uint64_t bias, const struct vqi_maps *variables,
			   const struct vqi_maps *maps, struct vqi_layout *layout) vqi_must_check;

#endif
