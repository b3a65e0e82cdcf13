/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vqi/diagnose.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "finding.h"
#include "lookup.h"
#include "loop_facts.h"
#include "predicates.h"
#include "queue_facts.h"
#include "request_ages.h"

void vqi_diagnosis_done(struct vqi_diagnosis *diagnosis)
{
	for (size_t i = 0; i < diagnosis->finding_count; i++)
		vqi_finding_done(&diagnosis->findings[i]);
	free(diagnosis->findings);
	*diagnosis = (struct vqi_diagnosis){0};
}
VQI_DEFINE_CLEANUP_VALUE(struct vqi_diagnosis, vqi_diagnosis_done)

/* What stands still for want of a processor is not stuck. */
static struct vqi_error *doubt_if_starved(const struct vqi_subject *subject,
					  struct vqi_finding *finding)
{
	uint64_t wait_ms;
	const struct vqi_thread *thread = vqi_find_starved(subject, &wait_ms);

	if (!thread)
		return NULL;
	vqi_finding_doubt(finding);
	return vqi_finding_add_fact(finding,
				    "thread %d%s%s was ready to run for %" PRIu64
				    " ms and had no processor: is the host overloaded?",
				    (int)thread->tid, thread->role ? ", " : "",
				    thread->role ? thread->role : "", wait_ms);
}

/* What stands still because somebody holds a thread of it is not stuck. */
static struct vqi_error *doubt_if_stopped(const struct vqi_subject *subject,
					  struct vqi_finding *finding)
{
	const struct vqi_thread *thread = vqi_find_stopped(subject);

	if (!thread)
		return NULL;
	vqi_finding_doubt(finding);
	return vqi_finding_add_fact(finding,
				    "thread %d%s%s is stopped (state %c): does a debugger hold it?",
				    (int)thread->tid, thread->role ? ", " : "",
				    thread->role ? thread->role : "", thread->state);
}

/* Adds the finding of the first rule of a scope that applies; *ret_found says whether one does. */
static struct vqi_error *apply_rules(const struct vqi_subject *subject, enum vqi_scope scope,
				     struct vqi_diagnosis *diagnosis, bool *ret_found)
{
	struct vqi_finding *grown, *finding;
	struct vqi_error *error;

	*ret_found = false;
	for (size_t i = 0; i < vqi_rule_count && !*ret_found; i++) {
		const struct vqi_rule *rule = &vqi_rules[i];

		if (rule->scope != scope || !vqi_rule_applies(rule, subject))
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
		error = rule->explain(subject, finding);
		if (!error && rule->over_time && subject->queue)
			error = doubt_if_starved(subject, finding);
		if (!error && rule->over_time && subject->queue)
			error = doubt_if_stopped(subject, finding);
		return error ? error : vqi_finding_add_known_fixes(subject, finding);
	}
	return NULL;
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
	if (!outstanding.known && vqi_num_nonzero(queue->in_flight))
		outstanding = queue->in_flight;
	if (!outstanding.known)
		return VQI_QUEUE_UNKNOWN;
	if (queue->kind == VQI_KIND_RECEIVE)
		return outstanding.value ? VQI_QUEUE_PARKED : VQI_QUEUE_IDLE;
	if (!outstanding.value && !vqi_num_nonzero(queue->unreaped))
		return VQI_QUEUE_IDLE;
	if (!subject->held_still)
		return VQI_QUEUE_BUSY;
	/* Only the driver's part is left, and it is at it. */
	if (!outstanding.value && !vqi_num_equal(queue->unreaped, subject->before->unreaped))
		return VQI_QUEUE_BUSY;
	/* It stands still, and nobody here knows whether it should. */
	if (queue->kind == VQI_KIND_UNKNOWN || !subject->device->started)
		return VQI_QUEUE_UNKNOWN;
	if (subject->device->vhost != VQI_VHOST_NONE && !vqi_num_nonzero(queue->unreaped))
		return VQI_QUEUE_UNKNOWN;
	return VQI_QUEUE_STUCK;
}

/* A vhost back end's own indices are out of reach: what does not move there may be stuck. */
static struct vqi_error *add_vhost_gap(const struct vqi_subject *subject, struct vqi_queue *queue,
				       struct vqi_snapshot *later)
{
	if (subject->device->vhost == VQI_VHOST_NONE || queue->state != VQI_QUEUE_UNKNOWN ||
	    queue->kind == VQI_KIND_RECEIVE || queue->is_gap_told)
		return NULL;
	queue->is_gap_told = true;
	/* A packed ring has no indices of its own. */
	return vqi_snapshot_add_gap(
		later, subject->device, VQI_NUM(queue->index), "back end's indices",
		vqi_queue_outstanding(queue).known
			? (subject->device->vhost == VQI_VHOST_USER
				   ? "vhost runs the ring; buffers are outstanding and did not "
				     "move: inspect the back end, if it is a qemu-storage-daemon"
				   : "vhost runs the ring; buffers are outstanding and did not "
				     "move")
			: "vhost runs the ring, and the ring does not tell them");
}

/* What is known of one diagnosis before the devices have their turn. */
struct diagnosis_context {
	const struct vqi_snapshot *first;   /* NULL: a single look */
	const struct vqi_snapshot *earlier; /* the same, or NULL if the VM did not run then */
	struct vqi_snapshot *later;
	bool vm_down;	    /* the VM as a whole is why nothing moves */
	bool main_blocked;  /* the main loop is: nothing can be said of any queue then */
	bool *loop_blocked; /* one an event loop */
};

static struct vqi_error *diagnose_loop(struct diagnosis_context *context, size_t index,
				       struct vqi_diagnosis *diagnosis)
{
	const struct vqi_loop *loop = &context->later->loops[index];
	struct vqi_subject subject = vqi_loop_subject(context->later, context->first, loop);
	struct vqi_error *error;

	/* An iothread has nothing to do while the VM is down, and may wait for the main loop. */
	if (!loop->is_main && (context->vm_down || context->main_blocked))
		return NULL;
	error = apply_rules(&subject, VQI_SCOPE_LOOP, diagnosis, &context->loop_blocked[index]);
	if (loop->is_main)
		context->main_blocked = context->loop_blocked[index];
	return error;
}

/* Whether something larger than the queue is wrong, of which all else is but a consequence. */
static bool is_judged(const struct diagnosis_context *context, const struct vqi_subject *subject,
		      bool broken)
{
	const struct vqi_queue *queue = subject->queue;

	if (context->vm_down || context->main_blocked || broken || !subject->device->started ||
	    !queue->desc_gpa)
		return false;
	return !queue->loop.known || queue->loop.value >= context->later->loop_count ||
	       !context->loop_blocked[queue->loop.value];
}

static struct vqi_error *diagnose_queue(const struct diagnosis_context *context,
					struct vqi_subject subject, struct vqi_queue *queue,
					bool broken, struct vqi_diagnosis *diagnosis)
{
	struct vqi_error *error = NULL;
	bool found;

	subject.queue = queue;
	subject.before = vqi_find_queue(subject.device_before, queue->index);
	subject.loop = vqi_snapshot_loop(context->later, queue);
	subject.loop_before = vqi_find_loop(context->earlier, subject.loop);
	subject.held_still = vqi_queue_held_still(subject.before, queue);
	queue->state = state_of(&subject);
	queue->kick_due = vqi_queue_kick_due(queue);
	queue->interrupt_due = vqi_queue_interrupt_due(queue);
	if (is_judged(context, &subject, broken))
		error = apply_rules(&subject, VQI_SCOPE_QUEUE, diagnosis, &found);
	return error ? error : add_vhost_gap(&subject, queue, context->later);
}

static struct vqi_error *diagnose_device(const struct diagnosis_context *context,
					 struct vqi_device *device, struct vqi_diagnosis *diagnosis)
{
	struct vqi_subject subject = {
		.snapshot = context->later,
		.earlier = context->earlier,
		.device = device,
		.device_before = vqi_find_device(context->earlier, device),
	};
	struct vqi_error *error;
	bool broken;

	error = apply_rules(&subject, VQI_SCOPE_DEVICE, diagnosis, &broken);
	for (size_t i = 0; !error && i < device->queue_count; i++)
		error = diagnose_queue(context, subject, &device->queues[i], broken, diagnosis);
	return error ? error : apply_rules(&subject, VQI_SCOPE_EXPORT, diagnosis, &broken);
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

static struct vqi_error *diagnose(struct diagnosis_context *context,
				  struct vqi_diagnosis *diagnosis)
{
	struct vqi_subject vm = {.snapshot = context->later, .earlier = context->first};
	struct vqi_error *error;

	error = apply_rules(&vm, VQI_SCOPE_VM, diagnosis, &context->vm_down);
	for (size_t i = 0; !error && i < context->later->loop_count; i++)
		error = diagnose_loop(context, i, diagnosis);
	for (size_t i = 0; !error && i < context->later->device_count; i++)
		error = diagnose_device(context, &context->later->devices[i], diagnosis);
	return error;
}

struct vqi_error *vqi_diagnose(const struct vqi_snapshot *earlier, struct vqi_snapshot *later,
			       struct vqi_diagnosis *ret_diagnosis)
{
	vqi_cleanup(vqi_diagnosis_done) struct vqi_diagnosis diagnosis = {0};
	vqi_cleanup_free bool *blocked = calloc(later->loop_count + 1, sizeof(*blocked));
	struct diagnosis_context context = {
		/* What stood still while the VM was stopped was not stuck. */
		.earlier = earlier && vqi_vm_is_running(earlier) ? earlier : NULL,
		.first = earlier,
		.later = later,
		.loop_blocked = blocked,
	};
	struct vqi_error *error;

	if (!blocked)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	vqi_requests_date(earlier, later);
	error = diagnose(&context, &diagnosis);
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
