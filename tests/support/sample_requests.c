/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests in flight in the samples, and where they wait. */
#include "sample.h"

static const struct vqi_frame coroutine[] = {
	{.pc = 0x55d0c0a01022,
	 .module = (char *)"qemu-system-x86_64",
	 .function = (char *)"qemu_coroutine_switch",
	 .offset = 0x22,
	 .file = (char *)"util/coroutine-ucontext.c",
	 .line = 307},
	{.pc = 0x55d0c0a02040,
	 .module = (char *)"qemu-system-x86_64",
	 .function = (char *)"luring_co_submit",
	 .offset = 0x40},
	{.pc = 0x55d0c0a03050, .module = (char *)"qemu-system-x86_64", .offset = 0x303050},
	{.pc = 0x55d0c0a04060,
	 .module = (char *)"qemu-system-x86_64",
	 .function = (char *)"bdrv_co_preadv",
	 .offset = 0x60},
};

void vqi_sample_requests(struct vqi_sample *sample)
{
	static struct vqi_frame polling[] = {
		{.pc = 0x7f0000201234,
		 .module = (char *)"libc.so.6",
		 .function = (char *)"ppoll",
		 .offset = 0x34},
	};
	static uint8_t bytes[] = "\1\0\0\0 then text: 17";

	vqi_sample_stuck(sample);
	sample->devices[0].queues[0].requests = sample->requests;
	sample->devices[0].queues[0].request_count = 3;
	sample->buffers[0] = (struct vqi_buffer){0x1000, 0x7f0000001000, 16, false};
	sample->buffers[1] = (struct vqi_buffer){0x2000, 0, 131072, true};
	sample->details[0] = (struct vqi_detail){"sector", VQI_NUM(204800), NULL};
	sample->details[1] = (struct vqi_detail){"len", VQI_NUM(131072), NULL};
	sample->details[2] = (struct vqi_detail){"cdb", VQI_UNKNOWN, (char *)"28 00"};
	sample->requests[0] = (struct vqi_request){
		.head = 17,
		.source = VQI_REQUEST_QEMU,
		.element_hva = 0x55d0c0e00010,
		.age = VQI_AGE_EXACT,
		.age_ms = 312400,
		.buffers = sample->buffers,
		.buffer_count = 2,
		.kind = "read",
		.details = sample->details,
		.detail_count = 3,
		.dump = bytes,
		.dump_len = sizeof(bytes) - 1,
		.carrier = VQI_CARRIER_WAITING,
		.coroutine_hva = 0x55d0c0f00020,
		.stack = {(struct vqi_frame *)coroutine, 4, NULL},
	};
	sample->requests[1] = (struct vqi_request){
		.head = 20,
		.source = VQI_REQUEST_QEMU,
		.age = VQI_AGE_AT_LEAST,
		.age_ms = 250,
		.kind = "flush",
		.carrier = VQI_CARRIER_RUNNING,
		.tid = VQI_NUM(4250),
		.stack = {.gap = (char *)"the coroutine runs"},
	};
	sample->requests[2] =
		(struct vqi_request){.head = 23, .source = VQI_REQUEST_RING, .is_candidate = true};
	sample->threads[0].stack = (struct vqi_stack){polling, 1, (char *)"rbp is not known"};
}

void vqi_sample_add_hostile_requests(struct vqi_sample *sample, const char *text)
{
	sample->devices[0].queues[0].requests = sample->requests;
	sample->devices[0].queues[0].request_count = 1;
	sample->details[0] = (struct vqi_detail){"tag", VQI_UNKNOWN, (char *)text};
	sample->frames[0] = (struct vqi_frame){
		.module = (char *)text, .function = (char *)text, .file = (char *)text, .line = 1};
	sample->requests[0] = (struct vqi_request){
		.details = sample->details,
		.detail_count = 1,
		.stack = {sample->frames, 1, (char *)text},
	};
	sample->threads[1].stack = sample->requests[0].stack;
}
