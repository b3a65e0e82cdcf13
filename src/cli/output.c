/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "output.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "vqi/report.h"

/* Columns of the terminal on standard output; 0 where it is none. COLUMNS wins, as everywhere. */
static unsigned int terminal_width(void)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;

	if (!isatty(STDOUT_FILENO))
		return 0;
	if (columns && atoi(columns) > 0)
		return (unsigned int)atoi(columns);
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col)
		return size.ws_col;
	return 80;
}

static bool is_set(const char *variable)
{
	const char *value = getenv(variable);

	return value && value[0] && strcmp(value, "0") != 0;
}

/* Sources: no-color.org, bixense.com/clicolors. */
static bool want_color(enum vqi_color color)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	if (color != VQI_COLOR_AUTO)
		return color == VQI_COLOR_ALWAYS;
	if (no_color && no_color[0])
		return false;
	if (is_set("CLICOLOR_FORCE"))
		return true;
	return isatty(STDOUT_FILENO) && term && strcmp(term, "dumb") != 0;
}

struct vqi_error *vqi_output_close(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return NULL;
	return vqi_error_sys(errno, "cannot write the report");
}

static struct vqi_report_options report_options(const struct vqi_options *options)
{
	return (struct vqi_report_options){
		.verbose = options->verbose,
		.requests = vqi_options_show_requests(options),
		.color = want_color(options->color),
		.width = terminal_width(),
	};
}

struct vqi_error *vqi_output_report(FILE *stream, const struct vqi_options *options,
				    const struct vqi_snapshot *snapshot,
				    const struct vqi_diagnosis *diagnosis)
{
	const struct vqi_report_options report = report_options(options);

	if (options->format == VQI_FORMAT_JSON)
		return vqi_report_json(stream, snapshot, diagnosis);
	return vqi_report_text(stream, snapshot, diagnosis, &report);
}

struct vqi_error *vqi_output_vms(const struct vqi_options *options, const struct vqi_vm_line *lines,
				 size_t count, size_t failed)
{
	const struct vqi_report_options report = report_options(options);

	return vqi_report_vms(stdout, lines, count, failed, &report);
}
