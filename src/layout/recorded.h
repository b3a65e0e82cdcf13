/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Image and layout in bytes: in a recording, a layout also in the cache and in what comes with the tool. */
#ifndef VQI_LAYOUT_RECORDED_H
#define VQI_LAYOUT_RECORDED_H

#include "vqi/image.h"
#include "vqi/layout.h"
#include "vqi/record.h"

/* All but the file, which a recording does not have: fd is -1 after a recall.
 * Errors: as it was recorded, BAD_DATA, NOMEM. */
void vqi_image_pack(const struct vqi_image *image, struct vqi_pack *pack);
struct vqi_error *vqi_image_recall(struct vqi_process *process,
				   struct vqi_image *ret_image) vqi_must_check;

/* Of a layout that was packed by another version of this program, what this one knows is unpacked. */
void vqi_layout_pack(const struct vqi_layout *layout, struct vqi_pack *pack);
void vqi_layout_unpack(struct vqi_unpack *data, struct vqi_layout *ret_layout);

#endif
