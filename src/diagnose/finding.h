/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VQI_DIAGNOSE_FINDING_H
#define VQI_DIAGNOSE_FINDING_H

#include "vqi/diagnose.h"

/* Sets the summary. Errors: NOMEM. */
struct vqi_error *vqi_finding_summarise(struct vqi_finding *finding, const char *format, ...)
	__attribute__((format(printf, 2, 3))) vqi_must_check;

/* Sets what the reader should do now, where the rule's own advice is too general. Errors: NOMEM. */
struct vqi_error *vqi_finding_advise(struct vqi_finding *finding, const char *format, ...)
	__attribute__((format(printf, 2, 3))) vqi_must_check;

/* Adds a line of evidence. Errors: NOMEM. */
struct vqi_error *vqi_finding_add_fact(struct vqi_finding *finding, const char *format, ...)
	__attribute__((format(printf, 2, 3))) vqi_must_check;

/* Adds the fixes that this QEMU may lack. Errors: NOMEM. */
struct vqi_error *vqi_finding_add_known_fixes(const struct vqi_subject *subject,
					      struct vqi_finding *finding) vqi_must_check;

/* Makes a finding a candidate, which is at most a warning. */
void vqi_finding_doubt(struct vqi_finding *finding);

/* Frees what a finding owns. */
void vqi_finding_done(struct vqi_finding *finding);

#endif
