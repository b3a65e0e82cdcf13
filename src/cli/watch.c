/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --watch. */
#include "watch.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "output.h"
#include "report_file.h"
#include "signals.h"
#include "vqi/inspect.h"
#include "vqi/replace.h"

#define NS_PER_MS UINT64_C(1000000)

VQI_DEFINE_CLEANUP_VALUE(struct vqi_diagnosis, vqi_diagnosis_done)

static void watch_done(struct vqi_watch *watch)
{
	vqi_screen_close(watch->screen);
	vqi_lines_free(watch->lines);
	vqi_history_free(watch->history);
	vqi_diagnosis_done(&watch->diagnosis);
	vqi_past_done(&watch->past);
	vqi_session_close(watch->session);
}
VQI_DEFINE_CLEANUP_VALUE(struct vqi_watch, watch_done)

/* ---- what it shows ---- */

static bool is_text(const struct vqi_options *options)
{
	return options->format == VQI_FORMAT_TEXT && !options->quiet &&
	       !vqi_output_is_file(options);
}

static struct vqi_error *open_screen(struct vqi_watch *watch)
{
	const struct vqi_screen_options options = {
		.color = vqi_output_has_color(watch->options),
		.interval_ms = watch->options->watch_ms,
		.wait_mask = &watch->wait_mask,
	};
	struct vqi_error *error;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return NULL;
	error = vqi_screen_open(&options, &watch->screen);
	if (error && error->code == VQI_ERROR_UNSUPPORTED) /* then lines will do */
		vqi_error_free(take_ptr(error));
	return error;
}

static struct vqi_error *open_display(struct vqi_watch *watch)
{
	const struct vqi_lines_options lines = {
		.color = vqi_output_has_color(watch->options),
		.interval_ms = watch->options->watch_ms,
	};
	struct vqi_error *error;

	if (!is_text(watch->options))
		return NULL;
	error = vqi_history_new(&watch->history);
	if (!error)
		error = open_screen(watch);
	if (!error && !watch->screen)
		error = vqi_lines_new(&lines, &watch->lines);
	return error;
}

static struct vqi_error *show(struct vqi_watch *watch)
{
	const struct vqi_snapshot *snapshot = vqi_past_last(&watch->past);

	if (watch->screen)
		return vqi_watch_show_screen(watch);
	if (watch->lines)
		return vqi_lines_print(watch->lines, stdout, watch->history, snapshot,
				       &watch->diagnosis);
	if (watch->options->quiet)
		return NULL;
	return vqi_output_report(watch->options, snapshot, &watch->diagnosis);
}

/* ---- looks ---- */

/* Which look it is compared with is of the capture, too. */
static void describe_looks(const struct vqi_past_look *earlier, uint64_t now_ns,
			   struct vqi_capture *capture)
{
	capture->duration_us = (vqi_signals_now() - now_ns) / 1000;
	if (!earlier)
		return;
	capture->looks = 2;
	capture->interval_ms = (now_ns - earlier->time_ns) / NS_PER_MS;
}

struct vqi_error *vqi_watch_look(struct vqi_watch *watch, const struct vqi_snapshot *before,
				 struct vqi_snapshot **ret_snapshot,
				 struct vqi_diagnosis *ret_diagnosis)
{
	vqi_cleanup_snapshot struct vqi_snapshot *snapshot = NULL;
	uint64_t now_ns = vqi_signals_now();
	const struct vqi_past_look *earlier;
	struct vqi_error *error;

	error = vqi_session_look_again(watch->session, before, watch->look_count > 0, &snapshot);
	if (error)
		return error;
	earlier = vqi_past_find(&watch->past, snapshot, now_ns);
	describe_looks(earlier, now_ns, &snapshot->capture);
	error = vqi_diagnose(earlier ? earlier->snapshot : NULL, snapshot, ret_diagnosis);
	if (!error)
		*ret_snapshot = take_ptr(snapshot);
	return error;
}

/* A report is as whole in each look as it is elsewhere; lines and the screen show nothing of what a brief look lacks. */
static struct vqi_error *take_look(struct vqi_watch *watch)
{
	const struct vqi_snapshot *before =
		watch->history || watch->options->quiet ? vqi_past_last(&watch->past) : NULL;
	struct vqi_diagnosis diagnosis = {0};
	struct vqi_snapshot *snapshot = NULL;
	uint64_t now_ns = vqi_signals_now();
	struct vqi_error *error;

	error = vqi_watch_look(watch, before, &snapshot, &diagnosis);
	if (error)
		return error;
	vqi_diagnosis_done(&watch->diagnosis);
	watch->diagnosis = diagnosis;
	watch->look_count++;
	if (watch->history)
		error = vqi_history_add(watch->history, snapshot, now_ns);
	if (error) {
		vqi_snapshot_free(snapshot);
		return error;
	}
	return vqi_past_add(&watch->past, snapshot, now_ns);
}

/* Finds out more of a look, where that is asked for or it is the last one, and diagnoses it anew. */
static struct vqi_error *look_closer(struct vqi_watch *watch)
{
	struct vqi_snapshot *last = vqi_past_last(&watch->past);
	uint64_t last_ns = watch->past.looks[watch->past.count - 1].time_ns;
	const struct vqi_past_look *earlier = vqi_past_find(&watch->past, last, last_ns);

	return vqi_session_look_closer(watch->session, earlier ? earlier->snapshot : NULL, last,
				       &watch->diagnosis);
}

static bool is_stuck(const struct vqi_watch *watch)
{
	return watch->diagnosis.exit_status == VQI_EXIT_FINDING;
}

/* ---- the end ---- */

/* What was waited for is said, whatever becomes of a file. Takes the error. */
static void complain(struct vqi_error *error)
{
	vqi_cleanup_error struct vqi_error *owned = error;

	if (owned && !(owned->code == VQI_ERROR_SYS && owned->saved_errno == EPIPE))
		fprintf(stderr, "virtq-inspect: %s\n", owned->message);
}

/* Inspects the target anew, as without a watch, and records that: then the recording is whole in itself. */
static struct vqi_error *record_stuck(struct vqi_watch *watch, struct vqi_snapshot **ret_snapshot,
				      struct vqi_diagnosis *ret_diagnosis)
{
	/* It is opened by its number. */
	struct vqi_error *error = vqi_process_check(watch->session->opened->process);

	return error ? error : vqi_inspect(watch->options, ret_snapshot, ret_diagnosis);
}

/* Writes the report, then prints the whole page: the last thing that the watch shows. */
static void show_stuck(struct vqi_watch *watch, const struct vqi_snapshot *snapshot,
		       const struct vqi_diagnosis *diagnosis)
{
	const struct vqi_options *options = watch->options;

	if (options->report)
		complain(vqi_report_file_write(options, snapshot, diagnosis));
	if (options->quiet)
		return;
	if (watch->lines)
		putchar('\n');
	complain(vqi_output_report(options, snapshot, diagnosis));
}

/* Writes and prints all there is of what is stuck: of what was recorded, so that this replays to the same; but where it
 * could not be recorded, or had come right by then, of the look that has caught it. */
static void report_stuck(struct vqi_watch *watch)
{
	vqi_cleanup(vqi_diagnosis_done) struct vqi_diagnosis diagnosis = {0};
	vqi_cleanup_snapshot struct vqi_snapshot *snapshot = NULL;
	struct vqi_snapshot *last = vqi_past_last(&watch->past);

	vqi_screen_close(take_ptr(watch->screen));
	if (watch->options->record)
		complain(record_stuck(watch, &snapshot, &diagnosis));
	if (diagnosis.exit_status == VQI_EXIT_FINDING) {
		show_stuck(watch, snapshot, &diagnosis);
		return;
	}
	complain(vqi_session_read_host(watch->session, last));
	show_stuck(watch, last, &watch->diagnosis);
}

/* Whether an error is how a watch ends that has begun: its target has ended, or nobody reads any more. What ends it
 * says why. */
static bool is_end(const struct vqi_watch *watch, const struct vqi_error *error)
{
	if (error->code == VQI_ERROR_SYS && error->saved_errno == EPIPE)
		return true;
	return error->code == VQI_ERROR_GONE && watch->look_count;
}

static struct vqi_error *end(struct vqi_watch *watch, struct vqi_error *error)
{
	vqi_cleanup_error struct vqi_error *owned =
		vqi_opened_explain(watch->session->opened, error);

	vqi_screen_close(take_ptr(watch->screen));
	if (owned && !is_end(watch, owned))
		return take_ptr(owned);
	if (owned && owned->code == VQI_ERROR_GONE)
		fprintf(stderr, "virtq-inspect: process %d has ended\n",
			(int)watch->session->target.pid);
	return NULL;
}

/* ---- the watch ---- */

/* Waits until it is time for the next look. One that comes too late is not made up for. */
static struct vqi_error *wait_for_next(struct vqi_watch *watch, bool *ret_end)
{
	uint64_t now_ns = vqi_signals_now();
	uint64_t interval_ns = watch->options->watch_ms * NS_PER_MS;
	bool is_printed = !watch->options->quiet && !vqi_output_is_file(watch->options);

	watch->next_ns += interval_ns;
	if (watch->next_ns < now_ns)
		watch->next_ns = now_ns + interval_ns;
	if (watch->screen)
		return vqi_watch_serve_screen(watch, ret_end);
	*ret_end = vqi_signals_wait(&watch->wait_mask, watch->next_ns,
				    is_printed ? STDOUT_FILENO : -1);
	return NULL;
}

/* The page of what is stuck is the last document where each look is one. */
static struct vqi_error *look_and_show(struct vqi_watch *watch, bool *ret_end)
{
	const struct vqi_options *options = watch->options;
	struct vqi_error *error = take_look(watch);
	bool caught = !error && options->until_stuck && is_stuck(watch);

	if (!error && (caught || (!watch->history && vqi_options_show_requests(options))))
		error = look_closer(watch);
	*ret_end = caught && is_stuck(watch);
	if (!error && (!*ret_end || watch->lines))
		error = show(watch);
	if (*ret_end)
		report_stuck(watch);
	return error;
}

static struct vqi_error *run(struct vqi_watch *watch)
{
	struct vqi_error *error;
	bool has_ended = false;

	do {
		error = look_and_show(watch, &has_ended);
		if (error || has_ended || watch->look_count == watch->options->count)
			return error;
		error = wait_for_next(watch, &has_ended);
	} while (!error && !has_ended);
	return error;
}

/* Before a wait that may last for weeks. */
static struct vqi_error *check_files(const struct vqi_options *options)
{
	const char *const files[] = {options->record, options->report,
				     vqi_output_is_file(options) ? options->output : NULL};
	struct vqi_error *error = NULL;

	for (size_t i = 0; !error && i < sizeof(files) / sizeof(files[0]); i++)
		error = files[i] ? vqi_replace_check(files[i]) : NULL;
	return error;
}

struct vqi_error *vqi_watch(const struct vqi_options *options, int *ret_status)
{
	vqi_cleanup(watch_done) struct vqi_watch watch = {.options = options, .looks = *options};
	struct vqi_error *error;

	watch.looks.record = NULL;
	error = check_files(options);
	if (!error)
		error = vqi_session_open(&watch.looks, &watch.session);
	if (error)
		return error;
	vqi_signals_begin(&watch.wait_mask);
	watch.next_ns = vqi_signals_now();
	error = open_display(&watch);
	if (!error && options->report && !options->until_stuck && !watch.screen)
		error = vqi_error_new(VQI_ERROR_USAGE,
				      "--watch with --report needs --until-stuck, which says when");
	if (!error)
		error = run(&watch);
	error = end(&watch, error);
	if (!error)
		*ret_status = watch.diagnosis.exit_status;
	return error;
}
