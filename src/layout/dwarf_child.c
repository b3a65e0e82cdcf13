/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parser runs in a child. Whoever made the executable made the debug information, and libdw
 * was not written for hostile files: what crashes or never ends there is an error here. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dwarf_private.h"
#include "vqi/confined.h"

/* Units: s. The largest debug files take about one. */
#define MAX_CPU_S   30
#define MAX_WAIT_S  60
#define MAX_FETCH_S 600 /* with debuginfod, which has a limit of its own: DEBUGINFOD_TIMEOUT */

#define SLOW_S	    "30" /* for the first 100 KiB, unless the user says otherwise */

#define MAX_MESSAGE 1024

/* What is resolved. */
struct question {
	struct vqi_process *process;
	const struct vqi_image *image;
	const struct vqi_dwarf_options *options;
};

/* What the child says. */
struct answer {
	bool ok;
	enum vqi_error_code code;
	int saved_errno;
	char message[MAX_MESSAGE];
	struct vqi_layout layout;
};

static void answer_error(struct answer *answer, const struct vqi_error *error)
{
	answer->code = error->code;
	answer->saved_errno = error->saved_errno;
	snprintf(answer->message, sizeof(answer->message), "%s", error->message);
}

static bool child(int fd, void *context)
{
	const struct question *question = context;
	struct answer answer;
	struct vqi_error *error;

	memset(&answer, 0, sizeof(answer)); /* padding too: it is written */
	if (question->options->offline)
		unsetenv("DEBUGINFOD_URLS"); /* libdwfl looks at nothing else */
	/* Whoever asks for a hung VM has no three times 90 seconds for a server that says nothing. */
	setenv("DEBUGINFOD_TIMEOUT", SLOW_S, false);
	setenv("DEBUGINFOD_RETRY_LIMIT", "0", false);
	error = vqi_dwarf_resolve_here(question->process, question->image, question->options,
				       &answer.layout);
	answer.ok = !error;
	if (error)
		answer_error(&answer, error);
	return vqi_confined_write(fd, &answer, sizeof(answer));
}

static struct vqi_error *to_error(const struct answer *answer)
{
	struct vqi_error *error =
		vqi_error_new(answer->code, "%.*s", MAX_MESSAGE - 1, answer->message);

	if (error->code != VQI_ERROR_NOMEM)
		error->saved_errno = answer->saved_errno;
	return error;
}

struct vqi_error *vqi_dwarf_resolve(struct vqi_process *process, const struct vqi_image *image,
				    const struct vqi_dwarf_options *options,
				    struct vqi_layout *ret_layout)
{
	struct question question = {.process = process, .image = image, .options = options};
	bool online = !options->offline && getenv("DEBUGINFOD_URLS");
	const struct vqi_confined_limits limits = {
		.cpu_s = MAX_CPU_S,
		.wait_s = online ? MAX_FETCH_S : MAX_WAIT_S,
	};
	struct vqi_confined confined;
	struct vqi_error *error;
	struct answer answer;
	bool answered;

	if (options->offline && !options->debuginfo && !vqi_dwarf_may_be_found(process, image))
		return vqi_dwarf_none(image);
	error = vqi_confined_start(&limits, child, &question, &confined);
	if (error)
		return error;
	answered = vqi_confined_read(&confined, &answer, sizeof(answer));
	error = vqi_confined_end(&confined, "reading the debug information");
	if (!answered)
		return vqi_error_prefix(error, "%s", image->path);
	vqi_error_free(error);
	if (!answer.ok)
		return to_error(&answer);
	*ret_layout = answer.layout;
	return NULL;
}
