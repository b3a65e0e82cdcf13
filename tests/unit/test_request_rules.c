/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rule about requests in the device: where they are. */
#include <check.h>
#include <string.h>

#include "looks.h"
#include "printed.h"
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

START_TEST(test_request_stuck)
{
	struct vqi_backend backend = {
		.kind = "block",
		.name = (char *)"d0",
		.node_name = (char *)"n0",
		.driver = (char *)"qcow2",
	};
	const struct vqi_finding *finding;

	looks.later.devices[LOOKS_BLK].backends = &backend;
	looks.later.devices[LOOKS_BLK].backend_count = 1;
	set_request(105, 104, 104, 101);
	looks_diagnose(&looks);
	finding = looks_of_disk(&looks, "request-stuck-in-device", LOOKS_CONFIRMED);
	ck_assert_ptr_eq(finding->queue, looks_request(&looks));
	ck_assert_ptr_nonnull(strstr(finding->summary, "3 requests taken"));
	ck_assert_ptr_nonnull(strstr(finding->summary, "250 ms"));
	looks_assert_says(finding, "block d0, node n0, driver qcow2");
	looks_assert_says(finding, "1 more published");
	looks_assert_says(finding, "no index moved over 250 ms");
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
	BLK(ring, VQI_RING_PACKED);
	BLK(unseen, VQI_NUM(0));
	looks_diagnose(&looks);
	ck_assert_ptr_nonnull(
		strstr(looks_of_disk(&looks, "request-stuck-in-device", LOOKS_CONFIRMED)->summary,
		       "3 descriptors"));
}
END_TEST

/* After a closer look. */
static void know_requests(struct vqi_request *requests, size_t count)
{
	set_request(5, 5, 5, 2);
	BLK(ring, VQI_RING_PACKED);
	BLK(unseen, VQI_NUM(0));
	looks_request(&looks)->requests = requests;
	looks_request(&looks)->request_count = count;
}

START_TEST(test_requests_that_are_known)
{
	struct vqi_frame frame = {.function = (char *)"null_co_preadv"};
	struct vqi_request requests[] = {
		{.head = 1, .ndescs = 2, .kind = "flush", .age = VQI_AGE_EXACT, .age_ms = 2000},
		{.head = 2,
		 .ndescs = 1,
		 .kind = "read",
		 .age = VQI_AGE_EXACT,
		 .age_ms = 312900,
		 .stack = {.frames = &frame, .count = 1}},
	};
	const struct vqi_finding *finding;

	know_requests(requests, 2);
	looks_diagnose(&looks);
	finding = looks_of_disk(&looks, "request-stuck-in-device", LOOKS_CONFIRMED);
	looks_assert_summary(finding, "2 requests taken and not completed, the oldest for 312 s");
	looks_assert_says(finding, "oldest: read: head 2, for 312 s; waits in null_co_preadv");
	looks_request(&looks)->request_count = 1; /* the oldest comes first now */
	looks_request(&looks)->in_flight = VQI_NUM(1);
	looks_diagnose(&looks);
	finding = looks_of_disk(&looks, "request-stuck-in-device", LOOKS_CONFIRMED);
	looks_assert_summary(finding, "1 request taken and not completed for 312 s");
	looks_assert_says(finding, "request: read: head 2, for 312 s");
}
END_TEST

START_TEST(test_requests_that_may_be_others)
{
	struct vqi_request requests[] = {{.head = 1, .kind = "flush"},
					 {.head = 2, .kind = "read", .is_candidate = true}};
	const struct vqi_finding *finding;

	know_requests(requests, 2);
	looks_diagnose(&looks);
	finding = looks_of_disk(&looks, "request-stuck-in-device", LOOKS_CONFIRMED);
	looks_assert_summary(
		finding, "requests of 3 descriptors taken and not completed for 250 ms or more");
	looks_assert_says(finding, "one of them: flush: head 1, for 250 ms or more");
}
END_TEST

/* A disk whose requests are known to be somewhere. */
static struct vqi_block_node nodes[2];
static struct vqi_backend backend;

static void set_up_block(void)
{
	nodes[0] = (struct vqi_block_node){
		.node_name = (char *)"format",
		.driver = (char *)"qcow2",
		.bs_hva = 0x6000,
		.in_flight = VQI_NUM(3),
		.tracked = VQI_NUM(2),
		.serialising = VQI_NUM(1),
	};
	nodes[1] = (struct vqi_block_node){
		.node_name = (char *)"protocol",
		.driver = (char *)"file",
		.filename = (char *)"/srv/web1.img",
		.bs_hva = 0x7000,
		.in_flight = VQI_NUM(1),
	};
	backend = (struct vqi_backend){
		.kind = "block",
		.block = {.blk_hva = 0x5000,
			  .in_flight = VQI_NUM(3),
			  .quiesce = VQI_NUM(0),
			  .iostatus = "ok",
			  .nodes = nodes,
			  .node_count = 2},
	};
	looks.later.devices[LOOKS_BLK].backends = &backend;
	looks.later.devices[LOOKS_BLK].backend_count = 1;
	set_request(104, 104, 104, 101);
}

START_TEST(test_in_the_block_layer)
{
	const struct vqi_finding *finding;

	set_up_block();
	looks_summary(&looks, "request-stuck-in-device", "in the block layer, node protocol");
	finding = looks_only(&looks, "request-stuck-in-device");
	looks_assert_says(finding,
			  "BlockBackend at 0x5000: 3 in flight, quiesce_counter 0, iostatus ok");
	looks_assert_says(
		finding,
		"node format, driver qcow2: in_flight 3, tracked_requests 2, 1 of them behind an overlapping one");
	looks_assert_says(finding, "node protocol, driver file, file /srv/web1.img: in_flight 1");
	/* Only the outer node has some. */
	nodes[1].in_flight = VQI_NUM(0);
	looks_summary(&looks, "request-stuck-in-device", "in the block layer, node format");
}
END_TEST

START_TEST(test_in_a_worker)
{
	struct vqi_thread threads[LOOKS_THREADS + 1];

	set_up_block();
	memcpy(threads, looks.threads[1], sizeof(looks.threads[1]));
	threads[LOOKS_THREADS] = (struct vqi_thread){
		.tid = 5000,
		.name = (char *)"worker",
		.state = 'D',
		.in_syscall = true,
		.syscall = (char *)"pwrite64",
		.file = (char *)"/srv/web1.img",
		.wchan = (char *)"rq_qos_wait",
	};
	looks.later.threads = threads;
	looks.later.thread_count = LOOKS_THREADS + 1;
	looks_summary(&looks, "request-stuck-in-device",
		      "a worker waits in pwrite64 on /srv/web1.img");
	looks_assert_says(looks_only(&looks, "request-stuck-in-device"),
			  "thread 5000 (worker): state D in pwrite64 on /srv/web1.img");
	looks_assert_says(looks_only(&looks, "request-stuck-in-device"), "rq_qos_wait");
	/* Another file is another disk's, and an event loop is no worker. */
	threads[LOOKS_THREADS].file = (char *)"/srv/other.img";
	looks_summary(&looks, "request-stuck-in-device", "in the block layer");
	threads[LOOKS_THREADS].file = (char *)"/srv/web1.img";
	threads[LOOKS_THREADS].role = (char *)"iothread io1";
	looks_summary(&looks, "request-stuck-in-device", "in the block layer");
}
END_TEST

START_TEST(test_many_workers)
{
	struct vqi_thread threads[6] = {0};
	const struct vqi_finding *finding;

	set_up_block();
	for (int i = 0; i < 6; i++)
		threads[i] = (struct vqi_thread){
			.tid = 5000 + i,
			.state = 'D',
			.in_syscall = true,
			.syscall = (char *)"pread64",
			.file = (char *)"/srv/web1.img",
		};
	looks.later.threads = threads;
	looks.later.thread_count = 2;
	looks_summary(&looks, "request-stuck-in-device", "2 workers wait for /srv/web1.img");
	looks.later.thread_count = 6;
	looks_summary(&looks, "request-stuck-in-device", "6 workers wait for /srv/web1.img");
	finding = looks_only(&looks, "request-stuck-in-device");
	looks_assert_says(finding, "thread 5003 (-): state D in pread64");
	ck_assert(!looks_says(finding, "thread 5004"));
	looks_assert_says(finding, "and 2 workers more on /srv/web1.img");
}
END_TEST

/* A thread that works on the file for another disk. */
START_TEST(test_worker_of_another_node)
{
	struct vqi_thread thread = {
		.tid = 5000,
		.state = 'D',
		.in_syscall = true,
		.syscall = (char *)"pread64",
		.syscall_args = {13},
		.file = (char *)"/srv/web1.img",
	};

	set_up_block();
	looks.later.threads = &thread;
	looks.later.thread_count = 1;
	looks_summary(&looks, "request-stuck-in-device", "a worker waits in pread64");
	nodes[1].fd = VQI_NUM(13);
	looks_summary(&looks, "request-stuck-in-device", "a worker waits in pread64");
	nodes[1].fd = VQI_NUM(12);
	looks_summary(&looks, "request-stuck-in-device", "in the block layer");
}
END_TEST

/* It has its turn now and then: of a queue of the group that moved one cannot say that it is stuck. */
START_TEST(test_throttle_group_that_lets_through)
{
	const struct vqi_finding *finding;
	struct vqi_backend other = {
		.kind = "block",
		.block = {.blk_hva = 0x8000, .throttle_group = (char *)"limits"},
	};

	set_up_block();
	backend.block.throttled = VQI_NUM(2);
	backend.block.throttle_group = (char *)"limits";
	looks.later.devices[LOOKS_NET].backends = &other;
	looks.later.devices[LOOKS_NET].backend_count = 1;
	looks_diagnose(&looks);
	finding = looks_of_disk(&looks, "request-stuck-in-device", LOOKS_CONFIRMED);
	ck_assert_has(finding->next_step, "limits of throttle group limits");
	looks.queues[0][LOOKS_NET][LOOKS_TX].used_idx.value--;
	looks_diagnose(&looks);
	finding = looks_of_disk(&looks, "request-stuck-in-device", LOOKS_CANDIDATE);
	looks_assert_says(finding, "throttle group limits lets requests through: net0 queue 1");
	other.block.throttle_group = (char *)"others";
	looks_diagnose(&looks);
	looks_of_disk(&looks, "request-stuck-in-device", LOOKS_CONFIRMED);
}
END_TEST

/* Somebody holds a thread that is needed for it. */
START_TEST(test_thread_is_stopped)
{
	set_request(104, 104, 104, 101);
	looks.threads[1][LOOKS_IOTHREAD].state = 't';
	looks_diagnose(&looks);
	looks_assert_says(looks_of_disk(&looks, "request-stuck-in-device", LOOKS_CANDIDATE),
			  "thread 4243, iothread io0 is stopped (state t)");
}
END_TEST

START_TEST(test_throttled)
{
	set_up_block();
	backend.block.throttled = VQI_NUM(2);
	backend.block.throttle_group = (char *)"limits";
	looks_summary(&looks, "request-stuck-in-device", "throttle group limits holds them back");
	looks_assert_says(looks_only(&looks, "request-stuck-in-device"),
			  "2 wait in throttle group limits");
	backend.block.throttled = VQI_NUM(0);
	nodes[0].throttled = VQI_NUM(1);
	looks_summary(&looks, "request-stuck-in-device", "throttle group - holds them back");
	nodes[0].throttle_group = (char *)"node-limits";
	looks_summary(&looks, "request-stuck-in-device", "throttle group node-limits holds");
	looks_assert_says(looks_only(&looks, "request-stuck-in-device"),
			  "node format: 1 wait in throttle group node-limits");
}
END_TEST

/* What of a BlockBackend is not known is not said. */
START_TEST(test_unknown_block_backend)
{
	set_up_block();
	backend.block.in_flight = VQI_UNKNOWN;
	backend.block.quiesce = VQI_UNKNOWN;
	looks_summary(&looks, "request-stuck-in-device", "");
	ck_assert(!looks_says(looks_only(&looks, "request-stuck-in-device"), "BlockBackend"));
}
END_TEST

START_TEST(test_drained)
{
	set_up_block();
	backend.block.quiesce = VQI_NUM(1);
	nodes[0].quiesce = VQI_NUM(2);
	looks_summary(&looks, "request-stuck-in-device", "the back end is drained");
	looks_assert_says(looks_only(&looks, "request-stuck-in-device"), "quiesce_counter 1");
	looks_assert_says(looks_only(&looks, "request-stuck-in-device"),
			  "node format is drained: quiesce_counter 2");
}
END_TEST

/* Where the thread that should complete it does not get to run, the host may be why. */
START_TEST(test_starved)
{
	set_request(104, 104, 104, 101);
	looks_run(&looks, LOOKS_IOTHREAD, 5);
	looks_diagnose(&looks);
	looks_of_disk(&looks, "request-stuck-in-device", LOOKS_CANDIDATE);
	looks_run(&looks, LOOKS_IOTHREAD, 200);
	looks_diagnose(&looks);
	looks_of_disk(&looks, "request-stuck-in-device", LOOKS_CONFIRMED);
}
END_TEST

/* A console's reader may take his time. */
START_TEST(test_console)
{
	set_request(104, 104, 104, 101);
	looks_both_devices(&looks, LOOKS_BLK, device_id, 3);
	looks_diagnose(&looks);
	looks_of_disk(&looks, "request-stuck-in-device", LOOKS_CANDIDATE);
}
END_TEST

START_TEST(test_served_by)
{
	set_request(104, 104, 104, 101);
	looks_diagnose(&looks);
	looks_assert_says(looks_only(&looks, "request-stuck-in-device"),
			  "the iothread io0 listens for its kicks");
	looks_assert_says(looks_only(&looks, "request-stuck-in-device"),
			  "thread 4243, iothread io0 (qemu-system-x86): state S in ppoll");
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("request_rules");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_request_stuck);
	tcase_add_test(tcase, test_send_stuck);
	tcase_add_test(tcase, test_packed_request_stuck);
	tcase_add_test(tcase, test_requests_that_are_known);
	tcase_add_test(tcase, test_requests_that_may_be_others);
	tcase_add_test(tcase, test_in_the_block_layer);
	tcase_add_test(tcase, test_in_a_worker);
	tcase_add_test(tcase, test_many_workers);
	tcase_add_test(tcase, test_worker_of_another_node);
	tcase_add_test(tcase, test_throttle_group_that_lets_through);
	tcase_add_test(tcase, test_thread_is_stopped);
	tcase_add_test(tcase, test_throttled);
	tcase_add_test(tcase, test_unknown_block_backend);
	tcase_add_test(tcase, test_drained);
	tcase_add_test(tcase, test_starved);
	tcase_add_test(tcase, test_console);
	tcase_add_test(tcase, test_served_by);
	return unit_run("request_rules", tcase);
}
