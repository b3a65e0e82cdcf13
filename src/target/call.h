/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /proc/PID/task/TID/syscall, taken apart. */
#ifndef VQI_TARGET_CALL_H
#define VQI_TARGET_CALL_H

#include <stdint.h>
#include <sys/types.h>

#include "vqi/error.h"
#include "vqi/process.h"

enum vqi_call_state {
	VQI_CALL_UNKNOWN, /* the kernel lacks the file, or keeps it from us */
	VQI_CALL_RUNNING, /* it runs, or is about to */
	VQI_CALL_OUTSIDE, /* it sleeps outside of a system call: a page of memory is to come */
	VQI_CALL_INSIDE,  /* it sleeps in one */
};

struct vqi_call {
	enum vqi_call_state state;
	int number;	  /* INSIDE */
	uint64_t args[6]; /* INSIDE */
	uint64_t sp, pc;  /* INSIDE and OUTSIDE */
};

/* Source: proc_pid_syscall(5). Errors: GONE, NOMEM. */
struct vqi_error *vqi_thread_call(struct vqi_process *process, pid_t tid,
				  struct vqi_call *ret_call) vqi_must_check;

/* Reads a file of a thread. Errors: GONE, PERMISSION, SYS, NOMEM, LIMIT. Owner: the caller frees. */
struct vqi_error *vqi_thread_file(struct vqi_process *process, pid_t tid, const char *entry,
				  char **ret_text) vqi_must_check;

/* The same for what a kernel may lack, or keep from us: *ret_text stays as it is then. Errors: GONE, NOMEM. */
struct vqi_error *vqi_thread_optional_file(struct vqi_process *process, pid_t tid,
					   const char *entry, char **ret_text) vqi_must_check;

/* That a thread has ended is not that the process has: BAD_DATA then. Owner: takes error. */
struct vqi_error *vqi_thread_error(struct vqi_process *process, pid_t tid,
				   struct vqi_error *error) vqi_must_check;

#endif
