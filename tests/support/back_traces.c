/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prints the back trace of every thread of a process, as eu-stack does: "TID number:", then a frame a line: number, program
 * counter, function. A thread that runs is stopped only with the option "stop".
 * Usage: back_traces PID [stop] */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vqi/process.h"
#include "vqi/unwind.h"

static void check(struct vqi_error *error)
{
	if (!error)
		return;
	fprintf(stderr, "back_traces: %s\n", error->message);
	exit(EXIT_FAILURE);
}

static void print(pid_t tid, const struct vqi_stack *stack)
{
	printf("TID %d:\n", (int)tid);
	for (size_t i = 0; i < stack->count; i++) {
		const struct vqi_frame *frame = &stack->frames[i];

		printf("#%zu 0x%016" PRIx64 " %s %s %s:%u\n", i, frame->pc,
		       frame->function ? frame->function : "-", frame->module ? frame->module : "-",
		       frame->file ? frame->file : "-", frame->line);
	}
	if (stack->gap)
		printf("gap: %s\n", stack->gap);
}

int main(int argc, char **argv)
{
	bool may_stop = argc > 2 && !strcmp(argv[2], "stop");
	struct vqi_process *process;
	struct vqi_unwinder *unwinder;
	uint64_t stopped_us = 0;
	struct vqi_tids tids;
	char *gap = NULL;

	if (argc < 2)
		return EXIT_FAILURE;
	check(vqi_process_open((pid_t)strtol(argv[1], NULL, 10), &process));
	check(vqi_process_threads(process, &tids));
	check(vqi_unwinder_new(process, VQI_LINES_CHEAP, &unwinder));
	for (size_t i = 0; i < tids.count; i++) {
		struct vqi_thread_place place;
		struct vqi_unwind_job job = {.copy = NULL};
		struct vqi_stack stack;

		check(vqi_thread_registers(process, tids.tids[i], may_stop, &place, &stopped_us));
		job.registers = place.registers;
		job.copy = place.stack;
		job.copy_addr = place.registers.sp;
		job.copy_len = place.stack_len;
		check(vqi_unwind(unwinder, &job, 1, &stack, &gap));
		print(tids.tids[i], &stack);
		vqi_stack_done(&stack);
		vqi_thread_place_done(&place);
	}
	if (gap)
		printf("gap: %s\n", gap);
	printf("stopped for %" PRIu64 " us\n", stopped_us);
	vqi_unwinder_free(unwinder);
	vqi_tids_done(&tids);
	vqi_process_close(process);
	return EXIT_SUCCESS;
}
