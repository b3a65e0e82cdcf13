/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The devices of a bug report, by their buses, and the queues. */
#include <inttypes.h>
#include <string.h>

#include "fields.h"
#include "markdown.h"
#include "vqi/cleanup.h"
#include "words.h"

/* ---- devices ---- */

/* The part of a PCI address that all devices of a bus have: "0000:00" of "0000:00:03.0". */
static size_t bus_len(const struct vqi_device *device)
{
	const char *end = device->transport_address ? strrchr(device->transport_address, ':')
						    : NULL;

	return device->transport == VQI_TRANSPORT_PCI && end
		       ? (size_t)(end - device->transport_address)
		       : 0;
}

static bool is_same_bus(const struct vqi_device *a, const struct vqi_device *b)
{
	return a->transport == b->transport && bus_len(a) == bus_len(b) &&
	       memcmp(bus_len(a) ? a->transport_address : "",
		      bus_len(a) ? b->transport_address : "", bus_len(a)) == 0;
}

static void write_node(struct vqi_markdown *markdown, const struct vqi_block_node *node)
{
	vqi_markdown_add(markdown, "      - node ");
	vqi_markdown_code(markdown, node->node_name);
	vqi_markdown_add(markdown, ", driver ");
	vqi_markdown_code(markdown, node->driver);
	if (node->filename) {
		vqi_markdown_add(markdown, ", file ");
		vqi_markdown_code(markdown, node->filename);
	}
	if (node->in_flight.known)
		vqi_markdown_add(markdown, ", %" PRIu64 " in flight", node->in_flight.value);
	vqi_markdown_add(markdown, "\n");
}

static void write_backend(struct vqi_markdown *markdown, const struct vqi_backend *backend)
{
	vqi_markdown_add(markdown, "    - %s ", backend->kind);
	vqi_markdown_code(markdown, backend->name);
	if (backend->node_name) {
		vqi_markdown_add(markdown, ", node ");
		vqi_markdown_code(markdown, backend->node_name);
	}
	if (backend->driver) {
		vqi_markdown_add(markdown, ", driver ");
		vqi_markdown_code(markdown, backend->driver);
	}
	if (backend->child_id) {
		vqi_markdown_add(markdown, ", of ");
		vqi_markdown_code(markdown, backend->child_id);
	}
	vqi_markdown_add(markdown, "\n");
	for (size_t i = 0; i < backend->block.node_count; i++)
		write_node(markdown, &backend->block.nodes[i]);
}

static void write_device(struct vqi_markdown *markdown, const struct vqi_device *device)
{
	const char *vhost = vqi_vhost_word(device->vhost);

	vqi_markdown_add(markdown, "  - ");
	vqi_markdown_code(markdown, vqi_text_label(device));
	vqi_markdown_add(markdown, ", ");
	vqi_markdown_code(markdown, device->type);
	if (!device->is_export) {
		vqi_markdown_add(markdown, " at ");
		vqi_markdown_code(markdown, device->transport_address);
	}
	vqi_markdown_add(markdown, ", %zu queue%s", device->queue_count,
			 device->queue_count == 1 ? "" : "s");
	if (!device->is_export)
		vqi_markdown_add(markdown, ", status 0x%x", device->status);
	vqi_markdown_add(markdown, ", features 0x%" PRIx64, device->guest_features);
	if (device->vhost != VQI_VHOST_NONE)
		vqi_markdown_add(markdown, ", vhost %s", vhost ? vhost : "");
	if (device->unread)
		vqi_markdown_add(markdown, ", could not be read");
	if (device->broken)
		vqi_markdown_add(markdown, ", **broken**");
	vqi_markdown_add(markdown, "\n");
	for (size_t i = 0; i < device->backend_count; i++)
		write_backend(markdown, &device->backends[i]);
}

static void write_bus(struct vqi_markdown *markdown, size_t first)
{
	const struct vqi_snapshot *snapshot = markdown->snapshot;
	const struct vqi_device *device = &snapshot->devices[first];

	for (size_t i = 0; i < first; i++) {
		if (is_same_bus(&snapshot->devices[i], device))
			return;
	}
	if (device->is_export)
		vqi_markdown_add(markdown, "- exported by vhost-user");
	else if (device->transport == VQI_TRANSPORT_PCI)
		vqi_markdown_add(markdown, "- PCI bus ");
	else if (device->transport == VQI_TRANSPORT_MMIO)
		vqi_markdown_add(markdown, "- memory (MMIO)");
	else
		vqi_markdown_add(markdown, device->transport == VQI_TRANSPORT_CCW
						   ? "- channel (CCW)"
						   : "- unknown transport");
	if (bus_len(device)) {
		vqi_cleanup_free char *bus = strndup(device->transport_address, bus_len(device));

		vqi_markdown_code(markdown, bus);
	}
	vqi_markdown_add(markdown, "\n");
	for (size_t i = first; i < snapshot->device_count; i++) {
		if (is_same_bus(&snapshot->devices[i], device))
			write_device(markdown, &snapshot->devices[i]);
	}
}

void vqi_markdown_devices(struct vqi_markdown *markdown)
{
	for (size_t i = 0; i < markdown->snapshot->device_count; i++)
		write_bus(markdown, i);
}

/* ---- queues ---- */

static void write_number(struct vqi_markdown *markdown, struct vqi_num number)
{
	if (number.known)
		vqi_markdown_add(markdown, " %" PRIu64 " |", number.value);
	else
		vqi_markdown_add(markdown, " - |");
}

static void write_row(struct vqi_markdown *markdown, const struct vqi_device *device,
		      const struct vqi_queue *queue)
{
	const struct vqi_loop *loop = vqi_snapshot_loop(markdown->snapshot, queue);

	vqi_markdown_add(markdown, "| ");
	vqi_markdown_code(markdown, vqi_text_label(device));
	vqi_markdown_add(markdown, " | %u | %s | %s | %s | %u |", queue->index,
			 queue->role ? queue->role : "-", vqi_queue_state_word(queue->state),
			 vqi_ring_word(queue->ring), (unsigned int)queue->num);
	write_number(markdown, queue->avail_idx);
	write_number(markdown, queue->shadow_avail_idx);
	write_number(markdown, queue->last_avail_idx);
	write_number(markdown, vqi_queue_used(queue));
	write_number(markdown, vqi_queue_reaped(queue));
	write_number(markdown, queue->inuse);
	vqi_markdown_add(markdown, " ");
	vqi_markdown_code(markdown, loop ? loop->name : NULL);
	vqi_markdown_add(markdown, " |\n");
}

void vqi_markdown_queues(struct vqi_markdown *markdown)
{
	static const struct vqi_report_options options = {0};
	const struct vqi_text text = {.snapshot = markdown->snapshot,
				      .diagnosis = markdown->diagnosis,
				      .options = &options};
	bool is_first = true;

	for (size_t i = 0; i < markdown->snapshot->device_count; i++) {
		const struct vqi_device *device = &markdown->snapshot->devices[i];

		for (size_t j = 0; j < device->queue_count; j++) {
			if (!vqi_text_has_row(&text, &device->queues[j]))
				continue;
			if (is_first)
				vqi_markdown_add(
					markdown,
					"| device | queue | role | state | ring | size | avail | seen | "
					"taken | used | reaped | inuse | served by |\n"
					"|---|--:|---|---|---|--:|--:|--:|--:|--:|--:|--:|---|\n");
			is_first = false;
			write_row(markdown, device, &device->queues[j]);
		}
	}
}
