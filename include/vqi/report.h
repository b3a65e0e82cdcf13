/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prints a diagnosed snapshot. Pure: reads nothing but its arguments. */
#ifndef VQI_REPORT_H
#define VQI_REPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "vqi/diagnose.h"
#include "vqi/error.h"
#include "vqi/snapshot.h"

struct vqi_report_options {
	bool verbose;	    /* all queues and all raw fields */
	bool requests;	    /* all in flight, and back traces */
	bool for_tracker;   /* all of each back trace, and nothing of the guest's data */
	bool color;	    /* escape sequences */
	unsigned int width; /* columns of the terminal; 0: not a terminal, no limit */
};

/* For people. Errors: SYS when stream cannot be written, NOMEM. */
struct vqi_error *vqi_report_text(FILE *stream, const struct vqi_snapshot *snapshot,
				  const struct vqi_diagnosis *diagnosis,
				  const struct vqi_report_options *options) vqi_must_check;

/* The same of one queue of the snapshot, after a closer look at it: findings, requests in flight, back traces of all
 * threads that have any, and its numbers; with verbose, all that is known of the requests.
 * Errors: SYS when stream cannot be written, NOMEM. */
struct vqi_error *vqi_report_queue(FILE *stream, const struct vqi_snapshot *snapshot,
				   const struct vqi_diagnosis *diagnosis,
				   const struct vqi_device *device, const struct vqi_queue *queue,
				   const struct vqi_report_options *options) vqi_must_check;

/* For programs: one JSON document and a newline; data/virtq-inspect.schema.json describes it. */
struct vqi_error *vqi_report_json(FILE *stream, const struct vqi_snapshot *snapshot,
				  const struct vqi_diagnosis *diagnosis) vqi_must_check;

/* For a bug tracker: one Markdown document of less than VQI_REPORT_MARKDOWN_BYTES, which begins with the verdict. command is
 * how it was asked for. Whatever is in strings of the target, they are text in it, no markup, mention or link.
 * Errors: SYS, NOMEM. */
#define VQI_REPORT_MARKDOWN_BYTES 65536 /* what a comment on GitHub may have */
struct vqi_error *vqi_report_markdown(FILE *stream, const struct vqi_snapshot *snapshot,
				      const struct vqi_diagnosis *diagnosis,
				      const char *command) vqi_must_check;

#endif
