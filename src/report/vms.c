/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vqi/vms.h"

#include <inttypes.h>
#include <string.h>

#include "table.h"
#include "text.h"

static const struct vqi_column columns[] = {
	{"VM", .fit = VQI_COLUMN_CUT},
	{"PID", .right = true},
	{"QEMU", .fit = VQI_COLUMN_DROP},
	{"STATE", .fit = VQI_COLUMN_CUT},
	{"DEVICES", .right = true, .fit = VQI_COLUMN_DROP},
	{"QUEUES", .right = true, .fit = VQI_COLUMN_DROP},
	{"FOUND", .fit = VQI_COLUMN_WRAP},
};

/* ---- one ---- */

static const char *or_none(const char *text)
{
	return text ? text : "";
}

/* "blk0 queue 0: request-stuck-in-device, and 2 more" */
static void put_finding(const struct vqi_diagnosis *diagnosis, char *text, size_t size)
{
	const struct vqi_finding *worst = &diagnosis->findings[0];
	const char *device = worst->device ? vqi_text_label(worst->device) : "";
	char queue[32] = "", more[32] = "";

	if (worst->queue)
		snprintf(queue, sizeof(queue), " queue %u", worst->queue->index);
	if (diagnosis->finding_count > 1)
		snprintf(more, sizeof(more), ", and %zu more", diagnosis->finding_count - 1);
	snprintf(text, size, "%s%s%s%s%s", device, queue, worst->device ? ": " : "",
		 worst->rule->id, more);
}

void vqi_vm_line_fill(const struct vqi_snapshot *snapshot, const struct vqi_diagnosis *diagnosis,
		      struct vqi_vm_line *ret_line)
{
	const struct vqi_target *target = &snapshot->target;
	bool is_held = target->held.by != VQI_HELD_NOT;
	bool is_daemon = target->kind == VQI_TARGET_STORAGE_DAEMON;
	struct vqi_vm_line line = {
		.pid = target->pid,
		.is_daemon = is_daemon,
		.is_running = !is_held &&
			      (is_daemon ||
			       (target->run_state && strcmp(target->run_state, "running") == 0)),
		.devices = snapshot->device_count,
		.findings = diagnosis->finding_count,
		.has_gaps = snapshot->gap_count != 0,
	};
	enum vqi_style style;

	for (size_t i = 0; i < snapshot->device_count; i++)
		line.queues += snapshot->devices[i].queue_count;
	snprintf(line.name, sizeof(line.name), "%s", vqi_text_target(target));
	snprintf(line.version, sizeof(line.version), "%s", or_none(target->qemu_version));
	snprintf(line.state, sizeof(line.state), "%s",
		 is_held ? "process stopped" : or_none(target->run_state));
	if (line.findings) {
		line.severity = diagnosis->findings[0].severity;
		put_finding(diagnosis, line.what, sizeof(line.what));
	} else {
		snprintf(line.what, sizeof(line.what), "%s", vqi_text_verdict(snapshot, &style));
	}
	*ret_line = line;
}

/* ---- all ---- */

struct totals {
	size_t errors, others, partly; /* with an error; with less than that; with gaps alone */
	size_t daemons;
};

static struct totals count_all(const struct vqi_vm_line *lines, size_t count)
{
	struct totals totals = {0};

	for (size_t i = 0; i < count; i++) {
		bool is_error = lines[i].findings && lines[i].severity == VQI_ERROR;

		totals.daemons += lines[i].is_daemon;
		totals.errors += is_error;
		totals.others += lines[i].findings && !is_error;
		totals.partly += !lines[i].findings && lines[i].has_gaps;
	}
	return totals;
}

static void add_count(struct vqi_page *page, size_t count, enum vqi_style style, const char *what)
{
	if (!count)
		return;
	vqi_page_add(page, VQI_STYLE_PLAIN, ", ");
	vqi_page_add(page, style, "%zu %s", count, what);
}

static void add_kind(struct vqi_page *page, size_t count, const char *what)
{
	if (count)
		vqi_page_add(page, VQI_STYLE_BOLD, "%zu %s%s", count, what, count == 1 ? "" : "s");
}

static void print_totals(struct vqi_page *page, const struct vqi_vm_line *lines, size_t count,
			 size_t failed)
{
	struct totals totals = count_all(lines, count);
	size_t well = count - totals.errors - totals.others - totals.partly;

	vqi_page_begin(page, 0, 2);
	add_kind(page, count - totals.daemons, "VM");
	if (totals.daemons && count > totals.daemons)
		vqi_page_add(page, VQI_STYLE_BOLD, " and ");
	add_kind(page, totals.daemons, "storage daemon");
	add_count(page, totals.errors, VQI_STYLE_RED, "with an error");
	add_count(page, totals.others, VQI_STYLE_YELLOW, "with less than an error");
	add_count(page, totals.partly, VQI_STYLE_YELLOW, "inspected in part, and nothing found");
	add_count(page, well, VQI_STYLE_PLAIN, "with nothing found");
	if (failed)
		vqi_page_add(page, VQI_STYLE_YELLOW, "; %zu more could not be inspected", failed);
	vqi_page_end(page);
}

static void put_found(struct vqi_table *table, struct libscols_line *row,
		      const struct vqi_vm_line *line)
{
	if (line->findings)
		vqi_table_cell(table, row, 6, vqi_text_severity_style(line->severity), "%s %s",
			       vqi_text_severity_glyph(line->severity, table->page->utf8),
			       line->what);
	else
		vqi_table_cell(table, row, 6, line->has_gaps ? VQI_STYLE_YELLOW : VQI_STYLE_PLAIN,
			       "%s", line->what);
}

static void print_table(struct vqi_page *page, const struct vqi_vm_line *lines, size_t count)
{
	struct vqi_table table;

	vqi_table_init(&table, page, columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < count; i++) {
		const struct vqi_vm_line *line = &lines[i];
		const char *version = line->version[0] ? line->version : "-";
		struct libscols_line *row = vqi_table_row(&table);

		vqi_table_cell(&table, row, 0, VQI_STYLE_PLAIN, "%s", line->name);
		vqi_table_cell(&table, row, 1, VQI_STYLE_PLAIN, "%jd", (intmax_t)line->pid);
		vqi_table_cell(&table, row, 2, VQI_STYLE_PLAIN, "%.*s", (int)strcspn(version, " "),
			       version);
		vqi_table_cell(&table, row, 3,
			       line->is_running ? VQI_STYLE_PLAIN : VQI_STYLE_YELLOW, "%s",
			       line->state[0] ? line->state : "-");
		vqi_table_cell(&table, row, 4, VQI_STYLE_PLAIN, "%zu", line->devices);
		vqi_table_cell(&table, row, 5, VQI_STYLE_PLAIN, "%zu", line->queues);
		put_found(&table, row, line);
	}
	vqi_table_print(&table);
	vqi_table_done(&table);
}

struct vqi_error *vqi_report_vms(FILE *stream, const struct vqi_vm_line *lines, size_t count,
				 size_t failed, const struct vqi_report_options *options)
{
	struct vqi_page page;
	struct vqi_error *error = vqi_page_open(&page, options->width, options->color);

	if (error)
		return error;
	print_totals(&page, lines, count, failed);
	print_table(&page, lines, count);
	return vqi_page_close(&page, stream);
}
