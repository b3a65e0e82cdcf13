/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <string.h>

#include "vqi/options.h"

#include "option_table.h"

#define TEXT_COLUMN 24
#define WIDTH	    88

/* The option with its value, as it is typed. Returns the columns that it takes. */
static int print_option(FILE *stream, const struct vqi_option *option)
{
	const char *before = "", *after = "";
	char letter[5] = "    ";

	if (option->letter)
		snprintf(letter, sizeof(letter), "-%c, ", option->letter);
	if (option->value) {
		before = option->otherwise ? "[=" : option->kind == VQI_OPTION_CHOICE ? "=" : " ";
		after = option->otherwise ? "]" : "";
	}
	return fprintf(stream, "  %s--%s%s%s%s", letter, option->name, before,
		       option->value ? option->value : "", after);
}

/* The words of a text, in lines that begin at TEXT_COLUMN; column is where the first one stands. */
static void print_wrapped(FILE *stream, const char *text, int column)
{
	int at = column;

	if (column > TEXT_COLUMN - 2) {
		fputc('\n', stream);
		at = 0;
	}
	at += fprintf(stream, "%*s", TEXT_COLUMN - at, "");
	while (*text) {
		int len = (int)strcspn(text, " ");

		if (at > TEXT_COLUMN && at + 1 + len > WIDTH)
			at = fprintf(stream, "\n%*s", TEXT_COLUMN, "") - 1;
		else if (at > TEXT_COLUMN)
			at += fprintf(stream, " ");
		at += fprintf(stream, "%.*s", len, text);
		text += len;
		text += strspn(text, " ");
	}
	fputc('\n', stream);
}

void vqi_options_help(FILE *stream)
{
	fputs("Usage: virtq-inspect --pid PID [OPTION]...\n"
	      "Show where the requests of a running QEMU's virtio devices are, and what is stuck.\n",
	      stream);
	for (enum vqi_option_id id = 0; id < OPT_COUNT; id++) {
		const struct vqi_option *option = &vqi_option_table[id];
		const char *heading = vqi_option_heading(id);

		if (heading)
			fprintf(stream, "\n%s:\n", heading);
		print_wrapped(stream, option->help, print_option(stream, option));
	}
	fputs("\n"
	      "Exit status:\n"
	      "  0  inspected; nothing is stuck\n"
	      "  1  inspected; at least one finding of severity error\n"
	      "  2  wrong usage: unknown option, bad value, no such device or queue\n"
	      "  3  could not inspect: no such process, not a QEMU, no permission, no layout for it\n"
	      "  4  inspected in part: no error found, but gaps where one could hide\n",
	      stream);
}
