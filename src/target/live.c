/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "live.h"

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
#include "root.h"
#include "status.h"
#include "vqi/cleanup.h"
#include "vqi/mask.h"

#define STATUS_MAX 65536
#define DELETED	   " (deleted)"
#define BELOW_ROOT "root/"

/* ---- that it lives ---- */

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

static struct vqi_error *live_check(struct vqi_reader *reader)
{
	const struct vqi_live *live = (const struct vqi_live *)reader;
	/* Either way it ends before its parent can reap it and the pid be given to another. So as
	 * long as it has not ended, the number means this process too. */
	bool ended = live->pidfd >= 0 ? pidfd_is_readable(live->pidfd)
				      : stat_says_ended(reader->dirfd);

	if (ended)
		return vqi_error_new(VQI_ERROR_GONE, "process %d has ended", reader->pid);
	return NULL;
}

/* ---- its files ---- */

/* Nobody shall have them who gets a report, or what was recorded. */
static struct vqi_error *read_command_line(int dirfd, size_t max, char **ret_text, size_t *ret_len)
{
	vqi_cleanup_free char *words = NULL;
	size_t len;
	struct vqi_error *error = vqi_proc_read(dirfd, "cmdline", max, &words, &len);

	return error ? error : vqi_mask_command_line(words, len, ret_text, ret_len);
}

static struct vqi_error *read_below_root(int root_fd, const char *path, size_t max, char **ret_text)
{
	vqi_cleanup_fd int fd = vqi_root_open_file(root_fd, path);

	return fd < 0 ? vqi_error_sys(errno, "cannot open %s", path)
		      : vqi_root_read(fd, max, ret_text);
}

static struct vqi_error *read_package(int root_fd, const char *path, char **ret_text)
{
	char *package = vqi_root_package(root_fd, path);

	if (!package)
		return vqi_error_sys(ENOENT, "%s is of no package", path);
	*ret_text = package;
	return NULL;
}

/* What is none of /proc/PID, but of the target's system. */
static struct vqi_error *read_system(int dirfd, const char *name, size_t max, char **ret_text,
				     size_t *ret_len)
{
	vqi_cleanup_fd int root_fd = openat(dirfd, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	bool is_package = strncmp(name, VQI_PACKAGE_OF, strlen(VQI_PACKAGE_OF)) == 0;
	struct vqi_error *error;

	if (root_fd < 0)
		return vqi_error_sys(errno, "cannot open root");
	if (is_package)
		error = read_package(root_fd, name + strlen(VQI_PACKAGE_OF), ret_text);
	else
		error = read_below_root(root_fd, name + strlen(BELOW_ROOT), max, ret_text);
	if (!error && ret_len)
		*ret_len = strlen(*ret_text);
	return error;
}

static bool is_of_system(const char *name)
{
	return strncmp(name, BELOW_ROOT, strlen(BELOW_ROOT)) == 0 ||
	       strncmp(name, VQI_PACKAGE_OF, strlen(VQI_PACKAGE_OF)) == 0;
}

static struct vqi_error *live_read_file(struct vqi_reader *reader, const char *name, size_t max,
					char **ret_text, size_t *ret_len)
{
	struct vqi_error *error;

	if (strcmp(name, "cmdline") == 0)
		error = read_command_line(reader->dirfd, max, ret_text, ret_len);
	else if (is_of_system(name))
		error = read_system(reader->dirfd, name, max, ret_text, ret_len);
	else
		error = vqi_proc_read(reader->dirfd, name, max, ret_text, ret_len);
	return error ? vqi_reader_file_error(reader, name, error) : NULL;
}

static struct vqi_error *live_read_link(struct vqi_reader *reader, const char *name,
					char **ret_text)
{
	struct vqi_error *error = vqi_proc_readlink(reader->dirfd, name, ret_text);

	return error ? vqi_reader_file_error(reader, name, error) : NULL;
}

static struct vqi_error *live_list(struct vqi_reader *reader, const char *name, size_t max,
				   int **ret_numbers, size_t *ret_count)
{
	struct vqi_error *error = vqi_proc_list(reader->dirfd, name, max, ret_numbers, ret_count);

	return error ? vqi_reader_file_error(reader, name, error) : NULL;
}

static bool live_exists(struct vqi_reader *reader, const char *name)
{
	return faccessat(reader->dirfd, name, F_OK, 0) == 0;
}

static struct vqi_error *live_open(struct vqi_reader *reader, const char *name, int flags,
				   int *ret_fd)
{
	int fd = openat(reader->dirfd, name, O_RDONLY | O_CLOEXEC | flags);

	if (fd < 0)
		return vqi_reader_file_error(reader, name,
					     vqi_error_sys(errno, "cannot open %s", name));
	*ret_fd = fd;
	return NULL;
}

/* Whether path, looked up in the target's root directory, is the file that runs. */
static bool is_exe(struct vqi_reader *reader, const char *path)
{
	vqi_cleanup_free char *below_root = NULL;
	struct stat exe, named;

	if (asprintf(&below_root, "root/%s", path) < 0) {
		below_root = NULL; /* asprintf() leaves it undefined */
		return false;
	}
	return fstatat(reader->dirfd, "exe", &exe, 0) == 0 &&
	       fstatat(reader->dirfd, below_root, &named, 0) == 0 && exe.st_dev == named.st_dev &&
	       exe.st_ino == named.st_ino;
}

static struct vqi_error *live_exe_path(struct vqi_reader *reader, char **ret_path)
{
	vqi_cleanup_free char *path = NULL;
	struct vqi_error *error = live_read_link(reader, "exe", &path);
	size_t len;

	if (error)
		return error;
	len = strlen(path);
	/* A file can be called "x (deleted)", too; then it is there. */
	if (len > strlen(DELETED) && strcmp(path + len - strlen(DELETED), DELETED) == 0 &&
	    !is_exe(reader, path))
		path[len - strlen(DELETED)] = '\0';
	*ret_path = take_ptr(path);
	return NULL;
}

static void live_comm(struct vqi_reader *reader, pid_t pid, char ret_comm[16])
{
	(void)reader;
	vqi_process_comm(pid ? pid : getpid(), ret_comm);
}

/* ---- time ---- */

static struct timespec live_now(struct vqi_reader *reader, clockid_t clock)
{
	(void)reader;
	return vqi_clock_now(clock);
}

static void live_rest(struct vqi_reader *reader, uint64_t ns)
{
	(void)reader;
	vqi_clock_rest(ns);
}

/* ---- opening ---- */

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
static struct vqi_error *identify(struct vqi_live *live)
{
	vqi_cleanup_free char *status = NULL, *stat = NULL;
	struct vqi_error *error;
	uint64_t tgid;

	error = live_read_file(&live->reader, "status", STATUS_MAX, &status, NULL);
	if (error)
		return error;
	tgid = vqi_status_number(status, "Tgid", 10, 0);
	if (tgid != (uint64_t)live->reader.pid)
		return vqi_error_new(VQI_ERROR_GONE, "%d is no process, but a thread of process %d",
				     live->reader.pid, (int)tgid);
	live->reader.has_aliases = vqi_status_inner_tid(status) != 0;
	if (strchr("ZXx", vqi_status_state(status)))
		return vqi_error_new(VQI_ERROR_GONE, "process %d has ended (it is a zombie)",
				     live->reader.pid);
	error = live_read_file(&live->reader, "stat", STATUS_MAX, &stat, NULL);
	if (error)
		return error;
	if (!vqi_stat_start_time(stat, &live->reader.start_time))
		return vqi_error_new(VQI_ERROR_BAD_DATA, "no start time in /proc/%d/stat",
				     live->reader.pid);
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
static struct vqi_error *open_mem(struct vqi_live *live)
{
	int saved_errno;

	live->memfd = openat(live->reader.dirfd, "mem", O_RDONLY | O_CLOEXEC);
	if (live->memfd >= 0)
		return NULL;
	saved_errno = errno;
	if (saved_errno != EACCES && saved_errno != EPERM)
		return vqi_reader_file_error(&live->reader, "mem",
					     vqi_error_sys(saved_errno, "cannot open mem"));
	if (vm_readv_allowed(live->reader.pid))
		return NULL;
	return vqi_access_refused(&live->reader, saved_errno);
}

static void live_close(struct vqi_reader *reader)
{
	struct vqi_live *live = (struct vqi_live *)reader;

	if (reader->dirfd >= 0)
		close(reader->dirfd);
	if (live->pidfd >= 0)
		close(live->pidfd);
	if (live->memfd >= 0)
		close(live->memfd);
	free(live);
}

static const struct vqi_reader_ops live_ops = {
	.read_file = live_read_file,
	.read_link = live_read_link,
	.list = live_list,
	.exists = live_exists,
	.exe_path = live_exe_path,
	.open_mapped = vqi_live_open_mapped,
	.open = live_open,
	.readv = vqi_live_readv,
	.check = live_check,
	.comm = live_comm,
	.now = live_now,
	.rest = live_rest,
	.close = live_close,
};

static struct vqi_error *open_all(struct vqi_live *live)
{
	/* In this order: what can still be read through dirfd after pidfd was opened shows that
	 * both mean the same process. */
	struct vqi_error *error = open_dir(live->reader.pid, &live->reader.dirfd);

	if (!error)
		error = open_pidfd(live->reader.pid, &live->pidfd);
	if (!error)
		error = identify(live);
	return error ? error : open_mem(live);
}

struct vqi_error *vqi_live_open(pid_t pid, struct vqi_reader **ret_reader)
{
	struct vqi_live *live;
	struct vqi_error *error;

	if (pid <= 0)
		return no_process(pid);
	live = malloc(sizeof(*live));
	if (!live)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	*live = (struct vqi_live){
		.reader = {.ops = &live_ops, .pid = pid, .dirfd = -1},
		.pidfd = -1,
		.memfd = -1,
	};
	error = open_all(live);
	if (error) {
		live_close(&live->reader);
		return error;
	}
	*ret_reader = &live->reader;
	return NULL;
}
