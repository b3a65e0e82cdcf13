/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "finding.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static struct vqi_error *no_memory(void)
{
	return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
}

__attribute__((format(printf, 2, 0))) static struct vqi_error *
write_text(char **ret_text, const char *format, va_list args)
{
	if (vasprintf(ret_text, format, args) >= 0)
		return NULL;
	*ret_text = NULL;
	return no_memory();
}

struct vqi_error *vqi_finding_summarise(struct vqi_finding *finding, const char *format, ...)
{
	struct vqi_error *error;
	va_list args;

	va_start(args, format);
	error = write_text(&finding->summary, format, args);
	va_end(args);
	return error;
}

struct vqi_error *vqi_finding_advise(struct vqi_finding *finding, const char *format, ...)
{
	struct vqi_error *error;
	va_list args;

	va_start(args, format);
	error = write_text(&finding->next_step, format, args);
	va_end(args);
	return error;
}

struct vqi_error *vqi_finding_add_fact(struct vqi_finding *finding, const char *format, ...)
{
	char **grown = reallocarray(finding->evidence, finding->evidence_count + 1, sizeof(*grown));
	struct vqi_error *error;
	va_list args;

	if (!grown)
		return no_memory();
	finding->evidence = grown;
	va_start(args, format);
	error = write_text(&grown[finding->evidence_count], format, args);
	va_end(args);
	finding->evidence_count += !error;
	return error;
}

void vqi_finding_doubt(struct vqi_finding *finding)
{
	finding->confidence = VQI_CANDIDATE;
	if (finding->severity > VQI_WARNING)
		finding->severity = VQI_WARNING;
}

void vqi_finding_done(struct vqi_finding *finding)
{
	free(finding->summary);
	for (size_t i = 0; i < finding->evidence_count; i++)
		free(finding->evidence[i]);
	free(finding->evidence);
	free(finding->next_step);
	free(finding->known_fixes);
}
