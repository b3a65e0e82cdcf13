/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules about event loops. */
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

START_TEST(test_asleep_throughout)
{
	const struct vqi_finding *finding;

	set_request(104, 104, 104, 101); /* a consequence */
	looks_sleep_in(&looks, LOOKS_IOTHREAD, "pread64");
	looks_both_threads(&looks, LOOKS_IOTHREAD, file, (char *)"/srv/web1.img");
	looks_both_threads(&looks, LOOKS_IOTHREAD, wchan, (char *)"folio_wait_bit");
	looks_diagnose(&looks);
	finding = looks_of_vm(&looks, "event-loop-blocked", LOOKS_CONFIRMED);
	ck_assert_ptr_null(finding->queue);
	looks_assert_summary(finding, "the iothread io0 has not returned to its poll for 250 ms");
	looks_assert_summary(finding, "it sleeps in pread64");
	looks_assert_says(finding, "state S in pread64 on /srv/web1.img");
	looks_assert_says(finding, "folio_wait_bit");
	looks_assert_says(finding, "slept all the time between the looks; it used 1 ms");
	ck_assert_int_eq(looks_request(&looks)->state, VQI_QUEUE_STUCK);
}
END_TEST

START_TEST(test_not_asleep_throughout)
{
	looks_sleep_in(&looks, LOOKS_IOTHREAD, "futex");
	looks.threads[1][LOOKS_IOTHREAD].sleeps = VQI_NUM(11); /* it was awake between */
	looks_diagnose(&looks);
	looks_none(&looks, VQI_EXIT_OK);
	looks_sleep_in(&looks, LOOKS_IOTHREAD, "futex");
	looks.threads[0][LOOKS_IOTHREAD].syscall = (char *)"pread64";
	looks_diagnose(&looks);
	looks_none(&looks, VQI_EXIT_OK);
	looks_sleep_in(&looks, LOOKS_IOTHREAD, "futex");
	looks_both_threads(&looks, LOOKS_IOTHREAD, sleeps, VQI_UNKNOWN);
	looks_diagnose(&looks);
	looks_none(&looks, VQI_EXIT_OK);
	looks_sleep_in(&looks, LOOKS_IOTHREAD, "futex");
	looks.earlier.loop_count = 0;
	looks_diagnose(&looks);
	looks_none(&looks, VQI_EXIT_OK);
	looks_diagnose_single(&looks);
	looks_none(&looks, VQI_EXIT_OK);
}
END_TEST

/* What a thread may sleep in, and whether the loop is in its poll then. */
START_TEST(test_polls)
{
	static const char *const polls[] = {"ppoll",	   "poll",	   "epoll_wait",
					    "epoll_pwait", "epoll_pwait2", "io_uring_enter",
					    "pselect6",	   "select"};

	for (size_t i = 0; i < sizeof(polls) / sizeof(polls[0]); i++) {
		looks_sleep_in(&looks, LOOKS_IOTHREAD, polls[i]);
		looks_diagnose(&looks);
		looks_none(&looks, VQI_EXIT_OK);
	}
	looks_both_threads(&looks, LOOKS_IOTHREAD, in_syscall, false);
	looks_both_threads(&looks, LOOKS_IOTHREAD, syscall, NULL);
	looks_diagnose(&looks); /* the kernel does not say */
	looks_none(&looks, VQI_EXIT_OK);
	looks_both_threads(&looks, LOOKS_IOTHREAD, in_fault, true);
	looks_summary(&looks, "event-loop-blocked", "waiting for a page of memory");
	looks_both_threads(&looks, LOOKS_IOTHREAD, state, 'T'); /* somebody stopped it */
	looks_diagnose(&looks);
	looks_none(&looks, VQI_EXIT_OK);
}
END_TEST

START_TEST(test_mutex)
{
	const struct vqi_finding *finding;

	looks_sleep_in(&looks, LOOKS_IOTHREAD, "futex");
	looks_both_threads(&looks, LOOKS_IOTHREAD, mutex_hva, VQI_NUM(0x5a5a0));
	looks_both_threads(&looks, LOOKS_IOTHREAD, mutex_owner,
			   VQI_NUM(LOOKS_FIRST_TID + LOOKS_VCPU));
	looks.later.target.bql_owner = VQI_NUM(LOOKS_FIRST_TID + LOOKS_VCPU);
	looks_diagnose(&looks);
	finding = looks_of_vm(&looks, "event-loop-blocked", LOOKS_CONFIRMED);
	looks_assert_says(finding, "waits for the mutex at 0x5a5a0, which thread 4244 holds");
	looks_assert_says(finding, "thread 4244, vCPU 0 (qemu-system-x86): state S in ioctl");
	looks_assert_says(finding, "the big QEMU lock is held by thread 4244");
}
END_TEST

/* A deadlock with itself: the chain of owners ends. */
START_TEST(test_mutex_cycle)
{
	looks_sleep_in(&looks, LOOKS_IOTHREAD, "futex");
	looks_both_threads(&looks, LOOKS_IOTHREAD, mutex_hva, VQI_NUM(0x5a5a0));
	looks_both_threads(&looks, LOOKS_IOTHREAD, mutex_owner,
			   VQI_NUM(LOOKS_FIRST_TID + LOOKS_IOTHREAD));
	looks_diagnose(&looks);
	looks_assert_says(looks_only(&looks, "event-loop-blocked"),
			  "which thread 4243 holds: that is itself");
	ck_assert_uint_lt(looks_only(&looks, "event-loop-blocked")->evidence_count, 6);
	/* Or of two. */
	looks_both_threads(&looks, LOOKS_IOTHREAD, mutex_owner, VQI_NUM(LOOKS_FIRST_TID));
	looks_both_threads(&looks, LOOKS_MAIN, mutex_hva, VQI_NUM(0x5a5a8));
	looks_both_threads(&looks, LOOKS_MAIN, mutex_owner,
			   VQI_NUM(LOOKS_FIRST_TID + LOOKS_IOTHREAD));
	looks_diagnose(&looks);
	ck_assert_uint_lt(looks_only(&looks, "event-loop-blocked")->evidence_count, 20);
}
END_TEST

START_TEST(test_nested)
{
	struct vqi_backend backend = {
		.kind = "block",
		.block = {.blk_hva = 0x5000, .in_flight = VQI_NUM(2), .quiesce = VQI_NUM(1)},
	};
	struct vqi_block_node node = {.node_name = (char *)"n0", .in_flight = VQI_NUM(1)};
	const struct vqi_finding *finding;

	looks.later.devices[LOOKS_BLK].backends = &backend;
	looks.later.devices[LOOKS_BLK].backend_count = 1;
	looks_sleep_in(&looks, LOOKS_MAIN, "ppoll");
	looks_both_loops(&looks, LOOKS_MAIN, nested, VQI_NUM(1));
	looks_diagnose(&looks);
	finding = looks_of_vm(&looks, "event-loop-blocked", LOOKS_CONFIRMED);
	looks_assert_summary(finding, "the main loop has not returned to its poll");
	looks_assert_summary(finding, "nested aio_poll()");
	looks_assert_says(finding, "notify_me");
	looks_assert_says(finding, "BlockBackend at 0x5000: 2 in flight, quiesce_counter 1");
	/* Somebody else's requests, of a job say, are on the disk's nodes only. */
	backend.block.in_flight = VQI_NUM(0);
	looks_diagnose(&looks);
	ck_assert(!looks_says(looks_only(&looks, "event-loop-blocked"), "BlockBackend"));
	backend.block.nodes = &node;
	backend.block.node_count = 1;
	looks_diagnose(&looks);
	looks_assert_says(looks_only(&looks, "event-loop-blocked"),
			  "node n0, driver -: in_flight 1");
	/* Who has the big lock polls. */
	looks.later.target.bql_owner = VQI_NUM(LOOKS_FIRST_TID + LOOKS_VCPU);
	looks_diagnose(&looks);
	looks_none(&looks, VQI_EXIT_OK);
	looks.later.target.bql_owner = VQI_NUM(LOOKS_FIRST_TID);
	looks_diagnose(&looks);
	looks_only(&looks, "event-loop-blocked");
	/* Now and then every main loop is there. */
	looks.threads[1][LOOKS_MAIN].sleeps.value++;
	looks_diagnose(&looks);
	looks_none(&looks, VQI_EXIT_OK);
}
END_TEST

/* A disk that is being made reads its partition table. */
START_TEST(test_nested_for_no_device)
{
	struct vqi_block_node node = {
		.node_name = (char *)"n9",
		.driver = (char *)"nbd",
		.bs_hva = 0x6000,
		.in_flight = VQI_NUM(2),
		.tracked = VQI_NUM(1),
	};

	looks.later.other_nodes = &node;
	looks.later.other_node_count = 1;
	looks_sleep_in(&looks, LOOKS_MAIN, "ppoll");
	looks_both_loops(&looks, LOOKS_MAIN, nested, VQI_NUM(1));
	looks_diagnose(&looks);
	looks_assert_says(looks_only(&looks, "event-loop-blocked"), "of no device in this report:");
	looks_assert_says(looks_only(&looks, "event-loop-blocked"),
			  "node n9, driver nbd: in_flight 2, tracked_requests 1 (at 0x6000)");
}
END_TEST

/* A handler or bottom half of it polls in turn: for the requests of a drain, say. */
START_TEST(test_nested_in_an_iothread)
{
	const struct vqi_finding *finding;

	looks_sleep_in(&looks, LOOKS_IOTHREAD, "ppoll");
	looks_both_loops(&looks, LOOKS_IOTHREAD, nested, VQI_NUM(1));
	looks_diagnose(&looks);
	finding = looks_of_vm(&looks, "event-loop-blocked", LOOKS_CONFIRMED);
	looks_assert_summary(finding, "the iothread io0 has not returned to its poll");
	looks_assert_summary(finding, "nested aio_poll()");
	looks_assert_says(finding, "AioContext.list_lock says that two aio_poll() are under way");
}
END_TEST

START_TEST(test_away_from_work)
{
	const struct vqi_finding *finding;

	set_request(104, 102, 102, 102);
	BLK(kick_pending, true);
	looks_sleep_in(&looks, LOOKS_IOTHREAD, "futex");
	looks.threads[1][LOOKS_IOTHREAD].sleeps.value++;
	looks_diagnose(&looks);
	finding = looks_of_vm(&looks, "event-loop-blocked", LOOKS_CONFIRMED);
	looks_assert_says(finding, "waits for it: blk0 queue 0, 2 not taken, its kick pending");
	looks_assert_says(finding, "away in both looks");
	/* Nobody told it; or it has been at another of its queues. */
	BLK(kick_pending, false);
	looks_diagnose(&looks);
	looks_of_disk(&looks, "device-not-notified", LOOKS_CONFIRMED);
	BLK(kick_pending, true);
	BLK(loop, VQI_NUM(LOOKS_MAIN));
	looks_sleep_in(&looks, LOOKS_MAIN, "futex");
	looks.threads[1][LOOKS_MAIN].sleeps.value++;
	looks.queues[0][LOOKS_NET][LOOKS_TX].used_idx.value--;
	looks_diagnose(&looks);
	looks_of_disk(&looks, "kick-not-handled", LOOKS_CONFIRMED);
	looks.queues[0][LOOKS_NET][LOOKS_TX].used_idx.value++;
	looks_summary(&looks, "event-loop-blocked", "main loop");
	looks_sleep_in(&looks, LOOKS_MAIN, "ppoll");
	BLK(loop, VQI_NUM(LOOKS_IOTHREAD));
	/* Nothing waits that should not. */
	BLK(kind, VQI_KIND_RECEIVE);
	looks_diagnose(&looks);
	looks_none(&looks, VQI_EXIT_OK);
	BLK(kind, VQI_KIND_REQUEST);
	looks.later.devices[LOOKS_BLK].started = false;
	looks_diagnose(&looks);
	looks_none(&looks, VQI_EXIT_OK);
}
END_TEST

START_TEST(test_spinning)
{
	set_request(104, 102, 102, 102);
	looks_run(&looks, LOOKS_IOTHREAD, 125);
	looks_summary(&looks, "event-loop-blocked", "it runs, and does not look at its queues");
	looks_run(&looks, LOOKS_IOTHREAD, 124); /* less than half of the time */
	looks_diagnose(&looks);
	looks_of_disk(&looks, "device-not-notified", LOOKS_CANDIDATE);
	looks_both_threads(&looks, LOOKS_IOTHREAD, cpu_ms, VQI_UNKNOWN);
	looks_diagnose(&looks);
	looks_of_disk(&looks, "device-not-notified", LOOKS_CANDIDATE);
	/* A busy one turns. */
	looks_run(&looks, LOOKS_IOTHREAD, 250);
	looks.threads[1][LOOKS_IOTHREAD].sleeps.value++;
	looks_diagnose(&looks);
	looks_of_disk(&looks, "device-not-notified", LOOKS_CONFIRMED);
}
END_TEST

/* Nothing waits; but it has the big lock, which it should let go of. */
START_TEST(test_spinning_with_the_big_lock)
{
	looks_run(&looks, LOOKS_MAIN, 250);
	looks_diagnose(&looks);
	looks_none(&looks, VQI_EXIT_OK);
	looks.later.target.bql_owner = VQI_NUM(LOOKS_FIRST_TID);
	looks_diagnose(&looks);
	looks_none(&looks, VQI_EXIT_OK);
	looks.earlier.target.bql_owner = VQI_NUM(LOOKS_FIRST_TID);
	looks_diagnose(&looks);
	looks_of_vm(&looks, "event-loop-blocked", LOOKS_CANDIDATE);
	looks.queues[0][LOOKS_NET][LOOKS_TX].used_idx.value--; /* it works */
	looks_diagnose(&looks);
	looks_none(&looks, VQI_EXIT_OK);
}
END_TEST

START_TEST(test_asleep_on_work)
{
	looks_sleep_in(&looks, LOOKS_IOTHREAD, "epoll_wait");
	looks_both_loops(&looks, LOOKS_IOTHREAD, bottom_halves, VQI_NUM(2));
	looks_summary(&looks, "event-loop-blocked", "slept in its poll for 250 ms with work to do");
	looks_assert_says(looks_only(&looks, "event-loop-blocked"), "2 bottom halves (AioContext");
	looks.loops[0][LOOKS_IOTHREAD].bottom_halves = VQI_NUM(0); /* scheduled just now */
	looks_diagnose(&looks);
	looks_none(&looks, VQI_EXIT_OK);
	looks_both_loops(&looks, LOOKS_IOTHREAD, bottom_halves, VQI_NUM(0));
	looks_both_loops(&looks, LOOKS_IOTHREAD, coroutines, VQI_NUM(1));
	looks_diagnose(&looks);
	looks_assert_says(looks_only(&looks, "event-loop-blocked"), "not run: coroutines");
	looks_both_loops(&looks, LOOKS_IOTHREAD, bottom_halves, VQI_NUM(1));
	looks_diagnose(&looks);
	looks_assert_says(looks_only(&looks, "event-loop-blocked"),
			  "1 bottom half, and coroutines");
	looks.threads[1][LOOKS_IOTHREAD].sleeps.value++;
	looks_diagnose(&looks);
	looks_none(&looks, VQI_EXIT_OK);
}
END_TEST

/* One statement for the VM instead of one for every queue and loop. */
START_TEST(test_main_loop_explains_all)
{
	set_request(104, 104, 104, 101);
	looks_set(&looks, LOOKS_NET, LOOKS_TX, 104, 102, 102, 102);
	looks_sleep_in(&looks, LOOKS_MAIN, "futex");
	looks_sleep_in(&looks, LOOKS_IOTHREAD, "futex");
	looks_diagnose(&looks);
	looks_assert_summary(looks_of_vm(&looks, "event-loop-blocked", LOOKS_CONFIRMED),
			     "main loop");
}
END_TEST

/* An iothread explains only its own queues. */
START_TEST(test_iothread_explains_its_queues)
{
	set_request(104, 102, 102, 102);
	looks_set(&looks, LOOKS_NET, LOOKS_TX, 104, 104, 104, 101);
	looks_sleep_in(&looks, LOOKS_IOTHREAD, "futex");
	looks_diagnose(&looks);
	ck_assert_uint_eq(looks.diagnosis.finding_count, 2);
	ck_assert_str_eq(looks.diagnosis.findings[0].rule->id, "event-loop-blocked");
	ck_assert_str_eq(looks.diagnosis.findings[1].rule->id, "request-stuck-in-device");
	/* A loop that nobody uses may do what it likes. */
	BLK(loop, VQI_NUM(LOOKS_MAIN));
	set_request(100, 100, 100, 100);
	looks_set(&looks, LOOKS_NET, LOOKS_TX, 100, 100, 100, 100);
	looks_diagnose(&looks);
	looks_none(&looks, VQI_EXIT_OK);
}
END_TEST

/* A paused VM's main loop must still answer; that of one which is being saved need not, for a while. */
START_TEST(test_paused_vm)
{
	looks_sleep_in(&looks, LOOKS_MAIN, "futex");
	looks_sleep_in(&looks, LOOKS_IOTHREAD, "futex");
	looks.earlier.target.run_state = looks.later.target.run_state = (char *)"paused";
	looks_diagnose(&looks);
	ck_assert_uint_eq(looks.diagnosis.finding_count, 2);
	ck_assert_str_eq(looks.diagnosis.findings[0].rule->id, "event-loop-blocked");
	ck_assert_int_eq(looks.diagnosis.findings[0].severity, VQI_ERROR);
	ck_assert_str_eq(looks.diagnosis.findings[1].rule->id, "vm-paused");
	looks.earlier.target.run_state = looks.later.target.run_state = (char *)"save-vm";
	looks_diagnose(&looks);
	ck_assert_uint_eq(looks.diagnosis.finding_count, 2);
	ck_assert_int_eq(looks.diagnosis.findings[0].severity, VQI_WARNING);
	ck_assert_int_eq(looks.diagnosis.exit_status, VQI_EXIT_OK);
}
END_TEST

START_TEST(test_many_wait)
{
	struct vqi_queue queues[2][12];

	for (int when = 0; when < 2; when++) {
		for (unsigned int i = 0; i < 12; i++) {
			queues[when][i] = looks.queues[when][LOOKS_BLK][0];
			queues[when][i].index = i;
			queues[when][i].avail_idx.value += 2;
		}
		looks.devices[when][LOOKS_BLK].queues = queues[when];
		looks.devices[when][LOOKS_BLK].queue_count = 12;
	}
	looks_sleep_in(&looks, LOOKS_IOTHREAD, "futex");
	looks_diagnose(&looks);
	looks_assert_says(looks_only(&looks, "event-loop-blocked"), "blk0 queue 7, 2 not taken");
	ck_assert(!looks_says(looks_only(&looks, "event-loop-blocked"), "blk0 queue 8"));
	looks_assert_says(looks_only(&looks, "event-loop-blocked"), "and 4 queues more");
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("loop_rules");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_asleep_throughout);
	tcase_add_test(tcase, test_not_asleep_throughout);
	tcase_add_test(tcase, test_polls);
	tcase_add_test(tcase, test_mutex);
	tcase_add_test(tcase, test_mutex_cycle);
	tcase_add_test(tcase, test_nested);
	tcase_add_test(tcase, test_nested_for_no_device);
	tcase_add_test(tcase, test_nested_in_an_iothread);
	tcase_add_test(tcase, test_away_from_work);
	tcase_add_test(tcase, test_spinning);
	tcase_add_test(tcase, test_spinning_with_the_big_lock);
	tcase_add_test(tcase, test_asleep_on_work);
	tcase_add_test(tcase, test_main_loop_explains_all);
	tcase_add_test(tcase, test_iothread_explains_its_queues);
	tcase_add_test(tcase, test_paused_vm);
	tcase_add_test(tcase, test_many_wait);
	return unit_run("loop_rules", tcase);
}
