/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers that the rules and the states share, derived from one queue. Pure. */
#ifndef VQI_DIAGNOSE_QUEUE_FACTS_H
#define VQI_DIAGNOSE_QUEUE_FACTS_H

#include "vqi/snapshot.h"

/* Whether what the queue holds is work that somebody waits for. */
bool vqi_queue_is_awaited(const struct vqi_queue *queue);

/* Whether the driver was obliged to notify the device of what that has not taken: 1 or 0, or unknown.
 * Source: VirtIO 1.2, 2.7.10 and 2.8.10. */
struct vqi_num vqi_queue_kick_due(const struct vqi_queue *queue);

/* Whether the device was obliged to interrupt the driver for what it has completed since the place that
 * the driver asked for: 1 or 0. Where there is no such place it is known only of a driver that wants
 * no interrupts at all. Source: VirtIO 1.2, 2.7.7 and 2.8.10. */
struct vqi_num vqi_queue_interrupt_due(const struct vqi_queue *queue);

/* Whether a side that moved from old to new passed the event of the other.
 * Source: VirtIO 1.2, 2.7.7.2, vring_need_event(). */
bool vqi_need_event(uint64_t event, uint64_t new_idx, uint64_t old);

#endif
