/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What became of the targets of --all, and what is printed of them. */
#ifndef VQI_CLI_OUTCOME_H
#define VQI_CLI_OUTCOME_H

#include "vqi/candidates.h"
#include "vqi/diagnose.h"
#include "vqi/options.h"
#include "vqi/vms.h"

enum vqi_fate {
	VQI_FATE_NONE,	    /* it is no QEMU, or had ended before it was looked at */
	VQI_FATE_FAILED,    /* with an error */
	VQI_FATE_INSPECTED, /* with all the rest */
};

struct vqi_outcome {
	const struct vqi_candidate *candidate;
	enum vqi_fate fate;
	struct vqi_error *error;
	enum vqi_exit exit_status;
	struct vqi_vm_line line;
	char *report; /* what was printed of it; NULL: nothing */
	size_t len;
};

void vqi_outcome_done(struct vqi_outcome *outcome);

/* The exit status for all together: the worst. */
enum vqi_exit vqi_outcomes_status(const struct vqi_outcome *outcomes, size_t count);

/* Prints the reports on standard output, in the order in which they are, and on standard error a line for each target that
 * could not be inspected. Here the reports of all targets come together, whatever their format is.
 * Errors: SYS, NOMEM. */
struct vqi_error *vqi_outcomes_print(const struct vqi_options *options,
				     const struct vqi_outcome *outcomes,
				     size_t count) vqi_must_check;

#endif
