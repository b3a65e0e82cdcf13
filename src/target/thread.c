/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What one thread of a process is doing, as procfs tells without stopping it. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/futex.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "call.h"
#include "process_private.h"
#include "status.h"
#include "vqi/cleanup.h"

#define NS_PER_MS 1000000

/* The word of a pthread mutex that others wait for, and where its owner's thread id is.
 * Source: glibc, sysdeps/nptl/bits/struct_mutex.h and nptl/lowlevellock.h. */
#define MUTEX_CONTENDED 2
#define MUTEX_OWNER	8

static struct vqi_error *copy_line(const char *text, char **ret_line)
{
	*ret_line = strndup(text, strcspn(text, "\n"));
	return *ret_line ? NULL : vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
}

static struct vqi_error *read_status(struct vqi_process *process, struct vqi_thread *thread)
{
	vqi_cleanup_free char *status = NULL;
	struct vqi_error *error = vqi_thread_file(process, thread->tid, "status", &status);
	const char *name;

	if (error)
		return error;
	thread->state = vqi_status_state(status);
	if (vqi_status_find(status, "voluntary_ctxt_switches"))
		thread->sleeps =
			VQI_NUM(vqi_status_number(status, "voluntary_ctxt_switches", 10, 0));
	name = vqi_status_find(status, "Name");
	return name ? copy_line(name, &thread->name) : NULL;
}

/* Source: fs/proc/base.c proc_pid_schedstat(): nanoseconds on a CPU, and ready without one. */
static struct vqi_error *read_cpu_time(struct vqi_process *process, struct vqi_thread *thread)
{
	vqi_cleanup_free char *text = NULL;
	struct vqi_error *error =
		vqi_thread_optional_file(process, thread->tid, "schedstat", &text);
	uint64_t on_cpu, ready;

	if (!error && text && sscanf(text, "%" SCNu64 " %" SCNu64, &on_cpu, &ready) == 2) {
		thread->cpu_ms = VQI_NUM(on_cpu / NS_PER_MS);
		thread->wait_ms = VQI_NUM(ready / NS_PER_MS);
	}
	return error;
}

static struct vqi_error *read_wchan(struct vqi_process *process, struct vqi_thread *thread)
{
	vqi_cleanup_free char *text = NULL;
	struct vqi_error *error = vqi_thread_optional_file(process, thread->tid, "wchan", &text);

	if (error || !text || !text[0] || strcmp(text, "0") == 0)
		return error;
	return copy_line(text, &thread->wchan);
}

static struct vqi_error *read_syscall(struct vqi_process *process, struct vqi_thread *thread)
{
	vqi_cleanup_free char *name = NULL;
	struct vqi_call call;
	struct vqi_error *error = vqi_thread_call(process, thread->tid, &call);

	if (error)
		return error;
	thread->in_syscall = call.state == VQI_CALL_INSIDE;
	thread->in_fault = call.state == VQI_CALL_OUTSIDE;
	if (!thread->in_syscall)
		return NULL;
	memcpy(thread->syscall_args, call.args, sizeof(call.args));
	name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, call.number);
	if (!name && asprintf(&name, "system call %d", call.number) < 0)
		name = NULL;
	if (!name)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	thread->syscall = take_ptr(name);
	return NULL;
}

static bool is_call(const struct vqi_thread *thread, const char *const *names)
{
	for (; thread->in_syscall && *names; names++) {
		if (strcmp(thread->syscall, *names) == 0)
			return true;
	}
	return false;
}

/* The calls that a thread of QEMU waits in for a file, whose first argument is its descriptor. */
static struct vqi_error *read_file_name(struct vqi_process *process, struct vqi_thread *thread)
{
	static const char *const calls[] = {
		"read",	     "write",	  "readv",	     "writev",	 "pread64", "pwrite64",
		"preadv",    "pwritev",	  "preadv2",	     "pwritev2", "fsync",   "flock",
		"fdatasync", "ioctl",	  "recvfrom",	     "sendto",	 "recvmsg", "sendmsg",
		"fcntl",     "fallocate", "connect",	     "accept4",	 "syncfs",  "ftruncate",
		"sendfile",  "lseek",	  "copy_file_range", NULL,
	};
	struct vqi_error *error;
	char name[48];

	if (!is_call(thread, calls))
		return NULL;
	snprintf(name, sizeof(name), "fd/%d", (int)thread->syscall_args[0]);
	error = vqi_process_read_link(process, name, &thread->file);
	if (!error || error->code == VQI_ERROR_NOMEM)
		return error;
	vqi_error_free(error); /* closed by now */
	return NULL;
}

static bool is_thread(struct vqi_process *process, struct vqi_num tid)
{
	char name[48];

	snprintf(name, sizeof(name), "task/%d", (int)tid.value);
	return vqi_num_nonzero(tid) && process->reader->ops->exists(process->reader, name);
}

/* A pthread mutex that is waited for holds 2, which the waiting thread gave the kernel to compare, and
 * its owner. What looks like that and is none (a lock of the C library's own) has no thread there. */
static struct vqi_error *read_mutex(struct vqi_process *process, struct vqi_thread *thread)
{
	static const char *const calls[] = {"futex", NULL};
	uint64_t address = thread->syscall_args[0], word, theirs;
	struct vqi_num owner = VQI_UNKNOWN;
	struct vqi_error *error;

	if (!is_call(thread, calls) ||
	    (thread->syscall_args[1] & FUTEX_CMD_MASK & UINT32_MAX) != FUTEX_WAIT ||
	    (uint32_t)thread->syscall_args[2] != MUTEX_CONTENDED)
		return NULL;
	error = vqi_mem_read_uint(&process->mem, address, 4, &word);
	if (!error)
		error = vqi_mem_read_uint(&process->mem, address + MUTEX_OWNER, 4, &theirs);
	if (!error && word == MUTEX_CONTENDED)
		error = vqi_process_tid(process, VQI_NUM(theirs), &owner);
	if (error)
		return vqi_error_keep_fatal(error);
	if (is_thread(process, owner)) {
		thread->mutex_hva = VQI_NUM(address);
		thread->mutex_owner = owner;
	}
	return NULL;
}

struct vqi_error *vqi_process_thread(struct vqi_process *process, pid_t tid,
				     struct vqi_thread *ret_thread)
{
	struct vqi_thread thread = {.tid = tid};
	struct vqi_error *error;

	/* The counter last: when it has not moved by the next look, the thread slept all the time
	 * in what is read here. */
	error = read_syscall(process, &thread);
	if (!error)
		error = read_wchan(process, &thread);
	if (!error)
		error = read_file_name(process, &thread);
	if (!error)
		error = read_mutex(process, &thread);
	if (!error)
		error = read_cpu_time(process, &thread);
	if (!error)
		error = read_status(process, &thread);
	if (!error && thread.state == 'Z') /* killed, and not reaped yet */
		error = vqi_error_new(VQI_ERROR_GONE, "thread %d has ended", (int)tid);
	if (error) {
		vqi_thread_done(&thread);
		return vqi_thread_error(process, tid, error);
	}
	*ret_thread = thread;
	return NULL;
}

struct vqi_error *vqi_process_polls(struct vqi_process *process, pid_t tid, bool *ret_polls)
{
	struct vqi_thread thread = {.tid = tid};
	struct vqi_error *error = read_syscall(process, &thread);

	if (!error)
		*ret_polls = thread.in_syscall && vqi_is_poll(thread.syscall);
	vqi_thread_done(&thread);
	return error ? vqi_thread_error(process, tid, error) : NULL;
}
