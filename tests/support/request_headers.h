/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A request of a header in the driver's buffers, and of what the device is to write. What the tests of decoders
 * share. */
#ifndef VQI_TESTS_REQUEST_HEADERS_H
#define VQI_TESTS_REQUEST_HEADERS_H

#include <inttypes.h>
#include <stdio.h>

#include "fake_mem.h"
#include "unit.h"
#include "vqi/requests.h"
#include "vqi/virtio.h"

#define HEADER_HVA UINT64_C(0x7f1000000000)
#define HEADER_MAX 512

/* One request, and what is to be found: "kind name=value ...", "-" for no kind. */
struct header_case {
	unsigned int device_id;
	const char *role;
	const char *header; /* len bytes */
	size_t len;
	uint32_t more;	   /* bytes that the driver wrote after it */
	uint32_t writable; /* bytes for the device */
	const char *found;
	bool big_endian;
	uint64_t features;
	unsigned int queue;
};

#define BYTES(text) text, sizeof(text) - 1

static struct vqi_fake_mem *fake;
static uint8_t *header_bytes;

static inline void setup(void)
{
	fake = vqi_fake_mem_new();
	header_bytes = vqi_fake_mem_map(fake, HEADER_HVA, HEADER_MAX);
}

static inline void teardown(void)
{
	vqi_fake_mem_free(take_ptr(fake));
}

static inline void add_header_buffer(struct vqi_request *request, uint64_t hva, uint32_t len,
				     bool is_written)
{
	request->buffers = reallocarray(request->buffers, request->buffer_count + 1,
					sizeof(*request->buffers));
	ck_assert(request->buffers != NULL);
	request->buffers[request->buffer_count++] =
		(struct vqi_buffer){.hva = hva, .len = len, .is_written = is_written};
}

/* The first len bytes of the header, in two buffers where cut is not 0. */
static inline struct vqi_request make_request(const struct header_case *given, size_t len,
					      size_t cut)
{
	struct vqi_request request = {0};

	memset(header_bytes, 0xee, HEADER_MAX);
	memcpy(header_bytes, given->header, len);
	if (cut)
		add_header_buffer(&request, HEADER_HVA, (uint32_t)cut, false);
	if (len > cut)
		add_header_buffer(&request, HEADER_HVA + cut, (uint32_t)(len - cut), false);
	if (given->more)
		add_header_buffer(&request, HEADER_HVA + HEADER_MAX, given->more, false);
	if (given->writable)
		add_header_buffer(&request, 0x1000, given->writable, true);
	return request;
}

static inline struct vqi_error *decode_request(const struct header_case *given,
					       struct vqi_request *request)
{
	const struct vqi_device device = {
		.device_id = given->device_id,
		.guest_features = given->features,
		.endian = given->big_endian ? VQI_ENDIAN_BIG : VQI_ENDIAN_LITTLE,
	};
	const struct vqi_queue queue = {.role = given->role, .index = given->queue};

	return vqi_request_decode(vqi_fake_mem_base(fake), &device, &queue, request);
}

/* Owner: the caller frees. */
static inline char *describe_request(const struct vqi_request *request)
{
	char *text = NULL;
	size_t len = 0;
	FILE *file = open_memstream(&text, &len);

	ck_assert(file != NULL);
	fputs(request->kind ? request->kind : "-", file);
	for (size_t i = 0; i < request->detail_count; i++) {
		const struct vqi_detail *detail = &request->details[i];

		if (detail->text)
			fprintf(file, " %s=%s", detail->name, detail->text);
		else
			fprintf(file, " %s=%" PRIu64, detail->name, detail->number.value);
	}
	fclose(file);
	return text;
}

static inline void assert_header(const struct header_case *given, size_t cut)
{
	struct vqi_request request = make_request(given, given->len, cut);
	char *text;

	ck_assert_ok(decode_request(given, &request));
	text = describe_request(&request);
	ck_assert_str_eq(text, given->found);
	free(text);
	vqi_request_done(&request);
}

/* Whole, in two parts at each place; cut short anywhere, or unreadable, it does no harm. */
static inline void assert_decoded(const struct header_case *given)
{
	struct vqi_request request;

	for (size_t cut = 0; cut < given->len; cut++)
		assert_header(given, cut);
	for (size_t len = 0; len < given->len; len++) {
		request = make_request(given, len, 0);
		ck_assert_ok(decode_request(given, &request));
		vqi_request_done(&request);
		vqi_fake_mem_fault(fake, HEADER_HVA + len, 1);
		request = make_request(given, given->len, len);
		ck_assert_ok(decode_request(given, &request));
		vqi_request_done(&request);
		vqi_fake_mem_heal(fake);
	}
}

#endif
