/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "screen_model.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"
#include "words.h"

/* How long a queue is shown after it was last seen to move: rows that come and go cannot be read. */
#define LINGER_MS 30000

bool vqi_screen_key_equal(const struct vqi_screen_key *a, const struct vqi_screen_key *b)
{
	return a->vdev_addr == b->vdev_addr && a->index == b->index &&
	       strcmp(a->device, b->device) == 0;
}

static void row_done(struct vqi_screen_row *row)
{
	free(row->label);
	free(row->name);
	free(row->type);
}

void vqi_screen_model_free(struct vqi_screen_model *model)
{
	if (!model)
		return;
	for (size_t i = 0; i < model->row_count; i++)
		row_done(&model->rows[i]);
	for (size_t i = 0; i < model->finding_count; i++)
		free(model->findings[i].text);
	free(model->rows);
	free(model->findings);
	free(model->name);
	free(model->about);
	free(model->gap);
	free(model);
}

static bool rate_is_nonzero(const struct vqi_rate *rate)
{
	return rate->known && rate->per_second > 0;
}

static bool carries_work(const struct vqi_queue *queue, const struct vqi_queue_history *history,
			 const struct vqi_diagnosis *diagnosis)
{
	for (size_t i = 0; i < diagnosis->finding_count; i++) {
		if (diagnosis->findings[i].queue == queue)
			return true;
	}
	if (history &&
	    ((history->has_moved && history->still_ms < LINGER_MS) ||
	     rate_is_nonzero(&history->published) || rate_is_nonzero(&history->completed)))
		return queue->state != VQI_QUEUE_DISABLED;
	if (queue->state == VQI_QUEUE_PAUSED)
		return queue->kind != VQI_KIND_RECEIVE && vqi_text_has_outstanding(queue);
	return queue->state == VQI_QUEUE_BUSY || queue->state == VQI_QUEUE_STUCK ||
	       queue->state == VQI_QUEUE_UNKNOWN;
}

/* Fills what is known of a queue's past. */
static void add_history(struct vqi_screen_row *row, const struct vqi_queue_history *history)
{
	row->state_ms = history->state_ms;
	row->published = history->published;
	row->completed = history->completed;
	row->reaped = history->reaped;
	row->depth = history->depth;
	row->oldest_ms = history->oldest_ms;
	row->depth_count = vqi_queue_history_depths(history, row->depths, VQI_HISTORY_LOOKS);
}

/* False without memory. */
static bool add_row(struct vqi_screen_model *model, const struct vqi_device *device,
		    const struct vqi_queue *queue, const struct vqi_queue_history *history,
		    const struct vqi_diagnosis *diagnosis)
{
	struct vqi_screen_row *row = &model->rows[model->row_count++];
	const char *label = vqi_device_label(device);

	*row = (struct vqi_screen_row){
		.label = strdup(label ? label : ""),
		.name = strndup(vqi_text_label(device), vqi_text_short_label(device)),
		.type = device->type ? strdup(device->type) : NULL,
		.role = queue->role,
		.state = queue->state,
		.carries_work = carries_work(queue, history, diagnosis),
	};
	row->key = (struct vqi_screen_key){row->label, device->vdev_addr, queue->index};
	if (history)
		add_history(row, history);
	return row->label && row->name && (row->type || !device->type);
}

/* What is known of the queue that comes at this place: the order is the same in both. NULL: nothing. */
static const struct vqi_queue_history *history_at(const struct vqi_history *history, size_t number,
						  const struct vqi_device *device,
						  const struct vqi_queue *queue)
{
	const struct vqi_queue_history *entry;

	if (number >= history->queue_count)
		return NULL;
	entry = history->queues[number];
	return entry->vdev_addr == device->vdev_addr && entry->index == queue->index ? entry : NULL;
}

static bool add_rows(struct vqi_screen_model *model, const struct vqi_history *history,
		     const struct vqi_snapshot *snapshot, const struct vqi_diagnosis *diagnosis)
{
	size_t count = 0;

	for (size_t i = 0; i < snapshot->device_count; i++)
		count += snapshot->devices[i].queue_count;
	model->rows = calloc(count + 1, sizeof(*model->rows));
	if (!model->rows)
		return false;
	for (size_t i = 0; i < snapshot->device_count; i++) {
		const struct vqi_device *device = &snapshot->devices[i];

		for (size_t j = 0; j < device->queue_count; j++) {
			const struct vqi_queue *queue = &device->queues[j];

			if (!add_row(model, device, queue,
				     history_at(history, model->row_count, device, queue),
				     diagnosis))
				return false;
		}
	}
	return true;
}

/* "blk0 queue 0: 16 requests ..."; NULL without memory. */
static char *finding_text(const struct vqi_finding *finding)
{
	const char *device = finding->device ? vqi_text_label(finding->device) : "";
	const char *summary = finding->summary ? finding->summary : finding->rule->title;
	const char *doubt = finding->confidence == VQI_CANDIDATE ? " (candidate)" : "";
	char *text;
	int len;

	if (finding->queue)
		len = asprintf(&text, "%s queue %u: %s%s", device, finding->queue->index, summary,
			       doubt);
	else
		len = asprintf(&text, "%s%s%s%s", device, *device ? ": " : "", summary, doubt);
	return len < 0 ? NULL : text;
}

static bool add_findings(struct vqi_screen_model *model, const struct vqi_diagnosis *diagnosis)
{
	model->findings = calloc(diagnosis->finding_count + 1, sizeof(*model->findings));
	if (!model->findings)
		return false;
	for (size_t i = 0; i < diagnosis->finding_count; i++) {
		struct vqi_screen_finding *finding = &model->findings[model->finding_count++];

		finding->severity = diagnosis->findings[i].severity;
		finding->text = finding_text(&diagnosis->findings[i]);
		if (!finding->text)
			return false;
	}
	return true;
}

/* The first look of a watch is followed by others, whatever it says of itself. */
static void set_verdict(struct vqi_screen_model *model, const struct vqi_history *history,
			const struct vqi_snapshot *snapshot)
{
	model->verdict = vqi_text_verdict(snapshot, &model->verdict_style);
	if (history->look_count > 1 || !snapshot->device_count)
		return;
	model->verdict = "the first look; the next ones tell what is stuck";
	model->verdict_style = VQI_STYLE_PLAIN;
}

static bool set_gap(struct vqi_screen_model *model, const struct vqi_snapshot *snapshot)
{
	const struct vqi_gap *gap = snapshot->gaps;
	char queue[32] = "";

	model->gap_count = snapshot->gap_count;
	if (!gap || !snapshot->gap_count)
		return true;
	if (gap->queue.known)
		snprintf(queue, sizeof(queue), " queue %" PRIu64, gap->queue.value);
	if (asprintf(&model->gap, "%s%s%s%s: %s", gap->device ? gap->device : "", queue,
		     gap->device || queue[0] ? ": " : "", gap->what ? gap->what : "-",
		     gap->why ? gap->why : "-") >= 0)
		return true;
	model->gap = NULL;
	return false;
}

static bool set_headline(struct vqi_screen_model *model, const struct vqi_snapshot *snapshot)
{
	const struct vqi_target *target = &snapshot->target;
	const char *version = target->qemu_version ? target->qemu_version : "";
	bool is_qemu = target->kind == VQI_TARGET_QEMU;

	model->runs = target->held.by == VQI_HELD_NOT &&
		      (!target->run_state || strcmp(target->run_state, "running") == 0);
	model->time = snapshot->capture.time.tv_sec;
	model->name = strdup(vqi_text_target(target));
	/* Of the version, not the packager's part. */
	if (asprintf(&model->about, "pid %jd  %s%s%.*s  %s%s", (intmax_t)target->pid,
		     is_qemu ? "QEMU" : "qemu-storage-daemon", *version ? " " : "",
		     (int)strcspn(version, " "), version,
		     target->held.by == VQI_HELD_NOT ? ""
		     : target->run_state	     ? "process stopped, "
						     : "process stopped",
		     target->run_state ? target->run_state : "") < 0)
		model->about = NULL;
	return model->name && model->about;
}

struct vqi_error *vqi_screen_model_new(const struct vqi_history *history,
				       const struct vqi_snapshot *snapshot,
				       const struct vqi_diagnosis *diagnosis,
				       struct vqi_screen_model **ret_model)
{
	vqi_cleanup(vqi_screen_model_free) struct vqi_screen_model *model =
		calloc(1, sizeof(*model));

	if (!model || !set_headline(model, snapshot) || !set_gap(model, snapshot) ||
	    !add_findings(model, diagnosis) || !add_rows(model, history, snapshot, diagnosis))
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	set_verdict(model, history, snapshot);
	*ret_model = take_ptr(model);
	return NULL;
}
