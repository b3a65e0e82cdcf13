/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The functions that are not static are exported, so that a stripped target has their names. */
#include "fake_chains.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "fake_waits.h"

/* A function of its own, whose calls return to it. */
#define LINK	   __attribute__((noinline, noclone, optimize("no-optimize-sibling-calls")))

#define STACK_SIZE 65536

enum way { BLOCK, SPIN, SWITCH };

uint64_t vqi_chain_f(enum way way);
uint64_t vqi_chain_g(enum way way);
uint64_t vqi_chain_behind(void);
uint64_t vqi_chain_framed(size_t size);
uint64_t vqi_chain_deep(unsigned int depth);

static int pipe_fds[2];
static _Atomic uint64_t turns;
static ucontext_t home, saved;

/* After each call something is left to do, or it would be a jump. */
static inline __attribute__((always_inline)) uint64_t then(uint64_t value)
{
	__asm__ volatile("" ::: "memory");
	return value;
}

LINK static uint64_t end_chain(enum way way)
{
	char byte;

	if (way == SWITCH)
		return then((uint64_t)swapcontext(&saved, &home)) + 1;
	if (way == BLOCK)
		return then((uint64_t)read(pipe_fds[0], &byte, 1)) + 1;
	for (;;)
		atomic_fetch_add(&turns, 1);
}

LINK uint64_t vqi_chain_g(enum way way)
{
	return then(end_chain(way)) + 1;
}

LINK uint64_t vqi_chain_f(enum way way)
{
	return then(vqi_chain_g(way)) + 1;
}

/* Lies behind end_chain(), and is not called. */
LINK uint64_t vqi_chain_behind(void)
{
	return atomic_load(&turns);
}

/* Its frame can be found by the frame pointer alone. */
LINK uint64_t vqi_chain_framed(size_t size)
{
	volatile char *bytes = __builtin_alloca(size);

	bytes[0] = 0;
	return then(vqi_chain_f(BLOCK)) + (uint64_t)bytes[0];
}

LINK uint64_t vqi_chain_deep(unsigned int depth)
{
	return depth ? then(vqi_chain_deep(depth - 1)) + 1 : then(vqi_chain_f(BLOCK));
}

static void *block(void *arg)
{
	announce();
	vqi_chain_f(BLOCK);
	return arg;
}

static void *spin(void *arg)
{
	announce();
	vqi_chain_f(SPIN);
	return arg;
}

static void *block_framed(void *arg)
{
	announce();
	then(vqi_chain_framed((size_t)(uintptr_t)arg));
	return arg;
}

static void *block_deep(void *arg)
{
	announce();
	vqi_chain_deep((unsigned int)(uintptr_t)arg);
	return arg;
}

LINK static void coroutine(void)
{
	then(vqi_chain_f(SWITCH));
}

/* Starts a coroutine, which soon gives way; the address of the ucontext_t that it goes on with. */
static uint64_t start_coroutine(void)
{
	static ucontext_t context;
	void *stack =
		mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (stack == MAP_FAILED || getcontext(&context) != 0)
		return 0;
	context.uc_stack.ss_sp = stack;
	context.uc_stack.ss_size = STACK_SIZE;
	context.uc_link = NULL;
	makecontext(&context, coroutine, 0);
	return swapcontext(&home, &context) == 0 ? (uintptr_t)&saved : 0;
}

uint64_t fake_chains_answer(const char *line, const char *argument)
{
	void *number = (void *)(uintptr_t)strtoull(argument, NULL, 10);

	if (!pipe_fds[1] && pipe(pipe_fds) != 0)
		return 0;
	if (is(line, "chain-block"))
		return start_thread(block, NULL);
	if (is(line, "chain-spin"))
		return start_thread(spin, NULL);
	if (is(line, "chain-framed"))
		return start_thread(block_framed, number);
	if (is(line, "chain-deep"))
		return start_thread(block_deep, number);
	if (is(line, "chain-turns")) { /* waits for progress of one that spins */
		uint64_t before = atomic_load(&turns);

		while (atomic_load(&turns) == before)
			;
		return atomic_load(&turns);
	}
	if (is(line, "chain-coroutine"))
		return start_coroutine();
	if (is(line, "chain-behind"))
		return vqi_chain_behind() + 1;
	return 0;
}
