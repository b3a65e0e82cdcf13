/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Event loops, what they listen to, and virtual CPUs in a fake QEMU. */
#ifndef VQI_TESTS_FAKE_LOOPS_H
#define VQI_TESTS_FAKE_LOOPS_H

#include "fake_qemu.h"

/* The AioContexts of the main loop. */
struct fake_main_loop {
	uint64_t ctx, iohandler;
};

/* The main loop, which listens to nothing: sets the variables that lead to it. */
struct fake_main_loop fake_main_loop(struct fake_qemu *qemu);

/* An AioContext that listens to nothing. */
uint64_t fake_aio_context(struct fake_qemu *qemu);

/* An iothread below /objects with an AioContext of its own. */
uint64_t fake_iothread(struct fake_qemu *qemu, const char *name, unsigned int tid,
		       uint64_t *ret_ctx);

/* Puts a handler that reads at the head of a context's list. */
uint64_t fake_handler(struct fake_qemu *qemu, uint64_t ctx, uint64_t opaque);

/* Puts a bottom half at the head of a context's list. */
uint64_t fake_bottom_half(struct fake_qemu *qemu, uint64_t ctx, unsigned int flags);

/* Puts a virtual CPU at the head of the list that a variable begins. */
uint64_t fake_vcpu(struct fake_qemu *qemu, enum vqi_symbol_id list, unsigned int index,
		   unsigned int tid);

#endif
