/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "metrics.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "printable.h"
#include "words.h"

const char *vqi_metric_names_add(struct vqi_metric_names *names, const char *name)
{
	vqi_cleanup_free char *added = strdup(name);
	char **grown = reallocarray(names->names, names->count + 1, sizeof(*grown));

	if (grown)
		names->names = grown;
	if (!grown || !added)
		return NULL;
	/* The same number never comes again, so that going on from the start of the list ends. */
	for (size_t i = 0, number = 2; i < names->count; i++) {
		if (strcmp(names->names[i], added) != 0)
			continue;
		free(take_ptr(added));
		if (asprintf(&added, "%s#%zu", name, number++) < 0) {
			added = NULL;
			return NULL;
		}
		i = (size_t)-1;
	}
	return names->names[names->count++] = take_ptr(added);
}

void vqi_metric_names_done(struct vqi_metric_names *names)
{
	for (size_t i = 0; i < names->count; i++)
		free(names->names[i]);
	free(names->names);
	*names = (struct vqi_metric_names){0};
}

/* ---- samples ---- */

/* The part of a sample before its labels, and the label that all of them have. */
static void begin(FILE *stream, const struct vqi_metric_family *family,
		  const struct vqi_metric_source *source)
{
	fprintf(stream, VQI_METRIC_PREFIX "%s{vm=\"%s\"", family->name, source->vm);
}

/* A label whose value is a word of ours. */
static void put_word(FILE *stream, const char *label, const char *word)
{
	fprintf(stream, ",%s=\"%s\"", label, word ? word : "");
}

/* A label whose value is a string of the target's. */
static void put_text(FILE *stream, struct vqi_metric_source *source, const char *label,
		     const char *text)
{
	vqi_cleanup_free char *value = vqi_printable_label(text ? text : "");

	if (value)
		put_word(stream, label, value);
	else
		source->failed = true;
}

static void put_device(FILE *stream, const struct vqi_metric_source *source,
		       const struct vqi_device *device)
{
	put_word(stream, "device",
		 device ? source->devices.names[device - source->snapshot->devices] : NULL);
}

/* A finding may be of no queue. */
static void put_queue(FILE *stream, const struct vqi_queue *queue)
{
	if (queue)
		fprintf(stream, ",queue=\"%u\"", queue->index);
	else
		put_word(stream, "queue", NULL);
	put_word(stream, "role", queue ? queue->role : NULL);
}

/* number is divided by the power of ten; no locale has a part in it. */
static void end(FILE *stream, uint64_t number, unsigned int decimals)
{
	uint64_t divisor = 1;

	for (unsigned int i = 0; i < decimals; i++)
		divisor *= 10;
	fprintf(stream, "} %" PRIu64, number / divisor);
	if (decimals)
		fprintf(stream, ".%0*" PRIu64, (int)decimals, number % divisor);
	fputc('\n', stream);
}

/* ---- of the tool and the target ---- */

void vqi_metric_put_tool(FILE *stream)
{
	fprintf(stream, VQI_METRIC_PREFIX "%s{version=\"%s\"} 1\n", vqi_metric_families[0].name,
		VQI_VERSION);
}

static void put_tool(FILE *stream, const struct vqi_metric_family *family,
		     struct vqi_metric_source *source)
{
	(void)family, (void)source;
	vqi_metric_put_tool(stream);
}

static struct vqi_num up(const struct vqi_metric_source *source)
{
	return VQI_NUM(source->snapshot != NULL);
}

static struct vqi_num exit_status(const struct vqi_metric_source *source)
{
	return VQI_NUM(source->snapshot ? source->diagnosis->exit_status : VQI_EXIT_FAILED);
}

static void put_target(FILE *stream, const struct vqi_metric_family *family,
		       struct vqi_metric_source *source)
{
	const struct vqi_target *target = &source->snapshot->target;

	begin(stream, family, source);
	put_word(stream, "kind", vqi_target_kind_word(target->kind));
	put_text(stream, source, "arch", target->arch);
	put_text(stream, source, "qemu_version", target->qemu_version);
	put_text(stream, source, "build_id", target->build_id);
	put_word(stream, "layout_source", target->layout_source);
	end(stream, 1, 0);
}

static struct vqi_num running(const struct vqi_metric_source *source)
{
	const char *run_state = source->snapshot->target.run_state;

	return run_state ? VQI_NUM(strcmp(run_state, "running") == 0) : VQI_UNKNOWN;
}

static struct vqi_num time_ms(const struct vqi_metric_source *source)
{
	const struct timespec *time = &source->snapshot->capture.time;

	return VQI_NUM((uint64_t)time->tv_sec * 1000 + (uint64_t)time->tv_nsec / 1000000);
}

static struct vqi_num duration_us(const struct vqi_metric_source *source)
{
	return VQI_NUM(source->snapshot->capture.duration_us);
}

static struct vqi_num interval_ms(const struct vqi_metric_source *source)
{
	return VQI_NUM(source->snapshot->capture.interval_ms);
}

static struct vqi_num stopped_us(const struct vqi_metric_source *source)
{
	return VQI_NUM(source->snapshot->capture.stopped_us);
}

static struct vqi_num gaps(const struct vqi_metric_source *source)
{
	return VQI_NUM(source->snapshot->gap_count);
}

/* ---- findings ---- */

/* One for each rule, so that a query finds a 0 where nothing is wrong. */
static void put_findings(FILE *stream, const struct vqi_metric_family *family,
			 struct vqi_metric_source *source)
{
	const struct vqi_diagnosis *diagnosis = source->diagnosis;

	for (size_t i = 0; i < vqi_rule_count; i++) {
		uint64_t count = 0;

		for (size_t j = 0; j < diagnosis->finding_count; j++)
			count += strcmp(diagnosis->findings[j].rule->id, vqi_rules[i].id) == 0;
		begin(stream, family, source);
		put_word(stream, "id", vqi_rules[i].id);
		end(stream, count, 0);
	}
}

/* Two event loops that are blocked differ in their summary, which is no label. */
static bool is_same(const struct vqi_finding *a, const struct vqi_finding *b)
{
	return a->rule == b->rule && a->severity == b->severity && a->confidence == b->confidence &&
	       a->device == b->device && a->queue == b->queue;
}

static bool is_repeated(const struct vqi_diagnosis *diagnosis, size_t index)
{
	for (size_t i = 0; i < index; i++) {
		if (is_same(&diagnosis->findings[i], &diagnosis->findings[index]))
			return true;
	}
	return false;
}

static void put_active(FILE *stream, const struct vqi_metric_family *family,
		       struct vqi_metric_source *source)
{
	const struct vqi_diagnosis *diagnosis = source->diagnosis;

	for (size_t i = 0; i < diagnosis->finding_count; i++) {
		const struct vqi_finding *finding = &diagnosis->findings[i];

		if (is_repeated(diagnosis, i))
			continue;
		begin(stream, family, source);
		put_device(stream, source, finding->device);
		put_queue(stream, finding->queue);
		put_word(stream, "id", finding->rule->id);
		put_word(stream, "severity", vqi_severity_word(finding->severity));
		put_word(stream, "confidence", vqi_confidence_word(finding->confidence));
		end(stream, 1, 0);
	}
}

/* ---- devices ---- */

static void put_device_info(FILE *stream, const struct vqi_metric_family *family,
			    struct vqi_metric_source *source)
{
	for (size_t i = 0; i < source->snapshot->device_count; i++) {
		const struct vqi_device *device = &source->snapshot->devices[i];

		begin(stream, family, source);
		put_device(stream, source, device);
		put_text(stream, source, "type", device->type);
		put_word(stream, "transport", vqi_transport_word(device->transport));
		put_word(stream, "vhost", vqi_vhost_word(device->vhost));
		end(stream, 1, 0);
	}
}

/* ---- queues ---- */

static struct vqi_num ring_size(const struct vqi_queue *queue)
{
	return VQI_NUM(queue->num);
}

static struct vqi_num unseen(const struct vqi_queue *queue)
{
	return queue->unseen;
}

static struct vqi_num in_flight(const struct vqi_queue *queue)
{
	return queue->in_flight;
}

static struct vqi_num unreaped(const struct vqi_queue *queue)
{
	return queue->unreaped;
}

/* Of what may be completed already the age says nothing. */
static struct vqi_num oldest_ms(const struct vqi_queue *queue)
{
	struct vqi_num oldest = VQI_UNKNOWN;

	for (size_t i = 0; i < queue->request_count; i++) {
		const struct vqi_request *request = &queue->requests[i];

		if (request->is_candidate || request->age == VQI_AGE_UNKNOWN)
			continue;
		if (!oldest.known || request->age_ms > oldest.value)
			oldest = VQI_NUM(request->age_ms);
	}
	return oldest;
}

static void put_states(FILE *stream, const struct vqi_metric_family *family,
		       struct vqi_metric_source *source, const struct vqi_device *device,
		       const struct vqi_queue *queue)
{
	const char *word;

	for (enum vqi_queue_state state = 0; (word = vqi_queue_state_word(state)); state++) {
		if (state == VQI_QUEUE_DISABLED)
			continue;
		begin(stream, family, source);
		put_device(stream, source, device);
		put_queue(stream, queue);
		put_word(stream, "state", word);
		end(stream, queue->state == state, 0);
	}
}

static void put_number(FILE *stream, const struct vqi_metric_family *family,
		       struct vqi_metric_source *source, const struct vqi_device *device,
		       const struct vqi_queue *queue)
{
	struct vqi_num number = family->of_queue(queue);

	if (!number.known)
		return;
	begin(stream, family, source);
	put_device(stream, source, device);
	put_queue(stream, queue);
	end(stream, number.value, family->decimals);
}

/* The others are hundreds on a network card with many queues that its driver does not use, and there is nothing to be
 * told of them. */
static void put_queues(FILE *stream, const struct vqi_metric_family *family,
		       struct vqi_metric_source *source)
{
	for (size_t i = 0; i < source->snapshot->device_count; i++) {
		const struct vqi_device *device = &source->snapshot->devices[i];

		for (size_t j = 0; j < device->queue_count; j++) {
			const struct vqi_queue *queue = &device->queues[j];

			if (queue->state == VQI_QUEUE_DISABLED)
				continue;
			if (family->of_queue)
				put_number(stream, family, source, device, queue);
			else
				put_states(stream, family, source, device, queue);
		}
	}
}

const struct vqi_metric_family vqi_metric_families[] = {
	{"build_info", NULL, "The virtq-inspect that wrote this; always 1.",
	 .is_about_failed = true, .put = put_tool},
	{"up", NULL, "Whether the VM could be inspected.", .is_about_failed = true, .of_vm = up},
	{"exit_status", NULL,
	 "0 nothing is stuck, 1 an error was found, 3 not inspected, 4 gaps where an error could hide.",
	 .is_about_failed = true, .of_vm = exit_status},
	{"target_info", NULL, "What was inspected; always 1.", .put = put_target},
	{"vm_running", NULL, "Whether the VM is in the run state running.", .of_vm = running},
	{"inspection_timestamp_seconds", "seconds", "When the last look was, in Unix time.",
	 .decimals = 3, .of_vm = time_ms},
	{"inspection_duration_seconds", "seconds", "How long the inspection took.", .decimals = 6,
	 .of_vm = duration_us},
	{"inspection_interval_seconds", "seconds", "How far its two looks were apart.",
	 .decimals = 3, .of_vm = interval_ms},
	{"inspection_stopped_seconds", "seconds",
	 "How long threads of the VM were stopped for the inspection.", .decimals = 6,
	 .of_vm = stopped_us},
	{"gaps", NULL, "Things that could not be read, where a finding could hide.", .of_vm = gaps},
	{"findings", NULL, "Findings with this id, 0 where there is none.", .put = put_findings},
	{"finding_active", NULL, "A finding that there is; always 1.", .put = put_active},
	{"device_info", NULL, "A VirtIO device of the VM; always 1.", .put = put_device_info},
	{"queue_state", NULL, "1 for the state that the queue is in, 0 for the others.",
	 .put = put_queues},
	{"queue_size", NULL, "Entries of the ring.", .put = put_queues, .of_queue = ring_size},
	{"queue_outstanding", NULL, "Buffers that were published and not completed.",
	 .put = put_queues, .of_queue = vqi_queue_outstanding},
	{"queue_unseen", NULL, "Buffers that were published and that the device has not looked at.",
	 .put = put_queues, .of_queue = unseen},
	{"queue_in_flight", NULL, "Buffers that the device has taken and not completed.",
	 .put = put_queues, .of_queue = in_flight},
	{"queue_unreaped", NULL, "Buffers that were completed and not picked up by the driver.",
	 .put = put_queues, .of_queue = unreaped},
	{"queue_oldest_request_age_seconds", "seconds",
	 "Age of the oldest request in flight, or more than this, where requests were looked for.",
	 .decimals = 3, .put = put_queues, .of_queue = oldest_ms},
};
const size_t vqi_metric_family_count = sizeof(vqi_metric_families) / sizeof(vqi_metric_families[0]);

void vqi_metric_put(FILE *stream, const struct vqi_metric_family *family,
		    struct vqi_metric_source *source)
{
	struct vqi_num number;

	if (!source->snapshot && !family->is_about_failed)
		return;
	if (family->put) {
		family->put(stream, family, source);
		return;
	}
	number = family->of_vm(source);
	if (!number.known)
		return;
	begin(stream, family, source);
	end(stream, number.value, family->decimals);
}
