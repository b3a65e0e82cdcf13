/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "json.h"
#include "vqi/names.h"
#include "words.h"

static void put_transport(struct vqi_json *json, struct json_object *into,
			  const struct vqi_device *device)
{
	struct json_object *object = vqi_json_object(json, into, "transport");

	vqi_json_string(json, object, "type", vqi_transport_word(device->transport));
	vqi_json_string(json, object, "address", device->transport_address);
	vqi_json_flag(json, object, "memory", device->pci_memory);
	vqi_json_flag(json, object, "bus_master", device->pci_master);
	vqi_json_flag(json, object, "ioeventfd_started", device->ioeventfd_started);
	vqi_json_num(json, object, "ioeventfd_grabbed", device->ioeventfd_grabbed);
}

static void put_interrupt(struct vqi_json *json, struct json_object *into,
			  const struct vqi_device *device)
{
	struct json_object *object = vqi_json_object(json, into, "interrupt");

	vqi_json_num(json, object, "isr", device->isr);
	vqi_json_flag(json, object, "msix_enabled", device->msix_enabled);
	vqi_json_flag(json, object, "msix_function_masked", device->msix_function_masked);
	vqi_json_flag(json, object, "intx_asserted", device->intx_asserted);
	vqi_json_flag(json, object, "intx_disabled", device->intx_disabled);
}

void vqi_json_block_node(struct vqi_json *json, struct json_object *list,
			 const struct vqi_block_node *node)
{
	struct json_object *object = vqi_json_object(json, list, NULL);

	vqi_json_string(json, object, "node_name", node->node_name);
	vqi_json_string(json, object, "driver", node->driver);
	vqi_json_string(json, object, "filename", node->filename);
	vqi_json_num(json, object, "fd", node->fd);
	vqi_json_hex(json, object, "bs_addr", node->bs_hva);
	vqi_json_num(json, object, "in_flight", node->in_flight);
	vqi_json_num(json, object, "tracked", node->tracked);
	vqi_json_num(json, object, "serialising", node->serialising);
	vqi_json_num(json, object, "quiesce_counter", node->quiesce);
	vqi_json_num(json, object, "throttled", node->throttled);
	vqi_json_string(json, object, "throttle_group", node->throttle_group);
}

static void put_block(struct vqi_json *json, struct json_object *into,
		      const struct vqi_block *block)
{
	struct json_object *object, *nodes;

	if (!block->blk_hva) {
		vqi_json_null(json, into, "block");
		return;
	}
	object = vqi_json_object(json, into, "block");
	vqi_json_hex(json, object, "blk_addr", block->blk_hva);
	vqi_json_num(json, object, "in_flight", block->in_flight);
	vqi_json_num(json, object, "quiesce_counter", block->quiesce);
	vqi_json_string(json, object, "iostatus", block->iostatus);
	vqi_json_num(json, object, "throttled", block->throttled);
	vqi_json_string(json, object, "throttle_group", block->throttle_group);
	vqi_json_num(json, object, "parked", block->parked);
	nodes = vqi_json_list(json, object, "nodes");
	for (size_t i = 0; i < block->node_count; i++)
		vqi_json_block_node(json, nodes, &block->nodes[i]);
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
		vqi_json_string(json, object, "child", backend->child_id);
		put_block(json, object, &backend->block);
	}
}

static void put_status(struct vqi_json *json, struct json_object *into,
		       const struct vqi_device *device)
{
	struct json_object *flags;

	if (device->is_export) /* its client does not tell */
		vqi_json_null(json, into, "status");
	else
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

	if (device->is_export)
		vqi_json_null(json, object, "host");
	else
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

static void put_export(struct vqi_json *json, struct json_object *into,
		       const struct vqi_device *device)
{
	struct json_object *object;

	if (!device->is_export) {
		vqi_json_null(json, into, "export");
		return;
	}
	object = vqi_json_object(json, into, "export");
	vqi_json_string(json, object, "type", "vhost-user-blk");
	if (device->unread)
		vqi_json_null(json, object, "connected");
	else
		vqi_json_bool(json, object, "connected", device->queue_count);
}

void vqi_json_device(struct vqi_json *json, struct json_object *object,
		     const struct vqi_snapshot *snapshot, const struct vqi_device *device,
		     const struct vqi_diagnosis *diagnosis)
{
	struct json_object *queues;

	vqi_json_string(json, object, "id", device->id);
	vqi_json_string(json, object, "qom_path", device->qom_path);
	vqi_json_string(json, object, "type", device->type);
	vqi_json_uint(json, object, "device_id", device->device_id);
	vqi_json_hex(json, object, "vdev_addr", device->vdev_addr);
	put_transport(json, object, device);
	put_interrupt(json, object, device);
	put_backends(json, object, device);
	put_status(json, object, device);
	put_features(json, object, device);
	vqi_json_bool(json, object, "broken", device->broken);
	vqi_json_bool(json, object, "disabled", device->disabled);
	vqi_json_bool(json, object, "started", device->started);
	vqi_json_flag(json, object, "vm_running", device->vm_running);
	vqi_json_string(json, object, "endian", vqi_endian_word(device->endian));
	put_vhost(json, object, device);
	put_export(json, object, device);
	queues = vqi_json_list(json, object, "queues");
	for (size_t i = 0; i < device->queue_count; i++)
		vqi_json_queue(json, queues, snapshot, &device->queues[i], diagnosis);
}
