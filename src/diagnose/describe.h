/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines of evidence that several rules give. Each Errors: NOMEM. */
#ifndef VQI_DIAGNOSE_DESCRIBE_H
#define VQI_DIAGNOSE_DESCRIBE_H

#include "vqi/diagnose.h"

/* "s" unless count is 1. */
const char *vqi_plural(uint64_t count);

/* An age as it is said: 9999 ms, 10 s. */
uint64_t vqi_age_number(uint64_t ms);
const char *vqi_age_unit(uint64_t ms);

/* What a node is called; "-" where it has no name. */
const char *vqi_node_name(const struct vqi_block_node *node);

/* QEMU's indices of a queue, and those in guest RAM. */
struct vqi_error *vqi_finding_add_indices(const struct vqi_queue *queue,
					  struct vqi_finding *finding) vqi_must_check;

/* That no index moved, and for how long; nothing where one did. */
struct vqi_error *vqi_finding_add_interval(const struct vqi_subject *subject,
					   struct vqi_finding *finding) vqi_must_check;

/* What a thread does, then the thread that holds the mutex it waits for, and so on. */
struct vqi_error *vqi_finding_add_thread(const struct vqi_snapshot *snapshot, struct vqi_num tid,
					 struct vqi_finding *finding) vqi_must_check;

/* In which functions these threads are, as far as their back traces are known. */
struct vqi_error *vqi_finding_add_stacks(const struct vqi_snapshot *snapshot, struct vqi_num tid,
					 struct vqi_finding *finding) vqi_must_check;

/* Who serves the subject's queue, its thread, and whether that has the queue's handler. */
struct vqi_error *vqi_finding_add_service(const struct vqi_subject *subject,
					  struct vqi_finding *finding) vqi_must_check;

/* A node of the block layer, what it has in flight, and what holds that back. */
struct vqi_error *vqi_finding_add_node(const struct vqi_block_node *node,
				       struct vqi_finding *finding) vqi_must_check;

/* A back end: what it is, and where its requests are. */
struct vqi_error *vqi_finding_add_backend(const struct vqi_backend *backend,
					  struct vqi_finding *finding) vqi_must_check;

#endif
