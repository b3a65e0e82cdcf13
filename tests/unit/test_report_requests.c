/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests in flight and back traces, in text and in JSON. */
#include <check.h>

#include "printed.h"
#include "sample.h"
#include "unit.h"

static struct vqi_sample sample;
static struct vqi_printed_json json;
static char *report;

static void setup(void)
{
	vqi_sample_requests(&sample);
}

static void teardown(void)
{
	vqi_printed_json_done(&json);
	json = (struct vqi_printed_json){0};
	free(report);
	report = NULL;
}

static void print(bool verbose)
{
	struct vqi_report_options options = {.verbose = verbose, .requests = true};

	free(report);
	report = vqi_printed(vqi_report_text, &sample, &options);
}

START_TEST(test_text)
{
	print(false);
	ck_assert_has(report, "\nblk0 queue 0: 3 requests in flight\n"
			      "    read sector 204800, 128 KiB, cdb 28 00, head 17, for 312 s\n");
	ck_assert_has(report, "\n      waits in luring_co_submit, called by bdrv_co_preadv\n");
	ck_assert_has(report, "\n    flush: head 20, for 250 ms or more\n"
			      "      runs on thread 4250\n"
			      "      back trace: the coroutine runs\n");
	ck_assert_has(report, "\n    request: head 23 (or completed: the ring does not tell)\n");
	ck_assert_has(report, "\nthread 4242, main loop, state S, in ppoll\n    waits in ppoll\n");
	ck_assert_lacks(report, "buffer 0x");
	ck_assert_lacks(report, "coroutine at");
	ck_assert_lacks(report, "rbp is not known"); /* what there is tells enough */
}
END_TEST

START_TEST(test_dump)
{
	static uint8_t zeros[65];

	print(false);
	ck_assert_has(
		report,
		"\n      0000  01 00 00 00 20 74 68 65 6e 20 74 65 78 74 3a 20  |.... then text: |\n"
		"      0010  31 37                                            |17|\n");
	sample.requests[0].dump = zeros;
	sample.requests[0].dump_len = sizeof(zeros);
	print(false);
	ck_assert_has(
		report,
		"\n      0000  00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00  |................|\n"
		"      *\n"
		"      0040  00                                               |.|\n");
	sample.requests[0].dump_len = 0;
	print(false);
	ck_assert_lacks(report, "0000  01");
}
END_TEST

START_TEST(test_verbose_text)
{
	print(true);
	ck_assert_has(report,
		      "\n      buffer 0x1000, 16 bytes, the device reads it (at 0x7f0000001000)\n"
		      "      buffer 0x2000, 131072 bytes, the device writes it\n");
	ck_assert_has(
		report,
		"\n      coroutine at 0x55d0c0f00020\n      #0 0x55d0c0a01022 qemu_coroutine_switch+0x22 (qemu-system-x86_64) "
		"at util/coroutine-ucontext.c:307\n"
		"      #1 0x55d0c0a02040 luring_co_submit+0x40 (qemu-system-x86_64)\n"
		"      #2 0x55d0c0a03050 qemu-system-x86_64+0x303050\n");
	ck_assert_has(report, "\n    #0 0x7f0000201234 ppoll+0x34 (libc.so.6)\n"
			      "    back trace: rbp is not known\n");
	ck_assert_lacks(report, "waits in");
}
END_TEST

START_TEST(test_many)
{
	struct vqi_request many[10] = {{0}};

	for (unsigned int i = 0; i < 10; i++)
		many[i] = (struct vqi_request){.head = i, .kind = "flush"};
	sample.devices[0].queues[0].requests = many;
	sample.devices[0].queues[0].request_count = 10;
	print(false);
	ck_assert_has(report, "\nblk0 queue 0: 10 requests in flight, the oldest first\n");
	ck_assert_has(report, "\n    flush: head 7\n    2 more; -v lists them\n");
	print(true);
	ck_assert_has(report, "\n    flush: head 9\n");
	ck_assert_lacks(report, "more; -v");
}
END_TEST

START_TEST(test_json)
{
	vqi_printed_json(&json, &sample);
	vqi_printed_json_is(
		&json, "devices.0.queues.0.requests.0",
		"{\"head\":17,\"source\":\"qemu\",\"candidate\":false,\"element\":\"0x55d0c0e00010\","
		"\"age_ms\":312400,\"age_at_least\":false,\"kind\":\"read\","
		"\"detail\":{\"sector\":204800,\"len\":131072,\"cdb\":\"28 00\"},"
		"\"descriptors\":[{\"gpa\":\"0x1000\",\"hva\":\"0x7f0000001000\",\"len\":16,"
		"\"device_writes\":false},{\"gpa\":\"0x2000\",\"hva\":null,\"len\":131072,"
		"\"device_writes\":true}],"
		"\"dump\":\"01000000207468656e20746578743a203137\","
		"\"coroutine\":\"waiting\",\"coroutine_addr\":\"0x55d0c0f00020\",\"tid\":null,"
		"\"stack\":[{\"pc\":\"0x55d0c0a01022\",\"module\":\"qemu-system-x86_64\","
		"\"function\":\"qemu_coroutine_switch\",\"offset\":34,"
		"\"file\":\"util/coroutine-ucontext.c\",\"line\":307},"
		"{\"pc\":\"0x55d0c0a02040\",\"module\":\"qemu-system-x86_64\","
		"\"function\":\"luring_co_submit\",\"offset\":64,\"file\":null,\"line\":null},"
		"{\"pc\":\"0x55d0c0a03050\",\"module\":\"qemu-system-x86_64\",\"function\":null,"
		"\"offset\":3158096,\"file\":null,\"line\":null},"
		"{\"pc\":\"0x55d0c0a04060\",\"module\":\"qemu-system-x86_64\","
		"\"function\":\"bdrv_co_preadv\",\"offset\":96,\"file\":null,\"line\":null}],"
		"\"stack_gap\":null}");
	vqi_printed_json_is(&json, "devices.0.queues.0.requests.1.age_at_least", "true");
	vqi_printed_json_is(&json, "devices.0.queues.0.requests.1.coroutine", "\"running\"");
	vqi_printed_json_is(&json, "devices.0.queues.0.requests.1.tid", "4250");
	vqi_printed_json_is(
		&json, "devices.0.queues.0.requests.2",
		"{\"head\":23,\"source\":\"ring\",\"candidate\":true,\"element\":null,"
		"\"age_ms\":null,\"age_at_least\":false,\"kind\":null,\"detail\":{},"
		"\"descriptors\":[],\"dump\":null,\"coroutine\":null,"
		"\"coroutine_addr\":null,\"tid\":null,\"stack\":[],\"stack_gap\":null}");
	vqi_printed_json_is(&json, "threads.0.stack_gap", "\"rbp is not known\"");
	vqi_printed_json_is(&json, "threads.0.stack.0.function", "\"ppoll\"");
}
END_TEST

START_TEST(test_hostile_text)
{
	vqi_sample_hostile(&sample);
	print(true);
	ck_assert_lacks(report, "\033");
	ck_assert_lacks(report, "\r");
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("report_requests");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_text);
	tcase_add_test(tcase, test_dump);
	tcase_add_test(tcase, test_verbose_text);
	tcase_add_test(tcase, test_many);
	tcase_add_test(tcase, test_json);
	tcase_add_test(tcase, test_hostile_text);
	return unit_run("report_requests", tcase);
}
