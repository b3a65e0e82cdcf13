/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vqi/lines.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "said.h"
#include "text.h"
#include "words.h"

struct vqi_lines {
	struct vqi_lines_options options;
	struct vqi_said said;
	bool has_head;
};

struct vqi_error *vqi_lines_new(const struct vqi_lines_options *options,
				struct vqi_lines **ret_lines)
{
	struct vqi_lines *lines = calloc(1, sizeof(*lines));

	if (!lines)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	lines->options = *options;
	*ret_lines = lines;
	return NULL;
}

void vqi_lines_free(struct vqi_lines *lines)
{
	if (!lines)
		return;
	vqi_said_done(&lines->said);
	free(lines);
}

/* ---- lines ---- */

/* The lines of one look. */
struct printing {
	struct vqi_page page;
	const struct vqi_lines *lines;
	const struct vqi_said *now;
	const struct vqi_history *history;
	const struct vqi_snapshot *snapshot;
	const struct vqi_diagnosis *diagnosis;
	char time[VQI_TIME_WORDS];
};

static void begin_line(struct printing *printing)
{
	vqi_page_begin(&printing->page, 0, 0);
	vqi_page_add(&printing->page, VQI_STYLE_DIM, "%s", printing->time);
}

static void end_line(struct printing *printing)
{
	vqi_page_end(&printing->page);
}

static void print_head(struct printing *printing)
{
	struct vqi_page *page = &printing->page;

	vqi_page_begin(page, 0, 2);
	vqi_text_add_target(page, printing->snapshot);
	vqi_page_add_whole(page, 3, VQI_STYLE_PLAIN, "a look every %g s, nothing stopped",
			   (double)printing->lines->options.interval_ms / 1000);
	vqi_page_end(page);
}

static void add_rate(struct vqi_page *page, const char *name, const struct vqi_rate *rate)
{
	if (!rate->known)
		vqi_page_add(page, VQI_STYLE_PLAIN, "  %s -", name);
	else
		vqi_page_add(page, VQI_STYLE_PLAIN, "  %s %.*f%s/s", name,
			     rate->per_second > 0 && rate->per_second < 10 ? 1 : 0,
			     rate->per_second, rate->at_least ? "+" : "");
}

static void add_duration(struct vqi_page *page, const char *name, uint64_t ms)
{
	if (ms < 1000)
		vqi_page_add(page, VQI_STYLE_PLAIN, "  %s %" PRIu64 " ms", name, ms);
	else if (ms < 60000)
		vqi_page_add(page, VQI_STYLE_PLAIN, "  %s %.1f s", name, (double)ms / 1000);
	else
		vqi_page_add(page, VQI_STYLE_PLAIN, "  %s %" PRIu64 " s", name, ms / 1000);
}

static enum vqi_style state_style(enum vqi_queue_state state)
{
	if (state == VQI_QUEUE_STUCK)
		return VQI_STYLE_RED;
	return state == VQI_QUEUE_PAUSED ? VQI_STYLE_YELLOW : VQI_STYLE_PLAIN;
}

static void print_queue(struct printing *printing, const struct vqi_device *device,
			const struct vqi_queue *queue, const struct vqi_queue_history *history)
{
	struct vqi_page *page = &printing->page;
	const char *label = vqi_text_label(device);

	begin_line(printing);
	vqi_page_add(page, VQI_STYLE_BOLD, "  %s queue %u", label, queue->index);
	vqi_page_add(page, VQI_STYLE_PLAIN, "  %s  ", queue->role ? queue->role : "-");
	vqi_page_add(page, state_style(queue->state), "%s", vqi_queue_state_word(queue->state));
	if (history->depth.known)
		vqi_page_add(page, VQI_STYLE_PLAIN, "  depth %" PRIu64, history->depth.value);
	else
		vqi_page_add(page, VQI_STYLE_PLAIN, "  depth -");
	add_rate(page, "published", &history->published);
	add_rate(page, "completed", &history->completed);
	add_rate(page, "reaped", &history->reaped);
	add_duration(page, "for", history->state_ms);
	if (history->oldest_ms.known)
		add_duration(page, "oldest", history->oldest_ms.value);
	end_line(printing);
}

static bool has_traffic(const struct vqi_rate *rate)
{
	return rate->known && rate->per_second > 0;
}

static bool has_work(const struct vqi_queue *queue, const struct vqi_queue_history *history)
{
	if (queue->state == VQI_QUEUE_BUSY || queue->state == VQI_QUEUE_STUCK ||
	    has_traffic(&history->published) || has_traffic(&history->completed))
		return true;
	return queue->kind != VQI_KIND_RECEIVE && vqi_num_nonzero(history->depth);
}

static int state_before(const struct vqi_said_device *before, const struct vqi_said_device *now,
			size_t at)
{
	return before && before->count == now->count ? before->states[at] : VQI_STATE_NONE;
}

/* at is where the device's queues begin in the history. */
static void print_device(struct printing *printing, size_t number, size_t at)
{
	const struct vqi_device *device = &printing->snapshot->devices[number];
	const struct vqi_said_device *now = &printing->now->devices[number];
	const struct vqi_said_device *before =
		vqi_said_find_device(&printing->lines->said, now, number);

	if (!before && printing->lines->has_head) {
		begin_line(printing);
		vqi_page_add(&printing->page, VQI_STYLE_BOLD, "  %s", now->label);
		vqi_page_add(&printing->page, VQI_STYLE_PLAIN, "  plugged  %s  %zu queue%s",
			     device->type ? device->type : "-", device->queue_count,
			     device->queue_count == 1 ? "" : "s");
		end_line(printing);
	}
	for (size_t i = 0; i < device->queue_count; i++) {
		const struct vqi_queue_history *history = printing->history->queues[at + i];
		int state = state_before(before, now, i);

		if (has_work(&device->queues[i], history) ||
		    (state != VQI_STATE_NONE && state != (int)device->queues[i].state))
			print_queue(printing, device, &device->queues[i], history);
	}
}

static void add_place(struct vqi_page *page, const struct vqi_said_thing *thing)
{
	vqi_page_add(page, VQI_STYLE_BOLD, "  %s", thing->device ? thing->device : "vm");
	if (thing->queue.known)
		vqi_page_add(page, VQI_STYLE_BOLD, " queue %" PRIu64, thing->queue.value);
}

static void print_finding(struct printing *printing, const struct vqi_said_thing *thing,
			  const struct vqi_finding *finding)
{
	struct vqi_page *page = &printing->page;

	begin_line(printing);
	add_place(page, thing);
	vqi_page_add(page, VQI_STYLE_PLAIN, "  ");
	vqi_page_add(page, vqi_text_severity_style(finding->severity), "%s  %s, %s",
		     vqi_severity_word(finding->severity), finding->rule->id,
		     vqi_confidence_word(finding->confidence));
	vqi_page_add(page, VQI_STYLE_PLAIN, "  %s", finding->summary ? finding->summary : "");
	end_line(printing);
}

static void print_new_things(struct printing *printing)
{
	size_t findings = printing->diagnosis->finding_count;

	for (size_t i = 0; i < printing->now->thing_count; i++) {
		const struct vqi_said_thing *now = &printing->now->things[i];
		const struct vqi_said_thing *before =
			vqi_said_find_thing(&printing->lines->said, now);

		if (before && before->severity == now->severity &&
		    before->confidence == now->confidence)
			continue;
		if (i < findings) {
			print_finding(printing, now, &printing->diagnosis->findings[i]);
			continue;
		}
		begin_line(printing);
		add_place(&printing->page, now);
		vqi_page_add(&printing->page, VQI_STYLE_YELLOW, "  not inspected: %s", now->what);
		vqi_page_add(&printing->page, VQI_STYLE_PLAIN, ": %s",
			     printing->snapshot->gaps[i - findings].why
				     ? printing->snapshot->gaps[i - findings].why
				     : "-");
		end_line(printing);
	}
}

static void print_gone_things(struct printing *printing)
{
	const struct vqi_said *before = &printing->lines->said;

	for (size_t i = 0; i < before->thing_count; i++) {
		const struct vqi_said_thing *thing = &before->things[i];

		if (vqi_said_find_thing(printing->now, thing))
			continue;
		begin_line(printing);
		add_place(&printing->page, thing);
		if (thing->rule)
			vqi_page_add(&printing->page, VQI_STYLE_GREEN, "  gone  %s",
				     thing->rule->id);
		else
			vqi_page_add(&printing->page, VQI_STYLE_PLAIN, "  inspected again: %s",
				     thing->what);
		end_line(printing);
	}
}

static void print_vm(struct printing *printing)
{
	const struct vqi_said *before = &printing->lines->said, *now = printing->now;

	if (!printing->lines->has_head ||
	    (vqi_said_same_text(before->run_state, now->run_state) && before->held == now->held))
		return;
	begin_line(printing);
	vqi_page_add(&printing->page, VQI_STYLE_BOLD, "  vm");
	vqi_page_add(&printing->page, VQI_STYLE_PLAIN, "  %s%s",
		     now->run_state ? now->run_state : "-",
		     now->held == VQI_HELD_NOT ? "" : ", process stopped");
	end_line(printing);
}

static void print_unplugged(struct printing *printing)
{
	for (size_t i = 0; i < printing->snapshot->unplugged_count; i++) {
		begin_line(printing);
		vqi_page_add(&printing->page, VQI_STYLE_BOLD, "  %s",
			     printing->snapshot->unplugged[i]);
		vqi_page_add(&printing->page, VQI_STYLE_PLAIN, "  unplugged");
		end_line(printing);
	}
}

static void print_all(struct printing *printing)
{
	size_t at = 0;

	if (!printing->lines->has_head)
		print_head(printing);
	print_vm(printing);
	print_unplugged(printing);
	for (size_t i = 0; i < printing->snapshot->device_count; i++) {
		print_device(printing, i, at);
		at += printing->snapshot->devices[i].queue_count;
	}
	print_gone_things(printing);
	print_new_things(printing);
}

struct vqi_error *vqi_lines_print(struct vqi_lines *lines, FILE *stream,
				  const struct vqi_history *history,
				  const struct vqi_snapshot *snapshot,
				  const struct vqi_diagnosis *diagnosis)
{
	vqi_cleanup(vqi_said_done) struct vqi_said now = {0};
	struct printing printing = {
		.lines = lines,
		.now = &now,
		.history = history,
		.snapshot = snapshot,
		.diagnosis = diagnosis,
	};
	struct vqi_error *error = vqi_said_note(snapshot, diagnosis, &now);

	if (!error)
		error = vqi_page_open(&printing.page, 0, lines->options.color);
	if (error)
		return error;
	if (!vqi_time_words(&snapshot->capture.time, printing.time))
		strcpy(printing.time, "-");
	print_all(&printing);
	error = vqi_page_close(&printing.page, stream);
	vqi_said_done(&lines->said);
	lines->said = now;
	now = (struct vqi_said){0};
	lines->has_head = true;
	return error;
}
