/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A layout for a QEMU of which there is no profile, from profiles of others and from what was measured in it. */
#ifndef VQI_INFER_H
#define VQI_INFER_H

#include "vqi/layout.h"
#include "vqi/store.h"

/* Fills a layout: what is present in measured is as it is there. Between two measured places of a structure (its
 * beginning, the end of the structure that it begins with and its own end included) each field is where those
 * profiles have it in which the two are as far apart, if they agree. Where there is no such profile, it is as far
 * behind the first of the two as all profiles say that have it, if the first is the beginning, or a field and the
 * two are not as far apart in all of them: else a difference may be before the field as well as behind it. All other fields are absent, and so are
 * structures of which there are arrays and the size is not known. Symbols are those of measured. */
void vqi_infer(const struct vqi_profiles *profiles, const struct vqi_layout *measured,
	       struct vqi_layout *ret_layout);

#endif
