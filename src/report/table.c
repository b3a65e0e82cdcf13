/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "table.h"

#include <assert.h>
#include <libsmartcols.h>
#include <stdarg.h>
#include <string.h>

#include "printable.h"
#include "vqi/cleanup.h"

#define SEPARATOR	"  "
#define SEPARATOR_WIDTH (sizeof(SEPARATOR) - 1)

/* Tells libsmartcols how the page is; false without memory. */
static bool set_up(struct vqi_table *table)
{
	struct vqi_page *page = table->page;

	/* Cells are made printable here: libsmartcols would escape the escapes. */
	if (!table->scols || scols_table_enable_noencoding(table->scols, 1) ||
	    scols_table_set_stream(table->scols, page->out) ||
	    scols_table_enable_colors(table->scols, page->color) ||
	    scols_table_set_column_separator(table->scols, SEPARATOR))
		return false;
	for (size_t i = 0; i < table->column_count; i++) {
		const struct vqi_column *column = &table->columns[i];

		if (!scols_table_new_column(table->scols, column->name, 0,
					    column->right ? SCOLS_FL_RIGHT : 0))
			return false;
		table->widths[i] = strlen(column->name);
	}
	return true;
}

void vqi_table_init(struct vqi_table *table, struct vqi_page *page,
		    const struct vqi_column *columns, size_t column_count)
{
	assert(column_count <= VQI_TABLE_MAX_COLUMNS);
	*table = (struct vqi_table){
		.page = page,
		.scols = scols_new_table(),
		.columns = columns,
		.column_count = column_count,
	};
	if (!set_up(table))
		page->failed = true;
}

void vqi_table_done(struct vqi_table *table)
{
	scols_unref_table(table->scols);
	table->scols = NULL;
}

struct libscols_line *vqi_table_row(struct vqi_table *table)
{
	struct libscols_line *row = NULL;

	if (!table->page->failed)
		row = scols_table_new_line(table->scols, NULL);
	if (!row)
		table->page->failed = true;
	return row;
}

void vqi_table_cell(struct vqi_table *table, struct libscols_line *row, size_t column,
		    enum vqi_style style, const char *format, ...)
{
	vqi_cleanup_free char *text = NULL;
	vqi_cleanup_free char *printable = NULL;
	const char *sequence = vqi_style_sequence(style);
	size_t width;
	va_list args;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	printable = text ? vqi_printable(text, table->page->utf8) : NULL;
	if (!row || !printable || scols_line_set_data(row, column, printable) ||
	    (*sequence && scols_cell_set_color(scols_line_get_cell(row, column), sequence))) {
		table->page->failed = true;
		return;
	}
	width = vqi_printable_width(printable, strlen(printable));
	if (width > table->widths[column])
		table->widths[column] = width;
}

/* The least a column that wraps is given. */
#define LEAST_WRAPPED 24

static bool is_hidden(const struct vqi_table *table, size_t column)
{
	return scols_column_is_hidden(scols_table_get_column(table->scols, column));
}

static void add_flag(const struct vqi_table *table, size_t column, int flag)
{
	struct libscols_column *scols = scols_table_get_column(table->scols, column);

	scols_column_set_flags(scols, scols_column_get_flags(scols) | flag);
}

/* How wide the table is, with its last column not wrapped beyond reason. */
static size_t table_width(const struct vqi_table *table)
{
	size_t width = 0;

	for (size_t i = 0; i < table->column_count; i++) {
		size_t column = table->widths[i];

		if (is_hidden(table, i))
			continue;
		if (table->columns[i].fit == VQI_COLUMN_WRAP && column > LEAST_WRAPPED)
			column = LEAST_WRAPPED;
		width += column + (i ? SEPARATOR_WIDTH : 0);
	}
	return width;
}

/* Breaks a text between words so that its lines are at most width wide. */
static void break_lines(char *text, size_t width)
{
	char *line = text, *space = NULL;

	for (; *text; text++) {
		if (*text != ' ')
			continue;
		if (space && vqi_printable_width(line, (size_t)(text - line)) > width) {
			*space = '\n';
			line = space + 1;
		}
		space = text;
	}
	if (space && vqi_printable_width(line, (size_t)(text - line)) > width)
		*space = '\n';
}

/* Wraps the last column to what the others leave of the page. */
static void wrap_last(struct vqi_table *table)
{
	size_t last = table->column_count - 1, width = LEAST_WRAPPED;
	struct libscols_column *column = scols_table_get_column(table->scols, last);
	size_t others = table_width(table);

	others -= table->widths[last] < LEAST_WRAPPED ? table->widths[last] : LEAST_WRAPPED;
	if (others + width < table->page->width)
		width = table->page->width - others;
	add_flag(table, last, SCOLS_FL_WRAP);
	scols_column_set_safechars(column, "\n");
	if (scols_column_set_wrapfunc(column, scols_wrapnl_chunksize, scols_wrapnl_nextchunk, NULL))
		table->page->failed = true;
	for (size_t i = 0; i < scols_table_get_nlines(table->scols); i++) {
		struct libscols_line *row = scols_table_get_line(table->scols, i);
		vqi_cleanup_free char *text = strdup(scols_line_get_column_data(row, column));

		if (text)
			break_lines(text, width);
		if (!text || scols_line_set_data(row, last, text))
			table->page->failed = true;
	}
}

/* The end of a text, with a mark before it, so that it is at most width wide: what tells paths
 * apart is there. Owner: the caller. NULL without memory. */
static char *cut(const char *text, size_t width, bool utf8)
{
	const char *mark = utf8 ? "\u2026" : "..";
	size_t mark_width = vqi_printable_width(mark, strlen(mark));
	char *result;

	if (vqi_printable_width(text, strlen(text)) <= width)
		return strdup(text);
	while (*text && vqi_printable_width(text, strlen(text)) + mark_width > width)
		do
			text++;
		while ((*text & 0xc0) == 0x80); /* within a character */
	return asprintf(&result, "%s%s", mark, text) < 0 ? NULL : result;
}

/* The least that is left of a text. */
#define LEAST_CUT 8

/* Cuts the texts of a column to make the table fit. */
static void cut_column(struct vqi_table *table, size_t column)
{
	size_t excess = table_width(table) - table->page->width;
	size_t width = LEAST_CUT;

	if (table->widths[column] > excess + LEAST_CUT)
		width = table->widths[column] - excess;
	if (width >= table->widths[column])
		return;
	for (size_t i = 0; i < scols_table_get_nlines(table->scols); i++) {
		struct libscols_line *row = scols_table_get_line(table->scols, i);
		const char *text = scols_cell_get_data(scols_line_get_cell(row, column));
		vqi_cleanup_free char *shorter = cut(text, width, table->page->utf8);

		if (!shorter || scols_line_set_data(row, column, shorter))
			table->page->failed = true;
	}
	table->widths[column] = width;
}

/* Makes the table fit the page, as far as that goes: first columns go, then they are cut. */
static void fit(struct vqi_table *table)
{
	size_t width = table->page->width;

	for (size_t i = table->column_count; i-- > 0 && table_width(table) > width;)
		if (table->columns[i].fit == VQI_COLUMN_DROP)
			add_flag(table, i, SCOLS_FL_HIDDEN);
	for (size_t i = 0; i < table->column_count && table_width(table) > width; i++)
		if (table->columns[i].fit == VQI_COLUMN_CUT)
			cut_column(table, i);
	if (table->columns[table->column_count - 1].fit == VQI_COLUMN_WRAP)
		wrap_last(table);
}

void vqi_table_print(struct vqi_table *table)
{
	struct vqi_page *page = table->page;

	if (page->failed || scols_table_is_empty(table->scols))
		return;
	vqi_page_space(page);
	vqi_page_settle(page);
	scols_table_set_termforce(table->scols,
				  page->width ? SCOLS_TERMFORCE_ALWAYS : SCOLS_TERMFORCE_NEVER);
	if (page->width) {
		scols_table_set_termwidth(table->scols, page->width);
		fit(table);
	}
	if (page->failed || scols_print_table(table->scols))
		page->failed = true;
	vqi_page_space(page);
}
