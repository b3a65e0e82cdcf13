/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "opened.h"

#include <stdlib.h>

#include "sources.h"
#include "vqi/record.h"

static struct vqi_error *open_replay(const char *path, struct vqi_opened *opened)
{
	vqi_cleanup(vqi_pack_done) struct vqi_pack settings = {
		0}; /* they are in the options by now */
	struct vqi_error *error = vqi_replay_open(path, &opened->process, &settings);

	if (!error)
		opened->start = vqi_process_now(opened->process, CLOCK_MONOTONIC);
	return error;
}

static struct vqi_error *open_process(const struct vqi_options *options, struct vqi_opened *opened)
{
	struct vqi_error *error;

	if (options->replay)
		return open_replay(options->replay, opened);
	opened->start = vqi_process_now(NULL, CLOCK_MONOTONIC);
	error = options->core ? vqi_process_open_core(options->core, options->exe, &opened->process)
			      : vqi_process_open(options->pid, &opened->process);
	if (!error && options->record)
		error = vqi_record_begin(opened->process, &opened->start);
	return error;
}

struct vqi_error *vqi_opened_begin(const struct vqi_options *options,
				   struct vqi_opened **ret_opened)
{
	vqi_cleanup(vqi_opened_free) struct vqi_opened *opened = calloc(1, sizeof(*opened));
	struct vqi_error *error;

	if (!opened)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	opened->image.fd = -1;
	error = open_process(options, opened);
	if (error)
		return error;
	error = vqi_image_open(opened->process, &opened->image);
	if (error)
		return vqi_opened_explain(opened, error);
	*ret_opened = take_ptr(opened);
	return NULL;
}

/* The observer is to read what the checks of the layout have read, and kept, too: a recording has it from there. */
static struct vqi_error *read_anew(struct vqi_opened *opened)
{
	vqi_qemu_done(&opened->qemu);
	return vqi_qemu_init(vqi_process_mem(opened->process), &opened->layout, opened->image.bias,
			     &opened->qemu);
}

static struct vqi_error *resolve(const struct vqi_options *options, struct vqi_opened *opened)
{
	struct vqi_error *error;

	if (vqi_process_is_replay(opened->process)) {
		error = vqi_layout_recall(opened->process, opened->image.kind, &opened->layout);
		return error ? error : read_anew(opened);
	}
	vqi_fact_begin(opened->process);
	error = vqi_sources_resolve(options, opened);
	vqi_fact_end(opened->process);
	if (error || !vqi_process_is_recorded(opened->process))
		return error;
	vqi_layout_note(opened->process, &opened->layout);
	return read_anew(opened);
}

struct vqi_error *vqi_opened_new(const struct vqi_options *options, struct vqi_opened **ret_opened)
{
	vqi_cleanup(vqi_opened_free) struct vqi_opened *opened = NULL;
	struct vqi_error *error = vqi_opened_begin(options, &opened);

	if (error)
		return error;
	error = resolve(options, opened);
	if (error)
		return vqi_opened_explain(opened, error);
	*ret_opened = take_ptr(opened);
	return NULL;
}

void vqi_opened_free(struct vqi_opened *opened)
{
	if (!opened)
		return;
	vqi_qemu_done(&opened->qemu);
	vqi_profiles_done(&opened->profiles);
	vqi_image_done(&opened->image);
	vqi_process_close(opened->process);
	free(opened);
}

struct vqi_error *vqi_opened_explain(const struct vqi_opened *opened, struct vqi_error *error)
{
	vqi_cleanup_error struct vqi_error *owned = error, *end = NULL;

	if (error)
		end = vqi_process_check(opened->process);
	if (!end || error->code == VQI_ERROR_NOMEM || error->code == VQI_ERROR_USAGE)
		return take_ptr(owned);
	return vqi_error_new(VQI_ERROR_GONE, "process %d ended while it was inspected",
			     (int)vqi_process_pid(opened->process));
}
