/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Variables of a QEMU, by its symbol tables. */
#ifndef VQI_SYMBOLS_H
#define VQI_SYMBOLS_H

#include "vqi/error.h"
#include "vqi/image.h"
#include "vqi/layout.h"

/* Fills in the variables of the table that the image's own symbol tables have: of a stripped program those
 * that it exports, and those which a function that it exports begins with. Errors: BAD_DATA, SYS, NOMEM. */
struct vqi_error *vqi_elf_symbols(const struct vqi_image *image,
				  struct vqi_layout *layout) vqi_must_check;

#endif
