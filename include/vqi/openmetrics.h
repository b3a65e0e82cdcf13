/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers for a monitoring system: text that is valid OpenMetrics 1.0 and, as all families are gauges, valid in the older
 * text format of Prometheus (0.0.4) too, which is all that node_exporter's textfile collector reads. Pure. */
#ifndef VQI_OPENMETRICS_H
#define VQI_OPENMETRICS_H

#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

#include "vqi/diagnose.h"
#include "vqi/error.h"
#include "vqi/snapshot.h"

/* Of one target. Errors: SYS when stream cannot be written, NOMEM. */
struct vqi_error *vqi_openmetrics_write(FILE *stream, const struct vqi_snapshot *snapshot,
					const struct vqi_diagnosis *diagnosis) vqi_must_check;

/* Of one that could not be inspected; vm_name may be NULL. Errors: as above. */
struct vqi_error *vqi_openmetrics_write_failed(FILE *stream, pid_t pid,
					       const char *vm_name) vqi_must_check;

/* One text of those of several targets, each written by one of the above: a family may be there once only. Where two VMs
 * have one name, the later one gets "#2" behind it. None of them is right, too.
 * Errors: as above; BAD_DATA for a text that is not whole. */
struct vqi_error *vqi_openmetrics_merge(FILE *stream, const char *const *texts,
					size_t count) vqi_must_check;

#endif
