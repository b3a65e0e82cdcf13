/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules about the VM as a whole and about whole devices. */
#include <inttypes.h>
#include <string.h>

#include "vqi/virtio.h"

#include "finding.h"
#include "predicates.h"

bool vqi_vm_is_running(const struct vqi_snapshot *snapshot)
{
	if (snapshot->target.held)
		return false;
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

/* Why a VM is in a run state. Source: qapi/run-state.json, RunState. */
static const struct {
	const char *run_state;
	const char *reason;
	enum vqi_severity severity; /* an error when QEMU stopped it; a note when somebody did */
} run_states[] = {
	{"io-error", "a disk failed and its policy (werror, rerror) is to stop", VQI_ERROR},
	{"internal-error", "the virtual CPU failed", VQI_ERROR},
	{"guest-panicked", "the guest panicked", VQI_ERROR},
	{"watchdog", "the watchdog fired", VQI_ERROR},
	{"inmigrate", "it waits for its state from another host", VQI_NOTE},
	{"postmigrate", "it was migrated away, and must not be continued here", VQI_NOTE},
	{"finish-migrate", "it is being migrated away, and must not be continued here", VQI_NOTE},
	{"prelaunch", "it was not started yet", VQI_NOTE},
	{"suspended", "the guest suspended itself", VQI_NOTE},
	{"shutdown", "the guest was shut down", VQI_NOTE},
};

struct vqi_error *vqi_explain_vm_paused(const struct vqi_subject *subject,
					struct vqi_finding *finding)
{
	const struct vqi_target *target = &subject->snapshot->target;
	const char *run_state = target->run_state;
	const char *reason = "somebody paused it";
	struct vqi_error *error = NULL;

	finding->severity = VQI_NOTE;
	for (size_t i = 0; run_state && i < sizeof(run_states) / sizeof(run_states[0]); i++) {
		if (strcmp(run_state, run_states[i].run_state) == 0) {
			reason = run_states[i].reason;
			finding->severity = run_states[i].severity;
		}
	}
	if (target->held)
		error = vqi_finding_summarise(finding, "the process is stopped: %s", target->held);
	else if (run_state)
		error = vqi_finding_summarise(finding, "the VM is stopped: %s, because %s",
					      run_state, reason);
	else
		error = vqi_finding_summarise(finding, "the VM is stopped");
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
