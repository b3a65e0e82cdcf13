/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Why the kernel lets us, or does not let us, look into a process.
 * Source: kernel/ptrace.c __ptrace_may_access(), security/commoncap.c cap_ptrace_access_check(),
 * security/yama/yama_lsm.c yama_ptrace_access_check(). */
#ifndef VQI_TARGET_ACCESS_H
#define VQI_TARGET_ACCESS_H

#include <stdbool.h>
#include <stdint.h>

#include "reader.h"
#include "vqi/error.h"

enum vqi_same { VQI_SAME_UNKNOWN, VQI_SAME_YES, VQI_SAME_NO };

/* What the kernel's decision hangs on. */
struct vqi_access {
	uint32_t uids[4], gids[4];    /* of the target: real, effective, saved, file system */
	uint32_t our_uid, our_gid;    /* our file system ids, which follow the effective ones */
	uint64_t permitted;	      /* capabilities of the target */
	uint64_t our_permitted;	      /* ours */
	uint64_t our_effective;	      /* of those, the ones in force */
	int ptrace_scope;	      /* kernel.yama.ptrace_scope; -1 without Yama */
	bool dumpable;		      /* false after setuid, or by PR_SET_DUMPABLE */
	enum vqi_same user_namespace; /* whether it is in our user namespace */
};

/* Says in a phrase what stands in the way, given that something does: "it runs as uid 0, ...".
 * Owner: the caller frees. NULL without memory. */
char *vqi_access_obstacle(const struct vqi_access *access);

/* Makes the PERMISSION error for a process that we may not look into. */
struct vqi_error *vqi_access_refused(const struct vqi_reader *reader, int saved_errno)
	__attribute__((returns_nonnull));

#endif
