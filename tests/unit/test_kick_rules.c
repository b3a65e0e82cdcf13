/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules about buffers that the device has not taken. */
#include <check.h>
#include <string.h>

#include "looks.h"
#include "unit.h"

static struct looks looks;

static void setup(void)
{
	looks_init(&looks);
}

static void teardown(void)
{
	looks_done(&looks);
}

static void set_request(uint16_t avail, uint16_t shadow, uint16_t last_avail, uint16_t used)
{
	looks_set(&looks, LOOKS_BLK, 0, avail, shadow, last_avail, used);
}

#define BLK(member, value) looks_both(&looks, LOOKS_BLK, 0, member, value)

START_TEST(test_kick_not_handled)
{
	static const struct {
		enum vqi_handler handler;
		const char *summary, *evidence;
	} cases[] = {
		{VQI_HANDLER_NONE, "no event loop listens to it", "no event loop has a handler"},
		{VQI_HANDLER_DISABLED, "its event loop is drained", "external_disable_cnt"},
		{VQI_HANDLER_READY, "does not heed it", "the iothread io0 listens for its kicks"},
		{VQI_HANDLER_UNKNOWN, "nobody reads it", "the iothread io0 serves the queue"},
	};

	set_request(103, 101, 101, 101);
	BLK(host_notifier_count, VQI_NUM(2));
	BLK(kick_pending, true);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct vqi_finding *finding;

		BLK(handler, cases[i].handler);
		looks_diagnose(&looks);
		finding = looks_of_disk(&looks, "kick-not-handled", LOOKS_CONFIRMED);
		looks_assert_summary(finding, "2 buffers published and not seen");
		looks_assert_summary(finding, cases[i].summary);
		looks_assert_says(finding, cases[i].evidence);
		looks_assert_says(finding, "kick eventfd 23: count 2, eventfd-id 7");
		looks_assert_says(finding, "no index moved over 250 ms");
	}
	/* seen, and not taken */
	set_request(103, 103, 101, 101);
	looks_summary(&looks, "kick-not-handled", "not taken");
}
END_TEST

/* A kick that came just now may be handled yet, and so may one whose thread is about to run. */
START_TEST(test_kick_on_its_way)
{
	set_request(103, 101, 101, 101);
	BLK(kick_pending, true);
	looks.queues[0][LOOKS_BLK][0].kick_pending = false;
	looks_diagnose(&looks);
	looks_of_disk(&looks, "kick-not-handled", LOOKS_CANDIDATE);
	BLK(kick_pending, true);
	looks_about_to_run(&looks, LOOKS_IOTHREAD);
	looks_diagnose(&looks);
	looks_of_disk(&looks, "kick-not-handled", LOOKS_CANDIDATE);
}
END_TEST

START_TEST(test_notification_left_off)
{
	const struct vqi_finding *finding;

	set_request(103, 101, 101, 101);
	BLK(notification, VQI_NUM(0));
	looks_diagnose(&looks);
	finding = looks_of_disk(&looks, "notification-left-off", LOOKS_CONFIRMED);
	looks_assert_summary(finding, "suppresses kicks and does not poll");
	looks_assert_says(finding, "notification 0: the device suppresses kicks");
	looks_assert_says(finding, "count 0");
	/* It was on a moment ago; or its thread runs, and may be at it. */
	looks.queues[0][LOOKS_BLK][0].notification = VQI_NUM(1);
	looks_diagnose(&looks);
	looks_of_disk(&looks, "notification-left-off", LOOKS_CANDIDATE);
	looks.queues[0][LOOKS_BLK][0].notification = VQI_NUM(0);
	looks_about_to_run(&looks, LOOKS_IOTHREAD);
	looks_diagnose(&looks);
	looks_of_disk(&looks, "notification-left-off", LOOKS_CANDIDATE);
}
END_TEST

START_TEST(test_device_not_notified)
{
	static const struct {
		uint16_t avail_event;
		const char *answer;
	} cases[] = {
		{100, "was not obliged"}, {101, "was obliged"},	      {102, "was obliged"},
		{103, "was not obliged"}, {65000, "was not obliged"},
	};

	set_request(103, 101, 101, 101);
	BLK(host_notifier_count, VQI_NUM(0));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct vqi_finding *finding;

		BLK(avail_event, VQI_NUM(cases[i].avail_event));
		looks_diagnose(&looks);
		finding = looks_of_disk(&looks, "device-not-notified", LOOKS_CONFIRMED);
		ck_assert_msg(strstr(finding->summary, cases[i].answer) != NULL, "%u: %s",
			      cases[i].avail_event, finding->summary);
		looks_assert_says(finding, "avail_event is");
		looks_assert_says(finding, "count 0");
	}
	BLK(host_notifier_count, VQI_UNKNOWN);
	looks_diagnose(&looks);
	looks_assert_says(looks_of_disk(&looks, "device-not-notified", LOOKS_CONFIRMED),
			  "no eventfd");
}
END_TEST

START_TEST(test_not_notified_and_about_to_run)
{
	set_request(103, 101, 101, 101);
	looks_about_to_run(&looks, LOOKS_IOTHREAD);
	looks_diagnose(&looks);
	looks_of_disk(&looks, "device-not-notified", LOOKS_CANDIDATE);
	looks.threads[1][LOOKS_IOTHREAD].sleeps.value++; /* it has been through its poll */
	looks_diagnose(&looks);
	looks_of_disk(&looks, "device-not-notified", LOOKS_CONFIRMED);
}
END_TEST

/* Where a kick that was due went. */
START_TEST(test_route)
{
	set_request(103, 101, 101, 101);
	BLK(ioeventfd, VQI_NUM(1));
	looks_diagnose(&looks);
	looks_assert_says(looks_only(&looks, "device-not-notified"), "is in the memory map");
	BLK(ioeventfd, VQI_NUM(0));
	looks_diagnose(&looks);
	looks_assert_says(looks_only(&looks, "device-not-notified"), "is not in the memory map");
	looks_both_devices(&looks, LOOKS_BLK, ioeventfd_started, VQI_NUM(0));
	looks_diagnose(&looks);
	looks_assert_says(looks_only(&looks, "device-not-notified"),
			  "the virtual CPU that sends it");
	looks_both_devices(&looks, LOOKS_BLK, pci_memory, VQI_NUM(0));
	looks_diagnose(&looks);
	looks_assert_says(looks_only(&looks, "device-not-notified"), "does not decode memory");
}
END_TEST

/* Without EVENT_IDX the used ring's flags say whether a kick was wanted. */
START_TEST(test_kick_due_by_flags)
{
	set_request(103, 101, 101, 101);
	BLK(avail_event, VQI_UNKNOWN);
	looks_diagnose(&looks);
	ck_assert_ptr_nonnull(
		strstr(looks_only(&looks, "device-not-notified")->summary, "was obliged"));
	BLK(used_flags, VQI_NUM(1));
	looks_diagnose(&looks);
	ck_assert_ptr_nonnull(
		strstr(looks_only(&looks, "device-not-notified")->summary, "was not obliged"));
	BLK(used_flags, VQI_UNKNOWN);
	looks_diagnose(&looks);
	ck_assert_ptr_nonnull(
		strstr(looks_only(&looks, "device-not-notified")->summary, "is unknown"));
}
END_TEST

/* 3 of 16 descriptors, from 14 on across the end of the ring. */
START_TEST(test_packed_kick_due)
{
	static const struct {
		uint64_t flags, off, wrap;
		const char *answer;
	} cases[] = {
		{0, 0, 0, "was obliged"},      {1, 0, 0, "was not obliged"},
		{2, 14, 1, "was obliged"},     {2, 15, 1, "was obliged"},
		{2, 0, 0, "was obliged"},      {2, 1, 0, "was not obliged"},
		{2, 13, 1, "was not obliged"}, {2, 14, 0, "was not obliged"},
	};

	set_request(1, 14, 14, 14);
	BLK(ring, VQI_RING_PACKED);
	BLK(unseen, VQI_NUM(3));
	BLK(wrap.last_avail, VQI_NUM(1));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct vqi_finding *finding;

		BLK(wrap.device,
		    ((struct vqi_packed_event){VQI_NUM(cases[i].off), VQI_NUM(cases[i].wrap),
					       VQI_NUM(cases[i].flags)}));
		looks_diagnose(&looks);
		finding = looks_of_disk(&looks, "device-not-notified", LOOKS_CONFIRMED);
		ck_assert_msg(strstr(finding->summary, cases[i].answer) != NULL, "case %zu: %s", i,
			      finding->summary);
	}
}
END_TEST

START_TEST(test_kick_due_is_told)
{
	set_request(103, 101, 101, 101);
	BLK(avail_event, VQI_NUM(101));
	looks_diagnose(&looks);
	ck_assert(vqi_num_is(looks_request(&looks)->kick_due, 1));
	BLK(avail_event, VQI_NUM(90));
	looks_diagnose(&looks);
	ck_assert(vqi_num_is(looks_request(&looks)->kick_due, 0));
	BLK(avail_idx, VQI_UNKNOWN);
	looks_diagnose(&looks);
	ck_assert(!looks_request(&looks)->kick_due.known);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("kick_rules");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_kick_not_handled);
	tcase_add_test(tcase, test_kick_on_its_way);
	tcase_add_test(tcase, test_notification_left_off);
	tcase_add_test(tcase, test_device_not_notified);
	tcase_add_test(tcase, test_not_notified_and_about_to_run);
	tcase_add_test(tcase, test_route);
	tcase_add_test(tcase, test_kick_due_by_flags);
	tcase_add_test(tcase, test_packed_kick_due);
	tcase_add_test(tcase, test_kick_due_is_told);
	return unit_run("kick_rules", tcase);
}
