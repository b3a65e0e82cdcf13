/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rule table, in the order of the decision: the first rule of a scope that applies is the cause. */
#include "vqi/diagnose.h"

#include "predicates.h"

const struct vqi_rule vqi_rules[] = {
	{
		.id = "vm-paused",
		.scope = VQI_SCOPE_VM,
		.severity = VQI_ERROR,
		.title = "the VM is stopped, so that no queue moves",
		.next_step =
			"find out who or what stopped it, and mend that first; never continue a VM "
			"that was migrated away",
		.applies = vqi_is_vm_paused,
		.explain = vqi_explain_vm_paused,
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
		.applies = vqi_is_device_broken,
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
		.applies = vqi_is_ring_corrupt,
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
		.applies = vqi_is_inuse_leak,
		.explain = vqi_explain_inuse_leak,
	},
	{
		.id = "request-stuck-in-device",
		.scope = VQI_SCOPE_QUEUE,
		.severity = VQI_ERROR,
		.title = "the device took requests and has not completed them",
		.next_step =
			"the driver did its part: look at the device's back end, its throttling, "
			"and the storage or peer behind it",
		.applies = vqi_is_request_stuck,
		.explain = vqi_explain_request_stuck,
	},
	{
		.id = "kick-not-handled",
		.scope = VQI_SCOPE_QUEUE,
		.severity = VQI_ERROR,
		.title = "a kick is pending in the eventfd and nobody reads it",
		.next_step =
			"the driver did its part: find the thread that should serve the queue and "
			"what keeps it (a back trace of QEMU's threads)",
		.applies = vqi_is_kick_not_handled,
		.explain = vqi_explain_not_taken,
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
		.applies = vqi_is_device_not_notified,
		.explain = vqi_explain_not_taken,
	},
	{
		.id = "completion-not-seen",
		.scope = VQI_SCOPE_QUEUE,
		.severity = VQI_ERROR,
		.title = "the device completed requests, and the driver has not picked them up",
		.next_step =
			"the device did its part: look at the interrupt's way to the guest, and at "
			"whether the guest's CPUs run",
		.applies = vqi_is_completion_not_seen,
		.explain = vqi_explain_completion_not_seen,
	},
};

const size_t vqi_rule_count = sizeof(vqi_rules) / sizeof(vqi_rules[0]);
