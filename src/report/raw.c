/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>

#include "fields.h"
#include "text.h"
#include "vqi/names.h"
#include "words.h"

/* Adds " NAME VALUE". */
static void add_number(struct vqi_page *page, const char *name, struct vqi_num number)
{
	if (number.known)
		vqi_page_add_whole(page, 1, VQI_STYLE_PLAIN, "%s %" PRIu64, name, number.value);
	else
		vqi_page_add_whole(page, 1, VQI_STYLE_PLAIN, "%s -", name);
}

static void add_boolean(struct vqi_page *page, const char *name, struct vqi_num number)
{
	const char *word = number.value ? "true" : "false";

	vqi_page_add_whole(page, 1, VQI_STYLE_PLAIN, "%s %s", name, number.known ? word : "-");
}

static void add_address(struct vqi_page *page, const char *name, uint64_t address)
{
	vqi_page_add_whole(page, 1, VQI_STYLE_PLAIN, "%s 0x%" PRIx64, name, address);
}

static void print_fields(struct vqi_page *page, const struct vqi_queue *queue,
			 enum vqi_field_group group)
{
	static const char *const titles[VQI_FIELDS_GROUP_COUNT] = {
		[VQI_FIELDS_GUEST] = "guest RAM:",
		[VQI_FIELDS_QEMU] = "VirtQueue:",
		[VQI_FIELDS_DERIVED] = "derived:",
	};

	vqi_page_begin(page, 8, 12);
	vqi_page_add(page, VQI_STYLE_PLAIN, "%s", titles[group]);
	for (size_t i = 0; i < vqi_queue_field_count; i++) {
		const struct vqi_queue_field *field = &vqi_queue_fields[i];
		struct vqi_num value = vqi_queue_field_value(queue, field);

		if (field->group != group)
			continue;
		if (field->form == VQI_FORM_BOOLEAN)
			add_boolean(page, field->name, value);
		else
			add_number(page, field->name, value);
	}
	vqi_page_end(page);
}

static void add_event(struct vqi_page *page, const char *who, const struct vqi_packed_event *event)
{
	vqi_page_add(page, VQI_STYLE_PLAIN, "; %s", who);
	add_number(page, "off", event->off);
	add_boolean(page, "wrap", event->wrap);
	add_number(page, "flags", event->flags);
}

static void print_wrap(struct vqi_page *page, const struct vqi_wrap *wrap)
{
	vqi_page_begin(page, 8, 12);
	vqi_page_add(page, VQI_STYLE_PLAIN, "wrap:");
	add_boolean(page, "avail", wrap->avail);
	add_boolean(page, "shadow_avail", wrap->shadow_avail);
	add_boolean(page, "last_avail", wrap->last_avail);
	add_boolean(page, "used", wrap->used);
	add_event(page, "driver", &wrap->driver);
	add_event(page, "device", &wrap->device);
	vqi_page_end(page);
}

static void print_notifiers(struct vqi_page *page, const struct vqi_queue *queue)
{
	vqi_page_begin(page, 8, 12);
	vqi_page_add(page, VQI_STYLE_PLAIN, "host_notifier:");
	add_number(page, "fd", queue->host_notifier_fd);
	add_number(page, "count", queue->host_notifier_count);
	vqi_page_add(page, VQI_STYLE_PLAIN, "; guest_notifier:");
	add_number(page, "fd", queue->guest_notifier_fd);
	add_number(page, "count", queue->guest_notifier_count);
	vqi_page_end(page);
}

static void print_ring_faults(struct vqi_page *page, unsigned int faults)
{
	const char *word;

	vqi_page_begin(page, 8, 12);
	vqi_page_add(page, VQI_STYLE_RED, "ring_faults:");
	for (unsigned int bit = 0; (word = vqi_ring_fault_word(bit)); bit++)
		if (faults & 1u << bit)
			vqi_page_add(page, VQI_STYLE_RED, " %s", word);
	vqi_page_end(page);
}

static void print_vring(struct vqi_page *page, const struct vqi_queue *queue)
{
	vqi_page_begin(page, 8, 12);
	vqi_page_add(page, VQI_STYLE_PLAIN, "vring:");
	add_address(page, "desc", queue->desc_gpa);
	add_address(page, "avail", queue->avail_gpa);
	add_address(page, "used", queue->used_gpa);
	vqi_page_add(page, VQI_STYLE_PLAIN, "; in the target:");
	add_address(page, "desc", queue->desc_hva);
	add_address(page, "avail", queue->avail_hva);
	add_address(page, "used", queue->used_hva);
	vqi_page_end(page);
}

static void print_queue(struct vqi_page *page, const struct vqi_queue *queue)
{
	const char *kind = vqi_queue_kind_word(queue->kind);

	vqi_page_line(page, 4, VQI_STYLE_PLAIN,
		      "queue %u: role %s, kind %s, %s ring of %" PRIu32 ", VirtQueue at 0x%" PRIx64
		      ", %s%s",
		      queue->index, queue->role ? queue->role : "-", kind ? kind : "-",
		      vqi_ring_word(queue->ring), queue->num, queue->vq_addr,
		      vqi_queue_state_word(queue->state),
		      queue->consistent ? "" : ", moved while it was read");
	print_vring(page, queue);
	for (enum vqi_field_group group = 0; group < VQI_FIELDS_GROUP_COUNT; group++)
		print_fields(page, queue, group);
	if (queue->ring == VQI_RING_PACKED)
		print_wrap(page, &queue->wrap);
	print_notifiers(page, queue);
	if (queue->ring_faults)
		print_ring_faults(page, queue->ring_faults);
}

static void print_status(struct vqi_page *page, const struct vqi_device *device)
{
	vqi_page_begin(page, 4, 8);
	vqi_page_add(page, VQI_STYLE_PLAIN, "status: 0x%x", device->status);
	for (unsigned int bit = 0; bit < 8; bit++)
		if (device->status & 1u << bit && vqi_status_name(bit))
			vqi_page_add(page, VQI_STYLE_PLAIN, " %s", vqi_status_name(bit));
	vqi_page_add(page, VQI_STYLE_PLAIN, ";");
	add_boolean(page, "broken", VQI_NUM(device->broken));
	add_boolean(page, "disabled", VQI_NUM(device->disabled));
	add_boolean(page, "started", VQI_NUM(device->started));
	add_boolean(page, "vm_running", device->vm_running);
	vqi_page_end(page);
}

static void print_features(struct vqi_page *page, const struct vqi_device *device)
{
	const char *endian = vqi_endian_word(device->endian);

	vqi_page_begin(page, 4, 8);
	vqi_page_add(page, VQI_STYLE_PLAIN,
		     "features: host 0x%" PRIx64 " guest 0x%" PRIx64 " endian %s;",
		     device->host_features, device->guest_features, endian ? endian : "-");
	for (unsigned int bit = 0; bit < 64; bit++) {
		const char *name = vqi_feature_name(device->device_id, bit);

		if (!(device->guest_features >> bit & 1))
			continue;
		if (name)
			vqi_page_add(page, VQI_STYLE_PLAIN, " %s", name);
		else
			vqi_page_add(page, VQI_STYLE_PLAIN, " bit%u", bit);
	}
	vqi_page_end(page);
}

static void print_backend(struct vqi_page *page, const struct vqi_backend *backend)
{
	vqi_page_begin(page, 4, 8);
	vqi_page_add(page, VQI_STYLE_PLAIN, "back end: %s %s", backend->kind,
		     backend->name ? backend->name : "-");
	if (backend->node_name)
		vqi_page_add(page, VQI_STYLE_PLAIN, ", node %s", backend->node_name);
	if (backend->driver)
		vqi_page_add(page, VQI_STYLE_PLAIN, ", driver %s", backend->driver);
	vqi_page_end(page);
}

static void print_device(struct vqi_page *page, const struct vqi_device *device)
{
	const char *transport = vqi_transport_word(device->transport);
	const char *address = device->transport_address;

	vqi_page_space(page);
	vqi_page_line(page, 0, VQI_STYLE_BOLD, "%s", vqi_text_label(device));
	vqi_page_line(page, 4, VQI_STYLE_PLAIN,
		      "%s (device id %u), %s %s, VirtIODevice at 0x%" PRIx64,
		      device->type ? device->type : "-", device->device_id,
		      transport ? transport : "transport", address ? address : "-",
		      device->vdev_addr);
	vqi_page_line(page, 4, VQI_STYLE_PLAIN, "QOM path: %s",
		      device->qom_path ? device->qom_path : "-");
	for (size_t i = 0; i < device->backend_count; i++)
		print_backend(page, &device->backends[i]);
	print_status(page, device);
	print_features(page, device);
	for (size_t i = 0; i < device->queue_count; i++)
		print_queue(page, &device->queues[i]);
}

static void print_target(struct vqi_page *page, const struct vqi_target *target)
{
	vqi_page_space(page);
	vqi_page_line(page, 0, VQI_STYLE_PLAIN,
		      "executable %s, build id %s, guest %s, layout from %s",
		      target->exe ? target->exe : "-", target->build_id ? target->build_id : "-",
		      target->arch ? target->arch : "-",
		      target->layout_source ? target->layout_source : "-");
}

void vqi_text_raw(struct vqi_text *text)
{
	print_target(&text->page, &text->snapshot->target);
	for (size_t i = 0; i < text->snapshot->device_count; i++)
		print_device(&text->page, &text->snapshot->devices[i]);
}
