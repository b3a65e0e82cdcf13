/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vqi/snapshot.h"

#include <stdlib.h>
#include <string.h>

struct vqi_snapshot *vqi_snapshot_new(void)
{
	return calloc(1, sizeof(struct vqi_snapshot));
}

struct vqi_error *vqi_copy_string(const char *text, char **ret_copy)
{
	char *copy;

	if (!text)
		return NULL;
	copy = strdup(text);
	if (!copy)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	*ret_copy = copy;
	return NULL;
}

void vqi_target_done(struct vqi_target *target)
{
	free(target->core);
	free(target->exe);
	free(target->build_id);
	free(target->qemu_version);
	free(target->vm_name);
	free(target->arch);
	free(target->run_state);
}

static void host_done(struct vqi_host *host)
{
	free(host->command_line);
	free(host->package);
	free(host->distribution);
	free(host->kernel);
	free(host->cpu);
	free(host->accelerator);
}

void vqi_block_node_done(struct vqi_block_node *node)
{
	free(node->node_name);
	free(node->driver);
	free(node->filename);
	free(node->throttle_group);
}

void vqi_block_done(struct vqi_block *block)
{
	for (size_t i = 0; i < block->node_count; i++)
		vqi_block_node_done(&block->nodes[i]);
	free(block->nodes);
	free(block->throttle_group);
}

void vqi_backend_done(struct vqi_backend *backend)
{
	free(backend->name);
	free(backend->node_name);
	free(backend->driver);
	free(backend->child_id);
	vqi_block_done(&backend->block);
}

void vqi_queue_done(struct vqi_queue *queue)
{
	for (size_t i = 0; i < queue->request_count; i++)
		vqi_request_done(&queue->requests[i]);
	free(queue->requests);
}

void vqi_device_done(struct vqi_device *device)
{
	free(device->id);
	free(device->qom_path);
	free(device->type);
	free(device->transport_address);
	for (size_t i = 0; i < device->backend_count; i++)
		vqi_backend_done(&device->backends[i]);
	free(device->backends);
	for (size_t i = 0; i < device->queue_count; i++)
		vqi_queue_done(&device->queues[i]);
	free(device->queues);
}

void vqi_thread_done(struct vqi_thread *thread)
{
	free(thread->name);
	free(thread->role);
	free(thread->wchan);
	free(thread->syscall);
	free(thread->file);
	vqi_stack_done(&thread->stack);
}

void vqi_gap_done(struct vqi_gap *gap)
{
	free(gap->device);
	free(gap->what);
	free(gap->why);
}

void vqi_snapshot_free(struct vqi_snapshot *snapshot)
{
	if (!snapshot)
		return;
	vqi_target_done(&snapshot->target);
	host_done(&snapshot->host);
	for (size_t i = 0; i < snapshot->device_count; i++)
		vqi_device_done(&snapshot->devices[i]);
	free(snapshot->devices);
	for (size_t i = 0; i < snapshot->unplugged_count; i++)
		free(snapshot->unplugged[i]);
	free(snapshot->unplugged);
	for (size_t i = 0; i < snapshot->loop_count; i++)
		free(snapshot->loops[i].name);
	free(snapshot->loops);
	for (size_t i = 0; i < snapshot->thread_count; i++)
		vqi_thread_done(&snapshot->threads[i]);
	free(snapshot->threads);
	free(snapshot->vcpus);
	for (size_t i = 0; i < snapshot->other_node_count; i++)
		vqi_block_node_done(&snapshot->other_nodes[i]);
	free(snapshot->other_nodes);
	for (size_t i = 0; i < snapshot->gap_count; i++)
		vqi_gap_done(&snapshot->gaps[i]);
	free(snapshot->gaps);
	free(snapshot);
}

struct vqi_error *vqi_snapshot_add_gap(struct vqi_snapshot *snapshot,
				       const struct vqi_device *device, struct vqi_num queue,
				       const char *what, const char *why)
{
	struct vqi_gap gap = {.queue = queue, .what = strdup(what), .why = strdup(why)};
	struct vqi_gap *grown;

	if (device)
		gap.device = strdup(vqi_device_label(device));
	grown = reallocarray(snapshot->gaps, snapshot->gap_count + 1, sizeof(gap));
	if (grown)
		snapshot->gaps = grown;
	if (!grown || !gap.what || !gap.why || (device && !gap.device)) {
		vqi_gap_done(&gap);
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	}
	snapshot->gaps[snapshot->gap_count++] = gap;
	return NULL;
}

const struct vqi_thread *vqi_snapshot_thread(const struct vqi_snapshot *snapshot,
					     struct vqi_num tid)
{
	for (size_t i = 0; tid.known && i < snapshot->thread_count; i++) {
		if ((uint64_t)snapshot->threads[i].tid == tid.value)
			return &snapshot->threads[i];
	}
	return NULL;
}

const struct vqi_loop *vqi_snapshot_loop(const struct vqi_snapshot *snapshot,
					 const struct vqi_queue *queue)
{
	if (!queue->loop.known || queue->loop.value >= snapshot->loop_count)
		return NULL;
	return &snapshot->loops[queue->loop.value];
}

struct vqi_num vqi_queue_untaken(const struct vqi_queue *queue)
{
	if (queue->ring == VQI_RING_PACKED)
		return queue->unseen;
	return vqi_num_ahead(queue->avail_idx, queue->last_avail_idx);
}

struct vqi_num vqi_queue_outstanding(const struct vqi_queue *queue)
{
	if (queue->ring == VQI_RING_PACKED)
		return queue->unseen.known && queue->in_flight.known
			       ? VQI_NUM(queue->unseen.value + queue->in_flight.value)
			       : VQI_UNKNOWN;
	return vqi_num_ahead(queue->avail_idx,
			     queue->used_idx.known ? queue->used_idx : queue->used_ring_idx);
}

bool vqi_queue_held_still(const struct vqi_queue *before, const struct vqi_queue *now)
{
	return before && before->consistent && now->consistent &&
	       before->desc_gpa == now->desc_gpa && before->num == now->num &&
	       vqi_num_equal(before->avail_idx, now->avail_idx) &&
	       vqi_num_equal(before->shadow_avail_idx, now->shadow_avail_idx) &&
	       vqi_num_equal(before->last_avail_idx, now->last_avail_idx) &&
	       vqi_num_equal(before->used_idx, now->used_idx) &&
	       vqi_num_equal(before->used_ring_idx, now->used_ring_idx) &&
	       vqi_num_equal(before->unseen, now->unseen) &&
	       vqi_num_equal(before->unreaped, now->unreaped) &&
	       vqi_num_equal(before->desc_digest, now->desc_digest) &&
	       vqi_num_equal(before->wrap.last_avail, now->wrap.last_avail) &&
	       vqi_num_equal(before->wrap.used, now->wrap.used);
}

uint64_t vqi_device_left_behind(const struct vqi_device *device)
{
	uint64_t count = 0;

	for (size_t i = 0; device->is_export && i < device->queue_count; i++) {
		const struct vqi_queue *queue = &device->queues[i];
		uint64_t now = queue->in_flight.known ? queue->in_flight.value : 0;

		if (queue->consistent && queue->inuse.known && queue->inuse.value > now)
			count += queue->inuse.value - now;
	}
	return count;
}

bool vqi_is_same_device(const struct vqi_device *a, const struct vqi_device *b)
{
	return a->vdev_addr == b->vdev_addr && a->is_export == b->is_export &&
	       (a->is_export ? strcmp(a->id, b->id) == 0 : strcmp(a->qom_path, b->qom_path) == 0);
}

const struct vqi_device *vqi_find_device(const struct vqi_snapshot *snapshot,
					 const struct vqi_device *device)
{
	for (size_t i = 0; snapshot && i < snapshot->device_count; i++) {
		const struct vqi_device *other = &snapshot->devices[i];

		if (vqi_is_same_device(other, device))
			return other;
	}
	return NULL;
}

const struct vqi_queue *vqi_find_queue(const struct vqi_device *device, unsigned int index)
{
	for (size_t i = 0; device && i < device->queue_count; i++) {
		if (device->queues[i].index == index)
			return &device->queues[i];
	}
	return NULL;
}

/* The calls that QEMU's loops poll in: util/fdmon-*.c, util/qemu-timer.c qemu_poll_ns(), GLib. */
bool vqi_is_poll(const char *syscall)
{
	static const char *const polls[] = {
		"ppoll",	"poll",		  "epoll_wait", "epoll_pwait",
		"epoll_pwait2", "io_uring_enter", "select",	"pselect6",
	};

	for (size_t i = 0; i < sizeof(polls) / sizeof(polls[0]); i++) {
		if (strcmp(syscall, polls[i]) == 0)
			return true;
	}
	return false;
}
