/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "raw.h"

#include <inttypes.h>

#include "fields.h"
#include "text.h"
#include "vqi/names.h"
#include "words.h"

static void print_fields(struct vqi_page *page, const struct vqi_queue *queue,
			 enum vqi_field_group group)
{
	const char *const titles[VQI_FIELDS_GROUP_COUNT] = {
		[VQI_FIELDS_GUEST] = "guest RAM",
		[VQI_FIELDS_QEMU] = vqi_queue_structure(queue),
		[VQI_FIELDS_DERIVED] = "derived",
	};

	vqi_page_begin(page, 8, 12);
	vqi_page_add(page, VQI_STYLE_PLAIN, "%s:", titles[group]);
	for (size_t i = 0; i < vqi_queue_field_count; i++) {
		const struct vqi_queue_field *field = &vqi_queue_fields[i];
		struct vqi_num value = vqi_queue_field_value(queue, field);

		if (field->group != group)
			continue;
		if (field->form == VQI_FORM_BOOLEAN)
			vqi_raw_boolean(page, field->name, value);
		else
			vqi_raw_number(page, field->name, value);
	}
	vqi_page_end(page);
}

static void add_event(struct vqi_page *page, const char *who, const struct vqi_packed_event *event)
{
	vqi_page_add(page, VQI_STYLE_PLAIN, "; %s", who);
	vqi_raw_number(page, "off", event->off);
	vqi_raw_boolean(page, "wrap", event->wrap);
	vqi_raw_number(page, "flags", event->flags);
}

static void print_wrap(struct vqi_page *page, const struct vqi_wrap *wrap)
{
	vqi_page_begin(page, 8, 12);
	vqi_page_add(page, VQI_STYLE_PLAIN, "wrap:");
	vqi_raw_boolean(page, "avail", wrap->avail);
	vqi_raw_boolean(page, "shadow_avail", wrap->shadow_avail);
	vqi_raw_boolean(page, "last_avail", wrap->last_avail);
	vqi_raw_boolean(page, "used", wrap->used);
	add_event(page, "driver", &wrap->driver);
	add_event(page, "device", &wrap->device);
	vqi_page_end(page);
}

static void print_notifiers(struct vqi_page *page, const struct vqi_queue *queue)
{
	const char *handler = vqi_handler_word(queue->handler);

	vqi_page_begin(page, 8, 12);
	vqi_page_add(page, VQI_STYLE_PLAIN, "host_notifier:");
	vqi_raw_number(page, "fd", queue->host_notifier_fd);
	vqi_raw_number(page, "count", queue->host_notifier_count);
	vqi_raw_boolean(page, "pending", VQI_NUM(queue->kick_pending));
	vqi_raw_number(page, "id", queue->host_notifier_id);
	vqi_raw_boolean(page, "ioeventfd", queue->ioeventfd);
	vqi_page_add_whole(page, 1, VQI_STYLE_PLAIN, "handler %s", handler ? handler : "-");
	if (queue->handler_ctx_hva)
		vqi_raw_address(page, "in", VQI_NUM(queue->handler_ctx_hva));
	vqi_raw_boolean(page, "polled", queue->handler_polled);
	vqi_page_end(page);
	vqi_page_begin(page, 8, 12);
	vqi_page_add(page, VQI_STYLE_PLAIN, "guest_notifier:");
	vqi_raw_number(page, "fd", queue->guest_notifier_fd);
	vqi_raw_number(page, "count", queue->guest_notifier_count);
	vqi_raw_boolean(page, "pending", VQI_NUM(queue->interrupt_pending));
	vqi_raw_number(page, "id", queue->guest_notifier_id);
	vqi_page_add(page, VQI_STYLE_PLAIN, "; msix:");
	vqi_raw_boolean(page, "masked", queue->msix_masked);
	vqi_raw_boolean(page, "pending", queue->msix_pending);
	vqi_raw_number(page, "irqfd_users", queue->irqfd_users);
	vqi_page_end(page);
}

static void print_ring_faults(struct vqi_page *page, const struct vqi_queue *queue)
{
	const struct vqi_ring_place *place = &queue->fault_place;
	const char *word;

	vqi_page_begin(page, 8, 12);
	vqi_page_add(page, VQI_STYLE_RED, "ring_faults:");
	for (unsigned int bit = 0; (word = vqi_ring_fault_word(bit)); bit++)
		if (queue->ring_faults & 1u << bit)
			vqi_page_add(page, VQI_STYLE_RED, " %s", word);
	if (place->head.known) {
		vqi_page_add(page, VQI_STYLE_PLAIN, ";");
		vqi_raw_number(page, "head", place->head);
		vqi_raw_number(page, "descriptor", place->descriptor);
		vqi_raw_address(page, "gpa", place->gpa);
		vqi_raw_number(page, "len", place->len);
	}
	vqi_page_end(page);
}

static void print_vring(struct vqi_page *page, const struct vqi_queue *queue)
{
	vqi_page_begin(page, 8, 12);
	vqi_page_add(page, VQI_STYLE_PLAIN, "vring:");
	vqi_raw_address(page, "desc", VQI_NUM(queue->desc_gpa));
	vqi_raw_address(page, "avail", VQI_NUM(queue->avail_gpa));
	vqi_raw_address(page, "used", VQI_NUM(queue->used_gpa));
	vqi_page_add(page, VQI_STYLE_PLAIN, "; in the target:");
	vqi_raw_address(page, "desc", VQI_NUM(queue->desc_hva));
	vqi_raw_address(page, "avail", VQI_NUM(queue->avail_hva));
	vqi_raw_address(page, "used", VQI_NUM(queue->used_hva));
	vqi_page_end(page);
}

void vqi_raw_queue(struct vqi_page *page, const struct vqi_queue *queue)
{
	const char *kind = vqi_queue_kind_word(queue->kind);

	vqi_page_line(page, 4, VQI_STYLE_PLAIN,
		      "queue %u: role %s, kind %s, %s ring of %" PRIu32 ", %s at 0x%" PRIx64
		      ", %s%s",
		      queue->index, queue->role ? queue->role : "-", kind ? kind : "-",
		      vqi_ring_word(queue->ring), queue->num, vqi_queue_structure(queue),
		      queue->vq_addr, vqi_queue_state_word(queue->state),
		      queue->consistent ? "" : ", moved while it was read");
	print_vring(page, queue);
	for (enum vqi_field_group group = 0; group < VQI_FIELDS_GROUP_COUNT; group++)
		print_fields(page, queue, group);
	if (queue->ring == VQI_RING_PACKED)
		print_wrap(page, &queue->wrap);
	print_notifiers(page, queue);
	if (queue->ring_faults)
		print_ring_faults(page, queue);
}

static void print_status(struct vqi_page *page, const struct vqi_device *device)
{
	vqi_page_begin(page, 4, 8);
	if (device->is_export)
		vqi_page_add(page, VQI_STYLE_PLAIN, "status: -");
	else
		vqi_page_add(page, VQI_STYLE_PLAIN, "status: 0x%x", device->status);
	for (unsigned int bit = 0; bit < 8; bit++)
		if (device->status & 1u << bit && vqi_status_name(bit))
			vqi_page_add(page, VQI_STYLE_PLAIN, " %s", vqi_status_name(bit));
	vqi_page_add(page, VQI_STYLE_PLAIN, ";");
	vqi_raw_boolean(page, "broken", VQI_NUM(device->broken));
	vqi_raw_boolean(page, "disabled", VQI_NUM(device->disabled));
	vqi_raw_boolean(page, "started", VQI_NUM(device->started));
	vqi_raw_boolean(page, "vm_running", device->vm_running);
	vqi_page_end(page);
}

static void print_interrupt(struct vqi_page *page, const struct vqi_device *device)
{
	vqi_page_begin(page, 4, 8);
	vqi_page_add(page, VQI_STYLE_PLAIN, "interrupt:");
	vqi_raw_number(page, "isr", device->isr);
	vqi_raw_boolean(page, "msix_enabled", device->msix_enabled);
	vqi_raw_boolean(page, "msix_function_masked", device->msix_function_masked);
	vqi_raw_boolean(page, "intx_asserted", device->intx_asserted);
	vqi_raw_boolean(page, "intx_disabled", device->intx_disabled);
	vqi_page_add(page, VQI_STYLE_PLAIN, "; kick:");
	vqi_raw_boolean(page, "memory", device->pci_memory);
	vqi_raw_boolean(page, "bus_master", device->pci_master);
	vqi_raw_boolean(page, "ioeventfd_started", device->ioeventfd_started);
	vqi_raw_number(page, "ioeventfd_grabbed", device->ioeventfd_grabbed);
	vqi_page_end(page);
}

static void print_features(struct vqi_page *page, const struct vqi_device *device)
{
	const char *endian = vqi_endian_word(device->endian);

	vqi_page_begin(page, 4, 8);
	vqi_page_add(page, VQI_STYLE_PLAIN, "features:");
	if (!device->is_export)
		vqi_page_add(page, VQI_STYLE_PLAIN, " host 0x%" PRIx64, device->host_features);
	vqi_page_add(page, VQI_STYLE_PLAIN, " guest 0x%" PRIx64 " endian %s;",
		     device->guest_features, endian ? endian : "-");
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

static void add_throttle(struct vqi_page *page, struct vqi_num throttled, const char *group)
{
	vqi_raw_number(page, "throttled", throttled);
	vqi_page_add_whole(page, 1, VQI_STYLE_PLAIN, "throttle_group %s", group ? group : "-");
}

void vqi_raw_node(struct vqi_page *page, const struct vqi_block_node *node)
{
	vqi_page_begin(page, 8, 12);
	vqi_page_add(page, VQI_STYLE_PLAIN, "node %s, driver %s",
		     node->node_name ? node->node_name : "-", node->driver ? node->driver : "-");
	if (node->filename)
		vqi_page_add(page, VQI_STYLE_PLAIN, ", file %s", node->filename);
	if (node->fd.known)
		vqi_raw_number(page, "fd", node->fd);
	vqi_raw_address(page, "at", VQI_NUM(node->bs_hva));
	vqi_page_add(page, VQI_STYLE_PLAIN, ":");
	vqi_raw_number(page, "in_flight", node->in_flight);
	vqi_raw_number(page, "tracked_requests", node->tracked);
	vqi_raw_number(page, "serialising", node->serialising);
	vqi_raw_number(page, "quiesce_counter", node->quiesce);
	add_throttle(page, node->throttled, node->throttle_group);
	vqi_page_end(page);
}

static void print_block(struct vqi_page *page, const struct vqi_block *block)
{
	vqi_page_begin(page, 8, 12);
	vqi_page_add(page, VQI_STYLE_PLAIN, "BlockBackend");
	vqi_raw_address(page, "at", VQI_NUM(block->blk_hva));
	vqi_page_add(page, VQI_STYLE_PLAIN, ":");
	vqi_raw_number(page, "in_flight", block->in_flight);
	vqi_raw_number(page, "quiesce_counter", block->quiesce);
	vqi_page_add_whole(page, 1, VQI_STYLE_PLAIN, "iostatus %s",
			   block->iostatus ? block->iostatus : "-");
	vqi_raw_number(page, "parked", block->parked);
	add_throttle(page, block->throttled, block->throttle_group);
	vqi_page_end(page);
	for (size_t i = 0; i < block->node_count; i++)
		vqi_raw_node(page, &block->nodes[i]);
}

static void print_backend(struct vqi_page *page, const struct vqi_backend *backend)
{
	vqi_page_begin(page, 4, 8);
	vqi_page_add(page, VQI_STYLE_PLAIN, "back end%s%s: %s %s", backend->child_id ? " of " : "",
		     backend->child_id ? backend->child_id : "", backend->kind,
		     backend->name ? backend->name : "-");
	if (backend->node_name)
		vqi_page_add(page, VQI_STYLE_PLAIN, ", node %s", backend->node_name);
	if (backend->driver)
		vqi_page_add(page, VQI_STYLE_PLAIN, ", driver %s", backend->driver);
	vqi_page_end(page);
	if (backend->block.blk_hva)
		print_block(page, &backend->block);
}

void vqi_text_raw_device(struct vqi_page *page, const struct vqi_device *device)
{
	const char *transport = vqi_transport_word(device->transport);
	const char *address = device->transport_address;

	if (!transport)
		transport = device->is_export ? "exported by" : "transport";
	if (device->is_export)
		address = "vhost-user";
	vqi_page_space(page);
	vqi_page_line(page, 0, VQI_STYLE_BOLD, "%s", vqi_text_label(device));
	vqi_page_line(page, 4, VQI_STYLE_PLAIN, "%s (device id %u), %s %s, %s at 0x%" PRIx64,
		      device->type ? device->type : "-", device->device_id, transport,
		      address ? address : "-", vqi_device_structure(device), device->vdev_addr);
	if (!device->is_export)
		vqi_page_line(page, 4, VQI_STYLE_PLAIN, "QOM path: %s",
			      device->qom_path ? device->qom_path : "-");
	for (size_t i = 0; i < device->backend_count; i++)
		print_backend(page, &device->backends[i]);
	print_status(page, device);
	if (!device->is_export)
		print_interrupt(page, device);
	print_features(page, device);
	for (size_t i = 0; i < device->queue_count; i++)
		vqi_raw_queue(page, &device->queues[i]);
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
		vqi_text_raw_device(&text->page, &text->snapshot->devices[i]);
	vqi_raw_host(&text->page, text->snapshot);
}
