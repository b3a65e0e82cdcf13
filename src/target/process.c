/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vqi/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "access.h"
#include "process_private.h"
#include "status.h"
#include "vqi/cleanup.h"

#define STATUS_MAX 65536
#define DELETED	   " (deleted)"

static struct vqi_error *no_process(pid_t pid)
{
	return vqi_error_new(VQI_ERROR_GONE, "no process %d", pid);
}

/* Opens /proc/PID. With hidepid=2 the kernel denies that a foreign process is there; kill() does
 * not: proc(5), "hidepid". */
static struct vqi_error *open_dir(pid_t pid, int *ret_fd)
{
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d", pid);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		*ret_fd = fd;
		return NULL;
	}
	if (errno != ENOENT)
		return vqi_error_sys(errno, "cannot open %s", path);
	if (kill(pid, 0) == 0 || errno == EPERM)
		return vqi_error_new(VQI_ERROR_PERMISSION,
				     "process %d is hidden: /proc is mounted with hidepid", pid);
	return no_process(pid);
}

/* Stores -1 where the kernel does not give one: for a thread's id, which identify() refuses (EINVAL,
 * and ENOENT since Linux 6.9); before Linux 5.3, in a container that does not know the call, and
 * under Valgrind up to 3.20 (ENOSYS, EPERM). */
static struct vqi_error *open_pidfd(pid_t pid, int *ret_fd)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	if (fd < 0 && errno == ESRCH)
		return no_process(pid);
	if (fd < 0 && errno != EINVAL && errno != ENOENT && errno != ENOSYS && errno != EPERM)
		return vqi_error_sys(errno, "pidfd_open of process %d", pid);
	*ret_fd = fd;
	return NULL;
}

/* Makes sure that this is a process that runs, and remembers since when. */
static struct vqi_error *identify(struct vqi_process *process)
{
	vqi_cleanup_free char *status = NULL, *stat = NULL;
	struct vqi_error *error;
	uint64_t tgid;

	error = vqi_process_read_file(process, "status", STATUS_MAX, &status, NULL);
	if (error)
		return error;
	tgid = vqi_status_number(status, "Tgid", 10, 0);
	if (tgid != (uint64_t)process->pid)
		return vqi_error_new(VQI_ERROR_GONE, "%d is no process, but a thread of process %d",
				     process->pid, (int)tgid);
	process->has_aliases = vqi_status_inner_tid(status) != 0;
	if (strchr("ZXx", vqi_status_state(status)))
		return vqi_error_new(VQI_ERROR_GONE, "process %d has ended (it is a zombie)",
				     process->pid);
	error = vqi_process_read_file(process, "stat", STATUS_MAX, &stat, NULL);
	if (error)
		return error;
	if (!vqi_stat_start_time(stat, &process->start_time))
		return vqi_error_new(VQI_ERROR_BAD_DATA, "no start time in /proc/%d/stat",
				     process->pid);
	return NULL;
}

/* Whether process_vm_readv() is allowed. Nothing is mapped at 0, but permission is looked at first:
 * mm/process_vm_access.c process_vm_rw_core(). */
static bool vm_readv_allowed(pid_t pid)
{
	char byte;
	struct iovec local = {.iov_base = &byte, .iov_len = 1};
	struct iovec remote = {.iov_base = NULL, .iov_len = 1};

	return process_vm_readv(pid, &local, 1, &remote, 1, 0) >= 0 || errno == EFAULT;
}

/* Finds out whether memory can be read one way or the other. */
static struct vqi_error *open_mem(struct vqi_process *process)
{
	int saved_errno;

	process->memfd = openat(process->dirfd, "mem", O_RDONLY | O_CLOEXEC);
	if (process->memfd >= 0)
		return NULL;
	saved_errno = errno;
	if (saved_errno != EACCES && saved_errno != EPERM)
		return vqi_process_file_error(process, "mem",
					      vqi_error_sys(saved_errno, "cannot open mem"));
	if (vm_readv_allowed(process->pid))
		return NULL;
	return vqi_access_refused(process, saved_errno);
}

struct vqi_error *vqi_process_open(pid_t pid, struct vqi_process **ret_process)
{
	vqi_cleanup_process struct vqi_process *process = NULL;
	struct vqi_error *error;

	if (pid <= 0)
		return no_process(pid);
	process = malloc(sizeof(*process));
	if (!process)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	*process = (struct vqi_process){
		.mem = {.readv = vqi_process_mem_readv},
		.pid = pid,
		.dirfd = -1,
		.pidfd = -1,
		.memfd = -1,
	};
	/* In this order: what can still be read through dirfd after pidfd was opened shows that
	 * both mean the same process. */
	error = open_dir(pid, &process->dirfd);
	if (error)
		return error;
	error = open_pidfd(pid, &process->pidfd);
	if (error)
		return error;
	error = identify(process);
	if (error)
		return error;
	error = open_mem(process);
	if (error)
		return error;
	*ret_process = take_ptr(process);
	return NULL;
}

void vqi_process_close(struct vqi_process *process)
{
	if (!process)
		return;
	if (process->dirfd >= 0)
		close(process->dirfd);
	if (process->pidfd >= 0)
		close(process->pidfd);
	if (process->memfd >= 0)
		close(process->memfd);
	free(process->aliases);
	free(process);
}

pid_t vqi_process_pid(const struct vqi_process *process)
{
	return process->pid;
}

int vqi_process_dirfd(const struct vqi_process *process)
{
	return process->dirfd;
}

uint64_t vqi_process_start_time(const struct vqi_process *process)
{
	return process->start_time;
}

struct vqi_mem *vqi_process_mem(struct vqi_process *process)
{
	return &process->mem;
}

/* pidfd_open(2): it is readable once the process has ended. */
static bool pidfd_is_readable(int pidfd)
{
	struct pollfd poll_fd = {.fd = pidfd, .events = POLLIN};

	return poll(&poll_fd, 1, 0) > 0;
}

/* Without a pidfd: what dirfd shows is this process's, or fails. Slower, but allocates nothing. */
static bool stat_says_ended(int dirfd)
{
	vqi_cleanup_fd int fd = openat(dirfd, "stat", O_RDONLY | O_CLOEXEC);
	char text[512];
	const char *name_end;
	ssize_t len;

	if (fd < 0)
		return errno == ENOENT || errno == ESRCH;
	len = read(fd, text, sizeof(text) - 1);
	if (len <= 0)
		return len < 0 && errno == ESRCH;
	text[len] = '\0';
	name_end = strrchr(text, ')');
	return name_end && name_end[1] && strchr("ZXx", name_end[2]);
}

struct vqi_error *vqi_process_check(struct vqi_process *process)
{
	/* Either way it ends before its parent can reap it and the pid be given to another. So as
	 * long as it has not ended, the number means this process too. */
	bool ended = process->pidfd >= 0 ? pidfd_is_readable(process->pidfd)
					 : stat_says_ended(process->dirfd);

	if (ended)
		return vqi_error_new(VQI_ERROR_GONE, "process %d has ended", process->pid);
	return NULL;
}

struct vqi_error *vqi_process_file_error(struct vqi_process *process, const char *name,
					 struct vqi_error *error)
{
	struct vqi_error *gone;

	/* Once the process has ended, its files are not there (ENOENT) or say ESRCH. */
	if (error->code == VQI_ERROR_SYS) {
		gone = vqi_process_check(process);
		if (gone) {
			vqi_error_free(error);
			return gone;
		}
		/* A thread that has ended. */
		if (error->saved_errno == ENOENT && strncmp(name, "task/", 5) == 0)
			error->code = VQI_ERROR_GONE;
	}
	if (error->code == VQI_ERROR_PERMISSION) {
		int saved_errno = error->saved_errno;

		vqi_error_free(error);
		return vqi_error_prefix(vqi_access_refused(process, saved_errno), "/proc/%d/%s",
					process->pid, name);
	}
	return vqi_error_prefix(error, "/proc/%d", process->pid);
}

struct vqi_error *vqi_process_read_file(struct vqi_process *process, const char *name, size_t max,
					char **ret_text, size_t *ret_len)
{
	struct vqi_error *error = vqi_proc_read(process->dirfd, name, max, ret_text, ret_len);

	return error ? vqi_process_file_error(process, name, error) : NULL;
}

/* Whether path, looked up in the target's root directory, is the file that runs. */
static bool is_exe(struct vqi_process *process, const char *path)
{
	vqi_cleanup_free char *below_root = NULL;
	struct stat exe, named;

	if (asprintf(&below_root, "root/%s", path) < 0) {
		below_root = NULL; /* asprintf() leaves it undefined */
		return false;
	}
	return fstatat(process->dirfd, "exe", &exe, 0) == 0 &&
	       fstatat(process->dirfd, below_root, &named, 0) == 0 && exe.st_dev == named.st_dev &&
	       exe.st_ino == named.st_ino;
}

struct vqi_error *vqi_process_exe_path(struct vqi_process *process, char **ret_path)
{
	vqi_cleanup_free char *path = NULL;
	struct vqi_error *error = vqi_proc_readlink(process->dirfd, "exe", &path);
	size_t len;

	if (error)
		return vqi_process_file_error(process, "exe", error);
	len = strlen(path);
	/* A file can be called "x (deleted)", too; then it is there. */
	if (len > strlen(DELETED) && strcmp(path + len - strlen(DELETED), DELETED) == 0 &&
	    !is_exe(process, path))
		path[len - strlen(DELETED)] = '\0';
	*ret_path = take_ptr(path);
	return NULL;
}
