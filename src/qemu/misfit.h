/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VQI_QEMU_MISFIT_H
#define VQI_QEMU_MISFIT_H

#include "vqi/error.h"

static inline struct vqi_error *vqi_misfit(const char *what)
{
	return vqi_error_new(VQI_ERROR_NO_LAYOUT, "the layout does not fit this QEMU: %s", what);
}

/* What cannot be read does not fit, unless nothing can be read any more. Owner: takes error. */
static inline struct vqi_error *vqi_unreadable(struct vqi_error *error, const char *what)
{
	if (!error || vqi_error_is_fatal(error))
		return error;
	vqi_error_free(error);
	return vqi_misfit(what);
}

#endif
