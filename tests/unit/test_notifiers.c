/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kicks and interrupts in eventfds: of this very process. */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "evidence.h"
#include "target_process.h"
#include "unit.h"

#define DEVICES 2
#define QUEUES	2

static struct vqi_observer observer;
static struct vqi_queue queues[DEVICES][QUEUES];
static struct vqi_device devices[DEVICES];
static struct vqi_snapshot snapshot;
static int host_fd, guest_fd; /* of the first queue */

static int make_eventfd(unsigned int count)
{
	int fd = eventfd(count, EFD_NONBLOCK | EFD_CLOEXEC);

	ck_assert_int_gt(fd, 0);
	return fd;
}

/* Rings, or drains for 0. */
static void set_count(int fd, uint64_t count)
{
	eventfd_t old;

	eventfd_read(fd, &old);
	ck_assert_int_eq(eventfd_write(fd, count), 0);
}

static void setup(void)
{
	ck_assert_ok(vqi_process_open(getpid(), &observer.process));
	host_fd = make_eventfd(0);
	guest_fd = make_eventfd(0);
	snapshot = (struct vqi_snapshot){.devices = devices, .device_count = DEVICES};
	for (unsigned int i = 0; i < DEVICES; i++) {
		devices[i] = (struct vqi_device){.queues = queues[i], .queue_count = QUEUES};
		for (unsigned int j = 0; j < QUEUES; j++)
			queues[i][j] = (struct vqi_queue){.index = j, .desc_gpa = 0x1000};
	}
	queues[0][0].host_notifier_fd = VQI_NUM(host_fd);
	queues[0][0].guest_notifier_fd = VQI_NUM(guest_fd);
}

static void teardown(void)
{
	vqi_process_close(observer.process);
	close(host_fd);
	close(guest_fd);
}

/* As in a new look: nothing is known. */
static void begin(void)
{
	queues[0][0].kick_pending = queues[0][0].interrupt_pending = false;
	ck_assert_ok(vqi_evidence_begin_notifiers(&observer, &snapshot));
}

static void end(void)
{
	ck_assert_ok(vqi_evidence_end_notifiers(&observer, &snapshot));
}

/* What the kernel calls an eventfd. */
static long long id_of(int fd)
{
	char path[48], line[80];
	long long id = -1;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	file = fopen(path, "re");
	ck_assert_ptr_nonnull(file);
	while (fgets(line, sizeof(line), file))
		sscanf(line, "eventfd-id: %lld", &id);
	fclose(file);
	return id;
}

START_TEST(test_counts_and_ids)
{
	struct vqi_queue *queue = &queues[0][0];

	set_count(host_fd, 16);
	set_count(guest_fd, 3);
	begin();
	ck_assert(vqi_num_is(queue->host_notifier_count, 16));
	ck_assert(vqi_num_is(queue->guest_notifier_count, 3));
	ck_assert(vqi_num_is(queue->host_notifier_id, (uint64_t)id_of(host_fd)));
	ck_assert(vqi_num_is(queue->guest_notifier_id, (uint64_t)id_of(guest_fd)));
	ck_assert(!queue->kick_pending);
	ck_assert(!queue->interrupt_pending);
}
END_TEST

/* What is on its way for a moment is not what nobody reads. */
START_TEST(test_pending_all_through_the_look)
{
	static const unsigned int counts[] = {0, 1, 200};
	struct vqi_queue *queue = &queues[0][0];

	for (unsigned int i = 0; i < 3; i++) {
		for (unsigned int j = 0; j < 3; j++) {
			unsigned int first = counts[i], second = counts[j];

			set_count(host_fd, first);
			set_count(guest_fd, second);
			begin();
			set_count(host_fd, second);
			set_count(guest_fd, first);
			end();
			ck_assert(queue->kick_pending == (first && second));
			ck_assert(queue->interrupt_pending == (first && second));
			/* One that was empty is not looked at again. */
			ck_assert(vqi_num_is(queue->host_notifier_count, first ? second : 0));
			ck_assert(vqi_num_is(queue->guest_notifier_count, second ? first : 0));
		}
	}
}
END_TEST

/* Each of the two by itself. */
START_TEST(test_one_of_the_two)
{
	struct vqi_queue *queue = &queues[0][0];

	set_count(host_fd, 1);
	begin();
	end();
	ck_assert(queue->kick_pending);
	ck_assert(!queue->interrupt_pending);
	set_count(host_fd, 0);
	set_count(guest_fd, 1);
	begin();
	end();
	ck_assert(!queue->kick_pending);
	ck_assert(queue->interrupt_pending);
}
END_TEST

START_TEST(test_every_queue)
{
	int fds[DEVICES][QUEUES];

	for (unsigned int i = 0; i < DEVICES; i++) {
		for (unsigned int j = 0; j < QUEUES; j++) {
			fds[i][j] = make_eventfd(1 + i * QUEUES + j);
			queues[i][j].host_notifier_fd = VQI_NUM(fds[i][j]);
		}
	}
	devices[1].vhost = VQI_VHOST_KERNEL; /* its eventfds are the same */
	begin();
	end();
	for (unsigned int i = 0; i < DEVICES; i++) {
		for (unsigned int j = 0; j < QUEUES; j++) {
			ck_assert(vqi_num_is(queues[i][j].host_notifier_count, 1 + i * QUEUES + j));
			ck_assert(queues[i][j].kick_pending);
			close(fds[i][j]);
		}
	}
}
END_TEST

/* The driver has not set it up, or took it down. */
START_TEST(test_queue_that_is_not_set_up)
{
	queues[0][0].desc_gpa = 0;
	set_count(host_fd, 1);
	begin();
	end();
	ck_assert(!queues[0][0].host_notifier_count.known);
	ck_assert(!queues[0][0].host_notifier_id.known);
	ck_assert(!queues[0][0].kick_pending);
}
END_TEST

/* A descriptor that is unknown, not open, or of something else. */
START_TEST(test_no_eventfd)
{
	int pipe_fds[2];

	ck_assert_int_eq(pipe(pipe_fds), 0);
	queues[0][0].host_notifier_fd = VQI_UNKNOWN;
	queues[0][1].host_notifier_fd = VQI_NUM(pipe_fds[0]);
	queues[1][0].host_notifier_fd = VQI_NUM(1000000);
	set_count(guest_fd, 5);
	begin();
	end();
	for (unsigned int i = 0; i < 3; i++) {
		const struct vqi_queue *queue = &queues[i / 2][i % 2];

		ck_assert(!queue->host_notifier_count.known);
		ck_assert(!queue->host_notifier_id.known);
		ck_assert(!queue->kick_pending);
	}
	/* That of the same queue is read all the same. */
	ck_assert(queues[0][0].interrupt_pending);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}
END_TEST

/* The number was given to something else, or to nothing, in between. */
START_TEST(test_closed_meanwhile)
{
	int pipe_fds[2];

	ck_assert_int_eq(pipe(pipe_fds), 0);
	set_count(host_fd, 5);
	set_count(guest_fd, 5);
	begin();
	ck_assert(queues[0][0].host_notifier_count.known);
	close(host_fd);
	ck_assert_int_eq(dup2(pipe_fds[0], guest_fd), guest_fd);
	end();
	ck_assert(!queues[0][0].host_notifier_count.known);
	ck_assert(!queues[0][0].kick_pending);
	ck_assert(!queues[0][0].guest_notifier_count.known);
	ck_assert(!queues[0][0].interrupt_pending);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}
END_TEST

START_TEST(test_no_process)
{
	struct vqi_observer none = {0};

	set_count(host_fd, 5);
	ck_assert_ok(vqi_evidence_begin_notifiers(&none, &snapshot));
	ck_assert_ok(vqi_evidence_end_notifiers(&none, &snapshot));
	ck_assert(!queues[0][0].host_notifier_count.known);
	ck_assert(!queues[0][0].kick_pending);
}
END_TEST

START_TEST(test_process_ends)
{
	struct vqi_observer other = {0};
	struct test_target target;
	int fd;

	vqi_target_start(&target);
	fd = (int)vqi_target_ask(&target, "eventfd 7");
	ck_assert_ok(vqi_process_open(target.pid, &other.process));
	queues[0][0].host_notifier_fd = VQI_NUM(fd);
	queues[0][0].guest_notifier_fd = VQI_UNKNOWN;
	ck_assert_ok(vqi_evidence_begin_notifiers(&other, &snapshot));
	ck_assert(vqi_num_is(queues[0][0].host_notifier_count, 7));
	vqi_target_end(&target);
	ck_assert_code(vqi_evidence_end_notifiers(&other, &snapshot), VQI_ERROR_GONE);
	ck_assert(!queues[0][0].kick_pending);
	ck_assert_code(vqi_evidence_begin_notifiers(&other, &snapshot), VQI_ERROR_GONE);
	vqi_process_close(other.process);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("notifiers");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_counts_and_ids);
	tcase_add_test(tcase, test_pending_all_through_the_look);
	tcase_add_test(tcase, test_one_of_the_two);
	tcase_add_test(tcase, test_every_queue);
	tcase_add_test(tcase, test_queue_that_is_not_set_up);
	tcase_add_test(tcase, test_no_eventfd);
	tcase_add_test(tcase, test_closed_meanwhile);
	tcase_add_test(tcase, test_no_process);
	tcase_add_test(tcase, test_process_ends);
	return unit_run("notifiers", tcase);
}
