/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stopping all threads of a target, as briefly as can be. Seize, stop, resume and release are
 * separate verbs, because only the time between stop and resume hurts the target.
 *
 * A stop is not free of effects: some system calls that a thread sleeps in return EINTR afterwards
 * (epoll_wait, io_getevents, semop and those of signal(7), "Interruption of system calls and library
 * functions by stop signals"). That cannot be avoided.
 *
 * Source: ptrace(2), PTRACE_SEIZE. Never ATTACH (sends SIGSTOP), never EXITKILL (our death must not
 * be the target's): when the tool dies in mid-stop, the kernel lets the threads run again. All verbs
 * are for the one thread of the tool that called vqi_stop_seize(): a tracer is a thread. */
#ifndef VQI_STOP_H
#define VQI_STOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vqi/error.h"
#include "vqi/process.h"
#include "vqi/registers.h"

struct vqi_stop;

/* Seizes every thread that the process has now, without stopping any. From here on a signal that a
 * thread gets stops it until the resume: interrupt next, and soon. All signals stay blocked until
 * vqi_stop_release(), SIGINT, SIGTERM, SIGHUP, SIGQUIT and SIGTSTP among them; but not SIGALRM, nor
 * those of a crash.
 * Another tracer is given 200 ms to go.
 * Errors: PERMISSION (the message names a tracer that is there already, and nothing was stopped),
 * GONE, SYS, LIMIT, UNSUPPORTED for ourselves. */
struct vqi_error *vqi_stop_seize(struct vqi_process *process,
				 struct vqi_stop **ret_stop) vqi_must_check;

/* The same for one thread alone: interrupt stops that, resume lets it go. */
struct vqi_error *vqi_stop_seize_thread(struct vqi_process *process, pid_t tid,
					struct vqi_stop **ret_stop) vqi_must_check;

/* Stops all seized threads, and those that appeared meanwhile: interrupts all first, then waits for
 * each. A signal that a thread was about to take is kept and given to it on resume; a thread that is
 * in a group-stop (SIGSTOP) stays in it. A thread that sleeps uninterruptibly (state D, on dead
 * storage say) cannot be stopped: it is not waited for; see vqi_stop_was_exact(). After a resume,
 * seizes all anew and stops again.
 * Stop: all threads of the target, until vqi_stop_resume(). No allocation between the first
 * interrupt and the return, but when hundreds of threads appeared since the seize.
 * Errors: GONE, LIMIT, SYS; PERMISSION. All threads run again then. */
struct vqi_error *vqi_stop_interrupt(struct vqi_stop *stop) vqi_must_check;

/* The registers of the thread that is stopped alone. No allocation.
 * Errors: BAD_DATA it did not stop, or has ended; UNSUPPORTED on this machine; SYS. */
struct vqi_error *vqi_stop_registers(struct vqi_stop *stop,
				     struct vqi_registers *ret_registers) vqi_must_check;

/* Lets all threads run again, with the signals that were kept, and detaches from them. Harmless when
 * nothing is stopped. A thread that fell into an uninterruptible sleep between seize and stop, and
 * does not wake up within VQI_STOP_TIMEOUT_MS, stays attached until it does and a verb is called, or
 * the tool ends. */
void vqi_stop_resume(struct vqi_stop *stop);

/* How many threads the last stop held. */
size_t vqi_stop_thread_count(const struct vqi_stop *stop);

/* From the first interrupt to the last resume of the last stop. Units: microseconds. */
uint64_t vqi_stop_stopped_us(const struct vqi_stop *stop);

/* Whether no thread has executed an instruction during the last stop; known after the resume. False
 * when one that could not be stopped woke up meanwhile: what was read is no exact cut then. */
bool vqi_stop_was_exact(const struct vqi_stop *stop);

/* Frees what was seized and not interrupted, without detaching: the kernel does that, and does not wake up the thread, when the
 * thread of ours that called vqi_stop_seize_thread() ends: kernel/ptrace.c exit_ptrace(). That is to be at once. */
void vqi_stop_abandon(struct vqi_stop *stop);

/* Resumes where needed, detaches from every thread, restores the signal mask (so that a SIGINT that
 * came meanwhile takes effect now) and frees. NULL is fine. */
void vqi_stop_release(struct vqi_stop *stop);
VQI_DEFINE_CLEANUP(struct vqi_stop *, vqi_stop_release)
#define vqi_cleanup_stop vqi_cleanup(vqi_stop_release)

#endif
