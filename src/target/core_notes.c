/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The notes of a core: threads with their registers, the process's name, the auxiliary vector, what files were mapped.
 * Source: fs/binfmt_elf.c fill_note_info(), fill_files_note(). */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/procfs.h>

#include "core.h"
#include "user_registers.h"
#include "vqi/checked.h"
#include "vqi/limits.h"

#define WORD 8 /* bytes */

static struct vqi_error *no_memory(void)
{
	return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
}

/* Makes room for one more. */
static bool grow(void **items, size_t count, size_t size)
{
	void *grown;

	if (count & (count - 1)) /* there is room up to the next power of two */
		return true;
	grown = reallocarray(*items, count ? 2 * count : 1, size);
	if (grown)
		*items = grown;
	return grown;
}

/* ---- threads ---- */

#if defined(__x86_64__)
/* Inside of a system call the kernel keeps its number. Source: arch/x86/include/asm/syscall.h. */
static void take_call(const struct user_regs_struct *from, struct vqi_call *ret_call)
{
	*ret_call = (struct vqi_call){
		.state = VQI_CALL_INSIDE,
		.number = (int)from->orig_rax,
		.args = {from->rdi, from->rsi, from->rdx, from->r10, from->r8, from->r9},
		.sp = from->rsp,
		.pc = from->rip,
	};
	if ((int64_t)from->orig_rax < 0)
		ret_call->state = VQI_CALL_RUNNING;
}
#else
/* The registers of a thread that sleeps are those that it called with, but nothing tells that it does. */
static void take_call(const struct user_regs_struct *from, struct vqi_call *ret_call)
{
	(void)from;
	*ret_call = (struct vqi_call){.state = VQI_CALL_UNKNOWN};
}
#endif

static void take_registers(const uint8_t *data, struct vqi_core_thread *thread)
{
#if defined(__x86_64__) || defined(__aarch64__)
	struct user_regs_struct raw;

	memcpy(&raw, data + offsetof(struct elf_prstatus, pr_reg), sizeof(raw));
	vqi_user_registers(&raw, &thread->registers);
	take_call(&raw, &thread->call);
	thread->has_registers = true;
#else
	(void)data;
	(void)thread;
#endif
}

static struct vqi_error *take_prstatus(struct vqi_core *core, const uint8_t *data, size_t len)
{
	struct vqi_core_thread thread = {0};

	if (len < sizeof(struct elf_prstatus))
		return vqi_error_new(VQI_ERROR_BAD_DATA, "a note of a thread has %zu bytes", len);
	if (core->thread_count >= VQI_MAX_THREADS)
		return vqi_error_new(VQI_ERROR_LIMIT, "more than %d threads", VQI_MAX_THREADS);
	memcpy(&thread.tid, data + offsetof(struct elf_prstatus, pr_pid), sizeof(thread.tid));
	if (vqi_core_thread(core, thread.tid))
		return NULL;
	take_registers(data, &thread);
	if (!grow((void **)&core->threads, core->thread_count, sizeof(thread)))
		return no_memory();
	core->threads[core->thread_count++] = thread;
	if (!core->pid)
		core->pid = thread.tid;
	return NULL;
}

static struct vqi_error *take_prpsinfo(struct vqi_core *core, const uint8_t *data, size_t len)
{
	const size_t size = sizeof(((struct elf_prpsinfo *)NULL)->pr_fname);
	pid_t pid;

	if (len < sizeof(struct elf_prpsinfo))
		return NULL;
	memcpy(&pid, data + offsetof(struct elf_prpsinfo, pr_pid), sizeof(pid));
	memcpy(core->name, data + offsetof(struct elf_prpsinfo, pr_fname), size);
	if (pid > 0)
		core->pid = pid;
	return NULL;
}

static struct vqi_error *take_auxv(struct vqi_core *core, const uint8_t *data, size_t len)
{
	if (core->auxv)
		return NULL;
	core->auxv = malloc(len + 1);
	if (!core->auxv)
		return no_memory();
	memcpy(core->auxv, data, len);
	core->auxv_len = len;
	return NULL;
}

/* ---- files ---- */

static uint64_t word_at(const uint8_t *data, size_t index)
{
	uint64_t word;

	memcpy(&word, data + index * WORD, WORD);
	return word;
}

/* The length of a path, without what the kernel puts after it once the file is deleted. */
static size_t path_len(const char *path)
{
	static const char deleted[] = " (deleted)";
	size_t len = strlen(path), more = strlen(deleted);

	return len > more && strcmp(path + len - more, deleted) == 0 ? len - more : len;
}

/* Mappings of one file follow each other, mostly. */
static struct vqi_error *file_of(struct vqi_core *core, const char *path, size_t *ret_index)
{
	struct vqi_core_file file = {.fd = -1};
	size_t len = path_len(path);

	for (size_t i = core->file_count; i-- > 0;) {
		const char *known = core->files[i].path;

		if (strncmp(known, path, len) == 0 && !known[len]) {
			*ret_index = i;
			return NULL;
		}
	}
	if (core->file_count >= VQI_MAX_CORE_FILES)
		return vqi_error_new(VQI_ERROR_LIMIT, "more than %d files are mapped",
				     VQI_MAX_CORE_FILES);
	file.path = strndup(path, len);
	if (!file.path || !grow((void **)&core->files, core->file_count, sizeof(file))) {
		free(file.path);
		return no_memory();
	}
	*ret_index = core->file_count;
	core->files[core->file_count++] = file;
	return NULL;
}

static struct vqi_error *bad_files(void)
{
	return vqi_error_new(VQI_ERROR_BAD_DATA, "its list of mapped files makes no sense");
}

/* COUNT PAGE_SIZE, COUNT times START END PAGE_OFFSET, and COUNT paths that end with a NUL. */
static struct vqi_error *take_files(struct vqi_core *core, const uint8_t *data, size_t len)
{
	const char *path, *end = (const char *)data + len;
	uint64_t count, page_size;

	if (core->parts)
		return NULL;
	if (len < 2 * WORD)
		return bad_files();
	count = word_at(data, 0);
	page_size = word_at(data, 1);
	if (count > (len - 2 * WORD) / (3 * WORD) || count > VQI_MAX_CORE_PARTS)
		return bad_files();
	core->parts = calloc(count + 1, sizeof(*core->parts));
	if (!core->parts)
		return no_memory();
	path = (const char *)data + (2 + 3 * count) * WORD;
	for (uint64_t i = 0; i < count; i++) {
		struct vqi_core_part part = {
			.start = word_at(data, 2 + 3 * i),
			.end = word_at(data, 3 + 3 * i),
		};
		size_t room = (size_t)(end - path), path_size = strnlen(path, room) + 1;
		struct vqi_error *error;

		if (path_size > room || part.start >= part.end ||
		    !vqi_mul_u64(word_at(data, 4 + 3 * i), page_size, &part.offset))
			return bad_files();
		error = file_of(core, path, &part.file);
		if (error)
			return error;
		core->parts[core->part_count++] = part;
		path += path_size;
	}
	return NULL;
}

/* ---- all of them ---- */

static struct vqi_error *take(struct vqi_core *core, unsigned int type, const uint8_t *data,
			      size_t len)
{
	switch (type) {
	case NT_PRSTATUS:
		return take_prstatus(core, data, len);
	case NT_PRPSINFO:
		return take_prpsinfo(core, data, len);
	case NT_AUXV:
		return take_auxv(core, data, len);
	case NT_FILE:
		return take_files(core, data, len);
	default:
		return NULL;
	}
}

struct vqi_error *vqi_core_take_notes(struct vqi_core *core, Elf_Data *notes)
{
	struct vqi_error *error = NULL;
	size_t name_at, data_at, at = 0;
	GElf_Nhdr header;

	while (!error && (at = gelf_getnote(notes, at, &header, &name_at, &data_at)) > 0) {
		const char *bytes = notes->d_buf;

		/* n_namesz counts the NUL. */
		if (header.n_namesz == sizeof("CORE") &&
		    memcmp(bytes + name_at, "CORE", sizeof("CORE")) == 0)
			error = take(core, header.n_type, (const uint8_t *)bytes + data_at,
				     header.n_descsz);
	}
	return error;
}
