/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <check.h>

#include "unit.h"
#include "vqi/diagnose.h"

static struct vqi_detail details[4];

static void check_words(const struct vqi_request *request, const char *expected)
{
	char *words = vqi_request_words(request);

	ck_assert_str_eq(words, expected);
	free(words);
}

START_TEST(test_a_request)
{
	struct vqi_request request = {.head = 17};

	check_words(&request, "request: head 17");
	request.kind = "flush";
	check_words(&request, "flush: head 17");
	details[0] = (struct vqi_detail){"sector", VQI_NUM(204800), NULL};
	details[1] = (struct vqi_detail){"len", VQI_NUM(131072), NULL};
	details[2] = (struct vqi_detail){"cdb", VQI_UNKNOWN, (char *)"28 00"};
	details[3] = (struct vqi_detail){"lba", VQI_UNKNOWN, NULL};
	request.kind = "write";
	request.details = details;
	request.detail_count = 4;
	check_words(&request, "write sector 204800, 128 KiB, cdb 28 00, lba -, head 17");
}
END_TEST

START_TEST(test_lengths)
{
	static const struct {
		uint64_t len;
		const char *words;
	} lengths[] = {
		{0, "0 bytes"},
		{1, "1 byte"},
		{512, "512 bytes"},
		{1024, "1 KiB"},
		{1025, "1025 bytes"},
		{1536, "1536 bytes"},
		{1048576, "1 MiB"},
		{1572864, "1536 KiB"},
		{UINT64_MAX, "18446744073709551615 bytes"},
	};
	char expected[128];

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct vqi_request request = {
			.kind = "read", .head = 1, .details = details, .detail_count = 1};

		details[0] = (struct vqi_detail){"len", VQI_NUM(lengths[i].len), NULL};
		snprintf(expected, sizeof(expected), "read %s, head 1", lengths[i].words);
		check_words(&request, expected);
	}
}
END_TEST

START_TEST(test_ages)
{
	struct vqi_request request = {
		.kind = "flush", .head = 2, .age = VQI_AGE_EXACT, .age_ms = 0};

	check_words(&request, "flush: head 2, for 0 ms");
	request.age_ms = 9999;
	check_words(&request, "flush: head 2, for 9999 ms");
	request.age_ms = 312900;
	check_words(&request, "flush: head 2, for 312 s");
	request.age = VQI_AGE_AT_LEAST;
	request.age_ms = 250;
	request.is_candidate = true;
	check_words(&request, "flush: head 2, for 250 ms or more (or completed by now)");
	request.source = VQI_REQUEST_RING;
	check_words(&request,
		    "flush: head 2, for 250 ms or more (or completed: the ring does not tell)");
	request.is_candidate = false;
	check_words(&request, "flush: head 2, for 250 ms or more (known from the ring)");
	request.is_candidate = true;
	request.may_be_untaken = true;
	check_words(&request,
		    "flush: head 2, for 250 ms or more (or not taken yet: vhost does not tell)");
}
END_TEST

static void check_stack(const char *const *functions, size_t count, const char *expected)
{
	struct vqi_frame frames[16] = {{0}};
	struct vqi_stack stack = {.frames = frames, .count = count};
	char *words;

	for (size_t i = 0; i < count; i++)
		frames[i].function = (char *)functions[i];
	words = vqi_stack_words(&stack);
	ck_assert_str_eq(words, expected);
	free(words);
}

START_TEST(test_back_traces)
{
	static const char *const disk[] = {
		"qemu_coroutine_switch",
		"qemu_coroutine_yield",
		"qemu_co_queue_wait_impl",
		"throttle_group_co_io_limits_intercept",
		NULL,
		"blk_co_preadv",
		"blk_aio_read_entry",
		"coroutine_trampoline",
	};
	static const char *const server[] = {"qemu_coroutine_switch", "qio_channel_yield",
					     "qio_channel_readv_full_all_eof",
					     "nbd_receive_replies", "nbd_client_co_preadv"};
	static const char *const thread[] = {"ppoll",	     "fdmon_poll_wait",	  "aio_poll",
					     "iothread_run", "qemu_thread_start", "start_thread",
					     "clone3"};
	static const char *const blocked[] = {"ppoll",	       "qemu_poll_ns", "aio_poll",
					      "bdrv_poll_co",  "blk_pread",    "guess_disk_lchs",
					      "qmp_device_add"};
	static const char *const mutex[] = {"__GI___lll_lock_wait", "___pthread_mutex_lock",
					    "qemu_mutex_lock_impl", "virtio_blk_handle_vq"};
	static const char *const unnamed[] = {NULL, NULL};

	check_stack(NULL, 0, "");
	check_stack(unnamed, 2, "functions without names");
	check_stack(disk, 8,
		    "throttle_group_co_io_limits_intercept, called by blk_co_preadv, "
		    "blk_aio_read_entry");
	check_stack(server, 5, "nbd_receive_replies, called by nbd_client_co_preadv");
	check_stack(thread, 7, "ppoll");
	check_stack(blocked, 7, "blk_pread, called by guess_disk_lchs, qmp_device_add");
	check_stack(mutex, 4, "virtio_blk_handle_vq");
	check_stack(disk, 1, "qemu_coroutine_switch");
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("request_words");

	tcase_add_test(tcase, test_a_request);
	tcase_add_test(tcase, test_lengths);
	tcase_add_test(tcase, test_ages);
	tcase_add_test(tcase, test_back_traces);
	return unit_run("request_words", tcase);
}
