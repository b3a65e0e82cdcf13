/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vqi/stop.h"

#include <check.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "status.h"
#include "target_process.h"
#include "unit.h"
#include "vqi/limits.h"

#define SPINNERS 3

static struct test_target target;
static struct vqi_process *process;
static struct vqi_stop *stop;
static uint64_t spins_address;
static pid_t inspector; /* a child that stops the target in our place */

static void setup(void)
{
	vqi_target_start(&target);
	ck_assert_ok(vqi_process_open(target.pid, &process));
	spins_address = vqi_target_ask(&target, "spins-address");
	stop = NULL;
}

/* Kills the inspector; harmless when there is none. */
static void end_inspector(void)
{
	if (inspector <= 0)
		return;
	kill(inspector, SIGKILL);
	ck_assert_int_eq(waitpid(inspector, NULL, 0), inspector);
	inspector = 0;
}

static void teardown(void)
{
	vqi_stop_release(stop);
	end_inspector(); /* before the target, whose end a tracer keeps from us */
	vqi_process_close(process);
	vqi_target_end(&target);
}

/* Threads of every kind; returns how many the target has then. */
static size_t start_threads(void)
{
	for (int i = 0; i < SPINNERS; i++)
		ck_assert_uint_gt(vqi_target_ask(&target, "spin %d", i), 0);
	ck_assert_uint_gt(vqi_target_ask(&target, "read"), 0);
	ck_assert_uint_gt(vqi_target_ask(&target, "futex"), 0);
	return 1 + SPINNERS + 2;
}

/* --- what must hold ------------------------------------------------------------------------ */

typedef void (*thread_func)(const char *status);

static void each_thread(thread_func func)
{
	struct vqi_tids tids;

	ck_assert_ok(vqi_process_threads(process, &tids));
	for (size_t i = 0; i < tids.count; i++) {
		struct vqi_error *error;
		char name[64], *status;

		snprintf(name, sizeof(name), "task/%d/status", tids.tids[i]);
		error = vqi_process_read_file(process, name, 65536, &status, NULL);
		if (error) { /* a thread that has ended */
			ck_assert_int_eq(error->code, VQI_ERROR_GONE);
			vqi_error_free(error);
			continue;
		}
		func(status);
		free(status);
	}
	vqi_tids_done(&tids);
}

static void assert_held(const char *status)
{
	ck_assert_uint_eq(vqi_status_number(status, "TracerPid", 10, 0), (uint64_t)getpid());
	ck_assert_int_eq(vqi_status_state(status), 't');
}

static void assert_free(const char *status)
{
	ck_assert_uint_eq(vqi_status_number(status, "TracerPid", 10, 99), 0);
	ck_assert_int_ne(vqi_status_state(status), 't');
}

static uint64_t read_counter(uint64_t addr)
{
	uint64_t value;

	ck_assert_ok(vqi_mem_read_uint(vqi_process_mem(process), addr, 8, &value));
	return value;
}

/* No counter of the target moves, for as long as some thousand readings take. */
static void assert_frozen(uint64_t addr, size_t count)
{
	uint64_t before[8];

	for (size_t i = 0; i < count; i++)
		before[i] = read_counter(addr + 8 * i);
	for (int round = 0; round < 2000; round++)
		for (size_t i = 0; i < count; i++)
			ck_assert_uint_eq(read_counter(addr + 8 * i), before[i]);
}

static void assert_running(void)
{
	each_thread(assert_free);
	ck_assert_uint_gt(vqi_target_ask(&target, "beat 0"), 0);
}

/* --- the ordinary course ------------------------------------------------------------------- */

START_TEST(test_stop_and_release)
{
	size_t threads = start_threads();

	ck_assert_ok(vqi_stop_seize(process, &stop));
	ck_assert_ok(vqi_stop_interrupt(stop));
	ck_assert_uint_eq(vqi_stop_thread_count(stop), threads);
	each_thread(assert_held);
	assert_frozen(spins_address, SPINNERS);
	vqi_stop_release(stop);
	stop = NULL;
	assert_running();
}
END_TEST

START_TEST(test_seize_stops_nothing)
{
	start_threads();
	ck_assert_ok(vqi_stop_seize(process, &stop));
	ck_assert_uint_gt(vqi_target_ask(&target, "beat 0"), 0);
	ck_assert_uint_gt(vqi_target_ask(&target, "beat 1"), 0);
	vqi_stop_release(stop);
	stop = NULL;
	assert_running();
}
END_TEST

START_TEST(test_resume_lets_go)
{
	start_threads();
	ck_assert_ok(vqi_stop_seize(process, &stop));
	ck_assert_ok(vqi_stop_interrupt(stop));
	vqi_stop_resume(stop);
	ck_assert(vqi_stop_was_exact(stop));
	assert_running();
	vqi_stop_resume(stop);
	assert_running();
}
END_TEST

START_TEST(test_stop_again)
{
	size_t threads = start_threads();

	ck_assert_ok(vqi_stop_seize(process, &stop));
	for (int round = 0; round < 200; round++) {
		ck_assert_ok(vqi_stop_interrupt(stop));
		ck_assert_uint_eq(vqi_stop_thread_count(stop), threads);
		ck_assert_ok(vqi_stop_interrupt(stop));
		each_thread(assert_held);
		vqi_stop_resume(stop);
	}
	ck_assert_uint_gt(vqi_target_ask(&target, "spin 5"), 0);
	ck_assert_ok(vqi_stop_interrupt(stop));
	ck_assert_uint_eq(vqi_stop_thread_count(stop), threads + 1);
	vqi_stop_resume(stop);
	assert_running();
	/* The blocked read was restarted each time, not interrupted. */
	ck_assert_uint_eq(vqi_target_ask(&target, "interrupted"), 0);
}
END_TEST

START_TEST(test_stopped_us)
{
	struct timespec before, after;
	int64_t passed_us;

	start_threads();
	ck_assert_ok(vqi_stop_seize(process, &stop));
	clock_gettime(CLOCK_MONOTONIC, &before);
	ck_assert_ok(vqi_stop_interrupt(stop));
	vqi_stop_resume(stop);
	clock_gettime(CLOCK_MONOTONIC, &after);
	passed_us =
		(after.tv_sec - before.tv_sec) * 1000000 + (after.tv_nsec - before.tv_nsec) / 1000;
	ck_assert_uint_gt(vqi_stop_stopped_us(stop), 0);
	ck_assert_uint_le(vqi_stop_stopped_us(stop), (uint64_t)passed_us + 1);
}
END_TEST

START_TEST(test_release_nothing)
{
	vqi_stop_release(NULL);
	ck_assert_ptr_null(stop);
}
END_TEST

/* --- threads come and go ------------------------------------------------------------------- */

/* What is created before, during and after the seize: nothing of it runs, nothing of it stays ours. */
static void stop_while_creating(const char *command, int rounds)
{
	uint64_t created_address = vqi_target_ask(&target, "created-address");

	vqi_target_ask(&target, "spin 0");
	ck_assert_uint_gt(vqi_target_ask(&target, "%s", command), 0);
	for (int round = 0; round < rounds; round++) {
		vqi_target_ask(&target, "created 5");
		ck_assert_ok(vqi_stop_seize(process, &stop));
		if (round % 2) /* more are created while the first are ours and run */
			vqi_target_ask(&target, "created 5");
		ck_assert_ok(vqi_stop_interrupt(stop));
		each_thread(assert_held);
		assert_frozen(created_address, 1);
		vqi_stop_release(stop);
		stop = NULL;
		each_thread(assert_free);
	}
	vqi_target_ask(&target, "created 5");
	ck_assert_uint_eq(vqi_target_ask(&target, "unchurn"), 1);
	assert_running();
}

START_TEST(test_threads_that_end_at_once)
{
	stop_while_creating("churn", 50);
}
END_TEST

START_TEST(test_threads_that_create_the_next)
{
	stop_while_creating("chain", 200);
}
END_TEST

START_TEST(test_many_threads)
{
	for (int i = 0; i < 300; i++)
		vqi_target_ask(&target, i % 2 ? "read" : "futex");
	vqi_target_ask(&target, "spin 0");
	ck_assert_ok(vqi_stop_seize(process, &stop));
	for (int i = 0; i < 600; i++)
		vqi_target_ask(&target, "read");
	ck_assert_ok(vqi_stop_interrupt(stop));
	ck_assert_uint_eq(vqi_stop_thread_count(stop), 902);
	each_thread(assert_held);
	vqi_stop_resume(stop);
	assert_running();
}
END_TEST

/* --- signals ------------------------------------------------------------------------------- */

/* Signals that arrive while the target is seized and while it is stopped: none is lost. */
START_TEST(test_signals_are_kept)
{
	start_threads();
	for (unsigned round = 0; round < 100; round++) {
		ck_assert_ok(vqi_stop_seize(process, &stop));
		ck_assert_int_eq(kill(target.pid, SIGUSR1), 0);
		ck_assert_ok(vqi_stop_interrupt(stop));
		each_thread(assert_held);
		vqi_stop_release(stop);
		stop = NULL;
		ck_assert_uint_eq(vqi_target_ask(&target, "signals %u", 2 * round + 1),
				  2 * round + 1);
		ck_assert_ok(vqi_stop_seize(process, &stop));
		ck_assert_ok(vqi_stop_interrupt(stop));
		ck_assert_int_eq(kill(target.pid, SIGUSR1), 0);
		each_thread(assert_held);
		vqi_stop_release(stop);
		stop = NULL;
		ck_assert_uint_eq(vqi_target_ask(&target, "signals %u", 2 * round + 2),
				  2 * round + 2);
	}
	assert_running();
}
END_TEST

/* A stop that came before, stays; and can be ended as ever. */
START_TEST(test_group_stop_before)
{
	start_threads();
	ck_assert_int_eq(kill(target.pid, SIGSTOP), 0);
	vqi_target_await_state(target.pid, target.pid, 'T');
	ck_assert_ok(vqi_stop_seize(process, &stop));
	ck_assert_ok(vqi_stop_interrupt(stop));
	each_thread(assert_held);
	vqi_stop_release(stop);
	stop = NULL;
	vqi_target_await_state(target.pid, target.pid, 'T');
	assert_frozen(spins_address, SPINNERS);
	ck_assert_int_eq(kill(target.pid, SIGCONT), 0);
	assert_running();
}
END_TEST

START_TEST(test_group_stop_while_seized)
{
	start_threads();
	ck_assert_ok(vqi_stop_seize(process, &stop));
	ck_assert_int_eq(kill(target.pid, SIGSTOP), 0);
	ck_assert_ok(vqi_stop_interrupt(stop));
	each_thread(assert_held);
	vqi_stop_release(stop);
	stop = NULL;
	vqi_target_await_state(target.pid, target.pid, 'T');
	ck_assert_int_eq(kill(target.pid, SIGCONT), 0);
	assert_running();
}
END_TEST

START_TEST(test_group_stop_while_stopped)
{
	start_threads();
	ck_assert_ok(vqi_stop_seize(process, &stop));
	ck_assert_ok(vqi_stop_interrupt(stop));
	ck_assert_int_eq(kill(target.pid, SIGSTOP), 0);
	each_thread(assert_held);
	vqi_stop_release(stop);
	stop = NULL;
	vqi_target_await_state(target.pid, target.pid, 'T');
	ck_assert_int_eq(kill(target.pid, SIGCONT), 0);
	assert_running();
}
END_TEST

START_TEST(test_continue_while_stopped)
{
	start_threads();
	ck_assert_int_eq(kill(target.pid, SIGSTOP), 0);
	vqi_target_await_state(target.pid, target.pid, 'T');
	ck_assert_ok(vqi_stop_seize(process, &stop));
	ck_assert_ok(vqi_stop_interrupt(stop));
	ck_assert_int_eq(kill(target.pid, SIGCONT), 0);
	assert_frozen(spins_address, SPINNERS);
	vqi_stop_release(stop);
	stop = NULL;
	assert_running();
}
END_TEST

static volatile sig_atomic_t our_signals;

static void count_our_signal(int number)
{
	(void)number;
	our_signals++;
}

static const int our_signal_numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};

/* A ^C to us waits until the target runs again. */
START_TEST(test_our_signals_wait)
{
	int number = our_signal_numbers[_i];
	struct sigaction action = {.sa_handler = count_our_signal}, old;

	start_threads();
	our_signals = 0;
	ck_assert_int_eq(sigaction(number, &action, &old), 0);
	ck_assert_ok(vqi_stop_seize(process, &stop));
	ck_assert_ok(vqi_stop_interrupt(stop));
	ck_assert_int_eq(kill(getpid(), number), 0);
	assert_frozen(spins_address, SPINNERS);
	ck_assert_int_eq(our_signals, 0);
	vqi_stop_resume(stop);
	ck_assert_int_eq(our_signals, 0);
	vqi_stop_release(stop);
	stop = NULL;
	while (!our_signals) /* Valgrind is late with it */
		sched_yield();
	ck_assert_int_eq(our_signals, 1);
	ck_assert_int_eq(sigaction(number, &old, NULL), 0);
	assert_running();
}
END_TEST

/* The end of a child of ours is announced, though a stop waits for the same signal. */
START_TEST(test_child_signal_is_not_lost)
{
	struct sigaction action = {.sa_handler = count_our_signal}, old;
	siginfo_t info;
	pid_t child;

	start_threads();
	ck_assert_ok(vqi_stop_seize(process, &stop));
	our_signals = 0;
	ck_assert_int_eq(sigaction(SIGCHLD, &action, &old), 0);
	child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0)
		_exit(0);
	ck_assert_int_eq(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
	ck_assert_ok(vqi_stop_interrupt(stop));
	vqi_stop_release(stop);
	stop = NULL;
	ck_assert_int_ge(our_signals, 1);
	ck_assert_int_eq(waitpid(child, NULL, 0), child);
	ck_assert_int_eq(sigaction(SIGCHLD, &old, NULL), 0);
}
END_TEST

/* Where SIGCHLD is ignored nothing announces a stop. */
START_TEST(test_child_signal_ignored)
{
	struct sigaction action = {.sa_handler = SIG_IGN}, old;

	start_threads();
	ck_assert_int_eq(sigaction(SIGCHLD, &action, &old), 0);
	ck_assert_ok(vqi_stop_seize(process, &stop));
	ck_assert_ok(vqi_stop_interrupt(stop));
	each_thread(assert_held);
	vqi_stop_release(stop);
	stop = NULL;
	ck_assert_int_eq(sigaction(SIGCHLD, &old, NULL), 0);
	assert_running();
}
END_TEST

/* --- ends ---------------------------------------------------------------------------------- */

/* Starts an inspector that does its part, says so, and stays until it is ended. Another process, as
 * in life: a tracer that is the target's parent too would take its end away from the test. */
static void start_inspector(bool (*part)(void))
{
	int channel[2];
	char byte;

	ck_assert_int_eq(pipe2(channel, O_CLOEXEC), 0);
	inspector = fork();
	ck_assert_int_ge(inspector, 0);
	if (inspector == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(channel[0]);
		if (!part() || write(channel[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(channel[1]);
	ck_assert_msg(read(channel[0], &byte, 1) == 1, "the inspector has failed");
	close(channel[0]);
}

static bool succeeds(struct vqi_error *error)
{
	bool success = !error;

	vqi_error_free(error);
	return success;
}

static bool fails(struct vqi_error *error, enum vqi_error_code code, const char *text)
{
	bool as_wanted = error && error->code == code && strstr(error->message, text);

	vqi_error_free(error);
	return as_wanted;
}

static bool seize(void)
{
	return succeeds(vqi_stop_seize(process, &stop));
}

static bool seize_and_interrupt(void)
{
	return seize() && succeeds(vqi_stop_interrupt(stop));
}

START_TEST(test_killed_inspector)
{
	start_threads();
	start_inspector(seize_and_interrupt);
	assert_frozen(spins_address, SPINNERS);
	end_inspector();
	assert_running();
}
END_TEST

START_TEST(test_traced_already)
{
	bool stopped = _i;
	char text[64], name[16];

	ck_assert_int_eq(prctl(PR_GET_NAME, name), 0);
	start_threads();
	start_inspector(stopped ? seize_and_interrupt : seize);
	snprintf(text, sizeof(text), "traced already, by %s (pid %d)", name, inspector);
	ck_assert_code_text(vqi_stop_seize(process, &stop), VQI_ERROR_PERMISSION, text);
	ck_assert_ptr_null(stop);
	if (!stopped) /* nor did we stop it */
		ck_assert_uint_gt(vqi_target_ask(&target, "beat 0"), 0);
	end_inspector();
	assert_running();
}
END_TEST

/* Ends the inspector once the test waits for it to go. */
static void *end_inspector_when_waited_for(void *path)
{
	char text[64] = "";

	while (strncmp(text, "230 0x0 ", 8) !=
	       0) { /* clock_nanosleep() of CLOCK_REALTIME, nanosleep() */
		FILE *file = fopen(path, "re");

		ck_assert_ptr_nonnull(file);
		ck_assert_ptr_nonnull(fgets(text, sizeof(text), file));
		fclose(file);
	}
	kill(inspector, SIGKILL);
	return NULL;
}

START_TEST(test_tracer_goes)
{
	pthread_t ender;
	char path[64];

	start_threads();
	start_inspector(seize);
	snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", gettid());
	ck_assert_int_eq(pthread_create(&ender, NULL, end_inspector_when_waited_for, path), 0);
	ck_assert_ok(vqi_stop_seize(process, &stop));
	pthread_join(ender, NULL);
	end_inspector();
	vqi_stop_release(take_ptr(stop));
	assert_running();
}
END_TEST

/* A tracer of one thread only, as strace -p TID is. */
START_TEST(test_one_thread_traced_already)
{
	pid_t tid;

	start_threads();
	tid = (pid_t)vqi_target_ask(&target, "read");
	ck_assert_int_eq(ptrace(PTRACE_SEIZE, tid, NULL, NULL), 0);
	ck_assert_code_text(vqi_stop_seize(process, &stop), VQI_ERROR_PERMISSION, "traced already");
	ck_assert_uint_gt(vqi_target_ask(&target, "beat 0"), 0);
	ck_assert_int_eq(ptrace(PTRACE_INTERRUPT, tid, NULL, NULL), 0);
	ck_assert_int_eq(waitpid(tid, NULL, __WALL), tid);
	ck_assert_int_eq(ptrace(PTRACE_DETACH, tid, NULL, NULL), 0);
	ck_assert_ok(vqi_stop_seize(process, &stop));
	ck_assert_ok(vqi_stop_interrupt(stop));
	each_thread(assert_held);
	vqi_stop_resume(stop);
	assert_running();
}
END_TEST

START_TEST(test_ourselves)
{
	struct vqi_process *ours;

	ck_assert_ok(vqi_process_open(getpid(), &ours));
	ck_assert_code(vqi_stop_seize(ours, &stop), VQI_ERROR_UNSUPPORTED);
	vqi_process_close(ours);
}
END_TEST

START_TEST(test_gone_before_seize)
{
	vqi_target_end(&target);
	ck_assert_code(vqi_stop_seize(process, &stop), VQI_ERROR_GONE);
	ck_assert_ptr_null(stop);
}
END_TEST

static bool kill_while_seized(void)
{
	if (!seize() || kill(target.pid, SIGKILL) != 0)
		return false;
	if (!fails(vqi_stop_interrupt(stop), VQI_ERROR_GONE, "has ended"))
		return false;
	vqi_stop_resume(stop);
	return fails(vqi_stop_interrupt(stop), VQI_ERROR_GONE, "");
}

/* vqi_target_end() finds out that the parent can reap the target while its tracer lives. */
START_TEST(test_killed_while_seized)
{
	start_threads();
	start_inspector(kill_while_seized);
	vqi_target_end(&target);
	ck_assert_code(vqi_process_check(process), VQI_ERROR_GONE);
}
END_TEST

static bool kill_while_stopped(void)
{
	if (!seize_and_interrupt() || kill(target.pid, SIGKILL) != 0)
		return false;
	vqi_stop_resume(stop);
	vqi_stop_release(stop);
	return true;
}

START_TEST(test_killed_while_stopped)
{
	start_threads();
	start_inspector(kill_while_stopped);
	vqi_target_end(&target);
	ck_assert_code(vqi_stop_seize(process, &stop), VQI_ERROR_GONE);
}
END_TEST

/* An execve(2) ends the other threads, and waits until we have taken notice of their ends. */
START_TEST(test_exec)
{
	start_threads();
	ck_assert_ok(vqi_stop_seize(process, &stop));
	ck_assert_int_eq(write(target.command_fd, "exec\n", 5), 5);
	vqi_target_await_state(target.pid, target.pid, 'D');
	ck_assert_ok(vqi_stop_interrupt(stop));
	vqi_stop_release(stop);
	stop = NULL;
	ck_assert_uint_eq(vqi_target_ask(&target, "ready"), 1);
	each_thread(assert_free);
}
END_TEST

static bool seize_as_nobody(void)
{
	return setresgid(65534, 65534, 65534) == 0 && setresuid(65534, 65534, 65534) == 0 &&
	       fails(vqi_stop_seize(process, &stop), VQI_ERROR_PERMISSION,
		     "it runs as uid 0, this program as uid 65534");
}

START_TEST(test_no_permission)
{
	start_threads();
	if (geteuid() != 0)
		return; /* only root can become someone else */
	start_inspector(seize_as_nobody);
	assert_running();
}
END_TEST

/* --- threads that cannot be stopped --------------------------------------------------------- */

START_TEST(test_uninterruptible_sleeper)
{
	size_t threads = start_threads();
	pid_t sleeper = (pid_t)vqi_target_ask(&target, "vfork");

	vqi_target_await_state(target.pid, sleeper, 'D');
	ck_assert_ok(vqi_stop_seize(process, &stop));
	ck_assert_ok(vqi_stop_interrupt(stop));
	ck_assert_uint_eq(vqi_stop_thread_count(stop), threads);
	assert_frozen(spins_address, SPINNERS);
	vqi_stop_resume(stop);
	ck_assert(vqi_stop_was_exact(stop));
	assert_running();
	ck_assert_uint_eq(vqi_target_ask(&target, "unvfork"), 1);
}
END_TEST

/* It wakes up while the others are stopped, and nobody can keep it from running. */
START_TEST(test_sleeper_wakes_up)
{
	pid_t sleeper = (pid_t)vqi_target_ask(&target, "vfork");
	pid_t child = (pid_t)vqi_target_ask(&target, "vfork-child");

	start_threads();
	vqi_target_await_state(target.pid, sleeper, 'D');
	ck_assert_ok(vqi_stop_seize(process, &stop));
	ck_assert_ok(vqi_stop_interrupt(stop));
	ck_assert_int_eq(kill(child, SIGKILL), 0);
	vqi_target_await_state(target.pid, sleeper, 0);
	vqi_stop_resume(stop);
	ck_assert(!vqi_stop_was_exact(stop));
	ck_assert_ok(vqi_stop_interrupt(stop));
	vqi_stop_resume(stop);
	ck_assert(vqi_stop_was_exact(stop));
	assert_running();
}
END_TEST

/* It goes to sleep after it was looked at: the stop does not wait for it, nor does it get away. */
START_TEST(test_sleeper_after_seize)
{
	size_t threads = start_threads();
	pid_t sleeper, child;

	ck_assert_ok(vqi_stop_seize(process, &stop));
	sleeper = (pid_t)vqi_target_ask(&target, "vfork");
	child = (pid_t)vqi_target_ask(&target, "vfork-child");
	vqi_target_await_state(target.pid, sleeper, 'D');
	ck_assert_ok(vqi_stop_interrupt(stop));
	ck_assert_uint_eq(vqi_stop_thread_count(stop), threads);
	ck_assert_int_eq(kill(child, SIGKILL), 0);
	vqi_target_await_state(target.pid, sleeper, 't');
	vqi_stop_resume(stop);
	ck_assert(vqi_stop_was_exact(stop));
	assert_running();
}
END_TEST

/* And sleeps on: the others run, and it is let go when it wakes up. */
START_TEST(test_sleeper_outlasts_stop)
{
	pid_t sleeper;

	start_threads();
	ck_assert_ok(vqi_stop_seize(process, &stop));
	sleeper = (pid_t)vqi_target_ask(&target, "vfork");
	vqi_target_ask(&target, "vfork-child");
	vqi_target_await_state(target.pid, sleeper, 'D');
	ck_assert_ok(vqi_stop_interrupt(stop));
	vqi_stop_resume(stop);
	ck_assert_uint_lt(vqi_stop_stopped_us(stop), VQI_STOP_TIMEOUT_MS * 1000);
	ck_assert_uint_gt(vqi_target_ask(&target, "beat 0"), 0);
	ck_assert_ok(vqi_stop_interrupt(stop));
	vqi_stop_resume(stop);
	ck_assert_uint_eq(vqi_target_ask(&target, "unvfork"), 1);
	vqi_target_await_state(target.pid, sleeper, 't');
	vqi_stop_release(stop);
	stop = NULL;
	vqi_target_await_state(target.pid, sleeper, 0);
	assert_running();
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("stop");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, test_stop_and_release);
	tcase_add_test(tcase, test_seize_stops_nothing);
	tcase_add_test(tcase, test_resume_lets_go);
	tcase_add_test(tcase, test_stop_again);
	tcase_add_test(tcase, test_stopped_us);
	tcase_add_test(tcase, test_release_nothing);
	tcase_add_test(tcase, test_threads_that_end_at_once);
	tcase_add_test(tcase, test_threads_that_create_the_next);
	tcase_add_test(tcase, test_many_threads);
	tcase_add_test(tcase, test_signals_are_kept);
	tcase_add_test(tcase, test_group_stop_before);
	tcase_add_test(tcase, test_group_stop_while_seized);
	tcase_add_test(tcase, test_group_stop_while_stopped);
	tcase_add_test(tcase, test_continue_while_stopped);
	tcase_add_loop_test(tcase, test_our_signals_wait, 0,
			    sizeof(our_signal_numbers) / sizeof(our_signal_numbers[0]));
	tcase_add_test(tcase, test_child_signal_is_not_lost);
	tcase_add_test(tcase, test_child_signal_ignored);
	tcase_add_test(tcase, test_killed_inspector);
	tcase_add_loop_test(tcase, test_traced_already, 0, 2);
	tcase_add_test(tcase, test_tracer_goes);
	tcase_add_test(tcase, test_one_thread_traced_already);
	tcase_add_test(tcase, test_ourselves);
	tcase_add_test(tcase, test_gone_before_seize);
	tcase_add_test(tcase, test_killed_while_seized);
	tcase_add_test(tcase, test_killed_while_stopped);
	tcase_add_test(tcase, test_exec);
	tcase_add_test(tcase, test_no_permission);
	tcase_add_test(tcase, test_uninterruptible_sleeper);
	tcase_add_test(tcase, test_sleeper_wakes_up);
	tcase_add_test(tcase, test_sleeper_after_seize);
	tcase_add_test(tcase, test_sleeper_outlasts_stop);
	return unit_run("stop", tcase);
}
