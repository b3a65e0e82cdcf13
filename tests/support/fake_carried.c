/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fake_carried.h"

#include <check.h>
#include <elf.h>

#include "unit.h"

struct carried_world world;

void carried_teardown(void)
{
	free(world.elements);
	world.elements = NULL;
	fake_heap_done(&world.heap);
}

void carried_use_seed(unsigned int seed)
{
	carried_teardown();
	fake_layout(&world.layout, seed);
	world.heap.layout = &world.layout;
	world.blk = fake_heap_make(&world.heap, VQI_S_BlockBackend);
}

void carried_setup(void)
{
	world = (struct carried_world){.machine = EM_X86_64, .next_stack = STACK};
	carried_use_seed(1);
}

uint32_t carried_size_of(enum vqi_struct_id id)
{
	return world.layout.structs[id].size;
}

uint64_t carried_make_blk(unsigned int index, uint64_t start_ns)
{
	uint64_t request =
		fake_heap_element(&world.heap, carried_size_of(VQI_S_VirtIOBlockReq), index, 2, 1);

	fake_heap_set(&world.heap, request, VQI_F_VirtIOBlockReq_acct_start, start_ns);
	return request;
}

/* Its structure is followed by a CDB. */
uint64_t carried_make_scsi(unsigned int index, uint64_t sreq)
{
	uint64_t request = fake_heap_element(&world.heap, carried_size_of(VQI_S_VirtIOSCSIReq) + 32,
					     index, 2, 2);

	fake_heap_set(&world.heap, request, VQI_F_VirtIOSCSIReq_sreq, sreq);
	return request;
}

uint64_t carried_make_aiocb(uint64_t opaque)
{
	uint64_t aiocb = fake_heap_make(&world.heap, VQI_S_BlkAioEmAIOCB);

	fake_heap_set(&world.heap, aiocb, VQI_F_BlkAioEmAIOCB_opaque, opaque);
	fake_heap_set(&world.heap, aiocb, VQI_F_BlkAioEmAIOCB_blk, world.blk);
	return aiocb;
}

uint64_t carried_make_dma(uint64_t opaque)
{
	uint64_t dma = fake_heap_make(&world.heap, VQI_S_DMAAIOCB);

	fake_heap_set(&world.heap, dma, VQI_F_DMAAIOCB_opaque, opaque);
	return dma;
}

static void put_word(uint64_t coroutine, unsigned int word, uint64_t value, bool is_hidden)
{
	if (is_hidden)
		value ^= GUARD;
	if (is_hidden && world.machine == EM_X86_64)
		value = value << 17 | value >> 47;
	fake_heap_poke(&world.heap, coroutine,
		       world.layout.fields[VQI_F_CoroutineUContext_env].offset + word * 8, value);
}

/* Where it goes on. */
void carried_set_registers(uint64_t coroutine, uint64_t sp)
{
	put_word(coroutine, world.machine == EM_X86_64 ? 6 : 13, sp, true);
	put_word(coroutine, world.machine == EM_X86_64 ? 7 : 11, PC, true);
	put_word(coroutine, world.machine == EM_X86_64 ? 2 : 0, 1219, false); /* r12, x19 */
}

uint64_t carried_make_coroutine(uint64_t arg, uint64_t used)
{
	uint64_t coroutine = fake_heap_make(&world.heap, VQI_S_CoroutineUContext);

	fake_heap_set(&world.heap, coroutine, VQI_F_Coroutine_entry_arg, arg);
	fake_heap_set(&world.heap, coroutine, VQI_F_CoroutineUContext_stack, world.next_stack);
	fake_heap_set(&world.heap, coroutine, VQI_F_CoroutineUContext_stack_size, STACK_SIZE);
	carried_set_registers(coroutine, world.next_stack + STACK_SIZE - used);
	world.next_stack += STACK_SIZE;
	return coroutine;
}

void carried_find(void)
{
	free(world.elements);
	world.elements = NULL;
	memset(world.carried, 0xff, sizeof(world.carried)); /* what it fills was anything before */
	ck_assert_ok(
		vqi_elements_find(&world.layout, &world.heap.heap, &world.elements, &world.count));
	ck_assert_uint_le(world.count, MAX_CARRIED);
	for (size_t i = 0; i < world.count; i++)
		world.carried[i].element = &world.elements[i];
	ck_assert_ok(vqi_carried_find(&world.layout, &world.heap.heap, world.machine, GUARD,
				      world.carried, world.count));
}

const struct vqi_carried *carried_of(uint64_t request)
{
	for (size_t i = 0; i < world.count; i++) {
		if (world.carried[i].element->chunk->address == request)
			return &world.carried[i];
	}
	ck_abort_msg("no such element");
}

void carried_assert_unknown(uint64_t request)
{
	const struct vqi_carried *one = carried_of(request);

	ck_assert_uint_eq(one->carrier, VQI_CARRIER_UNKNOWN);
	ck_assert_uint_eq(one->coroutine_hva, 0);
	ck_assert_uint_eq(one->stack_hva, 0);
	ck_assert_uint_eq(one->stack_size, 0);
	ck_assert_uint_eq(one->registers.known, 0);
}

void carried_assert_waits(uint64_t request, uint64_t coroutine, uint64_t stack, uint64_t used)
{
	const struct vqi_carried *one = carried_of(request);

	ck_assert_uint_eq(one->carrier, VQI_CARRIER_WAITING);
	ck_assert_uint_eq(one->coroutine_hva, coroutine);
	ck_assert_uint_eq(one->stack_hva, stack);
	ck_assert_uint_eq(one->stack_size, STACK_SIZE);
	ck_assert_uint_eq(one->registers.pc, PC);
	ck_assert_uint_eq(one->registers.sp, stack + STACK_SIZE - used);
	ck_assert_uint_eq(one->registers.values[world.machine == EM_X86_64 ? 12 : 19], 1219);
	ck_assert_mem_eq(one->words,
			 vqi_heap_find(&world.heap.heap, coroutine)->data +
				 world.layout.fields[VQI_F_CoroutineUContext_env].offset,
			 sizeof(one->words));
}

void carried_assert_runs(uint64_t request, uint64_t coroutine)
{
	ck_assert_uint_eq(carried_of(request)->carrier, VQI_CARRIER_RUNNING);
	ck_assert_uint_eq(carried_of(request)->coroutine_hva, coroutine);
}
