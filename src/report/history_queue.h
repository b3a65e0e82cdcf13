/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The history of one queue. */
#ifndef VQI_REPORT_HISTORY_QUEUE_H
#define VQI_REPORT_HISTORY_QUEUE_H

#include "vqi/history.h"

/* Adds a look at the queue. Pure. */
void vqi_queue_history_add(struct vqi_queue_history *history, const struct vqi_queue *queue,
			   uint64_t now_ns);

/* Adds a look in which the queue's device could not be read. */
void vqi_queue_history_add_unread(struct vqi_queue_history *history, uint64_t now_ns);

#endif
