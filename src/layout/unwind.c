/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Back traces are made in a child process: the files are the target's, and it may have made them to
 * harm whoever parses them. When the child ends before its time, another goes on behind the stack,
 * or the file, with which that happened. */
#include "vqi/unwind.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dwarf_private.h"
#include "unwind_private.h"
#include "vqi/confined.h"

/* Units: s. All of it takes milliseconds; debug information of a QEMU that must be uncompressed, a few seconds. */
#define MAX_CPU_S    20
#define MAX_WAIT_S   20
#define MAX_CHILDREN 8

struct vqi_unwinder {
	struct vqi_unwind_source source;
	struct vqi_process *process;
	struct vqi_maps maps; /* its own, of a process */
	char root[64];
};

static struct vqi_error *no_memory(void)
{
	return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
}

static struct vqi_error *open_mapped(void *context, const struct vqi_map *map, int *ret_fd)
{
	return vqi_process_open_mapped(context, map, ret_fd);
}

struct vqi_error *vqi_unwinder_new(struct vqi_process *process, enum vqi_lines lines,
				   struct vqi_unwinder **ret_unwinder)
{
	vqi_cleanup_unwinder struct vqi_unwinder *unwinder = calloc(1, sizeof(*unwinder));
	struct vqi_error *error;

	if (!unwinder)
		return no_memory();
	error = vqi_process_maps(process, &unwinder->maps);
	if (error)
		return error;
	vqi_dwarf_root_of(process, unwinder->root);
	unwinder->source = (struct vqi_unwind_source){
		.mem = vqi_process_mem(process),
		.maps = &unwinder->maps,
		.root = unwinder->root,
		.open_file = open_mapped,
		.context = process,
		.lines = lines,
	};
	*ret_unwinder = take_ptr(unwinder);
	return NULL;
}

struct vqi_error *vqi_unwinder_of(const struct vqi_unwind_source *source,
				  struct vqi_unwinder **ret_unwinder)
{
	struct vqi_unwinder *unwinder = calloc(1, sizeof(*unwinder));

	if (!unwinder)
		return no_memory();
	unwinder->source = *source;
	*ret_unwinder = unwinder;
	return NULL;
}

void vqi_unwinder_free(struct vqi_unwinder *unwinder)
{
	if (!unwinder)
		return;
	vqi_maps_done(&unwinder->maps);
	free(unwinder);
}

/* ---- what the child says; nothing of it is believed ---- */

static char *read_text(const struct vqi_confined *child, uint32_t len)
{
	char *text = len < VQI_MAX_UNWIND_TEXT ? malloc(len + 1) : NULL;

	if (!text)
		return NULL;
	text[len] = '\0';
	if (vqi_confined_read(child, text, len))
		return text;
	free(text);
	return NULL;
}

static bool read_stack(const struct vqi_confined *child, const struct vqi_unwind_message *message,
		       struct vqi_unwind_work *work)
{
	vqi_cleanup_free struct vqi_raw_frame *frames = NULL;
	struct vqi_raw_stack *stack;

	if (work->done == work->count || message->number > VQI_MAX_FRAMES)
		return false;
	frames = calloc(message->number + 1, sizeof(*frames));
	stack = &work->stacks[work->done];
	if (!frames || !vqi_confined_read(child, frames, message->number * sizeof(*frames)))
		return false;
	if (message->text_len) {
		stack->gap = read_text(child, message->text_len);
		if (!stack->gap)
			return false;
	}
	stack->frames = take_ptr(frames);
	stack->count = message->number;
	work->done++;
	return true;
}

static void named_done(struct vqi_named *named)
{
	free(named->function);
	free(named->file);
}

static bool read_name(const struct vqi_confined *child, const struct vqi_unwind_message *message,
		      struct vqi_unwind_work *work)
{
	struct vqi_named named = {
		.addr = message->addr, .start = message->start, .line = message->number};
	struct vqi_named *grown;
	bool ok = true;

	if (work->name_count == work->count * VQI_MAX_FRAMES)
		return false;
	grown = reallocarray(work->names, work->name_count + 1, sizeof(*grown));
	if (!grown)
		return false;
	work->names = grown;
	if (message->text_len)
		ok = (named.function = read_text(child, message->text_len));
	if (ok && message->file_len)
		ok = (named.file = read_text(child, message->file_len));
	if (ok)
		work->names[work->name_count++] = named;
	else
		named_done(&named);
	return ok;
}

static bool read_naming(const struct vqi_unwind_message *message, struct vqi_unwind_work *work)
{
	if (message->number >= work->source->maps->count)
		return false;
	if (work->naming != SIZE_MAX)
		work->closed[work->naming] = true;
	work->naming = message->number;
	return true;
}

/* Takes all that a child says; true when that is all there is to say. */
static bool listen(const struct vqi_confined *child, struct vqi_unwind_work *work)
{
	struct vqi_unwind_message message;
	bool ok = true;

	while (ok && vqi_confined_read(child, &message, sizeof(message))) {
		if (message.said == VQI_SAID_STACK)
			ok = read_stack(child, &message, work);
		else if (message.said == VQI_SAID_NAMING)
			ok = read_naming(&message, work);
		else if (message.said == VQI_SAID_NAME)
			ok = read_name(child, &message, work);
		else
			return message.said == VQI_SAID_END && work->done == work->count;
	}
	return false;
}

/* ---- children ---- */

static char *copy_message(const struct vqi_error *error)
{
	return strdup(error ? error->message : "the unwinder ended without a result");
}

/* A child ended at a stack, or at the names of a file: the next is to leave that out. */
static struct vqi_error *leave_out(struct vqi_unwind_work *work, const struct vqi_error *end,
				   char **gap)
{
	const struct vqi_maps *maps = work->source->maps;
	vqi_cleanup_free char *name = NULL;

	if (work->done < work->count) {
		work->stacks[work->done].gap = copy_message(end);
		return work->stacks[work->done++].gap ? NULL : no_memory();
	}
	if (work->naming == SIZE_MAX)
		return NULL;
	work->closed[work->naming] = true;
	name = vqi_unwind_file_name(&maps->maps[work->naming]);
	work->naming = SIZE_MAX;
	if (*gap)
		return NULL;
	if (!name || asprintf(gap, "names of functions in %s: %s", name,
			      end ? end->message : "the unwinder ended without a result") < 0) {
		*gap = NULL;
		return no_memory();
	}
	return NULL;
}

/* Runs one child; ret_finished says that nothing is left to do. */
static struct vqi_error *run_child(struct vqi_unwind_work *work, bool *ret_finished, char **gap)
{
	const struct vqi_confined_limits limits = {.cpu_s = MAX_CPU_S, .wait_s = MAX_WAIT_S};
	vqi_cleanup_error struct vqi_error *end = NULL;
	struct vqi_confined child;
	struct vqi_error *error = vqi_confined_start(&limits, vqi_unwind_child, work, &child);

	if (error)
		return error;
	work->naming = SIZE_MAX;
	*ret_finished = listen(&child, work);
	if (*ret_finished) {
		vqi_confined_kill(&child); /* what it still has is not worth being freed */
		return NULL;
	}
	end = vqi_confined_end(&child, "the unwinder");
	return leave_out(work, end, gap);
}

static struct vqi_error *run(struct vqi_unwind_work *work, char **gap)
{
	bool finished = work->count == 0;

	for (int i = 0; !finished && i < MAX_CHILDREN; i++) {
		struct vqi_error *error = run_child(work, &finished, gap);

		if (error)
			return error;
	}
	while (!finished && work->done < work->count) {
		struct vqi_error *error = leave_out(work, NULL, gap);

		if (error)
			return error;
	}
	return NULL;
}

/* ---- results ---- */

int vqi_named_by_address(const void *a, const void *b)
{
	const struct vqi_named *one = a, *other = b;

	return one->addr < other->addr ? -1 : one->addr > other->addr;
}

/* Where the file that an address is in begins: the last of its mappings below that has its first byte. */
static uint64_t file_start(const struct vqi_maps *maps, const struct vqi_map *map)
{
	const struct vqi_map *at = map;

	while (map->inode && at > maps->maps &&
	       (at->offset || at->dev != map->dev || at->inode != map->inode))
		at--;
	return at->dev == map->dev && at->inode == map->inode ? at->start : map->start;
}

static struct vqi_error *fill_frame(const struct vqi_unwind_work *work,
				    const struct vqi_raw_frame *raw, struct vqi_frame *frame)
{
	const struct vqi_maps *maps = work->source->maps;
	const struct vqi_map *map = vqi_unwind_map(maps, raw->addr);
	const struct vqi_named key = {.addr = raw->addr}, *named = NULL;
	struct vqi_error *error = NULL;

	frame->pc = raw->pc;
	if (work->name_count)
		named = bsearch(&key, work->names, work->name_count, sizeof(key),
				vqi_named_by_address);
	if (map && map->path) {
		frame->module = vqi_unwind_file_name(map);
		if (!frame->module)
			return no_memory();
		frame->offset = raw->pc - file_start(maps, map);
	}
	if (!named)
		return NULL;
	error = vqi_copy_string(named->function, &frame->function);
	if (!error)
		error = vqi_copy_string(named->file, &frame->file);
	frame->line = frame->file ? named->line : 0;
	if (frame->function)
		frame->offset = raw->pc - named->start;
	return error;
}

static struct vqi_error *fill_stack(const struct vqi_unwind_work *work, struct vqi_raw_stack *raw,
				    struct vqi_stack *stack)
{
	struct vqi_error *error = NULL;

	stack->gap = take_ptr(raw->gap);
	stack->frames = raw->count ? calloc(raw->count, sizeof(*stack->frames)) : NULL;
	if (raw->count && !stack->frames)
		return no_memory();
	stack->count = raw->count;
	for (size_t i = 0; !error && i < raw->count; i++)
		error = fill_frame(work, &raw->frames[i], &stack->frames[i]);
	return error;
}

static struct vqi_error *fill_all(struct vqi_unwind_work *work, struct vqi_stack *stacks)
{
	struct vqi_error *error = NULL;

	if (work->name_count)
		qsort(work->names, work->name_count, sizeof(*work->names), vqi_named_by_address);
	for (size_t i = 0; !error && i < work->count; i++)
		error = fill_stack(work, &work->stacks[i], &stacks[i]);
	return error;
}

static void work_done(struct vqi_unwind_work *work)
{
	for (size_t i = 0; work->stacks && i < work->count; i++) {
		free(work->stacks[i].frames);
		free(work->stacks[i].gap);
	}
	for (size_t i = 0; i < work->name_count; i++)
		named_done(&work->names[i]);
	free(work->stacks);
	free(work->names);
	free(work->closed);
}

struct vqi_error *vqi_unwind(struct vqi_unwinder *unwinder, const struct vqi_unwind_job *jobs,
			     size_t count, struct vqi_stack *ret_stacks, char **ret_gap)
{
	__attribute__((cleanup(work_done))) struct vqi_unwind_work work = {
		.source = &unwinder->source,
		.jobs = jobs,
		.count = count,
		.naming = SIZE_MAX,
	};
	vqi_cleanup_free struct vqi_stack *stacks = NULL;
	vqi_cleanup_free char *gap = NULL;
	struct vqi_error *error;

	if (count > VQI_MAX_STACKS)
		return vqi_error_new(VQI_ERROR_LIMIT, "more than %d stacks", VQI_MAX_STACKS);
	stacks = calloc(count + 1, sizeof(*stacks));
	work.stacks = calloc(count + 1, sizeof(*work.stacks));
	work.closed = calloc(unwinder->source.maps->count + 1, sizeof(*work.closed));
	if (!stacks || !work.stacks || !work.closed)
		return no_memory();
	error = run(&work, &gap);
	if (!error)
		error = fill_all(&work, stacks);
	for (size_t i = 0; error && i < count; i++)
		vqi_stack_done(&stacks[i]);
	if (error)
		return error;
	memcpy(ret_stacks, stacks, count * sizeof(*stacks));
	*ret_gap = take_ptr(gap);
	return NULL;
}
