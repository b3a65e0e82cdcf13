/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vqi/record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "process_private.h"
#include "recorder.h"
#include "recording.h"
#include "vqi/cleanup.h"
#include "vqi/limits.h"

static const struct vqi_record_ops *record_of(const struct vqi_process *process)
{
	return process ? process->reader->ops->record : NULL;
}

/* ---- making one ---- */

struct vqi_error *vqi_record_begin(struct vqi_process *process, const struct timespec *opened)
{
	return vqi_recorder_new(process->reader, opened, &process->reader);
}

bool vqi_process_is_recorded(const struct vqi_process *process)
{
	return process && vqi_reader_is_recorder(process->reader);
}

void vqi_process_begin_observer(struct vqi_process *process)
{
	if (record_of(process))
		record_of(process)->begin_observer(process->reader);
}

void vqi_process_begin_look(struct vqi_process *process)
{
	if (record_of(process))
		record_of(process)->begin_look(process->reader);
}

bool vqi_process_has_look(const struct vqi_process *process)
{
	return !record_of(process) || record_of(process)->has_look(process->reader);
}

void vqi_process_reserve(struct vqi_process *process, size_t bytes, size_t readings)
{
	if (record_of(process))
		record_of(process)->reserve(process->reader, bytes, readings);
}

struct vqi_error *vqi_record_write(struct vqi_process *process, const char *path,
				   const struct vqi_pack *settings)
{
	if (!vqi_process_is_recorded(process))
		return vqi_error_new(VQI_ERROR_UNSUPPORTED, "nothing is recorded");
	return vqi_recorder_write(process->reader, path, settings);
}

/* ---- facts ---- */

void vqi_fact_begin(struct vqi_process *process)
{
	if (record_of(process))
		record_of(process)->hold(process->reader, 1);
}

void vqi_fact_end(struct vqi_process *process)
{
	if (record_of(process))
		record_of(process)->hold(process->reader, -1);
}

void vqi_fact_note(struct vqi_process *process, enum vqi_fact fact, uint64_t key,
		   const struct vqi_pack *data, const struct vqi_error *error)
{
	if (record_of(process))
		record_of(process)->note(process->reader, fact, key, data, error);
}

bool vqi_process_is_replay(const struct vqi_process *process)
{
	return record_of(process) && record_of(process)->recall;
}

struct vqi_error *vqi_fact_recall(struct vqi_process *process, enum vqi_fact fact, uint64_t key,
				  struct vqi_unpack *ret_data)
{
	return record_of(process)->recall(process->reader, fact, key, ret_data);
}

struct vqi_error *vqi_fact_error(const struct vqi_unpack *data, const char *what)
{
	if (!data->failed && data->at == data->end)
		return NULL;
	return vqi_error_new(VQI_ERROR_BAD_DATA, "what the recording says of %s makes no sense",
			     what);
}

/* ---- replaying one ---- */

struct vqi_error *vqi_replay_of(const uint8_t *bytes, size_t len, const char *name,
				struct vqi_process **ret_process, struct vqi_pack *ret_settings)
{
	vqi_cleanup(vqi_recording_done) struct vqi_recording recording = {0};
	vqi_cleanup(vqi_pack_done) struct vqi_pack settings = {0};
	struct vqi_error *error = vqi_recording_read(bytes, len, &recording);
	struct vqi_reader *reader;

	if (error)
		return vqi_error_prefix(error, "%s", name);
	settings = recording.settings;
	recording.settings = (struct vqi_pack){0};
	error = vqi_replay_reader(&recording, &reader);
	if (!error)
		error = vqi_process_of(reader, ret_process);
	if (error)
		return error;
	*ret_settings = settings;
	settings = (struct vqi_pack){0};
	return NULL;
}

/* Of a FIFO no end may ever come. */
static struct vqi_error *read_whole(const char *path, struct vqi_pack *ret_bytes)
{
	vqi_cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t got = 1;

	if (fd < 0)
		return vqi_error_file(errno, path);
	while (got) {
		vqi_pack_reserve(ret_bytes, 65536);
		if (ret_bytes->failed)
			return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
		got = read(fd, ret_bytes->data + ret_bytes->len, 65536);
		if (got < 0)
			return vqi_error_file(errno, path);
		ret_bytes->len += (size_t)got;
		if (ret_bytes->len > VQI_MAX_RECORDING_FILE)
			return vqi_error_new(VQI_ERROR_LIMIT,
					     "%s is longer than %d MiB, and so no recording", path,
					     VQI_MAX_RECORDING_FILE >> 20);
	}
	return NULL;
}

struct vqi_error *vqi_replay_open(const char *path, struct vqi_process **ret_process,
				  struct vqi_pack *ret_settings)
{
	vqi_cleanup(vqi_pack_done) struct vqi_pack bytes = {0};
	struct vqi_error *error = read_whole(path, &bytes);

	return error ? error
		     : vqi_replay_of(bytes.data, bytes.len, path, ret_process, ret_settings);
}
