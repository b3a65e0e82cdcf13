/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finding in a log what is asked for. */
#ifndef VQI_TARGET_REPLAY_LOG_H
#define VQI_TARGET_REPLAY_LOG_H

#include "log.h"
#include "vqi/mem.h"

struct vqi_replay_log {
	const struct vqi_log *log;
	size_t *sorted;	   /* numbers of entries, by kind, key, and number */
	bool *used;	   /* of each entry: facts that have been told */
	size_t begin, end; /* the entries of the look under way */
	size_t cursor;	   /* up to where it has been read */
	uint32_t longest;  /* of what was read of memory at once */
};

/* Owner: the log is to outlive it. Errors: NOMEM. */
struct vqi_error *vqi_replay_log_init(struct vqi_replay_log *replay,
				      const struct vqi_log *log) vqi_must_check;
void vqi_replay_log_done(struct vqi_replay_log *replay);

/* The next entry of this kind and key in the look under way, which is gone on to; else the last before; else the first
 * later. False: there is none at all. */
bool vqi_replay_find(struct vqi_replay_log *replay, const struct vqi_entry *wanted,
		     struct vqi_entry *ret_entry);

/* The first in the look under way that was not told yet; else the last up to there. */
bool vqi_replay_find_fact(struct vqi_replay_log *replay, const struct vqi_entry *wanted,
			  struct vqi_entry *ret_entry);

/* Fills a range: as it was read, or from pieces that were. False: not all of it is known, or it could not be read. */
bool vqi_replay_memory(struct vqi_replay_log *replay, const struct vqi_range *range);

/* Goes on to the next look, if there is one. */
void vqi_replay_next_look(struct vqi_replay_log *replay);

#endif
