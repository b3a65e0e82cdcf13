/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is otherwise in one look than in another: a pure function of two snapshots and their diagnoses. */
#ifndef VQI_DIFF_H
#define VQI_DIFF_H

#include <stddef.h>
#include <stdio.h>

#include "vqi/diagnose.h"
#include "vqi/error.h"
#include "vqi/num.h"
#include "vqi/report.h"
#include "vqi/snapshot.h"

/* One of the two. */
struct vqi_diff_side {
	const char *name; /* what the reader calls it, a file's path */
	const struct vqi_snapshot *snapshot;
	const struct vqi_diagnosis *diagnosis;
	const struct vqi_device
		*device; /* of this device only; NULL: of all, and of what serves them */
	const struct vqi_queue *queue; /* of this queue of the device only; NULL: of all */
};

struct json_object;

/* One field that differs. Owner: the diff. */
struct vqi_change {
	char *field; /* as in the JSON document, with dots between the levels: "host_notifier.count" */
	struct json_object *old, *new; /* NULL: null, not known */
	struct vqi_num difference;     /* of an index of a split ring: new - old, modulo 2^16 */
};

enum vqi_diff_kind {
	VQI_DIFF_TARGET,
	VQI_DIFF_DEVICE,
	VQI_DIFF_QUEUE,
	VQI_DIFF_LOOP,
	VQI_DIFF_THREAD,
	VQI_DIFF_VCPU,
};

/* What is in both, and differs, or is in one of them only. */
struct vqi_diff_part {
	enum vqi_diff_kind kind;
	char *old, *new; /* what it is called: "blk0 queue 1"; NULL: it is not there */
	struct vqi_change *changes;
	size_t change_count;
	struct vqi_change *unknown; /* fields that one of them does not know: no difference */
	size_t unknown_count;
};

struct vqi_diff {
	struct vqi_diff_side old, new;
	struct vqi_diff_part *parts; /* those with something unknown alone among them */
	size_t part_count;
	size_t compared; /* parts that are in both, those without a difference among them */
	const struct vqi_finding **gone,
		**come; /* findings of old that new has not, and the other way round */
	size_t gone_count, come_count;
	const struct vqi_finding **unknown_gone,
		**unknown_come; /* so, but the other took one look only */
	size_t unknown_gone_count, unknown_come_count;
	const struct vqi_gap **gaps_gone, **gaps_come;
	size_t gaps_gone_count, gaps_come_count;
};

/* Compares two looks, or one queue of each, or one device of each.
 * Owner: what the sides point to is to outlive the diff; the caller, vqi_diff_done(). Errors: NOMEM. */
struct vqi_error *vqi_diff(const struct vqi_diff_side *old, const struct vqi_diff_side *new,
			   struct vqi_diff *ret_diff) vqi_must_check;
void vqi_diff_done(struct vqi_diff *diff);

/* Whether a part is a difference. */
bool vqi_diff_part_differs(const struct vqi_diff_part *part);
VQI_DEFINE_CLEANUP_VALUE(struct vqi_diff, vqi_diff_done)

/* For people. Errors: SYS when stream cannot be written, NOMEM. */
struct vqi_error *vqi_diff_text(FILE *stream, const struct vqi_diff *diff,
				const struct vqi_report_options *options) vqi_must_check;

/* For programs: one JSON document and a newline; data/virtq-inspect-diff.schema.json describes it. */
struct vqi_error *vqi_diff_json(FILE *stream, const struct vqi_diff *diff) vqi_must_check;

#endif
