/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A core file of a process, the kernel's or gcore's: what it holds of memory, mappings and threads.
 * Nothing in it is believed. Source: core(5), elf(5), fs/binfmt_elf.c elf_core_dump(). */
#ifndef VQI_TARGET_CORE_H
#define VQI_TARGET_CORE_H

#include <gelf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "call.h"
#include "vqi/error.h"
#include "vqi/mem.h"
#include "vqi/process.h"
#include "vqi/registers.h"

/* One PT_LOAD. */
struct vqi_core_segment {
	uint64_t start, end; /* addresses in the target */
	uint64_t offset;     /* bytes into the core */
	uint64_t len;	     /* bytes of it that are in the core, from start on */
	bool readable, writable, executable;
};

/* A part of a file that was mapped. */
struct vqi_core_part {
	uint64_t start, end; /* addresses in the target */
	uint64_t offset;     /* bytes into the file */
	size_t file;	     /* index into vqi_core.files */
};

enum vqi_core_file_state {
	VQI_CORE_FILE_NEW,     /* nobody has asked for it */
	VQI_CORE_FILE_OPEN,    /* it is of the build that the core is of */
	VQI_CORE_FILE_REFUSED, /* it is not, or that is not known, or there is none */
};

/* A file that was mapped. It is read for what cores leave out: what nobody can have changed in memory. */
struct vqi_core_file {
	char *path;	/* as the target saw it, " (deleted)" cut off */
	char *build_id; /* as memory has it, in hex; NULL: the core does not tell */
	enum vqi_core_file_state state;
	int fd;	   /* OPEN; else -1 */
	Elf *elf;  /* OPEN; else NULL */
	char *why; /* REFUSED: why */
};

struct vqi_core_thread {
	pid_t tid;
	bool has_registers;
	struct vqi_registers registers;
	struct vqi_call call; /* that it was in; UNKNOWN where the core does not tell */
};

struct vqi_core {
	char *path;
	int fd;
	struct vqi_core_segment *segments; /* ascending by address */
	size_t segment_count;
	struct vqi_core_part *parts; /* ascending by address */
	size_t part_count;
	struct vqi_core_file *files;
	size_t file_count;
	struct vqi_core_thread *threads; /* in the order of the core */
	size_t thread_count;
	pid_t pid;
	char name[17]; /* of the process, as the kernel cuts it; "" where not told */
	uint8_t *auxv; /* as in /proc/PID/auxv; NULL: not told */
	size_t auxv_len;
	size_t exe;	/* index into files; file_count: not known */
	char *exe_path; /* --exe; NULL: where the core says */
};

/* Opens a core. exe, if not NULL, is where its executable is now.
 * Errors: SYS, BAD_DATA no core, cut short or broken; UNSUPPORTED of another kind of machine; LIMIT, NOMEM. */
struct vqi_error *vqi_core_open(const char *path, const char *exe,
				struct vqi_core **ret_core) vqi_must_check;
void vqi_core_close(struct vqi_core *core);
VQI_DEFINE_CLEANUP(struct vqi_core *, vqi_core_close)
#define vqi_cleanup_core vqi_cleanup(vqi_core_close)

/* The thread of that id; NULL when there is none. */
const struct vqi_core_thread *vqi_core_thread(const struct vqi_core *core, pid_t tid);

/* A number of the auxiliary vector, AT_PHDR say; 0 where it is not told. Source: getauxval(3). */
uint64_t vqi_core_auxv(const struct vqi_core *core, uint64_t type);

/* The mappings: of each file the inode is its index in files + 1, the device is 0. A mapping that the core neither holds nor
 * tells of is not there. Errors: NOMEM. Owner: the caller, vqi_maps_done(). */
struct vqi_error *vqi_core_maps(struct vqi_core *core, struct vqi_maps *ret_maps) vqi_must_check;

/* Opens the file of that index, when it is what the process had mapped.
 * Errors: UNSUPPORTED, BAD_DATA; SYS, NOMEM. Owner: the caller closes it. */
struct vqi_error *vqi_core_open_file(struct vqi_core *core, size_t file,
				     int *ret_fd) vqi_must_check;

/* Whether the executable is there, and is what the process ran. Errors: UNSUPPORTED, NOT_QEMU, NOMEM. */
struct vqi_error *vqi_core_check_exe(struct vqi_core *core) vqi_must_check;

/* Reads all ranges, and sets every range's ok. What is neither in the core nor in a mapped file that nobody can have changed, is not ok. */
void vqi_core_readv(struct vqi_core *core, struct vqi_range *ranges, size_t count);

/* ---- between the files of the core reader ---- */

/* Takes the notes of one PT_NOTE. */
struct vqi_error *vqi_core_take_notes(struct vqi_core *core, Elf_Data *notes) vqi_must_check;

/* Puts the parts into order, and finds the executable and the build-ids. */
struct vqi_error *vqi_core_find_files(struct vqi_core *core) vqi_must_check;
void vqi_core_file_done(struct vqi_core_file *file);

/* Reads what the core itself has at addr: all of len bytes, or false. */
bool vqi_core_pread(const struct vqi_core *core, uint64_t addr, void *ret_buf, size_t len);

/* The segment, or part, that has an address; NULL: none. */
const struct vqi_core_segment *vqi_core_segment_at(const struct vqi_core *core, uint64_t addr);
const struct vqi_core_part *vqi_core_part_at(const struct vqi_core *core, uint64_t addr);

/* How the loader maps what is at an offset of an open file: PF_R, PF_W, PF_X. */
uint32_t vqi_core_file_flags(const struct vqi_core_file *file, uint64_t offset);

/* The file of that index when it is open, and is what the process had mapped; else NULL. */
const struct vqi_core_file *vqi_core_use_file(struct vqi_core *core, size_t file);

#endif
