/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>

#include "raw.h"

void vqi_raw_number(struct vqi_page *page, const char *name, struct vqi_num number)
{
	if (number.known)
		vqi_page_add_whole(page, 1, VQI_STYLE_PLAIN, "%s %" PRIu64, name, number.value);
	else
		vqi_page_add_whole(page, 1, VQI_STYLE_PLAIN, "%s -", name);
}

void vqi_raw_boolean(struct vqi_page *page, const char *name, struct vqi_num number)
{
	const char *word = number.value ? "true" : "false";

	vqi_page_add_whole(page, 1, VQI_STYLE_PLAIN, "%s %s", name, number.known ? word : "-");
}

void vqi_raw_address(struct vqi_page *page, const char *name, struct vqi_num address)
{
	if (address.known)
		vqi_page_add_whole(page, 1, VQI_STYLE_PLAIN, "%s 0x%" PRIx64, name, address.value);
	else
		vqi_page_add_whole(page, 1, VQI_STYLE_PLAIN, "%s -", name);
}

static void print_loop(struct vqi_page *page, const struct vqi_loop *loop)
{
	vqi_page_begin(page, 4, 8);
	vqi_page_add(page, VQI_STYLE_PLAIN, "%s:", loop->name);
	vqi_raw_number(page, "tid", loop->tid);
	vqi_raw_address(page, "AioContext", VQI_NUM(loop->ctx_hva));
	vqi_raw_boolean(page, "nested", loop->nested);
	vqi_raw_boolean(page, "polling", loop->polling);
	vqi_raw_number(page, "bottom_halves", loop->bottom_halves);
	vqi_raw_boolean(page, "coroutines", loop->coroutines);
	vqi_page_end(page);
}

static void print_thread(struct vqi_page *page, const struct vqi_thread *thread)
{
	vqi_page_begin(page, 4, 8);
	vqi_page_add(page, VQI_STYLE_PLAIN, "thread %d (%s)%s%s: state %c", (int)thread->tid,
		     thread->name ? thread->name : "-", thread->role ? ", " : "",
		     thread->role ? thread->role : "", thread->state);
	if (thread->syscall)
		vqi_page_add(page, VQI_STYLE_PLAIN, ", in %s", thread->syscall);
	if (thread->file)
		vqi_page_add(page, VQI_STYLE_PLAIN, " on %s", thread->file);
	if (thread->in_fault)
		vqi_page_add(page, VQI_STYLE_PLAIN, ", waiting for a page of memory");
	if (thread->wchan)
		vqi_page_add(page, VQI_STYLE_PLAIN, ", wchan %s", thread->wchan);
	vqi_page_add(page, VQI_STYLE_PLAIN, ";");
	vqi_raw_number(page, "cpu_ms", thread->cpu_ms);
	vqi_raw_number(page, "wait_ms", thread->wait_ms);
	vqi_raw_number(page, "sleeps", thread->sleeps);
	vqi_raw_address(page, "mutex", thread->mutex_hva);
	vqi_raw_number(page, "mutex_owner", thread->mutex_owner);
	vqi_page_end(page);
}

static void print_vcpu(struct vqi_page *page, const struct vqi_vcpu *vcpu)
{
	vqi_page_begin(page, 4, 8);
	vqi_page_add(page, VQI_STYLE_PLAIN, "vCPU %u:", vcpu->index);
	vqi_raw_number(page, "tid", vcpu->tid);
	vqi_raw_boolean(page, "halted", vcpu->halted);
	vqi_raw_boolean(page, "panicked", vcpu->panicked);
	vqi_page_end(page);
}

void vqi_raw_host(struct vqi_page *page, const struct vqi_snapshot *snapshot)
{
	if (!snapshot->loop_count && !snapshot->thread_count && !snapshot->vcpu_count)
		return;
	vqi_page_space(page);
	vqi_page_begin(page, 0, 4);
	vqi_page_add(page, VQI_STYLE_PLAIN, "event loops and threads;");
	vqi_raw_number(page, "bql_owner", snapshot->target.bql_owner);
	vqi_page_end(page);
	for (size_t i = 0; i < snapshot->loop_count; i++)
		print_loop(page, &snapshot->loops[i]);
	for (size_t i = 0; i < snapshot->thread_count; i++)
		print_thread(page, &snapshot->threads[i]);
	for (size_t i = 0; i < snapshot->vcpu_count; i++)
		print_vcpu(page, &snapshot->vcpus[i]);
	for (size_t i = 0; i < snapshot->other_node_count; i++)
		vqi_raw_node(page, &snapshot->other_nodes[i]);
}
