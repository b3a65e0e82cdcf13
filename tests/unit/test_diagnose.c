/* SPDX-License-Identifier: GPL-2.0-or-later */
/* States, the order of findings, exit statuses, and what holds for every diagnosis. */
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

static void set_request(uint16_t avail, uint16_t shadow, uint16_t last_avail, uint16_t used)
{
	looks_set(&looks, LOOKS_BLK, 0, avail, shadow, last_avail, used);
}

static enum vqi_queue_state state(void)
{
	return looks_request(&looks)->state;
}

/* The earlier look saw less. */
static void move(void)
{
	looks.queues[0][LOOKS_BLK][0].avail_idx.value--;
}

START_TEST(test_healthy_and_idle)
{
	looks_diagnose(&looks);
	looks_none(&looks, VQI_EXIT_OK);
	ck_assert_int_eq(state(), VQI_QUEUE_IDLE);
	ck_assert_int_eq(looks.queues[1][LOOKS_NET][LOOKS_RX].state, VQI_QUEUE_PARKED);
	ck_assert_int_eq(looks.queues[1][LOOKS_NET][LOOKS_TX].state, VQI_QUEUE_IDLE);
	looks_diagnose_single(&looks);
	looks_none(&looks, VQI_EXIT_OK);
}
END_TEST

START_TEST(test_healthy_under_load)
{
	set_request(110, 108, 106, 103);
	looks_set(&looks, LOOKS_NET, LOOKS_TX, 110, 110, 110, 109);
	move();
	looks.queues[0][LOOKS_NET][LOOKS_TX].used_idx.value--;
	looks.queues[0][LOOKS_NET][LOOKS_TX].used_ring_idx.value--;
	looks_both(&looks, LOOKS_BLK, 0, unreaped, VQI_NUM(3));
	looks_diagnose(&looks);
	looks_none(&looks, VQI_EXIT_OK);
	ck_assert_int_eq(state(), VQI_QUEUE_BUSY);
	ck_assert_int_eq(looks.queues[1][LOOKS_NET][LOOKS_TX].state, VQI_QUEUE_BUSY);
}
END_TEST

/* The event queue of a healthy virtio-scsi stands at avail 8, shadow 0, for ever. */
START_TEST(test_healthy_and_parked)
{
	looks_set(&looks, LOOKS_NET, LOOKS_RX, 8, 0, 0, 0);
	looks_diagnose(&looks);
	looks_none(&looks, VQI_EXIT_OK);
	ck_assert_int_eq(looks.queues[1][LOOKS_NET][LOOKS_RX].state, VQI_QUEUE_PARKED);
	looks_set(&looks, LOOKS_NET, LOOKS_RX, 8, 8, 8, 2); /* taken, as vsock does */
	looks_diagnose(&looks);
	looks_none(&looks, VQI_EXIT_OK);
	looks_set(&looks, LOOKS_NET, LOOKS_RX, 8, 8, 8, 8); /* nothing posted: but a warning */
	looks_diagnose(&looks);
	ck_assert_int_eq(looks_only(&looks, "rx-starved")->severity, VQI_WARNING);
	ck_assert_int_eq(looks.queues[1][LOOKS_NET][LOOKS_RX].state, VQI_QUEUE_IDLE);
}
END_TEST

START_TEST(test_single_look_calls_nothing_stuck)
{
	set_request(110, 108, 106, 103);
	looks_diagnose_single(&looks);
	looks_none(&looks, VQI_EXIT_OK);
	ck_assert_int_eq(state(), VQI_QUEUE_BUSY);
}
END_TEST

START_TEST(test_stuck)
{
	set_request(104, 104, 104, 100);
	looks_diagnose(&looks);
	ck_assert_int_eq(state(), VQI_QUEUE_STUCK);
	ck_assert_int_eq(looks.diagnosis.exit_status, VQI_EXIT_FINDING);
}
END_TEST

START_TEST(test_disabled)
{
	set_request(104, 104, 104, 100);
	looks_both(&looks, LOOKS_BLK, 0, desc_gpa, 0);
	looks_diagnose(&looks);
	looks_none(&looks, VQI_EXIT_OK);
	ck_assert_int_eq(state(), VQI_QUEUE_DISABLED);
	looks.later.target.run_state = (char *)"paused";
	looks_diagnose(&looks);
	ck_assert_int_eq(state(), VQI_QUEUE_DISABLED);
}
END_TEST

START_TEST(test_paused)
{
	set_request(104, 104, 104, 100);
	looks.later.target.run_state = (char *)"paused";
	looks_diagnose(&looks);
	looks_only(&looks, "vm-paused");
	ck_assert_int_eq(state(), VQI_QUEUE_PAUSED);
}
END_TEST

/* What stood still while the VM was stopped says nothing after it was resumed. */
START_TEST(test_resumed_between_the_looks)
{
	set_request(104, 104, 104, 100);
	looks.earlier.target.run_state = (char *)"paused";
	looks_diagnose(&looks);
	looks_none(&looks, VQI_EXIT_OK);
	ck_assert_int_eq(state(), VQI_QUEUE_BUSY);
}
END_TEST

START_TEST(test_unknown)
{
	looks_request(&looks)->used_idx = VQI_UNKNOWN;
	looks_request(&looks)->used_ring_idx = VQI_UNKNOWN;
	looks_diagnose(&looks);
	looks_none(&looks, VQI_EXIT_OK);
	ck_assert_int_eq(state(), VQI_QUEUE_UNKNOWN);
	/* A type that nobody here knows. */
	set_request(104, 104, 104, 100);
	looks_both(&looks, LOOKS_BLK, 0, kind, VQI_KIND_UNKNOWN);
	looks_diagnose(&looks);
	looks_none(&looks, VQI_EXIT_OK);
	ck_assert_int_eq(state(), VQI_QUEUE_UNKNOWN);
	/* A driver that has not finished its start. */
	looks_both(&looks, LOOKS_BLK, 0, kind, VQI_KIND_REQUEST);
	looks.later.devices[LOOKS_BLK].started = false;
	looks_diagnose(&looks);
	looks_none(&looks, VQI_EXIT_OK);
	ck_assert_int_eq(state(), VQI_QUEUE_UNKNOWN);
}
END_TEST

/* Every single index that moved, and every doubt about the readings. */
START_TEST(test_held_still)
{
	for (int change = 0; change < 12; change++) {
		struct vqi_queue *before = &looks.queues[0][LOOKS_BLK][0];

		teardown();
		setup();
		set_request(104, 104, 104, 100);
		switch (change) {
		case 0:
			before->avail_idx.value--;
			break;
		case 1:
			before->shadow_avail_idx.value--;
			break;
		case 2:
			before->last_avail_idx.value--;
			break;
		case 3:
			before->used_idx.value--;
			break;
		case 4:
			before->used_ring_idx.value--;
			break;
		case 5:
			before->wrap.last_avail = VQI_NUM(1);
			break;
		case 6:
			before->wrap.used = VQI_NUM(1);
			break;
		case 7:
			before->unseen = VQI_NUM(1);
			break;
		case 8:
			before->consistent = false;
			break;
		case 9:
			looks_request(&looks)->consistent = false;
			break;
		case 10:
			before->desc_gpa += 4096;
			break;
		case 11:
			before->num /= 2;
			break;
		}
		looks_diagnose(&looks);
		ck_assert_msg(looks.diagnosis.finding_count == 0, "change %d", change);
		ck_assert_int_eq(state(), VQI_QUEUE_BUSY);
	}
}
END_TEST

/* Another device at the same place, or the same one elsewhere, was not seen before. */
START_TEST(test_other_device)
{
	set_request(104, 104, 104, 100);
	looks.devices[0][LOOKS_BLK].vdev_addr += 64;
	looks_diagnose(&looks);
	looks_none(&looks, VQI_EXIT_OK);
	looks.devices[0][LOOKS_BLK].vdev_addr -= 64;
	looks.devices[0][LOOKS_BLK].qom_path = (char *)"/other";
	looks_diagnose(&looks);
	looks_none(&looks, VQI_EXIT_OK);
	looks.earlier.device_count = 0;
	looks_diagnose(&looks);
	looks_none(&looks, VQI_EXIT_OK);
}
END_TEST

/* --queue leaves one queue in the later look; the earlier one still has all. */
START_TEST(test_queue_is_found_by_its_number)
{
	looks_set(&looks, LOOKS_NET, LOOKS_TX, 104, 104, 104, 100);
	looks.devices[1][LOOKS_NET].queues = &looks.queues[1][LOOKS_NET][LOOKS_TX];
	looks.devices[1][LOOKS_NET].queue_count = 1;
	looks_diagnose(&looks);
	ck_assert_uint_eq(looks_only(&looks, "request-stuck-in-device")->queue->index, LOOKS_TX);
}
END_TEST

/* vhost runs the ring: what stands still there may be stuck, and is a gap. */
START_TEST(test_vhost)
{
	set_request(104, 0, 0, 100);
	looks_both(&looks, LOOKS_BLK, 0, last_avail_idx, VQI_UNKNOWN);
	looks_both(&looks, LOOKS_BLK, 0, shadow_avail_idx, VQI_UNKNOWN);
	looks_both(&looks, LOOKS_BLK, 0, used_idx, VQI_UNKNOWN);
	looks_both(&looks, LOOKS_BLK, 0, inuse, VQI_UNKNOWN);
	looks_both(&looks, LOOKS_BLK, 0, in_flight, VQI_UNKNOWN);
	looks_both(&looks, LOOKS_BLK, 0, unseen, VQI_UNKNOWN);
	looks.later.devices[LOOKS_BLK].vhost = VQI_VHOST_USER;
	looks_diagnose(&looks);
	looks_none(&looks, VQI_EXIT_PARTIAL);
	ck_assert_int_eq(state(), VQI_QUEUE_UNKNOWN);
	ck_assert_uint_eq(looks.later.gap_count, 1);
	ck_assert_str_eq(looks.later.gaps[0].device, "blk0");
	ck_assert(vqi_num_is(looks.later.gaps[0].queue, 0));

	looks_diagnose_single(&looks);
	looks_none(&looks, VQI_EXIT_OK);
	ck_assert_int_eq(state(), VQI_QUEUE_BUSY);

	/* The driver's part can be told from the ring alone. */
	looks_both(&looks, LOOKS_BLK, 0, avail_idx, VQI_NUM(100));
	looks_both(&looks, LOOKS_BLK, 0, unreaped, VQI_NUM(2));
	looks_diagnose(&looks);
	looks_only(&looks, "completion-not-seen");
	ck_assert_int_eq(state(), VQI_QUEUE_STUCK);
}
END_TEST

START_TEST(test_worst_first)
{
	const struct vqi_finding *findings;

	looks_both(&looks, LOOKS_BLK, 0, unreaped, VQI_NUM(1));
	looks_both(&looks, LOOKS_NET, LOOKS_RX, unreaped, VQI_NUM(1)); /* a warning */
	looks_set(&looks, LOOKS_NET, LOOKS_TX, 104, 104, 104, 100);
	looks_set(&looks, LOOKS_NET, LOOKS_CTRL, 104, 100, 100, 100);
	looks_diagnose(&looks);
	findings = looks.diagnosis.findings;
	ck_assert_uint_eq(looks.diagnosis.finding_count, 4);
	ck_assert_ptr_eq(findings[0].queue, looks_request(&looks));
	ck_assert_ptr_eq(findings[1].queue, &looks.queues[1][LOOKS_NET][LOOKS_TX]);
	ck_assert_ptr_eq(findings[2].queue, &looks.queues[1][LOOKS_NET][LOOKS_CTRL]);
	ck_assert_ptr_eq(findings[3].queue, &looks.queues[1][LOOKS_NET][LOOKS_RX]);
	ck_assert_int_eq(findings[3].severity, VQI_WARNING);
}
END_TEST

/* A broken device explains what its queues do; those of others still count. */
START_TEST(test_one_cause_one_finding)
{
	looks_both(&looks, LOOKS_BLK, 0, ring_faults, VQI_RING_AVAIL_AHEAD);
	set_request(104, 102, 102, 100);
	looks_both(&looks, LOOKS_BLK, 0, inuse, VQI_NUM(9));
	looks_both(&looks, LOOKS_BLK, 0, unreaped, VQI_NUM(9));
	looks_diagnose(&looks);
	looks_only(&looks, "ring-corrupt");
	looks.later.devices[LOOKS_BLK].broken = true;
	looks_diagnose(&looks);
	looks_only(&looks, "device-broken");
	looks_set(&looks, LOOKS_NET, LOOKS_TX, 104, 104, 104, 100);
	looks_diagnose(&looks);
	ck_assert_uint_eq(looks.diagnosis.finding_count, 2);
	looks.later.target.run_state = (char *)"paused";
	looks_diagnose(&looks);
	ck_assert_uint_eq(looks.diagnosis.finding_count, 2); /* paused, and broken */
}
END_TEST

START_TEST(test_exit_statuses)
{
	ck_assert_ok(vqi_snapshot_add_gap(&looks.later, NULL, VQI_UNKNOWN, "what", "why"));
	ck_assert_ok(vqi_diagnose(&looks.earlier, &looks.later, &looks.diagnosis));
	looks_none(&looks, VQI_EXIT_PARTIAL);
	vqi_diagnosis_done(&looks.diagnosis);
	looks_both(&looks, LOOKS_NET, LOOKS_RX, unreaped, VQI_NUM(1)); /* a warning */
	ck_assert_ok(vqi_diagnose(&looks.earlier, &looks.later, &looks.diagnosis));
	ck_assert_int_eq(looks.diagnosis.exit_status, VQI_EXIT_PARTIAL);
	vqi_diagnosis_done(&looks.diagnosis);
	set_request(104, 104, 104, 100);
	ck_assert_ok(vqi_diagnose(&looks.earlier, &looks.later, &looks.diagnosis));
	ck_assert_int_eq(looks.diagnosis.exit_status, VQI_EXIT_FINDING);
	looks_both(&looks, LOOKS_BLK, 0, desc_gpa, 0);
	looks_diagnose(&looks); /* drops the gap */
	ck_assert_uint_eq(looks.diagnosis.finding_count, 1);
	ck_assert_int_eq(looks.diagnosis.exit_status, VQI_EXIT_OK);
}
END_TEST

/* What holds for whatever was seen. */
static void assert_sane(bool single)
{
	size_t of_request = 0;
	bool is_error = false;

	for (size_t i = 0; i < looks.diagnosis.finding_count; i++) {
		const struct vqi_finding *finding = &looks.diagnosis.findings[i];

		of_request += finding->queue == looks_request(&looks);
		is_error |= finding->severity == VQI_ERROR;
		ck_assert(finding->severity <= finding->rule->severity);
		ck_assert(finding->confidence == VQI_CONFIRMED || finding->severity < VQI_ERROR);
		ck_assert(finding->summary && finding->summary[0]);
		ck_assert_uint_gt(finding->evidence_count, 0);
		ck_assert(!single || finding->confidence == VQI_CANDIDATE);
	}
	ck_assert_uint_le(of_request, 1);
	ck_assert(state() != VQI_QUEUE_STUCK || (of_request && !single));
	ck_assert_int_eq(looks.diagnosis.exit_status, is_error ? VQI_EXIT_FINDING : VQI_EXIT_OK);
}

/* All small differences of the indices, in both looks. */
START_TEST(test_every_small_history)
{
	for (unsigned int bits = 0; bits < 1u << 13; bits++) {
		uint16_t used = 100, last_avail = (uint16_t)(used + (bits & 1));
		uint16_t shadow = (uint16_t)(last_avail + (bits >> 1 & 1));
		struct vqi_queue *before = &looks.queues[0][LOOKS_BLK][0];

		teardown();
		setup();
		set_request((uint16_t)(shadow + (bits >> 2 & 1)), shadow, last_avail, used);
		looks_both(&looks, LOOKS_BLK, 0, unreaped, VQI_NUM(bits >> 3 & 1));
		looks_both(&looks, LOOKS_BLK, 0, kick_pending, bits >> 4 & 1);
		looks_both(&looks, LOOKS_BLK, 0, ring_faults, bits >> 5 & 1);
		looks_both(&looks, LOOKS_BLK, 0, consistent, bits >> 6 & 1);
		before->avail_idx.value -= bits >> 7 & 1;
		before->used_idx.value -= bits >> 8 & 1;
		before->kick_pending ^= bits >> 9 & 1;
		before->unreaped.value ^= bits >> 10 & 1;
		before->inuse.value += bits >> 11 & 1;
		looks_request(&looks)->inuse.value += bits >> 12 & 1;
		looks_diagnose(&looks);
		assert_sane(false);
		looks_diagnose_single(&looks);
		assert_sane(true);
	}
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("diagnose");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_healthy_and_idle);
	tcase_add_test(tcase, test_healthy_under_load);
	tcase_add_test(tcase, test_healthy_and_parked);
	tcase_add_test(tcase, test_single_look_calls_nothing_stuck);
	tcase_add_test(tcase, test_stuck);
	tcase_add_test(tcase, test_disabled);
	tcase_add_test(tcase, test_paused);
	tcase_add_test(tcase, test_resumed_between_the_looks);
	tcase_add_test(tcase, test_unknown);
	tcase_add_test(tcase, test_held_still);
	tcase_add_test(tcase, test_other_device);
	tcase_add_test(tcase, test_queue_is_found_by_its_number);
	tcase_add_test(tcase, test_vhost);
	tcase_add_test(tcase, test_worst_first);
	tcase_add_test(tcase, test_one_cause_one_finding);
	tcase_add_test(tcase, test_exit_statuses);
	tcase_add_test(tcase, test_every_small_history);
	return unit_run("diagnose", tcase);
}
