/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules about buffers that the driver has published and the device has not taken. */
#include <inttypes.h>

#include "describe.h"
#include "finding.h"
#include "loop_facts.h"
#include "predicates.h"
#include "queue_facts.h"

#define SPLIT_HEADER	 4 /* VirtIO 1.2, 2.7.8: flags and idx, then entries of id and len */
#define SPLIT_USED_ENTRY 8

bool vqi_is_untaken(const struct vqi_subject *subject)
{
	return vqi_num_nonzero(vqi_queue_untaken(subject->queue));
}

bool vqi_is_kick_pending(const struct vqi_subject *subject)
{
	return subject->queue->kick_pending;
}

bool vqi_is_no_kick_pending(const struct vqi_subject *subject)
{
	return !subject->queue->kick_pending;
}

bool vqi_is_notification_off(const struct vqi_subject *subject)
{
	return vqi_num_is(subject->queue->notification, 0);
}

bool vqi_is_not_polled(const struct vqi_subject *subject)
{
	return !vqi_num_is(subject->queue->handler_polled, 1);
}

static struct vqi_error *add_kick_due(const struct vqi_queue *queue, struct vqi_finding *finding)
{
	struct vqi_num due = vqi_queue_kick_due(queue);
	const char *answer = !due.known	 ? "whether a kick was due is unknown"
			     : due.value ? "a kick was due"
					 : "no kick was due";

	if (queue->ring == VQI_RING_PACKED)
		return vqi_finding_add_fact(finding,
					    "%s: device event flags %" PRIu64 ", off %" PRIu64
					    ", wrap %" PRIu64 " (at 0x%" PRIx64 ")",
					    answer, queue->wrap.device.flags.value,
					    queue->wrap.device.off.value,
					    queue->wrap.device.wrap.value, queue->used_hva);
	if (queue->avail_event.known)
		return vqi_finding_add_fact(
			finding, "%s: avail_event is %" PRIu64 " (at 0x%" PRIx64 ")", answer,
			queue->avail_event.value,
			queue->used_hva + SPLIT_HEADER + SPLIT_USED_ENTRY * (uint64_t)queue->num);
	if (!queue->used_flags.known)
		return vqi_finding_add_fact(finding, "%s", answer);
	return vqi_finding_add_fact(finding, "%s: used.flags is 0x%" PRIx64 " (at 0x%" PRIx64 ")",
				    answer, queue->used_flags.value, queue->used_hva);
}

static struct vqi_error *add_eventfd(const struct vqi_subject *subject, struct vqi_finding *finding)
{
	const struct vqi_queue *queue = subject->queue;

	if (vqi_num_is(subject->device->ioeventfd_started, 0))
		return vqi_finding_add_fact(finding,
					    "no eventfd: QEMU handles a kick in the thread "
					    "of the virtual CPU that sends it");
	if (!queue->host_notifier_count.known)
		return vqi_finding_add_fact(finding, "no eventfd for the kick that could be read");
	return vqi_finding_add_fact(finding,
				    "kick eventfd %" PRIu64 ": count %" PRIu64
				    ", eventfd-id %" PRIu64,
				    queue->host_notifier_fd.value, queue->host_notifier_count.value,
				    queue->host_notifier_id.value);
}

/* The way from the guest's write to the eventfd. */
static struct vqi_error *add_route(const struct vqi_subject *subject, struct vqi_finding *finding)
{
	if (vqi_num_is(subject->device->pci_memory, 0))
		return vqi_finding_add_fact(finding,
					    "the device does not decode memory, nor a kick "
					    "there: the guest cleared that in its command "
					    "register");
	if (!subject->queue->ioeventfd.known)
		return NULL;
	return vqi_finding_add_fact(finding, "%s",
				    subject->queue->ioeventfd.value
					    ? "the eventfd is in the memory map"
					    : "the eventfd is not in the memory map: no write of "
					      "the guest rings it");
}

/* What all three rules rest on. */
static struct vqi_error *add_facts(const struct vqi_subject *subject, struct vqi_finding *finding)
{
	const struct vqi_queue *queue = subject->queue;
	struct vqi_error *error = NULL;

	if (!vqi_is_bus_master(subject))
		error = vqi_finding_add_fact(finding,
					     "the guest took bus mastering away: QEMU takes "
					     "nothing from its rings");
	if (!error)
		error = add_kick_due(queue, finding);
	if (!error)
		error = add_eventfd(subject, finding);
	if (!error && queue->notification.known)
		error = vqi_finding_add_fact(finding,
					     "notification %" PRIu64 ": the device %s kicks",
					     queue->notification.value,
					     queue->notification.value ? "wants" : "suppresses");
	if (!error)
		error = vqi_finding_add_service(subject, finding);
	if (!error)
		error = vqi_finding_add_indices(queue, finding);
	return error ? error : vqi_finding_add_interval(subject, finding);
}

static const char *seen_or_taken(const struct vqi_queue *queue)
{
	return vqi_num_is(queue->unseen, 0) ? "taken" : "seen";
}

/* The loop's thread may be on its way to the queue; and nobody takes what a device may not reach. */
static bool is_excusable(const struct vqi_subject *subject)
{
	return vqi_loop_is_on_its_way(subject) || !vqi_is_bus_master(subject);
}

static const char *why_not_handled(const struct vqi_subject *subject)
{
	switch (subject->queue->handler) {
	case VQI_HANDLER_NONE:
		return "and no event loop listens to it";
	case VQI_HANDLER_DISABLED:
		return "and its event loop is drained";
	case VQI_HANDLER_READY:
		return "and the event loop that listens to it does not heed it";
	default:
		return "and nobody reads it";
	}
}

struct vqi_error *vqi_explain_kick_not_handled(const struct vqi_subject *subject,
					       struct vqi_finding *finding)
{
	const struct vqi_queue *queue = subject->queue;
	uint64_t untaken = vqi_queue_untaken(queue).value;
	struct vqi_error *error;

	if (!subject->before->kick_pending || is_excusable(subject))
		vqi_finding_doubt(finding); /* it came just now */
	error = vqi_finding_summarise(
		finding,
		"%" PRIu64 " buffer%s published and not %s by the device; a kick is pending %s",
		untaken, vqi_plural(untaken), seen_or_taken(queue), why_not_handled(subject));
	return error ? error : add_facts(subject, finding);
}

struct vqi_error *vqi_explain_notification_left_off(const struct vqi_subject *subject,
						    struct vqi_finding *finding)
{
	const struct vqi_queue *queue = subject->queue;
	uint64_t untaken = vqi_queue_untaken(queue).value;
	struct vqi_error *error;

	if (!vqi_num_is(subject->before->notification, 0) || is_excusable(subject))
		vqi_finding_doubt(finding);
	error = vqi_finding_summarise(finding,
				      "%" PRIu64 " buffer%s published and not %s by the device, "
				      "which suppresses kicks and does not poll",
				      untaken, vqi_plural(untaken), seen_or_taken(queue));
	return error ? error : add_facts(subject, finding);
}

struct vqi_error *vqi_explain_device_not_notified(const struct vqi_subject *subject,
						  struct vqi_finding *finding)
{
	const struct vqi_queue *queue = subject->queue;
	uint64_t untaken = vqi_queue_untaken(queue).value;
	struct vqi_num due = vqi_queue_kick_due(queue);
	struct vqi_error *error;

	if (is_excusable(subject))
		vqi_finding_doubt(finding);
	error = vqi_finding_summarise(finding,
				      "%" PRIu64 " buffer%s published and not %s by the device; %s",
				      untaken, vqi_plural(untaken), seen_or_taken(queue),
				      !due.known
					      ? "whether the driver was obliged to kick is unknown"
				      : due.value ? "the driver was obliged to kick"
						  : "the driver was not obliged to kick");
	if (!error)
		error = add_route(subject, finding);
	return error ? error : add_facts(subject, finding);
}
