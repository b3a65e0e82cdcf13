/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "canvas_text.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "vqi/cleanup.h"

char *canvas_line(const struct vqi_canvas *canvas, size_t row)
{
	char *text = NULL;
	size_t len = 0;
	FILE *stream = open_memstream(&text, &len);

	ck_assert_ptr_nonnull(stream);
	for (size_t i = 0; i < canvas->lines[row].span_count; i++)
		fputs(canvas->lines[row].spans[i].text, stream);
	fclose(stream);
	return text;
}

char *canvas_text(const struct vqi_canvas *canvas)
{
	char *text = NULL;
	size_t len = 0;
	FILE *stream = open_memstream(&text, &len);

	ck_assert_ptr_nonnull(stream);
	for (size_t i = 0; i < canvas->rows; i++) {
		vqi_cleanup_free char *line = canvas_line(canvas, i);
		size_t end = strlen(line);

		while (end && line[end - 1] == ' ')
			end--;
		fprintf(stream, "%.*s\n", (int)end, line);
	}
	fclose(stream);
	return text;
}
