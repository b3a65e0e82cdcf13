/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A process that lives, read through /proc and process_vm_readv(). */
#ifndef VQI_TARGET_LIVE_H
#define VQI_TARGET_LIVE_H

#include "reader.h"

struct vqi_live {
	struct vqi_reader reader; /* first, so that one can be made from the other */
	int pidfd;		  /* readable once the process has ended; or -1 */
	int memfd;		  /* /proc/PID/mem, or -1 */
	bool vm_readv_refused;	  /* process_vm_readv() is forbidden or absent: memfd for all */
};

/* Errors: those of vqi_process_open(). */
struct vqi_error *vqi_live_open(pid_t pid, struct vqi_reader **ret_reader) vqi_must_check;

/* Its operations that have files of their own. */
struct vqi_error *vqi_live_readv(struct vqi_reader *reader, struct vqi_range *ranges,
				 size_t count) vqi_must_check;
struct vqi_error *vqi_live_open_mapped(struct vqi_reader *reader, const struct vqi_map *map,
				       int *ret_fd) vqi_must_check;

#endif
