/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fake_loops.h"

#define IO_READ 0x55d0c1112220 /* a function */

uint64_t fake_aio_context(struct fake_qemu *qemu)
{
	return fake_make(qemu, VQI_S_AioContext);
}

struct fake_main_loop fake_main_loop(struct fake_qemu *qemu)
{
	struct fake_main_loop loop = {fake_aio_context(qemu), fake_aio_context(qemu)};

	fake_set_symbol(qemu, VQI_SYM_qemu_aio_context, 8, loop.ctx);
	fake_set_symbol(qemu, VQI_SYM_iohandler_ctx, 8, loop.iohandler);
	return loop;
}

uint64_t fake_iothread(struct fake_qemu *qemu, const char *name, unsigned int tid,
		       uint64_t *ret_ctx)
{
	uint64_t iothread = fake_object(qemu, VQI_S_IOThread, "iothread");

	*ret_ctx = fake_aio_context(qemu);
	fake_set(qemu, iothread, VQI_F_IOThread_ctx, *ret_ctx);
	fake_set(qemu, iothread, VQI_F_IOThread_thread_id, tid);
	fake_add_child(qemu, qemu->objects, name, iothread);
	return iothread;
}

uint64_t fake_handler(struct fake_qemu *qemu, uint64_t ctx, uint64_t opaque)
{
	uint64_t handler = fake_make(qemu, VQI_S_AioHandler);

	fake_set(qemu, handler, VQI_F_AioHandler_opaque, opaque);
	fake_set(qemu, handler, VQI_F_AioHandler_io_read, IO_READ);
	fake_push(qemu, fake_place(qemu, ctx, VQI_F_AioContext_aio_handlers), handler,
		  VQI_F_AioHandler_node);
	return handler;
}

uint64_t fake_bottom_half(struct fake_qemu *qemu, uint64_t ctx, unsigned int flags)
{
	uint64_t bh = fake_make(qemu, VQI_S_QEMUBH);

	fake_set(qemu, bh, VQI_F_QEMUBH_flags, flags);
	fake_push(qemu, fake_place(qemu, ctx, VQI_F_AioContext_bh_list), bh, VQI_F_QEMUBH_next);
	return bh;
}

uint64_t fake_vcpu(struct fake_qemu *qemu, enum vqi_symbol_id list, unsigned int index,
		   unsigned int tid)
{
	uint64_t cpu = fake_object(qemu, VQI_S_CPUState, "qemu64-x86_64-cpu");

	fake_set(qemu, cpu, VQI_F_CPUState_cpu_index, index);
	fake_set(qemu, cpu, VQI_F_CPUState_thread_id, tid);
	fake_push(qemu, fake_symbol(qemu, list), cpu, VQI_F_CPUState_node);
	return cpu;
}
