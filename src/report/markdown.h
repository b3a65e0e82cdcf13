/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Markdown as GitHub and GitLab read it. Words of ours are written as they are; what comes from the target is always code:
 * there nothing is markup, and no tracker makes mentions, links or references of it. */
#ifndef VQI_REPORT_MARKDOWN_H
#define VQI_REPORT_MARKDOWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "text.h"

struct vqi_markdown {
	FILE *out;
	bool failed; /* out of memory */
	bool utf8;   /* what is written; else ASCII */
	bool in_table;
	const struct vqi_snapshot *snapshot;
	const struct vqi_diagnosis *diagnosis;
	const char *command;
};

typedef void (*vqi_markdown_function)(struct vqi_markdown *markdown);
typedef void (*vqi_markdown_text_function)(struct vqi_text *text);

/* Writes words of ours, as printf. */
void vqi_markdown_add(struct vqi_markdown *markdown, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Writes a string of the target as code within a line; NULL is a dash. A long one is cut. */
void vqi_markdown_code(struct vqi_markdown *markdown, const char *text);

/* Writes printable lines as a block of code, of max bytes at most; nothing, if there are none. */
void vqi_markdown_block(struct vqi_markdown *markdown, const char *lines, size_t max);

/* The same of what is printed on a page for people, under a title; a summary folds it. Both may be NULL. */
void vqi_markdown_text(struct vqi_markdown *markdown, const char *title, const char *summary,
		       vqi_markdown_text_function print, size_t max);

/* Writes the lines of a list or table, of max bytes at most. */
void vqi_markdown_lines(struct vqi_markdown *markdown, vqi_markdown_function write, size_t max);

/* The parts of a report: the machine, its buses, devices and back ends as a list, and the queues that carry work as a
 * table. */
void vqi_markdown_devices(struct vqi_markdown *markdown);
void vqi_markdown_queues(struct vqi_markdown *markdown);

#endif
