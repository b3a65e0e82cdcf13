/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fields.h"
#include "json.h"
#include "words.h"

static void put_event(struct vqi_json *json, struct json_object *into, const char *name,
		      const struct vqi_packed_event *event)
{
	struct json_object *object = vqi_json_object(json, into, name);

	vqi_json_num(json, object, "off", event->off);
	vqi_json_flag(json, object, "wrap", event->wrap);
	vqi_json_num(json, object, "flags", event->flags);
}

static void put_wrap(struct vqi_json *json, struct json_object *into, const struct vqi_queue *queue)
{
	struct json_object *object;

	if (queue->ring != VQI_RING_PACKED) {
		vqi_json_null(json, into, "wrap");
		return;
	}
	object = vqi_json_object(json, into, "wrap");
	vqi_json_flag(json, object, "avail", queue->wrap.avail);
	vqi_json_flag(json, object, "last_avail", queue->wrap.last_avail);
	vqi_json_flag(json, object, "shadow_avail", queue->wrap.shadow_avail);
	vqi_json_flag(json, object, "used", queue->wrap.used);
	put_event(json, object, "driver", &queue->wrap.driver);
	put_event(json, object, "device", &queue->wrap.device);
}

static void put_notifiers(struct vqi_json *json, struct json_object *into,
			  const struct vqi_queue *queue)
{
	struct json_object *host = vqi_json_object(json, into, "host_notifier");
	struct json_object *guest = vqi_json_object(json, into, "guest_notifier");

	vqi_json_num(json, host, "fd", queue->host_notifier_fd);
	vqi_json_num(json, host, "count", queue->host_notifier_count);
	vqi_json_bool(json, host, "pending", queue->kick_pending);
	vqi_json_num(json, host, "id", queue->host_notifier_id);
	vqi_json_flag(json, host, "ioeventfd", queue->ioeventfd);
	vqi_json_string(json, host, "handler", vqi_handler_word(queue->handler));
	vqi_json_hex_num(json, host, "context",
			 queue->handler_ctx_hva ? VQI_NUM(queue->handler_ctx_hva) : VQI_UNKNOWN);
	vqi_json_flag(json, host, "polled", queue->handler_polled);
	vqi_json_num(json, guest, "fd", queue->guest_notifier_fd);
	vqi_json_num(json, guest, "count", queue->guest_notifier_count);
	vqi_json_bool(json, guest, "pending", queue->interrupt_pending);
	vqi_json_num(json, guest, "id", queue->guest_notifier_id);
}

static void put_msix(struct vqi_json *json, struct json_object *into, const struct vqi_queue *queue)
{
	struct json_object *msix = vqi_json_object(json, into, "msix");

	vqi_json_flag(json, msix, "masked", queue->msix_masked);
	vqi_json_flag(json, msix, "pending", queue->msix_pending);
	vqi_json_num(json, msix, "irqfd_users", queue->irqfd_users);
}

static void put_service(struct vqi_json *json, struct json_object *into,
			const struct vqi_snapshot *snapshot, const struct vqi_queue *queue)
{
	struct json_object *object = vqi_json_object(json, into, "served_by");
	const struct vqi_loop *loop = vqi_snapshot_loop(snapshot, queue);
	const struct vqi_thread *thread = loop ? vqi_snapshot_thread(snapshot, loop->tid) : NULL;

	vqi_json_string(json, object, "thread", loop ? loop->name : NULL);
	vqi_json_num(json, object, "tid", loop ? loop->tid : VQI_UNKNOWN);
	vqi_json_string(json, object, "name", thread ? thread->name : NULL);
}

static void put_ring_faults(struct vqi_json *json, struct json_object *into, unsigned int faults)
{
	struct json_object *list = vqi_json_list(json, into, "ring_faults");
	const char *word;

	for (unsigned int bit = 0; (word = vqi_ring_fault_word(bit)); bit++)
		if (faults & 1u << bit)
			vqi_json_string(json, list, NULL, word);
}

static void put_fault_place(struct vqi_json *json, struct json_object *into,
			    const struct vqi_ring_place *place)
{
	struct json_object *object;

	if (!place->head.known) {
		vqi_json_null(json, into, "fault_place");
		return;
	}
	object = vqi_json_object(json, into, "fault_place");
	vqi_json_num(json, object, "head", place->head);
	vqi_json_num(json, object, "descriptor", place->descriptor);
	vqi_json_hex_num(json, object, "gpa", place->gpa);
	vqi_json_num(json, object, "len", place->len);
}

void vqi_json_queue(struct vqi_json *json, struct json_object *list,
		    const struct vqi_snapshot *snapshot, const struct vqi_queue *queue,
		    const struct vqi_diagnosis *diagnosis)
{
	struct json_object *object = vqi_json_object(json, list, NULL);
	struct json_object *vring;

	vqi_json_uint(json, object, "index", queue->index);
	vqi_json_string(json, object, "role", queue->role);
	vqi_json_string(json, object, "kind", vqi_queue_kind_word(queue->kind));
	vqi_json_string(json, object, "ring", vqi_ring_word(queue->ring));
	vqi_json_hex(json, object, "vq_addr", queue->vq_addr);
	vqi_json_uint(json, object, "num", queue->num);
	vring = vqi_json_object(json, object, "vring");
	vqi_json_hex(json, vring, "desc", queue->desc_gpa);
	vqi_json_hex(json, vring, "avail", queue->avail_gpa);
	vqi_json_hex(json, vring, "used", queue->used_gpa);
	for (size_t i = 0; i < vqi_queue_field_count; i++) {
		const struct vqi_queue_field *field = &vqi_queue_fields[i];
		struct vqi_num value = vqi_queue_field_value(queue, field);

		if (field->form == VQI_FORM_BOOLEAN)
			vqi_json_flag(json, object, field->name, value);
		else
			vqi_json_num(json, object, field->name, value);
	}
	put_wrap(json, object, queue);
	put_notifiers(json, object, queue);
	put_msix(json, object, queue);
	put_service(json, object, snapshot, queue);
	vqi_json_null(json, object, "driver_used_idx"); /* nothing fills it yet */
	vqi_json_requests(json, object, queue);
	put_ring_faults(json, object, queue->ring_faults);
	put_fault_place(json, object, &queue->fault_place);
	vqi_json_bool(json, object, "consistent", queue->consistent);
	vqi_json_string(json, object, "state", vqi_queue_state_word(queue->state));
	vqi_json_findings(json, object, diagnosis, queue);
}
