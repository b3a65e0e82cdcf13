/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --check: what an inspection can look into, and what stands in the way. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "advice.h"
#include "opened.h"
#include "sources.h"
#include "vqi/capture.h"
#include "vqi/inspect.h"
#include "vqi/limits.h"

struct check {
	const struct vqi_options *options;
	struct vqi_opened *opened;
	bool is_named;		/* by the options: the layout, or the file that it is from */
	bool has_layout;	/* else from: */
	enum vqi_source source; /* the first that has one, which an inspection uses */
	bool failed;		/* something that every inspection needs */
	bool hampered;		/* something without which less is known */
};

/* ---- one line for each ---- */

static void print_line(const struct check *check, const char *name, const char *state,
		       const char *text)
{
	if (!check->options->quiet)
		printf("%-12s %-3s %s\n", name, state, text);
}

/* Line by line. */
static void print_advice(const struct check *check, const char *advice)
{
	while (advice && *advice && !check->options->quiet) {
		int len = (int)strcspn(advice, "\n");

		printf("%-16s %.*s\n", "", len, advice);
		advice += len + (advice[len] == '\n');
	}
}

/* What was found out about something, or what stands in the way. Takes error. */
static void report(struct check *check, const char *name, struct vqi_error *error, const char *text)
{
	vqi_cleanup_error struct vqi_error *owned = error;

	if (!error) {
		print_line(check, name, "OK", text);
		return;
	}
	print_line(check, name, "NO", error->message);
	print_advice(check, vqi_advice(error));
}

/* ---- the process ---- */

static void check_maps(struct check *check)
{
	vqi_cleanup(vqi_maps_done) struct vqi_maps maps = {0};
	struct vqi_error *error = vqi_process_maps(check->opened->process, &maps);
	char text[64];

	snprintf(text, sizeof(text), "%zu mappings", maps.count);
	check->failed |= error != NULL;
	report(check, "maps", error, text);
}

static void check_mem(struct check *check)
{
	struct vqi_mem *mem = vqi_process_mem(check->opened->process);
	vqi_cleanup(vqi_maps_done) struct vqi_maps maps = {0};
	struct vqi_error *error = vqi_process_maps(check->opened->process, &maps);
	uint64_t word;

	if (!error && !maps.count)
		error = vqi_error_new(VQI_ERROR_BAD_DATA, "the process has no memory");
	if (!error)
		error = vqi_mem_read_uint(mem, maps.maps[0].start, 8, &word);
	check->failed |= error != NULL;
	report(check, "mem", error, "its memory can be read");
}

static struct vqi_error *count_eventfds(struct vqi_process *process, size_t *ret_count)
{
	vqi_cleanup_free int *fds = NULL;
	size_t count = 0;
	struct vqi_error *error = vqi_process_list(process, "fd", VQI_MAX_FDS, &fds, &count);

	if (error)
		return vqi_error_prefix(error, "its descriptors");
	for (size_t i = 0; !error && i < count; i++) {
		struct vqi_eventfd eventfd;

		error = vqi_process_eventfd(process, fds[i], &eventfd);
		*ret_count += !error;
		error = vqi_error_keep_fatal(error);
	}
	return error;
}

static void check_fdinfo(struct check *check)
{
	size_t count = 0;
	struct vqi_error *error = count_eventfds(check->opened->process, &count);
	char text[64];

	snprintf(text, sizeof(text), "%zu eventfds and what is pending in them", count);
	check->hampered |= error != NULL;
	report(check, "fdinfo", error, text);
}

/* Of a thread that runs, or is stopped, no system call is known: one that is will do. */
static struct vqi_error *count_calls(struct vqi_process *process, size_t *ret_threads,
				     size_t *ret_calls)
{
	vqi_cleanup(vqi_tids_done) struct vqi_tids tids = {0};
	struct vqi_error *error = vqi_process_threads(process, &tids);

	for (size_t i = 0; !error && i < tids.count; i++) {
		struct vqi_thread thread = {0};

		error = vqi_error_keep_fatal(vqi_process_thread(process, tids.tids[i], &thread));
		*ret_threads += !error;
		*ret_calls += thread.in_syscall;
		vqi_thread_done(&thread);
	}
	return error;
}

static void check_stacks(struct check *check)
{
	size_t threads = 0, calls = 0;
	struct vqi_error *error = count_calls(check->opened->process, &threads, &calls);
	char text[96];

	snprintf(text, sizeof(text),
		 "%zu threads, of which %zu sleep in a system call that is known", threads, calls);
	check->hampered |= error != NULL;
	report(check, "stacks", error, text);
}

/* ---- the layout ---- */

/* Which profile it is, of several perhaps, is of interest. */
static void report_fit(struct check *check, const char *name, bool is_used)
{
	const char *profile = check->opened->layout.name;
	char text[128];

	snprintf(text, sizeof(text), "%s fits%s", profile[0] ? profile : "it",
		 is_used ? ", and is used" : "");
	print_line(check, name, "OK", text);
}

/* Nothing is kept by looking. */
static struct vqi_error *try_source(struct check *check, enum vqi_source source)
{
	struct vqi_options options = *check->options;

	options.no_cache |= source != VQI_SOURCE_CACHE;
	return vqi_source_try(source, &options, check->opened);
}

/* Each by itself: that there is none is no obstacle, as long as another has a layout. */
static void check_source(struct check *check, enum vqi_source source)
{
	vqi_cleanup_error struct vqi_error *error = try_source(check, source);

	if (error) {
		print_line(check, vqi_source_name(source), "-", error->message);
		if (source == VQI_SOURCE_OWN_PROFILE || source == VQI_SOURCE_PROFILE)
			print_advice(check, check->opened->profiles.mend);
		print_advice(check, vqi_source_advice(source));
		return;
	}
	report_fit(check, vqi_source_name(source), !check->has_layout);
	if (!check->has_layout)
		check->source = source;
	check->has_layout = true;
}

/* The one that the options name. */
static void check_named(struct check *check)
{
	struct vqi_error *error = vqi_sources_resolve(check->options, check->opened);
	const char *name = check->options->layout ? "layout" : "debug file";

	check->has_layout = !error;
	if (error)
		report(check, name, error, "");
	else
		report_fit(check, name, true);
}

static void check_layout(struct check *check)
{
	check->is_named = check->options->layout || check->options->debuginfo;
	if (check->is_named) {
		check_named(check);
		return;
	}
	for (enum vqi_source i = 0; i < VQI_SOURCE_COUNT; i++)
		check_source(check, i);
}

/* ---- guest RAM ---- */

static struct vqi_error *look(struct check *check, struct vqi_snapshot **ret_snapshot)
{
	vqi_cleanup(vqi_observer_free) struct vqi_observer *observer = NULL;
	struct vqi_error *error;

	error = vqi_observer_new(check->opened->process, &check->opened->qemu, &observer);
	return error ? error : vqi_observer_look(observer, VQI_STOP_NEVER, ret_snapshot);
}

static void check_guest_ram(struct check *check)
{
	vqi_cleanup_snapshot struct vqi_snapshot *snapshot = NULL;
	struct vqi_error *error = NULL;
	size_t rings = 0;
	char text[96];

	if (!check->has_layout)
		error = vqi_error_new(VQI_ERROR_BAD_DATA, "it is found by a layout only");
	if (!error && !check->is_named)
		error = try_source(check, check->source);
	if (!error)
		error = look(check, &snapshot);
	if (!error && snapshot->gap_count)
		error = vqi_error_new(VQI_ERROR_BAD_DATA, "%zu gaps: %s: %s", snapshot->gap_count,
				      snapshot->gaps[0].what, snapshot->gaps[0].why);
	for (size_t i = 0; !error && i < snapshot->device_count; i++) {
		for (size_t j = 0; j < snapshot->devices[i].queue_count; j++)
			rings += snapshot->devices[i].queues[j].avail_idx.known;
	}
	snprintf(text, sizeof(text), "devices: %zu; rings that a driver has set up: %zu",
		 error ? 0 : snapshot->device_count, rings);
	check->hampered |= error != NULL;
	report(check, "guest RAM", error, text);
}

/* ---- all of it ---- */

static void print_target(const struct check *check)
{
	const struct vqi_image *image = &check->opened->image;

	if (!check->options->quiet)
		printf("process %d: %s, QEMU %s, build-id %s\n", (int)check->options->pid,
		       image->path, image->version ? image->version : "of unknown version",
		       image->build_id ? image->build_id : "none");
}

static const char *verdict(const struct check *check)
{
	if (check->failed)
		return "It cannot be inspected.";
	if (!check->has_layout)
		return "It cannot be inspected: there is no layout for it.";
	return check->hampered ? "It can be inspected in part." : "It can be inspected.";
}

struct vqi_error *vqi_check(const struct vqi_options *options, bool *ret_can)
{
	vqi_cleanup(vqi_opened_free) struct vqi_opened *opened = NULL;
	struct check check = {.options = options};
	struct vqi_error *error = vqi_opened_begin(options, &opened);

	if (error && error->code == VQI_ERROR_PERMISSION) {
		report(&check, "mem", error, "");
		*ret_can = false;
		return NULL;
	}
	if (error)
		return error;
	check.opened = opened;
	print_target(&check);
	check_maps(&check);
	check_mem(&check);
	check_fdinfo(&check);
	check_stacks(&check);
	check_layout(&check);
	check_guest_ram(&check);
	if (!options->quiet)
		puts(verdict(&check));
	*ret_can = !check.failed && check.has_layout;
	return vqi_process_check(opened->process);
}
