/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vqi/lines.h"

#include <check.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "sample.h"
#include "unit.h"

#define SECOND UINT64_C(1000000000)
#define TIME   "2026-01-02T03:04:05.678Z"

static struct vqi_sample sample;
static struct vqi_history *history;
static struct vqi_lines *lines;
static uint64_t now_ns;
static char *text;

static void begin(bool color)
{
	const struct vqi_lines_options options = {.color = color, .interval_ms = 500};

	vqi_lines_free(take_ptr(lines));
	vqi_history_free(take_ptr(history));
	ck_assert_ok(vqi_history_new(&history));
	ck_assert_ok(vqi_lines_new(&options, &lines));
}

static void setup(void)
{
	ck_assert_ptr_nonnull(setlocale(LC_ALL, "C.UTF-8"));
	vqi_sample_healthy(&sample);
	now_ns = SECOND;
	begin(false);
}

static void teardown(void)
{
	free(take_ptr(text));
	vqi_lines_free(take_ptr(lines));
	vqi_history_free(take_ptr(history));
}

/* A look a second after the one before. */
static const char *look(void)
{
	size_t len;
	FILE *stream;

	free(take_ptr(text));
	stream = open_memstream(&text, &len);
	ck_assert_ptr_nonnull(stream);
	now_ns += SECOND;
	sample.snapshot.capture.time =
		(struct timespec){.tv_sec = 1767323045, .tv_nsec = 678000000};
	ck_assert_ok(vqi_history_add(history, &sample.snapshot, now_ns));
	ck_assert_ok(vqi_lines_print(lines, stream, history, &sample.snapshot, &sample.diagnosis));
	ck_assert_int_eq(fclose(stream), 0);
	return text;
}

#define BUSY TIME "  net0 queue 1  tx  busy  depth 3  published "

START_TEST(test_head_and_what_works)
{
	ck_assert_str_eq(look(),
			 "web1  pid 4242  QEMU 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18)  "
			 "running   5 devices, 32 queues   a look every 0.5 s, nothing "
			 "stopped\n" BUSY "-  completed -  reaped -  for 0 ms  oldest 0 ms\n");
	ck_assert_str_eq(look(), BUSY "0/s  completed 0/s  reaped -  for 1.0 s  oldest 1.0 s\n");
}
END_TEST

START_TEST(test_rates)
{
	struct vqi_queue *queue = &sample.devices[0].queues[0];

	sample.devices[1].queues[1].state = VQI_QUEUE_IDLE;
	sample.devices[1].queues[1].avail_idx = sample.devices[1].queues[1].used_idx;
	look();
	ck_assert_str_eq(look(), "");
	queue->avail_idx = queue->last_avail_idx = queue->shadow_avail_idx = VQI_NUM(1203 + 500);
	queue->used_idx = queue->used_ring_idx = queue->used_event = VQI_NUM(1203 + 500);
	ck_assert_str_eq(look(), TIME "  blk0 queue 0  request  idle  depth 0  published 500/s  "
				      "completed 500/s  reaped 500/s  for 2.0 s\n");
	look();
	ck_assert_str_eq(look(), "");
}
END_TEST

START_TEST(test_a_state_that_changes)
{
	look();
	sample.devices[1].queues[1].state = VQI_QUEUE_IDLE;
	sample.devices[1].queues[1].avail_idx = sample.devices[1].queues[1].used_idx;
	sample.devices[0].queues[0].state = VQI_QUEUE_DISABLED;
	look();
	ck_assert_msg(strstr(text, "blk0 queue 0  request  disabled  depth 0  "), "%s", text);
	ck_assert_str_eq(look(), "");
}
END_TEST

START_TEST(test_findings_come_and_go)
{
	look();
	vqi_sample_stuck(&sample);
	look();
	ck_assert_msg(strstr(text, TIME "  blk0 queue 0  request  stuck  depth 16  "), "%s", text);
	ck_assert_msg(strstr(text,
			     TIME "  blk0 queue 0  error  request-stuck-in-device, confirmed  "),
		      "%s", text);
	look();
	ck_assert_msg(strstr(text, "  stuck  "), "%s", text);
	ck_assert_msg(!strstr(text, "request-stuck"), "it is said once: %s", text);
	/* It is less sure: that is said. */
	sample.findings[0].confidence = VQI_CANDIDATE;
	sample.findings[0].severity = VQI_WARNING;
	look();
	ck_assert_msg(strstr(text, "  warning  request-stuck-in-device, candidate  "), "%s", text);
	vqi_sample_healthy(&sample);
	look();
	ck_assert_msg(strstr(text, TIME "  blk0 queue 0  gone  request-stuck-in-device\n"), "%s",
		      text);
}
END_TEST

START_TEST(test_devices_come_and_go)
{
	static char *unplugged[] = {(char *)"net7"};

	look();
	sample.devices[2].vdev_addr += 4096;
	sample.snapshot.unplugged = unplugged;
	sample.snapshot.unplugged_count = 1;
	look();
	ck_assert_msg(strstr(text, TIME "  scsi0  plugged  virtio-scsi  6 queues\n"), "%s", text);
	ck_assert_msg(strstr(text, TIME "  net7  unplugged\n"), "%s", text);
	sample.snapshot.unplugged_count = 0;
	look();
	ck_assert_msg(!strstr(text, "plugged"), "%s", text);
}
END_TEST

START_TEST(test_the_vm_stops)
{
	look();
	sample.snapshot.target.run_state = (char *)"io-error";
	ck_assert_msg(strstr(look(), TIME "  vm  io-error\n"), "%s", text);
	ck_assert_msg(!strstr(look(), "  vm  "), "%s", text);
	sample.snapshot.target.held.by = VQI_HELD_SIGNAL;
	ck_assert_msg(strstr(look(), TIME "  vm  io-error, process stopped\n"), "%s", text);
}
END_TEST

START_TEST(test_gaps_come_and_go)
{
	look();
	sample.gaps[0] = (struct vqi_gap){
		.device = (char *)"blk0",
		.queue = VQI_NUM(1),
		.what = (char *)"ring",
		.why = (char *)"it is not there",
	};
	sample.snapshot.gaps = sample.gaps;
	sample.snapshot.gap_count = 1;
	ck_assert_msg(strstr(look(), TIME "  blk0 queue 1  not inspected: ring: it is not there\n"),
		      "%s", text);
	ck_assert_msg(!strstr(look(), "inspected"), "%s", text);
	sample.snapshot.gap_count = 0;
	ck_assert_msg(strstr(look(), TIME "  blk0 queue 1  inspected again: ring\n"), "%s", text);
}
END_TEST

/* Whatever a guest or somebody else has called it, a line is one line, and commands no terminal. */
START_TEST(test_hostile)
{
	vqi_sample_hostile(&sample);
	look();
	for (const char *at = text; *at; at++)
		ck_assert_msg(*at == '\n' || (unsigned char)*at >= ' ', "%s", text);
}
END_TEST

START_TEST(test_all_samples)
{
	for (size_t i = 0; i < vqi_sample_count; i++) {
		vqi_samples[i](&sample);
		begin(i % 2);
		look();
		look();
	}
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("lines");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_head_and_what_works);
	tcase_add_test(tcase, test_rates);
	tcase_add_test(tcase, test_a_state_that_changes);
	tcase_add_test(tcase, test_findings_come_and_go);
	tcase_add_test(tcase, test_devices_come_and_go);
	tcase_add_test(tcase, test_the_vm_stops);
	tcase_add_test(tcase, test_gaps_come_and_go);
	tcase_add_test(tcase, test_hostile);
	tcase_add_test(tcase, test_all_samples);
	return unit_run("lines", tcase);
}
