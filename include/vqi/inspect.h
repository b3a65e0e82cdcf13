/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One inspection: owns every lifetime, and calls the layers from left to right. */
#ifndef VQI_INSPECT_H
#define VQI_INSPECT_H

#include "vqi/diagnose.h"
#include "vqi/error.h"
#include "vqi/options.h"
#include "vqi/snapshot.h"

/* Looks at the target of the options, once or twice, and diagnoses what it saw. The target has long
 * been left alone when this returns.
 * Errors: USAGE for a device or queue that is not there; all others of the layers.
 * Owner: the caller frees both; the diagnosis points into the snapshot. */
struct vqi_error *vqi_inspect(const struct vqi_options *options, struct vqi_snapshot **ret_snapshot,
			      struct vqi_diagnosis *ret_diagnosis) vqi_must_check;

/* Looks at the target of the options again and again, until one of them, a signal or its end ends it.
 * ret_status: the exit status of the last look. Errors: those of vqi_inspect() up to the first look; SYS. */
struct vqi_error *vqi_watch(const struct vqi_options *options, int *ret_status) vqi_must_check;

/* Writes the layout of the target as a profile, to the file of the options or, for "-", to standard output.
 * Errors: SYS; those of vqi_inspect() up to the first look. */
struct vqi_error *vqi_export_layout(const struct vqi_options *options) vqi_must_check;

/* Prints what an inspection of the target can look into, source by source, and what stands in the way.
 * ret_can: whether it can be inspected at all. Errors: those of vqi_inspect() before it has a layout. */
struct vqi_error *vqi_check(const struct vqi_options *options, bool *ret_can) vqi_must_check;

#endif
