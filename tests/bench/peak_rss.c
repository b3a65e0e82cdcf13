/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs a command and prints to standard error its peak memory, or that of its largest child, in KiB.
 * Small itself: what a process had before exec() counts as its own.
 *
 * Usage: peak_rss COMMAND [ARGUMENT]... */
#include <errno.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct rusage usage;
	int status = 0;
	pid_t pid;

	if (argc < 2)
		return 2;
	pid = fork();
	if (pid == 0) {
		execv(argv[1], argv + 1);
		_exit(127);
	}
	while (wait4(pid, &status, 0, &usage) < 0 && errno == EINTR)
		;
	fprintf(stderr, "%ld\n", usage.ru_maxrss);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
