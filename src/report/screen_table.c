/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of the queues on a screen. */
#include <stdio.h>
#include <string.h>

#include "printable.h"
#include "screen_layout.h"
#include "screen_words.h"
#include "text.h"
#include "words.h"

enum column {
	COLUMN_MARK,
	COLUMN_DEVICE,
	COLUMN_QUEUE,
	COLUMN_ROLE,
	COLUMN_STATE,
	COLUMN_FOR,
	COLUMN_DEPTH,
	COLUMN_OLDEST,
	COLUMN_PUBLISHED,
	COLUMN_COMPLETED,
	COLUMN_REAPED,
	COLUMN_TREND,
	COLUMN_COUNT,
};

static const struct {
	const char *title;
	size_t width; /* 0: as wide as what is in it */
	enum vqi_canvas_fit fit;
} columns[COLUMN_COUNT] = {
	[COLUMN_MARK] = {"", 1, VQI_FIT_LEFT},
	[COLUMN_DEVICE] = {"DEVICE", 0, VQI_FIT_END},
	[COLUMN_QUEUE] = {"Q", 0, VQI_FIT_RIGHT},
	[COLUMN_ROLE] = {"ROLE", 0, VQI_FIT_LEFT},
	[COLUMN_STATE] = {"STATE", 8, VQI_FIT_LEFT},
	[COLUMN_FOR] = {"FOR", 5, VQI_FIT_RIGHT},
	[COLUMN_DEPTH] = {"DEPTH", 5, VQI_FIT_RIGHT},
	[COLUMN_OLDEST] = {"OLDEST", 6, VQI_FIT_RIGHT},
	[COLUMN_PUBLISHED] = {"PUBL/s", 6, VQI_FIT_RIGHT},
	[COLUMN_COMPLETED] = {"DONE/s", 6, VQI_FIT_RIGHT},
	[COLUMN_REAPED] = {"REAP/s", 6, VQI_FIT_RIGHT},
	[COLUMN_TREND] = {"TREND", 0, VQI_FIT_LEFT},
};

#define LEAST_TREND  5
#define LEAST_DEVICE 6
#define DEVICE_WIDE  14 /* of a longer name the end is shown where all is narrow */

/* How wide each column is; 0: there is no room for it. */
struct widths {
	size_t of[COLUMN_COUNT];
};

static size_t widest(size_t width, const char *text)
{
	size_t other = vqi_printable_width(text, strlen(text));

	return other > width ? other : width;
}

/* How wide the columns have to be for what is in them, of all queues: so they stay when others are shown. */
static void measure(const struct vqi_screen_model *model, struct widths *widths)
{
	char number[16];

	for (int i = 0; i < COLUMN_COUNT; i++)
		widths->of[i] = columns[i].width ? columns[i].width : strlen(columns[i].title);
	for (size_t i = 0; i < model->row_count; i++) {
		const struct vqi_screen_row *row = &model->rows[i];

		snprintf(number, sizeof(number), "%u", row->key.index);
		widths->of[COLUMN_QUEUE] = widest(widths->of[COLUMN_QUEUE], number);
		widths->of[COLUMN_DEVICE] = widest(widths->of[COLUMN_DEVICE], row->name);
		widths->of[COLUMN_ROLE] =
			widest(widths->of[COLUMN_ROLE], row->role ? row->role : "-");
	}
}

/* The columns with a space between them; there is none behind the mark. */
static size_t total(const struct widths *widths)
{
	size_t sum = widths->of[COLUMN_MARK];

	for (int i = COLUMN_DEVICE; i < COLUMN_COUNT; i++)
		sum += widths->of[i] ? widths->of[i] + (i > COLUMN_DEVICE) : 0;
	return sum;
}

/* Makes the device narrower, down to least, as far as it must. */
static void shrink_device(struct widths *widths, size_t width, size_t least)
{
	size_t sum = total(widths), too_wide = sum > width ? sum - width : 0;
	size_t *device = &widths->of[COLUMN_DEVICE];

	if (*device > least)
		*device -= *device - least < too_wide ? *device - least : too_wide;
}

/* Fits the table into so many columns: a long name gives way first, then what is missed least. The trend takes
 * what is left. */
static void fit(const struct vqi_screen_model *model, size_t width, struct widths *widths)
{
	static const enum column dropped[] = {COLUMN_REAPED, COLUMN_TREND,     COLUMN_ROLE,
					      COLUMN_OLDEST, COLUMN_PUBLISHED, COLUMN_COMPLETED,
					      COLUMN_FOR,    COLUMN_DEPTH};
	size_t sum;

	measure(model, widths);
	shrink_device(widths, width, DEVICE_WIDE);
	for (size_t i = 0; i < sizeof(dropped) / sizeof(dropped[0]) && total(widths) > width; i++) {
		size_t device = widths->of[COLUMN_DEVICE];

		/* Not for a column or two more of the name. */
		shrink_device(widths, width, LEAST_DEVICE + 2);
		if (total(widths) <= width)
			break;
		widths->of[COLUMN_DEVICE] = device;
		widths->of[dropped[i]] = 0;
	}
	shrink_device(widths, width, LEAST_DEVICE);
	sum = total(widths);
	if (widths->of[COLUMN_TREND] && sum < width)
		widths->of[COLUMN_TREND] += width - sum;
	if (widths->of[COLUMN_TREND] > VQI_HISTORY_LOOKS)
		widths->of[COLUMN_TREND] = VQI_HISTORY_LOOKS;
}

/* ---- cells ---- */

static void put_trend(struct vqi_canvas *canvas, size_t line, const struct vqi_screen_row *row,
		      size_t width, bool blocks)
{
	char text[VQI_SPARKLINE_BYTES(VQI_HISTORY_LOOKS)];
	size_t count = row->depth_count < width ? row->depth_count : width;

	vqi_screen_sparkline(row->depths + row->depth_count - count, count, blocks, text);
	vqi_canvas_cell(canvas, line, VQI_STYLE_PLAIN, width, columns[COLUMN_TREND].fit, text);
}

static void number_word(const struct vqi_screen_row *row, enum column column,
			char word[VQI_SCREEN_WORD])
{
	switch (column) {
	case COLUMN_QUEUE:
		snprintf(word, VQI_SCREEN_WORD, "%u", row->key.index);
		return;
	case COLUMN_FOR:
		vqi_screen_duration(VQI_NUM(row->state_ms), word);
		return;
	case COLUMN_DEPTH:
		vqi_screen_count(row->depth, word);
		return;
	case COLUMN_OLDEST:
		vqi_screen_duration(row->oldest_ms, word);
		return;
	case COLUMN_PUBLISHED:
		vqi_screen_rate(&row->published, word);
		return;
	case COLUMN_COMPLETED:
		vqi_screen_rate(&row->completed, word);
		return;
	default:
		vqi_screen_rate(&row->reaped, word);
	}
}

static void put_cell(struct vqi_canvas *canvas, size_t line, const struct vqi_screen_row *row,
		     enum column column, size_t width)
{
	enum vqi_canvas_fit how = columns[column].fit;
	char word[VQI_SCREEN_WORD];

	switch (column) {
	case COLUMN_DEVICE:
		vqi_canvas_cell(canvas, line, VQI_STYLE_PLAIN, width, how, row->name);
		return;
	case COLUMN_ROLE:
		vqi_canvas_cell(canvas, line, VQI_STYLE_PLAIN, width, how,
				row->role ? row->role : "-");
		return;
	case COLUMN_STATE:
		vqi_canvas_cell(canvas, line, vqi_text_state_style(row->state), width, how,
				vqi_queue_state_word(row->state));
		return;
	default:
		number_word(row, column, word);
		vqi_canvas_cell(canvas, line, VQI_STYLE_PLAIN, width, how, word);
	}
}

static void put_row(struct vqi_canvas *canvas, size_t line, const struct vqi_screen_row *row,
		    const struct widths *widths, bool is_selected, bool blocks)
{
	/* Reverse video may be all a terminal lacks. */
	vqi_canvas_add(canvas, line, VQI_STYLE_PLAIN, is_selected ? ">" : " ");
	for (int i = COLUMN_DEVICE; i < COLUMN_COUNT; i++) {
		if (!widths->of[i])
			continue;
		if (i > COLUMN_DEVICE)
			vqi_canvas_add(canvas, line, VQI_STYLE_PLAIN, " ");
		if (i == COLUMN_TREND)
			put_trend(canvas, line, row, widths->of[i], blocks);
		else
			put_cell(canvas, line, row, (enum column)i, widths->of[i]);
	}
	if (is_selected)
		vqi_canvas_reverse(canvas, line);
}

static void put_titles(struct vqi_canvas *canvas, size_t line, const struct widths *widths)
{
	vqi_canvas_add(canvas, line, VQI_STYLE_PLAIN, " ");
	for (int i = COLUMN_DEVICE; i < COLUMN_COUNT; i++) {
		if (!widths->of[i])
			continue;
		if (i > COLUMN_DEVICE)
			vqi_canvas_add(canvas, line, VQI_STYLE_PLAIN, " ");
		vqi_canvas_cell(canvas, line, VQI_STYLE_BOLD, widths->of[i], columns[i].fit,
				columns[i].title);
	}
}

/* ---- the table ---- */

/* Says how many queues are not shown, in which states. */
static void put_folded(struct vqi_canvas *canvas, size_t line, const struct vqi_screen_model *model,
		       const struct vqi_screen_view *view)
{
	static const struct {
		enum vqi_queue_state state;
		const char *word;
	} states[] = {
		{VQI_QUEUE_PARKED, "parked"},
		{VQI_QUEUE_IDLE, "idle"},
		{VQI_QUEUE_PAUSED, "paused"},
		{VQI_QUEUE_DISABLED, "not set up"},
	};
	size_t folded = model->row_count - view->shown_count;
	const char *separator = ": ";

	vqi_canvas_add(canvas, line, VQI_STYLE_DIM, " %zu%s queue%s", folded,
		       view->shown_count ? " more" : "", folded == 1 ? "" : "s");
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		size_t count = 0;

		for (size_t j = 0; j < model->row_count; j++)
			count += model->rows[j].state == states[i].state;
		for (size_t j = 0; j < view->shown_count; j++)
			count -= view->shown[j]->state == states[i].state;
		if (!count)
			continue;
		vqi_canvas_add(canvas, line, VQI_STYLE_DIM, "%s%zu %s", separator, count,
			       states[i].word);
		separator = ", ";
	}
	vqi_canvas_add(canvas, line, VQI_STYLE_DIM, "; v shows them");
}

static void scroll(struct vqi_screen_view *view)
{
	if (view->selected < view->top)
		view->top = view->selected;
	if (view->selected >= view->top + view->page)
		view->top = view->selected + 1 - view->page;
	if (view->top + view->page > view->shown_count)
		view->top = view->shown_count > view->page ? view->shown_count - view->page : 0;
}

void vqi_screen_table(struct vqi_canvas *canvas, size_t row, size_t rows,
		      const struct vqi_screen_model *model, struct vqi_screen_view *view,
		      bool blocks)
{
	bool folds = !view->filter[0] && view->shown_count < model->row_count;
	size_t room = rows > 1 ? rows - 1 : 0, shown;
	struct widths widths;

	view->page = room > folds ? room - folds : room ? room : 1;
	if (!room)
		return;
	scroll(view);
	fit(model, canvas->columns, &widths);
	put_titles(canvas, row++, &widths);
	if (!view->shown_count && view->filter[0])
		vqi_canvas_add(canvas, row, VQI_STYLE_PLAIN,
			       " nothing has \"%s\" in it; Esc clears the filter", view->filter);
	shown = view->shown_count - view->top;
	if (shown > view->page)
		shown = view->page;
	for (size_t i = 0; i < shown; i++)
		put_row(canvas, row + i, view->shown[view->top + i], &widths,
			view->top + i == view->selected, blocks);
	if (folds && room > 1)
		put_folded(canvas, row + shown, model, view);
}
