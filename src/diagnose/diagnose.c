/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vqi/diagnose.h"

#include <stdlib.h>
#include <string.h>

#include "finding.h"
#include "predicates.h"
#include "queue_facts.h"

void vqi_diagnosis_done(struct vqi_diagnosis *diagnosis)
{
	for (size_t i = 0; i < diagnosis->finding_count; i++)
		vqi_finding_done(&diagnosis->findings[i]);
	free(diagnosis->findings);
	*diagnosis = (struct vqi_diagnosis){0};
}
VQI_DEFINE_CLEANUP_VALUE(struct vqi_diagnosis, vqi_diagnosis_done)

static const struct vqi_device *find_before(const struct vqi_snapshot *earlier,
					    const struct vqi_device *device)
{
	for (size_t i = 0; earlier && i < earlier->device_count; i++) {
		const struct vqi_device *before = &earlier->devices[i];

		if (before->vdev_addr == device->vdev_addr &&
		    strcmp(before->qom_path, device->qom_path) == 0)
			return before;
	}
	return NULL;
}

static const struct vqi_queue *find_queue(const struct vqi_device *device, unsigned int index)
{
	for (size_t i = 0; device && i < device->queue_count; i++) {
		if (device->queues[i].index == index)
			return &device->queues[i];
	}
	return NULL;
}

/* Adds the finding of the first rule of a scope that applies; *ret_found says whether one does. */
static struct vqi_error *apply_rules(const struct vqi_subject *subject, enum vqi_scope scope,
				     struct vqi_diagnosis *diagnosis, bool *ret_found)
{
	struct vqi_finding *grown, *finding;

	*ret_found = false;
	for (size_t i = 0; i < vqi_rule_count && !*ret_found; i++) {
		const struct vqi_rule *rule = &vqi_rules[i];

		if (rule->scope != scope || !rule->applies(subject))
			continue;
		grown = reallocarray(diagnosis->findings, diagnosis->finding_count + 1,
				     sizeof(*grown));
		if (!grown)
			return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
		diagnosis->findings = grown;
		finding = &grown[diagnosis->finding_count++];
		*finding = (struct vqi_finding){
			.rule = rule,
			.severity = rule->severity,
			.confidence = VQI_CONFIRMED,
			.device = subject->device,
			.queue = subject->queue,
		};
		*ret_found = true;
		return rule->explain(subject, finding);
	}
	return NULL;
}

static bool is_nonzero(struct vqi_num num)
{
	return num.known && num.value;
}

static enum vqi_queue_state state_of(const struct vqi_subject *subject)
{
	const struct vqi_queue *queue = subject->queue;
	struct vqi_num outstanding = vqi_queue_outstanding(queue);

	if (!queue->desc_gpa)
		return VQI_QUEUE_DISABLED;
	if (!vqi_vm_is_running(subject->snapshot))
		return VQI_QUEUE_PAUSED;
	/* Behind a vIOMMU only what QEMU has taken is known: enough to be stuck, not to be idle. */
	if (!outstanding.known && is_nonzero(queue->in_flight))
		outstanding = queue->in_flight;
	if (!outstanding.known)
		return VQI_QUEUE_UNKNOWN;
	if (queue->kind == VQI_KIND_RECEIVE)
		return outstanding.value ? VQI_QUEUE_PARKED : VQI_QUEUE_IDLE;
	if (!outstanding.value && !is_nonzero(queue->unreaped))
		return VQI_QUEUE_IDLE;
	if (!subject->held_still)
		return VQI_QUEUE_BUSY;
	/* Only the driver's part is left, and it is at it. */
	if (!outstanding.value && !vqi_num_equal(queue->unreaped, subject->before->unreaped))
		return VQI_QUEUE_BUSY;
	/* It stands still, and nobody here knows whether it should. */
	if (queue->kind == VQI_KIND_UNKNOWN || !subject->device->started)
		return VQI_QUEUE_UNKNOWN;
	if (subject->device->vhost != VQI_VHOST_NONE && !is_nonzero(queue->unreaped))
		return VQI_QUEUE_UNKNOWN;
	return VQI_QUEUE_STUCK;
}

/* A vhost back end's own indices are out of reach: what does not move there may be stuck. */
static struct vqi_error *add_vhost_gap(const struct vqi_subject *subject,
				       struct vqi_snapshot *later)
{
	const struct vqi_queue *queue = subject->queue;

	if (subject->device->vhost == VQI_VHOST_NONE || queue->state != VQI_QUEUE_UNKNOWN ||
	    queue->kind == VQI_KIND_RECEIVE)
		return NULL;
	/* A packed ring has no indices of its own. */
	return vqi_snapshot_add_gap(
		later, subject->device, VQI_NUM(queue->index), "back end's indices",
		vqi_queue_outstanding(queue).known
			? "vhost runs the ring; buffers are outstanding and did not move"
			: "vhost runs the ring, and the ring does not tell them");
}

/* The snapshots of one diagnosis. */
struct looks {
	const struct vqi_snapshot *earlier;
	struct vqi_snapshot *later;
};

static struct vqi_error *diagnose_queue(const struct looks *looks, struct vqi_subject subject,
					struct vqi_queue *queue, bool judge,
					struct vqi_diagnosis *diagnosis)
{
	struct vqi_error *error = NULL;
	bool found;

	subject.queue = queue;
	subject.held_still = vqi_queue_held_still(subject.before, queue);
	queue->state = state_of(&subject);
	if (judge && queue->desc_gpa)
		error = apply_rules(&subject, VQI_SCOPE_QUEUE, diagnosis, &found);
	return error ? error : add_vhost_gap(&subject, looks->later);
}

static struct vqi_error *diagnose_device(const struct looks *looks, struct vqi_device *device,
					 bool vm_paused, struct vqi_diagnosis *diagnosis)
{
	const struct vqi_device *before = find_before(looks->earlier, device);
	struct vqi_subject subject = {.snapshot = looks->later, .device = device};
	struct vqi_error *error;
	bool broken;

	error = apply_rules(&subject, VQI_SCOPE_DEVICE, diagnosis, &broken);
	for (size_t i = 0; !error && i < device->queue_count; i++) {
		bool judge = !vm_paused && !broken && device->started;

		subject.before = find_queue(before, device->queues[i].index);
		error = diagnose_queue(looks, subject, &device->queues[i], judge, diagnosis);
	}
	return error;
}

static int compare_severity(const void *a, const void *b)
{
	const struct vqi_finding *left = a, *right = b;

	if (left->severity != right->severity)
		return (int)right->severity - (int)left->severity;
	if (left->device != right->device) /* of one array; NULL, the VM, is first */
		return left->device < right->device ? -1 : 1;
	return left->queue < right->queue ? -1 : left->queue > right->queue;
}

static enum vqi_exit exit_status(const struct vqi_snapshot *later,
				 const struct vqi_diagnosis *diagnosis)
{
	/* Sorted: the first is the worst. */
	if (diagnosis->finding_count && diagnosis->findings[0].severity == VQI_ERROR)
		return VQI_EXIT_FINDING;
	return later->gap_count ? VQI_EXIT_PARTIAL : VQI_EXIT_OK;
}

struct vqi_error *vqi_diagnose(const struct vqi_snapshot *earlier, struct vqi_snapshot *later,
			       struct vqi_diagnosis *ret_diagnosis)
{
	vqi_cleanup(vqi_diagnosis_done) struct vqi_diagnosis diagnosis = {0};
	struct looks looks = {.earlier = earlier, .later = later};
	struct vqi_subject vm = {.snapshot = later};
	struct vqi_error *error;
	bool paused;

	error = apply_rules(&vm, VQI_SCOPE_VM, &diagnosis, &paused);
	/* What stood still while the VM was stopped was not stuck. */
	if (earlier && !vqi_vm_is_running(earlier))
		looks.earlier = NULL;
	for (size_t i = 0; !error && i < later->device_count; i++)
		error = diagnose_device(&looks, &later->devices[i], paused, &diagnosis);
	if (error)
		return error;
	if (diagnosis.finding_count)
		qsort(diagnosis.findings, diagnosis.finding_count, sizeof(*diagnosis.findings),
		      compare_severity);
	diagnosis.exit_status = exit_status(later, &diagnosis);
	*ret_diagnosis = diagnosis;
	diagnosis = (struct vqi_diagnosis){0};
	return NULL;
}
