/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "json.h"

#include <errno.h>
#include <json-c/json.h>
#include <json-c/printbuf.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "output.h"
#include "printable.h"
#include "vqi/cleanup.h"
#include "words.h"

#define SCHEMA "virtq-inspect/1"

void vqi_json_tool(struct vqi_json *json, struct json_object *document)
{
	struct json_object *tool = vqi_json_object(json, document, "tool");

	vqi_json_string(json, tool, "version", VQI_VERSION);
}

static void put_held(struct vqi_json *json, struct json_object *into, const struct vqi_held *held)
{
	struct json_object *object;

	if (held->by == VQI_HELD_NOT) {
		vqi_json_null(json, into, "held");
		return;
	}
	object = vqi_json_object(json, into, "held");
	vqi_json_string(json, object, "by", vqi_held_word(held->by));
	vqi_json_num(json, object, "pid", held->tracer ? VQI_NUM(held->tracer) : VQI_UNKNOWN);
}

void vqi_json_target(struct vqi_json *json, struct json_object *document,
		     const struct vqi_target *target)
{
	struct json_object *object = vqi_json_object(json, document, "target");

	vqi_json_uint(json, object, "pid", (uint64_t)target->pid);
	vqi_json_string(json, object, "core", target->core);
	vqi_json_string(json, object, "exe", target->exe);
	vqi_json_string(json, object, "build_id", target->build_id);
	vqi_json_string(json, object, "kind", vqi_target_kind_word(target->kind));
	vqi_json_string(json, object, "qemu_version", target->qemu_version);
	vqi_json_string(json, object, "vm_name", target->vm_name);
	vqi_json_string(json, object, "arch", target->arch);
	vqi_json_string(json, object, "run_state", target->run_state);
	put_held(json, object, &target->held);
	vqi_json_num(json, object, "bql_owner", target->bql_owner);
	vqi_json_string(json, object, "layout_source", target->layout_source);
}

/* Null for a time that has no calendar date. */
void vqi_json_time(struct vqi_json *json, struct json_object *into, const char *name,
		   const struct timespec *time)
{
	char text[VQI_TIME_WORDS];

	if (vqi_time_words(time, text))
		vqi_json_string(json, into, name, text);
	else
		vqi_json_null(json, into, name);
}

static void put_capture(struct vqi_json *json, struct json_object *document,
			const struct vqi_capture *capture)
{
	struct json_object *object = vqi_json_object(json, document, "capture");

	vqi_json_time(json, object, "time", &capture->time);
	vqi_json_uint(json, object, "looks", capture->looks);
	vqi_json_uint(json, object, "interval_ms", capture->interval_ms);
	vqi_json_uint(json, object, "duration_us", capture->duration_us);
	vqi_json_uint(json, object, "stopped_us", capture->stopped_us);
	vqi_json_uint(json, object, "stopped_threads", capture->stopped_threads);
	vqi_json_bool(json, object, "consistent", capture->consistent);
}

/* The words of a text, each a release. */
static void put_releases(struct vqi_json *json, struct json_object *into, const char *releases)
{
	struct json_object *list = vqi_json_list(json, into, "fixed");
	char release[32];

	while (sscanf(releases, "%31s", release) == 1) {
		vqi_json_string(json, list, NULL, release);
		releases = strchr(releases, ' ');
		if (!releases)
			break;
		releases++;
	}
}

static void put_known_fixes(struct vqi_json *json, struct json_object *into,
			    const struct vqi_finding *finding)
{
	struct json_object *list = vqi_json_list(json, into, "known_fixes");

	for (size_t i = 0; i < finding->known_fix_count; i++) {
		struct json_object *object = vqi_json_object(json, list, NULL);
		const struct vqi_known_fix *fix = finding->known_fixes[i];

		vqi_json_string(json, object, "commit", fix->commit);
		vqi_json_string(json, object, "subject", fix->subject);
		put_releases(json, object, fix->fixed);
		vqi_json_string(json, object, "condition", fix->condition);
	}
}

void vqi_json_finding(struct vqi_json *json, struct json_object *list,
		      const struct vqi_finding *finding)
{
	struct json_object *object = vqi_json_object(json, list, NULL);
	struct json_object *evidence;

	vqi_json_string(json, object, "id", finding->rule->id);
	vqi_json_string(json, object, "severity", vqi_severity_word(finding->severity));
	vqi_json_string(json, object, "confidence", vqi_confidence_word(finding->confidence));
	vqi_json_string(json, object, "device",
			finding->device ? vqi_device_label(finding->device) : NULL);
	vqi_json_num(json, object, "queue",
		     finding->queue ? VQI_NUM(finding->queue->index) : VQI_UNKNOWN);
	vqi_json_string(json, object, "summary", finding->summary ? finding->summary : "");
	evidence = vqi_json_list(json, object, "evidence");
	for (size_t i = 0; i < finding->evidence_count; i++)
		vqi_json_string(json, evidence, NULL, finding->evidence[i]);
	vqi_json_string(json, object, "next_step", vqi_finding_next_step(finding));
	put_known_fixes(json, object, finding);
}

void vqi_json_findings(struct vqi_json *json, struct json_object *into,
		       const struct vqi_diagnosis *diagnosis, const struct vqi_queue *queue)
{
	struct json_object *list = vqi_json_list(json, into, "findings");

	for (size_t i = 0; i < diagnosis->finding_count; i++)
		if (!queue || diagnosis->findings[i].queue == queue)
			vqi_json_finding(json, list, &diagnosis->findings[i]);
}

static void put_unplugged(struct vqi_json *json, struct json_object *document,
			  const struct vqi_snapshot *snapshot)
{
	struct json_object *list = vqi_json_list(json, document, "unplugged");

	for (size_t i = 0; i < snapshot->unplugged_count; i++)
		vqi_json_string(json, list, NULL, snapshot->unplugged[i]);
}

void vqi_json_gap(struct vqi_json *json, struct json_object *list, const struct vqi_gap *gap)
{
	struct json_object *object = vqi_json_object(json, list, NULL);

	vqi_json_string(json, object, "device", gap->device);
	vqi_json_num(json, object, "queue", gap->queue);
	vqi_json_string(json, object, "what", gap->what ? gap->what : "");
	vqi_json_string(json, object, "why", gap->why ? gap->why : "");
}

static void put_gaps(struct vqi_json *json, struct json_object *document,
		     const struct vqi_snapshot *snapshot)
{
	struct json_object *list = vqi_json_list(json, document, "gaps");

	for (size_t i = 0; i < snapshot->gap_count; i++)
		vqi_json_gap(json, list, &snapshot->gaps[i]);
}

/* What json-c is to print a device from. */
struct device_source {
	const struct vqi_snapshot *snapshot;
	const struct vqi_device *device;
	const struct vqi_diagnosis *diagnosis;
};

/* Makes a device's part of the document when it is printed, and drops it: the whole would take a
 * hundred times the memory of what it describes. Returns a negative number without memory. */
static int print_device(struct json_object *object, struct printbuf *out, int level, int flags)
{
	const struct device_source *source = json_object_get_userdata(object);
	const char *text = NULL;
	struct vqi_json json;
	size_t len = 0;

	(void)level; /* the document is one line */
	vqi_json_init(&json);
	vqi_json_device(&json, json.root, source->snapshot, source->device, source->diagnosis);
	if (!json.failed)
		text = json_object_to_json_string_length(json.root, flags, &len);
	if (!text || len > INT_MAX || printbuf_memappend(out, text, (int)len) < 0)
		text = NULL;
	vqi_json_done(&json);
	return text ? 0 : -1;
}

static void put_devices(struct vqi_json *json, struct json_object *document,
			struct device_source *sources, size_t count)
{
	struct json_object *devices = vqi_json_list(json, document, "devices");

	for (size_t i = 0; i < count; i++) {
		struct json_object *device = vqi_json_object(json, devices, NULL);

		if (device)
			json_object_set_serializer(device, print_device, &sources[i], NULL);
	}
}

static void put_document(struct vqi_json *json, const struct vqi_snapshot *snapshot,
			 const struct vqi_diagnosis *diagnosis, struct device_source *sources)
{
	struct json_object *document = json->root;

	vqi_json_string(json, document, "schema", SCHEMA);
	vqi_json_tool(json, document);
	vqi_json_target(json, document, &snapshot->target);
	put_capture(json, document, &snapshot->capture);
	for (size_t i = 0; i < snapshot->device_count; i++)
		sources[i] = (struct device_source){snapshot, &snapshot->devices[i], diagnosis};
	put_devices(json, document, sources, snapshot->device_count);
	vqi_json_host(json, document, snapshot);
	vqi_json_findings(json, document, diagnosis, NULL);
	put_unplugged(json, document, snapshot);
	put_gaps(json, document, snapshot);
	vqi_json_uint(json, document, "exit_status", diagnosis->exit_status);
}

struct vqi_error *vqi_json_write(struct vqi_json *json, FILE *stream)
{
	const char *text = NULL;

	if (!json->failed)
		text = json_object_to_json_string_ext(
			json->root, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
	if (!text)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	errno = 0;
	vqi_printable_json_write(stream, text);
	fputc('\n', stream);
	return vqi_output_flush(stream);
}

struct vqi_error *vqi_report_json(FILE *stream, const struct vqi_snapshot *snapshot,
				  const struct vqi_diagnosis *diagnosis)
{
	vqi_cleanup_free struct device_source *sources =
		calloc(snapshot->device_count + 1, sizeof(*sources));
	struct vqi_json json;
	struct vqi_error *error;

	if (!sources)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	vqi_json_init(&json);
	put_document(&json, snapshot, diagnosis, sources);
	error = vqi_json_write(&json, stream);
	vqi_json_done(&json);
	return error;
}
