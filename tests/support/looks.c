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
		.endian = VQI_ENDIAN_LITTLE,
		.queues = queues,
		.queue_count = queue_count,
	};
	for (unsigned int i = 0; i < queue_count; i++)
		init_queue(device, i, &queues[i]);
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
