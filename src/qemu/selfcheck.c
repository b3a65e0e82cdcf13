/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether a layout fits the QEMU that it is used for. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "vqi/limits.h"
#include "vqi/loops.h"
#include "vqi/qemu.h"

#include "chunks.h"
#include "misfit.h"
#include "selfcheck_device.h"
#include "selfcheck_exports.h"
#include "type_sizes.h"
#include "unknown.h"

/* ---- the array of queues ---- */

static bool is_queue(const struct vqi_view *view, uint64_t vdev, uint64_t index)
{
	uint64_t queue_index, owner;

	return vqi_view_uint(view, VQI_F_VirtQueue_queue_index, &queue_index) &&
	       vqi_view_uint(view, VQI_F_VirtQueue_vdev, &owner) && queue_index == index &&
	       owner == vdev;
}

static struct vqi_error *check_queues(struct vqi_qemu *qemu, struct vqi_layout *layout,
				      uint64_t vdev)
{
	static const char what[] =
		"the entries of VirtIODevice.vq are no VirtQueues of their device";
	size_t stride = qemu->layout->structs[VQI_S_VirtQueue].size;
	size_t len = stride * VQI_MAX_QUEUES;
	vqi_cleanup_free uint8_t *data = malloc(len);
	struct vqi_error *error;
	uint64_t vq;

	if (!data)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	error = vqi_qemu_field(qemu, vdev, VQI_F_VirtIODevice_vq, &vq);
	if (!error)
		error = vqi_mem_read(qemu->mem, vq, data, len);
	if (error)
		return vqi_unreadable(error, what);
	for (size_t i = 0; !error && i < VQI_MAX_QUEUES; i++) {
		const struct vqi_view view = {.layout = qemu->layout,
					      .addr = vq + i * stride,
					      .data = data + i * stride,
					      .len = stride};

		if (!is_queue(&view, vdev, i))
			return vqi_misfit(what);
		if (!vqi_selfcheck_is_sure(layout))
			error = vqi_selfcheck_queue(&view, i == VQI_MAX_QUEUES - 1, layout);
	}
	return error;
}

/* ---- what QEMU calls when the VM stops ---- */

static struct vqi_error *check_vmstate(struct vqi_qemu *qemu, uint64_t vdev)
{
	static const char what[] = "VirtIODevice.vmstate is not of the device";
	struct vqi_num entry = VQI_UNKNOWN, opaque = VQI_UNKNOWN;
	struct vqi_error *error;

	error = vqi_qemu_known(qemu, vdev, VQI_F_VirtIODevice_vmstate, &entry);
	if (!error && entry.known)
		error = vqi_qemu_known(qemu, entry.value, VQI_F_VMChangeStateEntry_opaque, &opaque);
	if (error)
		return vqi_unreadable(error, what);
	return opaque.known && opaque.value != vdev ? vqi_misfit(what) : NULL;
}

/* ---- types ---- */

/* Without these nothing can be said. */
static bool is_needed(enum vqi_struct_id id)
{
	return id == VQI_S_DeviceState || id == VQI_S_VirtIODevice;
}

static struct vqi_error *check_size(void *data, enum vqi_struct_id id, uint64_t size)
{
	struct vqi_layout *layout = data;

	if (!layout->structs[id].present || layout->structs[id].how == VQI_HOW_LEAST ||
	    layout->structs[id].size == size)
		return NULL;
	if (is_needed(id))
		return vqi_error_new(VQI_ERROR_NO_LAYOUT,
				     "the layout does not fit this QEMU: its %s has %" PRIu64
				     " bytes, the layout's %" PRIu32,
				     vqi_struct_info(id)->name, size, layout->structs[id].size);
	vqi_layout_drop(layout, id);
	return NULL;
}

/* The types that an object is of. */
static struct vqi_error *check_types(struct vqi_qemu *qemu, struct vqi_layout *layout,
				     uint64_t object)
{
	struct vqi_error *error = vqi_qemu_type_sizes(qemu, object, check_size, layout);

	if (error && error->code == VQI_ERROR_NO_LAYOUT)
		return error;
	return vqi_unreadable(error, "the type of an object cannot be read");
}

/* The first virtual CPU; none where this QEMU has none, or not by a name that is known. */
static struct vqi_error *check_cpus(struct vqi_qemu *qemu, struct vqi_layout *layout)
{
	uint64_t cpu;
	struct vqi_error *error = vqi_qemu_first_vcpu(qemu, &cpu);

	if (error)
		return vqi_error_keep_fatal(error);
	if (cpu)
		error = check_types(qemu, layout, cpu);
	if (!error && cpu && !vqi_selfcheck_is_sure(layout))
		error = vqi_selfcheck_cpu(qemu, layout, cpu);
	return error;
}

static struct vqi_error *check_iothreads(struct vqi_qemu *qemu, struct vqi_layout *layout)
{
	struct vqi_objects iothreads = {0};
	struct vqi_error *error = vqi_error_keep_fatal(vqi_qemu_iothreads(qemu, &iothreads));

	for (size_t i = 0; !error && i < iothreads.count; i++) {
		error = check_types(qemu, layout, iothreads.objects[i].address);
		if (!error && !vqi_selfcheck_is_sure(layout))
			error = vqi_selfcheck_iothread(qemu, layout, iothreads.objects[i].address);
	}
	vqi_objects_done(&iothreads);
	return error;
}

/* ---- event loops ---- */

/* The first handler of a list points back at the list's head (QLIST, include/qemu/queue.h), and there is one:
 * that of the context's own notifier (util/async.c aio_context_new()). */
struct vqi_error *vqi_selfcheck_context(struct vqi_qemu *qemu, uint64_t context)
{
	static const char what[] = "AioContext.aio_handlers is no list of handlers";
	const struct vqi_field *handlers = &qemu->layout->fields[VQI_F_AioContext_aio_handlers];
	const struct vqi_field *node = &qemu->layout->fields[VQI_F_AioHandler_node];
	uint64_t handler = 0, back = 0;
	struct vqi_error *error;

	if (!handlers->present || !node->present)
		return NULL;
	error = vqi_qemu_field(qemu, context, VQI_F_AioContext_aio_handlers, &handler);
	if (!error)
		error = vqi_mem_read_uint(qemu->mem, handler + node->offset + 8, 8, &back);
	if (error)
		return vqi_unreadable(error, what);
	return back != context + handlers->offset ? vqi_misfit(what) : NULL;
}

static struct vqi_error *check_handlers(struct vqi_qemu *qemu, enum vqi_symbol_id symbol)
{
	struct vqi_error *error;
	uint64_t context = 0;

	if (!qemu->layout->symbols[symbol].present)
		return NULL;
	error = vqi_qemu_pointer(qemu, symbol, &context);
	if (error)
		return vqi_unreadable(error, "a main loop cannot be read");
	return context ? vqi_selfcheck_context(qemu, context)
		       : NULL; /* 0: QEMU is about to make it */
}

/* ---- the machine ---- */

/* It is below the root of all objects. Source: qom/object.c object_get_root(). */
static struct vqi_error *check_root(struct vqi_qemu *qemu, uint64_t machine)
{
	static const char what[] = "the machine is not below the root of the objects";
	uint64_t root = 0, above = 0;
	bool is_container = false;
	struct vqi_error *error = vqi_qemu_field(qemu, machine, VQI_F_Object_parent, &root);

	if (!error)
		error = vqi_qemu_is_a(qemu, root, "container", &is_container);
	if (!error)
		error = vqi_qemu_field(qemu, root, VQI_F_Object_parent, &above);
	if (error)
		return vqi_unreadable(error, what);
	return is_container && !above ? NULL : vqi_misfit(what);
}

/* By wrong properties, which the tree is made of, it would be empty, or lack some. */
static struct vqi_error *check_name(struct vqi_qemu *qemu, uint64_t machine)
{
	static const char what[] = "the root of the objects has no machine";
	vqi_cleanup_free char *name = NULL;
	struct vqi_error *error = vqi_qemu_object_name(qemu, machine, &name);

	if (error && error->code == VQI_ERROR_NO_LAYOUT) /* the buses lead to the devices */
		return vqi_drop_unknown(error);
	if (error)
		return vqi_unreadable(error, what);
	return name && strcmp(name, "machine") == 0 ? NULL : vqi_misfit(what);
}

/* By a wrong TypeImpl.parent_type nothing is a device, and there seem to be none. */
static struct vqi_error *check_machine(struct vqi_qemu *qemu)
{
	static const char what[] = "the machine is no machine";
	uint64_t machine = 0;
	bool is_machine = false, is_object = false;
	struct vqi_error *error;

	if (!qemu->layout->symbols[VQI_SYM_current_machine].present)
		return NULL;
	error = vqi_qemu_pointer(qemu, VQI_SYM_current_machine, &machine);
	if (!error && !machine) /* QEMU is about to make it */
		return NULL;
	if (!error)
		error = vqi_qemu_is_a(qemu, machine, "machine", &is_machine);
	if (!error)
		error = vqi_qemu_is_a(qemu, machine, "object", &is_object);
	if (error)
		return vqi_unreadable(error, what);
	if (!is_machine || !is_object)
		return vqi_misfit(what);
	error = check_root(qemu, machine);
	return error ? error : check_name(qemu, machine);
}

/* ---- all of it ---- */

static struct vqi_error *check_device(struct vqi_qemu *qemu, struct vqi_layout *layout,
				      const struct vqi_object *device)
{
	struct vqi_error *error = check_types(qemu, layout, device->address);
	uint64_t parent = 0;

	if (!error)
		error = check_queues(qemu, layout, device->address);
	if (!error)
		error = check_vmstate(qemu, device->address);
	if (!error)
		error = vqi_selfcheck_device(qemu, device);
	if (!error && layout->is_foreign)
		error = vqi_chunks_check_disks(qemu, layout, device->address);
	if (!error) /* the PCI or CCW proxy is its parent */
		error = vqi_qemu_field(qemu, device->address, VQI_F_Object_parent, &parent);
	if (!error && parent)
		error = check_types(qemu, layout, parent);
	if (!error && parent && !vqi_selfcheck_is_sure(layout))
		error = vqi_selfcheck_proxy(qemu, layout, parent);
	return error;
}

static bool is_all_wrong(const struct vqi_tally *tally)
{
	return tally->count && !tally->right;
}

static struct vqi_error *check_rings(struct vqi_qemu *qemu, const struct vqi_objects *devices)
{
	struct vqi_selfcheck_rings rings = {0};
	struct vqi_error *error = NULL;

	for (size_t i = 0; !error && i < devices->count; i++)
		error = vqi_selfcheck_rings(qemu, devices->objects[i].address, &rings);
	if (error)
		return error;
	if (is_all_wrong(&rings.caches))
		return vqi_misfit("no ring is where its caches say");
	if (is_all_wrong(&rings.shadows))
		return vqi_misfit("no VirtQueue.shadow_avail_idx is what a driver said");
	if (is_all_wrong(&rings.statuses))
		return vqi_misfit("by VirtIODevice.status no device that runs was started");
	return NULL;
}

static struct vqi_error *check_devices(struct vqi_qemu *qemu, struct vqi_layout *layout)
{
	struct vqi_objects devices = {0};
	struct vqi_error *error;

	error = vqi_qemu_find_virtio(qemu, &devices);
	for (size_t i = 0; !error && i < devices.count; i++)
		error = vqi_error_prefix(check_device(qemu, layout, &devices.objects[i]), "%s",
					 devices.objects[i].path);
	if (!error && !vqi_selfcheck_is_sure(layout) && devices.half && !devices.count)
		error = vqi_misfit("by DeviceState.realized no device is realized");
	if (!error && !vqi_selfcheck_is_sure(layout))
		error = check_rings(qemu, &devices);
	if (!error) { /* whoever looks at them need not find them again */
		vqi_objects_done(&qemu->kept);
		qemu->kept = devices;
		devices = (struct vqi_objects){0};
	}
	vqi_objects_done(&devices);
	return error;
}

/* The VM: a storage daemon has none. */
static struct vqi_error *check_vm(struct vqi_qemu *qemu, struct vqi_layout *layout)
{
	struct vqi_error *error = check_machine(qemu);

	if (!error && !vqi_selfcheck_is_sure(layout))
		error = vqi_selfcheck_vmstate(qemu);
	if (!error)
		error = check_devices(qemu, layout);
	return error ? error : check_cpus(qemu, layout);
}

static struct vqi_error *check_all(struct vqi_qemu *qemu, struct vqi_layout *layout)
{
	struct vqi_error *error = layout->kind == VQI_IMAGE_STORAGE_DAEMON
					  ? vqi_selfcheck_exports(qemu, layout)
					  : check_vm(qemu, layout);

	if (!error)
		error = check_iothreads(qemu, layout);
	if (!error && layout->is_foreign)
		error = vqi_chunks_check_loop(qemu, layout);
	if (!error)
		error = check_handlers(qemu, VQI_SYM_qemu_aio_context);
	return error ? error : check_handlers(qemu, VQI_SYM_iohandler_ctx);
}

/* What a wrong layout leads to can be anything: what it says is said, but it is a misfit all the same. */
struct vqi_error *vqi_qemu_check_layout(struct vqi_qemu *qemu, struct vqi_layout *layout)
{
	vqi_cleanup(vqi_qemu_pages_end) struct vqi_qemu_pages pages = {0};
	struct vqi_error *error = vqi_qemu_pages_begin(qemu, &pages);

	if (!error)
		error = check_all(qemu, layout);
	if (!error || vqi_error_is_fatal(error) || error->code == VQI_ERROR_NO_LAYOUT)
		return error;
	error->code = VQI_ERROR_NO_LAYOUT;
	return vqi_error_prefix(error, "the layout does not fit this QEMU");
}
