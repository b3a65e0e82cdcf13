/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a file holds of a recording. */
#ifndef VQI_TARGET_RECORDING_H
#define VQI_TARGET_RECORDING_H

#include "log.h"
#include "reader.h"

struct vqi_recording {
	pid_t pid;
	uint64_t start_time;
	bool has_aliases;
	struct vqi_pack settings;
	struct vqi_log log;
};

void vqi_recording_done(struct vqi_recording *recording);
VQI_DEFINE_CLEANUP_VALUE(struct vqi_recording, vqi_recording_done)

/* Errors: SYS, LIMIT, NOMEM. Nothing of it is changed. */
struct vqi_error *vqi_recording_write(const struct vqi_recording *recording,
				      const char *path) vqi_must_check;

/* Errors: BAD_DATA, UNSUPPORTED, LIMIT, NOMEM. */
struct vqi_error *vqi_recording_read(const uint8_t *bytes, size_t len,
				     struct vqi_recording *ret_recording) vqi_must_check;

/* Reads a recording as a process. Owner: takes recording, also on failure. Errors: NOMEM. */
struct vqi_error *vqi_replay_reader(struct vqi_recording *recording,
				    struct vqi_reader **ret_reader) vqi_must_check;

/* The keys of entries. */
struct vqi_key {
	uint8_t bytes[12];
	uint32_t len;
};

struct vqi_key vqi_key_memory(uint64_t addr, size_t len);
struct vqi_key vqi_key_number(uint64_t number);
struct vqi_key vqi_key_fact(enum vqi_fact fact, uint64_t number);

#endif
