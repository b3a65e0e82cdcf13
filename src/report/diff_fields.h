/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of a comparison. */
#ifndef VQI_REPORT_DIFF_FIELDS_H
#define VQI_REPORT_DIFF_FIELDS_H

#include "vqi/diff.h"

/* Adds to a part what differs between two objects of the document, of these two sides. Of indices of split rings, how far
 * they moved is told. Errors: NOMEM. */
struct vqi_error *vqi_diff_fields(const struct vqi_diff *diff, struct json_object *old,
				  struct json_object *new, bool has_indices,
				  struct vqi_diff_part *part) vqi_must_check;

/* Whether what stands still can be told: two looks were taken. */
bool vqi_diff_is_of_two_looks(const struct vqi_diff_side *side);

/* Fills what findings, and gaps, came and went. Errors: NOMEM. */
struct vqi_error *vqi_diff_findings(struct vqi_diff *diff) vqi_must_check;
struct vqi_error *vqi_diff_gaps(struct vqi_diff *diff) vqi_must_check;

#endif
