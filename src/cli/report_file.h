/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --report. */
#ifndef VQI_CLI_REPORT_FILE_H
#define VQI_CLI_REPORT_FILE_H

#include "vqi/diagnose.h"
#include "vqi/options.h"
#include "vqi/snapshot.h"

/* Writes a bug report to the file that the options name, in whose place it comes when it is complete; only this user may read
 * it. Errors: USAGE where there is something else than a regular file; SYS, PERMISSION, NOMEM; nothing is left behind
 * then. */
struct vqi_error *vqi_report_file_write(const struct vqi_options *options,
					const struct vqi_snapshot *snapshot,
					const struct vqi_diagnosis *diagnosis) vqi_must_check;

#endif
