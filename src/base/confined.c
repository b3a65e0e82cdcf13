/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vqi/confined.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* Units: bytes. Compressed sections say how large they become. */
#define MAX_MEMORY (4ull << 30)

/* The parent's handlers and blocked signals would keep Ctrl-C from ending the child. */
static void set_limits(const struct vqi_confined_limits *limits)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGALRM, SIGXCPU, SIGPIPE};
	const struct rlimit cpu = {.rlim_cur = limits->cpu_s, .rlim_max = limits->cpu_s + 1};
	const struct rlimit core = {0};
	sigset_t none;
#ifndef __SANITIZE_ADDRESS__ /* whose shadow memory is larger */
	const struct rlimit memory = {.rlim_cur = MAX_MEMORY, .rlim_max = MAX_MEMORY};

	setrlimit(RLIMIT_AS, &memory);
#endif

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		signal(signals[i], SIG_DFL);
	signal(SIGTSTP, SIG_IGN); /* the parent waits, and could not stop with it */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setrlimit(RLIMIT_CPU, &cpu);
	setrlimit(RLIMIT_CORE, &core);
	/* Processor time does not pass in front of a FIFO that lies where a file is expected. */
	alarm(limits->wait_s);
}

struct vqi_error *vqi_confined_start(const struct vqi_confined_limits *limits,
				     vqi_confined_func func, void *context,
				     struct vqi_confined *ret_child)
{
	vqi_cleanup_fd int read_fd = -1, write_fd = -1;
	pid_t parent = getpid(), pid;
	int fds[2];

	if (pipe2(fds, O_CLOEXEC))
		return vqi_error_sys(errno, "pipe");
	read_fd = fds[0];
	write_fd = fds[1];
	pid = fork();
	if (pid < 0)
		return vqi_error_sys(errno, "fork");
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent) /* it ended before that took effect */
			_exit(1);
		close(take_fd(&read_fd)); /* so that writing fails once the parent does not read */
		set_limits(limits);
		_exit(func(write_fd, context) ? 0 : 1);
	}
	*ret_child = (struct vqi_confined){.pid = pid, .fd = take_fd(&read_fd)};
	return NULL;
}

bool vqi_confined_write(int fd, const void *data, size_t len)
{
	const char *at = data;

	while (len) {
		ssize_t written = write(fd, at, len);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return false;
		at += written;
		len -= (size_t)written;
	}
	return true;
}

bool vqi_confined_read(const struct vqi_confined *child, void *ret_data, size_t len)
{
	char *at = ret_data;

	while (len) {
		ssize_t part = read(child->fd, at, len);

		if (part < 0 && errno == EINTR)
			continue;
		if (part <= 0)
			return false;
		at += part;
		len -= (size_t)part;
	}
	return true;
}

/* False when its end is not known. */
static bool reap(struct vqi_confined *child, int *ret_status)
{
	pid_t ended;

	close(take_fd(&child->fd));
	do
		ended = waitpid(child->pid, ret_status, 0);
	while (ended < 0 && errno == EINTR);
	return ended == child->pid;
}

struct vqi_error *vqi_confined_end(struct vqi_confined *child, const char *what)
{
	int status = 0, number;

	if (!reap(child, &status) || !WIFSIGNALED(status)) {
		if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
			return NULL;
		return vqi_error_new(VQI_ERROR_BAD_DATA, "%s ended without a result", what);
	}
	number = WTERMSIG(status);
	if (number == SIGALRM || number == SIGXCPU)
		return vqi_error_new(VQI_ERROR_BAD_DATA, "%s took too long", what);
	return vqi_error_new(VQI_ERROR_BAD_DATA, "%s ended with signal %d, %s", what, number,
			     strsignal(number));
}

void vqi_confined_kill(struct vqi_confined *child)
{
	int status;

	kill(child->pid, SIGKILL);
	reap(child, &status);
}
