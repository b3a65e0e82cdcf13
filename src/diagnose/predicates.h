/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The predicates and explanations that the rule table names. */
#ifndef VQI_DIAGNOSE_PREDICATES_H
#define VQI_DIAGNOSE_PREDICATES_H

#include "vqi/diagnose.h"

/* The VM and devices: src/diagnose/vm_rules.c */
bool vqi_is_vm_paused(const struct vqi_subject *subject);
bool vqi_is_device_broken(const struct vqi_subject *subject);

struct vqi_error *vqi_explain_vm_paused(const struct vqi_subject *subject,
					struct vqi_finding *finding);
struct vqi_error *vqi_explain_device_broken(const struct vqi_subject *subject,
					    struct vqi_finding *finding);

/* Queues: src/diagnose/queue_rules.c */
bool vqi_is_ring_corrupt(const struct vqi_subject *subject);
bool vqi_is_inuse_leak(const struct vqi_subject *subject);
bool vqi_is_request_stuck(const struct vqi_subject *subject);
bool vqi_is_kick_not_handled(const struct vqi_subject *subject);
bool vqi_is_device_not_notified(const struct vqi_subject *subject);
bool vqi_is_completion_not_seen(const struct vqi_subject *subject);

struct vqi_error *vqi_explain_ring_corrupt(const struct vqi_subject *subject,
					   struct vqi_finding *finding);
struct vqi_error *vqi_explain_inuse_leak(const struct vqi_subject *subject,
					 struct vqi_finding *finding);
struct vqi_error *vqi_explain_request_stuck(const struct vqi_subject *subject,
					    struct vqi_finding *finding);
struct vqi_error *vqi_explain_not_taken(const struct vqi_subject *subject,
					struct vqi_finding *finding);
struct vqi_error *vqi_explain_completion_not_seen(const struct vqi_subject *subject,
						  struct vqi_finding *finding);

/* One line on a ring's faults, for two rules. Errors: NOMEM. */
struct vqi_error *vqi_add_ring_facts(const struct vqi_queue *queue, struct vqi_finding *finding);

/* Whether the VM runs, as far as it is known. */
bool vqi_vm_is_running(const struct vqi_snapshot *snapshot);

#endif
