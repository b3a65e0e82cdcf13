/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "looks.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"
#include "vqi/names.h"

#define NUM   16
#define FIRST 100

static void init_queue(const struct vqi_device *device, unsigned int index, struct vqi_queue *queue)
{
	struct vqi_queue_role role = vqi_queue_role(device->device_id, device->guest_features,
						    (unsigned int)device->queue_count, index);

	*queue = (struct vqi_queue){
		.index = index,
		.role = role.role,
		.kind = role.kind,
		.vq_addr = 0x55d0c0de2000 + index * 152,
		.num = NUM,
		.desc_gpa = 0x1000,
		.avail_gpa = 0x2000,
		.used_gpa = 0x3000,
		.desc_hva = 0x7f0000001000,
		.avail_hva = 0x7f0000002000,
		.used_hva = 0x7f0000003000,
		.avail_flags = VQI_NUM(0),
		.used_flags = VQI_NUM(0),
		.used_event = VQI_NUM(FIRST),
		.avail_event = VQI_NUM(FIRST),
		.signalled_used = VQI_NUM(FIRST),
		.signalled_used_valid = VQI_NUM(1),
		.notification = VQI_NUM(1),
		.vector = VQI_NUM(index + 1),
		.host_notifier_fd = VQI_NUM(23),
		.host_notifier_id = VQI_NUM(7),
		.host_notifier_count = VQI_NUM(0),
		.host_notifier_hva = 0x55d0c0de3000 + index * 12,
		.handler = VQI_HANDLER_READY,
		.handler_ctx_hva = 0x55d0c0de4000,
		.handler_polled = VQI_NUM(0),
		.loop = VQI_NUM(device->device_id == 2 ? LOOKS_IOTHREAD : LOOKS_MAIN),
		.msix_masked = VQI_NUM(0),
		.msix_pending = VQI_NUM(0),
		.unreaped = role.kind == VQI_KIND_SEND ? VQI_UNKNOWN : VQI_NUM(0),
		.consistent = true,
	};
}

static void init_device(struct vqi_device *device, unsigned int device_id, const char *id,
			size_t queue_count, struct vqi_queue *queues)
{
	*device = (struct vqi_device){
		.id = (char *)id,
		.qom_path = (char *)id,
		.type = (char *)vqi_device_type_name(device_id),
		.vdev_addr = 0x55d0c0de0000 + device_id * 0x1000,
		.device_id = device_id,
		.status = 0xf,
		.guest_features = UINT64_C(1) << 32 | UINT64_C(1) << 29,
		.started = true,
		.vm_running = VQI_NUM(1),
		.isr = VQI_NUM(1),
		.msix_enabled = VQI_NUM(1),
		.msix_function_masked = VQI_NUM(0),
		.pci_memory = VQI_NUM(1),
		.pci_master = VQI_NUM(1),
		.endian = VQI_ENDIAN_LITTLE,
		.queues = queues,
		.queue_count = queue_count,
	};
	for (unsigned int i = 0; i < queue_count; i++)
		init_queue(device, i, &queues[i]);
}

static void init_host(struct looks *looks, int when)
{
	static const char *const names[] = {"main loop", "iothread io0", "vCPU 0"};
	struct vqi_snapshot *snapshot = when ? &looks->later : &looks->earlier;

	for (int i = 0; i < LOOKS_LOOPS; i++)
		looks->loops[when][i] = (struct vqi_loop){
			.name = (char *)names[i],
			.is_main = i == LOOKS_MAIN,
			.tid = VQI_NUM(LOOKS_FIRST_TID + i),
			.ctx_hva = 0x55d0c0de4000 + (uint64_t)i * 0x1000,
			.bottom_halves = VQI_NUM(0),
			.coroutines = VQI_NUM(0),
			.nested = VQI_NUM(0),
			.polling = VQI_NUM(0),
		};
	for (int i = 0; i < LOOKS_THREADS; i++)
		looks->threads[when][i] = (struct vqi_thread){
			.tid = LOOKS_FIRST_TID + i,
			.name = (char *)"qemu-system-x86",
			.role = (char *)names[i],
			.state = 'S',
			.in_syscall = true,
			.syscall = (char *)(i == LOOKS_VCPU ? "ioctl" : "ppoll"),
			.cpu_ms = VQI_NUM(when ? 51 : 50),
			.wait_ms = VQI_NUM(when ? 8 : 7),
			.sleeps = VQI_NUM(when ? 20 : 10),
		};
	looks->vcpus[when][0] = (struct vqi_vcpu){
		.tid = VQI_NUM(LOOKS_FIRST_TID + LOOKS_VCPU),
		.halted = VQI_NUM(0),
		.panicked = VQI_NUM(0),
	};
	snapshot->loops = looks->loops[when];
	snapshot->loop_count = LOOKS_LOOPS;
	snapshot->threads = looks->threads[when];
	snapshot->thread_count = LOOKS_THREADS;
	snapshot->vcpus = looks->vcpus[when];
	snapshot->vcpu_count = 1;
}

void looks_sleep_in(struct looks *looks, int loop, const char *syscall)
{
	looks_both_threads(looks, loop, state, 'S');
	looks_both_threads(looks, loop, syscall, (char *)syscall);
	looks_both_threads(looks, loop, sleeps, VQI_NUM(10));
}

void looks_about_to_run(struct looks *looks, int loop)
{
	looks_both_threads(looks, loop, sleeps, VQI_NUM(10));
	looks->threads[1][loop].state = 'R';
	looks->threads[1][loop].in_syscall = false;
}

void looks_run(struct looks *looks, int loop, unsigned int cpu_ms)
{
	looks_both_threads(looks, loop, sleeps, VQI_NUM(10));
	looks_both_threads(looks, loop, state, 'R');
	looks_both_threads(looks, loop, in_syscall, false);
	looks->threads[0][loop].cpu_ms = VQI_NUM(50);
	looks->threads[1][loop].cpu_ms = VQI_NUM(50 + cpu_ms);
}

static void init_snapshot(struct vqi_snapshot *snapshot, struct vqi_device *devices,
			  struct vqi_queue (*queues)[LOOKS_QUEUES])
{
	*snapshot = (struct vqi_snapshot){
		.target = {.pid = 4242, .run_state = (char *)"running"},
		.capture = {.looks = 2, .interval_ms = 250, .consistent = true},
		.devices = devices,
		.device_count = LOOKS_DEVICES,
	};
	init_device(&devices[LOOKS_BLK], 2, "blk0", 1, queues[LOOKS_BLK]);
	init_device(&devices[LOOKS_NET], 1, "net0", LOOKS_QUEUES, queues[LOOKS_NET]);
}

void looks_init(struct looks *looks)
{
	memset(looks, 0, sizeof(*looks));
	init_snapshot(&looks->earlier, looks->devices[0], looks->queues[0]);
	init_snapshot(&looks->later, looks->devices[1], looks->queues[1]);
	init_host(looks, 0);
	init_host(looks, 1);
	looks_set(looks, LOOKS_BLK, 0, FIRST, FIRST, FIRST, FIRST);
	looks_set(looks, LOOKS_NET, LOOKS_RX, FIRST + 8, FIRST, FIRST, FIRST);
	looks_set(looks, LOOKS_NET, LOOKS_TX, FIRST, FIRST, FIRST, FIRST);
	looks_set(looks, LOOKS_NET, LOOKS_CTRL, FIRST, FIRST, FIRST, FIRST);
}

static void drop_gaps(struct vqi_snapshot *snapshot)
{
	for (size_t i = 0; i < snapshot->gap_count; i++)
		vqi_gap_done(&snapshot->gaps[i]);
	free(snapshot->gaps);
	snapshot->gaps = NULL;
	snapshot->gap_count = 0;
}

void looks_done(struct looks *looks)
{
	vqi_diagnosis_done(&looks->diagnosis);
	drop_gaps(&looks->later);
}

void looks_diagnose(struct looks *looks)
{
	looks_done(looks);
	ck_assert_ok(vqi_diagnose(&looks->earlier, &looks->later, &looks->diagnosis));
}

void looks_diagnose_single(struct looks *looks)
{
	looks_done(looks);
	ck_assert_ok(vqi_diagnose(NULL, &looks->later, &looks->diagnosis));
}

struct vqi_queue *looks_request(struct looks *looks)
{
	return &looks->queues[1][LOOKS_BLK][0];
}

void looks_set(struct looks *looks, int device, int queue, uint16_t avail, uint16_t shadow,
	       uint16_t last_avail, uint16_t used)
{
	looks_both(looks, device, queue, avail_idx, VQI_NUM(avail));
	looks_both(looks, device, queue, shadow_avail_idx, VQI_NUM(shadow));
	looks_both(looks, device, queue, last_avail_idx, VQI_NUM(last_avail));
	looks_both(looks, device, queue, used_idx, VQI_NUM(used));
	looks_both(looks, device, queue, used_ring_idx, VQI_NUM(used));
	looks_both(looks, device, queue, unseen, VQI_NUM((uint16_t)(avail - shadow)));
	looks_both(looks, device, queue, in_flight, VQI_NUM((uint16_t)(last_avail - used)));
	looks_both(looks, device, queue, inuse, VQI_NUM((uint16_t)(last_avail - used)));
}

const struct vqi_finding *looks_only(const struct looks *looks, const char *id)
{
	ck_assert_uint_eq(looks->diagnosis.finding_count, 1);
	ck_assert_str_eq(looks->diagnosis.findings[0].rule->id, id);
	return &looks->diagnosis.findings[0];
}

void looks_none(const struct looks *looks, enum vqi_exit exit_status)
{
	ck_assert_msg(looks->diagnosis.finding_count == 0, "%s: %s",
		      looks->diagnosis.findings[0].rule->id, looks->diagnosis.findings[0].summary);
	ck_assert_int_eq(looks->diagnosis.exit_status, exit_status);
}

bool looks_says(const struct vqi_finding *finding, const char *text)
{
	for (size_t i = 0; i < finding->evidence_count; i++) {
		if (strstr(finding->evidence[i], text))
			return true;
	}
	return false;
}

void looks_assert_says(const struct vqi_finding *finding, const char *text)
{
	ck_assert_msg(looks_says(finding, text), "%s: no evidence \"%s\"", finding->rule->id, text);
}

void looks_assert_summary(const struct vqi_finding *finding, const char *text)
{
	ck_assert_msg(strstr(finding->summary, text) != NULL, "%s: \"%s\" has no \"%s\"",
		      finding->rule->id, finding->summary, text);
}

void looks_summary(struct looks *looks, const char *id, const char *text)
{
	looks_diagnose(looks);
	looks_assert_summary(looks_only(looks, id), text);
}

static const struct vqi_finding *only_of(const struct looks *looks, const char *id,
					 const struct vqi_device *device,
					 enum vqi_severity severity, enum vqi_confidence confidence)
{
	const struct vqi_finding *finding = looks_only(looks, id);

	ck_assert_int_eq(finding->severity, severity);
	ck_assert_int_eq(finding->confidence, confidence);
	ck_assert_ptr_eq(finding->device, device);
	ck_assert_int_eq(looks->diagnosis.exit_status,
			 severity == VQI_ERROR ? VQI_EXIT_FINDING : VQI_EXIT_OK);
	return finding;
}

const struct vqi_finding *looks_of_disk(const struct looks *looks, const char *id,
					enum vqi_severity severity, enum vqi_confidence confidence)
{
	return only_of(looks, id, &looks->later.devices[LOOKS_BLK], severity, confidence);
}

const struct vqi_finding *looks_of_vm(const struct looks *looks, const char *id,
				      enum vqi_severity severity, enum vqi_confidence confidence)
{
	return only_of(looks, id, NULL, severity, confidence);
}
