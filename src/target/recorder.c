/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stands before what a process is read through, and writes down what comes from there. */
#include "recorder.h"

#include <stdlib.h>
#include <string.h>

#include "process_private.h"
#include "recording.h"

struct recorder {
	struct vqi_reader reader; /* first, so that one can be made from the other */
	struct vqi_reader *inner;
	struct vqi_log log;
	int held;      /* nothing is recorded while a fact is found out */
	size_t opened; /* entries before the first observer */
	bool has_observer;
};

static struct recorder *of(struct vqi_reader *reader)
{
	return (struct recorder *)reader;
}

/* ---- entries ---- */

static void add(struct recorder *recorder, enum vqi_entry_kind kind, const void *key,
		size_t key_len, const void *data, size_t data_len)
{
	const struct vqi_entry entry = {
		.kind = kind,
		.ok = true,
		.key = key,
		.key_len = (uint32_t)key_len,
		.data = data,
		.data_len = (uint32_t)data_len,
	};

	if (!recorder->held)
		vqi_log_add(&recorder->log, &entry);
}

static void add_error(struct recorder *recorder, enum vqi_entry_kind kind, const void *key,
		      size_t key_len, const struct vqi_error *error)
{
	vqi_cleanup(vqi_pack_done) struct vqi_pack data = {0};
	struct vqi_entry entry = {.kind = kind, .key = key, .key_len = (uint32_t)key_len};

	vqi_pack_error(&data, error);
	entry.data = data.data;
	entry.data_len = (uint32_t)data.len;
	if (!recorder->held)
		vqi_log_add(&recorder->log, &entry);
}

/* What is found under a name, or why nothing is. */
static void add_named(struct vqi_reader *reader, enum vqi_entry_kind kind, const char *name,
		      const void *data, size_t len, const struct vqi_error *error)
{
	if (error)
		add_error(of(reader), kind, name, strlen(name), error);
	else
		add(of(reader), kind, name, strlen(name), data, len);
}

/* ---- operations ---- */

static struct vqi_error *record_file(struct vqi_reader *reader, const char *name, size_t max,
				     char **ret_text, size_t *ret_len)
{
	struct vqi_reader *inner = of(reader)->inner;
	char *text = NULL;
	size_t len = 0;
	struct vqi_error *error = inner->ops->read_file(inner, name, max, &text, &len);

	add_named(reader, VQI_ENTRY_FILE, name, text, len, error);
	if (error)
		return error;
	*ret_text = text;
	if (ret_len)
		*ret_len = len;
	return NULL;
}

static struct vqi_error *record_link(struct vqi_reader *reader, const char *name, char **ret_text)
{
	struct vqi_reader *inner = of(reader)->inner;
	char *text = NULL;
	struct vqi_error *error = inner->ops->read_link(inner, name, &text);

	add_named(reader, VQI_ENTRY_LINK, name, text, text ? strlen(text) : 0, error);
	if (!error)
		*ret_text = text;
	return error;
}

static struct vqi_error *record_list(struct vqi_reader *reader, const char *name, size_t max,
				     int **ret_numbers, size_t *ret_count)
{
	struct vqi_reader *inner = of(reader)->inner;
	vqi_cleanup(vqi_pack_done) struct vqi_pack data = {0};
	int *numbers = NULL;
	size_t count = 0;
	struct vqi_error *error = inner->ops->list(inner, name, max, &numbers, &count);

	for (size_t i = 0; i < count; i++)
		vqi_pack_u32(&data, (uint32_t)numbers[i]);
	add_named(reader, VQI_ENTRY_LIST, name, data.data, data.len, error);
	if (error)
		return error;
	*ret_numbers = numbers;
	*ret_count = count;
	return NULL;
}

static bool record_exists(struct vqi_reader *reader, const char *name)
{
	struct vqi_reader *inner = of(reader)->inner;
	bool exists = inner->ops->exists(inner, name);

	add_named(reader, VQI_ENTRY_EXISTS, name, exists ? "1" : "", exists, NULL);
	return exists;
}

static struct vqi_error *record_exe_path(struct vqi_reader *reader, char **ret_path)
{
	struct vqi_reader *inner = of(reader)->inner;
	char *path = NULL;
	struct vqi_error *error = inner->ops->exe_path(inner, &path);

	add_named(reader, VQI_ENTRY_EXE, "", path, path ? strlen(path) : 0, error);
	if (!error)
		*ret_path = path;
	return error;
}

/* Files are no part of a recording: what is found out by them is. */
static struct vqi_error *record_open(struct vqi_reader *reader, const char *name, int flags,
				     int *ret_fd)
{
	struct vqi_reader *inner = of(reader)->inner;

	return inner->ops->open(inner, name, flags, ret_fd);
}

static struct vqi_error *record_open_mapped(struct vqi_reader *reader, const struct vqi_map *map,
					    int *ret_fd)
{
	struct vqi_reader *inner = of(reader)->inner;

	return inner->ops->open_mapped(inner, map, ret_fd);
}

static struct vqi_error *record_check(struct vqi_reader *reader)
{
	struct vqi_reader *inner = of(reader)->inner;
	struct vqi_error *error = inner->ops->check(inner);

	if (error)
		add_error(of(reader), VQI_ENTRY_CHECK, NULL, 0, error);
	return error;
}

static struct vqi_error *record_readv(struct vqi_reader *reader, struct vqi_range *ranges,
				      size_t count)
{
	struct recorder *recorder = of(reader);
	struct vqi_error *error = recorder->inner->ops->readv(recorder->inner, ranges, count);

	if (error)
		add_error(recorder, VQI_ENTRY_CHECK, NULL, 0, error);
	for (size_t i = 0; !error && !recorder->held && i < count; i++) {
		const struct vqi_key key = vqi_key_memory(ranges[i].addr, ranges[i].len);
		const struct vqi_entry entry = {
			.kind = VQI_ENTRY_MEMORY,
			.ok = ranges[i].ok,
			.key = key.bytes,
			.key_len = key.len,
			.data = ranges[i].buf,
			.data_len = ranges[i].ok ? (uint32_t)ranges[i].len : 0,
		};

		if (ranges[i].len)
			vqi_log_add(&recorder->log, &entry);
	}
	return error;
}

static void record_comm(struct vqi_reader *reader, pid_t pid, char ret_comm[16])
{
	struct vqi_reader *inner = of(reader)->inner;
	const struct vqi_key key = vqi_key_number((uint64_t)pid);

	inner->ops->comm(inner, pid, ret_comm);
	add(of(reader), VQI_ENTRY_COMM, key.bytes, key.len, ret_comm, strlen(ret_comm));
}

static void add_clock(struct recorder *recorder, clockid_t clock, const struct timespec *now)
{
	vqi_cleanup(vqi_pack_done) struct vqi_pack data = {0};
	const struct vqi_key key = vqi_key_number((uint64_t)clock);

	vqi_pack_u64(&data, (uint64_t)now->tv_sec);
	vqi_pack_u32(&data, (uint32_t)now->tv_nsec);
	add(recorder, VQI_ENTRY_CLOCK, key.bytes, key.len, data.data, data.len);
}

static struct timespec record_now(struct vqi_reader *reader, clockid_t clock)
{
	struct vqi_reader *inner = of(reader)->inner;
	struct timespec now = inner->ops->now(inner, clock);

	add_clock(of(reader), clock, &now);
	return now;
}

static void record_rest(struct vqi_reader *reader, uint64_t ns)
{
	struct vqi_reader *inner = of(reader)->inner;

	inner->ops->rest(inner, ns);
}

static void record_close(struct vqi_reader *reader)
{
	struct recorder *recorder = of(reader);

	recorder->inner->ops->close(recorder->inner);
	vqi_log_done(&recorder->log);
	free(recorder);
}

/* ---- looks and facts ---- */

static void begin_observer(struct vqi_reader *reader)
{
	struct recorder *recorder = of(reader);

	if (recorder->has_observer)
		vqi_log_cut(&recorder->log, recorder->opened);
	recorder->has_observer = true;
	recorder->opened = recorder->log.count;
}

static void begin_look(struct vqi_reader *reader)
{
	add(of(reader), VQI_ENTRY_LOOK, NULL, 0, NULL, 0);
}

static bool has_look(const struct vqi_reader *reader)
{
	(void)reader;
	return true;
}

static void reserve(struct vqi_reader *reader, size_t bytes, size_t readings)
{
	vqi_log_reserve(&of(reader)->log, bytes, readings);
}

static void hold(struct vqi_reader *reader, int step)
{
	of(reader)->held += step;
}

static void note(struct vqi_reader *reader, enum vqi_fact fact, uint64_t number,
		 const struct vqi_pack *data, const struct vqi_error *error)
{
	const struct vqi_key key = vqi_key_fact(fact, number);

	if (error)
		add_error(of(reader), VQI_ENTRY_FACT, key.bytes, key.len, error);
	else if (data->failed && !of(reader)->log.error)
		of(reader)->log.error = vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	else
		add(of(reader), VQI_ENTRY_FACT, key.bytes, key.len, data->data, data->len);
}

static const struct vqi_record_ops record_ops = {
	.begin_observer = begin_observer,
	.begin_look = begin_look,
	.has_look = has_look,
	.reserve = reserve,
	.hold = hold,
	.note = note,
};

static const struct vqi_reader_ops recorder_ops = {
	.read_file = record_file,
	.read_link = record_link,
	.list = record_list,
	.exists = record_exists,
	.exe_path = record_exe_path,
	.open_mapped = record_open_mapped,
	.open = record_open,
	.readv = record_readv,
	.check = record_check,
	.comm = record_comm,
	.now = record_now,
	.rest = record_rest,
	.close = record_close,
	.record = &record_ops,
};

struct vqi_error *vqi_recorder_new(struct vqi_reader *inner, const struct timespec *opened,
				   struct vqi_reader **ret_reader)
{
	struct recorder *recorder = calloc(1, sizeof(*recorder));

	if (!recorder)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	recorder->reader = *inner;
	recorder->reader.ops = &recorder_ops;
	recorder->inner = inner;
	add_clock(recorder, CLOCK_MONOTONIC, opened);
	*ret_reader = &recorder->reader;
	return NULL;
}

bool vqi_reader_is_recorder(const struct vqi_reader *reader)
{
	return reader->ops == &recorder_ops;
}

struct vqi_error *vqi_recorder_write(struct vqi_reader *reader, const char *path,
				     const struct vqi_pack *settings)
{
	struct recorder *recorder = of(reader);
	struct vqi_recording recording = {
		.pid = reader->pid,
		.start_time = reader->start_time,
		.has_aliases = reader->has_aliases,
		.settings = *settings,
	};

	recording.log = recorder->log; /* still the recorder's */
	if (recording.log.error)
		return vqi_error_new(recording.log.error->code, "%s", recording.log.error->message);
	return vqi_recording_write(&recording, path);
}
