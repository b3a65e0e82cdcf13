/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One queue in text. */
#include <string.h>

#include "raw.h"
#include "text.h"
#include "words.h"

/* What is said of a device or a queue, where it is of one, concerns this one. */
static bool concerns(const struct vqi_finding *finding, const struct vqi_device *device,
		     const struct vqi_queue *queue)
{
	return (!finding->device || finding->device == device) &&
	       (!finding->queue || finding->queue == queue);
}

static bool is_gap_of(const struct vqi_gap *gap, const struct vqi_device *device,
		      const struct vqi_queue *queue)
{
	const char *label = vqi_device_label(device);

	return (!gap->device || (label && strcmp(gap->device, label) == 0)) &&
	       (!gap->queue.known || gap->queue.value == queue->index);
}

static void print_headline(struct vqi_text *text, const struct vqi_device *device,
			   const struct vqi_queue *queue)
{
	const struct vqi_loop *loop = vqi_snapshot_loop(text->snapshot, queue);
	const char *server = loop ? loop->name : "an unknown thread";

	if (!loop && device->vhost != VQI_VHOST_NONE)
		server = "vhost";
	vqi_page_line(&text->page, 0, VQI_STYLE_PLAIN, "%s%s%s, served by %s",
		      queue->role ? queue->role : "", queue->role ? ", " : "",
		      vqi_queue_state_word(queue->state), server);
}

static void print_findings(struct vqi_text *text, const struct vqi_device *device,
			   const struct vqi_queue *queue)
{
	const struct vqi_diagnosis *diagnosis = text->diagnosis;
	const struct vqi_finding *full = NULL;

	vqi_page_space(&text->page);
	for (size_t i = 0; i < diagnosis->finding_count; i++) {
		if (concerns(&diagnosis->findings[i], device, queue))
			vqi_text_finding(&text->page, &diagnosis->findings[i], &full);
	}
	for (size_t i = 0; i < text->snapshot->gap_count; i++) {
		if (is_gap_of(&text->snapshot->gaps[i], device, queue))
			vqi_text_gap(&text->page, &text->snapshot->gaps[i]);
	}
}

struct vqi_error *vqi_report_queue(FILE *stream, const struct vqi_snapshot *snapshot,
				   const struct vqi_diagnosis *diagnosis,
				   const struct vqi_device *device, const struct vqi_queue *queue,
				   const struct vqi_report_options *options)
{
	struct vqi_text text = {.snapshot = snapshot, .diagnosis = diagnosis, .options = options};
	struct vqi_error *error = vqi_page_open(&text.page, options->width, options->color);

	if (error)
		return error;
	print_headline(&text, device, queue);
	print_findings(&text, device, queue);
	vqi_page_space(&text.page);
	vqi_text_queue_requests(&text, device, queue);
	vqi_text_stacks(&text);
	vqi_page_space(&text.page);
	vqi_raw_queue(&text.page, queue);
	return vqi_page_close(&text.page, stream);
}
