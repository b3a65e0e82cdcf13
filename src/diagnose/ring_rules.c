/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules about broken devices, and about rings and counters that make no sense. */
#include <inttypes.h>

#include "vqi/virtio.h"

#include "describe.h"
#include "finding.h"
#include "lookup.h"
#include "loop_facts.h"
#include "predicates.h"

/* What of a ring is wrong, the most telling first. */
static const struct {
	enum vqi_ring_fault fault;
	const char *sentence;
} faults[] = {
	{VQI_RING_AVAIL_AHEAD,
	 "avail_idx is further ahead of the device than the ring has entries"},
	{VQI_RING_BAD_HEAD, "an available entry names a descriptor beyond the ring"},
	{VQI_RING_LOOP, "a chain of descriptors is longer than the ring: it loops"},
	{VQI_RING_BAD_NEXT, "a chain leads to a descriptor beyond its table"},
	{VQI_RING_BAD_INDIRECT,
	 "an indirect descriptor's table is empty, of a broken length, or nested"},
	{VQI_RING_BAD_ADDRESS, "a descriptor's address is outside the guest's RAM"},
	{VQI_RING_ZERO_SIZE, "a descriptor describes a buffer of no bytes"},
	{VQI_RING_BAD_ORDER, "a buffer to be read follows one to be written"},
	{VQI_RING_DUPLICATE, "a descriptor is published twice"},
	{VQI_RING_USED_MISMATCH, "the used index in guest RAM is not what QEMU wrote there"},
};

static const char *fault_sentence(unsigned int ring_faults)
{
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		if (ring_faults & faults[i].fault)
			return faults[i].sentence;
	}
	return "it is broken";
}

static struct vqi_error *add_place(const struct vqi_ring_place *place, struct vqi_finding *finding)
{
	if (!place->head.known)
		return NULL;
	if (!place->gpa.known)
		return vqi_finding_add_fact(finding, "in the chain of head %" PRIu64,
					    place->head.value);
	return vqi_finding_add_fact(finding,
				    "in the chain of head %" PRIu64 ", descriptor %" PRIu64
				    ": address 0x%" PRIx64 ", length %" PRIu64,
				    place->head.value, place->descriptor.value, place->gpa.value,
				    place->len.value);
}

/* Each thing that is wrong with a ring, and its numbers. */
static struct vqi_error *add_ring_facts(const struct vqi_queue *queue, struct vqi_finding *finding)
{
	struct vqi_error *error = NULL;

	for (size_t i = 0; !error && i < sizeof(faults) / sizeof(faults[0]); i++) {
		if (queue->ring_faults & faults[i].fault)
			error = vqi_finding_add_fact(finding, "queue %u: %s (num %u)", queue->index,
						     faults[i].sentence, queue->num);
	}
	if (!error)
		error = add_place(&queue->fault_place, finding);
	return error ? error : vqi_finding_add_indices(queue, finding);
}

/* ---- the device ---- */

bool vqi_is_device_broken(const struct vqi_subject *subject)
{
	return subject->device->broken || subject->device->status & VQI_STATUS_NEEDS_RESET;
}

/* QEMU may try what broke the device again for ever. Source: hw/virtio/virtio.c
 * virtqueue_packed_pop(), which does not step over a bad descriptor. */
static struct vqi_error *add_spinning(const struct vqi_subject *subject,
				      struct vqi_finding *finding)
{
	const struct vqi_device *device = subject->device;
	struct vqi_subject loop;

	if (!device->queue_count)
		return NULL;
	loop = vqi_loop_subject(subject->snapshot, subject->earlier,
				vqi_snapshot_loop(subject->snapshot, &device->queues[0]));
	if (!vqi_loop_runs(&loop) || !vqi_loop_is_on_its_way(&loop))
		return NULL;
	return vqi_finding_add_fact(finding,
				    "the %s, which serves it, ran all the time between the "
				    "looks and did not sleep",
				    loop.loop->name);
}

static struct vqi_error *explain_broken(const struct vqi_device *device,
					struct vqi_finding *finding)
{
	struct vqi_error *error;

	error = vqi_finding_summarise(finding,
				      "the device is broken until the guest driver resets it");
	if (error)
		return error;
	return vqi_finding_add_fact(
		finding, "broken %d, status 0x%02x%s (VirtIODevice at 0x%" PRIx64 ")",
		device->broken, device->status,
		device->status & VQI_STATUS_NEEDS_RESET ? " with DEVICE_NEEDS_RESET" : "",
		device->vdev_addr);
}

/* Source: libvhost-user.c vu_panic(), util/vhost-user-server.c vu_client_trip(). */
static struct vqi_error *explain_broken_export(const struct vqi_device *device,
					       struct vqi_finding *finding)
{
	struct vqi_error *error;

	error = vqi_finding_summarise(
		finding, "the export has given its client up, until that connects again");
	if (!error)
		error = vqi_finding_advise(
			finding, "look for \"vu_panic\" on the storage daemon's standard error: it "
				 "says what was wrong; then let the client connect again");
	if (!error)
		error = vqi_finding_add_fact(finding, "broken %d (VuDev at 0x%" PRIx64 ")",
					     device->broken, device->vdev_addr);
	return error;
}

struct vqi_error *vqi_explain_device_broken(const struct vqi_subject *subject,
					    struct vqi_finding *finding)
{
	const struct vqi_device *device = subject->device;
	struct vqi_error *error;

	error = device->is_export ? explain_broken_export(device, finding)
				  : explain_broken(device, finding);
	for (size_t i = 0; !error && i < device->queue_count; i++) {
		if (device->queues[i].ring_faults)
			error = add_ring_facts(&device->queues[i], finding);
	}
	return error ? error : add_spinning(subject, finding);
}

/* ---- the ring ---- */

bool vqi_is_ring_faulty(const struct vqi_subject *subject)
{
	return subject->queue->ring_faults;
}

bool vqi_is_consistent(const struct vqi_subject *subject)
{
	return subject->queue->consistent;
}

/* A fault in a ring that moves may be half of an update; and so may the used index be in a single look,
 * for QEMU writes it in two steps. */
bool vqi_is_fault_lasting(const struct vqi_subject *subject)
{
	if (!subject->before)
		return subject->queue->ring_faults != VQI_RING_USED_MISMATCH;
	return subject->held_still && subject->before->ring_faults == subject->queue->ring_faults;
}

struct vqi_error *vqi_explain_ring_corrupt(const struct vqi_subject *subject,
					   struct vqi_finding *finding)
{
	struct vqi_error *error;

	if (!subject->before)
		vqi_finding_doubt(finding);
	error = vqi_finding_summarise(finding, "%s", fault_sentence(subject->queue->ring_faults));
	if (!error)
		error = add_ring_facts(subject->queue, finding);
	return error ? error : vqi_finding_add_interval(subject, finding);
}

/* ---- the counter ---- */

/* inuse less in_flight, modulo 2^32; in_flight is what it should be. */
static struct vqi_num leak_of(const struct vqi_queue *queue)
{
	if (!queue->inuse.known || !queue->in_flight.known)
		return VQI_UNKNOWN;
	return VQI_NUM((uint32_t)(queue->inuse.value - queue->in_flight.value));
}

bool vqi_is_inuse_off(const struct vqi_subject *subject)
{
	/* libvhost-user counts what it took before a reset, too: vqi_has_left_behind(). */
	return !subject->device->is_export && vqi_num_nonzero(leak_of(subject->queue));
}

/* Without bus mastering QEMU takes nothing, and drops what is completed: virtio.c virtqueue_pop(),
 * virtqueue_flush(). A kernel that was started by another, as after a crash, may use the memory anew. */
bool vqi_is_bus_master(const struct vqi_subject *subject)
{
	return !subject->device->disabled &&
	       !(subject->device_before && subject->device_before->disabled);
}

bool vqi_is_inuse_off_lasting(const struct vqi_subject *subject)
{
	const struct vqi_queue *before = subject->before;

	return !before ||
	       (before->consistent && vqi_num_equal(leak_of(before), leak_of(subject->queue)));
}

struct vqi_error *vqi_explain_inuse_leak(const struct vqi_subject *subject,
					 struct vqi_finding *finding)
{
	const struct vqi_queue *queue = subject->queue;
	struct vqi_error *error;

	if (!subject->before)
		vqi_finding_doubt(finding);
	error = vqi_finding_summarise(finding,
				      "inuse is %" PRIu64
				      ", but last_avail_idx - used_idx is %" PRIu64,
				      queue->inuse.value, queue->in_flight.value);
	if (!error)
		error = vqi_finding_add_indices(queue, finding);

	if (!error && subject->before)
		error = vqi_finding_add_fact(finding, "the same difference %" PRIu64 " ms before",
					     subject->snapshot->capture.interval_ms);
	return error;
}

/* ---- what an export has from before ---- */

/* Source: libvhost-user.c vu_get_vring_base_exec(), vu_set_vring_addr_exec(); util/vhost-user-server.c
 * vu_client_trip(). */
bool vqi_has_left_behind(const struct vqi_subject *subject)
{
	uint64_t count = vqi_device_left_behind(subject->device);

	return count && subject->device_before &&
	       vqi_device_left_behind(subject->device_before) == count;
}

struct vqi_error *vqi_explain_requests_left_behind(const struct vqi_subject *subject,
						   struct vqi_finding *finding)
{
	const struct vqi_device *device = subject->device;
	uint64_t count = vqi_device_left_behind(device);
	struct vqi_error *error;

	error = vqi_finding_summarise(finding,
				      "%" PRIu64 " request%s taken before its client %s %s "
				      "still in the back end",
				      count, vqi_plural(count),
				      device->started ? "reset the queue" : "stopped, or left,",
				      count == 1 ? "is" : "are");
	for (size_t i = 0; !error && i < device->queue_count; i++) {
		if (device->queues[i].inuse.value)
			error = vqi_finding_add_fact(
				finding, "queue %u: inuse %" PRIu64 " (VuVirtq at 0x%" PRIx64 ")",
				device->queues[i].index, device->queues[i].inuse.value,
				device->queues[i].vq_addr);
	}
	for (size_t i = 0; !error && i < device->backend_count; i++)
		error = vqi_finding_add_backend(&device->backends[i], finding);
	return error;
}
