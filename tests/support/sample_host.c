/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who does the work in the samples, and what it waits for. */
#include <string.h>

#include "sample.h"

#define MAIN_CONTEXT	 0x55d0c0dc0000
#define IOTHREAD_CONTEXT 0x55d0c0dc1000
#define BLOCK_DEVICE_ID	 2 /* VirtIO 1.2, 5 */

static void add_service(struct vqi_device *device, struct vqi_queue *queue)
{
	bool is_block = device->device_id == BLOCK_DEVICE_ID;

	if (queue->state == VQI_QUEUE_DISABLED)
		return;
	queue->host_notifier_hva = queue->vq_addr + 132;
	queue->handler = VQI_HANDLER_READY;
	queue->handler_ctx_hva = is_block ? IOTHREAD_CONTEXT : MAIN_CONTEXT;
	queue->handler_polled = VQI_NUM(is_block);
	queue->loop = VQI_NUM(is_block ? VQI_SAMPLE_IOTHREAD : VQI_SAMPLE_MAIN_LOOP);
}

static void add_loops(struct vqi_sample *sample)
{
	sample->loops[VQI_SAMPLE_MAIN_LOOP] = (struct vqi_loop){
		.name = (char *)"main loop",
		.is_main = true,
		.tid = VQI_NUM(4242),
		.ctx_hva = MAIN_CONTEXT,
		.bottom_halves = VQI_NUM(0),
		.coroutines = VQI_NUM(false),
		.nested = VQI_NUM(false),
		.polling = VQI_NUM(false),
	};
	sample->loops[VQI_SAMPLE_IOTHREAD] = (struct vqi_loop){
		.name = (char *)"iothread io0",
		.tid = VQI_NUM(4250),
		.ctx_hva = IOTHREAD_CONTEXT,
		.bottom_halves = VQI_NUM(2),
		.coroutines = VQI_NUM(true),
		.nested = VQI_UNKNOWN,
		.polling = VQI_NUM(true),
	};
	sample->snapshot.loop_count = 2;
}

/* Both threads poll. */
static void add_loop_threads(struct vqi_sample *sample)
{
	static const char *const names[] = {"qemu-system-x86", "IO io0"};

	for (size_t i = 0; i < 2; i++)
		sample->threads[i] = (struct vqi_thread){
			.tid = (pid_t)sample->loops[i].tid.value,
			.name = (char *)names[i],
			.role = sample->loops[i].name,
			.state = 'S',
			.wchan = (char *)"do_poll",
			.in_syscall = true,
			.syscall = (char *)"ppoll",
			.cpu_ms = VQI_NUM(15230 + i),
			.wait_ms = VQI_NUM(12),
			.sleeps = VQI_NUM(88123 + i),
		};
	sample->snapshot.thread_count = 2;
}

static const char command_line[] =
	"qemu-system-x86_64\0-name\0web1\0-object\0secret,id=s0,data=***\0"
	"-append\0root=/dev/vda1 ro\0";

void vqi_sample_add_host(struct vqi_sample *sample)
{
	struct vqi_snapshot *snapshot = &sample->snapshot;

	snapshot->target.bql_owner = VQI_NUM(0);
	snapshot->host = (struct vqi_host){
		.command_line = (char *)command_line,
		.command_line_len = sizeof(command_line) - 1,
		.package = (char *)"qemu-system-x86 1:7.2+dfsg-7+deb12u18",
		.distribution = (char *)"Debian GNU/Linux 12 (bookworm)",
		.kernel = (char *)"6.1.0-18-amd64 #1 SMP Debian 6.1.76-1",
		.cpu = (char *)"A Processor",
		.accelerator = (char *)"kvm",
	};
	add_loops(sample);
	add_loop_threads(sample);
	for (unsigned int i = 0; i < 2; i++)
		sample->vcpus[i] = (struct vqi_vcpu){
			.index = i,
			.tid = VQI_NUM(4252 + i),
			.halted = VQI_NUM(i),
			.panicked = VQI_NUM(false),
		};
	snapshot->vcpu_count = 2;
	for (size_t i = 0; i < snapshot->device_count; i++) {
		struct vqi_device *device = &snapshot->devices[i];

		for (size_t j = 0; j < device->queue_count; j++)
			add_service(device, &device->queues[j]);
	}
}

void vqi_sample_add_threads(struct vqi_sample *sample)
{
	sample->snapshot.target.bql_owner = VQI_NUM(4242);
	sample->threads[VQI_SAMPLE_WORKER] = (struct vqi_thread){
		.tid = 4263,
		.name = (char *)"worker",
		.state = 'D',
		.wchan = (char *)"folio_wait_bit",
		.in_syscall = true,
		.syscall = (char *)"pwrite64",
		.syscall_args = {12, 0x7f0000100000, 65536, 1048576},
		.file = (char *)"/srv/web1.qcow2",
		.cpu_ms = VQI_NUM(31),
		.wait_ms = VQI_NUM(12),
		.sleeps = VQI_NUM(77),
	};
	sample->threads[VQI_SAMPLE_VCPU_0] = (struct vqi_thread){
		.tid = 4252,
		.name = (char *)"CPU 0/KVM",
		.role = (char *)"vCPU 0",
		.state = 'S',
		.wchan = (char *)"futex_wait_queue",
		.in_syscall = true,
		.syscall = (char *)"futex",
		.syscall_args = {0x55d0c0da0040, 128, 2},
		.mutex_hva = VQI_NUM(0x55d0c0da0040),
		.mutex_owner = VQI_NUM(4242),
		.cpu_ms = VQI_NUM(61000),
		.wait_ms = VQI_NUM(12),
		.sleeps = VQI_NUM(901),
	};
	sample->threads[VQI_SAMPLE_VCPU_1] = (struct vqi_thread){
		.tid = 4253,
		.name = (char *)"CPU 1/KVM",
		.role = (char *)"vCPU 1",
		.state = 'R',
		.cpu_ms = VQI_NUM(62000),
		.wait_ms = VQI_NUM(12),
		.sleeps = VQI_NUM(902),
	};
	sample->snapshot.thread_count = 5;
	sample->other_node = (struct vqi_block_node){
		.node_name = (char *)"job0",
		.driver = (char *)"raw",
		.filename = (char *)"/srv/job0.img",
		.fd = VQI_NUM(14),
		.bs_hva = 0x55d0c0df3000,
		.in_flight = VQI_NUM(8),
		.tracked = VQI_NUM(4),
		.serialising = VQI_NUM(1),
		.quiesce = VQI_NUM(1),
		.throttled = VQI_NUM(1),
		.throttle_group = (char *)"limits2",
	};
	sample->snapshot.other_nodes = &sample->other_node;
	sample->snapshot.other_node_count = 1;
}

void vqi_sample_add_block(struct vqi_sample *sample, struct vqi_backend *backend)
{
	sample->nodes[0] = (struct vqi_block_node){
		.node_name = (char *)"#block123",
		.driver = (char *)"qcow2",
		.bs_hva = 0x55d0c0df1000,
		.in_flight = VQI_NUM(16),
		.tracked = VQI_NUM(15),
		.serialising = VQI_NUM(1),
		.quiesce = VQI_NUM(0),
		.throttled = VQI_NUM(5),
		.throttle_group = (char *)"limits0",
	};
	sample->nodes[1] = (struct vqi_block_node){
		.node_name = (char *)"file0",
		.driver = (char *)"file",
		.filename = (char *)"/srv/web1.qcow2",
		.fd = VQI_NUM(12),
		.bs_hva = 0x55d0c0df2000,
		.in_flight = VQI_NUM(11),
		.tracked = VQI_NUM(10),
		.serialising = VQI_NUM(0),
		.quiesce = VQI_NUM(2),
		.throttled = VQI_NUM(0),
	};
	backend->child_id = (char *)"hd0";
	backend->block = (struct vqi_block){
		.blk_hva = backend->hva,
		.in_flight = VQI_NUM(17),
		.quiesce = VQI_NUM(3),
		.iostatus = "nospace",
		.throttled = VQI_NUM(4),
		.throttle_group = (char *)"limits1",
		.parked = VQI_NUM(6),
		.nodes = sample->nodes,
		.node_count = 2,
	};
}

void vqi_sample_add_unknown_host(struct vqi_sample *sample)
{
	sample->loops[0] = (struct vqi_loop){.name = (char *)"main loop", .is_main = true};
	sample->snapshot.loop_count = 1;
	sample->threads[0] = (struct vqi_thread){.tid = 1, .state = '?'};
	sample->snapshot.thread_count = 1;
	sample->vcpus[0] = (struct vqi_vcpu){.index = 0};
	sample->snapshot.vcpu_count = 1;
	sample->backends[0] = (struct vqi_backend){
		.kind = "block",
		.block = {.blk_hva = 0x1000, .nodes = sample->nodes, .node_count = 1},
	};
}

void vqi_sample_add_hostile_host(struct vqi_sample *sample, const char *text)
{
	char *hostile = (char *)text;

	vqi_sample_add_host(sample);
	vqi_sample_add_threads(sample);
	sample->snapshot.host = (struct vqi_host){
		.command_line = hostile,
		.command_line_len = strlen(text) + 1,
		.package = hostile,
		.is_replaced = true,
		.distribution = hostile,
		.kernel = hostile,
		.cpu = hostile,
		.accelerator = hostile,
	};
	for (size_t i = 0; i < sample->snapshot.loop_count; i++)
		sample->loops[i].name = hostile;
	for (size_t i = 0; i < sample->snapshot.thread_count; i++) {
		struct vqi_thread *thread = &sample->threads[i];

		thread->name = hostile;
		thread->role = hostile;
		thread->wchan = hostile;
		thread->syscall = hostile;
		thread->file = hostile;
	}
	sample->backends[0] = (struct vqi_backend){
		.kind = "block",
		.name = hostile,
		.node_name = hostile,
		.driver = hostile,
		.hva = 0x55d0c0df0000,
	};
	vqi_sample_add_block(sample, &sample->backends[0]);
	sample->other_node.node_name = hostile;
	sample->backends[0].child_id = hostile;
	sample->backends[0].block.throttle_group = hostile;
	for (size_t i = 0; i < sample->backends[0].block.node_count; i++) {
		struct vqi_block_node *node = &sample->nodes[i];

		node->node_name = hostile;
		node->driver = hostile;
		node->filename = hostile;
		node->throttle_group = hostile;
	}
}
