/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "page.h"

#include <langinfo.h>
#include <stdarg.h>
#include <string.h>

#include "output.h"
#include "printable.h"
#include "vqi/cleanup.h"

#define STYLE_END "\033[0m"

const char *vqi_style_sequence(enum vqi_style style)
{
	/* ECMA-48, 8.3.117 */
	static const char *const sequences[VQI_STYLE_COUNT] = {
		[VQI_STYLE_PLAIN] = "",		 [VQI_STYLE_BOLD] = "\033[1m",
		[VQI_STYLE_DIM] = "\033[2m",	 [VQI_STYLE_RED] = "\033[1;31m",
		[VQI_STYLE_YELLOW] = "\033[33m", [VQI_STYLE_GREEN] = "\033[32m",
	};

	return sequences[style];
}

struct vqi_error *vqi_page_open(struct vqi_page *page, unsigned int width, bool color)
{
	*page = (struct vqi_page){
		.width = width,
		.utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0,
		.color = color,
	};
	page->out = open_memstream(&page->text, &page->len);
	return page->out ? NULL : vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
}

struct vqi_error *vqi_page_close(struct vqi_page *page, FILE *stream)
{
	vqi_cleanup_free char *text = NULL;

	if (ferror(page->out))
		page->failed = true;
	if (fclose(take_ptr(page->out)))
		page->failed = true;
	text = take_ptr(page->text);
	if (page->failed)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	return vqi_output_write(stream, text, page->len);
}

static const char *start_of(const struct vqi_page *page, enum vqi_style style)
{
	return page->color ? vqi_style_sequence(style) : "";
}

void vqi_page_space(struct vqi_page *page)
{
	page->space = true;
}

void vqi_page_settle(struct vqi_page *page)
{
	if (page->space)
		fputc('\n', page->out);
	page->space = false;
}

void vqi_page_begin(struct vqi_page *page, size_t indent, size_t continued)
{
	page->column = 0;
	page->indent = continued;
	page->spaces = indent;
	page->empty = true;
}

static void put_spaces(struct vqi_page *page)
{
	for (size_t i = 0; i < page->spaces; i++)
		fputc(' ', page->out);
	page->column += page->spaces;
	page->spaces = 0;
}

/* Puts one word, on a new line when it does not fit on this one. Text without a space before it
 * belongs to the word before: it is not broken off. The escape sequence comes right before it. */
static void put_word(struct vqi_page *page, const char *sequence, const char *word, size_t len)
{
	size_t width = vqi_printable_width(word, len);

	if (!page->empty && page->spaces && page->width &&
	    page->column + page->spaces + width > page->width) {
		fputc('\n', page->out);
		page->column = 0;
		page->spaces = page->indent;
	}
	if (page->empty)
		vqi_page_settle(page);
	put_spaces(page);
	fputs(sequence, page->out);
	fwrite(word, 1, len, page->out);
	page->column += width;
	page->empty = false;
}

static void put_words(struct vqi_page *page, enum vqi_style style, const char *text)
{
	const char *start = start_of(page, style), *sequence = start;

	while (*text) {
		size_t spaces = strspn(text, " ");
		size_t len = strcspn(text + spaces, " ");

		page->spaces += spaces;
		if (len) {
			put_word(page, sequence, text + spaces, len);
			sequence = "";
		}
		text += spaces + len;
	}
	if (*start && !*sequence)
		fputs(STYLE_END, page->out);
}

/* vasprintf() and vqi_printable(); NULL without memory. */
__attribute__((format(printf, 2, 0))) static char *
format_printable(struct vqi_page *page, const char *format, va_list args)
{
	vqi_cleanup_free char *text = NULL;
	char *printable = NULL;

	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	else
		printable = vqi_printable(text, page->utf8);
	if (!printable)
		page->failed = true;
	return printable;
}

void vqi_page_add(struct vqi_page *page, enum vqi_style style, const char *format, ...)
{
	vqi_cleanup_free char *text = NULL;
	va_list args;

	va_start(args, format);
	text = format_printable(page, format, args);
	va_end(args);
	if (text)
		put_words(page, style, text);
}

void vqi_page_add_whole(struct vqi_page *page, size_t gap, enum vqi_style style, const char *format,
			...)
{
	const char *start = start_of(page, style);
	vqi_cleanup_free char *text = NULL;
	va_list args;

	va_start(args, format);
	text = format_printable(page, format, args);
	va_end(args);
	if (!text)
		return;
	if (!page->empty)
		page->spaces = gap;
	put_word(page, start, text, strlen(text));
	fputs(*start ? STYLE_END : "", page->out);
}

void vqi_page_end(struct vqi_page *page)
{
	fputc('\n', page->out);
	page->spaces = 0;
}

void vqi_page_line(struct vqi_page *page, size_t indent, enum vqi_style style, const char *format,
		   ...)
{
	vqi_cleanup_free char *text = NULL;
	va_list args;

	va_start(args, format);
	text = format_printable(page, format, args);
	va_end(args);
	vqi_page_begin(page, indent, indent + 2);
	if (text)
		put_words(page, style, text);
	vqi_page_end(page);
}
