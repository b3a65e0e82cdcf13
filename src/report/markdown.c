/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "markdown.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "printable.h"
#include "vqi/cleanup.h"

#define LINE_WIDTH   100 /* columns of what is printed for people */
#define CODE_LISTED  300 /* bytes of a string within a line */
#define MAX_FENCE    32	 /* backticks */
#define SPACE_FOR_IT 80	 /* bytes: that something is left out */

void vqi_markdown_add(struct vqi_markdown *markdown, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vfprintf(markdown->out, format, args);
	va_end(args);
}

/* The longest run of backticks. */
static size_t longest_run(const char *text)
{
	size_t longest = 0;

	while (*text) {
		size_t run = strspn(text, "`");

		if (run > longest)
			longest = run;
		text += run ? run : 1;
	}
	return longest;
}

static void repeat(FILE *out, char c, size_t count)
{
	while (count-- > 0)
		fputc(c, out);
}

/* Writes text; in a table, where a bar ends the cell even in code, that is written like what is not printable. */
static void put_code(const struct vqi_markdown *markdown, const char *text)
{
	for (; *text; text++) {
		if (markdown->in_table && *text == '|')
			fputs("\\x7c", markdown->out);
		else
			fputc(*text, markdown->out);
	}
}

/* Where the character that the byte at len is of begins. */
static size_t character_start(const char *text, size_t len)
{
	while (len && (text[len] & 0xc0) == 0x80)
		len--;
	return len;
}

/* Cuts a text that is too long. */
static bool cut(char *text)
{
	if (strlen(text) <= CODE_LISTED)
		return false;
	text[character_start(text, CODE_LISTED)] = '\0';
	return true;
}

void vqi_markdown_code(struct vqi_markdown *markdown, const char *text)
{
	vqi_cleanup_free char *printable = text ? vqi_printable(text, markdown->utf8) : NULL;
	bool is_padded, is_cut;
	size_t fence;

	if (text && !printable)
		markdown->failed = true;
	if (!printable || !printable[0]) {
		fputc('-', markdown->out);
		return;
	}
	is_cut = cut(printable);
	fence = longest_run(printable) + 1;
	/* A backtick must not touch the fence. One space at each end is taken away again. */
	is_padded = fence > 1 || printable[0] == ' ';
	repeat(markdown->out, '`', fence);
	fputs(is_padded ? " " : "", markdown->out);
	put_code(markdown, printable);
	fputs(is_cut ? "..." : "", markdown->out);
	fputs(is_padded ? " " : "", markdown->out);
	repeat(markdown->out, '`', fence);
}

/* How many bytes of whole lines there are in max. */
static size_t whole_lines(const char *text, size_t max)
{
	size_t len = strlen(text);
	const char *end;

	if (len <= max)
		return len;
	end = memrchr(text, '\n', max);
	return end ? (size_t)(end - text) + 1 : 0;
}

static size_t count_lines(const char *text)
{
	size_t count = 0;

	for (; *text; text++)
		count += *text == '\n';
	return count;
}

/* The lines with backticks as what is not printable: where the fence would have to be very long. Owner: the caller. NULL
 * without memory. */
static char *without_backticks(const char *lines)
{
	char *result = malloc(strlen(lines) * strlen("\\x60") + 1);
	char *out = result;

	for (; result && *lines; lines++) {
		if (*lines == '`')
			out = stpcpy(out, "\\x60");
		else
			*out++ = *lines;
	}
	if (result)
		*out = '\0';
	return result;
}

/* Writes as many lines as there is room for; of one that is too long, its begin. */
static void put_lines(FILE *out, const char *lines, size_t max)
{
	size_t len = whole_lines(lines, max);

	if (!len) {
		fprintf(out, "%.*s...\n", (int)character_start(lines, max), lines);
		len = strcspn(lines, "\n");
		len += lines[len] == '\n';
	} else {
		fprintf(out, "%.*s%s", (int)len, lines, lines[len - 1] == '\n' ? "" : "\n");
	}
	if (lines[len])
		fprintf(out, "... %zu more lines\n", count_lines(lines + len));
}

void vqi_markdown_block(struct vqi_markdown *markdown, const char *lines, size_t max)
{
	size_t fence, run = longest_run(lines);
	vqi_cleanup_free char *other = run > MAX_FENCE ? without_backticks(lines) : NULL;

	if (run > MAX_FENCE && !other) {
		markdown->failed = true;
		return;
	}
	lines = other ? other : lines;
	lines += strspn(lines, "\n");
	if (!*lines)
		return;
	fence = other || run < 3 ? 3 : run + 1;
	fputc('\n', markdown->out);
	repeat(markdown->out, '`', fence);
	fputs("text\n", markdown->out);
	put_lines(markdown->out, lines, max - 2 * fence - SPACE_FOR_IT);
	repeat(markdown->out, '`', fence);
	fputc('\n', markdown->out);
}

void vqi_markdown_text(struct vqi_markdown *markdown, const char *title, const char *summary,
		       vqi_markdown_text_function print, size_t max)
{
	static const struct vqi_report_options options = {.requests = true, .for_tracker = true};
	vqi_cleanup_free char *lines = NULL;
	size_t len;
	struct vqi_text text = {
		.page = {.out = open_memstream(&lines, &len),
			 .width = LINE_WIDTH,
			 .utf8 = markdown->utf8},
		.snapshot = markdown->snapshot,
		.diagnosis = markdown->diagnosis,
		.options = &options,
	};

	if (!text.page.out) {
		markdown->failed = true;
		return;
	}
	print(&text);
	if (ferror(text.page.out) || text.page.failed)
		markdown->failed = true;
	if (fclose(text.page.out)) {
		markdown->failed = true;
		return;
	}
	if (!lines[strspn(lines, "\n")])
		return;
	if (title)
		fprintf(markdown->out, "\n%s\n", title);
	if (summary)
		fprintf(markdown->out, "\n<details><summary>%s</summary>\n", summary);
	vqi_markdown_block(markdown, lines, max);
	if (summary)
		fputs("\n</details>\n", markdown->out);
}

void vqi_markdown_lines(struct vqi_markdown *markdown, vqi_markdown_function write, size_t max)
{
	vqi_cleanup_free char *lines = NULL;
	size_t len;
	struct vqi_markdown part = *markdown;

	part.out = open_memstream(&lines, &len);
	if (!part.out) {
		markdown->failed = true;
		return;
	}
	write(&part);
	markdown->failed = part.failed || ferror(part.out);
	if (fclose(part.out)) {
		markdown->failed = true;
		return;
	}
	len = whole_lines(lines, max - SPACE_FOR_IT);
	fprintf(markdown->out, "%.*s", (int)len, lines);
	if (lines[len])
		fprintf(markdown->out, "\n%zu more lines are left out.\n",
			count_lines(lines + len));
}
