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
	if (snapshot->target.held.by != VQI_HELD_NOT)
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

static bool is_main_loop_asleep(const struct vqi_subject *subject)
{
	const struct vqi_snapshot *snapshot = subject->snapshot;
	struct vqi_subject loop = vqi_loop_subject(
		snapshot, subject->earlier, snapshot->loop_count ? &snapshot->loops[0] : NULL);

	return vqi_is_loop_asleep_throughout(&loop);
}

/* A QEMU whose main loop is blocked while it starts has not come to letting the VM run: that is said of
 * the main loop. */
bool vqi_is_not_held_at_start(const struct vqi_subject *subject)
{
	return !is_run_state(subject->snapshot, "prelaunch") || !is_main_loop_asleep(subject);
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

#define CONTINUE "continue it with cont (virsh resume)"
#define WAIT	 "wait for it to end; query-migrate and query-jobs say how far it is"

/* Why a VM is in a run state, and what to do then. Source: qapi/run-state.json, RunState. */
static const struct run_state {
	const char *name;
	const char *reason;
	enum vqi_severity severity; /* an error when QEMU stopped it; a note when somebody did */
	const char *next_step;
} run_states[] = {
	{"io-error", "a disk failed and its policy (werror, rerror) is to stop", VQI_ERROR,
	 "mend the storage of the back end that failed, then " CONTINUE
	 ": the requests are tried again"},
	{"internal-error", "the virtual CPU failed", VQI_ERROR,
	 "QEMU's log says how (KVM internal error, and the registers): keep it, then reset the "
	 "VM and " CONTINUE},
	{"watchdog", "the watchdog fired", VQI_ERROR,
	 "look at the guest's console for why it left its watchdog alone; then " CONTINUE
	 ", or reset it"},
	{"paused", "somebody paused it", VQI_NOTE,
	 "when whoever paused it has finished, " CONTINUE},
	{"colo", "COLO holds it back for a checkpoint", VQI_NOTE, WAIT},
	{"inmigrate", "it waits for its state from another host", VQI_NOTE,
	 WAIT "; with -incoming defer, it waits for migrate-incoming"},
	{"postmigrate", "it was migrated away, and must not be continued here", VQI_NOTE,
	 "look for the VM where it was migrated to"},
	{"finish-migrate", "its migration is about to end", VQI_NOTE, WAIT},
	{"save-vm", "a snapshot of it is being taken", VQI_NOTE, WAIT},
	{"restore-vm", "a snapshot of it is being loaded", VQI_NOTE, WAIT},
	{"prelaunch", "it has not been started yet", VQI_NOTE,
	 "whoever started QEMU with -S lets the VM run: with cont (virsh resume)"},
	{"debug", "a debugger of the guest stopped it", VQI_NOTE,
	 "continue it from that debugger (-gdb, -s)"},
	{"suspended", "the guest suspended itself", VQI_NOTE,
	 "wake it with system_wakeup (virsh dompmwakeup)"},
	{"shutdown", "the guest was shut down", VQI_NOTE,
	 "QEMU was told to stay (-no-shutdown): reset the VM and " CONTINUE ", or end QEMU"},
};

static const struct run_state *find_run_state(const char *name)
{
	for (size_t i = 0; name && i < sizeof(run_states) / sizeof(run_states[0]); i++) {
		if (strcmp(name, run_states[i].name) == 0)
			return &run_states[i];
	}
	return NULL;
}

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
	if (!is_run_state(snapshot, "io-error"))
		return false;
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

/* What to do about a VM in a run state; what is full goes before. */
static const char *next_step_of(const struct vqi_snapshot *snapshot,
				const struct run_state *run_state)
{
	if (is_out_of_space(snapshot))
		return "make space for the image of the back end that failed, then " CONTINUE
		       ": the requests are tried again";
	return run_state->next_step;
}

/* The process, not the VM, is stopped: nothing of it runs, the monitor neither. Then, perhaps, the VM. */
static struct vqi_error *explain_held(const struct vqi_snapshot *snapshot,
				      const struct run_state *run_state,
				      struct vqi_finding *finding)
{
	const struct vqi_held *held = &snapshot->target.held;
	const char *then = run_state ? "; then, for the VM: " : "";
	const char *more = run_state ? next_step_of(snapshot, run_state) : "";
	struct vqi_error *error;

	switch (held->by) {
	case VQI_HELD_TRACER:
		error = vqi_finding_summarise(
			finding, "the process is stopped: %s (pid %d) traces it",
			held->tracer_name[0] ? held->tracer_name : "a process", (int)held->tracer);
		return error ? error
			     : vqi_finding_advise(finding,
						  "let process %d continue it, or detach%s%s",
						  (int)held->tracer, then, more);
	case VQI_HELD_FREEZER:
		error = vqi_finding_summarise(finding, "the process is frozen with its cgroup");
		return error ? error
			     : vqi_finding_advise(
				       finding,
				       "find out who froze it (see /proc/%d/cgroup), and "
				       "let it be thawed%s%s",
				       (int)snapshot->target.pid, then, more);
	default:
		error = vqi_finding_summarise(finding,
					      "the process is stopped by a signal such as SIGSTOP");
		return error ? error
			     : vqi_finding_advise(
				       finding, "find out who stopped it, then: kill -CONT %d%s%s",
				       (int)snapshot->target.pid, then, more);
	}
}

static struct vqi_error *explain_stopped(const struct vqi_subject *subject,
					 const struct run_state *run_state,
					 struct vqi_finding *finding)
{
	const struct vqi_snapshot *snapshot = subject->snapshot;
	const char *name = snapshot->target.run_state;
	struct vqi_error *error;

	if (!run_state)
		return vqi_finding_summarise(finding, "the VM is stopped%s%s", name ? ": " : "",
					     name ? name : "");
	error = vqi_finding_summarise(finding, "the VM is stopped: %s, because %s%s", name,
				      run_state->reason,
				      is_out_of_space(snapshot) ? "; there is no space left" : "");
	if (error)
		return error;
	return vqi_finding_advise(
		finding, "%s%s",
		is_main_loop_asleep(subject)
			? "first see why the main loop is blocked, for no monitor "
			  "answers until then; "
			: "",
		next_step_of(snapshot, run_state));
}

struct vqi_error *vqi_explain_vm_paused(const struct vqi_subject *subject,
					struct vqi_finding *finding)
{
	const struct vqi_snapshot *snapshot = subject->snapshot;
	const char *name = snapshot->target.run_state;
	const struct run_state *run_state = find_run_state(name);
	bool is_held = snapshot->target.held.by != VQI_HELD_NOT;
	struct vqi_error *error;

	finding->severity = run_state ? run_state->severity : VQI_NOTE;
	error = is_held ? explain_held(snapshot, run_state, finding)
			: explain_stopped(subject, run_state, finding);
	if (!error && is_held)
		error = vqi_finding_add_thread(snapshot, VQI_NUM(snapshot->target.pid), finding);
	if (!error && snapshot->target.kind == VQI_TARGET_QEMU)
		error = vqi_finding_add_fact(finding, "run state %s",
					     name ? name : "unknown; vm_running is 0");
	return error ? error : add_failed_disks(snapshot, finding);
}
