/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A target that is open, with a layout that fits it. */
#ifndef VQI_CLI_OPENED_H
#define VQI_CLI_OPENED_H

#include "vqi/image.h"
#include "vqi/layout.h"
#include "vqi/options.h"
#include "vqi/process.h"
#include "vqi/qemu.h"
#include "vqi/store.h"

struct vqi_opened {
	struct vqi_process *process;
	struct timespec
		start; /* when it was opened; monotonic: the wall clock may be set meanwhile */
	struct vqi_image image;
	struct vqi_profiles profiles; /* that may fit; of none of them yet when it has no list */
	struct vqi_layout unfitted;   /* the layout as its source gave it */
	struct vqi_layout layout;     /* the same, with what this process has told */
	struct vqi_qemu qemu;
};

/* Opens the process of the options and its image. Errors: all of the layers. */
struct vqi_error *vqi_opened_begin(const struct vqi_options *options,
				   struct vqi_opened **ret_opened) vqi_must_check;

/* The same, and finds out the layout: the slow part, before anything is looked at.
 * Errors: GONE when the target ends meanwhile; all others of the layers. */
struct vqi_error *vqi_opened_new(const struct vqi_options *options,
				 struct vqi_opened **ret_opened) vqi_must_check;
void vqi_opened_free(struct vqi_opened *opened);
VQI_DEFINE_CLEANUP(struct vqi_opened *, vqi_opened_free)

/* Of an error of something that was done with the target: once that has ended, it is why. Takes error. */
struct vqi_error *vqi_opened_explain(const struct vqi_opened *opened,
				     struct vqi_error *error) vqi_must_check;

#endif
