/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A watch as lines for a log: a head, then per look what works and what has changed. */
#ifndef VQI_LINES_H
#define VQI_LINES_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "vqi/diagnose.h"
#include "vqi/error.h"
#include "vqi/history.h"
#include "vqi/snapshot.h"

/* What the lines so far have said. */
struct vqi_lines;

struct vqi_lines_options {
	bool color;
	uint64_t interval_ms; /* between the looks: for the head */
};

/* Errors: NOMEM. */
struct vqi_error *vqi_lines_new(const struct vqi_lines_options *options,
				struct vqi_lines **ret_lines) vqi_must_check;
void vqi_lines_free(struct vqi_lines *lines);
VQI_DEFINE_CLEANUP(struct vqi_lines *, vqi_lines_free)

/* Prints the lines of a look, which was diagnosed and which the history has been fed with: of each queue that has work or
 * whose state has changed, and of all that came or went: findings, devices, the run state, what could not be inspected.
 * Errors: NOMEM, SYS. */
struct vqi_error *vqi_lines_print(struct vqi_lines *lines, FILE *stream,
				  const struct vqi_history *history,
				  const struct vqi_snapshot *snapshot,
				  const struct vqi_diagnosis *diagnosis) vqi_must_check;

#endif
