/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vqi/openmetrics.h"

#include <stdlib.h>
#include <string.h>

#include "metrics.h"
#include "output.h"
#include "printable.h"

#define END "# EOF\n"

static struct vqi_error *out_of_memory(void)
{
	return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
}

/* # UNIT and # EOF are comments where only the older format is known. */
static void put_head(FILE *stream, const struct vqi_metric_family *family)
{
	fprintf(stream, "# HELP " VQI_METRIC_PREFIX "%s %s\n", family->name, family->help);
	fprintf(stream, "# TYPE " VQI_METRIC_PREFIX "%s gauge\n", family->name);
	if (family->unit)
		fprintf(stream, "# UNIT " VQI_METRIC_PREFIX "%s %s\n", family->name, family->unit);
}

/* Ends a text that was made in memory, and writes it. */
static struct vqi_error *finish(FILE *stream, FILE *memory, char *const *text, const size_t *len,
				bool failed)
{
	fputs(END, memory);
	failed |= ferror(memory) != 0;
	if (fclose(memory) != 0 || failed)
		return out_of_memory();
	return vqi_output_write(stream, *text, *len);
}

static struct vqi_error *write_source(FILE *stream, struct vqi_metric_source *source)
{
	vqi_cleanup_free char *text = NULL;
	size_t len = 0;
	FILE *memory = open_memstream(&text, &len);

	if (!memory)
		return out_of_memory();
	for (size_t i = 0; i < vqi_metric_family_count; i++) {
		put_head(memory, &vqi_metric_families[i]);
		vqi_metric_put(memory, &vqi_metric_families[i], source);
	}
	return finish(stream, memory, &text, &len, source->failed);
}

static char *vm_label(pid_t pid, const char *vm_name)
{
	char number[16];

	snprintf(number, sizeof(number), "%d", (int)pid);
	return vqi_printable_label(vm_name ? vm_name : number);
}

/* A storage daemon has no name, but exports that are called as somebody meant it. */
static char *target_label(const struct vqi_snapshot *snapshot)
{
	const struct vqi_target *target = &snapshot->target;
	vqi_cleanup_free char *name = NULL;

	if (!snapshot->device_count || !snapshot->devices[0].is_export)
		return vm_label(target->pid, target->vm_name);
	if (asprintf(&name, "storage-daemon/%s", vqi_device_label(&snapshot->devices[0])) < 0) {
		name = NULL;
		return NULL;
	}
	return vqi_printable_label(name);
}

static struct vqi_error *name_devices(const struct vqi_snapshot *snapshot,
				      struct vqi_metric_names *names)
{
	for (size_t i = 0; i < snapshot->device_count; i++) {
		const char *label = vqi_device_label(&snapshot->devices[i]);
		vqi_cleanup_free char *value = vqi_printable_label(label ? label : "");

		if (!value || !vqi_metric_names_add(names, value))
			return out_of_memory();
	}
	return NULL;
}

struct vqi_error *vqi_openmetrics_write(FILE *stream, const struct vqi_snapshot *snapshot,
					const struct vqi_diagnosis *diagnosis)
{
	vqi_cleanup_free char *vm = target_label(snapshot);
	struct vqi_metric_source source = {.snapshot = snapshot, .diagnosis = diagnosis, .vm = vm};
	struct vqi_error *error;

	if (!vm)
		return out_of_memory();
	error = name_devices(snapshot, &source.devices);
	if (!error)
		error = write_source(stream, &source);
	vqi_metric_names_done(&source.devices);
	return error;
}

struct vqi_error *vqi_openmetrics_write_failed(FILE *stream, pid_t pid, const char *vm_name)
{
	vqi_cleanup_free char *vm = vm_label(pid, vm_name);
	struct vqi_metric_source source = {.vm = vm};

	return vm ? write_source(stream, &source) : out_of_memory();
}

/* ---- several ---- */

#define VM_LABEL "{vm=\""

/* The text of one target, read from front to back: the families are in the same order in each. */
struct part {
	const char *at;	 /* the next line */
	const char *own; /* its vm, as it is written in it */
	size_t own_len;
	const char *name; /* its vm, as no other has it */
};

/* The end of a label's value; what is escaped in it is not. */
static size_t value_length(const char *value)
{
	size_t len = 0;

	while (value[len] && value[len] != '"')
		len += value[len] == '\\' && value[len + 1] ? 2 : 1;
	return len;
}

static bool is_whole(const char *text)
{
	size_t len = strlen(text);

	return len >= strlen(END) && strcmp(text + len - strlen(END), END) == 0;
}

static struct vqi_error *name_part(struct part *part, struct vqi_metric_names *names)
{
	const char *label = strstr(part->at, VM_LABEL);
	vqi_cleanup_free char *own = NULL;

	if (!label || !is_whole(part->at))
		return vqi_error_new(VQI_ERROR_BAD_DATA, "a target's numbers are not complete");
	part->own = label + strlen(VM_LABEL);
	part->own_len = value_length(part->own);
	own = strndup(part->own, part->own_len);
	part->name = own ? vqi_metric_names_add(names, own) : NULL;
	return part->name ? NULL : out_of_memory();
}

/* How long the start of a sample of this family is that ends where the value of vm begins; 0: the line is something else. */
static size_t sample_start(const char *line, const struct vqi_metric_family *family)
{
	size_t prefix = strlen(VQI_METRIC_PREFIX), name = strlen(family->name);

	if (strncmp(line, VQI_METRIC_PREFIX, prefix) != 0 ||
	    strncmp(line + prefix, family->name, name) != 0 ||
	    strncmp(line + prefix + name, VM_LABEL, strlen(VM_LABEL)) != 0)
		return 0;
	return prefix + name + strlen(VM_LABEL);
}

static const char *next_line(const char *line)
{
	const char *end = strchrnul(line, '\n');

	return *end ? end + 1 : end;
}

/* Writes what a part has of a family. What comes before that is the heads of this family and of those that have no sample,
 * and the sample of the tool. */
static void put_part(FILE *stream, const struct vqi_metric_family *family, struct part *part)
{
	const char *line = part->at;
	size_t start = 0;

	while (*line && !(start = sample_start(line, family)))
		line = next_line(line);
	for (; start; start = sample_start(line, family)) {
		const char *rest = line + start + part->own_len, *next = next_line(line);

		fprintf(stream, "%.*s%s", (int)start, line, part->name);
		fwrite(rest, 1, (size_t)(next - rest), stream);
		line = next;
		part->at = line;
	}
}

static struct vqi_error *merge(FILE *stream, struct part *parts, size_t count)
{
	vqi_cleanup_free char *text = NULL;
	size_t len = 0;
	FILE *memory = open_memstream(&text, &len);

	if (!memory)
		return out_of_memory();
	for (size_t i = 0; i < vqi_metric_family_count; i++) {
		put_head(memory, &vqi_metric_families[i]);
		if (i == 0)
			vqi_metric_put_tool(memory);
		for (size_t j = 0; j < count && i > 0; j++)
			put_part(memory, &vqi_metric_families[i], &parts[j]);
	}
	return finish(stream, memory, &text, &len, false);
}

struct vqi_error *vqi_openmetrics_merge(FILE *stream, const char *const *texts, size_t count)
{
	vqi_cleanup_free struct part *parts = calloc(count + 1, sizeof(*parts));
	vqi_cleanup(vqi_metric_names_done) struct vqi_metric_names names = {0};
	struct vqi_error *error = NULL;

	if (!parts)
		return out_of_memory();
	for (size_t i = 0; i < count && !error; i++) {
		parts[i].at = texts[i];
		error = name_part(&parts[i], &names);
	}
	return error ? error : merge(stream, parts, count);
}
