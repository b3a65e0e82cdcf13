/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A process to be looked at. It reads commands from its standard input, a line each, and answers
 * each with a line: a number, or a word where it failed. It never sleeps on a clock. */
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fake_blocks.h"
#include "fake_chains.h"
#include "fake_saved.h"
#include "fake_waits.h"

#define MAX_SPINNERS 64

static _Atomic uint64_t spins[MAX_SPINNERS];
static _Atomic uint64_t signals, interrupted, created;
static _Atomic bool churning;
static _Atomic uint32_t futex_word;
static int never_pipe[2];
static int vfork_pipe[2];
static _Atomic pid_t vfork_child;

static void *spin(void *arg)
{
	_Atomic uint64_t *counter = arg;

	announce();
	for (;;)
		atomic_fetch_add(counter, 1);
	return NULL;
}

/* A read that a signal without SA_RESTART, or a stop in vain, would end. */
static void *read_forever(void *arg)
{
	char byte;

	(void)arg;
	announce();
	while (read(never_pipe[0], &byte, 1) < 0)
		atomic_fetch_add(&interrupted, 1);
	return NULL;
}

static void *wait_futex(void *arg)
{
	(void)arg;
	announce();
	while (atomic_load(&futex_word) == 0)
		syscall(SYS_futex, &futex_word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
	return NULL;
}

static void *do_nothing(void *arg)
{
	atomic_fetch_add(&created, 1);
	return arg;
}

/* Creates threads that end at once, as fast as can be. */
static void *churn(void *arg)
{
	announce();
	while (atomic_load(&churning)) {
		pthread_t thread;

		if (pthread_create(&thread, NULL, do_nothing, NULL) == 0)
			pthread_join(thread, NULL);
	}
	return arg;
}

/* Each thread creates the next one and ends. */
static void *chain(void *arg)
{
	pthread_attr_t attr;
	pthread_t next;

	announce();
	atomic_fetch_add(&created, 1);
	if (!atomic_load(&churning))
		return arg;
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	while (pthread_create(&next, &attr, chain, NULL) != 0)
		;
	pthread_attr_destroy(&attr);
	return arg;
}

/* Sleeps in state D until the pipe is closed: kernel/fork.c wait_for_vfork_done(). */
static void *sleep_uninterruptibly(void *arg)
{
	announce();
	if (vfork() == 0) {
		char byte;

		atomic_store(&vfork_child, getpid());
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		syscall(SYS_close, vfork_pipe[1]);
		while (syscall(SYS_read, vfork_pipe[0], &byte, 1) < 0)
			;
		_exit(0);
	}
	return arg;
}

static void count_signal(int number)
{
	(void)number;
	atomic_fetch_add(&signals, 1);
}

/* Waits until a counter has moved on by some. */
static uint64_t await_more(_Atomic uint64_t *counter, uint64_t more)
{
	uint64_t start = atomic_load(counter);

	while (atomic_load(counter) - start < more)
		sched_yield();
	return atomic_load(counter);
}

/* Two pages of known bytes, and nothing behind them. */
static uint64_t map_edge(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint8_t *at =
		mmap(NULL, 3 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		return 0;
	for (size_t i = 0; i < 2 * page; i++)
		at[i] = (uint8_t)(i * 7 + (i >> 8));
	munmap(at + 2 * page, page);
	return (uintptr_t)at;
}

/* Pages of which every other one is not mapped. */
static uint64_t map_comb(size_t pages)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint8_t *at = mmap(NULL, pages * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			   -1, 0);

	if (at == MAP_FAILED)
		return 0;
	for (size_t i = 0; i < pages; i++) {
		memset(at + i * page, (int)(i & 0xff), page);
		if (i % 2)
			munmap(at + i * page, page);
	}
	return (uintptr_t)at;
}

/* A page of 0x5a that may not be read. */
static uint64_t map_unreadable(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *at = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		return 0;
	memset(at, 0x5a, page);
	mprotect(at, page, PROT_NONE);
	return (uintptr_t)at;
}

static uint64_t map_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	void *at = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);

	close(fd);
	return at == MAP_FAILED ? 0 : (uintptr_t)at;
}

static uint64_t map_memfd(const char *name)
{
	int fd = memfd_create(name, MFD_CLOEXEC);
	void *at = MAP_FAILED;

	if (fd >= 0 && ftruncate(fd, 4096) == 0)
		at = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	return at == MAP_FAILED ? 0 : (uintptr_t)at;
}

/* Pages that alternate in protection, so that they are so many lines of maps. */
static uint64_t map_stripes(size_t pages)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint8_t *at = mmap(NULL, pages * page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		return 0;
	for (size_t i = 0; i < pages; i += 2)
		mprotect(at + i * page, page, PROT_READ | PROT_WRITE);
	return (uintptr_t)at;
}

/* What follows the command, with \\n for a newline. */
static const char *argument(char *line)
{
	char *text = strchr(line, ' '), *newline;

	if (!text)
		return "";
	text++;
	while ((newline = strstr(text, "\\n"))) {
		*newline = '\n';
		memmove(newline + 1, newline + 2, strlen(newline + 2) + 1);
	}
	return text;
}

static uint64_t answer(char *line)
{
	const char *text = argument(line);
	uint64_t number = strtoull(text, NULL, 10);

	if (is(line, "ready"))
		return 1;
	if (is(line, "spin"))
		return start_thread(spin, &spins[number % MAX_SPINNERS]);
	if (is(line, "spins-address"))
		return (uintptr_t)spins;
	if (is(line, "beat")) /* a spinner and this thread make progress */
		return await_more(&spins[number % MAX_SPINNERS], 1);
	if (is(line, "read"))
		return start_thread(read_forever, NULL);
	if (is(line, "interrupted"))
		return atomic_load(&interrupted);
	if (is(line, "futex"))
		return start_thread(wait_futex, NULL);
	if (is(line, "churn")) {
		atomic_store(&churning, true);
		return start_thread(churn, NULL);
	}
	if (is(line, "chain")) {
		atomic_store(&churning, true);
		return start_thread(chain, NULL);
	}
	if (is(line, "created-address"))
		return (uintptr_t)&created;
	if (is(line, "created")) /* more threads are created */
		return await_more(&created, number);
	if (is(line, "unchurn")) {
		atomic_store(&churning, false);
		return 1;
	}
	if (is(line, "vfork"))
		return start_thread(sleep_uninterruptibly, NULL);
	if (is(line, "vfork-child")) {
		while (!atomic_load(&vfork_child))
			sched_yield();
		return (uint64_t)atomic_load(&vfork_child);
	}
	if (is(line, "unvfork"))
		return close(vfork_pipe[1]) == 0;
	if (is(line, "signals")) { /* waits for so many in all */
		while (atomic_load(&signals) < number)
			sched_yield();
		return atomic_load(&signals);
	}
	if (is(line, "edge"))
		return map_edge();
	if (is(line, "comb"))
		return map_comb(number);
	if (is(line, "unreadable"))
		return map_unreadable();
	if (is(line, "map"))
		return map_file(text);
	if (is(line, "memfd"))
		return map_memfd(text);
	if (is(line, "stripes"))
		return map_stripes(number);
	if (is(line, "name"))
		return prctl(PR_SET_NAME, text) == 0;
	if (is(line, "dumpable"))
		return prctl(PR_SET_DUMPABLE, number) == 0;
	if (is(line, "setuid"))
		return setresgid(number, number, number) == 0 &&
		       setresuid(number, number, number) == 0;
	if (is(line, "eventfd"))
		return (uint64_t)eventfd((unsigned)number, EFD_CLOEXEC | EFD_NONBLOCK);
	if (is(line, "open"))
		return (uint64_t)open(text, O_RDONLY | O_CLOEXEC);
	if (is(line, "close"))
		return close((int)number) == 0;
	if (is(line, "write-eventfd"))
		return eventfd_write((int)number, UINT64_C(0xfffffffffffffff0)) == 0;
	if (strncmp(line, "chain-", strlen("chain-")) == 0)
		return fake_chains_answer(line, text);
	number = fake_saved_answer(line);
	if (!number)
		number = fake_blocks_answer(line, text);
	return number ? number : fake_waits_answer(line, text);
}

int main(void)
{
	struct sigaction action = {.sa_handler = count_signal, .sa_flags = SA_RESTART};
	char line[1024];

	if (pipe2(never_pipe, O_CLOEXEC) != 0 || pipe2(vfork_pipe, 0) != 0)
		return 1;
	setvbuf(stdin, NULL, _IONBF, 0); /* what follows "exec" is for the new image */
	sigaction(SIGUSR1, &action, NULL);
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		if (is(line, "exit"))
			return 0;
		if (is(line, "exec")) /* the new image answers the next command */
			execl("/proc/self/exe", "test-target", (char *)NULL);
		printf("%llu\n", (unsigned long long)answer(line));
		fflush(stdout);
	}
	return 0;
}
