/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vqi/inspect.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "opened.h"
#include "settings.h"
#include "vqi/record.h"

/* Units: ms. How long a queue must have stood still before it is blamed. */
#define SURE_MS	  1000

#define NS_PER_MS UINT64_C(1000000)

static uint64_t elapsed_us(struct vqi_process *process, const struct timespec *since)
{
	struct timespec now = vqi_process_now(process, CLOCK_MONOTONIC);

	return (uint64_t)((now.tv_sec - since->tv_sec) * 1000000 +
			  (now.tv_nsec - since->tv_nsec) / 1000);
}

/* The last look's snapshot stands for the inspection; what the first one stopped counts too. */
static void merge_capture(const struct vqi_snapshot *earlier, struct vqi_snapshot *later)
{
	later->capture.looks = 2;
	later->capture.stopped_us += earlier->capture.stopped_us;
	if (later->capture.stopped_threads < earlier->capture.stopped_threads)
		later->capture.stopped_threads = earlier->capture.stopped_threads;
}

/* What one inspection holds. */
struct inspection {
	const struct vqi_options *options;
	struct vqi_opened *target;
	struct timespec first_look;
	struct vqi_snapshot *earlier; /* NULL after a single look */
	struct vqi_snapshot *later;
	struct vqi_diagnosis diagnosis; /* of these */
};

static void inspection_done(struct inspection *inspection)
{
	vqi_diagnosis_done(&inspection->diagnosis);
	vqi_snapshot_free(inspection->earlier);
	vqi_snapshot_free(inspection->later);
}
VQI_DEFINE_CLEANUP_VALUE(struct inspection, inspection_done)

static struct vqi_error *describe_target(const struct inspection *inspection,
					 struct vqi_target *target)
{
	const struct vqi_image *image = &inspection->target->image;
	struct vqi_qemu *qemu = &inspection->target->qemu;
	struct vqi_error *error = NULL;

	if (vqi_process_is_core(inspection->target->process))
		error = vqi_copy_string(inspection->options->core, &target->core);
	target->pid = vqi_process_pid(inspection->target->process);
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

/* Diagnoses what is seen in the last look, or in the first and the last. */
static struct vqi_error *judge(struct inspection *inspection)
{
	struct vqi_snapshot *later = inspection->later;
	struct vqi_error *error = describe_target(inspection, &later->target);

	return error ? error : vqi_diagnose(inspection->earlier, later, &inspection->diagnosis);
}

/* Sees the devices and queues that were asked for. A queue that was there in the first look may be gone. */
static struct vqi_error *look_once(struct vqi_observer *observer,
				   const struct inspection *inspection,
				   struct vqi_snapshot **ret_snapshot)
{
	const struct vqi_options *options = inspection->options;
	vqi_cleanup_snapshot struct vqi_snapshot *snapshot = NULL;
	struct vqi_error *error;

	vqi_process_begin_look(inspection->target->process);
	error = vqi_observer_look(observer, options->stop, &snapshot);

	if (!error && options->queue.known)
		error = vqi_snapshot_select_queue(snapshot, (unsigned int)options->queue.value);
	if (error && error->code == VQI_ERROR_USAGE && inspection->earlier)
		vqi_error_free(take_ptr(error));
	if (!error)
		*ret_snapshot = take_ptr(snapshot);
	return error;
}

/* Looks again, and diagnoses what happened since the first look. A look between counts no more, but for
 * what it stopped. */
static struct vqi_error *look_again(struct vqi_observer *observer, struct inspection *inspection)
{
	uint64_t interval_us = elapsed_us(inspection->target->process, &inspection->first_look);
	struct vqi_snapshot *before = inspection->later ? inspection->later : inspection->earlier;
	vqi_cleanup_snapshot struct vqi_snapshot *later = NULL;
	struct vqi_error *error;

	error = look_once(observer, inspection, &later);
	if (error)
		return error;
	merge_capture(before, later);
	later->capture.interval_ms = interval_us / 1000;
	vqi_diagnosis_done(&inspection->diagnosis);
	vqi_snapshot_free(inspection->later);
	inspection->later = take_ptr(later);
	return judge(inspection);
}

/* Whether anything is said to stand still: then it is worth some more time to be sure of it. */
static bool is_suspicious(const struct vqi_diagnosis *diagnosis)
{
	for (size_t i = 0; i < diagnosis->finding_count; i++) {
		if (diagnosis->findings[i].rule->over_time)
			return true;
	}
	return false;
}

/* On a host with more to do than CPUs a healthy guest can stand still for longer than the two looks
 * are apart; so before a queue is blamed, it must have stood still for a second. */
static struct vqi_error *look_twice(struct vqi_observer *observer, struct inspection *inspection)
{
	unsigned int interval_ms = inspection->options->interval_ms;
	struct vqi_error *error;

	vqi_process_rest(inspection->target->process, interval_ms * NS_PER_MS);
	error = look_again(observer, inspection);
	if (error || interval_ms >= SURE_MS || !is_suspicious(&inspection->diagnosis) ||
	    !vqi_process_has_look(inspection->target->process))
		return error;
	vqi_process_rest(inspection->target->process, (SURE_MS - interval_ms) * NS_PER_MS);
	return look_again(observer, inspection);
}

static struct vqi_error *look(struct vqi_observer *observer, struct inspection *inspection)
{
	const struct vqi_options *options = inspection->options;
	struct vqi_snapshot *first = NULL;
	struct vqi_error *error;

	inspection->first_look = vqi_process_now(inspection->target->process, CLOCK_MONOTONIC);
	error = look_once(observer, inspection, &first);
	if (error)
		return error;
	if (!options->once && !options->core && /* a core never changes */
	    vqi_process_has_look(inspection->target->process)) {
		inspection->earlier = first;
		return look_twice(observer, inspection);
	}
	inspection->later = first;
	return judge(inspection);
}

static bool wants_stacks(const struct vqi_diagnosis *diagnosis)
{
	for (size_t i = 0; i < diagnosis->finding_count; i++) {
		if (diagnosis->findings[i].rule->wants_stacks)
			return true;
	}
	return false;
}

/* Adds to the last look the requests and back traces that are asked for. And where they are not, to a finding which of
 * them is the oldest, and where that or an event loop waits: as far as nothing is stopped for it. */
static struct vqi_error *look_closer(struct vqi_observer *observer, struct inspection *inspection)
{
	const struct vqi_options *options = inspection->options;
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
	    ((options->quiet && !options->record) ||
	     (!is_asked && !wants_stacks(&inspection->diagnosis))))
		return NULL;
	error = vqi_observer_look_closer(observer, &what, is_asked ? options->stop : VQI_STOP_NEVER,
					 inspection->later);
	if (error && !is_asked) { /* the diagnosis stands without it */
		vqi_error_free(error);
		return NULL;
	}
	if (error)
		return error;
	vqi_diagnosis_done(&inspection->diagnosis);
	return vqi_diagnose(inspection->earlier, inspection->later, &inspection->diagnosis);
}

static struct vqi_error *observe(struct inspection *inspection)
{
	const struct vqi_options *options = inspection->options;
	vqi_cleanup(vqi_observer_free) struct vqi_observer *observer = NULL;
	struct vqi_error *error;

	vqi_process_begin_observer(inspection->target->process);
	error = vqi_observer_new(inspection->target->process, &inspection->target->qemu, &observer);
	if (!error && options->device_count)
		error = vqi_observer_select(observer, options->devices, options->device_count,
					    options->all);
	if (!error)
		error = look(observer, inspection);
	return error ? error : look_closer(observer, inspection);
}

static struct vqi_error *write_recording(const struct vqi_options *options,
					 struct vqi_process *process)
{
	vqi_cleanup(vqi_pack_done) struct vqi_pack settings = {0};

	if (!options->record)
		return NULL;
	vqi_settings_pack(options, &settings);
	return vqi_record_write(process, options->record, &settings);
}

struct vqi_error *vqi_inspect(const struct vqi_options *options, struct vqi_snapshot **ret_snapshot,
			      struct vqi_diagnosis *ret_diagnosis)
{
	vqi_cleanup(inspection_done) struct inspection inspection = {.options = options};
	vqi_cleanup(vqi_opened_free) struct vqi_opened *opened = NULL;
	struct vqi_error *error;

	error = vqi_opened_new(options, &opened);
	if (error)
		return error;
	inspection.target = opened;
	error = observe(&inspection);
	if (!error && options->report)
		error = vqi_host_read(opened->process, opened->image.path, inspection.later);
	if (error)
		return vqi_opened_explain(opened, error);
	inspection.later->capture.duration_us = elapsed_us(opened->process, &opened->start);
	error = write_recording(options, opened->process);
	if (error)
		return error;
	*ret_snapshot = take_ptr(inspection.later);
	*ret_diagnosis = inspection.diagnosis;
	inspection.diagnosis = (struct vqi_diagnosis){0};
	return NULL;
}
