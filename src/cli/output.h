/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VQI_CLI_OUTPUT_H
#define VQI_CLI_OUTPUT_H

#include <stdio.h>

#include "vqi/diagnose.h"
#include "vqi/options.h"
#include "vqi/snapshot.h"
#include "vqi/vms.h"

/* Prints the report that the options ask for; nothing when it cannot be made. It is for what standard output is, whatever
 * the stream is. Errors: SYS, NOMEM. */
struct vqi_error *vqi_output_report(FILE *stream, const struct vqi_options *options,
				    const struct vqi_snapshot *snapshot,
				    const struct vqi_diagnosis *diagnosis) vqi_must_check;

/* Prints the table of many VMs on standard output; see vqi_report_vms(). */
struct vqi_error *vqi_output_vms(const struct vqi_options *options, const struct vqi_vm_line *lines,
				 size_t count, size_t failed) vqi_must_check;

/* Makes sure that what was printed on standard output has arrived. Errors: SYS. */
struct vqi_error *vqi_output_close(void) vqi_must_check;

#endif
