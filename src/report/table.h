/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A table on a page: libsmartcols, with cells that are printable whatever is put in. */
#ifndef VQI_REPORT_TABLE_H
#define VQI_REPORT_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "page.h"

struct libscols_line;
struct libscols_table;

#define VQI_TABLE_MAX_COLUMNS 16

/* What a column does when the table is wider than the page. */
enum vqi_column_fit {
	VQI_COLUMN_FIXED,
	VQI_COLUMN_DROP, /* goes; the one further right first */
	VQI_COLUMN_CUT,	 /* shows the ends of its texts */
	VQI_COLUMN_WRAP, /* between words; only the last column */
};

struct vqi_column {
	const char *name;
	bool right; /* numbers */
	enum vqi_column_fit fit;
};

struct vqi_table {
	struct vqi_page *page;
	struct libscols_table *scols;
	const struct vqi_column *columns;
	size_t column_count;
	size_t widths[VQI_TABLE_MAX_COLUMNS]; /* of the widest cell */
};

/* Without memory, page->failed is set and the other calls do nothing. */
void vqi_table_init(struct vqi_table *table, struct vqi_page *page,
		    const struct vqi_column *columns, size_t column_count);
void vqi_table_done(struct vqi_table *table);

/* A new row, the last. */
struct libscols_line *vqi_table_row(struct vqi_table *table);

/* Fills a cell, as printf. */
void vqi_table_cell(struct vqi_table *table, struct libscols_line *row, size_t column,
		    enum vqi_style style, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

/* Prints it, with empty lines around it, if it has rows. */
void vqi_table_print(struct vqi_table *table);

#endif
