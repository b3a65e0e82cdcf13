/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two looks at a healthy VM, made by hand for the diagnosis: a test spoils what it is about. */
#ifndef VQI_TESTS_LOOKS_H
#define VQI_TESTS_LOOKS_H

#include "vqi/diagnose.h"
#include "vqi/snapshot.h"

/* The devices and their queues. */
enum { LOOKS_BLK, LOOKS_NET, LOOKS_DEVICES };
enum { LOOKS_RX, LOOKS_TX, LOOKS_CTRL, LOOKS_QUEUES };

struct looks {
	struct vqi_snapshot earlier, later;
	struct vqi_device devices[2][LOOKS_DEVICES];
	struct vqi_queue queues[2][LOOKS_DEVICES][LOOKS_QUEUES]; /* the disk has but one */
	struct vqi_diagnosis diagnosis;
};

/* Everything is idle: all indices are 100, in rings of 16; the card's rx has 8 buffers posted. */
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

/* Whether a line of evidence has a text in it. */
bool looks_says(const struct vqi_finding *finding, const char *text);

/* Sets a member of a queue in both looks. */
#define looks_both(looks, device, queue, member, value)                                            \
	((looks)->queues[0][device][queue].member = (looks)->queues[1][device][queue].member =     \
		 (value))

#endif
