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

void vqi_stacks_note(struct vqi_process *process, struct vqi_stack *const *stacks, size_t count,
		     const struct vqi_error *error)
{
	vqi_cleanup(vqi_pack_done) struct vqi_pack data = {0};

	if (!vqi_process_is_recorded(process))
		return;
	vqi_pack_u32(&data, (uint32_t)count);
	for (size_t i = 0; i < count; i++) {
		vqi_pack_text(&data, stacks[i]->gap);
		vqi_pack_u32(&data, (uint32_t)stacks[i]->count);
		for (size_t j = 0; j < stacks[i]->count; j++)
			pack_frame(&data, &stacks[i]->frames[j]);
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

struct vqi_error *vqi_stacks_recall(struct vqi_process *process, struct vqi_stack *const *stacks,
				    size_t count)
{
	struct vqi_unpack data;
	struct vqi_error *error = vqi_fact_recall(process, VQI_FACT_STACKS, 0, &data);

	if (error)
		return error;
	data.failed |= vqi_unpack_u32(&data) != count;
	for (size_t i = 0; !error && !data.failed && i < count; i++)
		error = unpack_stack(&data, stacks[i]);
	return error ? error : vqi_fact_error(&data, "stacks");
}
