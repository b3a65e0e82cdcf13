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

static void print(struct vqi_report_options options)
{
	free(report);
	report = vqi_printed(vqi_report_text, &sample, &options);
}

START_TEST(test_verbose)
{
	vqi_sample_stuck(&sample);
	print((struct vqi_report_options){.verbose = true});
	ck_assert_row(report, "scsi0 virtio-scsi 0000:00:04.0 1 event parked 8 8 8 8 8 main loop");
	ck_assert_row(report,
		      "net0 virtio-net 0000:00:04.0 2 control disabled 9911 9911 9911 9911 9911 "
		      "-");
	ck_assert_lacks(report, "parked:");
	ck_assert_has(report, "build id 0123456789abcdef0123456789abcdef01234567");
	ck_assert_has(report, "layout from dwarf\n");
	ck_assert_has(report, "QOM path: /machine/peripheral-anon/device[0]/virtio-backend\n");
	ck_assert_has(report, "back end of hd0: block d0, node #block123, driver qcow2\n");
	ck_assert_has(report,
		      "status: 0xf ACKNOWLEDGE DRIVER DRIVER_OK FEATURES_OK; broken false disabled "
		      "false started true vm_running true\n");
	ck_assert_has(report, "features: host 0x120000040 guest 0x120000000 endian little; "
			      "VIRTIO_RING_F_EVENT_IDX VIRTIO_F_VERSION_1\n");
	ck_assert_has(report,
		      "queue 0: role request, kind request, split ring of 256, VirtQueue at "
		      "0x55d0c0de2000, stuck\n");
	ck_assert_has(report, "vring: desc 0x1000 avail 0x2000 used 0x2240; in the target: desc "
			      "0x7f0000001000 avail 0x7f0000002000 used 0x7f0000002240\n");
	ck_assert_has(report,
		      "guest RAM: avail_idx 1203 used_ring_idx 1187 avail_flags 0 used_flags 0 "
		      "used_event 1203 avail_event 1203\n");
	ck_assert_has(report,
		      "VirtQueue: shadow_avail_idx 1203 last_avail_idx 1203 used_idx 1187 inuse 16 "
		      "signalled_used 1203 signalled_used_valid true notification true vector 1 "
		      "waiting_packets -\n");
	ck_assert_has(report, "derived: unseen 0 in_flight 16 unreaped 3 kick_due false "
			      "interrupt_due true\n");
}
END_TEST

START_TEST(test_verbose_kick_and_interrupt)
{
	vqi_sample_stuck(&sample);
	print((struct vqi_report_options){.verbose = true});
	ck_assert_has(report,
		      "interrupt: isr 1 msix_enabled true msix_function_masked false intx_asserted "
		      "false intx_disabled true; kick: memory true bus_master true "
		      "ioeventfd_started true ioeventfd_grabbed 0\n");
	ck_assert_has(report, "host_notifier: fd 20 count 0 pending false id 120 ioeventfd true "
			      "handler ready in "
			      "0x55d0c0dc1000 polled true\n");
	ck_assert_has(
		report,
		"guest_notifier: fd 40 count 0 pending false id 140; msix: masked false pending "
		"false irqfd_users 1\n");
	sample.queues[0].handler = VQI_HANDLER_DISABLED;
	print((struct vqi_report_options){.verbose = true});
	ck_assert_has(report, "handler disabled in 0x55d0c0dc1000 ");
	vqi_sample_unknown(&sample);
	print((struct vqi_report_options){.verbose = true});
	ck_assert_has(report, "interrupt: isr - msix_enabled - msix_function_masked - "
			      "intx_asserted - intx_disabled -; kick: memory - bus_master - "
			      "ioeventfd_started - ioeventfd_grabbed -\n");
	ck_assert_has(
		report,
		"host_notifier: fd - count - pending false id - ioeventfd - handler - polled -");
	ck_assert_has(report, "msix: masked - pending - irqfd_users -\n");
}
END_TEST

START_TEST(test_verbose_loops_and_threads)
{
	vqi_sample_stuck(&sample);
	print((struct vqi_report_options){.verbose = true});
	ck_assert_has(report, "\n\nevent loops and threads; bql_owner 4242\n");
	ck_assert_has(report, "\n    main loop: tid 4242 AioContext 0x55d0c0dc0000 nested false "
			      "polling false bottom_halves 0 coroutines false\n");
	ck_assert_has(report, "\n    iothread io0: tid 4250 AioContext 0x55d0c0dc1000 nested - "
			      "polling true bottom_halves 2 coroutines true\n");
	ck_assert_has(report, "\n    thread 4242 (qemu-system-x86), main loop: state S, in ppoll, "
			      "wchan do_poll");
	ck_assert_has(report, "\n    thread 4263 (worker): state D, in pwrite64 on "
			      "/srv/web1.qcow2, wchan folio_wait_bit");
	ck_assert_has(report, " cpu_ms 31 wait_ms 12 sleeps 77");
	ck_assert_has(report, "\n    thread 4252 (CPU 0/KVM), vCPU 0: state S, in futex, wchan "
			      "futex_wait_queue");
	ck_assert_has(
		report,
		"wchan futex_wait_queue; cpu_ms 61000 wait_ms 12 sleeps 901 mutex 0x55d0c0da0040 "
		"mutex_owner 4242\n");
	ck_assert_has(report, "\n    vCPU 1: tid 4253 halted ");
	sample.threads[4].in_fault = true;
	print((struct vqi_report_options){.verbose = true});
	ck_assert_has(report, "state R, waiting for a page of memory; cpu_ms");
	ck_assert_has(report, "\n    thread 4253 (CPU 1/KVM), vCPU 1: state R");
	vqi_sample_unknown(&sample);
	print((struct vqi_report_options){.verbose = true});
	ck_assert_has(report, "\n\nevent loops and threads; bql_owner -\n");
	ck_assert_has(report, "\n    main loop: tid - AioContext ");
	ck_assert_has(report, " nested - polling - bottom_halves - coroutines -\n");
	ck_assert_has(report, "\n    thread 1 (-): state ?");
	ck_assert_has(report, " cpu_ms - wait_ms - sleeps -");
	vqi_sample_empty(&sample);
	print((struct vqi_report_options){.verbose = true});
	ck_assert_lacks(report, "event loops");
}
END_TEST

START_TEST(test_verbose_block)
{
	vqi_sample_stuck(&sample);
	print((struct vqi_report_options){.verbose = true});
	ck_assert_has(report, "\n    back end of hd0: block d0, node #block123");
	ck_assert_has(report, "\n        BlockBackend at 0x");
	ck_assert_has(report,
		      ": in_flight 17 quiesce_counter 3 iostatus nospace parked 6 throttled 4 "
		      "throttle_group limits1\n");
	ck_assert_has(report, "\n        node #block123, driver qcow2");
	ck_assert_has(report, ": in_flight 16 tracked_requests 15 serialising 1 quiesce_counter ");
	ck_assert_has(report,
		      "\n        node file0, driver file, file /srv/web1.qcow2 fd 12 at 0x");
	ck_assert_has(report, "\n        node job0, driver raw, file /srv/job0.img");
	vqi_sample_healthy(&sample);
	print((struct vqi_report_options){.verbose = true});
	ck_assert_lacks(report, "BlockBackend");
}
END_TEST

START_TEST(test_verbose_fault_place)
{
	vqi_sample_packed(&sample);
	print((struct vqi_report_options){.verbose = true});
	ck_assert_has(report, "; head ");
	ck_assert_has(report, " gpa 0x");
	sample.queues[0].fault_place = (struct vqi_ring_place){.head = VQI_NUM(300)};
	print((struct vqi_report_options){.verbose = true});
	ck_assert_has(report, "; head 300 descriptor - gpa - len -\n");
}
END_TEST

START_TEST(test_unnamed_feature_bits)
{
	vqi_sample_healthy(&sample);
	sample.devices[0].guest_features = UINT64_C(1) << 63 | UINT64_C(1) << 3;
	print((struct vqi_report_options){.verbose = true});
	ck_assert_has(report, "endian little; bit3 bit63\n");
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("report_raw");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_verbose);
	tcase_add_test(tcase, test_verbose_kick_and_interrupt);
	tcase_add_test(tcase, test_verbose_loops_and_threads);
	tcase_add_test(tcase, test_verbose_block);
	tcase_add_test(tcase, test_verbose_fault_place);
	tcase_add_test(tcase, test_unnamed_feature_bits);
	return unit_run("report_raw", tcase);
}
