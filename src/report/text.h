/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of the report for people. */
#ifndef VQI_REPORT_TEXT_H
#define VQI_REPORT_TEXT_H

#include "page.h"
#include "vqi/report.h"

struct vqi_text {
	struct vqi_page page;
	const struct vqi_snapshot *snapshot;
	const struct vqi_diagnosis *diagnosis;
	const struct vqi_report_options *options;
};

/* What to call a device, even one that has no name at all. */
static inline const char *vqi_text_label(const struct vqi_device *device)
{
	const char *label = vqi_device_label(device);

	return label ? label : "(device without a name)";
}

/* How much of that a table on a terminal shows: of a QOM path the proxy's, which is shorter. */
size_t vqi_text_short_label(const struct vqi_device *device);

/* What to call a target: its VM, or else its program. */
const char *vqi_text_target(const struct vqi_target *target);

/* Adds to a headline what the target is, its run state, and how much it has. */
void vqi_text_add_target(struct vqi_page *page, const struct vqi_snapshot *snapshot);

/* What is to be said where nothing was found. */
const char *vqi_text_verdict(const struct vqi_snapshot *snapshot, enum vqi_style *ret_style);

enum vqi_style vqi_text_severity_style(enum vqi_severity severity);
const char *vqi_text_severity_glyph(enum vqi_severity severity, bool utf8);
enum vqi_style vqi_text_state_style(enum vqi_queue_state state);

/* Whether buffers are published and not done with, as far as known. */
bool vqi_text_has_outstanding(const struct vqi_queue *queue);

/* The findings, the worst first, each with its evidence and the next step. */
void vqi_text_findings(struct vqi_text *text);
/* A finding and its evidence. *full is the last one of the page that was printed in full; NULL: there was none. */
void vqi_text_finding(struct vqi_page *page, const struct vqi_finding *finding,
		      const struct vqi_finding **full);

void vqi_text_gap(struct vqi_page *page, const struct vqi_gap *gap);

/* The table of the queues that carry work, the line a device of the others, and how many. */
void vqi_text_queues(struct vqi_text *text);

/* Whether a queue is in that table. */
bool vqi_text_has_row(const struct vqi_text *text, const struct vqi_queue *queue);

/* What comes after that table. */
void vqi_text_other_queues(struct vqi_text *text);

/* The requests in flight of each queue, and where they and the threads wait; nothing where they were not asked for. */
void vqi_text_requests(struct vqi_text *text);
void vqi_text_queue_requests(struct vqi_text *text, const struct vqi_device *device,
			     const struct vqi_queue *queue);
void vqi_text_stacks(struct vqi_text *text);

/* All that is known of each device and queue. */
void vqi_text_raw(struct vqi_text *text);

/* The same of one device. */
void vqi_text_raw_device(struct vqi_page *page, const struct vqi_device *device);

#endif
