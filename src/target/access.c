/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "access.h"

#include <fcntl.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "process_private.h"
#include "status.h"
#include "vqi/cleanup.h"

#define STATUS_MAX 65536 /* a "Groups:" line can be long */

static bool has_sys_ptrace(const struct vqi_access *access)
{
	return access->our_effective & (UINT64_C(1) << CAP_SYS_PTRACE);
}

/* The kernel wants real, effective and saved to be ours, not the fourth. */
static const uint32_t *foreign_id(const uint32_t ids[4], uint32_t ours)
{
	for (int i = 0; i < 3; i++)
		if (ids[i] != ours)
			return &ids[i];
	return NULL;
}

static const char *separator(bool *first)
{
	const char *text = *first ? "" : "; ";

	*first = false;
	return text;
}

/* With the capability, few things are left that can refuse. */
static void privileged_obstacles(FILE *out, const struct vqi_access *access)
{
	if (access->ptrace_scope >= 3)
		fputs("kernel.yama.ptrace_scope is 3, which forbids it to everyone until the next boot",
		      out);
	else if (access->user_namespace == VQI_SAME_YES)
		fputs("a security module (SELinux, AppArmor) or a seccomp filter forbids it", out);
	else
		fputs("it is in another user namespace, where this program's CAP_SYS_PTRACE does not count",
		      out);
}

/* Without it, there can be several obstacles; each of them suffices. */
static void unprivileged_obstacles(FILE *out, const struct vqi_access *access)
{
	const uint32_t *uid = foreign_id(access->uids, access->our_uid);
	const uint32_t *gid = foreign_id(access->gids, access->our_gid);
	bool first = true;

	if (uid)
		fprintf(out, "%sit runs as uid %u, this program as uid %u", separator(&first), *uid,
			access->our_uid);
	else if (gid)
		fprintf(out, "%sit runs as gid %u, this program as gid %u", separator(&first), *gid,
			access->our_gid);
	if (!uid && (access->permitted & ~access->our_permitted))
		fprintf(out, "%sit has capabilities that this program lacks", separator(&first));
	if (!access->dumpable)
		fprintf(out,
			"%sit is not dumpable (PR_SET_DUMPABLE, a change of uid, or an unreadable executable)",
			separator(&first));
	if (access->user_namespace == VQI_SAME_NO)
		fprintf(out, "%sit is in another user namespace", separator(&first));
	if (access->ptrace_scope >= 1)
		fprintf(out, "%skernel.yama.ptrace_scope is %d", separator(&first),
			access->ptrace_scope);
	if (first)
		fputs("a security module (SELinux, AppArmor) or a seccomp filter forbids it", out);
	else
		fputs(", without CAP_SYS_PTRACE", out);
}

char *vqi_access_obstacle(const struct vqi_access *access)
{
	size_t size;
	char *text = NULL;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	if (has_sys_ptrace(access))
		privileged_obstacles(out, access);
	else
		unprivileged_obstacles(out, access);
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

static int read_ptrace_scope(void)
{
	vqi_cleanup_file FILE *file = fopen("/proc/sys/kernel/yama/ptrace_scope", "re");
	int scope;

	return file && fscanf(file, "%d", &scope) == 1 ? scope : -1;
}

/* Files of a process that is not dumpable belong to root: fs/proc/base.c task_dump_owner(). (The
 * directory itself does not change its owner.) */
static bool is_dumpable(int dirfd, const uint32_t uids[4])
{
	struct stat st;

	return fstatat(dirfd, "stat", &st, 0) != 0 || st.st_uid == uids[1];
}

static enum vqi_same same_user_namespace(int dirfd)
{
	struct stat ours, theirs;

	if (stat("/proc/self/ns/user", &ours) != 0 || fstatat(dirfd, "ns/user", &theirs, 0) != 0)
		return VQI_SAME_UNKNOWN;
	return ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino ? VQI_SAME_YES
									    : VQI_SAME_NO;
}

static struct vqi_error *gather(const struct vqi_reader *reader, struct vqi_access *ret_access)
{
	vqi_cleanup_free char *theirs = NULL, *ours = NULL;
	uint32_t our_uids[4], our_gids[4];
	struct vqi_access access = {0};
	struct vqi_error *error;

	error = vqi_proc_read(reader->dirfd, "status", STATUS_MAX, &theirs, NULL);
	if (error)
		return error;
	error = vqi_proc_read(AT_FDCWD, "/proc/self/status", STATUS_MAX, &ours, NULL);
	if (error)
		return error;
	if (!vqi_status_ids(theirs, "Uid", access.uids) ||
	    !vqi_status_ids(theirs, "Gid", access.gids) || !vqi_status_ids(ours, "Uid", our_uids) ||
	    !vqi_status_ids(ours, "Gid", our_gids))
		return vqi_error_new(VQI_ERROR_BAD_DATA, "no ids in /proc/PID/status");
	access.our_uid = our_uids[3];
	access.our_gid = our_gids[3];
	access.permitted = vqi_status_number(theirs, "CapPrm", 16, 0);
	access.our_permitted = vqi_status_number(ours, "CapPrm", 16, 0);
	access.our_effective = vqi_status_number(ours, "CapEff", 16, 0);
	access.ptrace_scope = read_ptrace_scope();
	access.dumpable = is_dumpable(reader->dirfd, access.uids);
	access.user_namespace = same_user_namespace(reader->dirfd);
	*ret_access = access;
	return NULL;
}

struct vqi_error *vqi_access_refused(const struct vqi_reader *reader, int saved_errno)
{
	vqi_cleanup_error struct vqi_error *unknown = NULL;
	vqi_cleanup_free char *obstacle = NULL;
	struct vqi_access access;
	struct vqi_error *error;

	unknown = gather(reader, &access);
	if (unknown && unknown->code == VQI_ERROR_GONE)
		return take_ptr(unknown);
	if (!unknown)
		obstacle = vqi_access_obstacle(&access);
	error = vqi_error_new(VQI_ERROR_PERMISSION, "no access to process %d: %s", reader->pid,
			      obstacle ? obstacle : strerror(saved_errno));
	if (error->code == VQI_ERROR_PERMISSION)
		error->saved_errno = saved_errno;
	return error;
}
