/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "text.h"

#include <inttypes.h>
#include <string.h>

#include "vqi/cleanup.h"
#include "words.h"

/* How many gaps are listed; more add nothing for a person. */
#define GAPS_LISTED 10

const char *vqi_text_target(const struct vqi_target *target)
{
	const char *slash;

	if (target->vm_name)
		return target->vm_name;
	if (!target->exe)
		return vqi_target_kind_word(target->kind);
	slash = strrchr(target->exe, '/');
	return slash ? slash + 1 : target->exe;
}

static void add_program(struct vqi_page *page, const struct vqi_target *target)
{
	const char *program = target->kind == VQI_TARGET_QEMU ? "QEMU" : "qemu-storage-daemon";

	if (target->qemu_version)
		vqi_page_add_whole(page, 2, VQI_STYLE_PLAIN, "%s %s", program,
				   target->qemu_version);
	else
		vqi_page_add_whole(page, 2, VQI_STYLE_PLAIN, "%s", program);
	if (target->held.by != VQI_HELD_NOT)
		vqi_page_add_whole(page, 2, VQI_STYLE_YELLOW,
				   target->run_state ? "process stopped," : "process stopped");
	if (target->run_state)
		vqi_page_add_whole(page, 2,
				   strcmp(target->run_state, "running") == 0 ? VQI_STYLE_PLAIN
									     : VQI_STYLE_YELLOW,
				   "%s", target->run_state);
}

static void add_counts(struct vqi_page *page, const struct vqi_snapshot *snapshot)
{
	size_t devices = snapshot->device_count, queues = 0;

	for (size_t i = 0; i < devices; i++)
		queues += snapshot->devices[i].queue_count;
	vqi_page_add_whole(page, 3, VQI_STYLE_PLAIN, "%zu device%s, %zu queue%s", devices,
			   devices == 1 ? "" : "s", queues, queues == 1 ? "" : "s");
}

/* Adds what was done to the target, and how exact the picture is. */
static void add_looks(struct vqi_page *page, const struct vqi_capture *capture)
{
	unsigned int threads = capture->stopped_threads;

	if (capture->looks > 1)
		vqi_page_add_whole(page, 3, VQI_STYLE_PLAIN, "two looks %" PRIu64 " ms apart,",
				   capture->interval_ms);
	else
		vqi_page_add_whole(page, 3, VQI_STYLE_PLAIN, "one look,");
	if (!threads && !capture->stopped_us)
		vqi_page_add_whole(page, 1, VQI_STYLE_PLAIN, "nothing stopped");
	else if (capture->stopped_us < 10000)
		vqi_page_add_whole(page, 1, VQI_STYLE_YELLOW,
				   "%u thread%s stopped for %" PRIu64 " us", threads,
				   threads == 1 ? "" : "s", capture->stopped_us);
	else
		vqi_page_add_whole(page, 1, VQI_STYLE_YELLOW,
				   "%u thread%s stopped for %" PRIu64 " ms", threads,
				   threads == 1 ? "" : "s", capture->stopped_us / 1000);
	if (!capture->consistent)
		vqi_page_add(page, VQI_STYLE_PLAIN, ", rings moved while they were read");
}

void vqi_text_add_target(struct vqi_page *page, const struct vqi_snapshot *snapshot)
{
	const struct vqi_target *target = &snapshot->target;

	vqi_page_add_whole(page, 0, VQI_STYLE_BOLD, "%s", vqi_text_target(target));
	vqi_page_add_whole(page, 2, VQI_STYLE_PLAIN, "%spid %jd", target->core ? "core of " : "",
			   (intmax_t)target->pid);
	add_program(page, target);
	add_counts(page, snapshot);
}

static void print_headline(struct vqi_text *text)
{
	struct vqi_page *page = &text->page;

	vqi_page_begin(page, 0, 2);
	vqi_text_add_target(page, text->snapshot);
	add_looks(page, &text->snapshot->capture);
	vqi_page_end(page);
}

enum vqi_style vqi_text_severity_style(enum vqi_severity severity)
{
	if (severity == VQI_ERROR)
		return VQI_STYLE_RED;
	return severity == VQI_WARNING ? VQI_STYLE_YELLOW : VQI_STYLE_PLAIN;
}

const char *vqi_text_severity_glyph(enum vqi_severity severity, bool utf8)
{
	if (severity == VQI_ERROR)
		return utf8 ? "\u2717" : "x";
	if (severity == VQI_WARNING)
		return "!";
	return utf8 ? "\u00b7" : "-";
}

/* "8.2.2 9.0.0" as a list for readers. Owner: the caller. NULL without memory. */
static char *list_releases(const char *releases)
{
	char *list = NULL;
	size_t len;
	FILE *stream = open_memstream(&list, &len);

	if (!stream)
		return NULL;
	for (; *releases; releases++) {
		if (*releases == ' ')
			fputc(',', stream);
		fputc(*releases, stream);
	}
	return fclose(stream) == 0 ? list : NULL;
}

static void print_known_fix(struct vqi_page *page, const struct vqi_known_fix *fix)
{
	vqi_cleanup_free char *releases = list_releases(fix->fixed);

	if (releases)
		vqi_page_line(page, 4, VQI_STYLE_PLAIN,
			      "known bug, given %s: mended by %s (%s) in %s, unless your "
			      "distribution has mended it",
			      fix->condition, fix->commit, fix->subject, releases);
	else
		page->failed = true;
}

static void print_details(struct vqi_page *page, const struct vqi_finding *finding)
{
	for (size_t i = 0; i < finding->evidence_count; i++)
		vqi_page_line(page, 4, VQI_STYLE_PLAIN, "%s", finding->evidence[i]);
	for (size_t i = 0; i < finding->known_fix_count; i++)
		print_known_fix(page, finding->known_fixes[i]);
	vqi_page_line(page, 4, VQI_STYLE_PLAIN, "next: %s", vqi_finding_next_step(finding));
}

/* Whether it says the same of another queue of the device: each fact of one stands for one of the other. */
static bool is_repeated(const struct vqi_finding *full, const struct vqi_finding *finding)
{
	return full && finding->queue && full->queue && full->rule == finding->rule &&
	       full->device == finding->device && full->evidence_count == finding->evidence_count &&
	       strcmp(vqi_finding_next_step(full), vqi_finding_next_step(finding)) == 0;
}

/* What is otherwise than of the queue above. */
static void print_differences(struct vqi_page *page, const struct vqi_finding *full,
			      const struct vqi_finding *finding)
{
	for (size_t i = 0; i < finding->evidence_count; i++) {
		if (strcmp(full->evidence[i], finding->evidence[i]) != 0)
			vqi_page_line(page, 4, VQI_STYLE_PLAIN, "%s", finding->evidence[i]);
	}
	vqi_page_line(page, 4, VQI_STYLE_PLAIN, "the rest as of queue %u", full->queue->index);
}

void vqi_text_finding(struct vqi_page *page, const struct vqi_finding *finding,
		      const struct vqi_finding **full)
{
	enum vqi_style style = vqi_text_severity_style(finding->severity);
	const struct vqi_device *device = finding->device; /* NULL: the summary names the VM */

	vqi_page_begin(page, 0, 2);
	vqi_page_add(page, style, "%s ", vqi_text_severity_glyph(finding->severity, page->utf8));
	if (device)
		vqi_page_add(page, VQI_STYLE_BOLD, "%s", vqi_text_label(device));
	if (finding->queue)
		vqi_page_add(page, VQI_STYLE_BOLD, " queue %u", finding->queue->index);
	vqi_page_add(page, VQI_STYLE_PLAIN, "%s%s", device ? ": " : "",
		     finding->summary ? finding->summary : "");
	vqi_page_add_whole(page, 5, style, "%s, %s", finding->rule->id,
			   vqi_confidence_word(finding->confidence));
	vqi_page_end(page);
	if (is_repeated(*full, finding)) {
		print_differences(page, *full, finding);
		return;
	}
	print_details(page, finding);
	*full = finding;
}

const char *vqi_text_verdict(const struct vqi_snapshot *snapshot, enum vqi_style *ret_style)
{
	*ret_style = VQI_STYLE_PLAIN;
	if (snapshot->device_count == 0 && snapshot->target.kind == VQI_TARGET_STORAGE_DAEMON)
		return snapshot->unplugged_count ? "no exports by vhost-user any more"
						 : "no exports by vhost-user";
	if (snapshot->device_count == 0)
		return snapshot->unplugged_count ? "no VirtIO devices any more"
						 : "no VirtIO devices";
	if (snapshot->gap_count) {
		*ret_style = VQI_STYLE_YELLOW;
		return "nothing found in what could be inspected";
	}
	if (snapshot->capture.looks == 1)
		return "nothing found in one look";
	*ret_style = VQI_STYLE_GREEN;
	return "nothing is stuck";
}

/* Says so when nothing was found: an empty report looks like a failure. */
static void print_verdict(struct vqi_text *text)
{
	const struct vqi_snapshot *snapshot = text->snapshot;
	bool is_one_look = snapshot->device_count && !snapshot->gap_count &&
			   snapshot->capture.looks == 1;
	enum vqi_style style;
	const char *verdict = vqi_text_verdict(snapshot, &style);

	vqi_page_line(&text->page, 0, style, "%s%s", verdict,
		      is_one_look
			      ? ", which cannot tell what is stuck; without --once there are two"
			      : "");
}

/* Who sees no back ends must know that it is not for there being none. */
static void print_layout(struct vqi_text *text)
{
	const char *source = text->snapshot->target.layout_source;

	if (source && strcmp(source, "builtin") == 0)
		vqi_page_line(&text->page, 0, VQI_STYLE_YELLOW,
			      "the layout of this QEMU is derived: what is not of its rings may be "
			      "unknown; --check says what would tell");
}

void vqi_text_findings(struct vqi_text *text)
{
	const struct vqi_diagnosis *diagnosis = text->diagnosis;
	const struct vqi_finding *full = NULL;

	for (size_t i = 0; i < diagnosis->finding_count; i++)
		vqi_text_finding(&text->page, &diagnosis->findings[i], &full);
}

static void print_findings(struct vqi_text *text)
{
	vqi_page_space(&text->page);
	print_layout(text);
	vqi_text_findings(text);
	if (text->diagnosis->finding_count == 0)
		print_verdict(text);
}

static void print_unplugged(struct vqi_page *page, const struct vqi_snapshot *snapshot)
{
	if (!snapshot->unplugged_count)
		return;
	vqi_page_begin(page, 0, 2);
	vqi_page_add(page, VQI_STYLE_PLAIN, "unplugged meanwhile:");
	for (size_t i = 0; i < snapshot->unplugged_count; i++)
		vqi_page_add(page, VQI_STYLE_PLAIN, "%s %s", i ? "," : "", snapshot->unplugged[i]);
	vqi_page_end(page);
}

void vqi_text_gap(struct vqi_page *page, const struct vqi_gap *gap)
{
	vqi_page_begin(page, 0, 2);
	vqi_page_add(page, VQI_STYLE_YELLOW, "not inspected:");
	if (gap->device)
		vqi_page_add(page, VQI_STYLE_PLAIN, " %s", gap->device);
	if (gap->queue.known)
		vqi_page_add(page, VQI_STYLE_PLAIN, " queue %" PRIu64, gap->queue.value);
	vqi_page_add(page, VQI_STYLE_PLAIN, "%s%s: %s",
		     gap->device || gap->queue.known ? ": " : " ", gap->what ? gap->what : "-",
		     gap->why ? gap->why : "-");
	vqi_page_end(page);
}

static void print_gaps(struct vqi_text *text)
{
	size_t count = text->snapshot->gap_count, listed = count;

	if (!text->options->verbose && count > GAPS_LISTED)
		listed = GAPS_LISTED;
	for (size_t i = 0; i < listed; i++)
		vqi_text_gap(&text->page, &text->snapshot->gaps[i]);
	if (listed < count)
		vqi_page_line(&text->page, 0, VQI_STYLE_YELLOW,
			      "not inspected: %zu more; -v lists them", count - listed);
}

static void print_all(struct vqi_text *text)
{
	print_headline(text);
	print_findings(text);
	print_unplugged(&text->page, text->snapshot);
	print_gaps(text);
	if (text->options->requests) {
		vqi_text_requests(text);
		vqi_text_stacks(text);
	}
	vqi_text_queues(text);
	if (text->options->verbose)
		vqi_text_raw(text);
}

struct vqi_error *vqi_report_text(FILE *stream, const struct vqi_snapshot *snapshot,
				  const struct vqi_diagnosis *diagnosis,
				  const struct vqi_report_options *options)
{
	struct vqi_text text = {
		.snapshot = snapshot,
		.diagnosis = diagnosis,
		.options = options,
	};
	struct vqi_error *error = vqi_page_open(&text.page, options->width, options->color);

	if (error)
		return error;
	print_all(&text);
	return vqi_page_close(&text.page, stream);
}
