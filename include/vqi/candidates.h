/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which processes of the host may be QEMUs, by what anybody may see of them. What each really is, its image tells. */
#ifndef VQI_CANDIDATES_H
#define VQI_CANDIDATES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "vqi/cleanup.h"
#include "vqi/error.h"

struct vqi_candidate {
	pid_t pid;
	char *program; /* the last part of the path that it was started by */
	char *vm_name; /* of the VM, by its command line; NULL: it has none there */
	bool is_plain; /* by the name it was started by it is a QEMU, and not only may be one */
	uint64_t dev, inode; /* of its executable; both 0 where that may not be looked at */
};

struct vqi_candidates {
	struct vqi_candidate
		*all; /* by the VM's name, or the program's where there is none, then by pid */
	size_t count;
};

/* Where and how they are looked for. */
struct vqi_candidates_search {
	int proc_fd; /* /proc, or a folder that looks like it */
	/* Told of each process before its command line is read, which can take for ever: the kernel keeps one who reads it
	 * waiting while the process changes its memory, and that can hang. NULL: not told. */
	void (*begin)(pid_t pid, void *context);
	void *context;
	const pid_t *stubborn; /* those whose command lines are not to be read */
	size_t stubborn_count;
};

/* Lists those of a procfs. A process that ends meanwhile, or of which nothing may be seen, is passed over; this one too.
 * Errors: SYS, NOMEM. */
struct vqi_error *vqi_candidates_find(const struct vqi_candidates_search *search,
				      struct vqi_candidates *ret_candidates) vqi_must_check;
void vqi_candidates_done(struct vqi_candidates *candidates);
VQI_DEFINE_CLEANUP_VALUE(struct vqi_candidates, vqi_candidates_done)

/* What to call a candidate: its VM's name, or that of its program. */
const char *vqi_candidate_label(const struct vqi_candidate *candidate);

/* The name that a QEMU's command line gives its VM. words: each ends with a NUL, len bytes in all, as in
 * /proc/PID/cmdline. ret_name is NULL where it gives none. Owner: the caller frees.
 * Source: system/vl.c, option name; util/qemu-option.c get_opt_name_value(). Errors: NOMEM. */
struct vqi_error *vqi_command_vm_name(const char *words, size_t len,
				      char **ret_name) vqi_must_check;

#endif
