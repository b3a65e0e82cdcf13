/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules about completions that the driver has not picked up, and about queues without buffers. */
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

#define BLK(member, value) looks_both(&looks, LOOKS_BLK, 0, member, value)

START_TEST(test_completion_not_seen)
{
	const struct vqi_finding *finding;

	BLK(unreaped, VQI_NUM(3));
	BLK(used_event, VQI_NUM(97));
	looks_diagnose(&looks);
	finding = looks_of_disk(&looks, "completion-not-seen", LOOKS_CONFIRMED);
	ck_assert_ptr_nonnull(strstr(finding->summary, "3 completions"));
	looks_assert_says(finding, "used_event 97");
	looks_assert_says(finding, "signalled_used 100");
	/* The driver is at it. */
	looks.queues[0][LOOKS_BLK][0].unreaped = VQI_NUM(4);
	looks_diagnose(&looks);
	looks_none(&looks, VQI_EXIT_OK);
}
END_TEST

START_TEST(test_completion_evidence)
{
	const struct vqi_finding *finding;

	BLK(unreaped, VQI_NUM(3));
	BLK(used_event, VQI_NUM(97));
	BLK(guest_notifier_fd, VQI_NUM(31));
	BLK(guest_notifier_count, VQI_NUM(1));
	BLK(irqfd_users, VQI_NUM(1));
	looks_diagnose(&looks);
	finding = looks_of_disk(&looks, "completion-not-seen", LOOKS_CONFIRMED);
	looks_assert_says(finding, "MSI-X vector 1: not masked, not pending");
	looks_assert_says(finding, "1 irqfd user of the vector");
	looks_assert_says(finding, "ISR status 0x1");
	looks_assert_says(finding, "interrupt eventfd 31: count 1");
	looks_assert_says(finding, "vCPU 0 is not halted");
	looks_assert_says(finding, "thread 4244, vCPU 0");
	looks.vcpus[1][0].halted = VQI_NUM(1);
	looks_diagnose(&looks);
	looks_assert_says(looks_only(&looks, "completion-not-seen"), "vCPU 0 is halted");
	looks_both_devices(&looks, LOOKS_BLK, msix_enabled, VQI_NUM(0));
	looks_both_devices(&looks, LOOKS_BLK, intx_asserted, VQI_NUM(1));
	looks_diagnose(&looks);
	looks_assert_says(looks_only(&looks, "completion-not-seen"), "INTx: asserted");
}
END_TEST

/* An irqfd delivers without reading the count; without one, QEMU must read it. */
START_TEST(test_interrupt_in_its_eventfd)
{
	BLK(unreaped, VQI_NUM(3));
	BLK(used_event, VQI_NUM(97));
	BLK(interrupt_pending, true);
	looks_summary(&looks, "completion-not-seen", "still in its eventfd");
	BLK(irqfd_users, VQI_NUM(1));
	looks_diagnose(&looks);
	ck_assert_ptr_null(strstr(looks_only(&looks, "completion-not-seen")->summary, "eventfd"));
	/* While the vector is masked, the irqfd is disconnected. */
	BLK(msix_masked, VQI_NUM(1));
	BLK(guest_notifier_fd, VQI_NUM(31));
	BLK(guest_notifier_count, VQI_NUM(1));
	looks_diagnose(&looks);
	looks_assert_says(looks_only(&looks, "interrupt-masked"), "is kept in its eventfd");
}
END_TEST

/* An event at 0 may be one that the driver wrote to be left alone; not where it has a vector. */
START_TEST(test_completion_with_event_at_zero)
{
	BLK(unreaped, VQI_NUM(3));
	BLK(used_event, VQI_NUM(0));
	looks_diagnose(&looks);
	looks_of_disk(&looks, "completion-not-seen", LOOKS_CONFIRMED);
	looks_both_devices(&looks, LOOKS_BLK, msix_enabled, VQI_UNKNOWN);
	BLK(vector, VQI_NUM(0xffff));
	looks_diagnose(&looks);
	looks_of_disk(&looks, "completion-not-seen", LOOKS_CANDIDATE);
}
END_TEST

/* Whether the VM of an export's client runs is not known here. */
START_TEST(test_completion_of_an_export)
{
	const struct vqi_finding *finding;

	BLK(unreaped, VQI_NUM(3));
	BLK(used_event, VQI_NUM(97));
	looks_both_devices(&looks, LOOKS_BLK, is_export, true);
	looks_diagnose(&looks);
	finding = looks_of_disk(&looks, "completion-not-seen", LOOKS_CANDIDATE);
	ck_assert_ptr_nonnull(strstr(finding->next_step, "the QEMU that is its client"));
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

START_TEST(test_interrupt_masked)
{
	const struct vqi_finding *finding;

	BLK(unreaped, VQI_NUM(3));
	BLK(used_event, VQI_NUM(97));
	BLK(msix_masked, VQI_NUM(1));
	BLK(msix_pending, VQI_NUM(1));
	looks_diagnose(&looks);
	finding = looks_of_disk(&looks, "interrupt-masked", LOOKS_CONFIRMED);
	looks_assert_summary(finding, "its interrupt vector is masked");
	looks_assert_says(finding, "MSI-X vector 1: masked, pending");
	looks_both_devices(&looks, LOOKS_BLK, msix_function_masked, VQI_NUM(1));
	looks_summary(&looks, "interrupt-masked", "all interrupts of the device are masked");
}
END_TEST

START_TEST(test_pin_disabled)
{
	BLK(unreaped, VQI_NUM(3));
	BLK(used_event, VQI_NUM(97));
	looks_both_devices(&looks, LOOKS_BLK, msix_enabled, VQI_NUM(0));
	looks_both_devices(&looks, LOOKS_BLK, intx_disabled, VQI_NUM(1));
	looks_diagnose(&looks);
	looks_assert_summary(looks_of_disk(&looks, "interrupt-masked", LOOKS_CONFIRMED),
			     "disabled the device's interrupt pin");
	looks_both_devices(&looks, LOOKS_BLK, intx_disabled, VQI_NUM(0));
	looks_diagnose(&looks);
	looks_of_disk(&looks, "completion-not-seen", LOOKS_CONFIRMED);
}
END_TEST

/* A driver that polls needs no vector. */
START_TEST(test_without_vector)
{
	const struct vqi_finding *finding;

	BLK(unreaped, VQI_NUM(3));
	BLK(used_event, VQI_NUM(97));
	BLK(vector, VQI_NUM(0xffff));
	looks_diagnose(&looks);
	finding = looks_of_disk(&looks, "interrupt-masked", LOOKS_CANDIDATE);
	looks_assert_summary(finding, "no interrupt vector");
	looks_assert_says(finding, "no vector (0xffff)");
}
END_TEST

START_TEST(test_interrupt_suppressed)
{
	const struct vqi_finding *finding;

	BLK(unreaped, VQI_NUM(3));
	BLK(used_event, VQI_NUM(97));
	BLK(signalled_used, VQI_NUM(97));
	looks_diagnose(&looks);
	finding = looks_of_disk(&looks, "interrupt-suppressed", LOOKS_CONFIRMED);
	looks_assert_summary(finding, "has not decided on it");
	looks_assert_says(finding, "signalled_used 97");
	BLK(signalled_used, VQI_NUM(100));
	looks_both_devices(&looks, LOOKS_BLK, isr, VQI_NUM(2)); /* the configuration's */
	looks_diagnose(&looks);
	finding = looks_of_disk(&looks, "interrupt-suppressed", LOOKS_CONFIRMED);
	looks_assert_summary(finding, "not sent any since it was reset");
	looks_assert_says(finding, "ISR status 0x2");
	BLK(used_event, VQI_NUM(0));
	BLK(vector, VQI_UNKNOWN);
	looks_diagnose(&looks);
	looks_of_disk(&looks, "interrupt-suppressed", LOOKS_CANDIDATE);
}
END_TEST

/* By INTx the driver clears the ISR, so that nothing can be told from it; and a first decision is not due
 * while none is valid. */
START_TEST(test_interrupt_not_suppressed)
{
	BLK(unreaped, VQI_NUM(3));
	BLK(used_event, VQI_NUM(97));
	looks_both_devices(&looks, LOOKS_BLK, isr, VQI_NUM(0));
	looks_both_devices(&looks, LOOKS_BLK, msix_enabled, VQI_NUM(0));
	BLK(signalled_used, VQI_NUM(97));
	BLK(signalled_used_valid, VQI_NUM(0));
	looks_diagnose(&looks);
	looks_of_disk(&looks, "completion-not-seen", LOOKS_CONFIRMED);
	/* Decided, and the event was not among what it decided on. */
	BLK(signalled_used_valid, VQI_NUM(1));
	BLK(signalled_used, VQI_NUM(98));
	looks_diagnose(&looks);
	looks_of_disk(&looks, "completion-not-seen", LOOKS_CONFIRMED);
}
END_TEST

START_TEST(test_interrupt_due)
{
	BLK(unreaped, VQI_NUM(3));
	looks_diagnose(&looks);
	ck_assert(vqi_num_is(looks_request(&looks)->interrupt_due, 1));
	BLK(unreaped, VQI_NUM(0));
	looks_diagnose(&looks);
	ck_assert(vqi_num_is(looks_request(&looks)->interrupt_due, 0));
	BLK(unreaped, VQI_UNKNOWN);
	looks_diagnose(&looks);
	ck_assert(!looks_request(&looks)->interrupt_due.known);
	BLK(avail_flags, VQI_NUM(1)); /* means nothing with EVENT_IDX */
	looks_diagnose(&looks);
	ck_assert(!looks_request(&looks)->interrupt_due.known);
	BLK(used_event, VQI_UNKNOWN);
	looks_diagnose(&looks);
	ck_assert(vqi_num_is(looks_request(&looks)->interrupt_due, 0));
	BLK(avail_flags, VQI_NUM(0));
	looks_diagnose(&looks);
	ck_assert(!looks_request(&looks)->interrupt_due.known);
	BLK(ring, VQI_RING_PACKED);
	BLK(wrap.driver.flags, VQI_NUM(1));
	looks_diagnose(&looks);
	ck_assert(vqi_num_is(looks_request(&looks)->interrupt_due, 0));
	BLK(wrap.driver.flags, VQI_NUM(0));
	looks_diagnose(&looks);
	ck_assert(!looks_request(&looks)->interrupt_due.known);
}
END_TEST

static const struct vqi_finding *assert_starved(enum vqi_confidence confidence)
{
	const struct vqi_finding *finding;

	looks_diagnose(&looks);
	finding = looks_only(&looks, "rx-starved");
	ck_assert_int_eq(finding->severity, VQI_WARNING);
	ck_assert_int_eq(finding->confidence, confidence);
	ck_assert_ptr_eq(finding->queue, &looks.queues[1][LOOKS_NET][LOOKS_RX]);
	return finding;
}

START_TEST(test_rx_starved)
{
	looks_set(&looks, LOOKS_NET, LOOKS_RX, 100, 100, 100, 100);
	looks_both(&looks, LOOKS_NET, LOOKS_RX, waiting_packets, VQI_NUM(4));
	looks_assert_says(assert_starved(VQI_CONFIRMED), "4 packets queued");
	looks_assert_summary(looks_only(&looks, "rx-starved"), "packets wait");
	/* Nothing waits for the buffers. */
	looks_both(&looks, LOOKS_NET, LOOKS_RX, waiting_packets, VQI_NUM(0));
	assert_starved(VQI_CANDIDATE);
	/* It never had any. */
	looks_set(&looks, LOOKS_NET, LOOKS_RX, 0, 0, 0, 0);
	looks_both(&looks, LOOKS_NET, LOOKS_RX, waiting_packets, VQI_NUM(4));
	looks_assert_says(assert_starved(VQI_CANDIDATE), "may not be up");
	looks_both(&looks, LOOKS_NET, LOOKS_RX, waiting_packets, VQI_NUM(0));
	looks_diagnose(&looks);
	looks_none(&looks, VQI_EXIT_OK);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("completion_rules");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_completion_not_seen);
	tcase_add_test(tcase, test_completion_evidence);
	tcase_add_test(tcase, test_interrupt_in_its_eventfd);
	tcase_add_test(tcase, test_completion_with_event_at_zero);
	tcase_add_test(tcase, test_completion_of_an_export);
	tcase_add_test(tcase, test_receive_completion_not_seen);
	tcase_add_test(tcase, test_interrupt_masked);
	tcase_add_test(tcase, test_pin_disabled);
	tcase_add_test(tcase, test_without_vector);
	tcase_add_test(tcase, test_interrupt_suppressed);
	tcase_add_test(tcase, test_interrupt_not_suppressed);
	tcase_add_test(tcase, test_interrupt_due);
	tcase_add_test(tcase, test_rx_starved);
	return unit_run("completion_rules", tcase);
}
