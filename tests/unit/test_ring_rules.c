/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules about broken devices, rings and counters. */
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

/* libvhost-user counts what was taken before a reset, and gives up a client, not a driver. */
START_TEST(test_export)
{
	const struct vqi_finding *finding;

	looks_both_devices(&looks, LOOKS_BLK, is_export, true);
	set_request(100, 100, 100, 100);
	BLK(inuse, VQI_NUM(1));
	looks_diagnose(&looks);
	finding = looks_only(&looks, "requests-left-behind");
	ck_assert_int_eq(finding->severity, VQI_WARNING);
	looks_assert_summary(finding, "1 request taken before its client reset the queue is still");
	looks_assert_says(finding, "queue 0: inuse 1 ");
	BLK(in_flight, VQI_UNKNOWN); /* as when it is stopped */
	looks.later.devices[LOOKS_BLK].started = false;
	looks_diagnose(&looks);
	looks_summary(&looks, "requests-left-behind", "its client stopped, or left, is still");
	looks.queues[0][LOOKS_BLK][0].inuse = VQI_NUM(2); /* it becomes less */
	looks_diagnose(&looks);
	looks_none(&looks, VQI_EXIT_OK);
	looks.later.devices[LOOKS_BLK].started = true;
	looks.later.devices[LOOKS_BLK].broken = true;
	looks_diagnose(&looks);
	finding = looks_of_disk(&looks, "device-broken", LOOKS_CONFIRMED);
	looks_assert_summary(finding, "until that connects again");
	ck_assert_ptr_nonnull(strstr(finding->next_step, "vu_panic"));
	ck_assert(!looks_says(finding, "status"));
}
END_TEST

START_TEST(test_device_broken)
{
	struct vqi_device *device = &looks.later.devices[LOOKS_BLK];

	set_request(104, 104, 104, 100);
	device->broken = true;
	looks_diagnose(&looks);
	ck_assert_ptr_null(looks_of_disk(&looks, "device-broken", LOOKS_CONFIRMED)->queue);
	looks_diagnose_single(&looks);
	looks_of_disk(&looks, "device-broken", LOOKS_CONFIRMED);

	device->broken = false;
	device->status = 0x4f;
	looks_request(&looks)->ring_faults = VQI_RING_BAD_HEAD;
	looks_diagnose(&looks);
	looks_assert_says(looks_of_disk(&looks, "device-broken", LOOKS_CONFIRMED),
			  "DEVICE_NEEDS_RESET");
	looks_assert_says(looks_of_disk(&looks, "device-broken", LOOKS_CONFIRMED),
			  "descriptor beyond the ring");
}
END_TEST

START_TEST(test_ring_corrupt)
{
	static const unsigned int faults[] = {VQI_RING_AVAIL_AHEAD, VQI_RING_BAD_HEAD,
					      VQI_RING_USED_MISMATCH,
					      VQI_RING_AVAIL_AHEAD | VQI_RING_USED_MISMATCH};

	set_request(104, 104, 102, 100);
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		BLK(ring_faults, faults[i]);
		looks_diagnose(&looks);
		looks_assert_says(looks_of_disk(&looks, "ring-corrupt", LOOKS_CONFIRMED),
				  "avail_idx 104");
		looks_diagnose_single(&looks);
		if (faults[i] == VQI_RING_USED_MISMATCH)
			looks_none(&looks, VQI_EXIT_OK);
		else
			looks_of_disk(&looks, "ring-corrupt", LOOKS_CANDIDATE);
	}
}
END_TEST

/* While a ring moves its fault may be half of an update. */
START_TEST(test_ring_not_corrupt)
{
	BLK(ring_faults, VQI_RING_AVAIL_AHEAD);
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

/* It tries the same again for ever. */
START_TEST(test_device_broken_and_spinning)
{
	looks.later.devices[LOOKS_BLK].broken = true;
	looks_run(&looks, LOOKS_IOTHREAD, 200);
	looks_diagnose(&looks);
	looks_assert_says(looks_only(&looks, "device-broken"),
			  "the iothread io0, which serves it, ran all the time");
	looks_run(&looks, LOOKS_IOTHREAD, 5);
	looks_diagnose(&looks);
	ck_assert(!looks_says(looks_only(&looks, "device-broken"), "ran all the time"));
	looks_diagnose_single(&looks);
	ck_assert(!looks_says(looks_only(&looks, "device-broken"), "ran all the time"));
}
END_TEST

/* Each fault has a sentence, and the place of the first is told. */
START_TEST(test_ring_fault_sentences)
{
	static const struct {
		unsigned int fault;
		const char *sentence;
	} cases[] = {
		{VQI_RING_AVAIL_AHEAD, "further ahead"},
		{VQI_RING_BAD_HEAD, "names a descriptor beyond the ring"},
		{VQI_RING_LOOP, "it loops"},
		{VQI_RING_BAD_NEXT, "beyond its table"},
		{VQI_RING_BAD_INDIRECT, "indirect"},
		{VQI_RING_BAD_ADDRESS, "outside the guest's RAM"},
		{VQI_RING_ZERO_SIZE, "no bytes"},
		{VQI_RING_BAD_ORDER, "follows one to be written"},
		{VQI_RING_DUPLICATE, "published twice"},
		{VQI_RING_USED_MISMATCH, "not what QEMU wrote"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		BLK(ring_faults, cases[i].fault);
		looks_summary(&looks, "ring-corrupt", cases[i].sentence);
		looks_assert_says(looks_only(&looks, "ring-corrupt"), cases[i].sentence);
	}
	BLK(ring_faults, VQI_RING_ZERO_SIZE | VQI_RING_LOOP);
	looks_diagnose(&looks);
	looks_assert_says(looks_only(&looks, "ring-corrupt"), "it loops");
	looks_assert_says(looks_only(&looks, "ring-corrupt"), "no bytes");
}
END_TEST

START_TEST(test_ring_fault_place)
{
	BLK(ring_faults, VQI_RING_BAD_ADDRESS);
	BLK(fault_place.head, VQI_NUM(3));
	looks_diagnose(&looks);
	looks_assert_says(looks_only(&looks, "ring-corrupt"), "in the chain of head 3");
	BLK(fault_place.descriptor, VQI_NUM(5));
	BLK(fault_place.gpa, VQI_NUM(0xfee00000));
	BLK(fault_place.len, VQI_NUM(4096));
	looks_diagnose(&looks);
	looks_assert_says(looks_only(&looks, "ring-corrupt"),
			  "head 3, descriptor 5: address 0xfee00000, length 4096");
}
END_TEST

START_TEST(test_inuse_leak)
{
	const struct vqi_finding *finding;

	set_request(104, 104, 102, 102);
	BLK(inuse, VQI_NUM(3));
	looks_diagnose(&looks);
	finding = looks_of_disk(&looks, "inuse-leak", LOOKS_CONFIRMED);
	ck_assert_ptr_nonnull(strstr(finding->summary, "inuse is 3"));
	looks_assert_says(finding, "used_idx 102");
	looks_diagnose_single(&looks);
	looks_of_disk(&looks, "inuse-leak", LOOKS_CANDIDATE);
	/* Too few is as wrong, and so is a leak on a queue that moves. */
	set_request(104, 104, 104, 102);
	BLK(inuse, VQI_NUM(1));
	looks.queues[0][LOOKS_BLK][0].avail_idx.value--;
	looks_diagnose(&looks);
	looks_of_disk(&looks, "inuse-leak", LOOKS_CONFIRMED);
}
END_TEST

START_TEST(test_no_inuse_leak)
{
	set_request(104, 104, 104, 104);
	BLK(inuse, VQI_NUM(1));
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
	BLK(inuse, VQI_UNKNOWN);
	looks_diagnose(&looks);
	looks_none(&looks, VQI_EXIT_OK);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("ring_rules");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_export);
	tcase_add_test(tcase, test_device_broken);
	tcase_add_test(tcase, test_ring_corrupt);
	tcase_add_test(tcase, test_ring_not_corrupt);
	tcase_add_test(tcase, test_device_broken_and_spinning);
	tcase_add_test(tcase, test_ring_fault_sentences);
	tcase_add_test(tcase, test_ring_fault_place);
	tcase_add_test(tcase, test_inuse_leak);
	tcase_add_test(tcase, test_no_inuse_leak);
	return unit_run("ring_rules", tcase);
}
