/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Walking stacks, in a process of its own. libdwfl evaluates the call frame information; where it
 * would guess (by a chain of frame pointers, where there is none), or would take what it does not
 * know for the end of a stack, it is stopped before, and the stack gets a gap. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unwind_private.h"
#include "unwind_walk.h"
#include "vqi/cleanup.h"
#include "vqi/confined.h"

#define AHEAD 2048 /* stacks whose innermost pages are read at once */
#define PAGE  4096

/* The length of a text up to one of some characters. */
static uint32_t text_len(const char *text, const char *ends)
{
	size_t len = text ? strcspn(text, ends) : 0;

	return len < VQI_MAX_UNWIND_TEXT ? (uint32_t)len : VQI_MAX_UNWIND_TEXT - 1;
}

static bool send_stack(int fd, const struct vqi_raw_stack *stack)
{
	const struct vqi_unwind_message message = {
		.said = VQI_SAID_STACK,
		.number = (uint32_t)stack->count,
		.text_len = text_len(stack->gap, ""),
	};

	return vqi_confined_write(fd, &message, sizeof(message)) &&
	       vqi_confined_write(fd, stack->frames, stack->count * sizeof(*stack->frames)) &&
	       vqi_confined_write(fd, stack->gap, message.text_len);
}

/* Reads the innermost pages of all stacks at once. */
static void read_ahead(const struct vqi_unwind_work *work, struct vqi_mem *mem)
{
	size_t count = work->count - work->done, used = 0;
	vqi_cleanup_free struct vqi_range *ranges = NULL;
	char bytes[8]; /* what counts is that mem keeps the pages */

	if (count > AHEAD)
		count = AHEAD;
	ranges = calloc(2 * count + 1, sizeof(*ranges));
	for (size_t i = 0; ranges && i < count; i++) {
		uint64_t page = work->jobs[work->done + i].registers.sp / PAGE * PAGE;

		for (int next = 0; next < 2; next++)
			ranges[used++] = (struct vqi_range){
				.addr = page + (uint64_t)next * PAGE, .buf = bytes, .len = 1};
	}
	if (used)
		vqi_error_free(vqi_mem_readv(mem, ranges, used));
}

static bool walk_all(int fd, struct vqi_unwind_work *work, struct vqi_walker *walker)
{
	read_ahead(work, walker->mem);
	for (; work->done < work->count; work->done++) {
		struct vqi_raw_stack *stack = &work->stacks[work->done];

		if (!vqi_walk(walker, &work->jobs[work->done], stack) || !send_stack(fd, stack))
			return false;
	}
	return true;
}

/* All addresses in the stacks, each once, ascending. */
static struct vqi_named *gather(const struct vqi_unwind_work *work, size_t *ret_count)
{
	struct vqi_named *names;
	size_t count = 0, kept = 0;

	for (size_t i = 0; i < work->count; i++)
		count += work->stacks[i].count;
	names = calloc(count + 1, sizeof(*names));
	if (!names)
		return NULL;
	for (size_t i = 0, at = 0; i < work->count; i++)
		for (size_t j = 0; j < work->stacks[i].count; j++)
			names[at++].addr = work->stacks[i].frames[j].addr;
	qsort(names, count, sizeof(*names), vqi_named_by_address);
	for (size_t i = 0; i < count; i++)
		if (!kept || names[kept - 1].addr != names[i].addr)
			names[kept++] = names[i];
	*ret_count = kept;
	return names;
}

static bool send_name(int fd, const struct vqi_named *named)
{
	const struct vqi_unwind_message message = {
		.said = VQI_SAID_NAME,
		.number = named->line,
		.text_len = text_len(named->function, "@"), /* behind it is a version */
		.file_len = text_len(named->file, ""),
		.addr = named->addr,
		.start = named->start,
	};

	if (!message.text_len && !message.file_len)
		return true;
	return vqi_confined_write(fd, &message, sizeof(message)) &&
	       vqi_confined_write(fd, named->function, message.text_len) &&
	       vqi_confined_write(fd, named->file, message.file_len);
}

/* Names some of the addresses, which are all of one file's mappings that are next to each other. */
static bool name_some(int fd, const struct vqi_unwind_work *work, struct vqi_unwind_file *file,
		      struct vqi_named *names, size_t count)
{
	const struct vqi_unwind_message message = {.said = VQI_SAID_NAMING,
						   .number = (uint32_t)file->index};

	if (work->closed[file->index])
		return true;
	if (!vqi_confined_write(fd, &message, sizeof(message)))
		return false;
	vqi_unwind_names(work->source, file, names, count);
	for (size_t i = 0; i < count; i++)
		if (!send_name(fd, &names[i]))
			return false;
	return true;
}

static bool name_all(int fd, const struct vqi_unwind_work *work, struct vqi_unwind_files *files)
{
	size_t count = 0, some;
	vqi_cleanup_free struct vqi_named *names = gather(work, &count);

	if (!names)
		return false;
	for (size_t i = 0; i < count; i += some) {
		struct vqi_unwind_file *file = vqi_unwind_files_find(files, names[i].addr);

		some = 1;
		while (i + some < count &&
		       vqi_unwind_files_find(files, names[i + some].addr) == file)
			some++;
		if (file && !name_some(fd, work, file, &names[i], some))
			return false;
	}
	return true;
}

bool vqi_unwind_child(int fd, void *context)
{
	const struct vqi_unwind_message end = {.said = VQI_SAID_END};
	struct vqi_unwind_work *work = context;
	struct vqi_unwind_files files;
	struct vqi_walker walker;
	struct vqi_mem *mem;

	/* Nobody who asks for a hung VM waits for a server: libdwfl looks at nothing else. */
	unsetenv("DEBUGINFOD_URLS");
	if (vqi_paged_mem_new(work->source->mem, &mem) ||
	    !vqi_unwind_files_init(&files, work->source, mem) ||
	    !vqi_walker_init(&walker, &files, mem))
		return false;
	return walk_all(fd, work, &walker) && name_all(fd, work, &files) &&
	       vqi_confined_write(fd, &end, sizeof(end));
}
