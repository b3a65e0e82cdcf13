/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vqi/diff.h"

#include <json-c/json.h>
#include <locale.h>

#include "printed.h"
#include "sample.h"
#include "unit.h"

static struct vqi_sample old, new;
static struct vqi_diff diff;
static char *text;

static void setup(void)
{
	ck_assert_ptr_nonnull(setlocale(LC_ALL, "C.UTF-8"));
	vqi_sample_healthy(&old);
	vqi_sample_healthy(&new);
}

static void teardown(void)
{
	vqi_diff_done(&diff);
	diff = (struct vqi_diff){0};
	free(text);
	text = NULL;
}

static struct vqi_diff_side side(const char *name, const struct vqi_sample *sample)
{
	return (struct vqi_diff_side){
		.name = name, .snapshot = &sample->snapshot, .diagnosis = &sample->diagnosis};
}

static void compare(void)
{
	const struct vqi_diff_side before = side("a.vqi", &old), after = side("b.vqi", &new);

	vqi_diff_done(&diff);
	ck_assert_ok(vqi_diff(&before, &after, &diff));
}

/* Compares one queue of each, of their first devices. */
static void compare_queues(unsigned int one, unsigned int other)
{
	struct vqi_diff_side before = side("a.vqi", &old), after = side("b.vqi", &new);

	before.device = &old.snapshot.devices[0];
	before.queue = &before.device->queues[one];
	after.device = &new.snapshot.devices[0];
	after.queue = &after.device->queues[other];
	ck_assert_ok(vqi_diff(&before, &after, &diff));
}

static const struct vqi_diff_part *part(const char *name)
{
	for (size_t i = 0; i < diff.part_count; i++) {
		const char *found = diff.parts[i].new ? diff.parts[i].new : diff.parts[i].old;

		if (strcmp(found, name) == 0)
			return &diff.parts[i];
	}
	ck_abort_msg("no part %s", name);
}

static const struct vqi_change *change(const char *name, const char *field)
{
	const struct vqi_diff_part *found = part(name);

	for (size_t i = 0; i < found->change_count; i++) {
		if (strcmp(found->changes[i].field, field) == 0)
			return &found->changes[i];
	}
	ck_abort_msg("%s of %s does not differ", field, name);
}

static void is(struct json_object *value, const char *wanted)
{
	ck_assert_str_eq(json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN), wanted);
}

static void print_with(bool json, bool verbose)
{
	const struct vqi_report_options options = {.verbose = verbose};
	size_t len;
	FILE *stream = open_memstream(&text, &len);

	ck_assert_ok(json ? vqi_diff_json(stream, &diff) : vqi_diff_text(stream, &diff, &options));
	ck_assert_int_eq(fclose(stream), 0);
}

static void print(bool json)
{
	print_with(json, false);
}

static void print_verbose(void)
{
	free(take_ptr(text));
	print_with(false, true);
}

START_TEST(test_nothing)
{
	compare();
	ck_assert_uint_eq(diff.part_count, 0);
	ck_assert_uint_gt(diff.compared, 10);
	ck_assert_uint_eq(diff.come_count + diff.gone_count, 0);
	print(false);
	ck_assert_has(text, "no differences\n");
}
END_TEST

/* From the healthy sample to the stuck one, and back. */
START_TEST(test_stuck)
{
	vqi_sample_stuck(&new);
	compare();
	is(change("blk0 queue 0", "state")->new, "\"stuck\"");
	ck_assert_uint_eq(diff.come_count,
			  new.snapshot.device_count ? new.diagnosis.finding_count : 0);
	ck_assert_ptr_eq(diff.come[0], &new.diagnosis.findings[0]);
	ck_assert_uint_eq(diff.gone_count, 0);
	ck_assert_ptr_nonnull(part("thread 4263"));
	print(false);
	ck_assert_has(text, "\nnew: request-stuck-in-device, confirmed: blk0 queue 0: ");
	ck_assert_has(text, "blk0 queue 0\n");
	ck_assert_has(text, " \u2192 stuck\n");
	ck_assert_has(text, "more without a difference\n");
	teardown();
	vqi_sample_stuck(&old);
	vqi_sample_healthy(&new);
	compare();
	ck_assert_uint_eq(diff.come_count, 0);
	ck_assert_uint_eq(diff.gone_count, old.diagnosis.finding_count);
}
END_TEST

START_TEST(test_indices)
{
	struct vqi_queue *before = &old.snapshot.devices[0].queues[0];
	struct vqi_queue *after = &new.snapshot.devices[0].queues[0];

	before->avail_idx = VQI_NUM(65530);
	after->avail_idx = VQI_NUM(4);
	before->used_idx = VQI_NUM(1);
	after->used_idx = VQI_NUM(65535);
	before->used_event = VQI_UNKNOWN;
	after->used_event = VQI_NUM(1);
	before->inuse = VQI_NUM(1);
	after->inuse = VQI_NUM(3); /* no counter that wraps */
	compare();
	ck_assert(vqi_num_is(change("blk0 queue 0", "avail_idx")->difference, 10));
	ck_assert(vqi_num_is(change("blk0 queue 0", "used_idx")->difference, 65534));
	ck_assert(!change("blk0 queue 0", "inuse")->difference.known);
	ck_assert_uint_eq(part("blk0 queue 0")->change_count, 3);
	print(false);
	ck_assert_has(text, "    avail_idx: 65530 \u2192 4 (+10)\n");
	ck_assert_has(text, "    used_idx: 1 \u2192 65535 (-2)\n");
	ck_assert_ptr_null(strstr(text, "used_event"));
}
END_TEST

/* What one of them does not know is no difference. */
START_TEST(test_unknown)
{
	struct vqi_queue *queue = &old.snapshot.devices[0].queues[0];

	queue->used_event = VQI_UNKNOWN;
	queue->host_notifier_count = VQI_UNKNOWN;
	compare();
	ck_assert_uint_eq(part("blk0 queue 0")->unknown_count, 2);
	ck_assert(!vqi_diff_part_differs(part("blk0 queue 0")));
	print(false);
	ck_assert_has(text, "no differences\n");
	ck_assert_ptr_null(strstr(text, "blk0 queue 0"));
	print_verbose();
	ck_assert_has(text, "blk0 queue 0\n");
	ck_assert_has(text, " in the new, not known of the old\n");
	ck_assert_has(text, "no differences\n");
	free(take_ptr(text));
	print(true);
	ck_assert_has(text, "\"parts\":[]");
}
END_TEST

/* Of some things null says that there is none: of what the kernel knows, where it was asked. */
START_TEST(test_null_that_is_an_answer)
{
	new.snapshot.devices[0].vhost = VQI_VHOST_KERNEL;
	new.snapshot.target.held.by = VQI_HELD_TRACER;
	compare();
	ck_assert_ptr_null(change("blk0", "vhost.type")->old);
	ck_assert(vqi_diff_part_differs(part("target")));
	old.snapshot.target.core = (char *)"core";
	new.snapshot.target.core = (char *)"core.2";
	compare();
	ck_assert_ptr_null(change("blk0", "vhost.type")->old);
	ck_assert(!vqi_diff_part_differs(part("target")));
}
END_TEST

/* A list that is longer has more, whatever that is. */
START_TEST(test_longer_list)
{
	new.snapshot.devices[0].backend_count = 0;
	compare();
	ck_assert_ptr_null(change("blk0", "backends.0.kind")->new);
}
END_TEST

/* One look cannot have what the other says of what stands still. */
START_TEST(test_one_look)
{
	vqi_sample_stuck(&old);
	new.snapshot.capture.looks = 1;
	new.snapshot.devices[0].queues[0].state = VQI_QUEUE_BUSY;
	ck_assert(old.diagnosis.findings[0].rule->over_time);
	compare();
	ck_assert_uint_eq(diff.gone_count + diff.come_count + diff.unknown_come_count, 0);
	ck_assert_uint_eq(diff.unknown_gone_count, old.diagnosis.finding_count);
	ck_assert_ptr_eq(diff.unknown_gone[0], &old.diagnosis.findings[0]);
	for (size_t i = 0; i < part("blk0 queue 0")->change_count; i++)
		ck_assert_str_ne(part("blk0 queue 0")->changes[i].field, "state");
	print(false);
	ck_assert_ptr_null(strstr(text, "request-stuck-in-device"));
	print_verbose();
	ck_assert_has(text, "gone, or by one look not known: request-stuck-in-device, confirmed: ");
	ck_assert_has(text, "    state: stuck or busy, by one look not known\n");
	/* That nothing is in the ring any more one look can tell. */
	new.snapshot.devices[0].queues[0].state = VQI_QUEUE_IDLE;
	compare();
	is(change("blk0 queue 0", "state")->new, "\"idle\"");
}
END_TEST

/* Positions in a packed ring do not tell how far it moved. */
START_TEST(test_packed)
{
	vqi_sample_packed(&old);
	vqi_sample_packed(&new);
	new.snapshot.devices[0].queues[0].avail_idx = VQI_NUM(200);
	new.snapshot.devices[0].queues[0].wrap.used = VQI_NUM(1);
	compare();
	ck_assert(!change("blk0 queue 0", "avail_idx")->difference.known);
	is(change("blk0 queue 0", "wrap.used")->new, "true");
}
END_TEST

START_TEST(test_devices_that_come_and_go)
{
	new.snapshot.device_count--;
	compare();
	ck_assert_uint_eq(diff.part_count, 1);
	ck_assert_int_eq(diff.parts[0].kind, VQI_DIFF_DEVICE);
	ck_assert_ptr_null(diff.parts[0].new);
	print(false);
	ck_assert_has(text, ": only in the old\n");
	teardown();
	old.snapshot.device_count -= 2;
	compare();
	ck_assert_uint_eq(diff.part_count, 1);
	ck_assert_ptr_null(diff.parts[0].old);
}
END_TEST

START_TEST(test_gaps)
{
	new.gaps[0] = (struct vqi_gap){
		.device = (char *)"blk0", .what = (char *)"ring", .why = (char *)"it is gone"};
	new.snapshot.gaps = new.gaps;
	new.snapshot.gap_count = 1;
	compare();
	ck_assert_uint_eq(diff.gaps_come_count, 1);
	ck_assert_uint_eq(diff.gaps_gone_count, 0);
	print(false);
	ck_assert_has(text, "new gaps:\nnot inspected: blk0: ring: it is gone\n");
}
END_TEST

/* Two queues, whatever they are called: nothing else is compared. */
START_TEST(test_two_queues)
{
	vqi_sample_stuck(&new);
	old.snapshot.devices[0].queues[0].index = 3;
	compare_queues(0, 0);
	ck_assert_uint_eq(diff.compared, 1);
	ck_assert_uint_eq(diff.part_count, 1);
	ck_assert_str_eq(diff.parts[0].old, "blk0 queue 3");
	ck_assert_str_eq(diff.parts[0].new, "blk0 queue 0");
	is(change("blk0 queue 0", "state")->new, "\"stuck\"");
	ck_assert_uint_eq(diff.come_count, 1);
	print(false);
	ck_assert_has(text, "blk0 queue 3, and blk0 queue 0\n");
}
END_TEST

START_TEST(test_requests)
{
	vqi_sample_stuck(&old);
	vqi_sample_requests(&new);
	/* There are some, and it was not asked which. */
	ck_assert(vqi_num_nonzero(old.snapshot.devices[0].queues[0].in_flight));
	compare();
	ck_assert_uint_eq(part("blk0 queue 0")->change_count, 0);
	old.snapshot.devices[0].queues[0].in_flight = VQI_NUM(0);
	compare();
	is(change("blk0 queue 0", "requests")->old, "[]");
	ck_assert_uint_eq(json_object_array_length(change("blk0 queue 0", "requests")->new), 3);
}
END_TEST

/* In whatever order they were found. */
START_TEST(test_requests_in_another_order)
{
	struct vqi_queue *queue;
	struct vqi_request first;

	vqi_sample_requests(&old);
	vqi_sample_requests(&new);
	queue = &new.snapshot.devices[0].queues[0];
	first = queue->requests[0];
	queue->requests[0] = queue->requests[1];
	queue->requests[1] = first;
	compare();
	ck_assert_uint_eq(diff.part_count, 0);
}
END_TEST

START_TEST(test_json)
{
	struct json_object *document, *parts, *value;

	vqi_sample_stuck(&new);
	compare();
	print(true);
	document = json_tokener_parse(text);
	ck_assert_ptr_nonnull(document);
	ck_assert(json_object_object_get_ex(document, "schema", &value));
	is(value, "\"virtq-inspect-diff\\/1\"");
	ck_assert(json_object_object_get_ex(document, "parts", &parts));
	ck_assert_uint_eq(json_object_array_length(parts), diff.part_count);
	ck_assert(json_object_object_get_ex(document, "findings_come", &value));
	ck_assert_uint_eq(json_object_array_length(value), diff.come_count);
	ck_assert_uint_eq(strlen(text), strcspn(text, "\n") + 1);
	json_object_put(document);
}
END_TEST

/* Any two samples can be compared and printed, those of hostile targets too. */
START_TEST(test_all_samples)
{
	for (size_t i = 0; i < vqi_sample_count; i++) {
		vqi_samples[_i](&old);
		vqi_samples[i](&new);
		compare();
		ck_assert(diff.part_count || i == (size_t)_i || diff.compared);
		print(false);
		ck_assert_ptr_null(strpbrk(text, "\x1b\r"));
		free(text);
		print(true);
		ck_assert_ptr_null(strpbrk(text, "\x1b\r"));
		teardown();
	}
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("diff");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_nothing);
	tcase_add_test(tcase, test_stuck);
	tcase_add_test(tcase, test_indices);
	tcase_add_test(tcase, test_packed);
	tcase_add_test(tcase, test_devices_that_come_and_go);
	tcase_add_test(tcase, test_gaps);
	tcase_add_test(tcase, test_two_queues);
	tcase_add_test(tcase, test_requests);
	tcase_add_test(tcase, test_requests_in_another_order);
	tcase_add_test(tcase, test_unknown);
	tcase_add_test(tcase, test_null_that_is_an_answer);
	tcase_add_test(tcase, test_longer_list);
	tcase_add_test(tcase, test_one_look);
	tcase_add_test(tcase, test_json);
	tcase_add_loop_test(tcase, test_all_samples, 0, (int)vqi_sample_count);
	return unit_run("diff", tcase);
}
