/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vqi/openmetrics.h"

#include <check.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "metrics.h"
#include "printable.h"
#include "printed.h"
#include "sample.h"
#include "unit.h"

static struct vqi_sample sample;
static char *text;

static void setup(void)
{
	text = NULL;
}

static void teardown(void)
{
	free(text);
}

static struct vqi_error *write_sample(FILE *stream, const struct vqi_snapshot *snapshot,
				      const struct vqi_diagnosis *diagnosis,
				      const struct vqi_report_options *options)
{
	(void)options;
	return vqi_openmetrics_write(stream, snapshot, diagnosis);
}

/* Owner: the caller. */
static char *written(void)
{
	const struct vqi_report_options options = {0};

	return vqi_printed(write_sample, &sample, &options);
}

static void write_text(void)
{
	free(text);
	text = written();
}

static void merge(const char *const *texts, size_t count)
{
	char *merged = NULL;
	size_t len = 0;
	FILE *stream = open_memstream(&merged, &len);

	ck_assert_ok(vqi_openmetrics_merge(stream, texts, count));
	ck_assert_int_eq(fclose(stream), 0);
	free(text);
	text = merged;
}

static size_t count_lines(const char *start)
{
	size_t count = strncmp(text, start, strlen(start)) == 0;

	for (const char *line = strchr(text, '\n'); line; line = strchr(line + 1, '\n'))
		count += strncmp(line + 1, start, strlen(start)) == 0;
	return count;
}

/* Asserts that there is one sample that begins like this, and that its number is this. */
static void check_sample(const char *start, const char *number)
{
	vqi_cleanup_free char *labels = NULL, *line = NULL;

	ck_assert_int_gt(asprintf(&labels, "virtq_inspect_%s} ", start), 0);
	ck_assert_int_gt(asprintf(&line, "\n%s%s\n", labels, number), 0);
	ck_assert_msg(strstr(text, line) != NULL, "no %s in:\n%s", line + 1, text);
	ck_assert_uint_eq(count_lines(labels), 1);
}

/* Every family has its head, before its samples and once; there are no other lines; # EOF is the last. */
static void check_shape(void)
{
	const char *line = text;

	for (size_t i = 0; i < vqi_metric_family_count; i++) {
		const struct vqi_metric_family *family = &vqi_metric_families[i];
		vqi_cleanup_free char *head = NULL, *start = NULL;
		size_t len;

		ck_assert_int_gt(asprintf(&head,
					  "# HELP virtq_inspect_%s %s\n"
					  "# TYPE virtq_inspect_%s gauge\n",
					  family->name, family->help, family->name),
				 0);
		ck_assert_int_gt(asprintf(&start, "virtq_inspect_%s{", family->name), 0);
		len = strlen(head);
		ck_assert_msg(strncmp(line, head, len) == 0, "%s is not at: %s", head, line);
		line += len;
		if (family->unit) {
			free(head);
			ck_assert_int_gt(asprintf(&head, "# UNIT virtq_inspect_%s %s\n",
						  family->name, family->unit),
					 0);
			ck_assert(strncmp(line, head, strlen(head)) == 0);
			line += strlen(head);
		}
		while (strncmp(line, start, strlen(start)) == 0)
			line = strchr(line, '\n') + 1;
	}
	ck_assert_str_eq(line, "# EOF\n");
}

START_TEST(test_every_sample_has_its_shape)
{
	for (size_t i = 0; i < vqi_sample_count; i++) {
		vqi_samples[i](&sample);
		write_text();
		check_shape();
		vqi_printed_to_full_device(write_sample, &sample);
	}
}
END_TEST

START_TEST(test_target)
{
	vqi_sample_stuck(&sample);
	write_text();
	check_sample("build_info{version=\"" VQI_VERSION "\"", "1");
	check_sample("up{vm=\"web1\"", "1");
	check_sample("exit_status{vm=\"web1\"", "1");
	check_sample("target_info{vm=\"web1\",kind=\"qemu\",arch=\"x86_64\","
		     "qemu_version=\"7.2.22 (Debian 1:7.2+dfsg-7+deb12u18)\","
		     "build_id=\"0123456789abcdef0123456789abcdef01234567\","
		     "layout_source=\"dwarf\"",
		     "1");
	check_sample("vm_running{vm=\"web1\"", "1");
	check_sample("inspection_timestamp_seconds{vm=\"web1\"", "1700000000.007");
	check_sample("inspection_duration_seconds{vm=\"web1\"", "0.281234");
	check_sample("inspection_interval_seconds{vm=\"web1\"", "0.250");
	check_sample("inspection_stopped_seconds{vm=\"web1\"", "0.000212");
	check_sample("gaps{vm=\"web1\"", "0");

	sample.snapshot.target.run_state = (char *)"paused";
	sample.snapshot.target.vm_name = NULL;
	write_text();
	check_sample("vm_running{vm=\"4242\"", "0");
}
END_TEST

START_TEST(test_findings)
{
	vqi_sample_stuck(&sample);
	write_text();
	/* Two of the same id; and a 0 for each of the others. */
	check_sample("findings{vm=\"web1\",id=\"request-stuck-in-device\"", "2");
	check_sample("findings{vm=\"web1\",id=\"vm-paused\"", "0");
	ck_assert_uint_eq(count_lines("virtq_inspect_findings{"), vqi_rule_count);
	check_sample("finding_active{vm=\"web1\",device=\"blk0\",queue=\"0\",role=\"request\","
		     "id=\"request-stuck-in-device\",severity=\"error\",confidence=\"confirmed\"",
		     "1");
	check_sample("finding_active{vm=\"web1\",device=\"net0\",queue=\"1\",role=\"tx\","
		     "id=\"request-stuck-in-device\",severity=\"warning\",confidence=\"candidate\"",
		     "1");
	ck_assert_uint_eq(count_lines("virtq_inspect_finding_active{"), 2);

	/* Of the VM, and twice, as two loops can be blocked. */
	for (size_t i = 0; i < 2; i++) {
		sample.findings[i].device = NULL;
		sample.findings[i].queue = NULL;
		sample.findings[i].severity = VQI_WARNING;
		sample.findings[i].confidence = VQI_CANDIDATE;
	}
	write_text();
	check_sample("finding_active{vm=\"web1\",device=\"\",queue=\"\",role=\"\","
		     "id=\"request-stuck-in-device\",severity=\"warning\",confidence=\"candidate\"",
		     "1");
	ck_assert_uint_eq(count_lines("virtq_inspect_finding_active{"), 1);
	check_sample("findings{vm=\"web1\",id=\"request-stuck-in-device\"", "2");
}
END_TEST

START_TEST(test_queues)
{
	vqi_sample_requests(&sample);
	write_text();
	check_sample(
		"device_info{vm=\"web1\",device=\"blk0\",type=\"virtio-blk\",transport=\"pci\","
		"vhost=\"\"",
		"1");
#define QUEUE "{vm=\"web1\",device=\"blk0\",queue=\"0\",role=\"request\""
	check_sample("queue_state" QUEUE ",state=\"stuck\"", "1");
	check_sample("queue_state" QUEUE ",state=\"idle\"", "0");
	ck_assert_uint_eq(count_lines("virtq_inspect_queue_state" QUEUE), 6);
	check_sample("queue_size" QUEUE, "256");
	check_sample("queue_outstanding" QUEUE, "16");
	check_sample("queue_unseen" QUEUE, "0");
	check_sample("queue_in_flight" QUEUE, "16");
	check_sample("queue_unreaped" QUEUE, "3");
	check_sample("queue_oldest_request_age_seconds" QUEUE, "312.400");
	/* Where there are no requests there is no oldest; and what is not known has no sample. */
	ck_assert_uint_eq(count_lines("virtq_inspect_queue_oldest_request_age_seconds{"), 1);
	ck_assert_uint_eq(count_lines("virtq_inspect_queue_unreaped{vm=\"web1\",device=\"net0\","
				      "queue=\"0\""),
			  1);
	ck_assert_uint_eq(count_lines("virtq_inspect_queue_unreaped{vm=\"web1\",device=\"net0\","
				      "queue=\"1\""),
			  0);
	/* Nor has a queue that is not set up. */
	ck_assert_uint_eq(count_lines("virtq_inspect_queue_size{vm=\"web1\",device=\"net0\","
				      "queue=\"2\""),
			  0);
	ck_assert_ptr_null(strstr(text, "state=\"disabled\""));
}
END_TEST

/* What may be completed by now is no old request. */
START_TEST(test_oldest_is_certain)
{
	vqi_sample_requests(&sample);
	for (size_t i = 0; i < sample.queues[0].request_count; i++)
		sample.requests[i].is_candidate = i != 1;
	sample.requests[1].age = VQI_AGE_AT_LEAST;
	sample.requests[1].age_ms = 1250;
	write_text();
	check_sample("queue_oldest_request_age_seconds" QUEUE, "1.250");
	sample.requests[1].age = VQI_AGE_UNKNOWN;
	write_text();
	ck_assert_uint_eq(count_lines("virtq_inspect_queue_oldest_request_age_seconds{"), 0);
}
END_TEST

/* Whatever the locale, so that a timer and a shell write the same series. */
START_TEST(test_label)
{
	static const char *const locales[] = {"C", "C.UTF-8"};
	static const struct {
		const char *text, *label;
	} labels[] = {
		{"", ""},
		{"web 1", "web 1"},
		{"a\\b\"c\nd", "a\\\\b\\\"c\\nd"},
		{"\xc3\xa9\xe2\x82\xac", "\xc3\xa9\xe2\x82\xac"},
		{"\xff|\033|\x7f|\xc2\x9b|\xe2\x80\xae",
		 "\xef\xbf\xbd|\xef\xbf\xbd|\xef\xbf\xbd|\xef\xbf\xbd|\xef\xbf\xbd"},
		{"\xe2\x82", "\xef\xbf\xbd\xef\xbf\xbd"},
	};

	for (size_t i = 0; i < 2; i++) {
		ck_assert_ptr_nonnull(setlocale(LC_ALL, locales[i]));
		for (size_t j = 0; j < sizeof(labels) / sizeof(labels[0]); j++) {
			vqi_cleanup_free char *label = vqi_printable_label(labels[j].text);

			ck_assert_str_eq(label, labels[j].label);
		}
	}
}
END_TEST

/* One series cannot have two samples. */
START_TEST(test_devices_of_one_name)
{
	vqi_sample_healthy(&sample);
	sample.devices[1].id = (char *)"blk0";
	sample.devices[2].id = (char *)"blk0";
	write_text();
	check_shape();
	check_sample(
		"device_info{vm=\"web1\",device=\"blk0\",type=\"virtio-blk\",transport=\"pci\","
		"vhost=\"\"",
		"1");
	check_sample("device_info{vm=\"web1\",device=\"blk0#2\",type=\"virtio-net\","
		     "transport=\"pci\",vhost=\"\"",
		     "1");
	check_sample("device_info{vm=\"web1\",device=\"blk0#3\",type=\"virtio-scsi\","
		     "transport=\"pci\",vhost=\"\"",
		     "1");
}
END_TEST

START_TEST(test_names)
{
	vqi_cleanup(vqi_metric_names_done) struct vqi_metric_names names = {0};

	ck_assert_str_eq(vqi_metric_names_add(&names, "a#2"), "a#2");
	ck_assert_str_eq(vqi_metric_names_add(&names, "a"), "a");
	ck_assert_str_eq(vqi_metric_names_add(&names, "a"), "a#3");
	ck_assert_str_eq(vqi_metric_names_add(&names, "a"), "a#4");
	ck_assert_str_eq(vqi_metric_names_add(&names, "a#2"), "a#2#2");
	ck_assert_uint_eq(names.count, 5);
}
END_TEST

static char *failed(pid_t pid, const char *name)
{
	char *report = NULL;
	size_t len = 0;
	FILE *stream = open_memstream(&report, &len);

	ck_assert_ok(vqi_openmetrics_write_failed(stream, pid, name));
	ck_assert_int_eq(fclose(stream), 0);
	return report;
}

START_TEST(test_failed)
{
	text = failed(77, NULL);
	check_shape();
	check_sample("up{vm=\"77\"", "0");
	check_sample("exit_status{vm=\"77\"", "3");
	ck_assert_uint_eq(count_lines("virtq_inspect_"), 3); /* and the tool */
}
END_TEST

START_TEST(test_merge_of_one_changes_nothing)
{
	for (size_t i = 0; i < vqi_sample_count; i++) {
		vqi_cleanup_free char *one = NULL;

		vqi_samples[i](&sample);
		one = written();
		merge((const char *const[]){one}, 1);
		ck_assert_str_eq(text, one);
	}
}
END_TEST

START_TEST(test_merge_of_none)
{
	merge(NULL, 0);
	check_shape();
	ck_assert_uint_eq(count_lines("virtq_inspect_"), 1);
	check_sample("build_info{version=\"" VQI_VERSION "\"", "1");
}
END_TEST

/* Nothing is lost, nothing is added, and each family is together. */
START_TEST(test_merge)
{
	vqi_cleanup_free char *web = NULL, *unknown = NULL, *gone = failed(9, "a\"}b");
	size_t lines = 0;

	vqi_sample_requests(&sample);
	web = written();
	vqi_sample_unknown(&sample);
	unknown = written();
	for (size_t i = 0; i < 3; i++) {
		free(text);
		text = strdup((const char *const[]){web, unknown, gone}[i]);
		lines += count_lines("virtq_inspect_") - 1;
	}
	merge((const char *const[]){web, gone, unknown}, 3);
	check_shape();
	ck_assert_uint_eq(count_lines("virtq_inspect_"), lines + 1);
	check_sample("up{vm=\"web1\"", "1");
	check_sample("up{vm=\"a\\\"}b\"", "0");
	check_sample("up{vm=\"1\"", "1");
	check_sample("queue_state" QUEUE ",state=\"stuck\"", "1");
	check_sample("gaps{vm=\"1\"", "12");
}
END_TEST

/* -name need not be unique. */
START_TEST(test_merge_of_one_name)
{
	vqi_cleanup_free char *healthy = NULL, *stuck = NULL, *gone = failed(9, "web1");

	vqi_sample_healthy(&sample);
	healthy = written();
	vqi_sample_stuck(&sample);
	stuck = written();
	merge((const char *const[]){healthy, stuck, gone}, 3);
	check_shape();
	check_sample("exit_status{vm=\"web1\"", "0");
	check_sample("exit_status{vm=\"web1#2\"", "1");
	check_sample("exit_status{vm=\"web1#3\"", "3");
	check_sample("queue_state" QUEUE ",state=\"stuck\"", "0");
	check_sample("queue_state{vm=\"web1#2\",device=\"blk0\",queue=\"0\",role=\"request\","
		     "state=\"stuck\"",
		     "1");
}
END_TEST

/* Of a child that was killed, say. */
START_TEST(test_merge_of_a_part)
{
	vqi_cleanup_free char *web = NULL;
	size_t len;

	vqi_sample_stuck(&sample);
	web = written();
	len = strlen(web);
	for (size_t cut = 0; cut < len; cut++) {
		vqi_cleanup_free char *part = strndup(web, cut);

		ck_assert_code(vqi_openmetrics_merge(stdout, (const char *const[]){part}, 1),
			       VQI_ERROR_BAD_DATA);
	}
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("openmetrics");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_every_sample_has_its_shape);
	tcase_add_test(tcase, test_target);
	tcase_add_test(tcase, test_findings);
	tcase_add_test(tcase, test_queues);
	tcase_add_test(tcase, test_oldest_is_certain);
	tcase_add_test(tcase, test_label);
	tcase_add_test(tcase, test_devices_of_one_name);
	tcase_add_test(tcase, test_names);
	tcase_add_test(tcase, test_failed);
	tcase_add_test(tcase, test_merge_of_one_changes_nothing);
	tcase_add_test(tcase, test_merge_of_none);
	tcase_add_test(tcase, test_merge);
	tcase_add_test(tcase, test_merge_of_one_name);
	tcase_add_test(tcase, test_merge_of_a_part);
	return unit_run("openmetrics", tcase);
}
