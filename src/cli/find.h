/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finding the QEMUs of the host. */
#ifndef VQI_CLI_FIND_H
#define VQI_CLI_FIND_H

#include "vqi/candidates.h"

/* All processes of the host that may be QEMUs. Errors: as vqi_candidates_find(). */
struct vqi_error *vqi_find_candidates(struct vqi_candidates *ret_candidates) vqi_must_check;

/* The one process whose command line gives its VM that name.
 * Errors: GONE when there is none, which lists the names there are, or more than one, which lists their pids; SYS, NOMEM. */
struct vqi_error *vqi_find_named(const char *name, pid_t *ret_pid) vqi_must_check;

#endif
