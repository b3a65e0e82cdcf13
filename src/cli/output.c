/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "output.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "vqi/openmetrics.h"
#include "vqi/report.h"

/* With --dump-bytes a report has data of the guest in it. Numbers are for a program
 * that runs as somebody else: node_exporter. */
#define REPORT_MODE  0600
#define METRICS_MODE 0644

bool vqi_output_is_file(const struct vqi_options *options)
{
	return options->output && strcmp(options->output, "-") != 0;
}

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
static bool want_color(enum vqi_color color, bool is_terminal)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	if (color != VQI_COLOR_AUTO)
		return color == VQI_COLOR_ALWAYS;
	if (no_color && no_color[0])
		return false;
	if (is_set("CLICOLOR_FORCE"))
		return true;
	return is_terminal && term && strcmp(term, "dumb") != 0;
}

bool vqi_output_has_color(const struct vqi_options *options)
{
	return want_color(options->color, isatty(STDOUT_FILENO));
}

struct vqi_error *vqi_output_close(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return NULL;
	return vqi_error_sys(errno, "cannot write the report");
}

/* A file is no terminal. */
static struct vqi_report_options report_options(const struct vqi_options *options)
{
	bool to_file = vqi_output_is_file(options);

	return (struct vqi_report_options){
		.verbose = options->verbose,
		.requests = vqi_options_show_requests(options),
		.color = want_color(options->color, !to_file && isatty(STDOUT_FILENO)),
		.width = to_file ? 0 : terminal_width(),
	};
}

struct vqi_error *vqi_output_content(const struct vqi_options *options, vqi_content_func content,
				     const void *data)
{
	if (!vqi_output_is_file(options))
		return content(stdout, data);
	return vqi_replace_file(options->output,
				options->format == VQI_FORMAT_OPENMETRICS ? METRICS_MODE
									  : REPORT_MODE,
				content, data);
}

struct vqi_error *vqi_output_text(vqi_content_func content, const void *data, char **ret_text,
				  size_t *ret_len)
{
	vqi_cleanup_free char *text = NULL;
	struct vqi_error *error;
	size_t len;
	FILE *stream = open_memstream(&text, &len);

	if (!stream)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	error = content(stream, data);
	if (fclose(stream) && !error)
		error = vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	if (error)
		return error;
	*ret_text = take_ptr(text);
	*ret_len = len;
	return NULL;
}

/* What print_report() prints. */
struct report {
	const struct vqi_options *options;
	const struct vqi_snapshot *snapshot;
	const struct vqi_diagnosis *diagnosis;
};

static struct vqi_error *print_report(FILE *stream, const void *data)
{
	const struct report *report = data;
	const struct vqi_report_options text = report_options(report->options);

	switch (report->options->format) {
	case VQI_FORMAT_JSON:
		return vqi_report_json(stream, report->snapshot, report->diagnosis);
	case VQI_FORMAT_OPENMETRICS:
		return vqi_openmetrics_write(stream, report->snapshot, report->diagnosis);
	case VQI_FORMAT_TEXT:
		break;
	}
	return vqi_report_text(stream, report->snapshot, report->diagnosis, &text);
}

struct vqi_error *vqi_output_report_text(const struct vqi_options *options,
					 const struct vqi_snapshot *snapshot,
					 const struct vqi_diagnosis *diagnosis, char **ret_text,
					 size_t *ret_len)
{
	const struct report report = {options, snapshot, diagnosis};

	return vqi_output_text(print_report, &report, ret_text, ret_len);
}

struct vqi_error *vqi_output_report(const struct vqi_options *options,
				    const struct vqi_snapshot *snapshot,
				    const struct vqi_diagnosis *diagnosis)
{
	const struct report report = {options, snapshot, diagnosis};

	return vqi_output_content(options, print_report, &report);
}

/* What print_diff() prints. */
struct difference {
	const struct vqi_options *options;
	const struct vqi_diff *diff;
};

static struct vqi_error *print_diff(FILE *stream, const void *data)
{
	const struct difference *difference = data;
	const struct vqi_report_options text = report_options(difference->options);

	if (difference->options->format == VQI_FORMAT_JSON)
		return vqi_diff_json(stream, difference->diff);
	return vqi_diff_text(stream, difference->diff, &text);
}

struct vqi_error *vqi_output_diff(const struct vqi_options *options, const struct vqi_diff *diff)
{
	const struct difference difference = {options, diff};

	return vqi_output_content(options, print_diff, &difference);
}

struct vqi_error *vqi_output_vms(FILE *stream, const struct vqi_options *options,
				 const struct vqi_vm_line *lines, size_t count, size_t failed)
{
	const struct vqi_report_options report = report_options(options);

	return vqi_report_vms(stream, lines, count, failed, &report);
}
