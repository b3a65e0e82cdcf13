/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Disks' requests, what the block layer makes of them, and coroutines. */
#ifndef VQI_TESTS_FAKE_CARRIED_H
#define VQI_TESTS_FAKE_CARRIED_H

#include <stddef.h>
#include <stdint.h>

#include "fake_heap.h"
#include "fake_qemu.h"
#include "vqi/in_flight.h"

#define MAX_CARRIED 8
#define GUARD	    UINT64_C(0x0123456789abcdef)
#define STACK	    UINT64_C(0x7f1000000000) /* of the first coroutine; the next is behind it */
#define STACK_SIZE  UINT64_C(0x100000)
#define PC	    UINT64_C(0x555555001234) /* where all go on */
#define CALLER	    UINT64_C(0x555556789abc)

/* One at a time: made by carried_setup(). */
struct carried_world {
	struct vqi_layout layout;
	struct fake_heap heap;
	struct vqi_element *elements;
	struct vqi_carried carried[MAX_CARRIED]; /* of each element */
	size_t count;
	unsigned int machine;
	uint64_t blk, next_stack;
};

extern struct carried_world world;

void carried_setup(void);
void carried_teardown(void);

/* Begins anew, with another layout. */
void carried_use_seed(unsigned int seed);

uint32_t carried_size_of(enum vqi_struct_id id);

/* Each returns its address. */
uint64_t carried_make_blk(unsigned int index, uint64_t start_ns);
uint64_t carried_make_scsi(unsigned int index, uint64_t sreq);
uint64_t carried_make_aiocb(uint64_t opaque);
uint64_t carried_make_dma(uint64_t opaque);

/* One that has called so far that it uses so many bytes of its stack. */
uint64_t carried_make_coroutine(uint64_t arg, uint64_t used);
void carried_set_registers(uint64_t coroutine, uint64_t sp);

/* Looks for all elements, and for what carries each on. */
void carried_find(void);
const struct vqi_carried *carried_of(uint64_t request);
void carried_assert_unknown(uint64_t request);
void carried_assert_waits(uint64_t request, uint64_t coroutine, uint64_t stack, uint64_t used);
void carried_assert_runs(uint64_t request, uint64_t coroutine);

#endif
