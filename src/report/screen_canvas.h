/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a screen is to show: lines of words with a style each. Nothing here knows of a terminal. */
#ifndef VQI_REPORT_SCREEN_CANVAS_H
#define VQI_REPORT_SCREEN_CANVAS_H

#include <stdbool.h>
#include <stddef.h>

#include "page.h"

struct vqi_canvas_span {
	enum vqi_style style;
	char *text; /* printable, whatever was put in */
};

struct vqi_canvas_line {
	struct vqi_canvas_span *spans;
	size_t span_count;
	size_t width;	 /* columns that they take */
	bool is_reverse; /* all of the line, up to the edge */
};

struct vqi_canvas {
	struct vqi_canvas_line *lines;
	size_t rows, columns;
	bool utf8;
	bool failed; /* out of memory: something is missing */
};

/* An empty canvas of this size, which may be 0. */
void vqi_canvas_init(struct vqi_canvas *canvas, size_t rows, size_t columns, bool utf8);
void vqi_canvas_done(struct vqi_canvas *canvas);

/* Adds words to the end of a line, as printf; what does not fit is left out, as is a line beyond the last. */
void vqi_canvas_add(struct vqi_canvas *canvas, size_t row, enum vqi_style style, const char *format,
		    ...) __attribute__((format(printf, 4, 5)));

/* Adds spaces up to a column. */
void vqi_canvas_pad(struct vqi_canvas *canvas, size_t row, size_t column);

/* Adds a text in so many columns: cut or padded, to the right or the left. Of what is cut at the left the end is
 * shown, which is what names differ in. */
enum vqi_canvas_fit { VQI_FIT_LEFT, VQI_FIT_RIGHT, VQI_FIT_END };
void vqi_canvas_cell(struct vqi_canvas *canvas, size_t row, enum vqi_style style, size_t width,
		     enum vqi_canvas_fit fit, const char *text);

/* Adds a text to the lines from row on, broken between words, at most to max of them and indented from the second
 * on; what is left is cut. Returns how many lines it took. */
size_t vqi_canvas_wrap(struct vqi_canvas *canvas, size_t row, size_t max, size_t indent,
		       enum vqi_style style, const char *text);

/* Shows a line in reverse video. */
void vqi_canvas_reverse(struct vqi_canvas *canvas, size_t row);

#endif
