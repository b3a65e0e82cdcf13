/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "session.h"

#include <stdlib.h>

#include "vqi/record.h"

void vqi_session_close(struct vqi_session *session)
{
	if (!session)
		return;
	vqi_observer_free(session->observer);
	vqi_opened_free(session->opened);
	vqi_target_done(&session->target);
	free(session);
}

static struct vqi_error *describe_target(struct vqi_session *session)
{
	const struct vqi_image *image = &session->opened->image;
	struct vqi_qemu *qemu = &session->opened->qemu;
	struct vqi_target *target = &session->target;
	struct vqi_error *error = NULL;

	if (vqi_process_is_core(session->opened->process))
		error = vqi_copy_string(session->options->core, &target->core);
	target->pid = vqi_process_pid(session->opened->process);
	target->kind = image->kind == VQI_IMAGE_STORAGE_DAEMON ? VQI_TARGET_STORAGE_DAEMON
							       : VQI_TARGET_QEMU;
	target->layout_source = vqi_layout_source_name(qemu->layout->source);
	if (!error)
		error = vqi_copy_string(image->path, &target->exe);
	if (!error)
		error = vqi_copy_string(image->build_id, &target->build_id);
	if (!error)
		error = vqi_copy_string(image->version, &target->qemu_version);
	if (!error)
		error = vqi_qemu_vm_name(qemu, &target->vm_name);
	return error ? error : vqi_qemu_arch(qemu, image->path, &target->arch);
}

/* Adds to what a look has seen of the target what was known before. */
static struct vqi_error *complete_target(const struct vqi_target *known, struct vqi_target *target)
{
	struct vqi_error *error;

	target->pid = known->pid;
	target->kind = known->kind;
	target->layout_source = known->layout_source;
	error = vqi_copy_string(known->exe, &target->exe);
	if (!error)
		error = vqi_copy_string(known->core, &target->core);
	if (!error)
		error = vqi_copy_string(known->build_id, &target->build_id);
	if (!error)
		error = vqi_copy_string(known->qemu_version, &target->qemu_version);
	if (!error)
		error = vqi_copy_string(known->vm_name, &target->vm_name);
	return error ? error : vqi_copy_string(known->arch, &target->arch);
}

static struct vqi_error *observe(struct vqi_session *session)
{
	const struct vqi_options *options = session->options;
	struct vqi_opened *opened = session->opened;
	struct vqi_error *error;

	vqi_process_begin_observer(opened->process);
	error = vqi_observer_new(opened->process, &opened->qemu, &session->observer);
	if (!error && options->device_count)
		error = vqi_observer_select(session->observer, options->devices,
					    options->device_count, options->all);
	return error ? error : describe_target(session);
}

struct vqi_error *vqi_session_open(const struct vqi_options *options,
				   struct vqi_session **ret_session)
{
	vqi_cleanup(vqi_session_close) struct vqi_session *session = calloc(1, sizeof(*session));
	struct vqi_error *error;

	if (!session)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	session->options = options;
	error = vqi_opened_new(options, &session->opened);
	if (error)
		return error;
	error = observe(session);
	if (error)
		return vqi_opened_explain(session->opened, error);
	*ret_session = take_ptr(session);
	return NULL;
}

/* Leaves of a look what was asked for, and completes it. Takes the snapshot. */
static struct vqi_error *finish(struct vqi_session *session, struct vqi_snapshot *snapshot,
				bool may_be_gone, struct vqi_snapshot **ret_snapshot)
{
	vqi_cleanup_snapshot struct vqi_snapshot *owned = snapshot;
	const struct vqi_options *options = session->options;
	struct vqi_error *error = NULL;

	if (options->queue.known)
		error = vqi_snapshot_select_queue(snapshot, (unsigned int)options->queue.value);
	if (error && error->code == VQI_ERROR_USAGE && may_be_gone)
		vqi_error_free(take_ptr(error));
	if (!error)
		error = complete_target(&session->target, &snapshot->target);
	if (!error)
		*ret_snapshot = take_ptr(owned);
	return error;
}

struct vqi_error *vqi_session_look(struct vqi_session *session, bool may_be_gone,
				   struct vqi_snapshot **ret_snapshot)
{
	struct vqi_snapshot *snapshot = NULL;
	struct vqi_error *error;

	vqi_process_begin_look(session->opened->process);
	error = vqi_observer_look(session->observer, session->options->stop, &snapshot);
	return error ? error : finish(session, snapshot, may_be_gone, ret_snapshot);
}

struct vqi_error *vqi_session_look_again(struct vqi_session *session,
					 const struct vqi_snapshot *before, bool may_be_gone,
					 struct vqi_snapshot **ret_snapshot)
{
	struct vqi_snapshot *snapshot = NULL;
	struct vqi_error *error;

	error = vqi_observer_look_again(session->observer, before, &snapshot);
	return error ? error : finish(session, snapshot, may_be_gone, ret_snapshot);
}

static bool wants_stacks(const struct vqi_diagnosis *diagnosis)
{
	for (size_t i = 0; i < diagnosis->finding_count; i++) {
		if (diagnosis->findings[i].rule->wants_stacks)
			return true;
	}
	return false;
}

struct vqi_error *vqi_session_look_closer(struct vqi_session *session,
					  const struct vqi_snapshot *earlier,
					  struct vqi_snapshot *later,
					  struct vqi_diagnosis *diagnosis)
{
	const struct vqi_options *options = session->options;
	bool is_asked = vqi_options_show_requests(options) || options->report;
	bool is_list = is_asked && !options->report; /* as the options say, and no more */
	const struct vqi_closer_look what = {
		.queue = options->queue,
		.dump_bytes = options->dump_bytes,
		.all_lines = is_asked && options->verbose,
		.stacks = is_list || options->stacks ? options->stacks : VQI_STACKS_SERVING,
	};
	struct vqi_error *error;

	/* A recording is for who wants to know more later. */
	if (!options->report && !options->closer &&
	    ((options->quiet && !options->record) || (!is_asked && !wants_stacks(diagnosis))))
		return NULL;
	error = vqi_observer_look_closer(session->observer, &what,
					 is_asked ? options->stop : VQI_STOP_NEVER, later);
	if (error && !is_asked) { /* the diagnosis stands without it */
		vqi_error_free(error);
		return NULL;
	}
	if (error)
		return error;
	vqi_diagnosis_done(diagnosis);
	return vqi_diagnose(earlier, later, diagnosis);
}

struct vqi_error *vqi_session_read_host(struct vqi_session *session, struct vqi_snapshot *snapshot)
{
	struct vqi_opened *opened = session->opened;

	if (!session->options->report)
		return NULL;
	return vqi_host_read(opened->process, opened->image.path, snapshot);
}

uint64_t vqi_session_elapsed_us(const struct vqi_session *session, const struct timespec *since)
{
	struct timespec now = vqi_process_now(session->opened->process, CLOCK_MONOTONIC);

	return (uint64_t)((now.tv_sec - since->tv_sec) * 1000000 +
			  (now.tv_nsec - since->tv_nsec) / 1000);
}
