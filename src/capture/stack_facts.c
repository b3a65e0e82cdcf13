/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stacks in a recording. */
#include <stdlib.h>

#include "stacks.h"
#include "vqi/limits.h"
#include "vqi/record.h"

static void pack_frame(struct vqi_pack *pack, const struct vqi_frame *frame)
{
	vqi_pack_u64(pack, frame->pc);
	vqi_pack_text(pack, frame->module);
	vqi_pack_text(pack, frame->function);
	vqi_pack_u64(pack, frame->offset);
	vqi_pack_text(pack, frame->file);
	vqi_pack_u32(pack, frame->line);
}

void vqi_stacks_note(struct vqi_process *process, const struct vqi_keyed_stack *stacks,
		     size_t count, const struct vqi_error *error)
{
	vqi_cleanup(vqi_pack_done) struct vqi_pack data = {0};

	if (!vqi_process_is_recorded(process))
		return;
	vqi_pack_u32(&data, (uint32_t)count);
	for (size_t i = 0; i < count; i++) {
		const struct vqi_stack *stack = stacks[i].stack;

		vqi_pack_u64(&data, stacks[i].key);
		vqi_pack_text(&data, stack->gap);
		vqi_pack_u32(&data, (uint32_t)stack->count);
		for (size_t j = 0; j < stack->count; j++)
			pack_frame(&data, &stack->frames[j]);
	}
	vqi_fact_note(process, VQI_FACT_STACKS, 0, &data, error);
}

static void unpack_frame(struct vqi_unpack *data, struct vqi_frame *frame)
{
	frame->pc = vqi_unpack_u64(data);
	frame->module = vqi_unpack_text(data);
	frame->function = vqi_unpack_text(data);
	frame->offset = vqi_unpack_u64(data);
	frame->file = vqi_unpack_text(data);
	frame->line = vqi_unpack_u32(data);
}

static struct vqi_error *unpack_stack(struct vqi_unpack *data, struct vqi_stack *stack)
{
	uint32_t count;

	stack->gap = vqi_unpack_text(data);
	count = vqi_unpack_u32(data);
	if (data->failed || count > VQI_MAX_FRAMES) {
		data->failed = true;
		return NULL;
	}
	stack->frames = calloc(count + 1, sizeof(*stack->frames));
	if (!stack->frames)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	for (stack->count = 0; stack->count < count; stack->count++)
		unpack_frame(data, &stack->frames[stack->count]);
	return NULL;
}

static struct vqi_stack *find(const struct vqi_keyed_stack *stacks, size_t count, uint64_t key)
{
	for (size_t i = 0; i < count; i++) {
		if (stacks[i].key == key && !stacks[i].stack->frames)
			return stacks[i].stack;
	}
	return NULL;
}

/* Takes the next one that was recorded, whether it is asked for or not. */
static struct vqi_error *take_stack(struct vqi_unpack *data, const struct vqi_keyed_stack *stacks,
				    size_t count)
{
	struct vqi_stack unasked = {0}, *stack = find(stacks, count, vqi_unpack_u64(data));
	struct vqi_error *error = unpack_stack(data, stack ? stack : &unasked);

	vqi_stack_done(&unasked);
	return error;
}

static struct vqi_error *say_missing(const struct vqi_keyed_stack *stacks, size_t count)
{
	struct vqi_error *error = NULL;

	for (size_t i = 0; !error && i < count; i++) {
		if (!stacks[i].stack->frames)
			error = vqi_copy_string("it is not in the recording",
						&stacks[i].stack->gap);
	}
	return error;
}

struct vqi_error *vqi_stacks_recall(struct vqi_process *process,
				    const struct vqi_keyed_stack *stacks, size_t count)
{
	struct vqi_unpack data;
	struct vqi_error *error = vqi_fact_recall(process, VQI_FACT_STACKS, 0, &data);
	uint32_t recorded;

	if (error)
		return error;
	recorded = vqi_unpack_u32(&data);
	for (uint32_t i = 0; !error && !data.failed && i < recorded; i++)
		error = take_stack(&data, stacks, count);
	if (!error)
		error = vqi_fact_error(&data, "stacks");
	return error ? error : say_missing(stacks, count);
}
