/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Looks at a target that has a process: it can be stopped, and its eventfds hold kicks. */
#include "observer.h"

#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fake_virtio.h"
#include "unit.h"

#define NUM 16

static struct fake_qemu *qemu;
static struct fake_device blk0, net0;
static struct ring_builder ring;
static struct vqi_process *process;
static struct vqi_observer *observer;
static struct vqi_snapshot *snapshot;
static pid_t child;
static int host_fd, guest_fd; /* eventfds, the child's too */

static void start_child(void)
{
	host_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	guest_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	ck_assert_int_gt(host_fd, 0);
	ck_assert_int_gt(guest_fd, 0);
	child = fork();
	ck_assert_int_ge(child, 0);
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	ck_assert_ok(vqi_process_open(child, &process));
}

static void end_child(void)
{
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

static void setup(void)
{
	start_child();
	qemu = fake_qemu_new(2);
	blk0 = fake_device(qemu, &(struct fake_device_options){.id = "blk0"});
	net0 = fake_device(qemu, &(struct fake_device_options){.id = "net0",
							       .type = "virtio-net-device",
							       .device_id = 1,
							       .queues = 3});
	fake_ring(qemu, &blk0, 0, &(struct ring_options){.num = NUM, .event_idx = true}, &ring);
	fake_set_notifier(qemu, &blk0, 0, VQI_F_VirtQueue_host_notifier, host_fd);
	fake_set_notifier(qemu, &blk0, 0, VQI_F_VirtQueue_guest_notifier, guest_fd);
	ck_assert_ok(vqi_observer_new(process, &qemu->qemu, &observer));
}

static void teardown(void)
{
	vqi_snapshot_free(take_ptr(snapshot));
	vqi_observer_free(take_ptr(observer));
	fake_qemu_free(take_ptr(qemu));
	vqi_process_close(take_ptr(process));
	end_child();
	close(host_fd);
	close(guest_fd);
}

static void look(enum vqi_stop_mode mode)
{
	vqi_snapshot_free(take_ptr(snapshot));
	ck_assert_ok(vqi_observer_look(observer, mode, &snapshot));
}

static const struct vqi_queue *queue(void)
{
	return &snapshot->devices[0].queues[0];
}

static void kick(int fd, uint64_t count)
{
	ck_assert_int_eq(write(fd, &count, sizeof(count)), sizeof(count));
}

static void publish(unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		ck_assert(ring_add(&ring, 1));
	ring_publish(&ring);
}

START_TEST(test_kick_pending)
{
	publish(2);
	look(VQI_STOP_AUTO);
	ck_assert(vqi_num_is(queue()->host_notifier_count, 0));
	ck_assert(vqi_num_is(queue()->guest_notifier_count, 0));
	kick(host_fd, 3);
	kick(guest_fd, 17);
	look(VQI_STOP_AUTO);
	ck_assert(vqi_num_is(queue()->host_notifier_count, 3));
	ck_assert(vqi_num_is(queue()->guest_notifier_count, 17));
	ck_assert_uint_eq(snapshot->capture.stopped_threads, 0);
}
END_TEST

/* QEMU has seen the index, while it polled say, and takes nothing. */
START_TEST(test_kick_pending_for_what_is_seen)
{
	publish(2);
	ck_assert(ring_look(&ring));
	fake_store(qemu, &blk0, 0, &ring);
	kick(host_fd, 1);
	look(VQI_STOP_AUTO);
	ck_assert(vqi_num_is(queue()->unseen, 0));
	ck_assert(vqi_num_is(queue()->host_notifier_count, 1));
}
END_TEST

/* A kick for which there is nothing to take is counted all the same. */
START_TEST(test_nothing_to_take)
{
	kick(host_fd, 1);
	look(VQI_STOP_AUTO);
	ck_assert(vqi_num_is(queue()->host_notifier_count, 1));
	ck_assert(queue()->kick_pending);
}
END_TEST

/* Buffers wait there for packets, and yet their kick is counted. */
START_TEST(test_receive_queue)
{
	struct ring_builder rx;

	fake_ring(qemu, &net0, 0, &(struct ring_options){.num = NUM, .event_idx = true}, &rx);
	fake_set_notifier(qemu, &net0, 0, VQI_F_VirtQueue_host_notifier, host_fd);
	ck_assert(ring_add(&rx, 1));
	ring_publish(&rx);
	look(VQI_STOP_AUTO);
	ck_assert(vqi_num_is(snapshot->devices[1].queues[0].unseen, 1));
	ck_assert(vqi_num_is(snapshot->devices[1].queues[0].host_notifier_count, 0));
}
END_TEST

START_TEST(test_no_eventfd)
{
	static const int fds[] = {0, 99, -1};

	publish(1);
	for (size_t i = 0; i < 3; i++) {
		fake_set_notifier(qemu, &blk0, 0, VQI_F_VirtQueue_host_notifier, fds[i]);
		look(VQI_STOP_AUTO);
		ck_assert(!queue()->host_notifier_count.known);
		ck_assert(vqi_num_is(queue()->guest_notifier_count, 0));
		ck_assert_uint_eq(snapshot->gap_count, 0);
	}
}
END_TEST

START_TEST(test_always)
{
	publish(2);
	look(VQI_STOP_ALWAYS);
	ck_assert_uint_eq(snapshot->capture.stopped_threads, 1);
	ck_assert_uint_gt(snapshot->capture.stopped_us, 0);
	ck_assert(snapshot->capture.consistent);
	ck_assert(queue()->consistent);
	ck_assert(vqi_num_is(queue()->unseen, 2));
	ck_assert_uint_eq(snapshot->devices[1].queue_count, 3);
}
END_TEST

/* On PCI such a queue never interrupts: Linux polls it, and leaves its event at 0. */
START_TEST(test_queue_without_a_vector)
{
	static const enum vqi_stop_mode modes[] = {VQI_STOP_AUTO, VQI_STOP_ALWAYS};

	publish(3);
	while (ring_pop(&ring))
		ring_complete(&ring, 0);
	fake_store(qemu, &blk0, 0, &ring);
	for (size_t i = 0; i < 2; i++) {
		fake_set(qemu, fake_queue(qemu, &blk0, 0), VQI_F_VirtQueue_vector, 1);
		look(modes[i]);
		ck_assert(vqi_num_is(queue()->unreaped, 3));
		fake_set(qemu, fake_queue(qemu, &blk0, 0), VQI_F_VirtQueue_vector, 0xffff);
		look(modes[i]);
		ck_assert(!queue()->unreaped.known);
	}
}
END_TEST

/* Each reading finds the queue elsewhere, with an inuse that is wrong. */
static void tear(struct vqi_fake_mem *fake, void *context)
{
	(void)fake;
	(void)context;
	while (ring_reap(&ring))
		;
	if (ring.taken.count)
		ring_complete(&ring, 0);
	publish(1);
	ck_assert(ring_pop(&ring));
	fake_store(qemu, &blk0, 0, &ring);
	fake_set(qemu, fake_queue(qemu, &blk0, 0), VQI_F_VirtQueue_inuse, ring.inuse + 1);
}

START_TEST(test_auto_stops_for_what_is_torn)
{
	look(VQI_STOP_AUTO);
	ck_assert_uint_eq(snapshot->capture.stopped_threads, 0);
	qemu->fake->before_read = tear;
	look(VQI_STOP_AUTO);
	ck_assert_uint_eq(snapshot->capture.stopped_threads, 1);
	ck_assert(queue()->consistent);
	ck_assert_uint_eq(queue()->inuse.value, ring.inuse + 1);
	ck_assert(!observer->devices[0].needs_cut);
}
END_TEST

START_TEST(test_never)
{
	look(VQI_STOP_NEVER);
	qemu->fake->before_read = tear;
	look(VQI_STOP_NEVER);
	ck_assert_uint_eq(snapshot->capture.stopped_threads, 0);
	ck_assert(!queue()->consistent);
	ck_assert(!snapshot->capture.consistent);
}
END_TEST

/* A debugger holds the target: the look is no worse than without a stop, and says so. */
START_TEST(test_traced_by_another)
{
	ck_assert_int_eq(ptrace(PTRACE_SEIZE, child, 0, 0), 0);
	look(VQI_STOP_AUTO);
	ck_assert_uint_eq(snapshot->gap_count, 0);
	qemu->fake->before_read = tear;
	look(VQI_STOP_AUTO);
	ck_assert(!queue()->consistent);
	ck_assert_uint_eq(snapshot->gap_count, 1);
	ck_assert_ptr_null(snapshot->gaps[0].device);
	ck_assert_str_eq(snapshot->gaps[0].what, "exact cut");
	/* Whoever insists is told. */
	vqi_snapshot_free(take_ptr(snapshot));
	ck_assert_code(vqi_observer_look(observer, VQI_STOP_ALWAYS, &snapshot),
		       VQI_ERROR_PERMISSION);
}
END_TEST

/* All rings are other ones between two looks: the plans are made anew before the stop. */
START_TEST(test_new_rings)
{
	look(VQI_STOP_ALWAYS);
	fake_ring(qemu, &blk0, 0, &(struct ring_options){.num = NUM / 2, .event_idx = true}, &ring);
	publish(1);
	look(VQI_STOP_ALWAYS);
	ck_assert_uint_eq(queue()->num, NUM / 2);
	ck_assert(vqi_num_is(queue()->unseen, 1));
	ck_assert_uint_eq(snapshot->gap_count, 0);
}
END_TEST

static void resize(struct vqi_fake_mem *fake, void *context)
{
	(void)context;
	fake_set_vring(qemu, &blk0, 0, VQI_F_VRing_num, NUM / 2 + fake->calls % 8);
}

START_TEST(test_rings_never_the_same)
{
	look(VQI_STOP_ALWAYS);
	qemu->fake->before_read = resize;
	look(VQI_STOP_ALWAYS);
	ck_assert_uint_eq(snapshot->gap_count, 1);
	ck_assert_str_eq(snapshot->gaps[0].device, "blk0");
	ck_assert_uint_eq(snapshot->devices[0].queue_count, 0);
	ck_assert_uint_eq(snapshot->devices[1].queue_count, 3);
}
END_TEST

START_TEST(test_process_ends)
{
	publish(1);
	end_child();
	ck_assert_code(vqi_observer_look(observer, VQI_STOP_AUTO, &snapshot), VQI_ERROR_GONE);
	ck_assert_code(vqi_observer_look(observer, VQI_STOP_ALWAYS, &snapshot), VQI_ERROR_GONE);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("cut");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_kick_pending);
	tcase_add_test(tcase, test_kick_pending_for_what_is_seen);
	tcase_add_test(tcase, test_nothing_to_take);
	tcase_add_test(tcase, test_receive_queue);
	tcase_add_test(tcase, test_no_eventfd);
	tcase_add_test(tcase, test_always);
	tcase_add_test(tcase, test_queue_without_a_vector);
	tcase_add_test(tcase, test_auto_stops_for_what_is_torn);
	tcase_add_test(tcase, test_never);
	tcase_add_test(tcase, test_traced_by_another);
	tcase_add_test(tcase, test_new_rings);
	tcase_add_test(tcase, test_rings_never_the_same);
	tcase_add_test(tcase, test_process_ends);
	return unit_run("cut", tcase);
}
