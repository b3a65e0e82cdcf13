/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vqi/report.h"

#include <check.h>
#include <locale.h>
#include <string.h>

#include "printed.h"
#include "sample.h"
#include "unit.h"

static struct vqi_sample sample;
static char *report;

static void setup(void)
{
	ck_assert_ptr_nonnull(setlocale(LC_ALL, "C.UTF-8"));
	report = NULL;
}

static void teardown(void)
{
	free(report);
}

static void print(struct vqi_report_options options)
{
	free(report);
	report = vqi_printed(vqi_report_text, &sample, &options);
}

START_TEST(test_headline)
{
	vqi_sample_healthy(&sample);
	print((struct vqi_report_options){0});
	ck_assert_ptr_eq(strstr(report,
				"web1  pid 4242  QEMU 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18)  "
				"running   5 devices, 32 queues   two looks 250 ms apart, nothing "
				"stopped\n"),
			 report);
}
END_TEST

START_TEST(test_headline_of_little)
{
	vqi_sample_unknown(&sample);
	print((struct vqi_report_options){0});
	ck_assert_has(report,
		      "storage-daemon  pid 1  qemu-storage-daemon   1 device, 1 queue   one look, "
		      "nothing stopped, rings moved while they were read\n");
	sample.snapshot.target.exe = (char *)"/usr/bin/qsd";
	print((struct vqi_report_options){0});
	ck_assert_ptr_eq(strstr(report, "qsd  pid 1  "), report);
}
END_TEST

START_TEST(test_headline_says_what_was_stopped)
{
	vqi_sample_stuck(&sample);
	print((struct vqi_report_options){0});
	ck_assert_has(report, "two looks 250 ms apart, 3 threads stopped for 212 us\n");
	sample.snapshot.capture.stopped_threads = 1;
	sample.snapshot.capture.stopped_us = 12900;
	print((struct vqi_report_options){0});
	ck_assert_has(report, "two looks 250 ms apart, 1 thread stopped for 12 ms\n");
}
END_TEST

START_TEST(test_headline_of_a_stopped_process)
{
	vqi_sample_stuck(&sample);
	sample.snapshot.target.held.by = VQI_HELD_SIGNAL;
	print((struct vqi_report_options){0});
	ck_assert_has(report, "  process stopped,  running   ");
}
END_TEST

START_TEST(test_unplugged)
{
	static char *labels[] = {(char *)"blk7", (char *)"net7"};

	vqi_sample_healthy(&sample);
	sample.snapshot.unplugged = labels;
	sample.snapshot.unplugged_count = 2;
	print((struct vqi_report_options){0});
	ck_assert_has(report, "\nunplugged meanwhile: blk7, net7\n");
}
END_TEST

START_TEST(test_no_devices)
{
	vqi_sample_empty(&sample);
	print((struct vqi_report_options){0});
	ck_assert_has(report, "0 devices, 0 queues");
	ck_assert_has(report, "\n\nno VirtIO devices\n");
	ck_assert_lacks(report, "DEVICE");
}
END_TEST

START_TEST(test_verdict_when_nothing_is_wrong)
{
	vqi_sample_healthy(&sample);
	print((struct vqi_report_options){0});
	ck_assert_has(report, "\n\nnothing is stuck\n\n");
	sample.snapshot.capture.looks = 1;
	print((struct vqi_report_options){0});
	ck_assert_lacks(report, "nothing is stuck");
	ck_assert_has(report, "nothing found in one look, which cannot tell what is stuck");
	vqi_sample_unknown(&sample);
	print((struct vqi_report_options){0});
	ck_assert_lacks(report, "nothing is stuck");
	ck_assert_has(report, "nothing found in what could be inspected\n");
}
END_TEST

START_TEST(test_findings_come_first)
{
	vqi_sample_stuck(&sample);
	print((struct vqi_report_options){0});
	ck_assert_has(report,
		      "\n\n\u2717 blk0 queue 0: 16 requests taken and not completed     "
		      "request-stuck-in-device, confirmed\n"
		      "    back end d0: node #block123, driver qcow2\n"
		      "    last_avail_idx 1203, used_idx 1187, unchanged for 250 ms\n"
		      "    known bug, given aio=io_uring: mended by 2bb0153cd806 (block/io_uring: "
		      "avoid potentially getting stuck) in 10.0.7, 10.1.3, 10.2.0, unless your "
		      "distribution has mended it\n"
		      "    known bug, given a throttle group over several iothreads: mended by "
		      "d4816177654d (block/throttle-groups: fix deadlock) in 10.2.2, unless your "
		      "distribution has mended it\n"
		      "    next: look at the storage behind the back end\n"
		      "! net0 queue 1: 1 packet taken and not completed     "
		      "request-stuck-in-device, candidate\n");
	ck_assert(strstr(report, "\u2717") < strstr(report, "DEVICE"));
	ck_assert_lacks(report, "nothing is stuck");
}
END_TEST

/* Several queues of a device that wait for one and the same: only what differs is said again. */
START_TEST(test_finding_of_many_queues)
{
	char *evidence[2] = {NULL, (char *)"used_idx 7"};

	vqi_sample_stuck(&sample);
	sample.findings[1] = sample.findings[0];
	sample.findings[1].queue = &sample.devices[0].queues[1];
	evidence[0] = sample.findings[0].evidence[0];
	sample.findings[1].evidence = evidence;
	sample.findings[1].evidence_count = 2;
	print((struct vqi_report_options){0});
	ck_assert_has(report, "\n\u2717 blk0 queue 1: 16 requests taken and not completed     "
			      "request-stuck-in-device, confirmed\n"
			      "    used_idx 7\n"
			      "    the rest as of queue 0\n\n");
	/* The third, too, is as the first. */
	sample.findings[2] = sample.findings[1];
	sample.findings[2].queue = &sample.devices[0].queues[2];
	sample.diagnosis.finding_count = 3;
	print((struct vqi_report_options){0});
	ck_assert_lacks(report, "the rest as of queue 1");
	sample.diagnosis.finding_count = 2;
	/* Of another device, of another kind, of the whole device, or with more to say, nothing is left out. */
	for (int i = 0; i < 5; i++) {
		const struct vqi_finding finding = sample.findings[1];
		const struct vqi_rule other = *finding.rule;

		if (i == 0)
			sample.findings[1].device = &sample.devices[1];
		else if (i == 1)
			sample.findings[1].rule = &other;
		else if (i == 2)
			sample.findings[1].queue = NULL;
		else if (i == 3)
			sample.findings[1].evidence_count = 1;
		else
			sample.findings[1].next_step = (char *)"something else";
		print((struct vqi_report_options){0});
		ck_assert_lacks(report, "the rest as of");
		sample.findings[1] = finding;
	}
}
END_TEST

START_TEST(test_finding_of_device_and_vm)
{
	vqi_sample_stuck(&sample);
	sample.findings[0].queue = NULL;
	sample.findings[1].device = NULL;
	sample.findings[1].queue = NULL;
	sample.findings[1].severity = VQI_NOTE;
	print((struct vqi_report_options){0});
	ck_assert_has(report, "\n\u2717 blk0: 16 requests");
	ck_assert_has(report, "\n\u00b7 1 packet taken");
}
END_TEST

START_TEST(test_rows_are_for_work)
{
	vqi_sample_stuck(&sample);
	print((struct vqi_report_options){0});
	ck_assert_row(report, "DEVICE TYPE AT QUEUE ROLE STATE AVAIL SEEN TAKEN USED REAPED "
			      "SERVED BY");
	ck_assert_row(report, "blk0 virtio-blk 0000:00:04.0 0 request stuck 1203 1203 1203 1187 "
			      "1184 iothread io0");
	ck_assert_row(report, "net0 virtio-net 0000:00:04.0 1 tx busy 9914 9914 9912 9911 - "
			      "main loop");
	ck_assert_lacks(report, " idle  ");
	ck_assert_lacks(report, " parked  ");
}
END_TEST

START_TEST(test_row_for_idle_queue_in_finding)
{
	vqi_sample_stuck(&sample);
	sample.devices[0].queues[0].state = VQI_QUEUE_IDLE;
	print((struct vqi_report_options){0});
	ck_assert_row(report,
		      "blk0 virtio-blk 0000:00:04.0 0 request idle 1203 1203 1203 1187 1184 "
		      "iothread io0");
}
END_TEST

START_TEST(test_row_when_paused)
{
	struct vqi_queue *queue;

	vqi_sample_healthy(&sample);
	queue = &sample.devices[0].queues[0];
	queue->state = VQI_QUEUE_PAUSED;
	print((struct vqi_report_options){0});
	ck_assert_row(report, "blk0 virtio-blk 0000:00:04.0 idle: 1 request; paused: 0 request");
	ck_assert_row(
		report,
		"12 queues parked, 16 idle, 1 paused, 1 not set up, 1 device without a driver");
	/* Seen, not taken. */
	queue->last_avail_idx = VQI_NUM(1200);
	print((struct vqi_report_options){0});
	ck_assert_row(report,
		      "blk0 virtio-blk 0000:00:04.0 0 request paused 1203 1203 1200 1203 1203 "
		      "iothread io0");
	queue->kind = VQI_KIND_RECEIVE;
	print((struct vqi_report_options){0});
	ck_assert_row(report, "blk0 virtio-blk 0000:00:04.0 idle: 1 request; paused: 0 request");
}
END_TEST

START_TEST(test_folded_queues)
{
	vqi_sample_healthy(&sample);
	print((struct vqi_report_options){0});
	ck_assert_row(report, "DEVICE TYPE AT OTHER QUEUES");
	ck_assert_row(report, "blk0 virtio-blk 0000:00:04.0 idle: 0-1 request");
	ck_assert_row(report, "net0 virtio-net 0000:00:04.0 parked: 0 rx; not set up: 2 control");
	ck_assert_row(
		report,
		"scsi0 virtio-scsi 0000:00:04.0 parked: 1 event; idle: 0 control, 2-5 request");
	ck_assert_row(report,
		      "serial0 virtio-serial 0000:00:04.0 parked: 0,4,6..18 port-rx, 2 control-rx; "
		      "idle: 1,5,7..19 port-tx, 3 control-tx");
	ck_assert_row(report,
		      "/machine/peripheral-anon/device[0]/virtio-backend virtio-rng 0xfeb00e00 no "
		      "driver");
	ck_assert_row(report, "12 queues parked, 17 idle, 1 not set up, 1 device without a driver");
}
END_TEST

START_TEST(test_folded_numbers)
{
	static const bool parked[] = {true, false, true, true,	false, false,
				      true, false, true, false, true,  true};
	struct vqi_device *device;

	vqi_sample_healthy(&sample);
	device = &sample.devices[3];
	device->queue_count = sizeof(parked) / sizeof(parked[0]);
	for (size_t i = 0; i < device->queue_count; i++) {
		device->queues[i].role = i == 8 ? NULL : "role";
		device->queues[i].state = parked[i] ? VQI_QUEUE_PARKED : VQI_QUEUE_DISABLED;
	}
	device->status = 3;
	print((struct vqi_report_options){0});
	ck_assert_row(report,
		      "serial0 virtio-serial 0000:00:04.0 driver has not finished its set-up; "
		      "parked: 0,2-3,6,10-11 role, 8; not set up: 1,4-5,7,9 role");
}
END_TEST

START_TEST(test_gaps)
{
	vqi_sample_unknown(&sample);
	print((struct vqi_report_options){0});
	ck_assert_has(report,
		      "\nnot inspected: QOM tree: why 0\n"
		      "not inspected: /d: bus: why 1\n"
		      "not inspected: /d queue 2: avail ring: cannot read 4 bytes at 0x7f00\n");
	ck_assert_has(report, "queue 9: avail ring");
	ck_assert_lacks(report, "queue 10: avail ring");
	ck_assert_has(report, "\nnot inspected: 2 more; -v lists them\n");
	print((struct vqi_report_options){.verbose = true});
	ck_assert_has(report, "queue 11: avail ring");
	ck_assert_lacks(report, "more; -v");
}
END_TEST

START_TEST(test_unknown_values)
{
	vqi_sample_unknown(&sample);
	print((struct vqi_report_options){0});
	ck_assert_row(report, "(device without a name) - - 0 - unknown - - - - - -");
	ck_assert_has(report,
		      "(device without a name): rings run by vhost; QEMU's own indices are stale "
		      "and not shown\n");
}
END_TEST

START_TEST(test_vhost)
{
	vqi_sample_vhost(&sample);
	print((struct vqi_report_options){0});
	ck_assert_row(report, "net0 virtio-net 0000:00:04.0 1 tx busy 77 - - 77 75 -");
	ck_assert_has(report,
		      "\nnet0: rings run by vhost (kernel); QEMU's own indices are stale and not "
		      "shown\n");
}
END_TEST

START_TEST(test_packed)
{
	vqi_sample_packed(&sample);
	print((struct vqi_report_options){.verbose = true});
	ck_assert_has(report, "  core of pid 4242  ");
	/* 2 - 5 modulo the ring's size */
	ck_assert_row(report, "blk0 virtio-blk 0000:00:04.0 0 request busy 255 255 255 2 253 -");
	ck_assert_has(report,
		      "wrap: avail true shadow_avail true last_avail true used false; driver off 7 "
		      "wrap true flags 2; device off - wrap - flags -\n");
	ck_assert_has(
		report,
		"ring_faults: avail-ahead used-mismatch bad-indirect loop bad-next bad-address "
		"zero-size bad-order duplicate");
	ck_assert_has(report, "packed ring of 256");
}
END_TEST

START_TEST(test_served_by_is_of_the_table)
{
	vqi_sample_healthy(&sample);
	print((struct vqi_report_options){0});
	ck_assert_has(report, "SERVED BY");
	ck_assert_lacks(report, "event loops and threads");
	/* A loop that is not there, and one that is not known. */
	sample.devices[1].queues[1].loop = VQI_NUM(2);
	print((struct vqi_report_options){0});
	ck_assert_row(report, "net0 virtio-net 0000:00:04.0 1 tx busy 9914 9914 9912 9911 - -");
	sample.devices[1].queues[1].loop = VQI_UNKNOWN;
	print((struct vqi_report_options){0});
	ck_assert_row(report, "net0 virtio-net 0000:00:04.0 1 tx busy 9914 9914 9912 9911 - -");
}
END_TEST

START_TEST(test_every_sample_prints)
{
	for (size_t i = 0; i < vqi_sample_count; i++) {
		vqi_samples[i](&sample);
		print((struct vqi_report_options){.width = 80, .verbose = true, .color = true});
		ck_assert_has(report, "pid");
	}
}
END_TEST

START_TEST(test_write_error)
{
	vqi_sample_stuck(&sample);
	vqi_printed_to_full_device(vqi_report_text, &sample);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("report_text");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_headline);
	tcase_add_test(tcase, test_headline_of_little);
	tcase_add_test(tcase, test_headline_says_what_was_stopped);
	tcase_add_test(tcase, test_headline_of_a_stopped_process);
	tcase_add_test(tcase, test_unplugged);
	tcase_add_test(tcase, test_no_devices);
	tcase_add_test(tcase, test_verdict_when_nothing_is_wrong);
	tcase_add_test(tcase, test_findings_come_first);
	tcase_add_test(tcase, test_finding_of_many_queues);
	tcase_add_test(tcase, test_finding_of_device_and_vm);
	tcase_add_test(tcase, test_rows_are_for_work);
	tcase_add_test(tcase, test_row_for_idle_queue_in_finding);
	tcase_add_test(tcase, test_row_when_paused);
	tcase_add_test(tcase, test_folded_queues);
	tcase_add_test(tcase, test_folded_numbers);
	tcase_add_test(tcase, test_gaps);
	tcase_add_test(tcase, test_unknown_values);
	tcase_add_test(tcase, test_vhost);
	tcase_add_test(tcase, test_packed);
	tcase_add_test(tcase, test_served_by_is_of_the_table);
	tcase_add_test(tcase, test_every_sample_prints);
	tcase_add_test(tcase, test_write_error);
	return unit_run("report_text", tcase);
}
