/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The requests in flight, and where they and the threads wait. */
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

#define REQUESTS_LISTED 8 /* of a queue, the oldest; all with --verbose */
#define BYTES_A_LINE	16

/* ---- back traces ---- */

static void print_frame(struct vqi_page *page, size_t indent, size_t number,
			const struct vqi_frame *frame)
{
	vqi_page_begin(page, indent, indent + 4);
	vqi_page_add(page, VQI_STYLE_PLAIN, "#%zu 0x%" PRIx64 " ", number, frame->pc);
	if (frame->function || frame->module)
		vqi_page_add(page, VQI_STYLE_PLAIN, "%s+0x%" PRIx64,
			     frame->function ? frame->function : frame->module, frame->offset);
	if (frame->function && frame->module)
		vqi_page_add(page, VQI_STYLE_PLAIN, " (%s)", frame->module);
	if (frame->file)
		vqi_page_add(page, VQI_STYLE_PLAIN, " at %s:%u", frame->file, frame->line);
	vqi_page_end(page);
}

static bool wants_frames(const struct vqi_text *text)
{
	return text->options->verbose || text->options->for_tracker;
}

/* All frames with --verbose and for a tracker, else in a few words; who: "waits", "each waits", "is". */
static void print_stack(struct vqi_text *text, size_t indent, const struct vqi_stack *stack,
			const char *who)
{
	struct vqi_page *page = &text->page;
	vqi_cleanup_free char *words = vqi_stack_words(stack);

	if (!words) {
		page->failed = true;
		return;
	}
	if (words[0] && !text->options->verbose)
		vqi_page_line(page, indent, VQI_STYLE_PLAIN, "%s in %s", who, words);
	for (size_t i = 0; wants_frames(text) && i < stack->count; i++)
		print_frame(page, indent, i, &stack->frames[i]);
	if (stack->gap && (wants_frames(text) || !words[0]))
		vqi_page_line(page, indent, VQI_STYLE_DIM, "back trace: %s", stack->gap);
}

/* ---- requests ---- */

static void print_buffers(struct vqi_page *page, const struct vqi_request *request)
{
	for (size_t i = 0; i < request->buffer_count; i++) {
		const struct vqi_buffer *buffer = &request->buffers[i];

		vqi_page_begin(page, 6, 4);
		vqi_page_add(page, VQI_STYLE_PLAIN,
			     "buffer 0x%" PRIx64 ", %u bytes, the device %s it", buffer->gpa,
			     (unsigned int)buffer->len, buffer->is_written ? "writes" : "reads");
		if (buffer->hva)
			vqi_page_add(page, VQI_STYLE_PLAIN, " (at 0x%" PRIx64 ")", buffer->hva);
		vqi_page_end(page);
	}
}

static void print_bytes(struct vqi_page *page, size_t at, const uint8_t *bytes, size_t count)
{
	char hex[3 * BYTES_A_LINE + 1] = "", chars[BYTES_A_LINE + 1] = "";

	for (size_t i = 0; i < count; i++) {
		sprintf(hex + 3 * i, " %02x", bytes[i]);
		chars[i] = isascii(bytes[i]) && isprint(bytes[i]) ? (char)bytes[i] : '.';
	}
	vqi_page_line(page, 6, VQI_STYLE_DIM, "%04zx %-48s  |%s|", at, hex, chars);
}

/* As hexdump -C does: of lines that repeat the one before, there is one asterisk. */
static void print_dump(struct vqi_page *page, const struct vqi_request *request)
{
	bool is_folded = false;

	for (size_t i = 0; i < request->dump_len; i += BYTES_A_LINE) {
		size_t left = request->dump_len - i;
		bool is_repeated = i && left > BYTES_A_LINE &&
				   memcmp(request->dump + i, request->dump + i - BYTES_A_LINE,
					  BYTES_A_LINE) == 0;

		if (!is_repeated)
			print_bytes(page, i, request->dump + i,
				    left < BYTES_A_LINE ? left : BYTES_A_LINE);
		else if (!is_folded)
			vqi_page_line(page, 6, VQI_STYLE_DIM, "*");
		is_folded = is_repeated;
	}
}

/* Whether the same is to be said of two requests after their own lines. */
static bool waits_alike(const struct vqi_text *text, const struct vqi_request *a,
			const struct vqi_request *b)
{
	if (text->options->verbose || a->carrier != b->carrier || a->dump_len || b->dump_len ||
	    !a->stack.count || a->stack.count != b->stack.count)
		return false;
	for (size_t i = 0; i < a->stack.count; i++) {
		if (a->stack.frames[i].pc != b->stack.frames[i].pc)
			return false;
	}
	return true;
}

static void print_wait(struct vqi_text *text, const struct vqi_request *request, size_t alike)
{
	if (request->carrier == VQI_CARRIER_RUNNING && request->tid.known)
		vqi_page_line(&text->page, 6, VQI_STYLE_PLAIN, "runs on thread %" PRIu64,
			      request->tid.value);
	else if (request->carrier == VQI_CARRIER_RUNNING)
		vqi_page_line(&text->page, 6, VQI_STYLE_PLAIN,
			      "its coroutine runs, or waits for another that it called");
	if (request->coroutine_hva && text->options->verbose)
		vqi_page_line(&text->page, 6, VQI_STYLE_PLAIN, "coroutine at 0x%" PRIx64,
			      request->coroutine_hva);
	print_stack(text, 6, &request->stack, alike > 1 ? "each waits" : "waits");
}

static void print_request(struct vqi_text *text, const struct vqi_request *request)
{
	vqi_cleanup_free char *words = vqi_request_words(request);

	if (!words) {
		text->page.failed = true;
		return;
	}
	vqi_page_line(&text->page, 4, VQI_STYLE_PLAIN, "%s", words);
	if (text->options->verbose)
		print_buffers(&text->page, request);
	if (!text->options->for_tracker)
		print_dump(&text->page, request);
}

/* Where requests wait is said once of those, one behind the other, that wait alike. */
static void print_requests(struct vqi_text *text, const struct vqi_request *requests, size_t count)
{
	size_t alike = 0;

	for (size_t i = 0; i < count; i++) {
		print_request(text, &requests[i]);
		alike++;
		if (i + 1 < count && waits_alike(text, &requests[i], &requests[i + 1]))
			continue;
		print_wait(text, &requests[i], alike);
		alike = 0;
	}
}

void vqi_text_queue_requests(struct vqi_text *text, const struct vqi_device *device,
			     const struct vqi_queue *queue)
{
	size_t count = queue->request_count, listed = count;
	struct vqi_page *page = &text->page;

	if (!text->options->verbose && count > REQUESTS_LISTED)
		listed = REQUESTS_LISTED;
	vqi_page_begin(page, 0, 2);
	vqi_page_add(page, VQI_STYLE_BOLD, "%s queue %u", vqi_text_label(device), queue->index);
	vqi_page_add(page, VQI_STYLE_PLAIN, ": %zu request%s in flight%s", count,
		     count == 1 ? "" : "s", listed < count ? ", the oldest first" : "");
	vqi_page_end(page);
	print_requests(text, queue->requests, listed);
	if (listed < count)
		vqi_page_line(page, 4, VQI_STYLE_PLAIN, "%zu more%s", count - listed,
			      text->options->for_tracker ? "" : "; -v lists them");
}

void vqi_text_requests(struct vqi_text *text)
{
	vqi_page_space(&text->page);
	for (size_t i = 0; i < text->snapshot->device_count; i++) {
		const struct vqi_device *device = &text->snapshot->devices[i];

		for (size_t j = 0; j < device->queue_count; j++) {
			if (device->queues[j].request_count)
				vqi_text_queue_requests(text, device, &device->queues[j]);
		}
	}
}

/* ---- threads ---- */

static void print_thread(struct vqi_text *text, const struct vqi_thread *thread)
{
	struct vqi_page *page = &text->page;

	vqi_page_begin(page, 0, 2);
	vqi_page_add(page, VQI_STYLE_BOLD, "thread %d", (int)thread->tid);
	vqi_page_add(page, VQI_STYLE_PLAIN, ", %s, state %c",
		     thread->role   ? thread->role
		     : thread->name ? thread->name
				    : "-",
		     thread->state);
	if (thread->syscall)
		vqi_page_add(page, VQI_STYLE_PLAIN, ", in %s", thread->syscall);
	vqi_page_end(page);
	print_stack(text, 4, &thread->stack, thread->state == 'R' ? "is" : "waits");
}

void vqi_text_stacks(struct vqi_text *text)
{
	vqi_page_space(&text->page);
	for (size_t i = 0; i < text->snapshot->thread_count; i++) {
		const struct vqi_thread *thread = &text->snapshot->threads[i];

		if (thread->stack.count || thread->stack.gap)
			print_thread(text, thread);
	}
}
