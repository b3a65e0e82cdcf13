/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parser runs in a child. Whoever made the executable made the debug information, and libdw
 * was not written for hostile files: what crashes or never ends there is an error here. And the
 * memory it takes is given back. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dwarf_private.h"

/* Units: s. The largest debug files take about one. */
#define MAX_CPU_S   30
#define MAX_WAIT_S  60
#define MAX_FETCH_S 600 /* with debuginfod, which has a limit of its own: DEBUGINFOD_TIMEOUT */

#define SLOW_S	    "30" /* for the first 100 KiB, unless the user says otherwise */

/* Units: bytes. Compressed sections say how large they become. */
#define MAX_MEMORY  (4ull << 30)

#define MAX_MESSAGE 1024

/* What the child says. */
struct answer {
	bool ok;
	enum vqi_error_code code;
	int saved_errno;
	char message[MAX_MESSAGE];
	struct vqi_layout layout;
};

/* The parent's handlers and blocked signals would keep Ctrl-C from ending the child. */
static void set_limits(void)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGALRM, SIGXCPU};
	const struct rlimit cpu = {.rlim_cur = MAX_CPU_S, .rlim_max = MAX_CPU_S + 1};
	const struct rlimit core = {0};
	sigset_t none;
#ifndef __SANITIZE_ADDRESS__ /* whose shadow memory is larger */
	const struct rlimit memory = {.rlim_cur = MAX_MEMORY, .rlim_max = MAX_MEMORY};

	setrlimit(RLIMIT_AS, &memory);
#endif

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		signal(signals[i], SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setrlimit(RLIMIT_CPU, &cpu);
	setrlimit(RLIMIT_CORE, &core);
	/* Processor time does not pass in front of a FIFO that lies where a debug file is
	 * expected. */
	alarm(getenv("DEBUGINFOD_URLS") ? MAX_FETCH_S : MAX_WAIT_S);
}

static bool write_all(int fd, const void *data, size_t len)
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

static void answer_error(struct answer *answer, const struct vqi_error *error)
{
	answer->code = error->code;
	answer->saved_errno = error->saved_errno;
	snprintf(answer->message, sizeof(answer->message), "%s", error->message);
}

__attribute__((noreturn)) static void child(int fd, struct vqi_process *process,
					    const struct vqi_image *image,
					    const struct vqi_dwarf_options *options)
{
	struct answer answer;
	struct vqi_error *error;

	memset(&answer, 0, sizeof(answer)); /* padding too: it is written */
	if (options->offline)
		unsetenv("DEBUGINFOD_URLS"); /* libdwfl looks at nothing else */
	/* Whoever asks for a hung VM has no three times 90 seconds for a server that says nothing. */
	setenv("DEBUGINFOD_TIMEOUT", SLOW_S, false);
	setenv("DEBUGINFOD_RETRY_LIMIT", "0", false);
	set_limits();
	error = vqi_dwarf_resolve_here(process, image, options, &answer.layout);
	answer.ok = !error;
	if (error)
		answer_error(&answer, error);
	_exit(write_all(fd, &answer, sizeof(answer)) ? 0 : 1);
}

static bool read_all(int fd, void *ret_data, size_t len)
{
	char *at = ret_data;

	while (len) {
		ssize_t part = read(fd, at, len);

		if (part < 0 && errno == EINTR)
			continue;
		if (part <= 0)
			return false;
		at += part;
		len -= (size_t)part;
	}
	return true;
}

/* What the child ended with when it gave no answer. */
static struct vqi_error *explain_end(pid_t pid, const struct vqi_image *image)
{
	int status = 0;
	pid_t ended;

	do
		ended = waitpid(pid, &status, 0);
	while (ended < 0 && errno == EINTR);
	if (ended != pid || !WIFSIGNALED(status))
		return vqi_error_new(VQI_ERROR_BAD_DATA,
				     "%s: reading the debug information ended without a result",
				     image->path);
	if (WTERMSIG(status) == SIGALRM || WTERMSIG(status) == SIGXCPU)
		return vqi_error_new(VQI_ERROR_BAD_DATA,
				     "%s: reading the debug information took too long",
				     image->path);
	return vqi_error_new(VQI_ERROR_BAD_DATA,
			     "%s: reading the debug information ended with signal %d, %s",
			     image->path, WTERMSIG(status), strsignal(WTERMSIG(status)));
}

static struct vqi_error *to_error(const struct answer *answer)
{
	struct vqi_error *error =
		vqi_error_new(answer->code, "%.*s", MAX_MESSAGE - 1, answer->message);

	if (error->code != VQI_ERROR_NOMEM)
		error->saved_errno = answer->saved_errno;
	return error;
}

struct vqi_error *vqi_dwarf_resolve(struct vqi_process *process, const struct vqi_image *image,
				    const struct vqi_dwarf_options *options,
				    struct vqi_layout *ret_layout)
{
	vqi_cleanup_fd int read_fd = -1, write_fd = -1;
	vqi_cleanup_error struct vqi_error *end = NULL;
	struct answer answer;
	pid_t parent = getpid();
	int fds[2];
	bool answered;
	pid_t pid;

	if (options->offline && !options->debuginfo && !vqi_dwarf_may_be_found(process, image))
		return vqi_dwarf_none(image);
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
		child(write_fd, process, image, options);
	}
	close(take_fd(&write_fd));
	answered = read_all(read_fd, &answer, sizeof(answer));
	end = explain_end(pid, image);
	if (!answered)
		return take_ptr(end);
	if (!answer.ok)
		return to_error(&answer);
	*ret_layout = answer.layout;
	return NULL;
}
