/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The looks of a watch that a later one may have to be compared with: a few of the last second, and one before it. */
#ifndef VQI_CLI_PAST_H
#define VQI_CLI_PAST_H

#include <stddef.h>
#include <stdint.h>

#include "vqi/error.h"
#include "vqi/snapshot.h"

struct vqi_past_look {
	struct vqi_snapshot *snapshot;
	uint64_t time_ns;
};

struct vqi_past {
	struct vqi_past_look *looks; /* the last one last */
	size_t count;
};

/* Adds the last look, and forgets those that are not needed any more. Once the VM, or the process, has stopped or gone
 * on, all before are: what stood still then was not stuck.
 * Owner: the snapshot is the past's, also after a failure. Errors: NOMEM. */
struct vqi_error *vqi_past_add(struct vqi_past *past, struct vqi_snapshot *snapshot,
			       uint64_t time_ns) vqi_must_check;
void vqi_past_done(struct vqi_past *past);
VQI_DEFINE_CLEANUP_VALUE(struct vqi_past, vqi_past_done)

/* The last look; NULL: there is none. */
struct vqi_snapshot *vqi_past_last(const struct vqi_past *past);

/* The latest look that is VQI_SURE_MS older than now, and no brief one where the one that it is for is not; NULL: there is
 * none, so that nothing can be called stuck yet. */
const struct vqi_past_look *vqi_past_find(const struct vqi_past *past,
					  const struct vqi_snapshot *snapshot, uint64_t now_ns);

#endif
