/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fake_waits.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static _Atomic pid_t new_tid;
static int wake_pipe[2];
static _Atomic uint64_t woken;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t own_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;

/* What looks like a pthread mutex, and how a thread waits for it. */
static struct {
	_Atomic uint32_t word;
	uint32_t count, owner, operation, value;
} lock;

void announce(void)
{
	atomic_store(&new_tid, gettid());
}

uint64_t start_thread(void *(*func)(void *), void *arg)
{
	pthread_t thread;

	atomic_store(&new_tid, 0);
	if (pthread_create(&thread, NULL, func, arg) != 0)
		return 0;
	pthread_detach(thread);
	while (!atomic_load(&new_tid))
		sched_yield();
	return (uint64_t)atomic_load(&new_tid);
}

bool is(const char *line, const char *command)
{
	size_t len = strlen(command);

	return strncmp(line, command, len) == 0 && (line[len] == ' ' || line[len] == '\0');
}

/* Goes to sleep again whenever it is woken. */
static void *poll_pipe(void *arg)
{
	struct pollfd fd = {.fd = wake_pipe[0], .events = POLLIN};
	char byte;

	announce();
	while (ppoll(&fd, 1, NULL, NULL) >= 0) {
		if (read(wake_pipe[0], &byte, 1) == 1)
			atomic_fetch_add(&woken, 1);
	}
	return arg;
}

static void *read_file(void *arg)
{
	char byte;

	announce();
	while (read((int)(intptr_t)arg, &byte, 1) < 0)
		;
	return arg;
}

static void *lock_file(void *arg)
{
	announce();
	flock((int)(intptr_t)arg, LOCK_EX);
	return arg;
}

static void *lock_mutex(void *arg)
{
	announce();
	pthread_mutex_lock(arg);
	return arg;
}

/* It has it when it tells its id. */
static void *hold_mutex(void *arg)
{
	pthread_mutex_lock(arg);
	return poll_pipe(NULL);
}

static void *lock_mutex_twice(void *arg)
{
	pthread_mutex_lock(arg);
	return lock_mutex(arg);
}

static void *wait_condition(void *arg)
{
	announce();
	pthread_mutex_lock(arg);
	for (;;)
		pthread_cond_wait(&condition, arg);
	return arg;
}

static void *wait_lock(void *arg)
{
	announce();
	syscall(SYS_futex, &lock.word, lock.operation, lock.value, NULL, NULL,
		FUTEX_BITSET_MATCH_ANY);
	return arg;
}

/* A page that is missing until a userfaultfd provides it. */
static void *map_missing(void)
{
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY);
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *at = mmap(NULL, page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct uffdio_register range = {
		.range = {.start = (uintptr_t)at, .len = page},
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	struct uffdio_api api = {.api = UFFD_API};

	if (ioctl(fd, UFFDIO_API, &api) != 0 || ioctl(fd, UFFDIO_REGISTER, &range) != 0)
		abort();
	return at;
}

static void *touch(void *arg)
{
	announce();
	return *(volatile char *)arg ? arg : NULL;
}

static void *end_at_once(void *arg)
{
	announce();
	return arg;
}

/* The id of a thread that is no more. */
static uint64_t end_thread(void)
{
	uint64_t tid = start_thread(end_at_once, NULL);
	char path[48];

	snprintf(path, sizeof(path), "/proc/self/task/%d", (int)tid);
	while (access(path, F_OK) == 0)
		sched_yield();
	return tid;
}

static void *open_file(const char *path)
{
	return (void *)(intptr_t)open(path, O_RDWR | O_CLOEXEC);
}

/* Wakes the thread that polls, and waits until it has read what woke it. */
static uint64_t wake(void)
{
	uint64_t before = atomic_load(&woken);

	if (write(wake_pipe[1], "", 1) != 1)
		return 0;
	while (atomic_load(&woken) == before)
		sched_yield();
	return 1;
}

uint64_t fake_waits_answer(const char *line, const char *argument)
{
	if (!wake_pipe[1] && pipe2(wake_pipe, O_CLOEXEC) != 0)
		return 0;
	if (is(line, "poll"))
		return start_thread(poll_pipe, NULL);
	if (is(line, "wake"))
		return wake();
	if (is(line, "read-file"))
		return start_thread(read_file, open_file(argument));
	if (is(line, "lock-file")) { /* another descriptor has it */
		flock((int)(intptr_t)open_file(argument), LOCK_EX);
		return start_thread(lock_file, open_file(argument));
	}
	if (is(line, "hold"))
		return start_thread(hold_mutex, &mutex);
	if (is(line, "lock"))
		return start_thread(lock_mutex, &mutex);
	if (is(line, "lock-twice"))
		return start_thread(lock_mutex_twice, &own_mutex);
	if (is(line, "mutex-address"))
		return (uintptr_t)&mutex;
	if (is(line, "condition"))
		return start_thread(wait_condition, &own_mutex);
	if (is(line, "lock-word")) { /* what it holds, who has it, what the thread waits with */
		sscanf(argument, "%u %u %u", &lock.value, &lock.owner, &lock.operation);
		atomic_store(&lock.word, lock.value);
		return start_thread(wait_lock, NULL);
	}
	if (is(line, "set-word")) {
		atomic_store(&lock.word, (uint32_t)strtoul(argument, NULL, 10));
		return (uintptr_t)&lock;
	}
	if (is(line, "fault"))
		return start_thread(touch, map_missing());
	if (is(line, "ended"))
		return end_thread();
	return 0;
}
