/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VQI_CLI_ALL_H
#define VQI_CLI_ALL_H

#include "vqi/error.h"
#include "vqi/options.h"

/* Inspects every QEMU of the host, each in a child of its own, and prints what was found of them. One that cannot be
 * inspected, crashes the child or keeps it waiting does not keep the others from it.
 * ret_status: the worst. Errors: SYS, NOMEM. */
struct vqi_error *vqi_inspect_all(const struct vqi_options *options,
				  int *ret_status) vqi_must_check;

#endif
