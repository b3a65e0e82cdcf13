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

static const struct vqi_device *device;
static const struct vqi_queue *queue;

static struct vqi_error *print_queue(FILE *stream, const struct vqi_snapshot *snapshot,
				     const struct vqi_diagnosis *diagnosis,
				     const struct vqi_report_options *options)
{
	return vqi_report_queue(stream, snapshot, diagnosis, device, queue, options);
}

static void print(size_t device_number, size_t queue_number, bool verbose)
{
	const struct vqi_report_options options = {.verbose = verbose, .width = 100};

	device = &sample.devices[device_number];
	queue = &device->queues[queue_number];
	free(report);
	report = vqi_printed(print_queue, &sample, &options);
}

START_TEST(test_a_stuck_queue)
{
	vqi_sample_requests(&sample);
	print(0, 0, false);
	ck_assert_ptr_eq(strstr(report, "request, stuck, served by iothread io0\n\n"), report);
	ck_assert_has(report, "\n✗ blk0 queue 0: 16 requests taken");
	ck_assert_has(report, "\n    next: look at the storage");
	ck_assert_has(report, "\nblk0 queue 0: 3 requests in flight\n");
	ck_assert_has(report, "\nthread 4242, main loop, state S, in ppoll\n");
	ck_assert_has(report, "\n    queue 0: role request, kind request, split ring of 256");
	ck_assert_lacks(report, "net0");
	ck_assert_lacks(report, "queue 1");
	ck_assert_lacks(report, "buffer 0x1000");
	print(0, 0, true);
	ck_assert_has(report, "buffer 0x1000");
}
END_TEST

START_TEST(test_its_own_findings_only)
{
	vqi_sample_stuck(&sample);
	sample.findings[2] = sample.findings[0];
	sample.findings[2].device = NULL;
	sample.findings[2].queue = NULL;
	sample.findings[2].summary = (char *)"of the VM";
	sample.findings[3] = sample.findings[0];
	sample.findings[3].queue = NULL;
	sample.findings[3].summary = (char *)"of the device";
	sample.diagnosis.finding_count = 4;
	print(0, 1, false);
	ck_assert_has(report, "of the VM");
	ck_assert_has(report, "of the device");
	ck_assert_lacks(report, "16 requests taken");
	ck_assert_lacks(report, "1 packet taken");
	print(1, 1, false);
	ck_assert_has(report, "of the VM");
	ck_assert_lacks(report, "of the device");
	ck_assert_has(report, "1 packet taken");
	ck_assert_has(report, "\nnet0 queue 1: 0 requests in flight\n");
}
END_TEST

START_TEST(test_gaps)
{
	vqi_sample_stuck(&sample);
	sample.gaps[0] = (struct vqi_gap){NULL, VQI_UNKNOWN, (char *)"loops", (char *)"why 0"};
	sample.gaps[1] =
		(struct vqi_gap){(char *)"blk0", VQI_UNKNOWN, (char *)"bus", (char *)"why 1"};
	sample.gaps[2] =
		(struct vqi_gap){(char *)"blk0", VQI_NUM(1), (char *)"ring", (char *)"why 2"};
	sample.gaps[3] =
		(struct vqi_gap){(char *)"net0", VQI_UNKNOWN, (char *)"bus", (char *)"why 3"};
	sample.snapshot.gap_count = 4;
	print(0, 0, false);
	ck_assert_has(report, "\nnot inspected: loops: why 0\n");
	ck_assert_has(report, "\nnot inspected: blk0: bus: why 1\n");
	ck_assert_lacks(report, "why 2");
	ck_assert_lacks(report, "why 3");
}
END_TEST

START_TEST(test_who_serves_it)
{
	vqi_sample_vhost(&sample);
	print(0, 1, false);
	ck_assert_ptr_eq(strstr(report, "tx, busy, served by vhost\n"), report);
	vqi_sample_unknown(&sample);
	sample.devices[0].vhost = VQI_VHOST_NONE;
	print(0, 0, false);
	ck_assert_ptr_eq(strstr(report, "unknown, served by an unknown thread\n"), report);
}
END_TEST

START_TEST(test_hostile_strings)
{
	vqi_sample_hostile(&sample);
	print(0, 0, true);
	for (const char *at = report; *at; at++)
		ck_assert(*at == '\n' || (unsigned char)*at >= ' ');
	ck_assert_has(report, "\\x1b[2J");
}
END_TEST

START_TEST(test_full_device)
{
	vqi_sample_stuck(&sample);
	device = &sample.devices[0];
	queue = &device->queues[0];
	vqi_printed_to_full_device(print_queue, &sample);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("report_queue");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_a_stuck_queue);
	tcase_add_test(tcase, test_its_own_findings_only);
	tcase_add_test(tcase, test_gaps);
	tcase_add_test(tcase, test_who_serves_it);
	tcase_add_test(tcase, test_hostile_strings);
	tcase_add_test(tcase, test_full_device);
	return unit_run("report_queue", tcase);
}
