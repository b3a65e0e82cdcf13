/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which threads of a real process a look has, and what they are. */
#include <check.h>
#include <stdio.h>
#include <unistd.h>

#include "evidence.h"
#include "fake_loops.h"
#include "target_process.h"
#include "unit.h"

static struct fake_qemu *qemu;
static struct test_target target;
static struct vqi_observer observer;
static struct vqi_snapshot *snapshot;
static uint64_t iothread0;
static pid_t polls; /* a thread: that of io0 */

static void set_tid(pid_t tid)
{
	fake_set(qemu, iothread0, VQI_F_IOThread_thread_id, (uint32_t)tid);
}

static pid_t start(const char *command)
{
	pid_t tid = (pid_t)vqi_target_ask(&target, "%s", command);

	ck_assert_int_gt(tid, 0);
	vqi_target_await_state(target.pid, tid, 'S');
	return tid;
}

static void setup(void)
{
	uint64_t ctx;

	vqi_target_start(&target);
	polls = start("poll");
	qemu = fake_qemu_new(1);
	fake_main_loop(qemu);
	iothread0 = fake_iothread(qemu, "io0", 0, &ctx);
	set_tid(polls);
	observer = (struct vqi_observer){.qemu = &qemu->qemu};
	ck_assert_ok(vqi_process_open(target.pid, &observer.process));
	snapshot = NULL;
}

static void teardown(void)
{
	vqi_snapshot_free(snapshot);
	vqi_process_close(observer.process);
	fake_qemu_free(qemu);
	vqi_target_end(&target);
}

/* A look with one queue, in which nothing waits. */
static struct vqi_queue *begin(void)
{
	vqi_snapshot_free(snapshot);
	snapshot = vqi_snapshot_new();
	ck_assert_ptr_nonnull(snapshot);
	snapshot->devices = calloc(1, sizeof(*snapshot->devices));
	snapshot->device_count = 1;
	snapshot->devices[0].queues = calloc(1, sizeof(*snapshot->devices[0].queues));
	snapshot->devices[0].queue_count = 1;
	snapshot->devices[0].queues[0] = (struct vqi_queue){
		.kind = VQI_KIND_REQUEST,
		.avail_idx = VQI_NUM(100),
		.last_avail_idx = VQI_NUM(100),
		.unseen = VQI_NUM(0),
		.in_flight = VQI_NUM(0),
		.unreaped = VQI_NUM(0),
	};
	return &snapshot->devices[0].queues[0];
}

static void add_service(void)
{
	ck_assert_ok(vqi_evidence_add_service(&observer, snapshot));
}

static void look(void)
{
	begin();
	add_service();
}

static const struct vqi_thread *thread(pid_t tid)
{
	const struct vqi_thread *found = NULL;

	for (size_t i = 0; i < snapshot->thread_count; i++) {
		if (snapshot->threads[i].tid != tid)
			continue;
		ck_assert_msg(!found, "thread %d is there twice", tid);
		found = &snapshot->threads[i];
	}
	ck_assert_msg(found != NULL, "no thread %d", tid);
	return found;
}

static void assert_threads(size_t count)
{
	ck_assert_uint_eq(snapshot->thread_count, count);
}

START_TEST(test_threads_of_the_loops)
{
	start("read"); /* a worker, which is no loop's */
	look();
	ck_assert(vqi_num_is(snapshot->loops[0].tid, (uint64_t)target.pid));
	assert_threads(2);
	ck_assert_pstr_eq(thread(target.pid)->role, "main loop");
	ck_assert_pstr_eq(thread(polls)->role, "iothread io0");
	ck_assert_pstr_eq(thread(polls)->syscall, "ppoll");
	ck_assert_int_eq(thread(polls)->state, 'S');
}
END_TEST

/* Then whatever any thread does may be why. */
START_TEST(test_all_threads_where_something_waits)
{
	pid_t worker = start("read"), vcpu = start("futex");
	struct vqi_queue *queue;

	fake_vcpu(qemu, VQI_SYM_cpus, 3, (unsigned int)vcpu);
	for (int i = 0; i < 3; i++) {
		queue = begin();
		if (i == 0)
			queue->unreaped = VQI_NUM(1);
		else if (i == 1)
			queue->in_flight = VQI_NUM(1);
		else
			queue->avail_idx = VQI_NUM(101);
		add_service();
		assert_threads(4);
		ck_assert_pstr_eq(thread(target.pid)->role, "main loop");
		ck_assert_pstr_eq(thread(polls)->role, "iothread io0");
		ck_assert_pstr_eq(thread(vcpu)->role, "vCPU 3");
		ck_assert_ptr_null(thread(worker)->role);
		ck_assert_pstr_eq(thread(worker)->syscall, "read");
	}
}
END_TEST

/* Buffers to be filled wait as they should. */
START_TEST(test_parked_buffers_are_nothing_that_waits)
{
	struct vqi_queue *queue = begin();

	start("read");
	queue->kind = VQI_KIND_RECEIVE;
	queue->avail_idx = VQI_NUM(110);
	queue->in_flight = VQI_NUM(3);
	add_service();
	assert_threads(2);
	queue = begin();
	queue->kind = VQI_KIND_RECEIVE;
	queue->unreaped = VQI_NUM(1);
	add_service();
	assert_threads(3);
}
END_TEST

START_TEST(test_what_is_unknown_is_nothing_that_waits)
{
	struct vqi_queue *queue = begin();

	start("read");
	queue->avail_idx = queue->in_flight = queue->unreaped = VQI_UNKNOWN;
	add_service();
	assert_threads(2);
}
END_TEST

START_TEST(test_owner_of_the_big_lock)
{
	uint64_t lock = fake_symbol(qemu, VQI_SYM_qemu_global_mutex);
	pid_t vcpu = start("read");

	fake_vcpu(qemu, VQI_SYM_cpus, 0, (unsigned int)vcpu);
	fake_set(qemu, lock, VQI_F_QemuMutex_owner, (uint64_t)vcpu);
	look();
	assert_threads(3);
	ck_assert_pstr_eq(thread(vcpu)->role, "vCPU 0");
	fake_set(qemu, lock, VQI_F_QemuMutex_owner, (uint64_t)polls);
	look();
	assert_threads(2);
	fake_set(qemu, lock, VQI_F_QemuMutex_owner, 0);
	look();
	assert_threads(2);
}
END_TEST

/* Who holds what a loop waits for, and whom that one waits for. */
START_TEST(test_owners_of_mutexes)
{
	pid_t holds = (pid_t)vqi_target_ask(&target, "hold"), waits = start("lock"), first;
	char command[64];

	start("read");
	set_tid(waits);
	look();
	assert_threads(3);
	ck_assert(vqi_num_is(thread(waits)->mutex_owner, (uint64_t)holds));
	ck_assert_ptr_null(thread(holds)->role);

	snprintf(command, sizeof(command), "lock-word 2 %d 128", (int)waits);
	first = start(command);
	set_tid(first);
	look();
	assert_threads(4);
	ck_assert_pstr_eq(thread(first)->role, "iothread io0");
	ck_assert(vqi_num_is(thread(first)->mutex_owner, (uint64_t)waits));
	ck_assert(vqi_num_is(thread(waits)->mutex_owner, (uint64_t)holds));
	thread(holds);
}
END_TEST

/* An iothread that has ended, is not there yet, or makes no sense. */
START_TEST(test_threads_that_are_not_there)
{
	const pid_t tids[] = {(pid_t)vqi_target_ask(&target, "ended"), 0, -1, getpid()};

	for (size_t i = 0; i < sizeof(tids) / sizeof(tids[0]); i++) {
		set_tid(tids[i]);
		look();
		assert_threads(1);
		thread(target.pid);
		ck_assert_uint_eq(snapshot->loop_count, 2);
	}
	qemu->layout.fields[VQI_F_IOThread_thread_id].present = false;
	look();
	assert_threads(1);
}
END_TEST

START_TEST(test_no_loops_are_known)
{
	qemu->layout.symbols[VQI_SYM_qemu_aio_context].present = false;
	look();
	assert_threads(0);
	begin()->in_flight = VQI_NUM(1);
	add_service();
	assert_threads(2);
	ck_assert_ptr_null(thread(target.pid)->role);
}
END_TEST

START_TEST(test_process_ends)
{
	vqi_target_end(&target);
	for (int i = 0; i < 2; i++) {
		begin()->in_flight = VQI_NUM(i);
		ck_assert_code(vqi_evidence_add_service(&observer, snapshot), VQI_ERROR_GONE);
	}
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("service_threads");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_threads_of_the_loops);
	tcase_add_test(tcase, test_all_threads_where_something_waits);
	tcase_add_test(tcase, test_parked_buffers_are_nothing_that_waits);
	tcase_add_test(tcase, test_what_is_unknown_is_nothing_that_waits);
	tcase_add_test(tcase, test_owner_of_the_big_lock);
	tcase_add_test(tcase, test_owners_of_mutexes);
	tcase_add_test(tcase, test_threads_that_are_not_there);
	tcase_add_test(tcase, test_no_loops_are_known);
	tcase_add_test(tcase, test_process_ends);
	return unit_run("service_threads", tcase);
}
