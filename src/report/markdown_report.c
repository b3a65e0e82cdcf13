/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The bug report, from its verdict to how it was made. */
#include <inttypes.h>
#include <langinfo.h>
#include <string.h>
#include <time.h>

#include "markdown.h"
#include "output.h"
#include "printable.h"
#include "vqi/cleanup.h"
#include "words.h"

/* Bytes that each part may have; all together they are less than the whole may have. */
enum {
	VERDICT_BYTES = 4000,
	FACTS_BYTES = 5000,
	FINDINGS_BYTES = 11000,
	GAPS_BYTES = 3000,
	DEVICES_BYTES = 6000,
	QUEUES_BYTES = 6000,
	OTHER_QUEUES_BYTES = 3000,
	REQUESTS_BYTES = 6500,
	STACKS_BYTES = 8500,
	RAW_BYTES = 4500,
	COMMAND_LINE_BYTES = 4500,
	COMMAND_BYTES = 1000,
	HEADINGS_BYTES = 1500,
};
_Static_assert(VERDICT_BYTES + FACTS_BYTES + FINDINGS_BYTES + GAPS_BYTES + DEVICES_BYTES +
			       QUEUES_BYTES + OTHER_QUEUES_BYTES + REQUESTS_BYTES + STACKS_BYTES +
			       RAW_BYTES + COMMAND_LINE_BYTES + COMMAND_BYTES + HEADINGS_BYTES <
		       VQI_REPORT_MARKDOWN_BYTES,
	       "a report can be pasted");

/* ---- verdict ---- */

static void write_subject(struct vqi_markdown *markdown, const struct vqi_device *device,
			  const struct vqi_queue *queue)
{
	if (!device)
		return;
	vqi_markdown_code(markdown, vqi_text_label(device));
	if (queue)
		vqi_markdown_add(markdown, " queue %u", queue->index);
	vqi_markdown_add(markdown, ": ");
}

static void write_verdict(struct vqi_markdown *markdown)
{
	const struct vqi_diagnosis *diagnosis = markdown->diagnosis;
	size_t count = diagnosis->finding_count;
	enum vqi_style style; /* there are no colours in Markdown */

	if (!count) {
		vqi_markdown_add(markdown, "## Verdict: %s\n",
				 vqi_text_verdict(markdown->snapshot, &style));
		return;
	}
	vqi_markdown_add(markdown, "## Verdict: %s", diagnosis->findings[0].rule->id);
	if (count > 1)
		vqi_markdown_add(markdown, ", and %zu more finding%s", count - 1,
				 count == 2 ? "" : "s");
	vqi_markdown_add(markdown, "\n\n");
	for (size_t i = 0; i < count; i++) {
		const struct vqi_finding *finding = &diagnosis->findings[i];

		vqi_markdown_add(markdown, "- **%s, %s: %s** ",
				 vqi_severity_word(finding->severity),
				 vqi_confidence_word(finding->confidence), finding->rule->id);
		write_subject(markdown, finding->device, finding->queue);
		vqi_markdown_code(markdown, finding->summary);
		vqi_markdown_add(markdown, "\n");
	}
}

/* ---- facts ---- */

static void write_fact(struct vqi_markdown *markdown, const char *name, const char *value)
{
	vqi_markdown_add(markdown, "| %s | ", name);
	if (value)
		vqi_markdown_code(markdown, value);
	else
		vqi_markdown_add(markdown, "unknown");
	vqi_markdown_add(markdown, " |\n");
}

/* Where the package database cannot tell, the version has what its maker put there. */
static void write_package(struct vqi_markdown *markdown)
{
	const struct vqi_host *host = &markdown->snapshot->host;

	vqi_markdown_add(markdown, "| package | ");
	if (host->package)
		vqi_markdown_code(markdown, host->package);
	else
		vqi_markdown_add(markdown, "unknown");
	if (host->is_replaced)
		vqi_markdown_add(markdown, " (the program was replaced since QEMU was started)");
	vqi_markdown_add(markdown, " |\n");
}

static void write_facts(struct vqi_markdown *markdown)
{
	const struct vqi_target *target = &markdown->snapshot->target;
	const struct vqi_host *host = &markdown->snapshot->host;
	const char *held = vqi_held_word(target->held.by);

	vqi_markdown_add(markdown, "| | |\n|---|---|\n");
	write_fact(markdown, target->kind == VQI_TARGET_QEMU ? "QEMU" : "qemu-storage-daemon",
		   target->qemu_version);
	write_fact(markdown, "build-id", target->build_id);
	write_package(markdown);
	write_fact(markdown, "executable", target->exe);
	write_fact(markdown, "its system", host->distribution);
	if (target->kind == VQI_TARGET_QEMU) {
		write_fact(markdown, "VM", target->vm_name);
		write_fact(markdown, "guest", target->arch);
		write_fact(markdown, "accelerator", host->accelerator);
		write_fact(markdown, "run state", target->run_state);
	}
	if (held)
		vqi_markdown_add(markdown, "| process | held by a %s |\n", held);
	write_fact(markdown, "host kernel", host->kernel);
	write_fact(markdown, "host CPU", host->cpu);
}

/* ---- gaps ---- */

static void write_unknown_host(struct vqi_markdown *markdown)
{
	if (markdown->snapshot->host.command_line)
		return;
	if (markdown->snapshot->target.core)
		vqi_markdown_add(markdown, "- the command line, the package and the host: a core "
					   "has nothing of them\n");
	else
		vqi_markdown_add(markdown, "- the command line: it could not be read, or was not "
					   "recorded, as no report was asked for then\n");
}

static void write_gaps(struct vqi_markdown *markdown)
{
	const struct vqi_snapshot *snapshot = markdown->snapshot;

	for (size_t i = 0; i < snapshot->gap_count; i++) {
		const struct vqi_gap *gap = &snapshot->gaps[i];

		vqi_markdown_add(markdown, "- ");
		if (gap->device) {
			vqi_markdown_code(markdown, gap->device);
			vqi_markdown_add(markdown, " ");
		}
		if (gap->queue.known)
			vqi_markdown_add(markdown, "queue %" PRIu64 " ", gap->queue.value);
		vqi_markdown_code(markdown, gap->what);
		vqi_markdown_add(markdown, ": ");
		vqi_markdown_code(markdown, gap->why);
		vqi_markdown_add(markdown, "\n");
	}
	for (size_t i = 0; i < snapshot->unplugged_count; i++) {
		vqi_markdown_add(markdown, "- unplugged meanwhile: ");
		vqi_markdown_code(markdown, snapshot->unplugged[i]);
		vqi_markdown_add(markdown, "\n");
	}
	if (snapshot->target.layout_source &&
	    strcmp(snapshot->target.layout_source, "builtin") == 0)
		vqi_markdown_add(markdown, "- the block layer, event loops and CPUs: the layout of "
					   "this QEMU is derived\n");
	write_unknown_host(markdown);
}

/* ---- raw fields ---- */

static bool is_in_finding(const struct vqi_text *text, const struct vqi_device *device)
{
	for (size_t i = 0; i < text->diagnosis->finding_count; i++) {
		if (text->diagnosis->findings[i].device == device)
			return true;
	}
	return false;
}

static void print_raw(struct vqi_text *text)
{
	for (size_t i = 0; i < text->snapshot->device_count; i++) {
		if (is_in_finding(text, &text->snapshot->devices[i]))
			vqi_text_raw_device(&text->page, &text->snapshot->devices[i]);
	}
}

/* ---- the command line ---- */

/* An option and its value on a line, the words as a shell would take them. */
static void print_words(struct vqi_text *text, const char *words, size_t len)
{
	struct vqi_page *page = &text->page;
	bool is_begun = false;

	for (size_t at = 0; at < len; at += strlen(words + at) + 1) {
		const char *word = words + at;
		bool is_plain = word[0] && !strpbrk(word, " \t\n\"'\\$&|;<>()*?#~`!{}[]");

		if (is_begun && word[0] == '-') {
			vqi_page_end(page);
			is_begun = false;
		}
		if (!is_begun)
			vqi_page_begin(page, at ? 2 : 0, 4);
		vqi_page_add(page, VQI_STYLE_PLAIN, is_plain ? "%s%s" : "%s'%s'",
			     is_begun ? " " : "", word);
		is_begun = true;
	}
	if (is_begun)
		vqi_page_end(page);
}

static void print_command_line(struct vqi_text *text)
{
	const struct vqi_host *host = &text->snapshot->host;

	if (host->command_line)
		print_words(text, host->command_line, host->command_line_len);
}

/* ---- how it was looked ---- */

static void write_how(struct vqi_markdown *markdown)
{
	const struct vqi_capture *capture = &markdown->snapshot->capture;
	const char *source = markdown->snapshot->target.layout_source;
	char time[32] = "";
	struct tm utc;

	if (gmtime_r(&capture->time.tv_sec, &utc))
		strftime(time, sizeof(time), "%Y-%m-%d %H:%M:%S UTC", &utc);
	vqi_markdown_add(markdown, "virtq-inspect " VQI_VERSION ", %s, %sprocess %jd: ", time,
			 markdown->snapshot->target.core ? "core of " : "",
			 (intmax_t)markdown->snapshot->target.pid);
	if (capture->looks > 1)
		vqi_markdown_add(markdown, "two looks %" PRIu64 " ms apart", capture->interval_ms);
	else
		vqi_markdown_add(markdown, "one look");
	vqi_markdown_add(markdown, ", %" PRIu64 " ms in all, ", capture->duration_us / 1000);
	if (capture->stopped_us || capture->stopped_threads)
		vqi_markdown_add(markdown, "%u threads stopped for %" PRIu64 " us",
				 capture->stopped_threads, capture->stopped_us);
	else
		vqi_markdown_add(markdown, "nothing stopped");
	vqi_markdown_add(markdown, ", %s; layout from: %s.\n",
			 capture->consistent ? "all rings read twice alike"
					     : "rings moved while they were read",
			 source ? source : "unknown");
}

static void write_command(struct vqi_markdown *markdown)
{
	vqi_cleanup_free char *printable = vqi_printable(markdown->command, markdown->utf8);

	if (printable)
		vqi_markdown_block(markdown, printable, COMMAND_BYTES);
	else
		markdown->failed = true;
}

/* ---- all of it ---- */

/* Headings whose part is empty are left out. */
static void write_part(struct vqi_markdown *markdown, const char *title,
		       vqi_markdown_function write, size_t max)
{
	vqi_cleanup_free char *part = NULL;
	size_t len;
	struct vqi_markdown inner = *markdown;

	inner.out = open_memstream(&part, &len);
	if (!inner.out) {
		markdown->failed = true;
		return;
	}
	vqi_markdown_lines(&inner, write, max);
	markdown->failed = inner.failed;
	if (fclose(inner.out))
		markdown->failed = true;
	else if (len)
		vqi_markdown_add(markdown, "\n%s\n\n%s", title, part);
}

static void write_table(struct vqi_markdown *markdown, const char *title,
			vqi_markdown_function write, size_t max)
{
	markdown->in_table = true;
	write_part(markdown, title, write, max);
	markdown->in_table = false;
}

static void write_all(struct vqi_markdown *markdown)
{
	vqi_markdown_lines(markdown, write_verdict, VERDICT_BYTES);
	write_table(markdown, "## Where", write_facts, FACTS_BYTES);
	vqi_markdown_text(markdown, "## Findings", NULL, vqi_text_findings, FINDINGS_BYTES);
	write_part(markdown, "## Not available", write_gaps, GAPS_BYTES);
	write_part(markdown, "## Devices", vqi_markdown_devices, DEVICES_BYTES);
	write_table(markdown, "## Queues", vqi_markdown_queues, QUEUES_BYTES);
	vqi_markdown_text(markdown, NULL, "Other queues", vqi_text_other_queues,
			  OTHER_QUEUES_BYTES);
	vqi_markdown_text(markdown, "## Requests in flight", NULL, vqi_text_requests,
			  REQUESTS_BYTES);
	vqi_markdown_text(markdown, "## Threads", "Back traces", vqi_text_stacks, STACKS_BYTES);
	vqi_markdown_text(markdown, NULL, "All fields of the devices with findings", print_raw,
			  RAW_BYTES);
	vqi_markdown_text(markdown, "## Command line", "What may be secret is masked with ***",
			  print_command_line, COMMAND_LINE_BYTES);
	vqi_markdown_add(markdown, "\n## How it was looked\n\n");
	write_how(markdown);
	write_command(markdown);
}

struct vqi_error *vqi_report_markdown(FILE *stream, const struct vqi_snapshot *snapshot,
				      const struct vqi_diagnosis *diagnosis, const char *command)
{
	vqi_cleanup_free char *report = NULL;
	size_t len = 0;
	struct vqi_markdown markdown = {
		.out = open_memstream(&report, &len),
		.utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0,
		.snapshot = snapshot,
		.diagnosis = diagnosis,
		.command = command,
	};

	if (!markdown.out)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	write_all(&markdown);
	if (ferror(markdown.out))
		markdown.failed = true;
	if (fclose(markdown.out) || markdown.failed)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	return vqi_output_write(stream, report, len);
}
