/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of src/target share about a process. */
#ifndef VQI_TARGET_PROCESS_PRIVATE_H
#define VQI_TARGET_PROCESS_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>

#include "reader.h"
#include "vqi/process.h"

/* A thread's id on this side, and in the target's pid namespace. */
struct vqi_alias {
	pid_t ours, theirs;
};

struct vqi_process {
	struct vqi_mem mem; /* first, so that one can be made from the other */
	struct vqi_reader *reader;
	struct vqi_alias *aliases;
	size_t alias_count;
};

/* Reads a whole file of procfs, relative to a directory, NUL-terminated; ret_len may be NULL.
 * Errors: those of vqi_error_sys(), LIMIT above max bytes. Owner: the caller frees. */
struct vqi_error *vqi_proc_read(int dirfd, const char *name, size_t max, char **ret_text,
				size_t *ret_len) vqi_must_check;

/* Reads a symbolic link of procfs, whole. Owner: the caller frees. */
struct vqi_error *vqi_proc_readlink(int dirfd, const char *name, char **ret_text) vqi_must_check;

/* Lists a folder of procfs whose entries are numbers. Errors: those of vqi_error_sys(), LIMIT above
 * max entries. Owner: the caller frees. */
struct vqi_error *vqi_proc_list(int dirfd, const char *name, size_t max, int **ret_numbers,
				size_t *ret_count) vqi_must_check;

/* The clocks of this host. */
struct timespec vqi_clock_now(clockid_t clock);
void vqi_clock_rest(uint64_t ns);

/* Takes the text of a maps file apart; see vqi_process_maps(). */
struct vqi_error *vqi_maps_parse(const char *text, size_t len,
				 struct vqi_maps *ret_maps) vqi_must_check;

#endif
