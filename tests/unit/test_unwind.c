/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Back traces of a real process, whose chains of calls are known. */
#include "vqi/unwind.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <ucontext.h>
#include <unistd.h>

#include "target_process.h"
#include "unit.h"

#define MAX_JOBS 300

static struct test_target target;
static struct vqi_process *process;
static struct vqi_unwinder *unwinder;
static struct vqi_thread_place places[MAX_JOBS];
static struct vqi_unwind_job jobs[MAX_JOBS];
static struct vqi_stack stacks[MAX_JOBS];
static size_t count;
static char *gap;

static void start_target(const char *path)
{
	ck_assert_ptr_nonnull(path);
	vqi_target_start_file(&target, path);
	ck_assert_ok(vqi_process_open(target.pid, &process));
}

static void setup(void)
{
	memset(places, 0, sizeof(places));
	memset(jobs, 0, sizeof(jobs));
	memset(stacks, 0, sizeof(stacks));
	count = 0;
	gap = NULL;
	unwinder = NULL;
	start_target(vqi_target_path());
}

static void stop_target(void)
{
	vqi_unwinder_free(take_ptr(unwinder));
	vqi_process_close(take_ptr(process));
	vqi_target_end(&target);
}

static void teardown(void)
{
	for (size_t i = 0; i < count; i++) {
		vqi_stack_done(&stacks[i]);
		vqi_thread_place_done(&places[i]);
	}
	free(gap);
	stop_target();
}

static void add_thread(pid_t tid, bool may_stop)
{
	struct vqi_thread_place *place = &places[count];
	uint64_t stopped_us = 0;

	ck_assert_ok(vqi_thread_registers(process, tid, may_stop, place, &stopped_us));
	ck_assert(may_stop == (stopped_us > 0));
	jobs[count++] = (struct vqi_unwind_job){
		.registers = place->registers,
		.copy = place->stack,
		.copy_addr = place->registers.sp,
		.copy_len = place->stack_len,
	};
}

/* Starts a thread that sleeps, and looks where it is. */
static pid_t add_sleeper(const char *command)
{
	pid_t tid = (pid_t)vqi_target_ask(&target, "%s", command);

	ck_assert_int_gt(tid, 0);
	vqi_target_await_state(target.pid, tid, 'S');
	add_thread(tid, false);
	return tid;
}

static void unwind(enum vqi_lines lines)
{
	ck_assert_ok(vqi_unwinder_new(process, lines, &unwinder));
	ck_assert_ok(vqi_unwind(unwinder, jobs, count, stacks, &gap));
}

/* The first frame of a function, at or behind a place. */
static size_t find(const struct vqi_stack *stack, size_t from, const char *function)
{
	for (size_t i = from; i < stack->count; i++)
		if (stack->frames[i].function && !strcmp(stack->frames[i].function, function))
			return i;
	ck_abort_msg("no %s among the %zu frames; gap: %s", function, stack->count,
		     stack->gap ? stack->gap : "none");
	return 0;
}

static const struct vqi_frame *assert_chain(const struct vqi_stack *stack,
					    const char *const *functions)
{
	size_t first = find(stack, 0, functions[0]);

	for (size_t i = 0; functions[i]; i++) {
		ck_assert_uint_gt(stack->count, first + i);
		ck_assert_pstr_eq(stack->frames[first + i].function, functions[i]);
	}
	return &stack->frames[first];
}

static void assert_complete(const struct vqi_stack *stack)
{
	ck_assert_msg(!stack->gap, "gap: %s", stack->gap);
	ck_assert_uint_gt(stack->count, 3);
}

static const char *const blocked[] = {"end_chain", "vqi_chain_g", "vqi_chain_f", "block", NULL};

START_TEST(test_blocked)
{
	const struct vqi_frame *frames;

	add_sleeper("chain-block");
	unwind(VQI_LINES_CHEAP);
	ck_assert_pstr_eq(gap, NULL);
	assert_complete(&stacks[0]);
	frames = assert_chain(&stacks[0], blocked);
	ck_assert_pstr_eq(stacks[0].frames[0].function, "read");
	ck_assert(strncmp(stacks[0].frames[0].module, "libc.so", 7) == 0);
	ck_assert_uint_eq(stacks[0].frames[0].pc, places[0].registers.pc);
	for (int i = 0; i < 4; i++) {
		const char *file = frames[i].file ? strrchr(frames[i].file, '/') : NULL;

		ck_assert_pstr_eq(frames[i].module, "test-target");
		ck_assert_pstr_eq(file ? file + 1 : frames[i].file, "fake_chains.c");
		ck_assert_uint_gt(frames[i].line, 0);
		ck_assert_uint_gt(frames[i].offset, 0);
	}
	/* In the order in which they stand there. */
	ck_assert_uint_lt(frames[0].line, frames[1].line);
	ck_assert_uint_lt(frames[1].line, frames[2].line);
}
END_TEST

START_TEST(test_spinning)
{
	static const char *const chain[] = {"end_chain", "vqi_chain_g", "vqi_chain_f", "spin",
					    NULL};
	pid_t tid = (pid_t)vqi_target_ask(&target, "chain-spin");

	/* It has got there when it turns. */
	ck_assert_uint_gt(vqi_target_ask(&target, "chain-turns"), 0);
	add_thread(tid, true);
	unwind(VQI_LINES_CHEAP);
	assert_complete(&stacks[0]);
	ck_assert_ptr_eq(assert_chain(&stacks[0], chain), &stacks[0].frames[0]);
	ck_assert_uint_gt(vqi_target_ask(&target, "chain-turns"), 0);
}
END_TEST

static void add_coroutine(void)
{
	uint64_t address = vqi_target_ask(&target, "chain-coroutine");
	struct vqi_registers *registers = &jobs[count].registers;
	ucontext_t context;

	ck_assert_uint_gt(address, 0);
	ck_assert_ok(vqi_mem_read(vqi_process_mem(process), address, &context, sizeof(context)));
#if defined(__x86_64__)
	registers->pc = (uint64_t)context.uc_mcontext.gregs[REG_RIP];
	registers->sp = (uint64_t)context.uc_mcontext.gregs[REG_RSP];
	vqi_registers_set(registers, 3, (uint64_t)context.uc_mcontext.gregs[REG_RBX]);
	vqi_registers_set(registers, 6, (uint64_t)context.uc_mcontext.gregs[REG_RBP]);
	vqi_registers_set(registers, 12, (uint64_t)context.uc_mcontext.gregs[REG_R12]);
	vqi_registers_set(registers, 13, (uint64_t)context.uc_mcontext.gregs[REG_R13]);
	vqi_registers_set(registers, 14, (uint64_t)context.uc_mcontext.gregs[REG_R14]);
	vqi_registers_set(registers, 15, (uint64_t)context.uc_mcontext.gregs[REG_R15]);
#elif defined(__aarch64__)
	registers->pc = context.uc_mcontext.pc;
	registers->sp = context.uc_mcontext.sp;
	for (unsigned int i = 19; i < 31; i++)
		vqi_registers_set(registers, i, context.uc_mcontext.regs[i]);
#endif
	jobs[count].stack_start = registers->sp & ~UINT64_C(65535);
	jobs[count].stack_end = registers->sp + 65536;
	count++;
}

/* It does not run; its stack ends where it was begun. */
START_TEST(test_coroutine)
{
	static const char *const chain[] = {"end_chain", "vqi_chain_g", "vqi_chain_f", "coroutine",
					    NULL};

	add_coroutine();
	unwind(VQI_LINES_CHEAP);
	assert_complete(&stacks[0]);
	assert_chain(&stacks[0], chain);
}
END_TEST

START_TEST(test_many)
{
	add_sleeper("chain-block");
	add_coroutine();
	for (; count < MAX_JOBS; count++)
		jobs[count] = jobs[count % 2];
	unwind(VQI_LINES_CHEAP);
	for (size_t i = 0; i < count; i++) {
		assert_complete(&stacks[i]);
		ck_assert_uint_eq(stacks[i].count, stacks[i % 2].count);
		ck_assert_uint_gt(find(&stacks[i], 0, "vqi_chain_f"), 0);
	}
	for (size_t i = 2; i < count; i++) /* the places belong to the first two */
		places[i] = (struct vqi_thread_place){0};
}
END_TEST

START_TEST(test_none)
{
	unwind(VQI_LINES_CHEAP);
	ck_assert_pstr_eq(gap, NULL);
}
END_TEST

/* Exported functions have names; static ones none, and not that of the function before. */
START_TEST(test_stripped)
{
	const struct vqi_frame *frames;
	size_t g;

	stop_target();
	start_target(getenv("VQI_TEST_TARGET_STRIPPED"));
	add_sleeper("chain-block");
	unwind(VQI_LINES_CHEAP);
	assert_complete(&stacks[0]);
	g = find(&stacks[0], 0, "vqi_chain_g");
	ck_assert_uint_gt(g, 0);
	frames = &stacks[0].frames[g - 1];
	ck_assert_pstr_eq(frames[0].module, "test-target-stripped");
	ck_assert_pstr_eq(frames[0].function, NULL);
	ck_assert_pstr_eq(frames[0].file, NULL);
	ck_assert_pstr_eq(frames[2].function, "vqi_chain_f");
	ck_assert_pstr_eq(frames[3].function, NULL); /* block() */
	/* Without a function, the offset is from where the file is mapped. */
	ck_assert_uint_eq(frames[0].pc - frames[0].offset, frames[3].pc - frames[3].offset);
	ck_assert_uint_eq((frames[0].pc - frames[0].offset) % 4096, 0);
}
END_TEST

/* The file of the program is gone. */
START_TEST(test_deleted)
{
	char path[] = "/tmp/vqi-unwind-XXXXXX", command[1024];
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	close(fd);
	snprintf(command, sizeof(command), "cp '%s' '%s' && chmod 700 '%s'", vqi_target_path(),
		 path, path);
	ck_assert_int_eq(system(command), 0);
	stop_target();
	start_target(path);
	unlink(path);
	add_sleeper("chain-block");
	unwind(VQI_LINES_CHEAP);
	assert_complete(&stacks[0]);
	ck_assert_pstr_eq(assert_chain(&stacks[0], blocked)->module, strrchr(path, '/') + 1);
}
END_TEST

START_TEST(test_no_lines)
{
	add_sleeper("chain-block");
	unwind(VQI_LINES_NO);
	assert_complete(&stacks[0]);
	ck_assert_pstr_eq(assert_chain(&stacks[0], blocked)->file, NULL);
}
END_TEST

/* procfs does not tell the frame pointer, which is needed here: it is found by who has called. */
START_TEST(test_frame_pointer)
{
	static const char *const chain[] = {"end_chain",	"vqi_chain_g",	"vqi_chain_f",
					    "vqi_chain_framed", "block_framed", NULL};

	add_sleeper("chain-framed 300");
	add_sleeper("chain-framed 8000"); /* it is too far away */
	unwind(VQI_LINES_CHEAP);
	assert_complete(&stacks[0]);
	assert_chain(&stacks[0], chain);
	ck_assert_pstr_eq(stacks[1].frames[stacks[1].count - 1].function, "vqi_chain_framed");
	ck_assert_ptr_nonnull(strstr(stacks[1].gap, "rbp is not known"));
}
END_TEST

START_TEST(test_deep)
{
	add_sleeper("chain-deep 1000");
	unwind(VQI_LINES_CHEAP);
	ck_assert_uint_eq(stacks[0].count, 64);
	ck_assert_pstr_eq(stacks[0].frames[63].function, "vqi_chain_deep");
	ck_assert_pstr_eq(stacks[0].gap, "more than 64 frames");
}
END_TEST

START_TEST(test_nonsense)
{
	jobs[0].registers = (struct vqi_registers){.pc = 0, .sp = 0};
	jobs[1].registers = (struct vqi_registers){.pc = UINT64_MAX, .sp = UINT64_MAX};
	count = 2;
	add_sleeper("chain-block");
	jobs[3] = jobs[2];
	jobs[3].registers.sp = 8; /* nothing is there */
	jobs[4] = jobs[2];
	jobs[4].registers.sp += 1 << 24;
	count = 5;
	unwind(VQI_LINES_CHEAP);
	ck_assert_pstr_eq(stacks[0].gap, "there is no code at 0x0");
	ck_assert_pstr_eq(stacks[1].gap, "there is no code at 0xffffffffffffffff");
	assert_complete(&stacks[2]);
	ck_assert_uint_eq(stacks[3].count, 1);
	ck_assert_ptr_nonnull(strstr(stacks[3].gap, "cannot read 8 bytes at 0x"));
	ck_assert_ptr_nonnull(stacks[4].gap);
}
END_TEST

/* ---- files that harm whoever reads them ---- */

static struct vqi_maps maps;
static int harm;

static struct vqi_error *open_harmful(void *context, const struct vqi_map *map, int *ret_fd)
{
	if (strstr(map->path, "libc.so"))
		kill(getpid(), harm);
	return vqi_process_open_mapped(context, map, ret_fd);
}

/* Stacks that have nothing to do with that file are there. */
static void unwind_harmful(const char *message)
{
	const struct vqi_unwind_source source = {
		.mem = vqi_process_mem(process),
		.maps = &maps,
		.open_file = open_harmful,
		.context = process,
		.lines = VQI_LINES_CHEAP,
	};
	pid_t tid;

	add_sleeper("chain-block"); /* begins in that file */
	tid = (pid_t)vqi_target_ask(&target, "chain-spin");
	vqi_target_ask(&target, "chain-turns");
	add_thread(tid, true); /* ends there */
	jobs[2] = jobs[1];
	jobs[2].stack_start = jobs[2].registers.sp;
	jobs[2].stack_end = jobs[2].registers.sp; /* does not get there */
	count = 3;
	ck_assert_ok(vqi_process_maps(process, &maps));
	ck_assert_ok(vqi_unwinder_of(&source, &unwinder));
	ck_assert_ok(vqi_unwind(unwinder, jobs, count, stacks, &gap));
	vqi_maps_done(&maps);
	ck_assert_pstr_eq(gap, NULL);
	ck_assert_uint_eq(stacks[0].count, 0);
	ck_assert_pstr_eq(stacks[0].gap, message);
	ck_assert_pstr_eq(stacks[1].gap, message);
	ck_assert_ptr_nonnull(strstr(stacks[2].gap, "the stack leads nowhere"));
	ck_assert_pstr_eq(stacks[2].frames[0].function, "end_chain");
}

START_TEST(test_parser_crashes)
{
	harm = SIGKILL;
	unwind_harmful("the unwinder ended with signal 9, Killed");
}
END_TEST

START_TEST(test_parser_never_ends)
{
	harm = SIGALRM;
	unwind_harmful("the unwinder took too long");
}
END_TEST

/* The target's own trick: a file that is replaced by one that is no ELF file. */
static struct vqi_error *open_other(void *context, const struct vqi_map *map, int *ret_fd)
{
	struct vqi_map other = *map;

	if (strstr(map->path, "libc.so"))
		return vqi_error_new(VQI_ERROR_UNSUPPORTED, "it was replaced");
	return vqi_process_open_mapped(context, &other, ret_fd);
}

START_TEST(test_file_cannot_be_opened)
{
	const struct vqi_unwind_source source = {
		.mem = vqi_process_mem(process),
		.maps = &maps,
		.open_file = open_other,
		.context = process,
	};

	add_sleeper("chain-block");
	ck_assert_ok(vqi_process_maps(process, &maps));
	ck_assert_ok(vqi_unwinder_of(&source, &unwinder));
	ck_assert_ok(vqi_unwind(unwinder, jobs, count, stacks, &gap));
	vqi_maps_done(&maps);
	ck_assert_ptr_nonnull(strstr(stacks[0].gap, "no unwind information for 0x"));
	ck_assert_ptr_nonnull(strstr(stacks[0].gap, " in libc.so"));
	ck_assert_ptr_nonnull(strstr(stacks[0].gap, ": it was replaced"));
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("unwind");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_blocked);
	tcase_add_test(tcase, test_spinning);
	tcase_add_test(tcase, test_coroutine);
	tcase_add_test(tcase, test_many);
	tcase_add_test(tcase, test_none);
	tcase_add_test(tcase, test_stripped);
	tcase_add_test(tcase, test_deleted);
	tcase_add_test(tcase, test_no_lines);
	tcase_add_test(tcase, test_frame_pointer);
	tcase_add_test(tcase, test_deep);
	tcase_add_test(tcase, test_nonsense);
	tcase_add_test(tcase, test_parser_crashes);
	tcase_add_test(tcase, test_parser_never_ends);
	tcase_add_test(tcase, test_file_cannot_be_opened);
	return unit_run("unwind", tcase);
}
