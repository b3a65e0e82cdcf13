/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vqi/inspect.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "vqi/dwarf.h"
#include "vqi/image.h"
#include "vqi/layout.h"
#include "vqi/process.h"
#include "vqi/qemu.h"

VQI_DEFINE_CLEANUP_VALUE(struct vqi_image, vqi_image_done)
VQI_DEFINE_CLEANUP_VALUE(struct vqi_qemu, vqi_qemu_done)

static uint64_t elapsed_us(const struct timespec *since)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
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

/* Sleeps to the end, also when a signal that is handled comes in between. */
static void pause_ms(unsigned int ms)
{
	struct timespec rest = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};

	while (clock_nanosleep(CLOCK_MONOTONIC, 0, &rest, &rest) == EINTR)
		;
}

static struct vqi_error *look(struct vqi_observer *observer, const struct vqi_options *options,
			      struct vqi_snapshot **ret_earlier, struct vqi_snapshot **ret_later)
{
	struct vqi_error *error;
	struct timespec start;
	uint64_t interval_us;

	clock_gettime(CLOCK_MONOTONIC, &start); /* the wall clock may be set meanwhile */
	error = vqi_observer_look(observer, options->stop, ret_later);
	if (error || options->once)
		return error;
	*ret_earlier = take_ptr(*ret_later);
	pause_ms(options->interval_ms);
	interval_us = elapsed_us(&start);
	error = vqi_observer_look(observer, options->stop, ret_later);
	if (error)
		return error;
	merge_capture(*ret_earlier, *ret_later);
	(*ret_later)->capture.interval_ms = interval_us / 1000;
	return NULL;
}

static struct vqi_error *copy(const char *text, char **ret_copy)
{
	if (!text)
		return NULL;
	*ret_copy = strdup(text);
	return *ret_copy ? NULL : vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
}

static struct vqi_error *describe_target(struct vqi_qemu *qemu, struct vqi_process *process,
					 const struct vqi_image *image, struct vqi_target *target)
{
	struct vqi_error *error;

	target->pid = vqi_process_pid(process);
	target->kind = image->kind == VQI_IMAGE_STORAGE_DAEMON ? VQI_TARGET_STORAGE_DAEMON
							       : VQI_TARGET_QEMU;
	target->layout_source = vqi_layout_source_name(qemu->layout->source);
	error = copy(image->path, &target->exe);
	if (!error)
		error = copy(image->build_id, &target->build_id);
	if (!error)
		error = copy(image->version, &target->qemu_version);
	if (!error)
		error = vqi_qemu_vm_name(qemu, &target->vm_name);
	return error ? error : vqi_qemu_arch(qemu, image->path, &target->arch);
}

/* Opens the target and finds out its layout: the slow part, before anything is looked at. */
static struct vqi_error *resolve(const struct vqi_options *options, struct vqi_process *process,
				 struct vqi_image *image, struct vqi_layout *layout)
{
	const struct vqi_dwarf_options dwarf = {.debuginfo = options->debuginfo};
	struct vqi_error *error;

	error = vqi_image_open(process, image);
	if (error)
		return error;
	if (image->kind == VQI_IMAGE_STORAGE_DAEMON)
		return vqi_error_new(VQI_ERROR_UNSUPPORTED,
				     "process %d is a qemu-storage-daemon, which cannot be "
				     "inspected yet",
				     (int)options->pid);
	error = vqi_dwarf_resolve(process, image, &dwarf, layout);
	return error ? error : vqi_layout_check(layout);
}

static struct vqi_error *observe(const struct vqi_options *options, struct vqi_process *process,
				 struct vqi_qemu *qemu, struct vqi_snapshot **ret_earlier,
				 struct vqi_snapshot **ret_later)
{
	vqi_cleanup(vqi_observer_free) struct vqi_observer *observer = NULL;
	struct vqi_error *error;

	error = vqi_observer_new(process, qemu, &observer);
	if (!error && options->device_count)
		error = vqi_observer_select(observer, options->devices, options->device_count);
	return error ? error : look(observer, options, ret_earlier, ret_later);
}

static struct vqi_error *inspect_process(const struct vqi_options *options,
					 struct vqi_process *process,
					 struct vqi_snapshot **ret_earlier,
					 struct vqi_snapshot **ret_later)
{
	vqi_cleanup(vqi_image_done) struct vqi_image image = {.fd = -1};
	vqi_cleanup_free struct vqi_layout *layout = calloc(1, sizeof(*layout));
	vqi_cleanup(vqi_qemu_done) struct vqi_qemu qemu = {0};
	struct vqi_error *error;

	if (!layout)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	error = resolve(options, process, &image, layout);
	if (!error)
		error = vqi_qemu_init(vqi_process_mem(process), layout, image.bias, &qemu);
	if (!error)
		error = observe(options, process, &qemu, ret_earlier, ret_later);
	return error ? error : describe_target(&qemu, process, &image, &(*ret_later)->target);
}

struct vqi_error *vqi_inspect(const struct vqi_options *options, struct vqi_snapshot **ret_snapshot,
			      struct vqi_diagnosis *ret_diagnosis)
{
	vqi_cleanup_snapshot struct vqi_snapshot *earlier = NULL, *later = NULL;
	vqi_cleanup_process struct vqi_process *process = NULL;
	struct vqi_error *error;
	struct timespec start;

	clock_gettime(CLOCK_MONOTONIC, &start);
	error = vqi_process_open(options->pid, &process);
	if (!error)
		error = inspect_process(options, process, &earlier, &later);
	if (!error && options->queue.known)
		error = vqi_snapshot_select_queue(later, (unsigned int)options->queue.value);
	if (!error) {
		later->capture.duration_us = elapsed_us(&start);
		error = vqi_diagnose(earlier, later, ret_diagnosis);
	}
	if (!error)
		*ret_snapshot = take_ptr(later);
	return error;
}
