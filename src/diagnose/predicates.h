/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The terms and explanations that the rule table names. */
#ifndef VQI_DIAGNOSE_PREDICATES_H
#define VQI_DIAGNOSE_PREDICATES_H

#include "vqi/diagnose.h"

#define VQI_DECLARE_TERM(name) bool vqi_##name(const struct vqi_subject *subject)
#define VQI_DECLARE_EXPLANATION(name)                                                              \
	struct vqi_error *vqi_explain_##name(const struct vqi_subject *subject,                    \
					     struct vqi_finding *finding) vqi_must_check

/* The VM: src/diagnose/vm_rules.c */
VQI_DECLARE_TERM(is_in_panicked_state);
VQI_DECLARE_TERM(has_panicked_vcpu);
VQI_DECLARE_TERM(is_vm_stopped);
VQI_DECLARE_TERM(is_not_held_at_start);
VQI_DECLARE_EXPLANATION(guest_panicked);
VQI_DECLARE_EXPLANATION(vm_paused);

/* Event loops: src/diagnose/loop_rules.c */
VQI_DECLARE_TERM(is_loop_in_use);
VQI_DECLARE_TERM(is_loop_asleep_throughout);
VQI_DECLARE_TERM(is_loop_away_from_work);
VQI_DECLARE_TERM(is_loop_spinning);
VQI_DECLARE_TERM(is_loop_asleep_on_work);
VQI_DECLARE_EXPLANATION(loop_blocked);

/* Devices and rings: src/diagnose/ring_rules.c */
VQI_DECLARE_TERM(is_device_broken);
VQI_DECLARE_TERM(is_ring_faulty);
VQI_DECLARE_TERM(is_fault_lasting);
VQI_DECLARE_TERM(is_consistent);
VQI_DECLARE_TERM(is_inuse_off);
VQI_DECLARE_TERM(is_inuse_off_lasting);
VQI_DECLARE_TERM(is_bus_master);
VQI_DECLARE_EXPLANATION(device_broken);
VQI_DECLARE_EXPLANATION(ring_corrupt);
VQI_DECLARE_EXPLANATION(inuse_leak);
VQI_DECLARE_TERM(has_left_behind);
VQI_DECLARE_EXPLANATION(requests_left_behind);

/* Requests in the device: src/diagnose/request_rules.c */
VQI_DECLARE_TERM(held_still);
VQI_DECLARE_TERM(is_awaited);
VQI_DECLARE_TERM(is_in_flight);
VQI_DECLARE_EXPLANATION(request_stuck);

/* Buffers that the device has not taken: src/diagnose/kick_rules.c */
VQI_DECLARE_TERM(is_untaken);
VQI_DECLARE_TERM(is_kick_pending);
VQI_DECLARE_TERM(is_no_kick_pending);
VQI_DECLARE_TERM(is_notification_off);
VQI_DECLARE_TERM(is_not_polled);
VQI_DECLARE_EXPLANATION(kick_not_handled);
VQI_DECLARE_EXPLANATION(notification_left_off);
VQI_DECLARE_EXPLANATION(device_not_notified);

/* Completions that the driver has not picked up, and queues without buffers:
 * src/diagnose/completion_rules.c */
VQI_DECLARE_TERM(is_reaped_by_interrupt);
VQI_DECLARE_TERM(is_unreaped);
VQI_DECLARE_TERM(is_function_masked);
VQI_DECLARE_TERM(is_vector_masked);
VQI_DECLARE_TERM(is_without_vector);
VQI_DECLARE_TERM(is_pin_disabled);
VQI_DECLARE_TERM(is_run_by_qemu);
VQI_DECLARE_TERM(is_interrupt_undecided);
VQI_DECLARE_TERM(is_interrupt_never_sent);
VQI_DECLARE_EXPLANATION(interrupt_masked);
VQI_DECLARE_EXPLANATION(interrupt_suppressed);
VQI_DECLARE_EXPLANATION(completion_not_seen);

VQI_DECLARE_TERM(is_network_receive);
VQI_DECLARE_TERM(is_without_buffers);
VQI_DECLARE_TERM(has_waiting_packets);
VQI_DECLARE_TERM(had_buffers);
VQI_DECLARE_EXPLANATION(rx_starved);

#endif
