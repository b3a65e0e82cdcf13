/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers that the rules and the states share, derived from one queue. Pure. */
#ifndef VQI_DIAGNOSE_QUEUE_FACTS_H
#define VQI_DIAGNOSE_QUEUE_FACTS_H

#include "vqi/snapshot.h"

/* Whether no index of a queue, its own or QEMU's, moved between two consistent looks. */
bool vqi_queue_held_still(const struct vqi_queue *before, const struct vqi_queue *now);

enum vqi_kick { VQI_KICK_UNKNOWN, VQI_KICK_DUE, VQI_KICK_NOT_DUE };

/* Whether the driver was obliged to notify the device of what it has not seen.
 * Source: VirtIO 1.2, 2.7.13.4.1 and 2.8.21.3. */
enum vqi_kick vqi_queue_kick_due(const struct vqi_queue *queue);

#endif
