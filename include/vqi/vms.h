/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Many VMs, a line each. Pure, as the other reports. */
#ifndef VQI_VMS_H
#define VQI_VMS_H

#include "vqi/limits.h"
#include "vqi/report.h"

/* What the table says of a VM. Plain bytes, so that it can be handed from one process to another; what is too long is cut. */
struct vqi_vm_line {
	pid_t pid;
	char name[VQI_MAX_NAME];
	char version[VQI_MAX_NAME]; /* "": unknown; so the next */
	char state[VQI_MAX_NAME];
	bool is_daemon; /* a storage daemon, and no VM */
	bool is_running;
	size_t devices, queues;
	size_t findings;
	enum vqi_severity severity; /* of the worst */
	bool has_gaps;
	char what[VQI_MAX_NAME]; /* the worst finding, or what is to be said without one */
};

void vqi_vm_line_fill(const struct vqi_snapshot *snapshot, const struct vqi_diagnosis *diagnosis,
		      struct vqi_vm_line *ret_line);

/* A sentence about all, then the table. failed: how many more could not be inspected. Errors: SYS, NOMEM. */
struct vqi_error *vqi_report_vms(FILE *stream, const struct vqi_vm_line *lines, size_t count,
				 size_t failed,
				 const struct vqi_report_options *options) vqi_must_check;

#endif
