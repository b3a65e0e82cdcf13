/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What makes a finding a candidate, or none, whatever its rule. */
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

/* Whoever takes part and gets no processor makes what stands still a candidate. */
START_TEST(test_starved)
{
	set_request(104, 104, 104, 100);
	for (int thread = 0; thread < LOOKS_THREADS; thread++) {
		bool takes_part = thread != LOOKS_MAIN; /* not the disk's */

		looks_both_threads(&looks, LOOKS_VCPU, wait_ms, VQI_NUM(7));
		looks_both_threads(&looks, LOOKS_IOTHREAD, wait_ms, VQI_NUM(7));
		looks_both_threads(&looks, LOOKS_MAIN, wait_ms, VQI_NUM(7));
		looks.threads[1][thread].wait_ms = VQI_NUM(7 + 125);
		looks_diagnose(&looks);
		ck_assert_int_eq(looks_only(&looks, "request-stuck-in-device")->confidence,
				 takes_part ? VQI_CANDIDATE : VQI_CONFIRMED);
		ck_assert_int_eq(looks_says(looks_only(&looks, "request-stuck-in-device"),
					    "125 ms and had no processor"),
				 takes_part);
		looks.threads[1][thread].wait_ms = VQI_NUM(7 + 124);
		looks_diagnose(&looks);
		ck_assert_int_eq(looks_only(&looks, "request-stuck-in-device")->confidence,
				 VQI_CONFIRMED);
	}
	/* A worker counts while requests are in flight. */
	looks_both_threads(&looks, LOOKS_VCPU, role, NULL);
	looks.later.vcpu_count = 0;
	looks.threads[1][LOOKS_VCPU].wait_ms = VQI_NUM(7 + 250);
	looks_diagnose(&looks);
	ck_assert_int_eq(looks_only(&looks, "request-stuck-in-device")->confidence, VQI_CANDIDATE);
	set_request(104, 100, 100, 100);
	looks_diagnose(&looks);
	ck_assert_int_eq(looks_only(&looks, "device-not-notified")->confidence, VQI_CONFIRMED);
}
END_TEST

/* A device that may not reach memory does nothing, and is not to blame. */
START_TEST(test_without_bus_mastering)
{
	looks_both_devices(&looks, LOOKS_BLK, disabled, true);
	looks_both(&looks, LOOKS_BLK, 0, ring_faults, VQI_RING_LOOP);
	looks_both(&looks, LOOKS_BLK, 0, unreaped, VQI_NUM(3));
	looks_diagnose(&looks);
	looks_none(&looks, VQI_EXIT_OK);
	set_request(104, 100, 100, 100);
	looks_diagnose(&looks);
	ck_assert_int_eq(looks_only(&looks, "device-not-notified")->confidence, VQI_CANDIDATE);
	looks_assert_says(looks_only(&looks, "device-not-notified"), "took bus mastering away");
	looks.later.devices[LOOKS_BLK].disabled = false; /* given back just now */
	looks_diagnose(&looks);
	ck_assert_int_eq(looks_only(&looks, "device-not-notified")->confidence, VQI_CANDIDATE);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("diagnose_doubts");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_starved);
	tcase_add_test(tcase, test_without_bus_mastering);
	return unit_run("diagnose_doubts", tcase);
}
