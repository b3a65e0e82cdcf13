/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules about the VM as a whole and about whole devices. */
#include <inttypes.h>
#include <string.h>

#include "vqi/virtio.h"

#include "finding.h"
#include "predicates.h"

bool vqi_vm_is_running(const struct vqi_snapshot *snapshot)
{
	if (snapshot->target.run_state)
		return strcmp(snapshot->target.run_state, "running") == 0;
	for (size_t i = 0; i < snapshot->device_count; i++) {
		if (vqi_num_is(snapshot->devices[i].vm_running, 0))
			return false;
	}
	return true;
}

bool vqi_is_vm_paused(const struct vqi_subject *subject)
{
	return !vqi_vm_is_running(subject->snapshot);
}

/* What QEMU itself stops the VM for; all other states somebody asked for. Source: qapi/run-state.json,
 * RunState. */
static const struct {
	const char *run_state;
	const char *reason;
} faults[] = {
	{"io-error", "a disk failed and its policy (werror, rerror) is to stop"},
	{"internal-error", "the virtual CPU failed"},
	{"guest-panicked", "the guest panicked"},
	{"watchdog", "the watchdog fired"},
};

struct vqi_error *vqi_explain_vm_paused(const struct vqi_subject *subject,
					struct vqi_finding *finding)
{
	const char *run_state = subject->snapshot->target.run_state;
	const char *reason = NULL;
	struct vqi_error *error;

	for (size_t i = 0; run_state && i < sizeof(faults) / sizeof(faults[0]); i++) {
		if (strcmp(run_state, faults[i].run_state) == 0)
			reason = faults[i].reason;
	}
	if (!reason)
		finding->severity = VQI_NOTE;
	error = vqi_finding_summarise(finding, "the VM is stopped: %s%s%s",
				      run_state ? run_state : "run state unknown",
				      reason ? ", because " : "", reason ? reason : "");
	return error ? error
		     : vqi_finding_add_fact(finding, "run state %s",
					    run_state ? run_state : "unknown; vm_running is 0");
}

bool vqi_is_device_broken(const struct vqi_subject *subject)
{
	return subject->device->broken || subject->device->status & VQI_STATUS_NEEDS_RESET;
}

struct vqi_error *vqi_explain_device_broken(const struct vqi_subject *subject,
					    struct vqi_finding *finding)
{
	const struct vqi_device *device = subject->device;
	struct vqi_error *error;

	error = vqi_finding_summarise(finding,
				      "the device is broken until the guest driver resets it");
	if (!error)
		error = vqi_finding_add_fact(
			finding, "broken %d, status 0x%02x%s (VirtIODevice at 0x%" PRIx64 ")",
			device->broken, device->status,
			device->status & VQI_STATUS_NEEDS_RESET ? " with DEVICE_NEEDS_RESET" : "",
			device->vdev_addr);
	for (size_t i = 0; !error && i < device->queue_count; i++) {
		if (device->queues[i].ring_faults)
			error = vqi_add_ring_facts(&device->queues[i], finding);
	}
	return error;
}
