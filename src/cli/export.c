/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --export-layout. */
#include <stdio.h>
#include <string.h>

#include "opened.h"
#include "vqi/inspect.h"
#include "vqi/profile.h"
#include "vqi/replace.h"

static struct vqi_error *write_profile(FILE *stream, const void *data)
{
	const struct vqi_opened *opened = data;

	return vqi_profile_write(stream, &opened->layout, &opened->image);
}

struct vqi_error *vqi_export_layout(const struct vqi_options *options)
{
	vqi_cleanup(vqi_opened_free) struct vqi_opened *opened = NULL;
	struct vqi_error *error = vqi_opened_new(options, &opened);

	if (error)
		return error;
	if (strcmp(options->export_layout, "-") == 0)
		return write_profile(stdout, opened);
	return vqi_replace_file(options->export_layout, 0644, write_profile, opened);
}
