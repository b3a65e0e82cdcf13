/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The least that stopping a process can cost: seizes all threads of a process, interrupts them, waits for
 * each, and lets them go. Prints for how many microseconds threads were stopped.
 *
 * Usage: seize_loop PID */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>

#define MAX_THREADS 4096

static pid_t tids[MAX_THREADS];
static int count;

static double now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static void list_threads(const char *pid)
{
	struct dirent *entry;
	char path[64];
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%s/task", pid);
	dir = opendir(path);
	if (!dir) {
		perror(path);
		exit(1);
	}
	while ((entry = readdir(dir)) && count < MAX_THREADS) {
		if (entry->d_name[0] != '.')
			tids[count++] = atoi(entry->d_name);
	}
	closedir(dir);
}

static void all(int request, const char *what)
{
	for (int i = 0; i < count; i++) {
		if (ptrace(request, tids[i], NULL, NULL) != 0) {
			perror(what);
			exit(1);
		}
	}
}

int main(int argc, char **argv)
{
	double start, end;
	int status;

	if (argc != 2)
		return 2;
	list_threads(argv[1]);
	all(PTRACE_SEIZE, "PTRACE_SEIZE");
	start = now_us();
	all(PTRACE_INTERRUPT, "PTRACE_INTERRUPT");
	for (int i = 0; i < count; i++) {
		while (waitpid(tids[i], &status, __WALL) < 0 && errno == EINTR)
			;
	}
	all(PTRACE_DETACH, "PTRACE_DETACH");
	end = now_us();
	printf("%.1f\n", end - start);
	return 0;
}
