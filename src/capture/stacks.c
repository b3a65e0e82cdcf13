/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Back traces of what carries requests on: first where each begins, then all of them at once, then whether what was unwound
 * still stood there. */
#include "stacks.h"
#include "vqi/record.h"

#include <stdlib.h>
#include <string.h>

#include "evidence.h"
#include "vqi/unwind.h"

/* A coroutine that has ended is in the function that switched to another, in its first one, and in what called that. */
#define FRAMES_OF_ENDED 3

/* One back trace to make. */
struct task {
	const struct vqi_carried *carried; /* of a coroutine; NULL: of a thread */
	struct vqi_thread *thread;
	struct vqi_thread_place place;
	struct vqi_stack stack;
};

struct tasks {
	struct task *tasks;
	struct vqi_unwind_job *jobs;
	size_t count, room;
	unsigned int stopped; /* threads, one after the other */
};

static void tasks_done(struct tasks *tasks)
{
	for (size_t i = 0; i < tasks->count; i++) {
		vqi_thread_place_done(&tasks->tasks[i].place);
		vqi_stack_done(&tasks->tasks[i].stack);
	}
	free(tasks->tasks);
	free(tasks->jobs);
}
VQI_DEFINE_CLEANUP_VALUE(struct tasks, tasks_done)

static struct vqi_error *no_memory(void)
{
	return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
}

static struct vqi_error *tasks_init(struct tasks *tasks, size_t room)
{
	tasks->tasks = calloc(room + 1, sizeof(*tasks->tasks));
	tasks->jobs = calloc(room + 1, sizeof(*tasks->jobs));
	tasks->room = room;
	return tasks->tasks && tasks->jobs ? NULL : no_memory();
}

/* ---- coroutines ---- */

/* Requests that were merged have one coroutine. */
static struct task *find_task(const struct tasks *tasks, uint64_t coroutine_hva)
{
	for (size_t i = 0; i < tasks->count; i++) {
		const struct vqi_carried *carried = tasks->tasks[i].carried;

		if (carried && carried->coroutine_hva == coroutine_hva)
			return &tasks->tasks[i];
	}
	return NULL;
}

static void add_coroutines(const struct vqi_carried_requests *all, struct tasks *tasks)
{
	for (size_t i = 0; i < all->count; i++) {
		const struct vqi_carried *carried = &all->carried[i];

		if (carried->carrier != VQI_CARRIER_WAITING ||
		    find_task(tasks, carried->coroutine_hva))
			continue;
		tasks->tasks[tasks->count].carried = carried;
		tasks->jobs[tasks->count++] = (struct vqi_unwind_job){
			.registers = carried->registers,
			.stack_start = carried->stack_hva,
			.stack_end = carried->stack_hva + carried->stack_size,
		};
	}
}

/* ---- threads ---- */

static bool serves(const struct vqi_snapshot *snapshot, const struct vqi_closer_look *what,
		   const struct vqi_thread *thread)
{
	for (size_t i = 0; i < snapshot->device_count; i++) {
		const struct vqi_device *device = &snapshot->devices[i];

		for (size_t j = 0; j < device->queue_count; j++) {
			const struct vqi_queue *queue = &device->queues[j];
			const struct vqi_loop *loop = vqi_snapshot_loop(snapshot, queue);

			if (loop && vqi_num_is(loop->tid, (uint64_t)thread->tid) &&
			    (!what->queue.known || what->queue.value == queue->index) &&
			    (queue->request_count || vqi_queue_is_waiting(queue)))
				return true;
		}
	}
	return false;
}

static bool is_main_loop(const struct vqi_observer *observer, const struct vqi_snapshot *snapshot,
			 const struct vqi_thread *thread)
{
	if (!snapshot->loop_count) /* unknown: QEMU's first thread becomes it */
		return thread->tid == vqi_process_pid(observer->process);
	for (size_t i = 0; i < snapshot->loop_count; i++) {
		if (snapshot->loops[i].is_main &&
		    vqi_num_is(snapshot->loops[i].tid, (uint64_t)thread->tid))
			return true;
	}
	return false;
}

/* Whether a thread waits for a mutex that this one has. */
static bool is_waited_for(const struct vqi_snapshot *snapshot, const struct vqi_thread *thread)
{
	for (size_t i = 0; i < snapshot->thread_count; i++) {
		if (vqi_num_is(snapshot->threads[i].mutex_owner, (uint64_t)thread->tid))
			return true;
	}
	return false;
}

static bool is_wanted(const struct vqi_observer *observer, const struct vqi_snapshot *snapshot,
		      const struct vqi_closer_look *what, const struct vqi_thread *thread)
{
	return what->stacks == VQI_STACKS_ALL || is_main_loop(observer, snapshot, thread) ||
	       serves(snapshot, what, thread) || is_waited_for(snapshot, thread);
}

static struct vqi_error *say_gap(struct vqi_error *error, struct vqi_stack *stack)
{
	vqi_cleanup_error struct vqi_error *owned = error;

	return vqi_copy_string(error->message, &stack->gap);
}

/* Counts those that it stops. */
static struct vqi_error *add_thread(struct vqi_observer *observer, enum vqi_stop_mode mode,
				    struct vqi_thread *thread, struct vqi_capture *capture,
				    struct tasks *tasks)
{
	struct task *task = &tasks->tasks[tasks->count];
	uint64_t before_us = capture->stopped_us;
	struct vqi_error *error;

	error = vqi_thread_registers(observer->process, thread->tid, mode != VQI_STOP_NEVER,
				     &task->place, &capture->stopped_us);
	tasks->stopped += capture->stopped_us != before_us;
	/* One thread that cannot be looked at, for a tracer has it, say, is no reason to show nothing. */
	if (error && error->code != VQI_ERROR_NOMEM && error->code != VQI_ERROR_GONE)
		return say_gap(error, &thread->stack);
	if (error)
		return error;
	task->thread = thread;
	tasks->jobs[tasks->count++] = (struct vqi_unwind_job){
		.registers = task->place.registers,
		.copy = task->place.stack,
		.copy_addr = task->place.registers.sp,
		.copy_len = task->place.stack_len,
	};
	return NULL;
}

static struct vqi_error *add_threads(struct vqi_observer *observer,
				     const struct vqi_closer_look *what, enum vqi_stop_mode mode,
				     struct vqi_snapshot *snapshot, struct tasks *tasks)
{
	struct vqi_error *error = NULL;

	for (size_t i = 0; !error && i < snapshot->thread_count; i++) {
		if (is_wanted(observer, snapshot, what, &snapshot->threads[i]))
			error = add_thread(observer, mode, &snapshot->threads[i],
					   &snapshot->capture, tasks);
	}
	if (snapshot->capture.stopped_threads < tasks->stopped)
		snapshot->capture.stopped_threads = tasks->stopped;
	return error;
}

/* ---- what became of them ---- */

/* What ran on while its stack was read is not shown. */
static struct vqi_error *drop_if_moved(bool is_there, struct vqi_stack *stack)
{
	if (is_there)
		return NULL;
	vqi_stack_done(stack);
	*stack = (struct vqi_stack){0};
	return vqi_copy_string("it went on while it was looked at", &stack->gap);
}

/* Of a thread registers and the innermost 60 KiB of its stack are of one moment. */
static bool is_there(struct vqi_observer *observer, const struct task *task)
{
	return task->thread || vqi_carried_is_there(observer->qemu, task->carried);
}

static struct vqi_error *check(struct vqi_observer *observer, struct tasks *tasks)
{
	struct vqi_error *error = NULL;

	for (size_t i = 0; !error && i < tasks->count; i++)
		error = drop_if_moved(is_there(observer, &tasks->tasks[i]), &tasks->tasks[i].stack);
	return error;
}

static struct vqi_error *copy_stack(const struct vqi_stack *from, struct vqi_stack *to)
{
	struct vqi_error *error = vqi_copy_string(from->gap, &to->gap);

	to->frames = calloc(from->count + 1, sizeof(*to->frames));
	if (!to->frames)
		return error ? error : no_memory();
	for (size_t i = 0; !error && i < from->count; i++) {
		const struct vqi_frame *frame = &from->frames[i];
		struct vqi_frame *copy = &to->frames[to->count++];

		copy->pc = frame->pc;
		copy->offset = frame->offset;
		copy->line = frame->line;
		error = vqi_copy_string(frame->module, &copy->module);
		if (!error)
			error = vqi_copy_string(frame->function, &copy->function);
		if (!error)
			error = vqi_copy_string(frame->file, &copy->file);
	}
	return error;
}

static bool has_ended(const struct vqi_stack *stack)
{
	return !stack->gap && stack->count && stack->count <= FRAMES_OF_ENDED;
}

/* Of a derived layout too little is known to tell that there is no coroutine. */
static struct vqi_error *say_unknown(const struct vqi_layout *layout, struct vqi_request *request)
{
	if (layout->source != VQI_LAYOUT_BUILTIN)
		return NULL;
	return vqi_copy_string("no coroutine was found; the layout of this QEMU is derived",
			       &request->stack.gap);
}

static struct vqi_error *give_to_requests(const struct vqi_observer *observer,
					  const struct vqi_carried_requests *all,
					  const struct tasks *tasks)
{
	struct vqi_error *error = NULL;

	for (size_t i = 0; !error && i < all->count; i++) {
		const struct task *task = find_task(tasks, all->carried[i].coroutine_hva);

		if (!task) {
			error = say_unknown(observer->qemu->layout, all->requests[i]);
		} else if (has_ended(&task->stack)) {
			all->requests[i]->carrier = VQI_CARRIER_UNKNOWN;
			all->requests[i]->coroutine_hva = 0;
		} else {
			error = copy_stack(&task->stack, &all->requests[i]->stack);
		}
	}
	return error;
}

/* The thread whose stack pointer is in the stack of a coroutine runs that. */
static void find_runners(const struct vqi_carried_requests *all, const struct tasks *tasks)
{
	for (size_t i = 0; i < all->count; i++) {
		const struct vqi_carried *carried = &all->carried[i];

		for (size_t j = 0; carried->carrier == VQI_CARRIER_RUNNING && j < tasks->count;
		     j++) {
			const struct task *task = &tasks->tasks[j];

			if (task->thread && carried->stack_size &&
			    task->place.registers.sp - carried->stack_hva < carried->stack_size)
				all->requests[i]->tid = VQI_NUM(task->thread->tid);
		}
	}
}

static void give_to_threads(struct tasks *tasks)
{
	for (size_t i = 0; i < tasks->count; i++) {
		struct task *task = &tasks->tasks[i];

		if (!task->thread)
			continue;
		task->thread->stack = task->stack;
		task->stack = (struct vqi_stack){0};
	}
}

/* ---- all of it ---- */

static struct vqi_error *make_stacks(struct vqi_observer *observer, bool all_lines,
				     struct tasks *tasks)
{
	vqi_cleanup_unwinder struct vqi_unwinder *unwinder = NULL;
	vqi_cleanup_free struct vqi_stack *stacks = calloc(tasks->count + 1, sizeof(*stacks));
	vqi_cleanup_free char *gap = NULL;
	struct vqi_error *error;

	if (!stacks)
		return no_memory();
	error = vqi_unwinder_new(observer->process, all_lines ? VQI_LINES_ALL : VQI_LINES_CHEAP,
				 &unwinder);
	if (!error)
		error = vqi_unwind(unwinder, tasks->jobs, tasks->count, stacks, &gap);
	for (size_t i = 0; !error && i < tasks->count; i++) {
		tasks->tasks[i].stack = stacks[i];
		if (gap && !stacks[i].gap)
			error = vqi_copy_string(gap, &tasks->tasks[i].stack.gap);
	}
	return error;
}

/* Files are needed for it, so that a recording has what became of it. */
static struct vqi_error *unwind(struct vqi_observer *observer, bool all_lines, struct tasks *tasks)
{
	vqi_cleanup_free struct vqi_keyed_stack *stacks = calloc(tasks->count + 1, sizeof(*stacks));
	struct vqi_error *error;

	if (!stacks)
		return no_memory();
	for (size_t i = 0; i < tasks->count; i++) {
		struct task *task = &tasks->tasks[i];

		stacks[i] = (struct vqi_keyed_stack){
			.key = task->thread ? (uint64_t)task->thread->tid
					    : task->carried->coroutine_hva,
			.stack = &task->stack,
		};
	}
	if (vqi_process_is_replay(observer->process))
		return vqi_stacks_recall(observer->process, stacks, tasks->count);
	vqi_fact_begin(observer->process);
	error = make_stacks(observer, all_lines, tasks);
	vqi_fact_end(observer->process);
	vqi_stacks_note(observer->process, stacks, tasks->count, error);
	return error;
}

struct vqi_error *vqi_stacks_add(struct vqi_observer *observer, const struct vqi_closer_look *what,
				 enum vqi_stop_mode mode,
				 const struct vqi_carried_requests *carried,
				 struct vqi_snapshot *snapshot)
{
	vqi_cleanup(tasks_done) struct tasks tasks = {0};
	struct vqi_error *error = NULL;

	if (!observer->process || what->stacks == VQI_STACKS_NONE)
		return NULL;
	if (what->stacks == VQI_STACKS_ALL || !snapshot->loop_count)
		error = vqi_evidence_add_all_threads(observer, snapshot);
	if (!error)
		error = tasks_init(&tasks, carried->count + snapshot->thread_count);
	if (error)
		return error;
	add_coroutines(carried, &tasks);
	error = add_threads(observer, what, mode, snapshot, &tasks);
	if (!error && tasks.count)
		error = unwind(observer, what->all_lines, &tasks);
	if (!error)
		error = check(observer, &tasks);
	if (error)
		return error;
	find_runners(carried, &tasks);
	error = give_to_requests(observer, carried, &tasks);
	give_to_threads(&tasks);
	return error;
}
