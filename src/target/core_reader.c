/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A core read as if it were a process: the files of /proc that it can stand for. What only the kernel of its time could tell
 * (what descriptors are, why and how long a thread has slept) is in no file here, and so unknown. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core.h"
#include "process_private.h"
#include "reader.h"

#define COMM_MAX 15 /* TASK_COMM_LEN without its end */

struct core_reader {
	struct vqi_reader reader; /* first, so that one can be made from the other */
	struct vqi_core *core;
};

static struct vqi_core *core_of(struct vqi_reader *reader)
{
	return ((struct core_reader *)reader)->core;
}

static struct vqi_error *no_memory(void)
{
	return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
}

static struct vqi_error *not_there(const char *name)
{
	return vqi_error_sys(ENOENT, "a core has no %s", name);
}

/* ---- files ---- */

/* As the kernel prints it, a newline in a path as \012. Source: fs/proc/task_mmu.c show_map_vma(). */
static void print_map(FILE *out, const struct vqi_map *map)
{
	fprintf(out, "%" PRIx64 "-%" PRIx64 " %c%c%cp %" PRIx64 " 00:00 %" PRIu64, map->start,
		map->end, map->readable ? 'r' : '-', map->writable ? 'w' : '-',
		map->executable ? 'x' : '-', map->offset, map->inode);
	if (map->path)
		fputc(' ', out);
	for (const char *at = map->path; at && *at; at++) {
		if (*at == '\n')
			fputs("\\012", out);
		else
			fputc(*at, out);
	}
	fputc('\n', out);
}

static struct vqi_error *print_maps(FILE *out, struct vqi_core *core)
{
	vqi_cleanup(vqi_maps_done) struct vqi_maps maps = {0};
	struct vqi_error *error = vqi_core_maps(core, &maps);

	for (size_t i = 0; !error && i < maps.count; i++)
		print_map(out, &maps.maps[i]);
	return error;
}

static void print_name(FILE *out, const struct vqi_core *core)
{
	size_t len = strcspn(core->name, "\n");

	/* gdb writes as much of the program's name as there is room for, the kernel what /proc says. */
	if (len > COMM_MAX)
		len = COMM_MAX;
	if (len)
		fprintf(out, "Name:\t%.*s\n", (int)len, core->name);
}

static void print_call(FILE *out, const struct vqi_call *call)
{
	if (call->state != VQI_CALL_INSIDE) {
		fputs("running\n", out);
		return;
	}
	fprintf(out, "%d", call->number);
	for (size_t i = 0; i < sizeof(call->args) / sizeof(call->args[0]); i++)
		fprintf(out, " 0x%" PRIx64, call->args[i]);
	fprintf(out, " 0x%" PRIx64 " 0x%" PRIx64 "\n", call->sp, call->pc);
}

/* The thread and the rest of "task/TID/syscall". False: it is no such name. */
static bool split(const char *name, int *ret_tid, const char **ret_entry)
{
	int len = 0;

	if (sscanf(name, "task/%d/%n", ret_tid, &len) != 1 || !len)
		return false;
	*ret_entry = name + len;
	return true;
}

static struct vqi_error *print_thread_file(FILE *out, const struct vqi_core *core, int tid,
					   const char *entry)
{
	const struct vqi_core_thread *thread = vqi_core_thread(core, tid);

	if (!thread)
		return vqi_error_new(VQI_ERROR_GONE, "thread %d is not in the core", tid);
	if (strcmp(entry, "syscall") == 0 && thread->call.state != VQI_CALL_UNKNOWN) {
		print_call(out, &thread->call);
		return NULL;
	}
	if (strcmp(entry, "status") != 0)
		return not_there(entry);
	if (tid == core->pid) /* the others have names of their own, which are not told */
		print_name(out, core);
	fprintf(out, "Pid:\t%d\n", tid);
	return NULL;
}

static struct vqi_error *print_file(FILE *out, struct vqi_core *core, const char *name)
{
	const char *entry;
	int tid;

	if (split(name, &tid, &entry))
		return print_thread_file(out, core, tid, entry);
	if (strcmp(name, "maps") == 0)
		return print_maps(out, core);
	if (strcmp(name, "auxv") == 0 && core->auxv) {
		fwrite(core->auxv, 1, core->auxv_len, out);
		return NULL;
	}
	if (strcmp(name, "status") != 0)
		return not_there(name);
	print_name(out, core);
	fprintf(out, "Tgid:\t%d\n", core->pid);
	return NULL;
}

static struct vqi_error *read_file(struct vqi_reader *reader, const char *name, size_t max,
				   char **ret_text, size_t *ret_len)
{
	vqi_cleanup_free char *text = NULL;
	struct vqi_error *error;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return no_memory();
	error = print_file(out, core_of(reader), name);
	if (fclose(out) != 0 && !error)
		error = no_memory();
	if (!error && len > max)
		error = vqi_error_new(VQI_ERROR_LIMIT, "%s is longer than %zu bytes", name, max);
	if (error)
		return error;
	*ret_text = take_ptr(text);
	if (ret_len)
		*ret_len = len;
	return NULL;
}

static struct vqi_error *read_link(struct vqi_reader *reader, const char *name, char **ret_text)
{
	(void)reader;
	(void)ret_text;
	return not_there(name);
}

static struct vqi_error *list(struct vqi_reader *reader, const char *name, size_t max,
			      int **ret_numbers, size_t *ret_count)
{
	const struct vqi_core *core = core_of(reader);
	int *numbers;

	if (strcmp(name, "task") != 0)
		return not_there(name);
	if (core->thread_count > max)
		return vqi_error_new(VQI_ERROR_LIMIT, "more than %zu entries in %s", max, name);
	numbers = calloc(core->thread_count + 1, sizeof(*numbers));
	if (!numbers)
		return no_memory();
	for (size_t i = 0; i < core->thread_count; i++)
		numbers[i] = core->threads[i].tid;
	*ret_numbers = numbers;
	*ret_count = core->thread_count;
	return NULL;
}

static bool exists(struct vqi_reader *reader, const char *name)
{
	int tid;

	return sscanf(name, "task/%d", &tid) == 1 && vqi_core_thread(core_of(reader), tid);
}

/* ---- the executable, and libraries ---- */

static struct vqi_error *exe_path(struct vqi_reader *reader, char **ret_path)
{
	const struct vqi_core *core = core_of(reader);

	*ret_path = strdup(core->files[core->exe].path);
	return *ret_path ? NULL : no_memory();
}

static struct vqi_error *open_mapped(struct vqi_reader *reader, const struct vqi_map *map,
				     int *ret_fd)
{
	struct vqi_core *core = core_of(reader);

	if (!map->inode || map->inode > core->file_count)
		return vqi_error_new(VQI_ERROR_BAD_DATA,
				     "there is no file behind the mapping at 0x%" PRIx64,
				     map->start);
	return vqi_core_open_file(core, map->inode - 1, ret_fd);
}

static struct vqi_error *open_file(struct vqi_reader *reader, const char *name, int flags,
				   int *ret_fd)
{
	struct vqi_core *core = core_of(reader);

	(void)flags;
	if (strcmp(name, "exe") != 0)
		return vqi_error_new(VQI_ERROR_UNSUPPORTED, "a core has no %s", name);
	return vqi_core_open_file(core, core->exe, ret_fd);
}

/* ---- the rest ---- */

static struct vqi_error *read_memory(struct vqi_reader *reader, struct vqi_range *ranges,
				     size_t count)
{
	vqi_core_readv(core_of(reader), ranges, count);
	return NULL;
}

static struct vqi_error *check(struct vqi_reader *reader)
{
	(void)reader;
	return NULL; /* it stays as it is */
}

static void comm(struct vqi_reader *reader, pid_t pid, char ret_comm[16])
{
	(void)reader;
	if (pid)
		ret_comm[0] = '\0';
	else
		vqi_process_comm(getpid(), ret_comm);
}

/* The wall clock of its last moment is when the file was written; of other clocks nothing tells, so what they measure is
 * our own work. */
static struct timespec now(struct vqi_reader *reader, clockid_t clock)
{
	struct stat status;

	if (clock == CLOCK_REALTIME && fstat(core_of(reader)->fd, &status) == 0)
		return status.st_mtim;
	return vqi_clock_now(clock);
}

static void rest(struct vqi_reader *reader, uint64_t ns)
{
	(void)reader;
	(void)ns; /* it never changes */
}

static struct vqi_error *registers(struct vqi_reader *reader, pid_t tid,
				   struct vqi_registers *ret_registers)
{
	const struct vqi_core_thread *thread = vqi_core_thread(core_of(reader), tid);

	if (!thread || !thread->has_registers)
		return vqi_error_new(VQI_ERROR_UNSUPPORTED, "its registers are not in the core");
	*ret_registers = thread->registers;
	return NULL;
}

static void close_reader(struct vqi_reader *reader)
{
	vqi_core_close(core_of(reader));
	free(reader);
}

static const struct vqi_reader_ops core_ops = {
	.read_file = read_file,
	.read_link = read_link,
	.list = list,
	.exists = exists,
	.exe_path = exe_path,
	.open_mapped = open_mapped,
	.open = open_file,
	.readv = read_memory,
	.check = check,
	.comm = comm,
	.now = now,
	.rest = rest,
	.registers = registers,
	.close = close_reader,
};

struct vqi_error *vqi_process_open_core(const char *path, const char *exe,
					struct vqi_process **ret_process)
{
	vqi_cleanup_core struct vqi_core *core = NULL;
	struct core_reader *reader;
	struct vqi_error *error = vqi_core_open(path, exe, &core);

	if (!error)
		error = vqi_core_check_exe(core);
	if (error)
		return error;
	reader = malloc(sizeof(*reader));
	if (!reader)
		return no_memory();
	*reader = (struct core_reader){
		.reader = {.ops = &core_ops, .pid = core->pid, .dirfd = -1, .is_core = true},
		.core = take_ptr(core),
	};
	return vqi_process_of(&reader->reader, ret_process);
}
