/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Event loops, threads and virtual CPUs. */
#include "json.h"

static void put_loop(struct vqi_json *json, struct json_object *list, const struct vqi_loop *loop)
{
	struct json_object *object = vqi_json_object(json, list, NULL);

	vqi_json_string(json, object, "name", loop->name);
	vqi_json_num(json, object, "tid", loop->tid);
	vqi_json_hex(json, object, "context", loop->ctx_hva);
	vqi_json_flag(json, object, "nested", loop->nested);
	vqi_json_flag(json, object, "polling", loop->polling);
	vqi_json_num(json, object, "bottom_halves", loop->bottom_halves);
	vqi_json_flag(json, object, "coroutines", loop->coroutines);
}

static void put_thread(struct vqi_json *json, struct json_object *list,
		       const struct vqi_thread *thread)
{
	const char state[] = {thread->state, '\0'};
	struct json_object *object = vqi_json_object(json, list, NULL);

	vqi_json_uint(json, object, "tid", (uint64_t)thread->tid);
	vqi_json_string(json, object, "name", thread->name);
	vqi_json_string(json, object, "role", thread->role);
	vqi_json_string(json, object, "state", state);
	vqi_json_string(json, object, "wchan", thread->wchan);
	vqi_json_bool(json, object, "in_fault", thread->in_fault);
	vqi_json_string(json, object, "syscall", thread->syscall);
	vqi_json_string(json, object, "file", thread->file);
	vqi_json_hex_num(json, object, "mutex", thread->mutex_hva);
	vqi_json_num(json, object, "mutex_owner", thread->mutex_owner);
	vqi_json_num(json, object, "cpu_ms", thread->cpu_ms);
	vqi_json_num(json, object, "wait_ms", thread->wait_ms);
	vqi_json_num(json, object, "sleeps", thread->sleeps);
	vqi_json_stack(json, object, &thread->stack);
}

static void put_vcpu(struct vqi_json *json, struct json_object *list, const struct vqi_vcpu *vcpu)
{
	struct json_object *object = vqi_json_object(json, list, NULL);

	vqi_json_uint(json, object, "index", vcpu->index);
	vqi_json_num(json, object, "tid", vcpu->tid);
	vqi_json_flag(json, object, "halted", vcpu->halted);
	vqi_json_flag(json, object, "panicked", vcpu->panicked);
}

void vqi_json_host(struct vqi_json *json, struct json_object *document,
		   const struct vqi_snapshot *snapshot)
{
	struct json_object *loops = vqi_json_list(json, document, "loops");
	struct json_object *threads = vqi_json_list(json, document, "threads");
	struct json_object *vcpus = vqi_json_list(json, document, "vcpus");
	struct json_object *nodes = vqi_json_list(json, document, "other_nodes");

	for (size_t i = 0; i < snapshot->loop_count; i++)
		put_loop(json, loops, &snapshot->loops[i]);
	for (size_t i = 0; i < snapshot->thread_count; i++)
		put_thread(json, threads, &snapshot->threads[i]);
	for (size_t i = 0; i < snapshot->vcpu_count; i++)
		put_vcpu(json, vcpus, &snapshot->vcpus[i]);
	for (size_t i = 0; i < snapshot->other_node_count; i++)
		vqi_json_block_node(json, nodes, &snapshot->other_nodes[i]);
}
