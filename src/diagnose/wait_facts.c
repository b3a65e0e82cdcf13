/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wait_facts.h"

#include <string.h>

#include "lookup.h"
#include "queue_facts.h"

const char *vqi_throttle_group_of(const struct vqi_block *block)
{
	if (block->throttled.value)
		return block->throttle_group ? block->throttle_group : "-";
	for (size_t i = 0; i < block->node_count; i++) {
		const struct vqi_block_node *node = &block->nodes[i];

		if (node->throttled.value)
			return node->throttle_group ? node->throttle_group : "-";
	}
	return NULL;
}

/* Parents come before children. */
const struct vqi_block_node *vqi_innermost_node(const struct vqi_block *block)
{
	const struct vqi_block_node *found = NULL;

	for (size_t i = 0; i < block->node_count; i++) {
		if (block->nodes[i].in_flight.value)
			found = &block->nodes[i];
	}
	return found;
}

/* Two nodes may have one file open: the first argument of what works on a file is its descriptor. */
bool vqi_is_worker(const struct vqi_thread *thread, const struct vqi_block_node *node)
{
	return node->filename && !thread->role && thread->in_syscall && thread->file &&
	       strcmp(thread->file, node->filename) == 0 &&
	       (!node->fd.known || node->fd.value == thread->syscall_args[0]);
}

const struct vqi_thread *vqi_find_workers(const struct vqi_snapshot *snapshot,
					  const struct vqi_block_node *node, size_t *ret_count)
{
	const struct vqi_thread *first = NULL;

	*ret_count = 0;
	for (size_t i = snapshot->thread_count; i-- > 0;) {
		if (!vqi_is_worker(&snapshot->threads[i], node))
			continue;
		first = &snapshot->threads[i];
		++*ret_count;
	}
	return first;
}

static bool is_in_group(const struct vqi_device *device, const char *group)
{
	for (size_t i = 0; i < device->backend_count; i++) {
		const struct vqi_block *block = &device->backends[i].block;

		if (block->throttle_group && strcmp(block->throttle_group, group) == 0)
			return true;
		for (size_t j = 0; j < block->node_count; j++) {
			const char *of_node = block->nodes[j].throttle_group;

			if (of_node && strcmp(of_node, group) == 0)
				return true;
		}
	}
	return false;
}

const struct vqi_queue *vqi_find_let_through(const struct vqi_subject *subject, const char *group,
					     const struct vqi_device **ret_device)
{
	const struct vqi_snapshot *snapshot = subject->snapshot;

	for (size_t i = 0; subject->earlier && i < snapshot->device_count; i++) {
		const struct vqi_device *device = &snapshot->devices[i];
		const struct vqi_device *before = vqi_find_device(subject->earlier, device);

		for (size_t j = 0; before && j < device->queue_count; j++) {
			const struct vqi_queue *queue = &device->queues[j];
			const struct vqi_queue *then = vqi_find_queue(before, queue->index);

			if (!then || !is_in_group(device, group) ||
			    vqi_num_equal(then->used_idx, queue->used_idx))
				continue;
			*ret_device = device;
			return queue;
		}
	}
	return NULL;
}
