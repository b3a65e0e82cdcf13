/* SPDX-License-Identifier: GPL-2.0-or-later */
/* virtio-scsi: requests, task management, events. Source: VirtIO 1.2, 5.6.6. */
#include <stdio.h>

#include "decoding.h"

#define HEADER	 19 /* struct virtio_scsi_req_cmd up to cdb: lun[8], id, task_attr, prio, crn */
#define PI	 8  /* more before cdb, struct virtio_scsi_req_cmd_pi: pi_bytesout, pi_bytesin */
#define F_T10_PI 3

/* lun[0] is 1, then the target; a flat LUN, or 0xc1, 0x01 for REPORT LUNS. */
static void decode_lun(struct vqi_decoding *decoding, const uint8_t *lun)
{
	if (lun[0] == 0xc1) {
		vqi_decoding_text(decoding, "lun", "report-luns");
		return;
	}
	vqi_decoding_number(decoding, "target", lun[1]);
	vqi_decoding_number(decoding, "lun", (lun[2] & 0x3f) << 8 | lun[3]);
}

static void decode_tag(struct vqi_decoding *decoding, const uint8_t *bytes)
{
	char text[2 + 16 + 1];

	snprintf(text, sizeof(text), "0x%llx",
		 (unsigned long long)vqi_guest_u64(bytes, decoding->big_endian));
	vqi_decoding_text(decoding, "tag", text);
}

static void decode_command(struct vqi_decoding *decoding)
{
	uint8_t bytes[HEADER + PI + VQI_CDB_MAX];
	size_t have = vqi_decoding_read(decoding, 0, bytes, sizeof(bytes));
	size_t cdb = HEADER + (decoding->device->guest_features >> F_T10_PI & 1 ? PI : 0);

	if (have < 16)
		return;
	decode_lun(decoding, bytes);
	decode_tag(decoding, bytes + 8);
	/* no more of it than there can be: the data follows where cdb_size is smaller */
	if (have > cdb + VQI_CDB_MAX)
		have = cdb + VQI_CDB_MAX;
	if (have > cdb)
		vqi_decode_cdb(decoding, bytes + cdb, have - cdb);
}

/* A request to the control queue. */
static void decode_control(struct vqi_decoding *decoding)
{
	static const struct vqi_code functions[] = {
		{0, "abort-task"},     {1, "abort-task-set"},  {2, "clear-aca"},
		{3, "clear-task-set"}, {4, "i-t-nexus-reset"}, {5, "logical-unit-reset"},
		{6, "query-task"},     {7, "query-task-set"},
	};
	static const struct vqi_code types[] = {{1, "an-query"}, {2, "an-subscribe"}};
	uint8_t bytes[24]; /* struct virtio_scsi_ctrl_tmf: type, subtype, lun[8], id */
	size_t have = vqi_decoding_read(decoding, 0, bytes, sizeof(bytes));
	uint32_t type = vqi_guest_u32(bytes, decoding->big_endian);
	uint32_t function = vqi_guest_u32(bytes + 4, decoding->big_endian);

	if (have < 4)
		return;
	if (type) { /* struct virtio_scsi_ctrl_an: type, lun[8], event_requested */
		vqi_decoding_kind(decoding, VQI_CODE_NAME(types, type), "type", type);
		if (decoding->request->kind && have >= 16) {
			decode_lun(decoding, bytes + 4);
			vqi_decoding_number(decoding, "events",
					    vqi_guest_u32(bytes + 12, decoding->big_endian));
		}
		return;
	}
	if (have < 8)
		return;
	vqi_decoding_kind(decoding, VQI_CODE_NAME(functions, function), "function", function);
	if (have < sizeof(bytes))
		return;
	decode_lun(decoding, bytes + 8);
	if (function == 0 || function == 6)
		decode_tag(decoding, bytes + 16);
}

void vqi_decode_scsi(struct vqi_decoding *decoding)
{
	if (vqi_decoding_has_role(decoding, "control"))
		decode_control(decoding);
	else if (vqi_decoding_has_role(decoding, "event"))
		vqi_decoding_receive(decoding, "event");
	else if (vqi_decoding_has_role(decoding, "request"))
		decode_command(decoding);
}
