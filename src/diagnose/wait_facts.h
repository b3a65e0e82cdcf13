/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the requests of a block device wait for. Pure. */
#ifndef VQI_DIAGNOSE_WAIT_FACTS_H
#define VQI_DIAGNOSE_WAIT_FACTS_H

#include "vqi/diagnose.h"

/* The throttle group that some of a back end's requests wait in, "-" for one without a name; NULL: none. */
const char *vqi_throttle_group_of(const struct vqi_block *block);

/* The node farthest from the device that has requests; NULL: none has. */
const struct vqi_block_node *vqi_innermost_node(const struct vqi_block *block);

/* Whether a thread that is no event loop's works on a node's file, as those of a thread pool do. */
bool vqi_is_worker(const struct vqi_thread *thread, const struct vqi_block_node *node);

/* The first of those, and how many there are; NULL: none. */
const struct vqi_thread *vqi_find_workers(const struct vqi_snapshot *snapshot,
					  const struct vqi_block_node *node, size_t *ret_count);

/* A queue of a device in that throttle group that moved between the looks, and its device; NULL: none. */
const struct vqi_queue *vqi_find_let_through(const struct vqi_subject *subject, const char *group,
					     const struct vqi_device **ret_device);

#endif
