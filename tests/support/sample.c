/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sample.h"

#include <string.h>

#include "vqi/names.h"

/* VIRTIO_F_VERSION_1, VIRTIO_RING_F_EVENT_IDX */
#define FEATURES (UINT64_C(1) << 32 | UINT64_C(1) << 29)

static const struct vqi_rule stuck_rule = {
	.id = "request-stuck-in-device",
	.severity = VQI_ERROR,
	.title = "Requests were taken and are not completed.",
	.next_step = "look at the storage behind the back end",
	.over_time = true,
};

static const struct vqi_rule paused_rule = {
	.id = "vm-paused",
	.severity = VQI_ERROR,
	.title = "The VM is stopped.",
	.next_step = "resume it",
};

static const struct vqi_known_fix known_fixes[] = {
	{
		.finding = "request-stuck-in-device",
		.device = "virtio-blk virtio-scsi",
		.introduced = "5.0.0",
		.fixed = "10.0.7 10.1.3 10.2.0",
		.commit = "2bb0153cd806",
		.subject = "block/io_uring: avoid potentially getting stuck",
		.condition = "aio=io_uring",
	},
	{
		.finding = "request-stuck-in-device",
		.fixed = "10.2.2",
		.commit = "d4816177654d",
		.subject = "block/throttle-groups: fix deadlock",
		.condition = "a throttle group over several iothreads",
	},
};

void vqi_sample_empty(struct vqi_sample *sample)
{
	memset(sample, 0, sizeof(*sample));
	sample->snapshot.target = (struct vqi_target){
		.pid = 4242,
		.exe = (char *)"/usr/bin/qemu-system-x86_64",
		.build_id = (char *)"0123456789abcdef0123456789abcdef01234567",
		.kind = VQI_TARGET_QEMU,
		.qemu_version = (char *)"7.2.22 (Debian 1:7.2+dfsg-7+deb12u18)",
		.vm_name = (char *)"web1",
		.arch = (char *)"x86_64",
		.run_state = (char *)"running",
		.layout_source = "dwarf",
	};
	sample->snapshot.capture = (struct vqi_capture){
		.time = {.tv_sec = 1700000000, .tv_nsec = 7000000},
		.looks = 2,
		.interval_ms = 250,
		.duration_us = 281234,
		.consistent = true,
	};
	sample->snapshot.devices = sample->devices;
	sample->snapshot.loops = sample->loops;
	sample->snapshot.threads = sample->threads;
	sample->snapshot.vcpus = sample->vcpus;
	sample->snapshot.gaps = sample->gaps;
	sample->diagnosis.findings = sample->findings;
}

/* A device that is set up, with no queues yet. */
static struct vqi_device *add_device(struct vqi_sample *sample, const char *id,
				     unsigned int device_id)
{
	struct vqi_device *device = &sample->devices[sample->snapshot.device_count++];

	*device = (struct vqi_device){
		.id = (char *)id,
		.qom_path = (char *)"/machine/peripheral/x/virtio-backend",
		.type = (char *)vqi_device_type_name(device_id),
		.vdev_addr = 0x55d0c0de1000,
		.device_id = device_id,
		.transport = VQI_TRANSPORT_PCI,
		.transport_address = (char *)"0000:00:04.0",
		.status = 0xf,
		.host_features = FEATURES | 1 << 6,
		.guest_features = FEATURES,
		.started = true,
		.vm_running = VQI_NUM(true),
		.isr = VQI_NUM(1),
		.ioeventfd_started = VQI_NUM(true),
		.ioeventfd_grabbed = VQI_NUM(0),
		.msix_enabled = VQI_NUM(true),
		.msix_function_masked = VQI_NUM(false),
		.pci_memory = VQI_NUM(true),
		.pci_master = VQI_NUM(true),
		.intx_asserted = VQI_NUM(false),
		.intx_disabled = VQI_NUM(true),
		.endian = VQI_ENDIAN_LITTLE,
		.queues = &sample->queues[sample->queue_count],
	};
	return device;
}

/* Adds queues that are idle after used buffers; call it for the newest device only. */
static void add_queues(struct vqi_sample *sample, struct vqi_device *device, unsigned int count,
		       uint16_t used)
{
	for (unsigned int i = 0; i < count; i++) {
		unsigned int index = (unsigned int)device->queue_count++;

		sample->queues[sample->queue_count++] = (struct vqi_queue){
			.index = index,
			.vq_addr = 0x55d0c0de2000 + index * 152,
			.num = 256,
			.desc_gpa = 0x1000,
			.avail_gpa = 0x2000,
			.used_gpa = 0x2240,
			.desc_hva = 0x7f0000001000,
			.avail_hva = 0x7f0000002000,
			.used_hva = 0x7f0000002240,
			.avail_idx = VQI_NUM(used),
			.used_ring_idx = VQI_NUM(used),
			.avail_flags = VQI_NUM(0),
			.used_flags = VQI_NUM(0),
			.used_event = VQI_NUM(used),
			.avail_event = VQI_NUM(used),
			.last_avail_idx = VQI_NUM(used),
			.shadow_avail_idx = VQI_NUM(used),
			.used_idx = VQI_NUM(used),
			.signalled_used = VQI_NUM(used),
			.signalled_used_valid = VQI_NUM(true),
			.notification = VQI_NUM(true),
			.inuse = VQI_NUM(0),
			.vector = VQI_NUM(index + 1),
			.host_notifier_fd = VQI_NUM(20 + index),
			.host_notifier_id = VQI_NUM(120 + index),
			.host_notifier_count = VQI_NUM(0),
			.guest_notifier_fd = VQI_NUM(40 + index),
			.guest_notifier_id = VQI_NUM(140 + index),
			.guest_notifier_count = VQI_NUM(0),
			.msix_masked = VQI_NUM(false),
			.msix_pending = VQI_NUM(false),
			.irqfd_users = VQI_NUM(1),
			.unseen = VQI_NUM(0),
			.in_flight = VQI_NUM(0),
			.unreaped = VQI_NUM(0),
			.kick_due = VQI_NUM(false),
			.interrupt_due = VQI_NUM(false),
			.consistent = true,
			.state = VQI_QUEUE_IDLE,
		};
	}
	for (unsigned int i = 0; i < device->queue_count; i++) {
		struct vqi_queue_role role = vqi_queue_role(device->device_id,
							    device->guest_features,
							    (unsigned int)device->queue_count, i);

		device->queues[i].role = role.role;
		device->queues[i].kind = role.kind;
		if (role.kind == VQI_KIND_RECEIVE)
			device->queues[i].state = VQI_QUEUE_PARKED;
	}
}

void vqi_sample_healthy(struct vqi_sample *sample)
{
	struct vqi_device *device;

	vqi_sample_empty(sample);
	device = add_device(sample, "blk0", 2);
	add_queues(sample, device, 2, 1203);
	sample->backends[0] = (struct vqi_backend){
		.kind = "block",
		.name = (char *)"d0",
		.node_name = (char *)"#block123",
		.driver = (char *)"qcow2",
		.hva = 0x55d0c0df0000,
	};
	device->backends = sample->backends;
	device->backend_count = 1;

	device = add_device(sample, "net0", 1);
	add_queues(sample, device, 3, 9911);
	device->queues[0].waiting_packets = VQI_NUM(0);
	device->queues[1].state = VQI_QUEUE_BUSY;
	device->queues[1].avail_idx = VQI_NUM(9914);
	device->queues[1].shadow_avail_idx = VQI_NUM(9914);
	device->queues[1].last_avail_idx = VQI_NUM(9912);
	device->queues[1].in_flight = VQI_NUM(1);
	device->queues[1].unreaped = VQI_UNKNOWN;
	device->queues[2].state = VQI_QUEUE_DISABLED;

	device = add_device(sample, "scsi0", 8);
	add_queues(sample, device, 6, 8);

	device = add_device(sample, "serial0", 3);
	add_queues(sample, device, 20, 0);

	device = add_device(sample, NULL, 4);
	device->qom_path = (char *)"/machine/peripheral-anon/device[0]/virtio-backend";
	device->transport = VQI_TRANSPORT_MMIO;
	device->transport_address = (char *)"0xfeb00e00";
	device->pci_memory = VQI_UNKNOWN;
	device->pci_master = VQI_UNKNOWN;
	device->ioeventfd_started = VQI_NUM(false);
	device->status = 0;
	device->started = false;
	add_queues(sample, device, 1, 0);
	device->queues[0].state = VQI_QUEUE_DISABLED;
	vqi_sample_add_host(sample);
}

void vqi_sample_stuck(struct vqi_sample *sample)
{
	static const struct vqi_known_fix *missing[] = {&known_fixes[0], &known_fixes[1]};
	static char *evidence[] = {
		(char *)"back end d0: node #block123, driver qcow2",
		(char *)"last_avail_idx 1203, used_idx 1187, unchanged for 250 ms",
	};
	struct vqi_queue *queue;

	vqi_sample_healthy(sample);
	queue = &sample->devices[0].queues[0];
	queue->state = VQI_QUEUE_STUCK;
	queue->used_idx = VQI_NUM(1187);
	queue->used_ring_idx = VQI_NUM(1187);
	queue->in_flight = VQI_NUM(16);
	queue->inuse = VQI_NUM(16);
	queue->unreaped = VQI_NUM(3);
	queue->interrupt_due = VQI_NUM(true);
	queue->ioeventfd = VQI_NUM(true);
	vqi_sample_add_threads(sample);
	vqi_sample_add_block(sample, &sample->backends[0]);
	sample->findings[0] = (struct vqi_finding){
		.rule = &stuck_rule,
		.severity = VQI_ERROR,
		.confidence = VQI_CONFIRMED,
		.device = &sample->devices[0],
		.queue = queue,
		.summary = (char *)"16 requests taken and not completed",
		.evidence = evidence,
		.evidence_count = 2,
		.known_fixes = missing,
		.known_fix_count = 2,
	};
	sample->findings[1] = (struct vqi_finding){
		.rule = &stuck_rule,
		.severity = VQI_WARNING,
		.confidence = VQI_CANDIDATE,
		.device = &sample->devices[1],
		.queue = &sample->devices[1].queues[1],
		.summary = (char *)"1 packet taken and not completed",
	};
	sample->diagnosis.finding_count = 2;
	sample->diagnosis.exit_status = VQI_EXIT_FINDING;
	sample->snapshot.capture.stopped_threads = 3;
	sample->snapshot.capture.stopped_us = 212;
}

void vqi_sample_packed(struct vqi_sample *sample)
{
	struct vqi_device *device;
	struct vqi_queue *queue;

	vqi_sample_empty(sample);
	sample->snapshot.target.core = (char *)"/var/crash/core.4242";
	device = add_device(sample, "blk0", 2);
	device->guest_features |= UINT64_C(1) << 34;
	add_queues(sample, device, 1, 255);
	queue = &device->queues[0];
	queue->ring = VQI_RING_PACKED;
	queue->state = VQI_QUEUE_BUSY;
	queue->used_ring_idx = VQI_UNKNOWN;
	queue->avail_flags = VQI_UNKNOWN;
	queue->used_flags = VQI_UNKNOWN;
	queue->used_event = VQI_UNKNOWN;
	queue->avail_event = VQI_UNKNOWN;
	queue->used_idx = VQI_NUM(2);
	queue->unreaped = VQI_NUM(5);
	queue->wrap = (struct vqi_wrap){
		.avail = VQI_NUM(1),
		.last_avail = VQI_NUM(1),
		.shadow_avail = VQI_NUM(1),
		.used = VQI_NUM(0),
		.driver = {VQI_NUM(7), VQI_NUM(1), VQI_NUM(2)},
		.device = {VQI_UNKNOWN, VQI_UNKNOWN, VQI_UNKNOWN},
	};
	queue->ring_faults = VQI_RING_AVAIL_AHEAD | VQI_RING_USED_MISMATCH | VQI_RING_BAD_INDIRECT |
			     VQI_RING_LOOP | VQI_RING_BAD_NEXT | VQI_RING_BAD_ADDRESS |
			     VQI_RING_ZERO_SIZE | VQI_RING_BAD_ORDER | VQI_RING_DUPLICATE;
	queue->fault_place = (struct vqi_ring_place){
		.head = VQI_NUM(3),
		.descriptor = VQI_NUM(7),
		.gpa = VQI_NUM(0xfee00000),
		.len = VQI_NUM(512),
	};
}

void vqi_sample_vhost(struct vqi_sample *sample)
{
	struct vqi_device *device;

	vqi_sample_empty(sample);
	device = add_device(sample, "net0", 1);
	add_queues(sample, device, 3, 77);
	device->vhost = VQI_VHOST_KERNEL;
	for (size_t i = 0; i < device->queue_count; i++) {
		struct vqi_queue *queue = &device->queues[i];

		queue->last_avail_idx = VQI_UNKNOWN;
		queue->shadow_avail_idx = VQI_UNKNOWN;
		queue->used_idx = VQI_UNKNOWN;
		queue->signalled_used = VQI_UNKNOWN;
		queue->signalled_used_valid = VQI_UNKNOWN;
		queue->notification = VQI_UNKNOWN;
		queue->inuse = VQI_UNKNOWN;
		queue->unseen = VQI_UNKNOWN;
		queue->in_flight = VQI_UNKNOWN;
	}
	device->queues[1].state = VQI_QUEUE_BUSY;
	device->queues[1].unreaped = VQI_NUM(2);
	device->queues[2].state = VQI_QUEUE_DISABLED;
}

void vqi_sample_exports(struct vqi_sample *sample)
{
	static const char *const ids[] = {"e0", "e1"};
	struct vqi_target *target = &sample->snapshot.target;

	vqi_sample_empty(sample);
	target->kind = VQI_TARGET_STORAGE_DAEMON;
	target->vm_name = target->arch = target->run_state = NULL;
	for (size_t i = 0; i < 2; i++)
		sample->devices[sample->snapshot.device_count++] = (struct vqi_device){
			.id = (char *)ids[i],
			.type = (char *)"virtio-blk",
			.is_export = true,
			.vdev_addr = 0x55d0c0de1000 + i * 0x1000,
			.device_id = 2,
			.started = i == 0,
			.queues = sample->queues,
		};
	add_queues(sample, &sample->devices[0], 2, 21);
	for (size_t i = 0; i < 2; i++)
		sample->queues[i].is_export = true;
}

void vqi_sample_unknown(struct vqi_sample *sample)
{
	struct vqi_device *device;

	vqi_sample_empty(sample);
	sample->snapshot.target = (struct vqi_target){.pid = 1, .kind = VQI_TARGET_STORAGE_DAEMON};
	sample->snapshot.capture = (struct vqi_capture){.looks = 1};
	device = add_device(sample, NULL, 999);
	*device = (struct vqi_device){
		.device_id = 999,
		.status = 3,
		.vhost = VQI_VHOST_UNKNOWN,
		.backends = sample->backends,
		.backend_count = 1,
		.queues = sample->queues,
		.queue_count = 1,
	};
	sample->queue_count = 1; /* nothing of it is known ... */
	device->queues[0].ring_faults = VQI_RING_BAD_HEAD;
	device->queues[0].fault_place.head =
		VQI_NUM(300); /* ... but that it has no descriptor 300 */
	vqi_sample_add_unknown_host(sample);
	sample->gaps[0] = (struct vqi_gap){NULL, VQI_UNKNOWN, (char *)"QOM tree", (char *)"why 0"};
	sample->gaps[1] =
		(struct vqi_gap){(char *)"/d", VQI_UNKNOWN, (char *)"bus", (char *)"why 1"};
	for (unsigned int i = 2; i < 12; i++)
		sample->gaps[i] = (struct vqi_gap){(char *)"/d", VQI_NUM(i), (char *)"avail ring",
						   (char *)"cannot read 4 bytes at 0x7f00"};
	sample->snapshot.gap_count = 12;
	sample->diagnosis.exit_status = VQI_EXIT_PARTIAL;
}

void vqi_sample_hostile_text(struct vqi_sample *sample, const char *hostile)
{
	struct vqi_device *device;

	vqi_sample_empty(sample);
	sample->snapshot.target.exe = (char *)hostile;
	sample->snapshot.target.qemu_version = (char *)hostile;
	sample->snapshot.target.vm_name = (char *)hostile;
	sample->snapshot.target.arch = (char *)hostile;
	sample->snapshot.target.run_state = (char *)hostile;
	device = add_device(sample, hostile, 2);
	device->qom_path = (char *)hostile;
	device->type = (char *)hostile;
	device->transport_address = (char *)hostile;
	add_queues(sample, device, 2, 5);
	device->queues[0].state = VQI_QUEUE_PAUSED;
	device->queues[0].unseen = VQI_NUM(1);
	device->backends = sample->backends;
	device->backend_count = 1;
	vqi_sample_add_hostile_host(sample, hostile);
	vqi_sample_add_hostile_requests(sample, hostile);
	sample->snapshot.target.held = (struct vqi_held){VQI_HELD_TRACER, 77, "gdb"};
	device->queues[0].handler = VQI_HANDLER_DISABLED;
	device->queues[1].handler = VQI_HANDLER_NONE;
	device->queues[1].handler_ctx_hva = 0;
	device->queues[1].handler_polled = VQI_UNKNOWN;
	sample->hostile = (char *)hostile;
	sample->unplugged[0] = (char *)hostile;
	sample->unplugged[1] = (char *)"blk7";
	sample->findings[0] = (struct vqi_finding){
		.rule = &stuck_rule,
		.severity = VQI_ERROR,
		.confidence = VQI_CONFIRMED,
		.device = device,
		.summary = (char *)hostile,
		.evidence = &sample->hostile,
		.evidence_count = 1,
	};
	sample->findings[1] = (struct vqi_finding){
		.rule = &paused_rule,
		.severity = VQI_NOTE,
		.confidence = VQI_CONFIRMED,
		.summary = (char *)hostile,
		.next_step = (char *)hostile,
	};
	sample->diagnosis.finding_count = 2;
	sample->snapshot.unplugged = sample->unplugged;
	sample->snapshot.unplugged_count = 2;
	sample->diagnosis.exit_status = VQI_EXIT_FINDING;
	sample->gaps[0] =
		(struct vqi_gap){(char *)hostile, VQI_NUM(3), (char *)hostile, (char *)hostile};
	sample->snapshot.gap_count = 1;
}

void vqi_sample_hostile(struct vqi_sample *sample)
{
	vqi_sample_hostile_text(sample, "\033]0;pwned\007\033[2J\r\n\xc2\x9b"
					"31m\xff\xe2\x80\xae\"\\/ \xc3\xa9");
}

void (*const vqi_samples[])(struct vqi_sample *sample) = {
	vqi_sample_empty,    vqi_sample_healthy, vqi_sample_stuck,
	vqi_sample_requests, vqi_sample_packed,	 vqi_sample_vhost,
	vqi_sample_exports,  vqi_sample_unknown, vqi_sample_hostile,
};
const size_t vqi_sample_count = sizeof(vqi_samples) / sizeof(vqi_samples[0]);
