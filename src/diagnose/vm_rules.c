/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules about the VM as a whole. */
#include <inttypes.h>
#include <string.h>

#include "describe.h"
#include "finding.h"
#include "lookup.h"
#include "predicates.h"

static bool is_run_state(const struct vqi_snapshot *snapshot, const char *run_state)
{
	return snapshot->target.run_state && strcmp(snapshot->target.run_state, run_state) == 0;
}

bool vqi_vm_is_running(const struct vqi_snapshot *snapshot)
{
	if (snapshot->target.held)
		return false;
	if (snapshot->target.run_state)
		return is_run_state(snapshot, "running");
	for (size_t i = 0; i < snapshot->device_count; i++) {
		if (vqi_num_is(snapshot->devices[i].vm_running, 0))
			return false;
	}
	return true;
}

bool vqi_is_vm_stopped(const struct vqi_subject *subject)
{
	return !vqi_vm_is_running(subject->snapshot);
}

/* A QEMU whose main loop is blocked while it starts has not come to letting the VM run: that is said of
 * the main loop. */
bool vqi_is_not_held_at_start(const struct vqi_subject *subject)
{
	const struct vqi_snapshot *snapshot = subject->snapshot;
	struct vqi_subject loop = vqi_loop_subject(
		snapshot, subject->earlier, snapshot->loop_count ? &snapshot->loops[0] : NULL);

	return !is_run_state(snapshot, "prelaunch") || !vqi_is_loop_asleep_throughout(&loop);
}

/* ---- panic ---- */

bool vqi_is_in_panicked_state(const struct vqi_subject *subject)
{
	return is_run_state(subject->snapshot, "guest-panicked");
}

static const struct vqi_vcpu *panicked_vcpu(const struct vqi_snapshot *snapshot)
{
	for (size_t i = 0; i < snapshot->vcpu_count; i++) {
		if (vqi_num_is(snapshot->vcpus[i].panicked, 1))
			return &snapshot->vcpus[i];
	}
	return NULL;
}

/* With -action panic=none the VM goes on. Source: softmmu/runstate.c qemu_system_guest_panicked(). */
bool vqi_has_panicked_vcpu(const struct vqi_subject *subject)
{
	return panicked_vcpu(subject->snapshot);
}

struct vqi_error *vqi_explain_guest_panicked(const struct vqi_subject *subject,
					     struct vqi_finding *finding)
{
	const struct vqi_vcpu *vcpu = panicked_vcpu(subject->snapshot);
	const char *run_state = subject->snapshot->target.run_state;
	struct vqi_error *error;

	error = vqi_finding_summarise(finding, "the guest panicked");
	if (!error)
		error = vqi_finding_add_fact(finding, "run state %s",
					     run_state ? run_state : "unknown");
	if (!error && vcpu)
		error = vqi_finding_add_fact(finding, "vCPU %u reported it (crash_occurred)",
					     vcpu->index);
	return error;
}

/* ---- stopped ---- */

/* Why a VM is in a run state. Source: qapi/run-state.json, RunState. */
static const struct {
	const char *run_state;
	const char *reason;
	enum vqi_severity severity; /* an error when QEMU stopped it; a note when somebody did */
} run_states[] = {
	{"io-error", "a disk failed and its policy (werror, rerror) is to stop", VQI_ERROR},
	{"internal-error", "the virtual CPU failed", VQI_ERROR},
	{"watchdog", "the watchdog fired", VQI_ERROR},
	{"colo", "COLO holds it back for a checkpoint", VQI_NOTE},
	{"inmigrate", "it waits for its state from another host", VQI_NOTE},
	{"postmigrate", "it was migrated away, and must not be continued here", VQI_NOTE},
	{"finish-migrate", "its migration is about to end", VQI_NOTE},
	{"save-vm", "a snapshot of it is being taken", VQI_NOTE},
	{"restore-vm", "a snapshot of it is being loaded", VQI_NOTE},
	{"prelaunch", "it has not been started yet", VQI_NOTE},
	{"debug", "a debugger of the guest stopped it", VQI_NOTE},
	{"suspended", "the guest suspended itself", VQI_NOTE},
	{"shutdown", "the guest was shut down", VQI_NOTE},
};

/* A disk that failed says how, and keeps the requests. */
static struct vqi_error *add_failed_disks(const struct vqi_snapshot *snapshot,
					  struct vqi_finding *finding)
{
	struct vqi_error *error = NULL;

	for (size_t i = 0; i < snapshot->device_count; i++) {
		const struct vqi_device *device = &snapshot->devices[i];

		for (size_t j = 0; !error && j < device->backend_count; j++) {
			const struct vqi_block *block = &device->backends[j].block;
			bool failed = block->iostatus && strcmp(block->iostatus, "ok") != 0;

			if (!failed && !block->parked.value)
				continue;
			error = vqi_finding_add_fact(finding, "%s: iostatus %s",
						     vqi_device_label(device),
						     block->iostatus ? block->iostatus : "unknown");
			if (!error)
				error = vqi_finding_add_backend(&device->backends[j], finding);
		}
	}
	return error;
}

/* What is full is said in the summary: it is what the reader must mend. */
static bool is_out_of_space(const struct vqi_snapshot *snapshot)
{
	for (size_t i = 0; i < snapshot->device_count; i++) {
		const struct vqi_device *device = &snapshot->devices[i];

		for (size_t j = 0; j < device->backend_count; j++) {
			const char *iostatus = device->backends[j].block.iostatus;

			if (iostatus && strcmp(iostatus, "nospace") == 0)
				return true;
		}
	}
	return false;
}

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
		error = vqi_finding_summarise(
			finding, "the VM is stopped: %s, because %s%s", run_state, reason,
			is_out_of_space(subject->snapshot) ? "; there is no space left" : "");
	else
		error = vqi_finding_summarise(finding, "the VM is stopped");
	if (!error)
		error = vqi_finding_add_fact(finding, "run state %s",
					     run_state ? run_state : "unknown; vm_running is 0");
	return error ? error : add_failed_disks(subject->snapshot, finding);
}
