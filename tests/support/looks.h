/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two looks at a healthy VM, made by hand for the diagnosis: a test spoils what it is about. */
#ifndef VQI_TESTS_LOOKS_H
#define VQI_TESTS_LOOKS_H

#include "vqi/diagnose.h"
#include "vqi/snapshot.h"

/* The devices and their queues. */
enum { LOOKS_BLK, LOOKS_NET, LOOKS_DEVICES };
enum { LOOKS_RX, LOOKS_TX, LOOKS_CTRL, LOOKS_QUEUES };

/* The event loops: the card's and the disk's. Thread i is that of loop i; the last is a virtual CPU's. */
enum { LOOKS_MAIN, LOOKS_IOTHREAD, LOOKS_LOOPS };
enum { LOOKS_VCPU = LOOKS_LOOPS, LOOKS_THREADS };

#define LOOKS_FIRST_TID 4242

struct looks {
	struct vqi_snapshot earlier, later;
	struct vqi_device devices[2][LOOKS_DEVICES];
	struct vqi_queue queues[2][LOOKS_DEVICES][LOOKS_QUEUES]; /* the disk has but one */
	struct vqi_loop loops[2][LOOKS_LOOPS];
	struct vqi_thread threads[2][LOOKS_THREADS];
	struct vqi_vcpu vcpus[2][1];
	struct vqi_diagnosis diagnosis;
};

/* Everything is idle: all indices are 100, in rings of 16; the card's rx has 8 buffers posted. Both loops
 * sleep in their polls, and were awake between the looks. */
void looks_init(struct looks *looks);
void looks_done(struct looks *looks);

/* Diagnoses the later look, with or without the earlier one. Asserts success. */
void looks_diagnose(struct looks *looks);
void looks_diagnose_single(struct looks *looks);

/* The queue of the disk in the later look. */
struct vqi_queue *looks_request(struct looks *looks);

/* Sets all five indices of a queue in both looks, and what follows from them: of a split ring, as its
 * decoder does. */
void looks_set(struct looks *looks, int device, int queue, uint16_t avail, uint16_t shadow,
	       uint16_t last_avail, uint16_t used);

/* Asserts that there is exactly one finding, and returns it. */
const struct vqi_finding *looks_only(const struct looks *looks, const char *id);

/* Asserts that there is none, and what the exit status is. */
void looks_none(const struct looks *looks, enum vqi_exit exit_status);

/* The same, and what it is of: the disk, or the VM; and how sure it is. */
const struct vqi_finding *looks_of_disk(const struct looks *looks, const char *id,
					enum vqi_severity severity, enum vqi_confidence confidence);
const struct vqi_finding *looks_of_vm(const struct looks *looks, const char *id,
				      enum vqi_severity severity, enum vqi_confidence confidence);

#define LOOKS_CONFIRMED VQI_ERROR, VQI_CONFIRMED
#define LOOKS_CANDIDATE VQI_WARNING, VQI_CANDIDATE

/* Whether a line of evidence has a text in it; asserts that one has, or that the summary has. */
bool looks_says(const struct vqi_finding *finding, const char *text);
void looks_assert_says(const struct vqi_finding *finding, const char *text);
void looks_assert_summary(const struct vqi_finding *finding, const char *text);

/* Diagnoses, and asserts that the one finding's summary has a text. */
void looks_summary(struct looks *looks, const char *id, const char *text);

/* Sets a member of a queue in both looks. */
#define looks_both(looks, device, queue, member, value)                                            \
	((looks)->queues[0][device][queue].member = (looks)->queues[1][device][queue].member =     \
		 (value))

/* The same of a device, a loop and a thread. */
#define looks_both_devices(looks, device, member, value)                                           \
	((looks)->devices[0][device].member = (looks)->devices[1][device].member = (value))
#define looks_both_loops(looks, loop, member, value)                                               \
	((looks)->loops[0][loop].member = (looks)->loops[1][loop].member = (value))
#define looks_both_threads(looks, thread, member, value)                                           \
	((looks)->threads[0][thread].member = (looks)->threads[1][thread].member = (value))

/* The thread of a loop sleeps in a system call, and did so all the time between the looks. */
void looks_sleep_in(struct looks *looks, int loop, const char *syscall);

/* It is ready to run, and has not slept since the look before. */
void looks_about_to_run(struct looks *looks, int loop);

/* It runs in both looks, and used so much processor time between them. Units: ms. */
void looks_run(struct looks *looks, int loop, unsigned int cpu_ms);

#endif
