/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observer.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "evidence.h"

/* Where that is, a queue can be stuck that looks idle or busy here. */
#define CORE_GAP                                                                                   \
	"a core is of one instant: whether anything moved, how old requests are, and which kicks " \
	"and interrupts were pending in eventfds is not in it"

void vqi_observed_done(struct observed *device)
{
	vqi_device_done(&device->fixed);
	vqi_device_done(&device->now);
	vqi_reading_free(device->reading);
	vqi_error_free(device->unknown);
	vqi_error_free(device->error);
}

void vqi_observer_free(struct vqi_observer *observer)
{
	if (!observer)
		return;
	for (size_t i = 0; i < observer->device_count; i++)
		vqi_observed_done(&observer->devices[i]);
	free(observer->devices);
	vqi_observer_forget_unplugged(observer);
	free(observer->loop_tids);
	free(observer);
}

struct vqi_error *vqi_observer_new(struct vqi_process *process, struct vqi_qemu *qemu,
				   struct vqi_observer **ret_observer)
{
	vqi_cleanup(vqi_observer_free) struct vqi_observer *observer = calloc(1, sizeof(*observer));
	struct vqi_error *error;

	if (!observer)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	observer->process = process;
	observer->qemu = qemu;
	error = vqi_observer_find(observer);
	if (!error)
		*ret_observer = take_ptr(observer);
	return error;
}

static struct vqi_error *copy_backends(const struct vqi_device *from, struct vqi_device *device)
{
	struct vqi_error *error = NULL;

	device->backends = calloc(from->backend_count + 1, sizeof(*device->backends));
	if (!device->backends)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	device->backend_count = from->backend_count;
	for (size_t i = 0; !error && i < from->backend_count; i++) {
		device->backends[i].kind = from->backends[i].kind;
		device->backends[i].hva = from->backends[i].hva;
		device->backends[i].child_hva = from->backends[i].child_hva;
		error = vqi_copy_string(from->backends[i].child_id, &device->backends[i].child_id);
		if (!error)
			error = vqi_copy_string(from->backends[i].name, &device->backends[i].name);
		if (!error)
			error = vqi_copy_string(from->backends[i].node_name,
						&device->backends[i].node_name);
		if (!error)
			error = vqi_copy_string(from->backends[i].driver,
						&device->backends[i].driver);
	}
	return error;
}

/* Completes what was read of a device with what does not change, and moves it into the snapshot. */
static struct vqi_error *move_device(struct observed *observed, struct vqi_device *ret_device)
{
	const struct vqi_device *fixed = &observed->fixed;
	struct vqi_error *error;

	*ret_device = observed->now;
	observed->now = (struct vqi_device){0};
	ret_device->is_export = fixed->is_export;
	ret_device->vdev_addr = fixed->vdev_addr;
	ret_device->device_id = fixed->device_id;
	ret_device->transport = fixed->transport;
	ret_device->proxy_hva = fixed->proxy_hva;
	error = vqi_copy_string(fixed->id, &ret_device->id);
	if (!error)
		error = vqi_copy_string(fixed->qom_path, &ret_device->qom_path);
	if (!error)
		error = vqi_copy_string(fixed->type, &ret_device->type);
	if (!error)
		error = vqi_copy_string(fixed->transport_address, &ret_device->transport_address);
	return error ? error : copy_backends(fixed, ret_device);
}

static bool is_core(const struct vqi_observer *observer)
{
	return observer->process && vqi_process_is_core(observer->process);
}

/* Why a ring could not be read; NULL when it was. */
static const char *access_gap(const struct vqi_observer *observer, enum vqi_ring_access access)
{
	switch (access) {
	case VQI_RING_READ:
		return NULL;
	case VQI_RING_NO_CACHE:
		return "QEMU has not mapped it";
	case VQI_RING_NOT_DIRECT:
		return "QEMU has no host pointer to it: behind a vIOMMU, or not in RAM";
	case VQI_RING_SHORT:
		return "QEMU has mapped less than its size";
	case VQI_RING_UNREADABLE:
		if (is_core(observer))
			return "guest RAM is not in the core (dump-guest-core=off, or the coredump filter)";
		return "the host memory behind it cannot be read";
	}
	return NULL;
}

/* A device's state arrives in parts, its rings' addresses before QEMU maps them. Source:
 * hw/virtio/virtio.c virtio_load(). */
static bool is_arriving(const struct vqi_snapshot *snapshot)
{
	const char *run_state = snapshot->target.run_state;

	return run_state &&
	       (strcmp(run_state, "inmigrate") == 0 || strcmp(run_state, "restore-vm") == 0);
}

static struct vqi_error *add_queue_gaps(const struct vqi_observer *observer,
					struct vqi_snapshot *snapshot,
					const struct vqi_device *device)
{
	struct vqi_error *error = NULL;

	for (size_t i = 0; !error && i < device->queue_count; i++) {
		const struct vqi_queue *queue = &device->queues[i];
		const char *why = access_gap(observer, queue->access);

		if (queue->access == VQI_RING_NO_CACHE && is_arriving(snapshot))
			continue;
		if (queue->desc_gpa && why)
			error = vqi_snapshot_add_gap(snapshot, device, VQI_NUM(queue->index),
						     "ring", why);
	}
	return error;
}

/* Errors: NOMEM. */
static struct vqi_error *add_label(const char *label, char ***labels, size_t *count)
{
	char **grown = reallocarray(*labels, *count + 1, sizeof(*grown));
	struct vqi_error *error;

	if (!grown)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	*labels = grown;
	grown[*count] = NULL;
	error = vqi_copy_string(label, &grown[*count]);
	*count += !error;
	return error;
}

struct vqi_error *vqi_observer_note_unplugged(struct vqi_observer *observer,
					      const struct observed *device)
{
	return add_label(vqi_device_label(&device->fixed), &observer->unplugged,
			 &observer->unplugged_count);
}

void vqi_observer_forget_unplugged(struct vqi_observer *observer)
{
	for (size_t i = 0; i < observer->unplugged_count; i++)
		free(observer->unplugged[i]);
	free(take_ptr(observer->unplugged));
	observer->unplugged_count = 0;
}

static struct vqi_error *list_unplugged(const struct vqi_observer *observer,
					struct vqi_snapshot *snapshot)
{
	struct vqi_error *error = NULL;

	for (size_t i = 0; !error && i < observer->unplugged_count; i++)
		error = add_label(observer->unplugged[i], &snapshot->unplugged,
				  &snapshot->unplugged_count);
	return error;
}

static struct vqi_error *finish_device(struct vqi_observer *observer, struct observed *observed,
				       struct vqi_snapshot *snapshot)
{
	struct vqi_device *device = &snapshot->devices[snapshot->device_count++];
	enum vqi_vhost_type type = VQI_VHOST_NONE;
	struct vqi_error *error;

	if (observed->error) { /* what an earlier try may have left */
		vqi_device_done(&observed->now);
		observed->now = (struct vqi_device){0};
	}
	error = move_device(observed, device);
	if (!error && observed->unknown)
		error = vqi_snapshot_add_gap(snapshot, device, VQI_UNKNOWN, "description",
					     observed->unknown->message);
	if (error)
		return error;
	device->unread = observed->error;
	if (observed->error)
		return vqi_evidence_keep_as_gap(take_ptr(observed->error), snapshot, device,
						"device");
	if (device->vhost == VQI_VHOST_UNKNOWN)
		error = vqi_evidence_keep_as_gap(vqi_qemu_vhost_type(observer->qemu,
								     device->vdev_addr, &type),
						 snapshot, device, "kind of vhost");
	if (type != VQI_VHOST_NONE)
		device->vhost = type;
	for (size_t i = 0; i < device->queue_count; i++)
		snapshot->capture.consistent &= device->queues[i].consistent;
	return error ? error : add_queue_gaps(observer, snapshot, device);
}

/* Reads all devices as they run; those whose readings never agree and look wrong in one stop. */
static struct vqi_error *read_running(struct vqi_observer *observer, enum vqi_stop_mode mode,
				      struct vqi_snapshot *snapshot)
{
	vqi_cleanup_error struct vqi_error *cut_error = NULL;
	struct vqi_error *error = vqi_observer_read_planned(observer);
	bool needs_cut = false;

	if (error)
		return error;
	for (size_t i = 0; i < observer->device_count; i++) {
		struct observed *device = &observer->devices[i];

		error = vqi_observed_read(observer, device);
		if (error && vqi_error_is_fatal(error))
			return error;
		device->error = error;
		needs_cut |= !error && device->needs_cut;
	}
	if (!needs_cut || mode == VQI_STOP_NEVER || !observer->process)
		return NULL;
	cut_error = vqi_observer_cut(observer, false, &snapshot->capture);
	if (!cut_error || cut_error->code == VQI_ERROR_GONE || cut_error->code == VQI_ERROR_NOMEM)
		return take_ptr(cut_error);
	/* A debugger may hold it. What was read as it ran stands, as not of one instant. */
	return vqi_snapshot_add_gap(snapshot, NULL, VQI_UNKNOWN, "exact cut", cut_error->message);
}

/* What decoding needs to know beforehand. Before 7.1 a device does not say that vhost runs it; then the
 * list of vhost devices does. */
static struct vqi_error *prepare(struct vqi_observer *observer, struct observed *device)
{
	const struct vqi_field *vhost_started =
		&observer->qemu->layout->fields[VQI_F_VirtIODevice_vhost_started];
	struct vqi_error *error;

	device->now.transport = device->fixed.transport;
	device->now.is_vhost_only = device->fixed.is_vhost_only;
	if (vhost_started->present || device->fixed.is_export)
		return NULL;
	device->now.vhost = VQI_VHOST_UNKNOWN;
	error = vqi_qemu_vhost_type(observer->qemu, device->fixed.vdev_addr, &device->now.vhost);
	return vqi_error_keep_fatal(error);
}

static struct vqi_error *begin_look(struct vqi_observer *observer,
				    struct vqi_snapshot **ret_snapshot)
{
	vqi_cleanup_snapshot struct vqi_snapshot *snapshot = vqi_snapshot_new();

	if (snapshot)
		snapshot->devices = calloc(observer->device_count + 1, sizeof(*snapshot->devices));
	if (!snapshot || !snapshot->devices)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	snapshot->capture.time = vqi_process_now(observer->process, CLOCK_REALTIME);
	snapshot->capture.looks = 1;
	snapshot->capture.consistent = true;
	*ret_snapshot = take_ptr(snapshot);
	return NULL;
}

/* Looks at the VM and at the rings of all devices. */
static struct vqi_error *look_at_rings(struct vqi_observer *observer, enum vqi_stop_mode mode,
				       struct vqi_snapshot *snapshot)
{
	struct vqi_error *error;

	error = vqi_qemu_run_state(observer->qemu, &snapshot->target.run_state);
	for (size_t i = 0; !error && i < observer->device_count; i++)
		error = prepare(observer, &observer->devices[i]);
	if (!error && observer->process)
		error = vqi_process_held(observer->process, &snapshot->target.held);
	if (!error)
		error = mode == VQI_STOP_ALWAYS
				? vqi_observer_cut(observer, true, &snapshot->capture)
				: read_running(observer, mode, snapshot);
	if (!error)
		error = vqi_observer_drop_unplugged(observer);
	if (!error)
		error = list_unplugged(observer, snapshot);
	if (!error)
		error = vqi_observer_add_export_gap(observer, snapshot);
	for (size_t i = 0; !error && i < observer->device_count; i++)
		error = finish_device(observer, &observer->devices[i], snapshot);
	return error;
}

struct vqi_error *vqi_observer_look(struct vqi_observer *observer, enum vqi_stop_mode mode,
				    struct vqi_snapshot **ret_snapshot)
{
	vqi_cleanup_snapshot struct vqi_snapshot *snapshot = NULL;
	struct vqi_error *error = begin_look(observer, &snapshot);

	if (!error)
		error = look_at_rings(observer, mode, snapshot);
	if (!error)
		error = vqi_evidence_add(observer, snapshot);
	if (!error && is_core(observer))
		error = vqi_snapshot_add_gap(snapshot, NULL, VQI_UNKNOWN, "what the kernel knew",
					     CORE_GAP);
	if (!error && observer->process)
		error = vqi_process_check(observer->process);
	if (!error)
		*ret_snapshot = take_ptr(snapshot);
	return error;
}

struct vqi_error *vqi_observer_look_again(struct vqi_observer *observer,
					  const struct vqi_snapshot *before,
					  struct vqi_snapshot **ret_snapshot)
{
	vqi_cleanup_snapshot struct vqi_snapshot *snapshot = NULL;
	struct vqi_error *error = vqi_observer_follow_plugging(observer);

	if (!error)
		error = begin_look(observer, &snapshot);
	if (!error)
		error = look_at_rings(observer, VQI_STOP_NEVER, snapshot);
	if (!error)
		error = vqi_evidence_add_if_suspicious(observer, before, snapshot);
	if (!error && observer->process)
		error = vqi_process_check(observer->process);
	if (!error)
		*ret_snapshot = take_ptr(snapshot);
	return error;
}
