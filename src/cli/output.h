/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VQI_CLI_OUTPUT_H
#define VQI_CLI_OUTPUT_H

#include "vqi/diagnose.h"
#include "vqi/options.h"
#include "vqi/snapshot.h"

/* Prints the report that the options ask for on standard output; nothing when it cannot be made.
 * Errors: SYS, NOMEM. */
struct vqi_error *vqi_output_report(const struct vqi_options *options,
				    const struct vqi_snapshot *snapshot,
				    const struct vqi_diagnosis *diagnosis) vqi_must_check;

/* Makes sure that what was printed on standard output has arrived. Errors: SYS. */
struct vqi_error *vqi_output_close(void) vqi_must_check;

#endif
