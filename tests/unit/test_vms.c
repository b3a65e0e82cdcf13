/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vqi/vms.h"

#include <check.h>
#include <locale.h>

#include "printed.h"
#include "sample.h"
#include "unit.h"

#define MOST 8

static struct vqi_sample sample;
static struct vqi_vm_line lines[MOST];
static size_t count;
static char *report;

static void setup(void)
{
	ck_assert_ptr_nonnull(setlocale(LC_ALL, "C.UTF-8"));
	report = NULL;
	count = 0;
}

static void teardown(void)
{
	free(report);
}

static struct vqi_vm_line *add(void (*make)(struct vqi_sample *sample))
{
	make(&sample);
	vqi_vm_line_fill(&sample.snapshot, &sample.diagnosis, &lines[count]);
	return &lines[count++];
}

static void print(size_t failed, struct vqi_report_options options)
{
	size_t len;
	FILE *stream;

	free(report);
	stream = open_memstream(&report, &len);
	ck_assert_ptr_nonnull(stream);
	ck_assert_ok(vqi_report_vms(stream, lines, count, failed, &options));
	ck_assert_int_eq(fclose(stream), 0);
}

START_TEST(test_lines)
{
	add(vqi_sample_healthy);
	add(vqi_sample_stuck);
	add(vqi_sample_empty);
	print(0, (struct vqi_report_options){0});
	ck_assert_row(report, "VM PID QEMU STATE DEVICES QUEUES FOUND");
	ck_assert_row(report, "web1 4242 7.2.22 running 5 32 nothing is stuck");
	ck_assert_row(report, "web1 4242 7.2.22 running 5 32 \u2717 blk0 queue 0: "
			      "request-stuck-in-device, and 1 more");
	ck_assert_ptr_eq(strstr(report, "3 VMs, 1 with an error, 2 with nothing found\n\nVM "),
			 report);
	ck_assert_lacks(report, "\033");
}
END_TEST

START_TEST(test_what_could_not_be_inspected)
{
	add(vqi_sample_healthy);
	print(2, (struct vqi_report_options){0});
	ck_assert_has(report, "1 VM, 1 with nothing found; 2 more could not be inspected\n");
}
END_TEST

START_TEST(test_one)
{
	add(vqi_sample_healthy);
	print(0, (struct vqi_report_options){0});
	ck_assert_has(report, "1 VM, 1 with nothing found\n");
}
END_TEST

/* A warning alone is no error, and is not counted as one. */
START_TEST(test_warning)
{
	vqi_sample_stuck(&sample);
	sample.findings[0] = sample.findings[1];
	sample.diagnosis.finding_count = 1;
	vqi_vm_line_fill(&sample.snapshot, &sample.diagnosis, &lines[count++]);
	ck_assert_int_eq(lines[0].severity, VQI_WARNING);
	print(0, (struct vqi_report_options){0});
	ck_assert_has(report, "1 VM, 1 with less than an error\n");
	ck_assert_has(report, "! ");
}
END_TEST

START_TEST(test_gaps)
{
	add(vqi_sample_unknown);
	print(0, (struct vqi_report_options){0});
	ck_assert_has(report, "1 storage daemon, 1 inspected in part, and nothing found\n");
	ck_assert_row(report, "storage-daemon 1 - - 1 1 nothing found in what could be inspected");
}
END_TEST

START_TEST(test_process_is_stopped)
{
	vqi_sample_healthy(&sample);
	sample.snapshot.target.held.by = VQI_HELD_SIGNAL;
	vqi_vm_line_fill(&sample.snapshot, &sample.diagnosis, &lines[count++]);
	print(0, (struct vqi_report_options){0});
	ck_assert_row(report, "web1 4242 7.2.22 process stopped 5 32 nothing is stuck");
}
END_TEST

START_TEST(test_one_look)
{
	vqi_sample_healthy(&sample);
	sample.snapshot.capture.looks = 1;
	vqi_vm_line_fill(&sample.snapshot, &sample.diagnosis, &lines[count++]);
	print(0, (struct vqi_report_options){0});
	ck_assert_row(report, "web1 4242 7.2.22 running 5 32 nothing found in one look");
}
END_TEST

START_TEST(test_colours)
{
	add(vqi_sample_stuck);
	print(0, (struct vqi_report_options){.color = true});
	ck_assert_has(report, "\033[1;31m");
}
END_TEST

/* A name longer than there is room for is cut, and what it has in it is printable. */
START_TEST(test_hostile)
{
	char name[2 * VQI_MAX_NAME];

	vqi_sample_hostile(&sample);
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	memcpy(name, "\033[2J\n", 5);
	sample.snapshot.target.vm_name = name;
	vqi_vm_line_fill(&sample.snapshot, &sample.diagnosis, &lines[count++]);
	ck_assert_uint_eq(strlen(lines[0].name), VQI_MAX_NAME - 1);
	print(0, (struct vqi_report_options){.width = 80});
	ck_assert_lacks(report, "\033");
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("vms");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_lines);
	tcase_add_test(tcase, test_what_could_not_be_inspected);
	tcase_add_test(tcase, test_one);
	tcase_add_test(tcase, test_warning);
	tcase_add_test(tcase, test_gaps);
	tcase_add_test(tcase, test_process_is_stopped);
	tcase_add_test(tcase, test_one_look);
	tcase_add_test(tcase, test_colours);
	tcase_add_test(tcase, test_hostile);
	return unit_run("vms", tcase);
}
