/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules about one queue. */
#include <inttypes.h>
#include <string.h>

#include "vqi/virtio.h"

#include "finding.h"
#include "predicates.h"
#include "queue_facts.h"

/* Whether what the queue holds is work that somebody waits for. */
static bool is_awaited(const struct vqi_queue *queue)
{
	return queue->kind == VQI_KIND_REQUEST || queue->kind == VQI_KIND_SEND;
}

static const char *plural(uint64_t count)
{
	return count == 1 ? "" : "s";
}

/* Where every rule's numbers stand. */
static struct vqi_error *add_indices(const struct vqi_queue *queue, struct vqi_finding *finding)
{
	struct vqi_error *error = NULL;

	if (queue->last_avail_idx.known)
		error = vqi_finding_add_fact(finding,
					     "shadow_avail_idx %" PRIu64 ", last_avail_idx %" PRIu64
					     ", used_idx %" PRIu64 ", inuse %" PRIu64
					     " (VirtQueue at 0x%" PRIx64 ")",
					     queue->shadow_avail_idx.value,
					     queue->last_avail_idx.value, queue->used_idx.value,
					     queue->inuse.value, queue->vq_addr);
	if (!error && queue->ring == VQI_RING_PACKED && queue->unseen.known)
		error = vqi_finding_add_fact(finding,
					     "avail_idx %" PRIu64 ", wrap %" PRIu64
					     " (descriptor ring at 0x%" PRIx64 ")",
					     queue->avail_idx.value, queue->wrap.avail.value,
					     queue->desc_hva);
	if (!error && queue->ring == VQI_RING_SPLIT && queue->avail_idx.known &&
	    queue->used_ring_idx.known)
		error = vqi_finding_add_fact(finding,
					     "avail_idx %" PRIu64 " (avail ring at 0x%" PRIx64
					     "), used_ring_idx %" PRIu64 " (used ring at 0x%" PRIx64
					     ")",
					     queue->avail_idx.value, queue->avail_hva,
					     queue->used_ring_idx.value, queue->used_hva);
	return error;
}

static struct vqi_error *add_interval(const struct vqi_subject *subject,
				      struct vqi_finding *finding)
{
	if (!subject->held_still)
		return NULL;
	return vqi_finding_add_fact(finding, "no index moved over %" PRIu64 " ms",
				    subject->snapshot->capture.interval_ms);
}

static const char *fault_sentence(unsigned int faults)
{
	if (faults & VQI_RING_AVAIL_AHEAD)
		return "avail_idx is further ahead of the device than the ring has entries";
	if (faults & VQI_RING_BAD_HEAD)
		return "an available entry names a descriptor beyond the ring";
	if (faults & VQI_RING_BAD_INDIRECT)
		return "an indirect descriptor's table is empty or of a broken length";
	return "the used index in guest RAM is not what QEMU wrote there";
}

struct vqi_error *vqi_add_ring_facts(const struct vqi_queue *queue, struct vqi_finding *finding)
{
	struct vqi_error *error;

	error = vqi_finding_add_fact(finding, "queue %u: %s (num %u)", queue->index,
				     fault_sentence(queue->ring_faults), queue->num);
	return error ? error : add_indices(queue, finding);
}

/* A fault in a ring that moves may be half of an update. */
bool vqi_is_ring_corrupt(const struct vqi_subject *subject)
{
	const struct vqi_queue *queue = subject->queue, *before = subject->before;

	if (!queue->ring_faults || !queue->consistent)
		return false;
	if (!before) /* QEMU writes the used index in two steps */
		return queue->ring_faults != VQI_RING_USED_MISMATCH;
	return subject->held_still && before->ring_faults == queue->ring_faults;
}

struct vqi_error *vqi_explain_ring_corrupt(const struct vqi_subject *subject,
					   struct vqi_finding *finding)
{
	struct vqi_error *error;

	if (!subject->before)
		vqi_finding_doubt(finding);
	error = vqi_finding_summarise(finding, "%s", fault_sentence(subject->queue->ring_faults));
	if (!error)
		error = vqi_add_ring_facts(subject->queue, finding);
	return error ? error : add_interval(subject, finding);
}

/* inuse less in_flight, modulo 2^32; in_flight is what it should be. */
static struct vqi_num leak_of(const struct vqi_queue *queue)
{
	if (!queue->inuse.known || !queue->in_flight.known)
		return VQI_UNKNOWN;
	return VQI_NUM((uint32_t)(queue->inuse.value - queue->in_flight.value));
}

bool vqi_is_inuse_leak(const struct vqi_subject *subject)
{
	const struct vqi_queue *queue = subject->queue, *before = subject->before;
	struct vqi_num leak = leak_of(queue);

	/* Without bus mastering QEMU drops completions. virtio.c virtqueue_flush(). */
	if (!leak.known || !leak.value || !queue->consistent || subject->device->disabled)
		return false;
	return !before || (before->consistent && vqi_num_equal(leak_of(before), leak));
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
		error = add_indices(queue, finding);
	if (!error && subject->before)
		error = vqi_finding_add_fact(finding, "the same difference %" PRIu64 " ms before",
					     subject->snapshot->capture.interval_ms);
	return error;
}

bool vqi_is_request_stuck(const struct vqi_subject *subject)
{
	return subject->held_still && is_awaited(subject->queue) &&
	       subject->queue->in_flight.known && subject->queue->in_flight.value;
}

static struct vqi_error *add_backends(const struct vqi_device *device, struct vqi_finding *finding)
{
	struct vqi_error *error = NULL;

	for (size_t i = 0; !error && i < device->backend_count; i++) {
		const struct vqi_backend *backend = &device->backends[i];

		error = vqi_finding_add_fact(finding, "back end: %s %s%s%s%s%s", backend->kind,
					     backend->name ? backend->name : "without a name",
					     backend->node_name ? ", node " : "",
					     backend->node_name ? backend->node_name : "",
					     backend->driver ? ", driver " : "",
					     backend->driver ? backend->driver : "");
	}
	return error;
}

struct vqi_error *vqi_explain_request_stuck(const struct vqi_subject *subject,
					    struct vqi_finding *finding)
{
	const struct vqi_queue *queue = subject->queue;
	struct vqi_num untaken = vqi_queue_untaken(queue);
	uint64_t in_flight = queue->in_flight.value;
	struct vqi_error *error;

	/* A packed ring's distance is in descriptors, of which a request may have several. */
	if (queue->ring == VQI_RING_PACKED)
		error = vqi_finding_summarise(finding,
					      "requests of %" PRIu64 " descriptor%s taken and not "
					      "completed for %" PRIu64 " ms or more",
					      in_flight, plural(in_flight),
					      subject->snapshot->capture.interval_ms);
	else
		error = vqi_finding_summarise(finding,
					      "%" PRIu64 " request%s taken and not completed for "
					      "%" PRIu64 " ms or more",
					      in_flight, plural(in_flight),
					      subject->snapshot->capture.interval_ms);
	if (!error)
		error = add_backends(subject->device, finding);
	if (!error)
		error = add_indices(queue, finding);
	if (!error && untaken.known && untaken.value)
		error = vqi_finding_add_fact(finding, "%" PRIu64 " more published and not taken",
					     untaken.value);
	return error ? error : add_interval(subject, finding);
}

static bool is_not_taken(const struct vqi_subject *subject)
{
	struct vqi_num untaken = vqi_queue_untaken(subject->queue);

	return subject->held_still && is_awaited(subject->queue) && untaken.known && untaken.value;
}

static bool is_kick_pending(const struct vqi_queue *queue)
{
	return queue->host_notifier_count.known && queue->host_notifier_count.value;
}

bool vqi_is_kick_not_handled(const struct vqi_subject *subject)
{
	return is_not_taken(subject) && is_kick_pending(subject->queue);
}

bool vqi_is_device_not_notified(const struct vqi_subject *subject)
{
	return is_not_taken(subject) && !is_kick_pending(subject->queue);
}

static struct vqi_error *add_kick(const struct vqi_queue *queue, struct vqi_finding *finding)
{
	static const char *const due[] = {
		[VQI_KICK_UNKNOWN] = "whether a kick was due is unknown",
		[VQI_KICK_DUE] = "a kick was due",
		[VQI_KICK_NOT_DUE] = "no kick was due",
	};
	const char *answer = due[vqi_queue_kick_due(queue)];

	if (queue->ring == VQI_RING_PACKED)
		return vqi_finding_add_fact(finding,
					    "%s: device event flags %" PRIu64 ", off %" PRIu64
					    ", wrap %" PRIu64,
					    answer, queue->wrap.device.flags.value,
					    queue->wrap.device.off.value,
					    queue->wrap.device.wrap.value);
	if (queue->avail_event.known)
		return vqi_finding_add_fact(finding, "%s: avail_event is %" PRIu64, answer,
					    queue->avail_event.value);
	return vqi_finding_add_fact(finding, "%s: used.flags is 0x%" PRIx64, answer,
				    queue->used_flags.value);
}

static struct vqi_error *add_pending(const struct vqi_queue *queue, struct vqi_finding *finding)
{
	if (!queue->host_notifier_count.known)
		return vqi_finding_add_fact(finding, "no eventfd for the kick that could be read");
	return vqi_finding_add_fact(finding, "kick eventfd %" PRIu64 ": count %" PRIu64,
				    queue->host_notifier_fd.value,
				    queue->host_notifier_count.value);
}

/* "published and not seen", or only seen, depending on QEMU's shadow of the index. */
struct vqi_error *vqi_explain_not_taken(const struct vqi_subject *subject,
					struct vqi_finding *finding)
{
	const struct vqi_queue *queue = subject->queue;
	uint64_t untaken = vqi_queue_untaken(queue).value;
	enum vqi_kick kick = vqi_queue_kick_due(queue);
	struct vqi_error *error;

	if (is_kick_pending(queue) && !is_kick_pending(subject->before))
		vqi_finding_doubt(finding); /* it came just now */
	error = vqi_finding_summarise(
		finding, "%" PRIu64 " buffer%s published and not %s by the device; %s", untaken,
		plural(untaken), vqi_num_is(queue->unseen, 0) ? "taken" : "seen",
		is_kick_pending(queue)	   ? "a kick is pending and nobody reads it"
		: kick == VQI_KICK_DUE	   ? "the driver was obliged to kick"
		: kick == VQI_KICK_NOT_DUE ? "the driver was not obliged to kick"
					   : "whether the driver was obliged to kick is unknown");
	if (!error)
		error = add_kick(queue, finding);
	if (!error)
		error = add_pending(queue, finding);
	if (!error)
		error = add_indices(queue, finding);
	return error ? error : add_interval(subject, finding);
}

/* Only where the driver waits for an interrupt for each completion is its event its own index. Of
 * receive queues a network driver's is, but for while it polls. */
bool vqi_is_completion_not_seen(const struct vqi_subject *subject)
{
	const struct vqi_queue *queue = subject->queue;
	bool is_net_rx = queue->kind == VQI_KIND_RECEIVE && queue->role &&
			 strcmp(queue->role, "rx") == 0 && subject->device->device_id == 1;

	return subject->held_still && (queue->kind == VQI_KIND_REQUEST || is_net_rx) &&
	       queue->unreaped.known && queue->unreaped.value &&
	       vqi_num_equal(queue->unreaped, subject->before->unreaped);
}

/* A driver that polls leaves its event behind; one that wants no interrupts writes 0, but would not
 * have given the queue a vector. */
static bool is_event_ambiguous(const struct vqi_queue *queue)
{
	bool has_vector = queue->vector.known && queue->vector.value != VQI_NO_VECTOR;

	return queue->kind == VQI_KIND_RECEIVE || (vqi_num_is(queue->used_event, 0) && !has_vector);
}

struct vqi_error *vqi_explain_completion_not_seen(const struct vqi_subject *subject,
						  struct vqi_finding *finding)
{
	const struct vqi_queue *queue = subject->queue;
	struct vqi_error *error;

	if (is_event_ambiguous(queue))
		vqi_finding_doubt(finding);
	error = vqi_finding_summarise(finding,
				      "%" PRIu64
				      " completion%s that the driver has not picked up and "
				      "was due an interrupt for",
				      queue->unreaped.value, plural(queue->unreaped.value));
	if (!error && queue->ring == VQI_RING_PACKED)
		error = vqi_finding_add_fact(
			finding,
			"the driver asked for an interrupt at descriptor %" PRIu64 ", wrap %" PRIu64
			"; the device is at %" PRIu64 ", wrap %" PRIu64,
			queue->wrap.driver.off.value, queue->wrap.driver.wrap.value,
			queue->used_idx.value, queue->wrap.used.value);
	else if (!error)
		error = vqi_finding_add_fact(finding,
					     "used_event %" PRIu64
					     ": the used index has passed it, "
					     "it is %" PRIu64,
					     queue->used_event.value, queue->used_ring_idx.value);
	if (!error && queue->signalled_used_valid.known)
		error = vqi_finding_add_fact(
			finding,
			"signalled_used %" PRIu64 "%s: the index at which QEMU "
			"last decided on an interrupt",
			queue->signalled_used.value,
			queue->signalled_used_valid.value ? "" : " (not valid)");
	if (!error)
		error = add_indices(queue, finding);
	return error ? error : add_interval(subject, finding);
}
