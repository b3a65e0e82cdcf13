/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rule table, in the order of the decision: the first rule of a scope that applies is the cause. */
#include "vqi/diagnose.h"

#include "predicates.h"

const struct vqi_rule vqi_rules[] = {
	{
		.id = "guest-panicked",
		.scope = VQI_SCOPE_VM,
		.severity = VQI_ERROR,
		.title = "the guest reported a panic",
		.next_step =
			"look at the guest's console and take a dump of it; its devices wait for a "
			"driver that will not come back",
		.any = {vqi_is_in_panicked_state, vqi_has_panicked_vcpu},
		.explain = vqi_explain_guest_panicked,
	},
	{
		.id = "vm-paused",
		.scope = VQI_SCOPE_VM,
		.severity = VQI_ERROR,
		.title = "the VM is stopped, so that no queue moves",
		.next_step =
			"find out who or what stopped it, and mend that; then continue it with cont",
		.all = {vqi_is_vm_stopped, vqi_is_not_held_at_start},
		.explain = vqi_explain_vm_paused,
	},
	{
		.id = "event-loop-blocked",
		.scope = VQI_SCOPE_LOOP,
		.severity = VQI_ERROR,
		.title = "a thread that serves queues does not return to its poll",
		.next_step = "the evidence says where the thread is, and who holds what it waits "
			     "for; --stacks=all -v shows their back traces in full",
		.over_time = true,
		.wants_stacks = true,
		.all = {vqi_is_loop_in_use},
		.any = {vqi_is_loop_asleep_throughout, vqi_is_loop_away_from_work,
			vqi_is_loop_spinning, vqi_is_loop_asleep_on_work},
		.explain = vqi_explain_loop_blocked,
	},
	{
		.id = "device-broken",
		.scope = VQI_SCOPE_DEVICE,
		.severity = VQI_ERROR,
		.title =
			"QEMU has given the device up after an error of the driver, until it is reset",
		.next_step =
			"look for the virtio error on QEMU's standard error or in the VM's log: it "
			"names what the driver did wrong; the guest driver must reset the device",
		.all = {vqi_is_device_broken},
		.explain = vqi_explain_device_broken,
	},
	{
		.id = "ring-corrupt",
		.scope = VQI_SCOPE_QUEUE,
		.severity = VQI_ERROR,
		.title = "the ring in guest RAM breaks the VirtIO specification",
		.next_step =
			"suspect the guest driver, or whatever else wrote to this memory; keep a "
			"dump of the guest",
		.over_time = true,
		.all = {vqi_is_ring_faulty, vqi_is_consistent, vqi_is_bus_master,
			vqi_is_fault_lasting},
		.explain = vqi_explain_ring_corrupt,
	},
	{
		.id = "inuse-leak",
		.scope = VQI_SCOPE_QUEUE,
		.severity = VQI_ERROR,
		.title = "QEMU's count of the buffers in use does not agree with its indices",
		.next_step =
			"report it to QEMU with this output: the device model forgot to give a "
			"buffer back, or gave one back twice; the queue fails once inuse reaches "
			"its size",
		.over_time = true,
		.all = {vqi_is_inuse_off, vqi_is_consistent, vqi_is_bus_master,
			vqi_is_inuse_off_lasting},
		.explain = vqi_explain_inuse_leak,
	},
	{
		.id = "requests-left-behind",
		.scope = VQI_SCOPE_EXPORT,
		.severity = VQI_WARNING,
		.title =
			"the storage daemon still works on requests that no driver waits for any more",
		.next_step =
			"look at the back end, where they hang: until they are done the export "
			"takes no other client, and after a reset they are completed into the new "
			"driver's ring, which does not expect them",
		.all = {vqi_has_left_behind},
		.explain = vqi_explain_requests_left_behind,
	},
	{
		.id = "request-stuck-in-device",
		.scope = VQI_SCOPE_QUEUE,
		.severity = VQI_ERROR,
		.title = "the device took requests and has not completed them",
		.next_step =
			"the driver did its part: look at the device's back end, its throttling, "
			"and the storage or peer behind it",
		.over_time = true,
		.wants_stacks = true,
		.all = {vqi_held_still, vqi_is_awaited, vqi_is_in_flight},
		.explain = vqi_explain_request_stuck,
	},
	{
		.id = "kick-not-handled",
		.scope = VQI_SCOPE_QUEUE,
		.severity = VQI_ERROR,
		.title = "a kick is pending in the eventfd and nobody reads it",
		.next_step =
			"the driver did its part: the fault is in QEMU, in who registers the "
			"queue's handler (a drain that did not end, a device that did not start its "
			"ioeventfds) or in the event loop",
		.over_time = true,
		.all = {vqi_held_still, vqi_is_awaited, vqi_is_untaken, vqi_is_kick_pending},
		.explain = vqi_explain_kick_not_handled,
	},
	{
		.id = "notification-left-off",
		.scope = VQI_SCOPE_QUEUE,
		.severity = VQI_ERROR,
		.title =
			"the driver published buffers, and the device suppresses kicks without polling",
		.next_step =
			"the driver did its part: the fault is in QEMU, which switched the queue's "
			"notifications off, to poll it, and did not switch them on again",
		.over_time = true,
		.all = {vqi_held_still, vqi_is_awaited, vqi_is_untaken, vqi_is_no_kick_pending,
			vqi_is_notification_off, vqi_is_not_polled},
		.explain = vqi_explain_notification_left_off,
	},
	{
		.id = "device-not-notified",
		.scope = VQI_SCOPE_QUEUE,
		.severity = VQI_ERROR,
		.title =
			"the driver published buffers, the device has not taken them, and no kick is "
			"pending",
		.next_step =
			"where a kick was due, it was lost or never sent: look at the guest driver "
			"and the notification's way; where none was due, the device must look by "
			"itself",
		.over_time = true,
		.all = {vqi_held_still, vqi_is_awaited, vqi_is_untaken, vqi_is_no_kick_pending},
		.explain = vqi_explain_device_not_notified,
	},
	{
		.id = "interrupt-masked",
		.scope = VQI_SCOPE_QUEUE,
		.severity = VQI_ERROR,
		.title =
			"the device completed requests, and its interrupt is masked or has no vector",
		.next_step =
			"the device did its part: the guest masked the vector, or never gave one; "
			"look at the guest's interrupt set-up and at what masked it last",
		.over_time = true,
		.all = {vqi_held_still, vqi_is_reaped_by_interrupt, vqi_is_unreaped},
		.any = {vqi_is_function_masked, vqi_is_vector_masked, vqi_is_without_vector,
			vqi_is_pin_disabled},
		.explain = vqi_explain_interrupt_masked,
	},
	{
		.id = "interrupt-suppressed",
		.scope = VQI_SCOPE_QUEUE,
		.severity = VQI_ERROR,
		.title = "the device completed requests and, wrongly, did not interrupt the driver",
		.next_step =
			"the driver asked for an interrupt at this index: the fault is in QEMU's "
			"decision on it, or in what should have made it",
		.over_time = true,
		.all = {vqi_held_still, vqi_is_reaped_by_interrupt, vqi_is_unreaped,
			vqi_is_run_by_qemu},
		.any = {vqi_is_interrupt_undecided, vqi_is_interrupt_never_sent},
		.explain = vqi_explain_interrupt_suppressed,
	},
	{
		.id = "completion-not-seen",
		.scope = VQI_SCOPE_QUEUE,
		.severity = VQI_ERROR,
		.title = "the device completed requests, and the driver has not picked them up",
		.next_step =
			"the device did its part: look at the interrupt's way to the guest, and at "
			"whether its CPUs run or its kernel has crashed (see its console)",
		.over_time = true,
		.all = {vqi_held_still, vqi_is_reaped_by_interrupt, vqi_is_unreaped},
		.explain = vqi_explain_completion_not_seen,
	},
	{
		.id = "rx-starved",
		.scope = VQI_SCOPE_QUEUE,
		.severity = VQI_WARNING,
		.title = "the driver has posted no buffers to receive into",
		.next_step =
			"look at the guest: its driver is short of memory, has stopped, or its "
			"interface is down",
		.over_time = true,
		.all = {vqi_held_still, vqi_is_network_receive, vqi_is_without_buffers},
		.any = {vqi_has_waiting_packets, vqi_had_buffers},
		.explain = vqi_explain_rx_starved,
	},
};

const size_t vqi_rule_count = sizeof(vqi_rules) / sizeof(vqi_rules[0]);

bool vqi_rule_applies(const struct vqi_rule *rule, const struct vqi_subject *subject)
{
	bool any = !rule->any[0];

	for (size_t i = 0; i < VQI_RULE_TERMS && rule->all[i]; i++) {
		if (!rule->all[i](subject))
			return false;
	}
	for (size_t i = 0; i < VQI_RULE_TERMS && rule->any[i] && !any; i++)
		any = rule->any[i](subject);
	return any;
}
