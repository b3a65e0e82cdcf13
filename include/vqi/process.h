/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A process seen from outside: one that lives, through procfs and process_vm_readv(), or what was kept
 * of one. Nothing here stops it. */
#ifndef VQI_PROCESS_H
#define VQI_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "vqi/error.h"
#include "vqi/mem.h"
#include "vqi/registers.h"
#include "vqi/snapshot.h"

struct vqi_process;

/* One line of /proc/PID/maps. Source: proc_pid_maps(5). */
struct vqi_map {
	uint64_t start, end; /* addresses in the target, [start, end) */
	uint64_t offset;     /* bytes into the file */
	uint64_t dev, inode; /* dev as makedev(3) gives it; inode is 0 for anonymous memory */
	bool readable, writable, executable;
	char *path; /* NULL where the line has none; as the kernel prints it, " (deleted)" included */
};

struct vqi_maps {
	struct vqi_map *maps; /* ascending by address */
	size_t count;
};

struct vqi_tids {
	pid_t *tids;
	size_t count;
};

/* What /proc/PID/fdinfo tells of an eventfd. Source: fs/eventfd.c eventfd_show_fdinfo(). */
struct vqi_eventfd {
	uint64_t count; /* pending notifications */
	int64_t id;	/* the same in every process that holds this eventfd; -1 where not shown */
};

/* Opens a process for reading. It stays this process: its directory in /proc and a pidfd (or, where
 * there is none, the former alone) guard against the reuse of its pid.
 * Errors: GONE no such process (a zombie counts as none; a thread's id that is no process too),
 * PERMISSION (the message names the obstacle: another uid, a missing capability, ptrace_scope, a
 * user namespace), SYS. */
struct vqi_error *vqi_process_open(pid_t pid, struct vqi_process **ret_process) vqi_must_check;
void vqi_process_close(struct vqi_process *process);
VQI_DEFINE_CLEANUP(struct vqi_process *, vqi_process_close)
#define vqi_cleanup_process vqi_cleanup(vqi_process_close)

/* Opens a core file of one. What only the kernel could tell of it is unknown; it never changes. exe, if not NULL, is where its
 * executable is now. Source: core(5).
 * Errors: BAD_DATA no core, cut short or broken; UNSUPPORTED of another kind of machine, or its executable is not there (the
 * message says what to do); NOT_QEMU, SYS, LIMIT, NOMEM. */
struct vqi_error *vqi_process_open_core(const char *path, const char *exe,
					struct vqi_process **ret_process) vqi_must_check;
bool vqi_process_is_core(const struct vqi_process *process);

pid_t vqi_process_pid(const struct vqi_process *process);

/* When it started; with the pid, this tells a process from every other since boot.
 * Units: clock ticks since boot. Source: proc_pid_stat(5), field 22. */
uint64_t vqi_process_start_time(const struct vqi_process *process);

/* The directory /proc/PID, for openat(); pinned to this very process. -1: it is none that lives. */
int vqi_process_dirfd(const struct vqi_process *process);

/* Errors: GONE when the process has ended since (its pid may be another's now). */
struct vqi_error *vqi_process_check(struct vqi_process *process) vqi_must_check;

/* The process's memory. Owner: the process. */
struct vqi_mem *vqi_process_mem(struct vqi_process *process);

/* Reads a whole small file of /proc/PID (relative path, "task/7/stat" say), NUL-terminated. Of "cmdline" the secrets are taken
 * out; "root/etc/fstab" is looked for as the target sees it, and a regular file.
 * Errors: GONE, PERMISSION, SYS, LIMIT above max bytes. Owner: the caller frees. */
struct vqi_error *vqi_process_read_file(struct vqi_process *process, const char *name, size_t max,
					char **ret_text, size_t *ret_len) vqi_must_check;

/* Reads a symbolic link of /proc/PID. Errors: GONE, PERMISSION, SYS. Owner: the caller frees. */
struct vqi_error *vqi_process_read_link(struct vqi_process *process, const char *name,
					char **ret_text) vqi_must_check;

/* Lists a folder of /proc/PID whose entries are numbers, fd say.
 * Errors: GONE, PERMISSION, SYS, LIMIT above max entries, NOMEM. Owner: the caller frees. */
struct vqi_error *vqi_process_list(struct vqi_process *process, const char *name, size_t max,
				   int **ret_numbers, size_t *ret_count) vqi_must_check;

/* Opens a file of /proc/PID for reading. Errors: GONE, PERMISSION, SYS, UNSUPPORTED where there is no such thing. */
struct vqi_error *vqi_process_open_file(struct vqi_process *process, const char *name, int flags,
					int *ret_fd) vqi_must_check;

/* What a clock of the host of the process shows. NULL is this host. */
struct timespec vqi_process_now(struct vqi_process *process, clockid_t clock);

/* Lets the process go on for a while, before it is looked at again. NULL is fine. Units: ns. */
void vqi_process_rest(struct vqi_process *process, uint64_t ns);

/* What /proc/PID/exe points to, as the target sees it, " (deleted)" cut off. Owner: caller. */
struct vqi_error *vqi_process_exe_path(struct vqi_process *process, char **ret_path) vqi_must_check;

/* The package that a file of the target's system is of, with its version, "qemu-system-x86 1:7.2+dfsg-7"; NULL: of none, or it
 * cannot be told without running a program. Errors: GONE, PERMISSION, SYS, NOMEM. Owner: the caller frees. */
struct vqi_error *vqi_process_package(struct vqi_process *process, const char *path,
				      char **ret_package) vqi_must_check;

struct vqi_error *vqi_process_maps(struct vqi_process *process,
				   struct vqi_maps *ret_maps) vqi_must_check;
void vqi_maps_done(struct vqi_maps *maps);
VQI_DEFINE_CLEANUP_VALUE(struct vqi_maps, vqi_maps_done)

/* Opens the file behind a mapping for reading: /proc/PID/exe where it is the same file, else
 * map_files (works for deleted files), else the path below /proc/PID/root when device and inode are
 * still those of the mapping. */
struct vqi_error *vqi_process_open_mapped(struct vqi_process *process, const struct vqi_map *map,
					  int *ret_fd) vqi_must_check;

struct vqi_error *vqi_process_threads(struct vqi_process *process,
				      struct vqi_tids *ret_tids) vqi_must_check;
void vqi_tids_done(struct vqi_tids *tids);
VQI_DEFINE_CLEANUP_VALUE(struct vqi_tids, vqi_tids_done)

/* The id on this side of a thread that the target knows by another, where it has a pid namespace of its own: unknown
 * when there is no such thread. Elsewhere it is the same; 0, and what is unknown, stay so.
 * Source: pid_namespaces(7), NSpid in proc_pid_status(5). Errors: GONE, PERMISSION, SYS, LIMIT, NOMEM. */
struct vqi_error *vqi_process_tid(struct vqi_process *process, struct vqi_num theirs,
				  struct vqi_num *ret_tid) vqi_must_check;

/* What a thread of the process is doing: all of struct vqi_thread but its role. What the kernel does
 * not tell stays unknown. sleeps is read last: if it is the same in two looks, and both show the
 * same call, the thread has slept in that one call all the time between.
 * Errors: BAD_DATA when the thread has ended; GONE, PERMISSION, SYS, NOMEM. */
struct vqi_error *vqi_process_thread(struct vqi_process *process, pid_t tid,
				     struct vqi_thread *ret_thread) vqi_must_check;

/* Whether a thread sleeps in a call that QEMU's loops poll in: a small part of the above.
 * Errors: as vqi_process_thread(). */
struct vqi_error *vqi_process_polls(struct vqi_process *process, pid_t tid,
				    bool *ret_polls) vqi_must_check;

/* Where a thread is. */
struct vqi_thread_place {
	struct vqi_registers registers;
	bool was_stopped;
	struct vqi_num sleeps; /* how often it had gone to sleep by then; unknown: it was stopped */
	uint8_t *stack;	       /* the bytes from the stack pointer on, of that time */
	size_t stack_len;
};

/* Where a thread is, and the innermost part of its stack, which belong together. One that sleeps is not touched: procfs gives its
 * stack pointer and program counter, and no other register. One that runs is stopped alone, for microseconds, when may_stop
 * allows it. *stopped_us is how long, and is added to also on failure; it stays as it is when nothing was stopped.
 * Stop: the thread, if it runs.
 * Errors: UNSUPPORTED it runs, and may not be stopped, or sleeps too shortly, or the kernel does not tell; BAD_DATA it has
 * ended or cannot be stopped; GONE, PERMISSION, SYS, NOMEM. Owner: the caller, vqi_thread_place_done(). */
struct vqi_error *vqi_thread_registers(struct vqi_process *process, pid_t tid, bool may_stop,
				       struct vqi_thread_place *ret_place,
				       uint64_t *stopped_us) vqi_must_check;
void vqi_thread_place_done(struct vqi_thread_place *place);

/* What keeps the whole process from running, as its main thread shows it.
 * Source: proc_pid_stat(5), kernel/freezer.c, kernel/cgroup/freezer.c.
 * Errors: GONE, PERMISSION, SYS, NOMEM. */
struct vqi_error *vqi_process_held(struct vqi_process *process,
				   struct vqi_held *ret_held) vqi_must_check;

/* The command name of a process; "" where it cannot be read. */
void vqi_process_comm(pid_t pid, char ret_comm[16]);

/* Whether the process fills pages of its memory by itself when they are first touched (a migration
 * under way, postcopy). Reading such a page waits for the process: for ever, while it is stopped.
 * Source: ioctl_userfaultfd(2). Errors: GONE, PERMISSION, SYS, NOMEM. */
struct vqi_error *vqi_process_has_userfaultfd(struct vqi_process *process,
					      bool *ret_has) vqi_must_check;

/* The eventfd behind a descriptor of the target.
 * Errors: BAD_DATA when fd is open but no eventfd, or not open; GONE, PERMISSION, SYS. */
struct vqi_error *vqi_process_eventfd(struct vqi_process *process, int fd,
				      struct vqi_eventfd *ret_eventfd) vqi_must_check;

#endif
