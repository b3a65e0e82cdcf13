/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "vqi/checked.h"
#include "vqi/elf.h"
#include "vqi/limits.h"

#if defined(__x86_64__)
#define HOST_MACHINE EM_X86_64
#elif defined(__aarch64__)
#define HOST_MACHINE EM_AARCH64
#else
#define HOST_MACHINE EM_NONE
#endif

#define HOST_DATA (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB)

/* What a PT_LOAD is told by. */
static struct vqi_error *add_segment(struct vqi_core *core, const GElf_Phdr *header)
{
	struct vqi_core_segment segment = {
		.start = header->p_vaddr,
		.offset = header->p_offset,
		.len = header->p_filesz < header->p_memsz ? header->p_filesz : header->p_memsz,
		.readable = header->p_flags & PF_R,
		.writable = header->p_flags & PF_W,
		.executable = header->p_flags & PF_X,
	};

	if (!vqi_add_u64(segment.start, header->p_memsz, &segment.end))
		return vqi_error_new(VQI_ERROR_BAD_DATA, "a segment at 0x%" PRIx64 " has no end",
				     segment.start);
	if (segment.start < segment.end)
		core->segments[core->segment_count++] = segment;
	return NULL;
}

static int compare(const void *a, const void *b)
{
	const struct vqi_core_segment *one = a, *other = b;

	return (one->start > other->start) - (one->start < other->start);
}

static struct vqi_error *order_segments(struct vqi_core *core)
{
	qsort(core->segments, core->segment_count, sizeof(*core->segments), compare);
	for (size_t i = 1; i < core->segment_count; i++) {
		if (core->segments[i].start < core->segments[i - 1].end)
			return vqi_error_new(VQI_ERROR_BAD_DATA,
					     "two segments have the address 0x%" PRIx64,
					     core->segments[i].start);
	}
	return NULL;
}

/* A disk that was full, or a limit (ulimit -c), cuts off the end of the core: with it that of the guest's memory, or QEMU's.
 * Nobody knows what is missing, so none of it is shown. */
static struct vqi_error *check_length(const GElf_Phdr *header, uint64_t size)
{
	uint64_t end;

	if (vqi_add_u64(header->p_offset, header->p_filesz, &end) && end <= size)
		return NULL;
	return vqi_error_new(VQI_ERROR_BAD_DATA,
			     "it is cut short: it has %" PRIu64
			     " bytes, and more were written (a full disk, a limit of size)",
			     size);
}

static struct vqi_error *take_notes(struct vqi_core *core, Elf *elf, const GElf_Phdr *header)
{
	Elf_Data *notes;

	if (header->p_filesz > VQI_MAX_CORE_NOTES)
		return vqi_error_new(VQI_ERROR_LIMIT, "it has %" PRIu64 " bytes of notes",
				     header->p_filesz);
	notes = elf_getdata_rawchunk(elf, (int64_t)header->p_offset, header->p_filesz, ELF_T_NHDR);
	if (!notes)
		return vqi_error_new(VQI_ERROR_BAD_DATA, "its notes cannot be read: %s",
				     elf_errmsg(-1));
	return vqi_core_take_notes(core, notes);
}

static struct vqi_error *take_headers(struct vqi_core *core, Elf *elf, uint64_t size)
{
	struct vqi_error *error = NULL;
	GElf_Phdr header;
	size_t count;

	if (elf_getphdrnum(elf, &count) || !count)
		return vqi_error_new(VQI_ERROR_BAD_DATA,
				     "it has no program headers: it is cut short");
	if (count > VQI_MAX_MAPS)
		return vqi_error_new(VQI_ERROR_LIMIT, "it has %zu segments", count);
	core->segments = calloc(count, sizeof(*core->segments));
	if (!core->segments)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	for (size_t i = 0; !error && i < count; i++) {
		if (!vqi_elf_segment(elf, i, &header))
			return vqi_error_new(VQI_ERROR_BAD_DATA,
					     "its program headers are cut short");
		error = check_length(&header, size);
		if (!error && header.p_type == PT_LOAD)
			error = add_segment(core, &header);
		if (!error && header.p_type == PT_NOTE)
			error = take_notes(core, elf, &header);
	}
	return error ? error : order_segments(core);
}

static struct vqi_error *check_kind(Elf *elf)
{
	const char *ident = elf_getident(elf, NULL);
	GElf_Ehdr header;

	if (!gelf_getehdr(elf, &header))
		return vqi_error_new(VQI_ERROR_BAD_DATA, "it is cut short");
	if (header.e_type != ET_CORE)
		return vqi_error_new(VQI_ERROR_BAD_DATA,
				     "it is no core file, but another kind of ELF file");
	if (!ident || ident[EI_CLASS] != ELFCLASS64 || ident[EI_DATA] != HOST_DATA ||
	    header.e_machine != HOST_MACHINE)
		return vqi_error_new(
			VQI_ERROR_UNSUPPORTED,
			"it is of another kind of machine (ELF machine %d) than this one",
			header.e_machine);
	return NULL;
}

static struct vqi_error *load(struct vqi_core *core)
{
	vqi_cleanup_elf Elf *elf = NULL;
	struct vqi_error *error;
	uint64_t size;

	/* Without O_NONBLOCK a FIFO would keep us waiting. */
	core->fd = open(core->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (core->fd < 0)
		return vqi_error_file(errno, core->path);
	error = vqi_elf_open_core(core->fd, &size, &elf);
	if (!error && !elf)
		error = vqi_error_new(VQI_ERROR_BAD_DATA, "it is no core file");
	if (!error)
		error = check_kind(elf);
	if (!error)
		error = take_headers(core, elf, size);
	if (!error && !core->thread_count)
		error = vqi_error_new(VQI_ERROR_BAD_DATA, "it tells of no thread");
	if (!error)
		error = vqi_core_find_files(core);
	return vqi_error_prefix(error, "%s", core->path);
}

struct vqi_error *vqi_core_open(const char *path, const char *exe, struct vqi_core **ret_core)
{
	vqi_cleanup_core struct vqi_core *core = calloc(1, sizeof(*core));
	struct vqi_error *error;

	if (!core)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	core->fd = -1;
	core->path = strdup(path);
	core->exe_path = exe ? strdup(exe) : NULL;
	if (!core->path || (exe && !core->exe_path))
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	error = load(core);
	if (!error)
		*ret_core = take_ptr(core);
	return error;
}

void vqi_core_close(struct vqi_core *core)
{
	if (!core)
		return;
	for (size_t i = 0; i < core->file_count; i++)
		vqi_core_file_done(&core->files[i]);
	free(core->files);
	free(core->parts);
	free(core->segments);
	free(core->threads);
	free(core->auxv);
	free(core->exe_path);
	free(core->path);
	if (core->fd >= 0)
		close(core->fd);
	free(core);
}

const struct vqi_core_thread *vqi_core_thread(const struct vqi_core *core, pid_t tid)
{
	for (size_t i = 0; i < core->thread_count; i++) {
		if (core->threads[i].tid == tid)
			return &core->threads[i];
	}
	return NULL;
}

uint64_t vqi_core_auxv(const struct vqi_core *core, uint64_t type)
{
	uint64_t pair[2];

	for (size_t i = 0; i + sizeof(pair) <= core->auxv_len; i += sizeof(pair)) {
		memcpy(pair, core->auxv + i, sizeof(pair));
		if (pair[0] == type)
			return pair[1];
	}
	return 0;
}
