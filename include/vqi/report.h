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
	bool color;	    /* escape sequences */
	unsigned int width; /* columns of the terminal; 0: not a terminal, no limit */
};

/* For people. Errors: SYS when stream cannot be written, NOMEM. */
struct vqi_error *vqi_report_text(FILE *stream, const struct vqi_snapshot *snapshot,
				  const struct vqi_diagnosis *diagnosis,
				  const struct vqi_report_options *options) vqi_must_check;

/* For programs: one JSON document and a newline; data/virtq-inspect.schema.json describes it. */
struct vqi_error *vqi_report_json(FILE *stream, const struct vqi_snapshot *snapshot,
				  const struct vqi_diagnosis *diagnosis) vqi_must_check;

#endif
