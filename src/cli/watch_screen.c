/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the keys of a watch's screen ask for. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "output.h"
#include "report_file.h"
#include "signals.h"
#include "vqi/report.h"
#include "watch.h"

VQI_DEFINE_CLEANUP_VALUE(struct vqi_diagnosis, vqi_diagnosis_done)

#define DEFAULT_REPORT "virtq-inspect-%d.md"

struct vqi_error *vqi_watch_show_screen(struct vqi_watch *watch)
{
	return vqi_screen_draw(watch->screen, watch->history, vqi_past_last(&watch->past),
			       &watch->diagnosis);
}

/* ---- a queue ---- */

/* The device that an action means; it may be gone. */
static const struct vqi_device *find_device(const struct vqi_snapshot *snapshot,
					    const struct vqi_screen_action *action)
{
	for (size_t i = 0; i < snapshot->device_count; i++) {
		const struct vqi_device *device = &snapshot->devices[i];
		const char *label = vqi_device_label(device);

		if (device->vdev_addr == action->vdev_addr &&
		    strcmp(label ? label : "", action->device) == 0)
			return device;
	}
	return NULL;
}

/* What print_queue() prints. */
struct queue_text {
	const struct vqi_watch *watch;
	const struct vqi_screen_action *action;
	const struct vqi_snapshot *snapshot;
	const struct vqi_diagnosis *diagnosis;
};

static struct vqi_error *print_queue(FILE *stream, const void *data)
{
	const struct queue_text *text = data;
	const struct vqi_report_options options = {
		.verbose = text->watch->options->verbose,
		.requests = true,
		.width = vqi_screen_width(text->watch->screen),
	};
	const struct vqi_device *device = find_device(text->snapshot, text->action);
	const struct vqi_queue *queue = vqi_find_queue(device, text->action->queue);

	if (queue)
		return vqi_report_queue(stream, text->snapshot, text->diagnosis, device, queue,
					&options);
	fputs("this queue is gone\n", stream);
	return NULL;
}

/* A look at all, and closer at this queue. */
static struct vqi_error *look_at_queue(struct vqi_watch *watch, unsigned int queue,
				       struct vqi_snapshot **ret_snapshot,
				       struct vqi_diagnosis *ret_diagnosis)
{
	const struct vqi_closer_look what = {
		.queue = VQI_NUM(queue),
		.dump_bytes = watch->options->dump_bytes,
		.stacks = watch->options->stacks ? watch->options->stacks : VQI_STACKS_SERVING,
	};
	struct vqi_error *error = vqi_watch_look(watch, NULL, ret_snapshot, ret_diagnosis);

	return error ? error
		     : vqi_observer_look_closer(watch->session->observer, &what, VQI_STOP_NEVER,
						*ret_snapshot);
}

static struct vqi_error *show_queue(struct vqi_watch *watch, const struct vqi_screen_action *action)
{
	vqi_cleanup_snapshot struct vqi_snapshot *snapshot = NULL;
	vqi_cleanup(vqi_diagnosis_done) struct vqi_diagnosis diagnosis = {0};
	vqi_cleanup_free char *text = NULL, *title = NULL;
	struct vqi_error *error = look_at_queue(watch, action->queue, &snapshot, &diagnosis);
	const struct queue_text content = {watch, action, snapshot, &diagnosis};
	size_t len;

	if (error)
		return error;
	if (asprintf(&title, "%s queue %u", action->device, action->queue) < 0)
		title = NULL;
	error = vqi_output_text(print_queue, &content, &text, &len);
	if (!error && !title)
		error = vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	return error ? error : vqi_screen_show_text(watch->screen, title, text);
}

/* ---- a report ---- */

static struct vqi_error *write_report(struct vqi_watch *watch, const struct vqi_options *options)
{
	vqi_cleanup_snapshot struct vqi_snapshot *snapshot = NULL;
	vqi_cleanup(vqi_diagnosis_done) struct vqi_diagnosis diagnosis = {0};
	const struct vqi_past_look *earlier;
	struct vqi_error *error = vqi_watch_look(watch, NULL, &snapshot, &diagnosis);

	if (error)
		return error;
	earlier = vqi_past_find(&watch->past, snapshot, vqi_signals_now());
	error = vqi_session_look_closer(watch->session, earlier ? earlier->snapshot : NULL,
					snapshot, &diagnosis);
	if (!error)
		error = vqi_session_read_host(watch->session, snapshot);
	return error ? error : vqi_report_file_write(options, snapshot, &diagnosis);
}

/* To the file that the options name, or to one in this folder. That it cannot be written ends no watch. */
static struct vqi_error *report(struct vqi_watch *watch)
{
	const struct vqi_options *given = watch->session->options;
	vqi_cleanup_error struct vqi_error *error = NULL;
	vqi_cleanup_free char *message = NULL;
	struct vqi_options options = *given;
	char name[64];

	snprintf(name, sizeof(name), DEFAULT_REPORT, (int)watch->session->target.pid);
	if (!options.report)
		options.report = name;
	watch->session->options = &options;
	error = write_report(watch, &options);
	watch->session->options = given;
	if (error && vqi_error_is_fatal(error))
		return take_ptr(error);
	if (asprintf(&message, "%s%s", error ? "" : "written to ",
		     error ? error->message : options.report) < 0)
		message = NULL;
	return vqi_screen_message(watch->screen, message ? message : "out of memory");
}

struct vqi_error *vqi_watch_serve_screen(struct vqi_watch *watch, bool *ret_end)
{
	struct vqi_screen_action action = {0};
	struct vqi_error *error = NULL;

	while (!error) {
		error = vqi_screen_wait(watch->screen, watch->next_ns, &action);
		*ret_end = !error && (action.kind == VQI_SCREEN_QUIT || vqi_signals_came());
		if (error || *ret_end)
			break;
		if (action.kind == VQI_SCREEN_CLOSER_LOOK)
			error = show_queue(watch, &action);
		else if (action.kind == VQI_SCREEN_REPORT)
			error = report(watch);
		else if (vqi_signals_now() >= watch->next_ns)
			break;
	}
	return error;
}
