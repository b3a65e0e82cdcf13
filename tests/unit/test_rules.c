/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every rule: when it applies, when it does not, what it says, and how sure it is. */
#include <check.h>
#include <stdlib.h>
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

/* Asserts what the only finding is, and of the disk's queue. */
static const struct vqi_finding *assert_finding(const char *id, enum vqi_severity severity,
						enum vqi_confidence confidence)
{
	const struct vqi_finding *finding = looks_only(&looks, id);

	ck_assert_int_eq(finding->severity, severity);
	ck_assert_int_eq(finding->confidence, confidence);
	ck_assert_ptr_eq(finding->device, &looks.later.devices[LOOKS_BLK]);
	ck_assert_int_eq(looks.diagnosis.exit_status,
			 severity == VQI_ERROR ? VQI_EXIT_FINDING : VQI_EXIT_OK);
	return finding;
}

#define CONFIRMED VQI_ERROR, VQI_CONFIRMED
#define CANDIDATE VQI_WARNING, VQI_CANDIDATE

static void assert_says(const struct vqi_finding *finding, const char *text)
{
	ck_assert_msg(looks_says(finding, text), "%s: no evidence \"%s\"", finding->rule->id, text);
}

static void set_request(uint16_t avail, uint16_t shadow, uint16_t last_avail, uint16_t used)
{
	looks_set(&looks, LOOKS_BLK, 0, avail, shadow, last_avail, used);
}

START_TEST(test_table)
{
	for (size_t i = 0; i < vqi_rule_count; i++) {
		const struct vqi_rule *rule = &vqi_rules[i];

		ck_assert(rule->title[0] && rule->next_step[0]);
		ck_assert(rule->applies && rule->explain);
		ck_assert_uint_eq(strspn(rule->id, "abcdefghijklmnopqrstuvwxyz-"),
				  strlen(rule->id));
		for (size_t other = 0; other < i; other++)
			ck_assert_str_ne(rule->id, vqi_rules[other].id);
	}
}
END_TEST

START_TEST(test_vm_paused)
{
	static const struct {
		const char *run_state;
		enum vqi_severity severity;
	} states[] = {
		{"paused", VQI_NOTE},	 {"prelaunch", VQI_NOTE},
		{"inmigrate", VQI_NOTE}, {"debug", VQI_NOTE},
		{"shutdown", VQI_NOTE},	 {"suspended", VQI_NOTE},
		{"io-error", VQI_ERROR}, {"internal-error", VQI_ERROR},
		{"watchdog", VQI_ERROR}, {"guest-panicked", VQI_ERROR},
	};

	set_request(104, 104, 104, 100); /* says nothing while the VM is stopped */
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		const struct vqi_finding *finding;

		looks.later.target.run_state = (char *)states[i].run_state;
		looks_diagnose(&looks);
		finding = looks_only(&looks, "vm-paused");
		ck_assert_int_eq(finding->severity, states[i].severity);
		ck_assert_int_eq(finding->confidence, VQI_CONFIRMED);
		ck_assert_ptr_null(finding->device);
		ck_assert_ptr_nonnull(strstr(finding->summary, states[i].run_state));
		assert_says(finding, states[i].run_state);
		ck_assert_int_eq(looks.diagnosis.exit_status,
				 states[i].severity == VQI_ERROR ? VQI_EXIT_FINDING : VQI_EXIT_OK);
	}
}
END_TEST

/* Where the run state is not known, the devices were told. */
START_TEST(test_vm_paused_by_the_devices)
{
	looks.later.target.run_state = NULL;
	looks_diagnose(&looks);
	looks_none(&looks, VQI_EXIT_OK);
	looks.later.devices[LOOKS_NET].vm_running = VQI_NUM(0);
	looks_diagnose(&looks);
	ck_assert_int_eq(looks_only(&looks, "vm-paused")->severity, VQI_NOTE);
	looks.later.devices[LOOKS_NET].vm_running = VQI_UNKNOWN;
	looks_diagnose(&looks);
	looks_none(&looks, VQI_EXIT_OK);
	/* The run state goes before. */
	looks.later.target.run_state = (char *)"running";
	looks.later.devices[LOOKS_NET].vm_running = VQI_NUM(0);
	looks_diagnose(&looks);
	looks_none(&looks, VQI_EXIT_OK);
}
END_TEST

START_TEST(test_device_broken)
{
	struct vqi_device *device = &looks.later.devices[LOOKS_BLK];

	set_request(104, 104, 104, 100);
	device->broken = true;
	looks_diagnose(&looks);
	ck_assert_ptr_null(assert_finding("device-broken", CONFIRMED)->queue);
	looks_diagnose_single(&looks);
	assert_finding("device-broken", CONFIRMED);

	device->broken = false;
	device->status = 0x4f;
	looks_request(&looks)->ring_faults = VQI_RING_BAD_HEAD;
	looks_diagnose(&looks);
	assert_says(assert_finding("device-broken", CONFIRMED), "DEVICE_NEEDS_RESET");
	assert_says(assert_finding("device-broken", CONFIRMED), "descriptor beyond the ring");
}
END_TEST

START_TEST(test_ring_corrupt)
{
	static const unsigned int faults[] = {VQI_RING_AVAIL_AHEAD, VQI_RING_BAD_HEAD,
					      VQI_RING_USED_MISMATCH,
					      VQI_RING_AVAIL_AHEAD | VQI_RING_USED_MISMATCH};

	set_request(104, 104, 102, 100);
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		looks_both(&looks, LOOKS_BLK, 0, ring_faults, faults[i]);
		looks_diagnose(&looks);
		assert_says(assert_finding("ring-corrupt", CONFIRMED), "avail_idx 104");
		looks_diagnose_single(&looks);
		if (faults[i] == VQI_RING_USED_MISMATCH)
			looks_none(&looks, VQI_EXIT_OK);
		else
			assert_finding("ring-corrupt", CANDIDATE);
	}
}
END_TEST

/* While a ring moves its fault may be half of an update. */
START_TEST(test_ring_not_corrupt)
{
	looks_both(&looks, LOOKS_BLK, 0, ring_faults, VQI_RING_AVAIL_AHEAD);
	looks.queues[0][LOOKS_BLK][0].last_avail_idx.value--;
	looks_diagnose(&looks);
	looks_none(&looks, VQI_EXIT_OK);
	looks.queues[0][LOOKS_BLK][0].last_avail_idx.value++;
	looks.queues[0][LOOKS_BLK][0].ring_faults = 0;
	looks_diagnose(&looks);
	looks_none(&looks, VQI_EXIT_OK);
	looks_request(&looks)->consistent = false;
	looks_diagnose_single(&looks);
	looks_none(&looks, VQI_EXIT_OK);
}
END_TEST

START_TEST(test_inuse_leak)
{
	const struct vqi_finding *finding;

	set_request(104, 104, 102, 102);
	looks_both(&looks, LOOKS_BLK, 0, inuse, VQI_NUM(3));
	looks_diagnose(&looks);
	finding = assert_finding("inuse-leak", CONFIRMED);
	ck_assert_ptr_nonnull(strstr(finding->summary, "inuse is 3"));
	assert_says(finding, "used_idx 102");
	looks_diagnose_single(&looks);
	assert_finding("inuse-leak", CANDIDATE);
	/* Too few is as wrong, and so is a leak on a queue that moves. */
	set_request(104, 104, 104, 102);
	looks_both(&looks, LOOKS_BLK, 0, inuse, VQI_NUM(1));
	looks.queues[0][LOOKS_BLK][0].avail_idx.value--;
	looks_diagnose(&looks);
	assert_finding("inuse-leak", CONFIRMED);
}
END_TEST

START_TEST(test_no_inuse_leak)
{
	set_request(104, 104, 104, 104);
	looks_both(&looks, LOOKS_BLK, 0, inuse, VQI_NUM(1));
	looks.queues[0][LOOKS_BLK][0].inuse = VQI_NUM(2); /* another number: it works on it */
	looks_diagnose(&looks);
	looks_none(&looks, VQI_EXIT_OK);
	looks.queues[0][LOOKS_BLK][0].inuse = VQI_NUM(1);
	looks.later.devices[LOOKS_BLK].disabled = true; /* drops completions */
	looks_diagnose(&looks);
	looks_none(&looks, VQI_EXIT_OK);
	looks.later.devices[LOOKS_BLK].disabled = false;
	looks_request(&looks)->consistent = false;
	looks_diagnose(&looks);
	looks_none(&looks, VQI_EXIT_OK);
	looks_request(&looks)->consistent = true;
	looks_both(&looks, LOOKS_BLK, 0, inuse, VQI_UNKNOWN);
	looks_diagnose(&looks);
	looks_none(&looks, VQI_EXIT_OK);
}
END_TEST

START_TEST(test_request_stuck)
{
	struct vqi_backend backend = {"block", (char *)"d0", (char *)"n0", (char *)"qcow2"};
	const struct vqi_finding *finding;

	looks.later.devices[LOOKS_BLK].backends = &backend;
	looks.later.devices[LOOKS_BLK].backend_count = 1;
	set_request(105, 104, 104, 101);
	looks_diagnose(&looks);
	finding = assert_finding("request-stuck-in-device", CONFIRMED);
	ck_assert_ptr_eq(finding->queue, looks_request(&looks));
	ck_assert_ptr_nonnull(strstr(finding->summary, "3 requests taken"));
	ck_assert_ptr_nonnull(strstr(finding->summary, "250 ms"));
	assert_says(finding, "block d0, node n0, driver qcow2");
	assert_says(finding, "1 more published");
	assert_says(finding, "no index moved over 250 ms");
}
END_TEST

/* The sender of a network card: what hangs there hangs in the host's network. */
START_TEST(test_send_stuck)
{
	looks_set(&looks, LOOKS_NET, LOOKS_TX, 102, 102, 102, 101);
	looks_diagnose(&looks);
	ck_assert_ptr_eq(looks_only(&looks, "request-stuck-in-device")->queue,
			 &looks.queues[1][LOOKS_NET][LOOKS_TX]);
}
END_TEST

START_TEST(test_packed_request_stuck)
{
	set_request(5, 5, 5, 2);
	looks_both(&looks, LOOKS_BLK, 0, ring, VQI_RING_PACKED);
	looks_both(&looks, LOOKS_BLK, 0, unseen, VQI_NUM(0));
	looks_diagnose(&looks);
	ck_assert_ptr_nonnull(strstr(assert_finding("request-stuck-in-device", CONFIRMED)->summary,
				     "3 descriptors"));
}
END_TEST

START_TEST(test_kick_not_handled)
{
	const struct vqi_finding *finding;

	set_request(103, 101, 101, 101);
	looks_both(&looks, LOOKS_BLK, 0, host_notifier_count, VQI_NUM(2));
	looks_diagnose(&looks);
	finding = assert_finding("kick-not-handled", CONFIRMED);
	ck_assert_ptr_nonnull(strstr(finding->summary, "2 buffers published and not seen"));
	assert_says(finding, "kick eventfd 23: count 2");
	/* seen, and not taken */
	set_request(103, 103, 101, 101);
	looks_diagnose(&looks);
	finding = assert_finding("kick-not-handled", CONFIRMED);
	ck_assert_ptr_nonnull(strstr(finding->summary, "not taken"));
	/* A kick that came just now may be handled yet. */
	looks.queues[0][LOOKS_BLK][0].host_notifier_count = VQI_NUM(0);
	looks_diagnose(&looks);
	assert_finding("kick-not-handled", CANDIDATE);
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
	looks_both(&looks, LOOKS_BLK, 0, host_notifier_count, VQI_NUM(0));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct vqi_finding *finding;

		looks_both(&looks, LOOKS_BLK, 0, avail_event, VQI_NUM(cases[i].avail_event));
		looks_diagnose(&looks);
		finding = assert_finding("device-not-notified", CONFIRMED);
		ck_assert_msg(strstr(finding->summary, cases[i].answer) != NULL, "%u: %s",
			      cases[i].avail_event, finding->summary);
		assert_says(finding, "avail_event is");
		assert_says(finding, "count 0");
	}
	looks_both(&looks, LOOKS_BLK, 0, host_notifier_count, VQI_UNKNOWN);
	looks_diagnose(&looks);
	assert_says(assert_finding("device-not-notified", CONFIRMED), "no eventfd");
}
END_TEST

/* Without EVENT_IDX the used ring's flags say whether a kick was wanted. */
START_TEST(test_kick_due_by_flags)
{
	set_request(103, 101, 101, 101);
	looks_both(&looks, LOOKS_BLK, 0, avail_event, VQI_UNKNOWN);
	looks_diagnose(&looks);
	ck_assert_ptr_nonnull(
		strstr(looks_only(&looks, "device-not-notified")->summary, "was obliged"));
	looks_both(&looks, LOOKS_BLK, 0, used_flags, VQI_NUM(1));
	looks_diagnose(&looks);
	ck_assert_ptr_nonnull(
		strstr(looks_only(&looks, "device-not-notified")->summary, "was not obliged"));
	looks_both(&looks, LOOKS_BLK, 0, used_flags, VQI_UNKNOWN);
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
	looks_both(&looks, LOOKS_BLK, 0, ring, VQI_RING_PACKED);
	looks_both(&looks, LOOKS_BLK, 0, unseen, VQI_NUM(3));
	looks_both(&looks, LOOKS_BLK, 0, wrap.last_avail, VQI_NUM(1));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct vqi_finding *finding;

		looks_both(&looks, LOOKS_BLK, 0, wrap.device,
			   ((struct vqi_packed_event){VQI_NUM(cases[i].off), VQI_NUM(cases[i].wrap),
						      VQI_NUM(cases[i].flags)}));
		looks_diagnose(&looks);
		finding = assert_finding("device-not-notified", CONFIRMED);
		ck_assert_msg(strstr(finding->summary, cases[i].answer) != NULL, "case %zu: %s", i,
			      finding->summary);
	}
}
END_TEST

START_TEST(test_completion_not_seen)
{
	const struct vqi_finding *finding;

	looks_both(&looks, LOOKS_BLK, 0, unreaped, VQI_NUM(3));
	looks_both(&looks, LOOKS_BLK, 0, used_event, VQI_NUM(97));
	looks_diagnose(&looks);
	finding = assert_finding("completion-not-seen", CONFIRMED);
	ck_assert_ptr_nonnull(strstr(finding->summary, "3 completions"));
	assert_says(finding, "used_event 97");
	assert_says(finding, "signalled_used 100");
	/* The driver is at it. */
	looks.queues[0][LOOKS_BLK][0].unreaped = VQI_NUM(4);
	looks_diagnose(&looks);
	looks_none(&looks, VQI_EXIT_OK);
}
END_TEST

/* An event at 0 may be one that the driver wrote to be left alone; not where it has a vector. */
START_TEST(test_completion_with_event_at_zero)
{
	looks_both(&looks, LOOKS_BLK, 0, unreaped, VQI_NUM(3));
	looks_both(&looks, LOOKS_BLK, 0, used_event, VQI_NUM(0));
	looks_diagnose(&looks);
	assert_finding("completion-not-seen", CONFIRMED);
	looks_both(&looks, LOOKS_BLK, 0, vector, VQI_NUM(0xffff));
	looks_diagnose(&looks);
	assert_finding("completion-not-seen", CANDIDATE);
}
END_TEST

/* A network driver may poll its rx queue; other devices' receive queues say nothing. */
START_TEST(test_receive_completion_not_seen)
{
	looks_both(&looks, LOOKS_NET, LOOKS_RX, unreaped, VQI_NUM(2));
	looks_diagnose(&looks);
	ck_assert_int_eq(looks_only(&looks, "completion-not-seen")->severity, VQI_WARNING);
	looks.later.devices[LOOKS_NET].device_id = 19;
	looks_diagnose(&looks);
	looks_none(&looks, VQI_EXIT_OK);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("rules");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_table);
	tcase_add_test(tcase, test_vm_paused);
	tcase_add_test(tcase, test_vm_paused_by_the_devices);
	tcase_add_test(tcase, test_device_broken);
	tcase_add_test(tcase, test_ring_corrupt);
	tcase_add_test(tcase, test_ring_not_corrupt);
	tcase_add_test(tcase, test_inuse_leak);
	tcase_add_test(tcase, test_no_inuse_leak);
	tcase_add_test(tcase, test_request_stuck);
	tcase_add_test(tcase, test_send_stuck);
	tcase_add_test(tcase, test_packed_request_stuck);
	tcase_add_test(tcase, test_kick_not_handled);
	tcase_add_test(tcase, test_device_not_notified);
	tcase_add_test(tcase, test_kick_due_by_flags);
	tcase_add_test(tcase, test_packed_kick_due);
	tcase_add_test(tcase, test_completion_not_seen);
	tcase_add_test(tcase, test_completion_with_event_at_zero);
	tcase_add_test(tcase, test_receive_completion_not_seen);
	return unit_run("rules", tcase);
}
