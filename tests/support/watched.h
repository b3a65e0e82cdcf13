/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A healthy sample that is looked at again and again, and the history of that. */
#ifndef VQI_TESTS_WATCHED_H
#define VQI_TESTS_WATCHED_H

#include "sample.h"
#include "vqi/history.h"

#define SECOND UINT64_C(1000000000)

struct watched {
	struct vqi_sample sample;
	struct vqi_history *history;
	uint64_t now;
	struct vqi_queue *queue; /* of the sample: a split ring of 256 */
};

extern struct watched watched;

/* For tcase_add_checked_fixture(). */
void watched_setup(void);
void watched_teardown(void);

/* A look, which is this much after the one before: what the queue's history is then. */
const struct vqi_queue_history *watched_look(uint64_t after_ns);

/* The driver publishes, the device completes. */
void watched_go_on(unsigned int published, unsigned int completed);

#endif
