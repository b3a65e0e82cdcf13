/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fields.h"
#include "json.h"
#include "vqi/names.h"
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
	vqi_json_null(json, host, "polled");
	vqi_json_num(json, guest, "fd", queue->guest_notifier_fd);
	vqi_json_num(json, guest, "count", queue->guest_notifier_count);
}

/* Fields of the interface that nothing fills yet: there, and unknown. */
static void put_unknown(struct vqi_json *json, struct json_object *into)
{
	struct json_object *msix = vqi_json_object(json, into, "msix");
	struct json_object *served_by = vqi_json_object(json, into, "served_by");

	vqi_json_null(json, msix, "masked");
	vqi_json_null(json, msix, "pending");
	vqi_json_null(json, served_by, "thread");
	vqi_json_null(json, served_by, "tid");
	vqi_json_null(json, served_by, "name");
	vqi_json_null(json, into, "driver_used_idx");
	vqi_json_list(json, into, "requests");
}

static void put_ring_faults(struct vqi_json *json, struct json_object *into, unsigned int faults)
{
	struct json_object *list = vqi_json_list(json, into, "ring_faults");
	const char *word;

	for (unsigned int bit = 0; (word = vqi_ring_fault_word(bit)); bit++)
		if (faults & 1u << bit)
			vqi_json_string(json, list, NULL, word);
}

static void put_queue(struct vqi_json *json, struct json_object *list,
		      const struct vqi_queue *queue, const struct vqi_diagnosis *diagnosis)
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
	put_ring_faults(json, object, queue->ring_faults);
	put_unknown(json, object);
	vqi_json_bool(json, object, "consistent", queue->consistent);
	vqi_json_string(json, object, "state", vqi_queue_state_word(queue->state));
	vqi_json_findings(json, object, diagnosis, queue);
}

static void put_transport(struct vqi_json *json, struct json_object *into,
			  const struct vqi_device *device)
{
	struct json_object *object = vqi_json_object(json, into, "transport");

	vqi_json_string(json, object, "type", vqi_transport_word(device->transport));
	vqi_json_string(json, object, "address", device->transport_address);
}

static void put_backends(struct vqi_json *json, struct json_object *into,
			 const struct vqi_device *device)
{
	struct json_object *list = vqi_json_list(json, into, "backends");

	for (size_t i = 0; i < device->backend_count; i++) {
		struct json_object *object = vqi_json_object(json, list, NULL);
		const struct vqi_backend *backend = &device->backends[i];

		vqi_json_string(json, object, "kind", backend->kind);
		vqi_json_string(json, object, "name", backend->name);
		vqi_json_string(json, object, "node_name", backend->node_name);
		vqi_json_string(json, object, "driver", backend->driver);
	}
}

static void put_status(struct vqi_json *json, struct json_object *into,
		       const struct vqi_device *device)
{
	struct json_object *flags;

	vqi_json_uint(json, into, "status", device->status);
	flags = vqi_json_list(json, into, "status_flags");
	for (unsigned int bit = 0; bit < 8; bit++)
		if (device->status & 1u << bit && vqi_status_name(bit))
			vqi_json_string(json, flags, NULL, vqi_status_name(bit));
}

static void put_features(struct vqi_json *json, struct json_object *into,
			 const struct vqi_device *device)
{
	struct json_object *object = vqi_json_object(json, into, "features");
	struct json_object *names;

	vqi_json_hex(json, object, "host", device->host_features);
	vqi_json_hex(json, object, "guest", device->guest_features);
	names = vqi_json_list(json, object, "names");
	for (unsigned int bit = 0; bit < 64; bit++) {
		const char *name = vqi_feature_name(device->device_id, bit);

		if (name && device->guest_features >> bit & 1)
			vqi_json_string(json, names, NULL, name);
	}
}

static void put_vhost(struct vqi_json *json, struct json_object *into,
		      const struct vqi_device *device)
{
	struct json_object *object;

	if (device->vhost == VQI_VHOST_NONE) {
		vqi_json_null(json, into, "vhost");
		return;
	}
	object = vqi_json_object(json, into, "vhost");
	vqi_json_string(json, object, "type", vqi_vhost_word(device->vhost));
	vqi_json_bool(json, object, "started", true);
	vqi_json_null(json, object, "backend_pid");
}

void vqi_json_device(struct vqi_json *json, struct json_object *object,
		     const struct vqi_device *device, const struct vqi_diagnosis *diagnosis)
{
	struct json_object *queues;

	vqi_json_string(json, object, "id", device->id);
	vqi_json_string(json, object, "qom_path", device->qom_path);
	vqi_json_string(json, object, "type", device->type);
	vqi_json_uint(json, object, "device_id", device->device_id);
	vqi_json_hex(json, object, "vdev_addr", device->vdev_addr);
	put_transport(json, object, device);
	put_backends(json, object, device);
	put_status(json, object, device);
	put_features(json, object, device);
	vqi_json_bool(json, object, "broken", device->broken);
	vqi_json_bool(json, object, "disabled", device->disabled);
	vqi_json_bool(json, object, "started", device->started);
	vqi_json_flag(json, object, "vm_running", device->vm_running);
	vqi_json_string(json, object, "endian", vqi_endian_word(device->endian));
	put_vhost(json, object, device);
	queues = vqi_json_list(json, object, "queues");
	for (size_t i = 0; i < device->queue_count; i++)
		put_queue(json, queues, &device->queues[i], diagnosis);
}
