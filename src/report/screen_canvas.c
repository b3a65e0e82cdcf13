/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "screen_canvas.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "printable.h"
#include "vqi/cleanup.h"

void vqi_canvas_init(struct vqi_canvas *canvas, size_t rows, size_t columns, bool utf8)
{
	*canvas = (struct vqi_canvas){
		.lines = calloc(rows + 1, sizeof(*canvas->lines)),
		.rows = rows,
		.columns = columns,
		.utf8 = utf8,
	};
	if (!canvas->lines) {
		canvas->rows = 0;
		canvas->failed = true;
	}
}

void vqi_canvas_done(struct vqi_canvas *canvas)
{
	for (size_t i = 0; i < canvas->rows; i++) {
		struct vqi_canvas_line *line = &canvas->lines[i];

		for (size_t j = 0; j < line->span_count; j++)
			free(line->spans[j].text);
		free(line->spans);
	}
	free(canvas->lines);
	*canvas = (struct vqi_canvas){0};
}

/* Adds a printable text as far as it fits. Owner: takes text, which may be NULL. */
static void add_span(struct vqi_canvas *canvas, size_t row, enum vqi_style style, char *text)
{
	vqi_cleanup_free char *owned = text;
	struct vqi_canvas_line *line;
	struct vqi_canvas_span *grown;
	size_t len;

	if (!owned) {
		canvas->failed = true;
		return;
	}
	if (row >= canvas->rows)
		return;
	line = &canvas->lines[row];
	len = vqi_printable_cut(owned, canvas->columns - line->width);
	owned[len] = '\0';
	if (!len)
		return;
	grown = reallocarray(line->spans, line->span_count + 1, sizeof(*grown));
	if (!grown) {
		canvas->failed = true;
		return;
	}
	line->spans = grown;
	line->width += vqi_printable_width(owned, len);
	grown[line->span_count++] =
		(struct vqi_canvas_span){.style = style, .text = take_ptr(owned)};
}

void vqi_canvas_add(struct vqi_canvas *canvas, size_t row, enum vqi_style style, const char *format,
		    ...)
{
	vqi_cleanup_free char *text = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	add_span(canvas, row, style, text ? vqi_printable(text, canvas->utf8) : NULL);
}

static void add_spaces(struct vqi_canvas *canvas, size_t row, size_t count)
{
	if (count)
		vqi_canvas_add(canvas, row, VQI_STYLE_PLAIN, "%*s", (int)count, "");
}

void vqi_canvas_pad(struct vqi_canvas *canvas, size_t row, size_t column)
{
	if (row < canvas->rows && column > canvas->lines[row].width)
		add_spaces(canvas, row, column - canvas->lines[row].width);
}

/* The end of a printable text that takes so many columns at most. */
static const char *end_of(const char *text, size_t columns)
{
	while (vqi_printable_width(text, strlen(text)) > columns) {
		do
			text++;
		while (((unsigned char)*text & 0xc0) == 0x80);
	}
	return text;
}

/* Cuts a printable text, and marks where. Owner: the caller. NULL without memory. */
static char *cut(const struct vqi_canvas *canvas, const char *text, size_t width,
		 enum vqi_canvas_fit fit)
{
	const char *mark = canvas->utf8 ? "\u2026" : fit == VQI_FIT_END ? "<" : ">";
	char *result = NULL;
	int len;

	if (vqi_printable_width(text, strlen(text)) <= width || !width)
		len = asprintf(&result, "%.*s", width ? -1 : 0, text);
	else if (fit == VQI_FIT_END)
		len = asprintf(&result, "%s%s", mark, end_of(text, width - 1));
	else
		len = asprintf(&result, "%.*s%s", (int)vqi_printable_cut(text, width - 1), text,
			       mark);
	return len < 0 ? NULL : result;
}

void vqi_canvas_cell(struct vqi_canvas *canvas, size_t row, enum vqi_style style, size_t width,
		     enum vqi_canvas_fit fit, const char *text)
{
	vqi_cleanup_free char *printable = vqi_printable(text, canvas->utf8);
	vqi_cleanup_free char *shown = printable ? cut(canvas, printable, width, fit) : NULL;
	size_t taken = shown ? vqi_printable_width(shown, strlen(shown)) : 0;
	size_t rest = taken < width ? width - taken : 0;

	if (fit == VQI_FIT_RIGHT)
		add_spaces(canvas, row, rest);
	add_span(canvas, row, style, take_ptr(shown));
	if (fit != VQI_FIT_RIGHT)
		add_spaces(canvas, row, rest);
}

/* How many bytes of a printable text make a line of so many columns, broken at a space if there is one. */
static size_t line_length(const char *text, size_t columns)
{
	size_t fits = vqi_printable_cut(text, columns);
	size_t len = fits;

	if (!text[fits])
		return fits;
	while (len && text[len] != ' ')
		len--;
	return len ? len : fits;
}

size_t vqi_canvas_wrap(struct vqi_canvas *canvas, size_t row, size_t max, size_t indent,
		       enum vqi_style style, const char *text)
{
	vqi_cleanup_free char *printable = vqi_printable(text, canvas->utf8);
	const char *rest = printable;
	size_t count = 0;

	if (!rest)
		canvas->failed = true;
	while (rest && *rest && count < max && row + count < canvas->rows) {
		size_t width, len;

		if (count)
			add_spaces(canvas, row + count, indent);
		width = canvas->columns - canvas->lines[row + count].width;
		len = line_length(rest, width);
		if (count + 1 == max || !len) {
			vqi_canvas_cell(canvas, row + count, style, width, VQI_FIT_LEFT, rest);
			return count + 1;
		}
		vqi_canvas_add(canvas, row + count, style, "%.*s", (int)len, rest);
		rest += len + strspn(rest + len, " ");
		count++;
	}
	return count;
}

void vqi_canvas_reverse(struct vqi_canvas *canvas, size_t row)
{
	if (row < canvas->rows)
		canvas->lines[row].is_reverse = true;
}
