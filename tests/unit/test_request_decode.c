/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Headers of each device type, byte by byte. */
#include "request_headers.h"

#define MODERN (UINT64_C(1) << VQI_FEATURE_VERSION_1)

static const struct header_case cases[] = {
	/* virtio-blk: type, ioprio, sector */
	{2, "request", BYTES("\0\0\0\0\0\0\0\0\x00\x10\0\0\0\0\0\0"), 0, 4097,
	 .found = "read sector=4096 len=4096"},
	{2, "request", BYTES("\x01\0\0\0\0\0\0\0\x00\x20\0\0\0\0\0\0"), 131072, 1,
	 .found = "write sector=8192 len=131072"},
	{2, "request", BYTES("\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\x20\x00"), 512, 1,
	 .found = "write sector=8192 len=512", .big_endian = true},
	{2, "request", BYTES("\x01\0\0\x80\0\0\0\0\x01\0\0\0\0\0\0\0"), 512, 1,
	 .found = "write sector=1 len=512"},
	{2, "request", BYTES("\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), 0, 1, .found = "flush"},
	{2, "request", BYTES("\x08\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), 0, 21, .found = "get-id"},
	{2, "request", BYTES("\x63\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), 0, 1, .found = "- type=99"},
	{2, "request",
	 BYTES("\x0b\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
	       "\x00\x08\0\0\0\0\0\0\x08\0\0\0\0\0\0\0"),
	 0, 1, .found = "discard range_count=1 ranges=2048+8"},
	{2, "request",
	 BYTES("\x0d\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
	       "\x00\x08\0\0\0\0\0\0\x08\0\0\0\x01\0\0\0"
	       "\x00\x10\0\0\0\0\0\0\x10\0\0\0\0\0\0\0"),
	 0, 1, .found = "write-zeroes range_count=2 ranges=2048+8 unmap, 4096+16"},
	{2, "request", BYTES("\x18\0\0\0\0\0\0\0\x00\x08\0\0\0\0\0\0"), 0, 1,
	 .found = "zone-reset sector=2048"},
	{27, "request", BYTES("\0\0\0\0"), 0, 4, .found = "flush"},
	/* virtio-scsi */
	{8, "request",
	 BYTES("\x01\x03\x40\x05\0\0\0\0\xef\xbe\0\0\0\0\0\0\0\0\0"
	       "\x28\0\0\0\x10\0\0\0\x08\0"),
	 22, 4204,
	 .found =
		 "read(10) target=3 lun=5 tag=0xbeef cdb=28 00 00 00 10 00 00 00 08 00 lba=4096 blocks=8"},
	{8, "request",
	 BYTES("\x01\x03\x40\x05\0\0\0\0\0\0\0\0\0\0\xbe\xef\0\0\0"
	       "\0\0\0\0\0\0"),
	 26, 108, .found = "test-unit-ready target=3 lun=5 tag=0xbeef cdb=00 00 00 00 00 00",
	 .big_endian = true},
	{8, "request",
	 BYTES("\x01\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\0\0\0"
	       "\x00\x02\0\0\0\0\0\0"
	       "\x2a\0\0\0\0\x01\0\0\x01\0"),
	 22, 108,
	 .found =
		 "write(10) target=0 lun=0 tag=0x1 cdb=2a 00 00 00 00 01 00 00 01 00 lba=1 blocks=1",
	 .features = UINT64_C(1) << 3},
	{8, "control", BYTES("\0\0\0\0\0\0\0\0\x01\x02\x40\x01\0\0\0\0\x2a\0\0\0\0\0\0\0"), 0, 1,
	 .found = "abort-task target=2 lun=1 tag=0x2a"},
	{8, "control", BYTES("\0\0\0\0\x05\0\0\0\x01\x02\x40\x01\0\0\0\0\x2a\0\0\0\0\0\0\0"), 0, 1,
	 .found = "logical-unit-reset target=2 lun=1"},
	{8, "control", BYTES("\x01\0\0\0\x01\x02\x40\x01\0\0\0\0\x04\0\0\0"), 0, 5,
	 .found = "an-query target=2 lun=1 events=4"},
	{8, "event", BYTES(""), 0, 16, .found = "event capacity=16"},
	/* virtio-net */
	{1, "rx", BYTES(""), 0, 1526, .found = "receive capacity=1526"},
	{1, "tx", BYTES("\x01\x01\x36\0\xa8\x05\x22\0\x10\0\0\0"), 1500, 0,
	 .found = "send len=1500 flags=1 gso_type=tcpv4 header_len=54 gso_size=1448",
	 .features = MODERN},
	{1, "tx", BYTES("\0\x04\0\x36\x05\xa8\0\x22\0\x10"), 60, 0,
	 .found = "send len=60 flags=0 gso_type=tcpv6 header_len=54 gso_size=1448",
	 .big_endian = true},
	{1, "control", BYTES("\x04\0\x02\0"), 0, 1, .found = "vq-pairs-set class=mq"},
	{1, "control", BYTES("\x01\x07"), 0, 1, .found = "- command=7 class=mac"},
	/* consoles */
	{3, "port0-tx", BYTES("hello"), 0, 0, .found = "send len=5 port=0", .queue = 1},
	{3, "port2-rx", BYTES(""), 0, 64, .found = "receive capacity=64 port=2", .queue = 6},
	{3, "control-tx", BYTES("\x02\0\0\0\x06\0\x01\0"), 0, 0,
	 .found = "port-open port=2 value=1", .queue = 3},
	{3, "control-rx", BYTES(""), 0, 32, .found = "control-receive capacity=32", .queue = 2},
	/* small ones */
	{4, "request", BYTES(""), 0, 64, .found = "entropy len=64"},
	{5, "inflate", BYTES("\x01\0\0\0\x02\0\0\0"), 0, 0, .found = "inflate pages=2"},
	{5, "deflate", BYTES("\x01\0\0\0"), 0, 0, .found = "deflate pages=1"},
	{5, "stats", BYTES("\0\0\0\0\0\0\0\0\0\0"), 10, 0, .found = "stats count=2"},
	{5, "free-page", BYTES("\x07\0\0\0"), 0, 0, .found = "free-page-hint command=7"},
	{5, "reporting", BYTES(""), 0, 4194304, .found = "reporting len=4194304"},
	{24, "guest-request", BYTES("\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0\x03\0"), 0, 10,
	 .found = "plug addr=4294967296 blocks=3"},
	{18, "event", BYTES(""), 0, 8, .found = "event capacity=8"},
	{18, "status", BYTES("\x01\0\x1e\0\x01\0\0\0"), 0, 0, .found = "status"},
	/* file systems: no name is shown */
	{9, "request", BYTES("\x17\0\0\0\x6e\x05\0\x09\0\0\0\x0a\0\0\0\x01\0\x02\0pw"), 0, 8192,
	 .found = "walk tag=5 fid=9"},
	{9, "request", BYTES("\x13\0\0\0\x64\xff\xff\0\x20\0\0"), 0, 8192,
	 .found = "version tag=65535"},
	{26, "request",
	 BYTES("\x30\0\0\0\x01\0\0\0\x0c\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0"
	       "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0secret"),
	 0, 144, .found = "lookup unique=12 nodeid=1"},
	/* crypto */
	{20, "data", BYTES("\x01\0\0\0\x04\0\0\0\x07\0\0\0\0\0\0\0"), 64, 17,
	 .found = "cipher-decrypt session_id=7"},
	{20, "control", BYTES("\x02\0\0\0\x04\0\0\0\0\0\0\0\0\0\0\0key"), 64, 16,
	 .found = "cipher-create-session"},
	{20, "control", BYTES("\x03\x03\0\0\x04\0\0\0\0\0\0\0\0\0\0\0\x08\0\0\0\0\0\0\0"), 0, 1,
	 .found = "aead-destroy-session session_id=8"},
	/* graphics, sound, IOMMU, sockets */
	{16, "control", BYTES("\x04\x01\0\0\x01\0\0\0\x63\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0"), 24, 24,
	 .found = "resource-flush fence_id=99 ctx_id=2"},
	{25, "control", BYTES("\x04\x01\0\0\x01\0\0\0"), 0, 4, .found = "pcm-start stream=1"},
	{25, "tx", BYTES("\x01\0\0\0"), 4096, 8, .found = "play stream=1 len=4096"},
	{25, "rx", BYTES("\x02\0\0\0"), 0, 4104, .found = "capture stream=2"},
	{23, "request", BYTES("\x01\0\0\0\x05\0\0\0\x10\0\0\0"), 8, 4,
	 .found = "attach domain=5 endpoint=16"},
	{23, "request", BYTES("\x04\0\0\0\x05\0\0\0\0\x10\0\0\0\0\0\0\xff\x1f\0\0\0\0\0\0"), 4, 4,
	 .found = "unmap domain=5 virt_start=4096 virt_end=8191"},
	{19, "tx",
	 BYTES("\x03\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0\x00\x04\0\0\x16\0\0\0\x05\0\0\0"
	       "\x01\0\x05\0\0\0\0\0\0\0\0\0\0\0\0\0"),
	 5, 0, .found = "rw src=3:1024 dst=2:22 len=5 socket_type=1"},
};

#define CASES (int)(sizeof(cases) / sizeof(cases[0]))

START_TEST(test_header)
{
	assert_decoded(&cases[_i]);
	if (!cases[_i].len)
		assert_header(&cases[_i], 0);
}
END_TEST

/* What there is no decoder for, or no role of, is left as it is; so is a request without buffers. */
START_TEST(test_raw)
{
	struct header_case given = {
		.device_id = 28, .role = "request", BYTES("\0\0\0\0"), .found = "-"};
	struct vqi_request empty = {0};

	assert_header(&given, 0);
	given.device_id = 1000;
	assert_header(&given, 0);
	given.device_id = 8;
	given.role = NULL;
	assert_header(&given, 0);
	given = (struct header_case){.device_id = 4};
	ck_assert_ok(decode_request(&given, &empty));
	ck_assert(!empty.kind);
}
END_TEST

/* A buffer that is in no RAM ends what can be known. */
START_TEST(test_unreachable)
{
	struct header_case given = {2, "request", BYTES("\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
				    0, 1,	  .found = "-"};
	struct vqi_request request = make_request(&given, given.len, 0);

	request.buffers[0].hva = 0;
	ck_assert_ok(decode_request(&given, &request));
	ck_assert(!request.kind);
	vqi_request_done(&request);
}
END_TEST

START_TEST(test_gone)
{
	struct header_case given = {2, "request", BYTES("\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
				    0, 1,	  .found = "-"};
	struct vqi_request request = make_request(&given, given.len, 0);

	fake->gone_after = 0;
	ck_assert_code(decode_request(&given, &request), VQI_ERROR_GONE);
	ck_assert_code(vqi_request_dump(vqi_fake_mem_base(fake), &request, 4), VQI_ERROR_GONE);
	vqi_request_done(&request);
}
END_TEST

static void assert_dump(struct vqi_request *request, size_t bytes, const char *text)
{
	ck_assert_ok(vqi_request_dump(vqi_fake_mem_base(fake), request, bytes));
	ck_assert_uint_eq(request->dump_len, strlen(text));
	ck_assert(!request->dump_len || memcmp(request->dump, text, strlen(text)) == 0);
}

/* What the driver wrote, then what the device writes, whatever their order is. */
START_TEST(test_dump)
{
	struct vqi_request request = {0};

	memcpy(header_bytes, "abcdefghij", 10);
	add_header_buffer(&request, HEADER_HVA, 2, true);
	add_header_buffer(&request, HEADER_HVA + 4, 2, false);
	add_header_buffer(&request, HEADER_HVA + 8, 1, false);
	assert_dump(&request, 0, "");
	assert_dump(&request, 1, "e");
	assert_dump(&request, 3, "efi");
	assert_dump(&request, 4, "efia");
	assert_dump(&request, 100, "efiab");
	vqi_fake_mem_fault(fake, HEADER_HVA + 8, 1);
	assert_dump(&request, 100, "ef");
	vqi_fake_mem_heal(fake);
	request.buffers[1].hva = 0;
	assert_dump(&request, 100, "");
	vqi_request_done(&request);
}
END_TEST

/* More buffers than are read at once. */
START_TEST(test_dump_of_many)
{
	struct vqi_request request = {0};

	for (unsigned int i = 0; i < 100; i++) {
		header_bytes[2 * i] = (uint8_t)i;
		add_header_buffer(&request, HEADER_HVA + 2 * i, 1, i % 2);
	}
	ck_assert_ok(vqi_request_dump(vqi_fake_mem_base(fake), &request, 99));
	ck_assert_uint_eq(request.dump_len, 99);
	for (unsigned int i = 0; i < 99; i++)
		ck_assert_uint_eq(request.dump[i], i < 50 ? 2 * i : 2 * (i - 50) + 1);
	vqi_request_done(&request);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("request_decode");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, test_header, 0, CASES);
	tcase_add_test(tcase, test_raw);
	tcase_add_test(tcase, test_unreachable);
	tcase_add_test(tcase, test_gone);
	tcase_add_test(tcase, test_dump);
	tcase_add_test(tcase, test_dump_of_many);
	return unit_run("request_decode", tcase);
}
