/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules about completions that the driver has not picked up, and about queues that it left empty. */
#include <inttypes.h>
#include <string.h>

#include "vqi/virtio.h"

#include "describe.h"
#include "finding.h"
#include "predicates.h"
#include "queue_facts.h"

#define ISR_QUEUE    1 /* VirtIO 1.2, 4.1.4.5 */
#define VCPUS_LISTED 4

bool vqi_is_network_receive(const struct vqi_subject *subject)
{
	const struct vqi_queue *queue = subject->queue;

	return queue->kind == VQI_KIND_RECEIVE && queue->role && strcmp(queue->role, "rx") == 0 &&
	       subject->device->device_id == VQI_DEVICE_NET;
}

/* Only where the driver waits for an interrupt for each completion is its event its own index. Of
 * receive queues a network driver's is, but for while it polls. */
bool vqi_is_reaped_by_interrupt(const struct vqi_subject *subject)
{
	if (!vqi_is_bus_master(subject))
		return false;
	return subject->queue->kind == VQI_KIND_REQUEST || vqi_is_network_receive(subject);
}

bool vqi_is_unreaped(const struct vqi_subject *subject)
{
	return vqi_num_nonzero(subject->queue->unreaped);
}

/* ---- masked, or without a vector ---- */

/* A guest masks vectors for a moment, too: both looks must show it. */
static bool uses_msix(const struct vqi_subject *subject)
{
	return vqi_num_is(subject->device->msix_enabled, 1) && subject->device_before &&
	       vqi_num_is(subject->device_before->msix_enabled, 1);
}

bool vqi_is_function_masked(const struct vqi_subject *subject)
{
	return uses_msix(subject) && vqi_num_is(subject->device->msix_function_masked, 1) &&
	       vqi_num_is(subject->device_before->msix_function_masked, 1);
}

bool vqi_is_vector_masked(const struct vqi_subject *subject)
{
	return uses_msix(subject) && vqi_num_is(subject->queue->msix_masked, 1) &&
	       subject->before && vqi_num_is(subject->before->msix_masked, 1);
}

bool vqi_is_without_vector(const struct vqi_subject *subject)
{
	return uses_msix(subject) && vqi_num_is(subject->queue->vector, VQI_NO_VECTOR);
}

static bool has_pin_disabled(const struct vqi_device *device)
{
	return device && vqi_num_is(device->msix_enabled, 0) &&
	       vqi_num_is(device->intx_disabled, 1);
}

bool vqi_is_pin_disabled(const struct vqi_subject *subject)
{
	return has_pin_disabled(subject->device) && has_pin_disabled(subject->device_before);
}

/* ---- not sent ---- */

/* vhost decides for itself, and leaves no trace of it in QEMU. */
bool vqi_is_run_by_qemu(const struct vqi_subject *subject)
{
	return subject->device->vhost == VQI_VHOST_NONE;
}

/* QEMU notes the index at which it decided last, whatever the decision; the driver asked for an interrupt
 * at an index beyond that. Source: hw/virtio/virtio.c virtio_split_should_notify(). */
bool vqi_is_interrupt_undecided(const struct vqi_subject *subject)
{
	const struct vqi_queue *queue = subject->queue;

	return queue->ring == VQI_RING_SPLIT && vqi_num_is(queue->signalled_used_valid, 1) &&
	       queue->signalled_used.known && queue->used_event.known &&
	       vqi_need_event(queue->used_event.value, queue->used_idx.value,
			      queue->signalled_used.value);
}

static bool never_interrupted(const struct vqi_device *device)
{
	return device->isr.known && !(device->isr.value & ISR_QUEUE);
}

/* QEMU sets the bit with every interrupt, and a driver that uses MSI-X has no need to read, and so clear,
 * it. Source: hw/virtio/virtio.c virtio_irq(),
 * virtio_notify_irqfd(). */
bool vqi_is_interrupt_never_sent(const struct vqi_subject *subject)
{
	return uses_msix(subject) && !vqi_num_is(subject->queue->vector, VQI_NO_VECTOR) &&
	       never_interrupted(subject->device) && never_interrupted(subject->device_before);
}

/* ---- evidence ---- */

static struct vqi_error *add_event(const struct vqi_queue *queue, struct vqi_finding *finding)
{
	struct vqi_error *error;

	if (queue->ring == VQI_RING_PACKED)
		error = vqi_finding_add_fact(
			finding,
			"the driver asked for an interrupt at descriptor %" PRIu64 ", wrap %" PRIu64
			"; the device is at %" PRIu64 ", wrap %" PRIu64 " (at 0x%" PRIx64 ")",
			queue->wrap.driver.off.value, queue->wrap.driver.wrap.value,
			queue->used_idx.value, queue->wrap.used.value, queue->avail_hva);
	else
		error = vqi_finding_add_fact(finding,
					     "used_event %" PRIu64 " (at 0x%" PRIx64
					     "): the used index has passed it, it is %" PRIu64,
					     queue->used_event.value,
					     queue->avail_hva + 4 + 2 * (uint64_t)queue->num,
					     queue->used_ring_idx.value);
	if (!error && queue->signalled_used_valid.known)
		error = vqi_finding_add_fact(
			finding,
			"signalled_used %" PRIu64
			"%s: the index at which the device last decided on an interrupt",
			queue->signalled_used.value,
			queue->signalled_used_valid.value ? "" : " (not valid)");
	return error;
}

static struct vqi_error *add_vector(const struct vqi_queue *queue, struct vqi_finding *finding)
{
	struct vqi_error *error;

	if (vqi_num_is(queue->vector, VQI_NO_VECTOR))
		return vqi_finding_add_fact(finding, "the queue has no vector (0xffff)");
	error = vqi_finding_add_fact(finding, "MSI-X vector %" PRIu64 ": %s, %s",
				     queue->vector.value,
				     !queue->msix_masked.known	? "mask unknown"
				     : queue->msix_masked.value ? "masked"
								: "not masked",
				     !queue->msix_pending.known	 ? "pending bit unknown"
				     : queue->msix_pending.value ? "pending"
								 : "not pending");
	if (!error && queue->irqfd_users.known)
		error = vqi_finding_add_fact(finding, "%" PRIu64 " irqfd user%s of the vector",
					     queue->irqfd_users.value,
					     vqi_plural(queue->irqfd_users.value));
	return error;
}

static struct vqi_error *add_interrupt(const struct vqi_device *device,
				       const struct vqi_queue *queue, struct vqi_finding *finding)
{
	struct vqi_error *error = NULL;

	if (vqi_num_is(device->msix_enabled, 1))
		error = add_vector(queue, finding);
	else if (vqi_num_is(device->msix_enabled, 0))
		error = vqi_finding_add_fact(
			finding, "INTx: %s%s",
			vqi_num_is(device->intx_asserted, 1) ? "asserted" : "not asserted",
			vqi_num_is(device->intx_disabled, 1) ? ", disabled by the guest" : "");
	if (!error && device->isr.known)
		error = vqi_finding_add_fact(finding,
					     "ISR status 0x%" PRIx64 " (VirtIODevice at 0x%" PRIx64
					     ")",
					     device->isr.value, device->vdev_addr);
	if (!error && queue->guest_notifier_count.known)
		error = vqi_finding_add_fact(finding,
					     "interrupt eventfd %" PRIu64 ": count %" PRIu64
					     ", eventfd-id %" PRIu64,
					     queue->guest_notifier_fd.value,
					     queue->guest_notifier_count.value,
					     queue->guest_notifier_id.value);
	return error;
}

static struct vqi_error *add_vcpus(const struct vqi_snapshot *snapshot, struct vqi_finding *finding)
{
	struct vqi_error *error = NULL;

	for (size_t i = 0; !error && i < snapshot->vcpu_count && i < VCPUS_LISTED; i++) {
		const struct vqi_vcpu *vcpu = &snapshot->vcpus[i];

		error = vqi_finding_add_fact(finding, "vCPU %u%s", vcpu->index,
					     vqi_num_is(vcpu->halted, 1) ? " is halted"
									 : " is not halted");
		if (!error)
			error = vqi_finding_add_thread(snapshot, vcpu->tid, finding);
	}
	return error;
}

static struct vqi_error *add_facts(const struct vqi_subject *subject, struct vqi_finding *finding)
{
	struct vqi_error *error = add_event(subject->queue, finding);

	if (!error)
		error = add_interrupt(subject->device, subject->queue, finding);
	if (!error)
		error = vqi_finding_add_indices(subject->queue, finding);
	return error ? error : vqi_finding_add_interval(subject, finding);
}

/* A driver that polls leaves its event behind; one that wants no interrupts writes 0, but would not
 * have given the queue a vector. */
static bool is_event_ambiguous(const struct vqi_queue *queue)
{
	bool has_vector = queue->vector.known && queue->vector.value != VQI_NO_VECTOR;

	return queue->kind == VQI_KIND_RECEIVE || (vqi_num_is(queue->used_event, 0) && !has_vector);
}

/* KVM's irqfd delivers without reading the count, so that only without one it tells of an interrupt that
 * nobody took. */
static bool is_in_its_eventfd(const struct vqi_queue *queue)
{
	return queue->interrupt_pending && !queue->irqfd_users.known;
}

/* While a vector is masked its irqfd is disconnected, and what comes stays in the eventfd until the guest
 * unmasks it, or reads the pending bits. Source: hw/virtio/virtio-pci.c virtio_pci_vector_poll(). */
static struct vqi_error *add_kept_interrupt(const struct vqi_queue *queue,
					    struct vqi_finding *finding)
{
	if (!queue->irqfd_users.known || !queue->interrupt_pending)
		return NULL;
	return vqi_finding_add_fact(finding, "the interrupt is kept in its eventfd, not yet in the "
					     "pending bits");
}

struct vqi_error *vqi_explain_interrupt_masked(const struct vqi_subject *subject,
					       struct vqi_finding *finding)
{
	uint64_t unreaped = subject->queue->unreaped.value;
	bool no_vector = vqi_is_without_vector(subject);
	struct vqi_error *error;

	/* A driver that polls needs no vector. */
	if (no_vector || is_event_ambiguous(subject->queue))
		vqi_finding_doubt(finding);
	error = vqi_finding_summarise(
		finding,
		"%" PRIu64 " completion%s that the driver has not picked up; "
		"%s",
		unreaped, vqi_plural(unreaped),
		no_vector		       ? "the queue has no interrupt vector"
		: vqi_is_pin_disabled(subject) ? "the guest has disabled the device's interrupt pin"
		: vqi_is_function_masked(subject) ? "all interrupts of the device are masked"
						  : "its interrupt vector is masked");
	if (!error)
		error = add_kept_interrupt(subject->queue, finding);
	return error ? error : add_facts(subject, finding);
}

struct vqi_error *vqi_explain_interrupt_suppressed(const struct vqi_subject *subject,
						   struct vqi_finding *finding)
{
	uint64_t unreaped = subject->queue->unreaped.value;
	struct vqi_error *error;

	if (is_event_ambiguous(subject->queue))
		vqi_finding_doubt(finding);
	error = vqi_finding_summarise(
		finding,
		"%" PRIu64 " completion%s that the driver has not picked up; it was due an "
		"interrupt, and %s",
		unreaped, vqi_plural(unreaped),
		vqi_is_interrupt_undecided(subject)
			? "the device has not decided on it"
			: "the device has not sent any since it was reset");
	return error ? error : add_facts(subject, finding);
}

/* The VM is another process's, and may be paused there. */
static struct vqi_error *point_to_client(struct vqi_finding *finding)
{
	vqi_finding_doubt(finding);
	return vqi_finding_advise(finding,
				  "the export did its part, and cannot tell whether the VM runs: "
				  "inspect the QEMU that is its client, which has the same ring");
}

struct vqi_error *vqi_explain_completion_not_seen(const struct vqi_subject *subject,
						  struct vqi_finding *finding)
{
	uint64_t unreaped = subject->queue->unreaped.value;
	struct vqi_error *error;

	if (is_event_ambiguous(subject->queue))
		vqi_finding_doubt(finding);
	error = vqi_finding_summarise(
		finding,
		"%" PRIu64 " completion%s that the driver has not picked up and "
		"was due an interrupt for%s",
		unreaped, vqi_plural(unreaped),
		is_in_its_eventfd(subject->queue) ? "; the interrupt is still in its eventfd" : "");
	if (!error)
		error = add_facts(subject, finding);
	if (!error && subject->device->is_export)
		error = point_to_client(finding);
	return error ? error : add_vcpus(subject->snapshot, finding);
}

/* ---- nothing to receive into ---- */

bool vqi_is_without_buffers(const struct vqi_subject *subject)
{
	return vqi_num_is(vqi_queue_untaken(subject->queue), 0) &&
	       vqi_num_is(subject->queue->in_flight, 0);
}

bool vqi_has_waiting_packets(const struct vqi_subject *subject)
{
	return vqi_num_nonzero(subject->queue->waiting_packets);
}

/* A driver whose interface was never up has never posted any. */
bool vqi_had_buffers(const struct vqi_subject *subject)
{
	const struct vqi_queue *queue = subject->queue;

	return queue->used_idx.known &&
	       (queue->used_idx.value ||
		(queue->ring == VQI_RING_PACKED && vqi_num_is(queue->wrap.used, 0)));
}

struct vqi_error *vqi_explain_rx_starved(const struct vqi_subject *subject,
					 struct vqi_finding *finding)
{
	const struct vqi_queue *queue = subject->queue;
	bool packets = vqi_has_waiting_packets(subject);
	struct vqi_error *error;

	if (!packets || !vqi_had_buffers(subject))
		vqi_finding_doubt(finding);
	error = vqi_finding_summarise(finding, "the driver has posted no buffers to receive into%s",
				      packets ? ", and packets wait" : "");
	if (!error && queue->waiting_packets.known)
		error = vqi_finding_add_fact(finding, "%" PRIu64 " packet%s queued for it in QEMU",
					     queue->waiting_packets.value,
					     vqi_plural(queue->waiting_packets.value));
	if (!error && !vqi_had_buffers(subject))
		error = vqi_finding_add_fact(finding, "it has never posted any: its interface may "
						      "not be up");
	if (!error)
		error = vqi_finding_add_indices(queue, finding);
	return error ? error : vqi_finding_add_interval(subject, finding);
}
