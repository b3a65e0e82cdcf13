/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "screen_layout.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "printable.h"
#include "text.h"

/* Of a screen's lines, one in so many is for findings. */
#define FINDINGS_SHARE 3

/* Puts a text at the right end of a line, if it leaves a gap to what is there; says so. */
static bool put_right(struct vqi_canvas *canvas, size_t row, enum vqi_style style, const char *text)
{
	size_t width = vqi_printable_width(text, strlen(text));

	if (row >= canvas->rows || canvas->lines[row].width + 2 + width > canvas->columns)
		return false;
	vqi_canvas_pad(canvas, row, canvas->columns - width);
	vqi_canvas_add(canvas, row, style, "%s", text);
	return true;
}

static void put_headline(struct vqi_canvas *canvas, const struct vqi_screen_model *model,
			 const struct vqi_screen_view *view, const struct vqi_screen_look *look)
{
	char time[16] = "", right[64] = "";
	struct tm local;

	vqi_canvas_add(canvas, 0, VQI_STYLE_BOLD, "%s", model->name);
	vqi_canvas_add(canvas, 0, model->runs ? VQI_STYLE_PLAIN : VQI_STYLE_YELLOW, "  %s",
		       model->about);
	if (localtime_r(&model->time, &local))
		strftime(time, sizeof(time), "%H:%M:%S", &local);
	if (view->is_paused)
		snprintf(right, sizeof(right), "HELD at %s", time);
	else if (look->interval_ms)
		snprintf(right, sizeof(right), "every %g s  %s", (double)look->interval_ms / 1000,
			 time);
	else
		snprintf(right, sizeof(right), "%s", time);
	put_right(canvas, 0, view->is_paused ? VQI_STYLE_BOLD : VQI_STYLE_PLAIN, right);
}

/* What is wrong, the worst first, on max lines at most from row on, and how much more there is. Returns how many. */
static size_t put_findings(struct vqi_canvas *canvas, size_t row, size_t max,
			   const struct vqi_screen_model *model)
{
	size_t used = 0, i;

	for (i = 0; i < model->finding_count && used < max; i++) {
		const struct vqi_screen_finding *finding = &model->findings[i];
		enum vqi_style style = vqi_text_severity_style(finding->severity);
		size_t left = max - used, rest = model->finding_count - i;

		if (rest > 1 && left == 1 && max > 1)
			break;
		/* A second line for a sentence, where that takes none from another finding. */
		vqi_canvas_add(canvas, row + used, style, "%s ",
			       vqi_text_severity_glyph(finding->severity, canvas->utf8));
		used += vqi_canvas_wrap(canvas, row + used, left > rest ? 2 : 1, 2,
					i == 0 ? style : VQI_STYLE_PLAIN, finding->text);
	}
	if (i < model->finding_count && used < max) {
		vqi_canvas_add(canvas, row + used, VQI_STYLE_PLAIN, "  %zu more finding%s",
			       model->finding_count - i, model->finding_count - i == 1 ? "" : "s");
		used++;
	}
	return used;
}

static size_t put_verdict(struct vqi_canvas *canvas, size_t row, size_t max,
			  const struct vqi_screen_model *model)
{
	size_t used = 0;

	if (!max)
		return 0;
	if (model->finding_count)
		used = put_findings(canvas, row, max - (model->gap_count && max > 2), model);
	else {
		vqi_canvas_add(canvas, row, model->verdict_style, "%s", model->verdict);
		used = 1;
	}
	if (model->gap_count && used < max) {
		if (model->gap_count > 1)
			vqi_canvas_add(canvas, row + used, VQI_STYLE_YELLOW,
				       "not inspected, the first of %zu: ", model->gap_count);
		else
			vqi_canvas_add(canvas, row + used, VQI_STYLE_YELLOW, "not inspected: ");
		vqi_canvas_wrap(canvas, row + used, 1, 0, VQI_STYLE_PLAIN, model->gap);
		used++;
	}
	return used;
}

/* ---- the last line ---- */

/* Says which of count lines are shown, where that is not all, and what keys there are: as much as fits. */
static void put_position(struct vqi_canvas *canvas, size_t row, size_t top, size_t page,
			 size_t count, const char *const keys[])
{
	char text[96], position[64] = "";
	size_t last = top + page < count ? top + page : count;

	if (count > page)
		snprintf(position, sizeof(position), "%zu-%zu of %zu  ", top + 1, last, count);
	for (size_t i = 0; keys[i]; i++) {
		snprintf(text, sizeof(text), "%s%s", position, keys[i]);
		if (put_right(canvas, row, VQI_STYLE_PLAIN, text))
			return;
	}
}

static void put_status(struct vqi_canvas *canvas, size_t row, const struct vqi_screen_view *view)
{
	static const char *const queues_keys[] = {"Enter open  R report  ? help  q quit",
						  "? help  q quit", "? help", "?", NULL};
	static const char *const text_keys[] = {"r look again  Esc back", "Esc back", "", NULL};
	static const char *const help_keys[] = {"Esc back", "", NULL};

	if (view->message)
		vqi_canvas_wrap(canvas, row, 1, 0, VQI_STYLE_BOLD, view->message);
	else if (view->mode != VQI_MODE_QUEUES)
		put_position(canvas, row, view->text_top, view->page, view->line_count,
			     view->mode == VQI_MODE_HELP ? help_keys : text_keys);
	else if (view->is_typing)
		vqi_canvas_add(canvas, row, VQI_STYLE_BOLD, "/%s_", view->filter);
	else {
		vqi_canvas_add(canvas, row, VQI_STYLE_PLAIN, "by %s",
			       vqi_screen_sort_word(view->sort));
		if (view->shows_all)
			vqi_canvas_add(canvas, row, VQI_STYLE_PLAIN, "  idle too");
		if (view->filter[0])
			vqi_canvas_add(canvas, row, VQI_STYLE_BOLD, "  only /%s", view->filter);
		put_position(canvas, row, view->top, view->page, view->shown_count, queues_keys);
	}
	vqi_canvas_reverse(canvas, row);
}

/* ---- the whole ---- */

static void put_text(struct vqi_canvas *canvas, struct vqi_screen_view *view, size_t rows)
{
	size_t left = view->text_left;

	vqi_canvas_add(canvas, 0, VQI_STYLE_BOLD, "%s", view->title);
	view->page = rows > 1 ? rows - 1 : 1;
	if (view->text_top + view->page > view->line_count)
		view->text_top = view->line_count > view->page ? view->line_count - view->page : 0;
	for (size_t i = 0; i + 1 < rows && view->text_top + i < view->line_count; i++) {
		const char *line = view->lines[view->text_top + i];

		vqi_canvas_add(canvas, i + 1, VQI_STYLE_PLAIN, "%s",
			       line + vqi_printable_cut(line, left));
	}
}

/* Of rows lines there is one at least. */
static void put_queues(struct vqi_canvas *canvas, const struct vqi_screen_model *model,
		       struct vqi_screen_view *view, const struct vqi_screen_look *look,
		       size_t rows)
{
	size_t above;

	put_headline(canvas, model, view, look);
	/* On a few lines only what is wrong is shown. */
	above = 1 + put_verdict(canvas, 1, rows > 3 ? rows / FINDINGS_SHARE : rows - 1, model);
	vqi_screen_table(canvas, above, rows > above ? rows - above : 0, model, view, look->blocks);
}

void vqi_screen_layout(struct vqi_canvas *canvas, const struct vqi_screen_model *model,
		       struct vqi_screen_view *view, const struct vqi_screen_look *look)
{
	/* The last line says what the keys do; a screen of one line shows what matters more. */
	size_t rows = canvas->rows > 1 ? canvas->rows - 1 : canvas->rows;

	if (view->mode != VQI_MODE_QUEUES)
		put_text(canvas, view, rows);
	else if (model && rows)
		put_queues(canvas, model, view, look, rows);
	else if (!model)
		vqi_canvas_add(canvas, 0, VQI_STYLE_PLAIN, "looking ...");
	if (canvas->rows > 1)
		put_status(canvas, canvas->rows - 1, view);
}
