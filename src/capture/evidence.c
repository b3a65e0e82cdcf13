/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "evidence.h"

#include <stdlib.h>
#include <string.h>

#include "vqi/exports.h"
#include "vqi/virtio.h"

VQI_DEFINE_CLEANUP_VALUE(struct vqi_ioeventfds, vqi_ioeventfds_done)

struct vqi_error *vqi_evidence_keep_as_gap(struct vqi_error *error, struct vqi_snapshot *snapshot,
					   const struct vqi_device *device, const char *what)
{
	vqi_cleanup_error struct vqi_error *owned = error;

	if (!error)
		return NULL;
	if (vqi_error_is_fatal(error))
		return take_ptr(owned);
	return vqi_snapshot_add_gap(snapshot, device, VQI_UNKNOWN, what, error->message);
}

struct vqi_error *vqi_evidence_keep_limit(struct vqi_error *error, struct vqi_snapshot *snapshot,
					  const char *what)
{
	if (!error || error->code != VQI_ERROR_LIMIT)
		return vqi_error_keep_fatal(error);
	return vqi_evidence_keep_as_gap(error, snapshot, NULL, what);
}

bool vqi_queue_is_waiting(const struct vqi_queue *queue)
{
	if (vqi_num_nonzero(queue->unreaped))
		return true;
	return queue->kind != VQI_KIND_RECEIVE &&
	       (vqi_num_nonzero(vqi_queue_untaken(queue)) || vqi_num_nonzero(queue->in_flight));
}

bool vqi_device_is_waiting(const struct vqi_device *device)
{
	for (size_t i = 0; i < device->queue_count; i++) {
		if (vqi_queue_is_waiting(&device->queues[i]))
			return true;
	}
	return false;
}

/* ---- kicks that QEMU should be rung for ---- */

static bool needs_ioeventfds(const struct vqi_queue *queue)
{
	return queue->host_notifier_fd.known && queue->kind != VQI_KIND_RECEIVE &&
	       vqi_num_nonzero(vqi_queue_untaken(queue));
}

static struct vqi_error *add_ioeventfds(struct vqi_qemu *qemu, struct vqi_snapshot *snapshot)
{
	vqi_cleanup(vqi_ioeventfds_done) struct vqi_ioeventfds ioeventfds = {0};
	struct vqi_error *error;
	bool have = false;

	for (size_t i = 0; i < snapshot->device_count; i++) {
		struct vqi_device *device = &snapshot->devices[i];

		for (size_t j = 0; j < device->queue_count; j++) {
			struct vqi_queue *queue = &device->queues[j];

			if (!needs_ioeventfds(queue))
				continue;
			error = have ? NULL : vqi_qemu_ioeventfds(qemu, &ioeventfds);
			if (error)
				return vqi_evidence_keep_limit(error, snapshot, "ioeventfds");
			have = true;
			queue->ioeventfd =
				VQI_NUM(vqi_ioeventfds_have(&ioeventfds, queue->host_notifier_hva));
		}
	}
	return NULL;
}

/* ---- chains ---- */

static bool has_chains(const struct vqi_device *device, const struct vqi_queue *queue)
{
	return queue->desc_gpa && queue->consistent && device->vhost == VQI_VHOST_NONE &&
	       (vqi_num_nonzero(vqi_queue_untaken(queue)) ||
		(device->broken && vqi_num_nonzero(queue->in_flight)));
}

struct vqi_error *vqi_evidence_read_ram(struct vqi_qemu *qemu, const struct vqi_device *device,
					struct vqi_guest_ram *ram, bool *ret_have)
{
	struct vqi_error *error;
	uint64_t space;

	if (device->is_export) {
		error = vqi_qemu_export_ram(qemu, device->vdev_addr, ram);
		*ret_have = !error;
		return vqi_error_keep_fatal(error);
	}
	error = vqi_qemu_field(qemu, device->vdev_addr, VQI_F_VirtIODevice_dma_as, &space);
	if (!error)
		error = vqi_qemu_guest_ram(qemu, space, ram);
	*ret_have = !error;
	return vqi_error_keep_fatal(error);
}

/* Once the device has taken a chain the driver may use its descriptors anew: what was found is of no
 * moment then. */
static struct vqi_error *check_queue(struct vqi_qemu *qemu, const struct vqi_guest_ram *ram,
				     const struct vqi_device *device, struct vqi_queue *queue)
{
	struct vqi_queue checked = *queue;
	struct vqi_error *error;
	uint64_t last_avail_idx;

	error = vqi_chains_check(qemu->mem, ram, device, &checked);
	if (!error)
		error = vqi_qemu_field(qemu, queue->vq_addr,
				       vqi_index_fields_of(device)->last_avail_idx,
				       &last_avail_idx);
	if (!error && vqi_num_is(queue->last_avail_idx, last_avail_idx))
		*queue = checked;
	return vqi_error_keep_fatal(error);
}

static struct vqi_error *check_chains(struct vqi_qemu *qemu, struct vqi_device *device)
{
	vqi_cleanup(vqi_guest_ram_done) struct vqi_guest_ram ram = {0};
	bool asked = false, have = false;
	struct vqi_error *error = NULL;

	for (size_t i = 0; !error && i < device->queue_count; i++) {
		struct vqi_queue *queue = &device->queues[i];

		if (!has_chains(device, queue))
			continue;
		if (!asked)
			error = vqi_evidence_read_ram(qemu, device, &ram, &have);
		asked = true;
		if (!error)
			error = check_queue(qemu, have ? &ram : NULL, device, queue);
	}
	return error;
}

/* ---- what the device works with ---- */

struct vqi_error *vqi_evidence_add_blocks(struct vqi_qemu *qemu, struct vqi_device *device)
{
	struct vqi_error *error = NULL;

	for (size_t i = 0; !error && i < device->backend_count; i++) {
		struct vqi_backend *backend = &device->backends[i];

		if (strcmp(backend->kind, "block") == 0 && backend->hva)
			error = vqi_qemu_block(qemu, device->is_export ? 0 : device->vdev_addr,
					       backend);
	}
	return error;
}

/* Pairs of rx and tx: rx has the even numbers. */
static struct vqi_error *add_waiting_packets(struct vqi_qemu *qemu, struct vqi_device *device)
{
	struct vqi_error *error = NULL;

	for (size_t i = 0; !error && i < device->queue_count; i++) {
		struct vqi_queue *queue = &device->queues[i];

		if (queue->kind == VQI_KIND_RECEIVE && queue->desc_gpa &&
		    vqi_num_is(vqi_queue_untaken(queue), 0))
			error = vqi_qemu_waiting_packets(qemu, device->vdev_addr, queue->index / 2,
							 &queue->waiting_packets);
	}
	return error;
}

static struct vqi_error *add_to_device(struct vqi_qemu *qemu, const struct vqi_snapshot *snapshot,
				       struct vqi_device *device)
{
	const char *run_state = snapshot->target.run_state;
	bool is_io_error = run_state && strcmp(run_state, "io-error") == 0;
	struct vqi_error *error = NULL;

	if (device->unread)
		return NULL;
	if (!device->is_export)
		error = vqi_error_keep_fatal(vqi_qemu_interrupts(qemu, device));
	if (!error)
		error = check_chains(qemu, device);
	if (!error &&
	    (is_io_error || vqi_device_is_waiting(device) || vqi_device_left_behind(device)))
		error = vqi_evidence_add_blocks(qemu, device);
	if (!error && device->device_id == VQI_DEVICE_NET && device->vhost == VQI_VHOST_NONE)
		error = vqi_error_keep_fatal(add_waiting_packets(qemu, device));
	return error;
}

static bool is_nested(const struct vqi_snapshot *snapshot)
{
	for (size_t i = 0; i < snapshot->loop_count; i++) {
		if (vqi_num_is(snapshot->loops[i].nested, 1))
			return true;
	}
	return false;
}

/* A nested aio_poll() may wait for requests of any node: of all that there are, then. */
static struct vqi_error *add_all_nodes(struct vqi_qemu *qemu, struct vqi_snapshot *snapshot)
{
	struct vqi_error *error = NULL;

	for (size_t i = 0; !error && i < snapshot->device_count; i++)
		error = vqi_evidence_add_blocks(qemu, &snapshot->devices[i]);
	if (error)
		return error;
	return vqi_evidence_keep_limit(vqi_qemu_other_nodes(qemu, snapshot), snapshot,
				       "block nodes");
}

struct vqi_error *vqi_evidence_add(struct vqi_observer *observer, struct vqi_snapshot *snapshot)
{
	struct vqi_error *error;

	error = vqi_evidence_begin_notifiers(observer, snapshot);
	if (!error)
		error = vqi_evidence_add_service(observer, snapshot);
	for (size_t i = 0; !error && i < snapshot->device_count; i++)
		error = add_to_device(observer->qemu, snapshot, &snapshot->devices[i]);
	if (!error && is_nested(snapshot))
		error = add_all_nodes(observer->qemu, snapshot);
	if (!error)
		error = add_ioeventfds(observer->qemu, snapshot);
	return error ? error : vqi_evidence_end_notifiers(observer, snapshot);
}
