/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Recordings: what was read of a process, in the order in which it was read, so that the same can be
 * read again where the process is not.
 *
 * A recorder stands between a process and all that reads it: memory, files of /proc, clocks. What
 * could not be read on another machine (the layout of QEMU, stacks as they were unwound, a stop) is
 * in it as what was found out: a fact. While a fact is found out, what is read for it is not recorded.
 *
 * In a replay a reading is answered by the next of the same kind in the look under way; where there
 * is none, as the one who reads is not of the version that recorded, by what was known of the same
 * file or the same bytes up to there, else by what was known later; else it cannot be read, as it may
 * happen with a process that lives. Nothing waits in a replay.
 *
 * A recording has what was read of QEMU's memory, and so may have what is secret in there. */
#ifndef VQI_RECORD_H
#define VQI_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vqi/error.h"
#include "vqi/pack.h"
#include "vqi/process.h"

/* ---- making a recording ---- */

/* Records what is read of a process from now on. opened is what CLOCK_MONOTONIC showed when its inspection began.
 * Owner: the process, of which nothing else changes. Errors: NOMEM. */
struct vqi_error *vqi_record_begin(struct vqi_process *process,
				   const struct timespec *opened) vqi_must_check;
bool vqi_process_is_recorded(const struct vqi_process *process);

/* To be called before an observer is made, each time: a new one reads anew what the one before knew,
 * and what that one saw is forgotten. In a replay, and where nothing is recorded, it does nothing. */
void vqi_process_begin_observer(struct vqi_process *process);

/* To be called before each look. A recorder marks it. In a replay, goes to the next look; see vqi_process_has_look(). */
void vqi_process_begin_look(struct vqi_process *process);

/* Whether there is one more look to take: in a replay as many as were recorded, else always. */
bool vqi_process_has_look(const struct vqi_process *process);

/* Makes room for what is recorded while the process is stopped, in which nothing is to be allocated. */
void vqi_process_reserve(struct vqi_process *process, size_t bytes, size_t readings);

/* Writes a file with what is recorded so far, readable for its owner alone: whole, or not at all. May be called at any
 * time, and again. settings is what the one who replays it is to know: see vqi_replay_open().
 * Errors: UNSUPPORTED nothing is recorded, LIMIT there was more than a recording can have, USAGE, SYS, NOMEM. */
struct vqi_error *vqi_record_write(struct vqi_process *process, const char *path,
				   const struct vqi_pack *settings) vqi_must_check;

/* ---- replaying one ---- */

/* Whether a file begins as a recording does; false where it cannot be read. */
bool vqi_is_recording(const char *path);

/* Opens a recording as if it were a process. ret_settings is as it was written; the caller frees it.
 * Errors: SYS, BAD_DATA it is no recording, or a damaged one, UNSUPPORTED it is of a newer version, or of another kind of
 * processor; LIMIT, NOMEM. */
struct vqi_error *vqi_replay_open(const char *path, struct vqi_process **ret_process,
				  struct vqi_pack *ret_settings) vqi_must_check;

/* The same of the bytes of a file; name is for messages. */
struct vqi_error *vqi_replay_of(const uint8_t *bytes, size_t len, const char *name,
				struct vqi_process **ret_process,
				struct vqi_pack *ret_settings) vqi_must_check;
bool vqi_process_is_replay(const struct vqi_process *process);

/* ---- facts ---- */

/* Numbers are those of the file. */
enum vqi_fact {
	VQI_FACT_IMAGE = 1,
	VQI_FACT_LAYOUT = 2,
	VQI_FACT_THREAD_PLACE = 3, /* key: the thread's id */
	VQI_FACT_STACKS = 4,
	VQI_FACT_STOP = 5,
	VQI_FACT_HEAP = 6,
	VQI_FACT_HOST = 7,
};

/* Begins to find out a fact; each begin has its end. Nothing is recorded meanwhile. */
void vqi_fact_begin(struct vqi_process *process);
void vqi_fact_end(struct vqi_process *process);

/* Records a fact, or why it could not be found out: error, which stays the caller's. */
void vqi_fact_note(struct vqi_process *process, enum vqi_fact fact, uint64_t key,
		   const struct vqi_pack *data, const struct vqi_error *error);

/* The next fact of this kind and key in the look under way; else the last before that. Owner: the process.
 * Errors: as when it was found out; BAD_DATA when there is none. */
struct vqi_error *vqi_fact_recall(struct vqi_process *process, enum vqi_fact fact, uint64_t key,
				  struct vqi_unpack *ret_data) vqi_must_check;

/* The error of a fact that has been taken apart: it had too few bytes, or too many. NULL when all was well. */
struct vqi_error *vqi_fact_error(const struct vqi_unpack *data, const char *what) vqi_must_check;

#endif
