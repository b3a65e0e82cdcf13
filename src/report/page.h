/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines of text for a terminal: wrapped between words, coloured, and printable whatever is in the
 * strings that are put in. */
#ifndef VQI_REPORT_PAGE_H
#define VQI_REPORT_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "vqi/error.h"

enum vqi_style {
	VQI_STYLE_PLAIN,
	VQI_STYLE_BOLD,
	VQI_STYLE_DIM,
	VQI_STYLE_RED,
	VQI_STYLE_YELLOW,
	VQI_STYLE_GREEN,
	VQI_STYLE_COUNT,
};

struct vqi_page {
	FILE *out;
	unsigned int width; /* columns; 0: no limit */
	bool utf8;	    /* what the terminal shows; else ASCII */
	bool color;
	bool failed; /* out of memory: what follows is not printed, the page is worthless */
	bool space;  /* an empty line comes before the next one */

	/* The line that is being written. */
	size_t column;
	size_t indent; /* of the lines after its first */
	size_t spaces; /* before the next word */
	bool empty;    /* no word yet since the margin */

	/* Of one that was opened. */
	char *text;
	size_t len;
};

/* Opens a page whose lines are kept until it is closed. Errors: NOMEM. */
struct vqi_error *vqi_page_open(struct vqi_page *page, unsigned int width,
				bool color) vqi_must_check;

/* Prints it, when all of it could be made. Errors: NOMEM, SYS. */
struct vqi_error *vqi_page_close(struct vqi_page *page, FILE *stream) vqi_must_check;

/* The escape sequence that starts a style, "" for plain. */
const char *vqi_style_sequence(enum vqi_style style);

/* Starts a line, indented; it goes on below itself indented by continued. */
void vqi_page_begin(struct vqi_page *page, size_t indent, size_t continued);

/* Adds words, as printf. Spaces count, those at the ends too: "a" and "b" make "ab". */
void vqi_page_add(struct vqi_page *page, enum vqi_style style, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Adds words that stay on one line, gap spaces after what comes before, or on a new line. */
void vqi_page_add_whole(struct vqi_page *page, size_t gap, enum vqi_style style, const char *format,
			...) __attribute__((format(printf, 4, 5)));

void vqi_page_end(struct vqi_page *page);

/* A line of its own: begin, add, end. */
void vqi_page_line(struct vqi_page *page, size_t indent, enum vqi_style style, const char *format,
		   ...) __attribute__((format(printf, 4, 5)));

/* Leaves an empty line before what comes next, if anything does. */
void vqi_page_space(struct vqi_page *page);

/* Prints the empty line, if one is due: for what is put on the page in another way. */
void vqi_page_settle(struct vqi_page *page);

#endif
