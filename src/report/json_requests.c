/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests in flight, and back traces. */
#include <stdlib.h>

#include "json.h"
#include "words.h"

static void put_frame(struct vqi_json *json, struct json_object *list,
		      const struct vqi_frame *frame)
{
	struct json_object *object = vqi_json_object(json, list, NULL);

	vqi_json_hex(json, object, "pc", frame->pc);
	vqi_json_string(json, object, "module", frame->module);
	vqi_json_string(json, object, "function", frame->function);
	vqi_json_uint(json, object, "offset", frame->offset);
	vqi_json_string(json, object, "file", frame->file);
	vqi_json_num(json, object, "line", frame->line ? VQI_NUM(frame->line) : VQI_UNKNOWN);
}

void vqi_json_stack(struct vqi_json *json, struct json_object *into, const struct vqi_stack *stack)
{
	struct json_object *list = vqi_json_list(json, into, "stack");

	for (size_t i = 0; i < stack->count; i++)
		put_frame(json, list, &stack->frames[i]);
	vqi_json_string(json, into, "stack_gap", stack->gap);
}

static void put_buffer(struct vqi_json *json, struct json_object *list,
		       const struct vqi_buffer *buffer)
{
	struct json_object *object = vqi_json_object(json, list, NULL);

	vqi_json_hex(json, object, "gpa", buffer->gpa);
	vqi_json_hex_num(json, object, "hva", buffer->hva ? VQI_NUM(buffer->hva) : VQI_UNKNOWN);
	vqi_json_uint(json, object, "len", buffer->len);
	vqi_json_bool(json, object, "device_writes", buffer->is_written);
}

static void put_detail(struct vqi_json *json, struct json_object *into,
		       const struct vqi_detail *detail)
{
	if (detail->text)
		vqi_json_string(json, into, detail->name, detail->text);
	else
		vqi_json_num(json, into, detail->name, detail->number);
}

static void put_dump(struct vqi_json *json, struct json_object *into,
		     const struct vqi_request *request)
{
	static const char digits[] = "0123456789abcdef";
	vqi_cleanup_free char *text = NULL;

	if (!request->dump) {
		vqi_json_null(json, into, "dump");
		return;
	}
	text = calloc(2, request->dump_len + 1);
	if (!text) {
		json->failed = true;
		return;
	}
	for (size_t i = 0; i < request->dump_len; i++) {
		text[2 * i] = digits[request->dump[i] >> 4];
		text[2 * i + 1] = digits[request->dump[i] & 15];
	}
	vqi_json_string(json, into, "dump", text);
}

static void put_request(struct vqi_json *json, struct json_object *list,
			const struct vqi_request *request)
{
	struct json_object *object = vqi_json_object(json, list, NULL);
	struct json_object *descriptors, *detail;

	vqi_json_uint(json, object, "head", request->head);
	vqi_json_string(json, object, "source", vqi_request_source_word(request->source));
	vqi_json_bool(json, object, "candidate", request->is_candidate);
	vqi_json_hex_num(json, object, "element",
			 request->element_hva ? VQI_NUM(request->element_hva) : VQI_UNKNOWN);
	vqi_json_num(json, object, "age_ms", request->age ? VQI_NUM(request->age_ms) : VQI_UNKNOWN);
	vqi_json_bool(json, object, "age_at_least", request->age == VQI_AGE_AT_LEAST);
	vqi_json_string(json, object, "kind", request->kind);
	detail = vqi_json_object(json, object, "detail");
	for (size_t i = 0; i < request->detail_count; i++)
		put_detail(json, detail, &request->details[i]);
	descriptors = vqi_json_list(json, object, "descriptors");
	for (size_t i = 0; i < request->buffer_count; i++)
		put_buffer(json, descriptors, &request->buffers[i]);
	put_dump(json, object, request);
	vqi_json_string(json, object, "coroutine", vqi_carrier_word(request->carrier));
	vqi_json_hex_num(json, object, "coroutine_addr",
			 request->coroutine_hva ? VQI_NUM(request->coroutine_hva) : VQI_UNKNOWN);
	vqi_json_num(json, object, "tid", request->tid);
	vqi_json_stack(json, object, &request->stack);
}

void vqi_json_requests(struct vqi_json *json, struct json_object *into,
		       const struct vqi_queue *queue)
{
	struct json_object *list = vqi_json_list(json, into, "requests");

	for (size_t i = 0; i < queue->request_count; i++)
		put_request(json, list, &queue->requests[i]);
}
