/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --diff: two looks that were kept, compared. */
#ifndef VQI_CLI_DIFF_H
#define VQI_CLI_DIFF_H

#include "vqi/options.h"

/* What is to be compared of a file: "FILE", "FILE:DEVICE" or "FILE:DEVICE:QUEUE". Owner: the caller frees both. */
struct vqi_diff_spec {
	char *file;
	char *device;	      /* NULL: all */
	struct vqi_num queue; /* unknown: all */
};

/* FILE is the longest part before a colon, or all, that is there. Errors: USAGE when there is no such file, NOMEM. */
struct vqi_error *vqi_diff_spec_parse(const char *text,
				      struct vqi_diff_spec *ret_spec) vqi_must_check;
void vqi_diff_spec_done(struct vqi_diff_spec *spec);
VQI_DEFINE_CLEANUP_VALUE(struct vqi_diff_spec, vqi_diff_spec_done)

/* Compares the two files of the options, and prints what differs. Errors: USAGE; those of vqi_inspect(). */
struct vqi_error *vqi_diff_files(const struct vqi_options *options) vqi_must_check;

#endif
