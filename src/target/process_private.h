/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of src/target share about a process. */
#ifndef VQI_TARGET_PROCESS_PRIVATE_H
#define VQI_TARGET_PROCESS_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>

#include "vqi/process.h"

/* A thread's id on this side, and in the target's pid namespace. */
struct vqi_alias {
	pid_t ours, theirs;
};

struct vqi_process {
	struct vqi_mem mem; /* first, so that one can be made from the other */
	pid_t pid;
	int dirfd;	       /* /proc/PID: names this process even when the pid is another's */
	int pidfd;	       /* readable once the process has ended; or -1 */
	int memfd;	       /* /proc/PID/mem, or -1 */
	bool vm_readv_refused; /* process_vm_readv() is forbidden or absent: memfd for all */
	uint64_t start_time;   /* clock ticks since boot */
	bool has_aliases;      /* it has a pid namespace of its own */
	struct vqi_alias *aliases;
	size_t alias_count;
};

/* The member readv of process->mem. */
struct vqi_error *vqi_process_mem_readv(struct vqi_mem *mem, struct vqi_range *ranges,
					size_t count) vqi_must_check;

/* Reads a whole file of procfs, relative to a directory, NUL-terminated; ret_len may be NULL.
 * Errors: those of vqi_error_sys(), LIMIT above max bytes. Owner: the caller frees. */
struct vqi_error *vqi_proc_read(int dirfd, const char *name, size_t max, char **ret_text,
				size_t *ret_len) vqi_must_check;

/* Reads a symbolic link of procfs, whole. Owner: the caller frees. */
struct vqi_error *vqi_proc_readlink(int dirfd, const char *name, char **ret_text) vqi_must_check;

/* Makes the error for a file of /proc/PID that could not be opened or read: GONE where that is
 * because the process has ended, PERMISSION with the obstacle where access is refused. */
struct vqi_error *vqi_process_file_error(struct vqi_process *process, const char *name,
					 struct vqi_error *error) vqi_must_check;

/* Takes the text of a maps file apart; see vqi_process_maps(). */
struct vqi_error *vqi_maps_parse(const char *text, size_t len,
				 struct vqi_maps *ret_maps) vqi_must_check;

#endif
