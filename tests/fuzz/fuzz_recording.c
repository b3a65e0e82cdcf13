/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Recordings. The input is what is compressed in one: a checksum would keep a fuzzer out; and, as it is, the file. */
#include "fuzz.h"
#include "recording.h"
#include "vqi/heap.h"
#include "vqi/image.h"
#include "vqi/layout.h"
#include "vqi/pack.h"

#define MAX_READS 64

static void drop(struct vqi_error *error)
{
	vqi_error_free(error);
}

static void read_facts(struct vqi_process *process)
{
	vqi_cleanup(vqi_heap_done) struct vqi_heap heap = {0};
	struct vqi_layout *layout = calloc(1, sizeof(*layout));
	struct vqi_image image = {.fd = -1};

	if (!layout)
		abort();
	drop(vqi_image_open(process, &image));
	drop(vqi_layout_recall(process, VQI_IMAGE_QEMU, layout));
	drop(vqi_heap_recall(process, &heap));
	for (size_t i = 0; i < heap.count; i++)
		if (vqi_heap_find(&heap, heap.chunks[i].address) != &heap.chunks[i])
			abort();
	vqi_image_done(&image);
	free(layout);
}

static void read_files(struct vqi_process *process)
{
	static const char *const names[] = {"status", "maps", "task/1/syscall"};
	struct vqi_tids tids = {0};
	struct vqi_held held;
	char *path = NULL;
	bool has;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char *text = NULL;

		drop(vqi_process_read_file(process, names[i], 4096, &text, NULL));
		free(text);
	}
	drop(vqi_process_threads(process, &tids));
	drop(vqi_process_held(process, &held));
	drop(vqi_process_exe_path(process, &path));
	drop(vqi_process_has_userfaultfd(process, &has));
	vqi_process_now(process, CLOCK_MONOTONIC);
	vqi_tids_done(&tids);
	free(path);
}

/* All that there is of memory, and some bytes beyond. */
static void read_memory(struct vqi_process *process, const struct vqi_log *log)
{
	uint8_t bytes[256];

	for (size_t i = 0; i < log->count && i < MAX_READS; i++) {
		const struct vqi_entry entry = vqi_log_entry(log, i);
		struct vqi_unpack key = {.at = entry.key, .end = entry.key + entry.key_len};
		uint64_t address = vqi_unpack_u64(&key), len = vqi_unpack_u32(&key);

		if (entry.kind != VQI_ENTRY_MEMORY)
			continue;
		if (len <= sizeof(bytes))
			drop(vqi_mem_read(vqi_process_mem(process), address, bytes, len));
		drop(vqi_mem_read(vqi_process_mem(process), address + 1, bytes, 16));
	}
}

static void replay(struct vqi_recording *recording)
{
	vqi_cleanup_process struct vqi_process *process = NULL;
	struct vqi_log log = {0};
	struct vqi_reader *reader;

	drop(vqi_log_take(&log, recording->log.bytes.data, recording->log.bytes.len));
	recording->pid = 1;
	drop(vqi_replay_reader(recording, &reader));
	drop(vqi_process_of(reader, &process));
	for (int i = 0; i < 3; i++) {
		read_facts(process);
		read_files(process);
		read_memory(process, &log);
		vqi_process_begin_look(process);
	}
	vqi_log_done(&log);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	vqi_cleanup(vqi_recording_done) struct vqi_recording recording = {0}, file = {0};
	struct vqi_log *log = &recording.log;

	drop(vqi_recording_read(data, size, &file));
	if (vqi_error_drop(vqi_log_take(log, data, size)))
		return 0;
	replay(&recording);
	return 0;
}
