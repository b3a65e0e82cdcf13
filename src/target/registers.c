/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a thread is: from procfs when it sleeps, by stopping it when it runs.
 *
 * A thread that is not running must not be interrupted: its system call could return EINTR, and a
 * hang that is evidence be over. So it is seized first, which does nothing to it; then it is looked
 * at once more; and only if it still runs it is interrupted. When it sleeps by then, it is not
 * detached from, as that takes a stop: the tracer is a thread of ours which ends, and the kernel
 * lets go of what it had without waking that up. What remains is the time between that look and the
 * interrupt, of a microsecond or two: whoever enters a system call just then finds itself stopped on
 * its way. Most calls are begun anew by the kernel; epoll_wait() and those like it return EINTR, as
 * they would by a signal (signal(7)). A virtual CPU in its guest is in ioctl(KVM_RUN) while it runs:
 * that returns EINTR, and QEMU calls it again (accel/kvm/kvm-all.c kvm_cpu_exec()). */
#include <elf.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <time.h>

#include "call.h"
#include "process_private.h"
#include "status.h"
#include "stop_private.h"
#include "user_registers.h"
#include "vqi/cleanup.h"
#include "vqi/record.h"

#define COPY_SIZE 65536 /* bytes of the stack that are read with the registers, in some 10 us */
#define PAGE	  4096
#define MAX_LOOKS 5 /* at a thread that goes to sleep and wakes up all the time */
#define REST_NS	  1000000

static struct vqi_error *read_registers(pid_t tid, struct vqi_registers *ret_registers)
{
#if defined(__x86_64__) || defined(__aarch64__)
	struct vqi_registers registers = {0};
	struct user_regs_struct raw;
	struct iovec part = {.iov_base = &raw, .iov_len = sizeof(raw)};

	if (ptrace(PTRACE_GETREGSET, tid, (void *)NT_PRSTATUS, &part) != 0)
		return vqi_error_sys(errno, "PTRACE_GETREGSET of thread %d", (int)tid);
	if (part.iov_len == sizeof(raw)) { /* a program of another word size has fewer bytes */
		vqi_user_registers(&raw, &registers);
		*ret_registers = registers;
		return NULL;
	}
#else
	(void)tid;
	(void)ret_registers;
#endif
	return vqi_error_new(VQI_ERROR_UNSUPPORTED,
			     "the registers of a thread that runs cannot be read here");
}

struct vqi_error *vqi_stop_registers(struct vqi_stop *stop, struct vqi_registers *ret_registers)
{
	if (stop->tracees.count != 1 || stop->tracees.items[0].state != VQI_TRACEE_STOPPED)
		return vqi_error_new(VQI_ERROR_BAD_DATA, "thread %d could not be stopped",
				     (int)stop->only);
	return read_registers(stop->only, ret_registers);
}

/* Copies the innermost part of the stack, whole pages, up to where it ends. */
static void copy_stack(struct vqi_process *process, struct vqi_thread_place *place, uint8_t *buf)
{
	uint64_t sp = place->registers.sp;
	size_t first = PAGE - sp % PAGE;
	struct vqi_range ranges[COPY_SIZE / PAGE];
	size_t count = 0;

	for (size_t at = 0; at < COPY_SIZE - PAGE; count++) {
		size_t len = count ? PAGE : first;

		ranges[count] = (struct vqi_range){.addr = sp + at, .buf = buf + at, .len = len};
		at += len;
	}
	vqi_error_free(vqi_mem_readv(&process->mem, ranges, count));
	for (size_t i = 0; i < count && ranges[i].ok; i++)
		place->stack_len += ranges[i].len;
}

/* What the thread that becomes the tracer works on. */
struct tracer {
	struct vqi_process *process;
	pid_t tid;
	uint8_t *buf; /* COPY_SIZE bytes */
	struct vqi_thread_place place;
	struct vqi_call call; /* when it does not run any more */
	uint64_t stopped_us;
	struct vqi_error *error;
};

static struct vqi_error *stop_and_look(struct tracer *tracer, struct vqi_stop *stop)
{
	struct vqi_error *error = vqi_stop_interrupt(stop);

	if (error)
		return error;
	error = vqi_stop_registers(stop, &tracer->place.registers);
	if (!error)
		copy_stack(tracer->process, &tracer->place, tracer->buf);
	vqi_stop_resume(stop);
	tracer->stopped_us = vqi_stop_stopped_us(stop);
	return error;
}

static void *trace(void *context)
{
	struct tracer *tracer = context;
	/* A thread that is new, or has worked, waits for a processor behind others when they are all busy; one that has slept does
	 * not. What is stopped waits for us. */
	const struct timespec rest = {.tv_nsec = REST_NS};
	struct vqi_stop *stop;

	nanosleep(&rest, NULL);
	tracer->error = vqi_stop_seize_thread(tracer->process, tracer->tid, &stop);
	if (tracer->error)
		return NULL;
	tracer->error = vqi_thread_call(tracer->process, tracer->tid, &tracer->call);
	if (tracer->error || tracer->call.state != VQI_CALL_RUNNING) {
		vqi_stop_abandon(stop);
		return NULL;
	}
	tracer->error = stop_and_look(tracer, stop);
	vqi_stop_release(stop);
	return NULL;
}

/* Runs the tracer; what would end or stop this process waits until it has let go. */
static struct vqi_error *run_tracer(struct tracer *tracer)
{
	sigset_t all, old;
	pthread_t thread;
	int failed;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	failed = pthread_create(&thread, NULL, trace, tracer);
	if (!failed)
		pthread_join(thread, NULL);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return failed ? vqi_error_sys(failed, "pthread_create") : tracer->error;
}

static struct vqi_error *stop_running(struct vqi_process *process, pid_t tid,
				      struct vqi_thread_place *place, struct vqi_call *call,
				      uint64_t *stopped_us)
{
	vqi_cleanup_free uint8_t *buf = malloc(COPY_SIZE);
	struct tracer tracer = {.process = process, .tid = tid, .buf = buf, .call = *call};
	struct vqi_error *error;

	if (!buf)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	memset(buf, 0, COPY_SIZE); /* no page of it is still to come */
	error = run_tracer(&tracer);
	*stopped_us += tracer.stopped_us;
	if (error)
		return error;
	*call = tracer.call;
	if (call->state != VQI_CALL_RUNNING)
		return NULL;
	vqi_thread_place_done(place);
	*place = tracer.place;
	place->stack = take_ptr(buf);
	place->was_stopped = true;
	return NULL;
}

static struct vqi_error *read_sleeps(struct vqi_process *process, pid_t tid,
				     struct vqi_num *ret_sleeps)
{
	vqi_cleanup_free char *text = NULL;
	struct vqi_error *error = vqi_thread_optional_file(process, tid, "status", &text);

	if (!error && text && vqi_status_find(text, "voluntary_ctxt_switches"))
		*ret_sleeps = VQI_NUM(vqi_status_number(text, "voluntary_ctxt_switches", 10, 0));
	return error;
}

/* Whether a call, and how often the thread had slept by then, are those of a place. */
static bool is_same(const struct vqi_call *call, struct vqi_num sleeps,
		    const struct vqi_thread_place *place)
{
	return (call->state == VQI_CALL_INSIDE || call->state == VQI_CALL_OUTSIDE) &&
	       call->pc == place->registers.pc && call->sp == place->registers.sp &&
	       vqi_num_equal(sleeps, place->sleeps);
}

static struct vqi_error *look_again(struct vqi_process *process, pid_t tid,
				    const struct vqi_thread_place *place, bool *ret_same)
{
	struct vqi_num sleeps = VQI_UNKNOWN;
	struct vqi_call call;
	struct vqi_error *error = vqi_thread_call(process, tid, &call);

	if (!error)
		error = read_sleeps(process, tid, &sleeps);
	if (!error)
		*ret_same = is_same(&call, sleeps, place);
	return error;
}

/* Takes where a thread sleeps, and its stack; ret_same says whether it has slept on meanwhile, so that they belong together. */
static struct vqi_error *copy_sleeping(struct vqi_process *process, pid_t tid,
				       const struct vqi_call *call, struct vqi_thread_place *place,
				       bool *ret_same)
{
	struct vqi_error *error = read_sleeps(process, tid, &place->sleeps);

	if (error)
		return error;
	if (!place->stack)
		place->stack = malloc(COPY_SIZE);
	if (!place->stack)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	place->registers.sp = call->sp;
	place->registers.pc = call->pc;
	place->stack_len = 0;
	copy_stack(process, place, place->stack);
	return look_again(process, tid, place, ret_same);
}

/* One look; ret_done is false when it has moved meanwhile. */
static struct vqi_error *look(struct vqi_process *process, pid_t tid, bool may_stop,
			      struct vqi_thread_place *place, uint64_t *stopped_us, bool *ret_done)
{
	struct vqi_call call;
	struct vqi_error *error = vqi_thread_call(process, tid, &call);

	if (!error && call.state == VQI_CALL_RUNNING && may_stop)
		error = stop_running(process, tid, place, &call, stopped_us);
	if (error)
		return error;
	*ret_done = place->was_stopped;
	if (place->was_stopped)
		return NULL;
	if (call.state == VQI_CALL_INSIDE || call.state == VQI_CALL_OUTSIDE)
		return copy_sleeping(process, tid, &call, place, ret_done);
	if (call.state == VQI_CALL_RUNNING)
		return vqi_error_new(VQI_ERROR_UNSUPPORTED,
				     "it runs: only stopping it would tell where");
	return vqi_error_new(VQI_ERROR_UNSUPPORTED, "the kernel does not tell where it is");
}

/* Of what has come to rest. */
static struct vqi_error *take_kept(struct vqi_process *process, pid_t tid,
				   struct vqi_thread_place *ret_place)
{
	struct vqi_reader *reader = process->reader;
	struct vqi_thread_place place = {0};
	struct vqi_error *error = reader->ops->registers(reader, tid, &place.registers);

	if (error)
		return error;
	place.stack = malloc(COPY_SIZE);
	if (!place.stack)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	copy_stack(process, &place, place.stack);
	*ret_place = place;
	return NULL;
}

static struct vqi_error *find_registers(struct vqi_process *process, pid_t tid, bool may_stop,
					struct vqi_thread_place *ret_place, uint64_t *stopped_us)
{
	struct vqi_thread_place place = {0};
	struct vqi_error *error = NULL;
	bool done = false;

	if (process->reader->ops->registers)
		return take_kept(process, tid, ret_place);
	for (int i = 0; !error && !done && i < MAX_LOOKS; i++)
		error = look(process, tid, may_stop, &place, stopped_us, &done);
	if (!error && !done)
		error = vqi_error_new(VQI_ERROR_UNSUPPORTED,
				      "it sleeps too shortly to be looked at");
	if (error) {
		vqi_thread_place_done(&place);
		return vqi_thread_error(process, tid, error);
	}
	*ret_place = place;
	return NULL;
}

/* ---- what a recording has of it: not the stack, which is unwound by then ---- */

static void note(struct vqi_process *process, pid_t tid, const struct vqi_thread_place *place,
		 uint64_t stopped_us, const struct vqi_error *error)
{
	vqi_cleanup(vqi_pack_done) struct vqi_pack data = {0};

	vqi_pack_u64(&data, stopped_us);
	vqi_pack_error(&data, error);
	if (!error) {
		vqi_pack_u64(&data, place->registers.pc);
		vqi_pack_u64(&data, place->registers.sp);
		vqi_pack_u8(&data, place->was_stopped);
	}
	vqi_fact_note(process, VQI_FACT_THREAD_PLACE, (uint64_t)tid, &data, NULL);
}

static struct vqi_error *recall(struct vqi_process *process, pid_t tid,
				struct vqi_thread_place *ret_place, uint64_t *stopped_us)
{
	struct vqi_unpack data;
	struct vqi_error *error =
		vqi_fact_recall(process, VQI_FACT_THREAD_PLACE, (uint64_t)tid, &data);

	if (error)
		return error;
	*stopped_us += vqi_unpack_u64(&data);
	error = vqi_unpack_error(&data);
	if (error)
		return error;
	*ret_place = (struct vqi_thread_place){0};
	ret_place->registers.pc = vqi_unpack_u64(&data);
	ret_place->registers.sp = vqi_unpack_u64(&data);
	ret_place->was_stopped = vqi_unpack_u8(&data);
	return vqi_fact_error(&data, "a thread");
}

struct vqi_error *vqi_thread_registers(struct vqi_process *process, pid_t tid, bool may_stop,
				       struct vqi_thread_place *ret_place, uint64_t *stopped_us)
{
	uint64_t before_us = *stopped_us;
	struct vqi_error *error;

	if (vqi_process_is_replay(process))
		return recall(process, tid, ret_place, stopped_us);
	vqi_fact_begin(process);
	error = find_registers(process, tid, may_stop, ret_place, stopped_us);
	vqi_fact_end(process);
	note(process, tid, ret_place, *stopped_us - before_us, error);
	return error;
}

void vqi_thread_place_done(struct vqi_thread_place *place)
{
	free(place->stack);
	*place = (struct vqi_thread_place){0};
}
