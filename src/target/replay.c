/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A recording instead of a process. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "process_private.h"
#include "recording.h"
#include "replay_log.h"

struct replay {
	struct vqi_reader reader; /* first, so that one can be made from the other */
	struct vqi_recording recording;
	struct vqi_replay_log log; /* the recording's */
};

static struct replay *of(struct vqi_reader *reader)
{
	return (struct replay *)reader;
}

static struct vqi_error *error_of(const struct vqi_entry *entry)
{
	struct vqi_unpack data = {.at = entry->data, .end = entry->data + entry->data_len};
	struct vqi_error *error = vqi_unpack_error(&data);

	return error ? error
		     : vqi_error_new(VQI_ERROR_BAD_DATA,
				     "an error in the recording makes no sense");
}

/* Errors: as when it was recorded; as of a file that is not there. */
static struct vqi_error *find_named(struct vqi_reader *reader, enum vqi_entry_kind kind,
				    const char *name, struct vqi_entry *ret_entry)
{
	const struct vqi_entry wanted = {
		.kind = kind, .key = (const uint8_t *)name, .key_len = (uint32_t)strlen(name)};

	if (!vqi_replay_find(&of(reader)->log, &wanted, ret_entry))
		return vqi_error_sys(ENOENT, "/proc/%d/%s in the recording", reader->pid, name);
	return ret_entry->ok ? NULL : error_of(ret_entry);
}

/* ---- files ---- */

static struct vqi_error *no_memory(void)
{
	return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
}

static struct vqi_error *copy_text(const struct vqi_entry *entry, char **ret_text)
{
	char *text = malloc((size_t)entry->data_len + 1);

	if (!text)
		return no_memory();
	if (entry->data_len)
		memcpy(text, entry->data, entry->data_len);
	text[entry->data_len] = '\0';
	*ret_text = text;
	return NULL;
}

static struct vqi_error *replay_file(struct vqi_reader *reader, const char *name, size_t max,
				     char **ret_text, size_t *ret_len)
{
	struct vqi_entry entry;
	struct vqi_error *error = find_named(reader, VQI_ENTRY_FILE, name, &entry);

	if (!error && entry.data_len > max)
		error = vqi_error_new(VQI_ERROR_LIMIT, "%s is longer than %zu bytes", name, max);
	if (!error)
		error = copy_text(&entry, ret_text);
	if (!error && ret_len)
		*ret_len = entry.data_len;
	return error;
}

static struct vqi_error *replay_link(struct vqi_reader *reader, const char *name, char **ret_text)
{
	struct vqi_entry entry;
	struct vqi_error *error = find_named(reader, VQI_ENTRY_LINK, name, &entry);

	return error ? error : copy_text(&entry, ret_text);
}

static struct vqi_error *replay_list(struct vqi_reader *reader, const char *name, size_t max,
				     int **ret_numbers, size_t *ret_count)
{
	struct vqi_unpack data;
	struct vqi_entry entry;
	struct vqi_error *error = find_named(reader, VQI_ENTRY_LIST, name, &entry);
	size_t count;
	int *numbers;

	if (error)
		return error;
	count = entry.data_len / 4;
	if (count > max)
		return vqi_error_new(VQI_ERROR_LIMIT, "more than %zu entries in %s", max, name);
	numbers = calloc(count + 1, sizeof(*numbers));
	if (!numbers)
		return no_memory();
	data = (struct vqi_unpack){.at = entry.data, .end = entry.data + entry.data_len};
	for (size_t i = 0; i < count; i++)
		numbers[i] = (int)vqi_unpack_u32(&data);
	*ret_numbers = numbers;
	*ret_count = count;
	return NULL;
}

static bool replay_exists(struct vqi_reader *reader, const char *name)
{
	struct vqi_entry entry;

	return !vqi_error_drop(find_named(reader, VQI_ENTRY_EXISTS, name, &entry)) &&
	       entry.data_len;
}

static struct vqi_error *replay_exe_path(struct vqi_reader *reader, char **ret_path)
{
	struct vqi_entry entry;
	struct vqi_error *error = find_named(reader, VQI_ENTRY_EXE, "", &entry);

	return error ? error : copy_text(&entry, ret_path);
}

static struct vqi_error *no_files(void)
{
	return vqi_error_new(VQI_ERROR_UNSUPPORTED, "there are no files in a recording");
}

static struct vqi_error *replay_open(struct vqi_reader *reader, const char *name, int flags,
				     int *ret_fd)
{
	(void)reader;
	(void)name;
	(void)flags;
	(void)ret_fd;
	return no_files();
}

static struct vqi_error *replay_open_mapped(struct vqi_reader *reader, const struct vqi_map *map,
					    int *ret_fd)
{
	(void)reader;
	(void)map;
	(void)ret_fd;
	return no_files();
}

static void replay_comm(struct vqi_reader *reader, pid_t pid, char ret_comm[16])
{
	const struct vqi_key key = vqi_key_number((uint64_t)pid);
	const struct vqi_entry wanted = {
		.kind = VQI_ENTRY_COMM, .key = key.bytes, .key_len = key.len};
	struct vqi_entry entry;

	memset(ret_comm, 0, 16);
	if (vqi_replay_find(&of(reader)->log, &wanted, &entry))
		memcpy(ret_comm, entry.data, entry.data_len < 15 ? entry.data_len : 15);
}

/* ---- memory, and the process itself ---- */

static struct vqi_error *replay_check(struct vqi_reader *reader)
{
	const struct vqi_replay_log *log = &of(reader)->log;
	struct vqi_entry entry;

	if (log->cursor >= log->end)
		return NULL;
	entry = vqi_log_entry(log->log, log->cursor);
	return entry.kind == VQI_ENTRY_CHECK ? error_of(&entry) : NULL;
}

static struct vqi_error *replay_readv(struct vqi_reader *reader, struct vqi_range *ranges,
				      size_t count)
{
	struct vqi_error *error = replay_check(reader);

	for (size_t i = 0; !error && i < count; i++)
		ranges[i].ok = vqi_replay_memory(&of(reader)->log, &ranges[i]);
	return error;
}

/* ---- time ---- */

static struct timespec replay_now(struct vqi_reader *reader, clockid_t clock)
{
	const struct vqi_key key = vqi_key_number((uint64_t)clock);
	const struct vqi_entry wanted = {
		.kind = VQI_ENTRY_CLOCK, .key = key.bytes, .key_len = key.len};
	struct timespec now = {0};
	struct vqi_unpack data;
	struct vqi_entry entry;

	if (!vqi_replay_find(&of(reader)->log, &wanted, &entry))
		return now;
	data = (struct vqi_unpack){.at = entry.data, .end = entry.data + entry.data_len};
	now.tv_sec = (time_t)(vqi_unpack_u64(&data) & INT64_MAX >> 24);
	now.tv_nsec = (long)(vqi_unpack_u32(&data) % 1000000000);
	return now;
}

static void replay_rest(struct vqi_reader *reader, uint64_t ns)
{
	(void)reader;
	(void)ns;
}

/* ---- looks and facts ---- */

static void begin_observer(struct vqi_reader *reader)
{
	(void)reader;
}

static void begin_look(struct vqi_reader *reader)
{
	vqi_replay_next_look(&of(reader)->log);
}

static bool has_look(const struct vqi_reader *reader)
{
	const struct replay *replay = (const struct replay *)reader;

	return replay->log.end < replay->log.log->count;
}

static void reserve(struct vqi_reader *reader, size_t bytes, size_t readings)
{
	(void)reader;
	(void)bytes;
	(void)readings;
}

static void hold(struct vqi_reader *reader, int step)
{
	(void)reader;
	(void)step;
}

static void note(struct vqi_reader *reader, enum vqi_fact fact, uint64_t key,
		 const struct vqi_pack *data, const struct vqi_error *error)
{
	(void)reader;
	(void)fact;
	(void)key;
	(void)data;
	(void)error;
}

static struct vqi_error *recall(struct vqi_reader *reader, enum vqi_fact fact, uint64_t number,
				struct vqi_unpack *ret_data)
{
	const struct vqi_key key = vqi_key_fact(fact, number);
	const struct vqi_entry wanted = {
		.kind = VQI_ENTRY_FACT, .key = key.bytes, .key_len = key.len};
	struct vqi_entry entry;

	if (!vqi_replay_find_fact(&of(reader)->log, &wanted, &entry))
		return vqi_error_new(VQI_ERROR_BAD_DATA, "it is not in the recording");
	if (!entry.ok)
		return error_of(&entry);
	*ret_data = (struct vqi_unpack){.at = entry.data, .end = entry.data + entry.data_len};
	return NULL;
}

static const struct vqi_record_ops record_ops = {
	.begin_observer = begin_observer,
	.begin_look = begin_look,
	.has_look = has_look,
	.reserve = reserve,
	.hold = hold,
	.note = note,
	.recall = recall,
};

static void replay_close(struct vqi_reader *reader)
{
	struct replay *replay = of(reader);

	vqi_recording_done(&replay->recording);
	vqi_replay_log_done(&replay->log);
	free(replay);
}

static const struct vqi_reader_ops replay_ops = {
	.read_file = replay_file,
	.read_link = replay_link,
	.list = replay_list,
	.exists = replay_exists,
	.exe_path = replay_exe_path,
	.open_mapped = replay_open_mapped,
	.open = replay_open,
	.readv = replay_readv,
	.check = replay_check,
	.comm = replay_comm,
	.now = replay_now,
	.rest = replay_rest,
	.close = replay_close,
	.record = &record_ops,
};

struct vqi_error *vqi_replay_reader(struct vqi_recording *recording, struct vqi_reader **ret_reader)
{
	struct replay *replay = calloc(1, sizeof(*replay));
	struct vqi_error *error;

	if (!replay)
		return no_memory();
	replay->recording = *recording;
	*recording = (struct vqi_recording){0};
	replay->reader = (struct vqi_reader){
		.ops = &replay_ops,
		.pid = replay->recording.pid,
		.start_time = replay->recording.start_time,
		.has_aliases = replay->recording.has_aliases,
		.dirfd = -1,
	};
	error = vqi_replay_log_init(&replay->log, &replay->recording.log);
	if (error) {
		replay_close(&replay->reader);
		return error;
	}
	*ret_reader = &replay->reader;
	return NULL;
}
