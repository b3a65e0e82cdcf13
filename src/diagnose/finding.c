/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "finding.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static struct vqi_error *no_memory(void)
{
	return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
}

struct vqi_error *vqi_finding_summarise(struct vqi_finding *finding, const char *format, ...)
{
	va_list args;
	int len;

	va_start(args, format);
	len = vasprintf(&finding->summary, format, args);
	va_end(args);
	if (len >= 0)
		return NULL;
	finding->summary = NULL;
	return no_memory();
}

struct vqi_error *vqi_finding_add_fact(struct vqi_finding *finding, const char *format, ...)
{
	char **grown = reallocarray(finding->evidence, finding->evidence_count + 1, sizeof(*grown));
	va_list args;
	int len;

	if (!grown)
		return no_memory();
	finding->evidence = grown;
	va_start(args, format);
	len = vasprintf(&grown[finding->evidence_count], format, args);
	va_end(args);
	if (len < 0)
		return no_memory();
	finding->evidence_count++;
	return NULL;
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
	free(finding->known_fixes);
}
