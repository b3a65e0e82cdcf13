/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report_file.h"

#include <stdio.h>
#include <string.h>

#include "vqi/cleanup.h"
#include "vqi/replace.h"
#include "vqi/report.h"

#define MODE 0600 /* what a host runs, and how, is not for everybody on it */

struct content {
	const struct vqi_snapshot *snapshot;
	const struct vqi_diagnosis *diagnosis;
	const char *command;
};

static struct vqi_error *write_content(FILE *stream, const void *data)
{
	const struct content *content = data;

	return vqi_report_markdown(stream, content->snapshot, content->diagnosis, content->command);
}

/* The words that this program was called with. Owner: the caller. NULL without memory. */
static char *join_words(char *const *words)
{
	char *command = NULL;
	size_t len;
	FILE *out = open_memstream(&command, &len);

	if (!out)
		return NULL;
	for (size_t i = 0; words && words[i]; i++)
		fprintf(out, strpbrk(words[i], " \t\n") ? "%s'%s'" : "%s%s", i ? " " : "",
			words[i]);
	return fclose(out) == 0 ? command : NULL;
}

struct vqi_error *vqi_report_file_write(const struct vqi_options *options,
					const struct vqi_snapshot *snapshot,
					const struct vqi_diagnosis *diagnosis)
{
	vqi_cleanup_free char *command = join_words(options->words);
	const struct content content = {snapshot, diagnosis, command};

	if (!command)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	return vqi_replace_file(options->report, MODE, write_content, &content);
}
