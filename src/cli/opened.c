/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "opened.h"

#include <stdlib.h>

#include "sources.h"

static struct vqi_error *open_image(struct vqi_opened *opened)
{
	struct vqi_error *error = vqi_image_open(opened->process, &opened->image);

	if (error || opened->image.kind == VQI_IMAGE_QEMU)
		return error;
	return vqi_error_new(VQI_ERROR_UNSUPPORTED,
			     "process %d is a qemu-storage-daemon, which cannot be inspected yet",
			     (int)vqi_process_pid(opened->process));
}

static struct vqi_error *open_process(const struct vqi_options *options,
				      struct vqi_process **ret_process)
{
	if (options->core)
		return vqi_process_open_core(options->core, options->exe, ret_process);
	return vqi_process_open(options->pid, ret_process);
}

struct vqi_error *vqi_opened_begin(const struct vqi_options *options,
				   struct vqi_opened **ret_opened)
{
	vqi_cleanup(vqi_opened_free) struct vqi_opened *opened = calloc(1, sizeof(*opened));
	struct vqi_error *error;

	if (!opened)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	opened->image.fd = -1;
	error = open_process(options, &opened->process);
	if (error)
		return error;
	error = open_image(opened);
	if (error)
		return vqi_opened_explain(opened, error);
	*ret_opened = take_ptr(opened);
	return NULL;
}

struct vqi_error *vqi_opened_new(const struct vqi_options *options, struct vqi_opened **ret_opened)
{
	vqi_cleanup(vqi_opened_free) struct vqi_opened *opened = NULL;
	struct vqi_error *error = vqi_opened_begin(options, &opened);

	if (error)
		return error;
	error = vqi_sources_resolve(options, opened);
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
