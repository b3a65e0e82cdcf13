/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The families of the OpenMetrics text, in the order in which they stand in each. */
#ifndef VQI_REPORT_METRICS_H
#define VQI_REPORT_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "vqi/diagnose.h"
#include "vqi/num.h"
#include "vqi/snapshot.h"

#define VQI_METRIC_PREFIX "virtq_inspect_"

/* Values of labels, as they are written, of which no two are the same: two samples of one series would make the whole text
 * worthless to who reads it. */
struct vqi_metric_names {
	char **names;
	size_t count;
};

/* Adds a name, or, where it is there already, name#2, name#3, ...; returns what was added. NULL without memory. */
const char *vqi_metric_names_add(struct vqi_metric_names *names, const char *name);
void vqi_metric_names_done(struct vqi_metric_names *names);
VQI_DEFINE_CLEANUP_VALUE(struct vqi_metric_names, vqi_metric_names_done)

/* What the samples of one target are made from. */
struct vqi_metric_source {
	const struct vqi_snapshot *snapshot;   /* NULL: the target could not be inspected */
	const struct vqi_diagnosis *diagnosis; /* of it */
	const char *vm;			       /* as it is written */
	struct vqi_metric_names devices;       /* of the snapshot, in its order */
	bool failed;			       /* out of memory */
};

struct vqi_metric_family {
	const char *name; /* after the prefix */
	const char *unit; /* its last word; NULL: none */
	const char *help;
	unsigned int decimals; /* of of_vm()'s and of_queue()'s numbers: 3 for milliseconds */
	bool is_about_failed;  /* a target that could not be inspected has it, too */
	/* A number of the target, or of each queue that put() writes; an unknown one has no sample. */
	struct vqi_num (*of_vm)(const struct vqi_metric_source *source);
	struct vqi_num (*of_queue)(const struct vqi_queue *queue);
	void (*put)(FILE *stream, const struct vqi_metric_family *family,
		    struct vqi_metric_source *source);
};

extern const struct vqi_metric_family vqi_metric_families[];
extern const size_t vqi_metric_family_count;

/* Writes the samples that a family has of a target. */
void vqi_metric_put(FILE *stream, const struct vqi_metric_family *family,
		    struct vqi_metric_source *source);

/* The first family is the tool's: one sample, whatever it has inspected. */
void vqi_metric_put_tool(FILE *stream);

#endif
