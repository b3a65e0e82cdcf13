/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finding the QEMUs of the host. */
#ifndef VQI_CLI_FIND_H
#define VQI_CLI_FIND_H

#include "vqi/candidates.h"

/* All processes of the host that may be QEMUs; proc_fd: its /proc. It is a child that looks at them: one that is kept
 * waiting by a process for longer than wait_s is ended, and that process is taken for what its executable's name says.
 * Errors: SYS, NOMEM, BAD_DATA when there are too many of those. */
struct vqi_error *vqi_find_candidates(int proc_fd, unsigned int wait_s,
				      struct vqi_candidates *ret_candidates) vqi_must_check;

/* The same of this host. */
struct vqi_error *vqi_find_all(struct vqi_candidates *ret_candidates) vqi_must_check;

/* The one process whose command line gives its VM that name.
 * Errors: GONE when there is none, which lists the names there are, or more than one, which lists their pids; SYS, NOMEM. */
struct vqi_error *vqi_find_named(const char *name, pid_t *ret_pid) vqi_must_check;

#endif
