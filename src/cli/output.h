/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VQI_CLI_OUTPUT_H
#define VQI_CLI_OUTPUT_H

#include <stdio.h>

#include "vqi/diagnose.h"
#include "vqi/diff.h"
#include "vqi/options.h"
#include "vqi/replace.h"
#include "vqi/snapshot.h"
#include "vqi/vms.h"

/* Writes content to the file that the options name, which is replaced when all is written; else to standard output.
 * Errors: content's; those of vqi_replace_file(). */
struct vqi_error *vqi_output_content(const struct vqi_options *options, vqi_content_func content,
				     const void *data) vqi_must_check;

/* Makes content a text, with a null byte behind its end. Owner: the caller frees. Errors: content's; NOMEM. */
struct vqi_error *vqi_output_text(vqi_content_func content, const void *data, char **ret_text,
				  size_t *ret_len) vqi_must_check;

/* So with the report that the options ask for, as it is to look where vqi_output_content() puts it. */
struct vqi_error *vqi_output_report_text(const struct vqi_options *options,
					 const struct vqi_snapshot *snapshot,
					 const struct vqi_diagnosis *diagnosis, char **ret_text,
					 size_t *ret_len) vqi_must_check;

/* Writes that report to where the options want it; nothing when it cannot be made.
 * Errors: USAGE where the file is no regular one; SYS, PERMISSION, NOMEM. */
struct vqi_error *vqi_output_report(const struct vqi_options *options,
				    const struct vqi_snapshot *snapshot,
				    const struct vqi_diagnosis *diagnosis) vqi_must_check;

/* Writes what differs to where the options want it. Errors: as vqi_output_report(). */
struct vqi_error *vqi_output_diff(const struct vqi_options *options,
				  const struct vqi_diff *diff) vqi_must_check;

/* Prints the table of many VMs; see vqi_report_vms(). */
struct vqi_error *vqi_output_vms(FILE *stream, const struct vqi_options *options,
				 const struct vqi_vm_line *lines, size_t count,
				 size_t failed) vqi_must_check;

/* Whether the options name a file for it. */
bool vqi_output_is_file(const struct vqi_options *options);

/* Whether what is printed on standard output is to have colours. */
bool vqi_output_has_color(const struct vqi_options *options);

/* Makes sure that what was printed on standard output has arrived. Errors: SYS. */
struct vqi_error *vqi_output_close(void) vqi_must_check;

#endif
