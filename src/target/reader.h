/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a process is read through. Everything that src/target knows of one comes through these few
 * operations: /proc and the kernel are behind them for a live process; a recorder can stand before
 * those; a recording or a core file is read instead of them.
 *
 * Names of files are relative to /proc/PID. What has no answer to an operation says so with an
 * error, as the kernel does: UNSUPPORTED, or SYS with ENOENT for a file that is not there. */
#ifndef VQI_TARGET_READER_H
#define VQI_TARGET_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "vqi/error.h"
#include "vqi/mem.h"
#include "vqi/process.h"
#include "vqi/record.h"

struct vqi_reader;

/* Before the path of a file, a name of a text that is the package that the file is of. */
#define VQI_PACKAGE_OF "package of "

struct vqi_reader_ops {
	/* Reads a whole small file, NUL-terminated; ret_len may be NULL. See vqi_process_read_file() and
	 * VQI_PACKAGE_OF for those that are more than files. A thread that has ended is GONE.
	 * Errors: GONE, PERMISSION, SYS, LIMIT above max bytes, NOMEM. Owner: the caller frees. */
	struct vqi_error *(*read_file)(struct vqi_reader *reader, const char *name, size_t max,
				       char **ret_text, size_t *ret_len);

	/* Reads a symbolic link. Errors: as read_file. Owner: the caller frees. */
	struct vqi_error *(*read_link)(struct vqi_reader *reader, const char *name,
				       char **ret_text);

	/* Lists a folder whose entries are numbers: task, fd. Errors: as read_file, LIMIT above max
	 * entries. Owner: the caller frees. */
	struct vqi_error *(*list)(struct vqi_reader *reader, const char *name, size_t max,
				  int **ret_numbers, size_t *ret_count);

	/* Whether there is such a file. */
	bool (*exists)(struct vqi_reader *reader, const char *name);

	/* See vqi_process_exe_path() and vqi_process_open_mapped(). */
	struct vqi_error *(*exe_path)(struct vqi_reader *reader, char **ret_path);
	struct vqi_error *(*open_mapped)(struct vqi_reader *reader, const struct vqi_map *map,
					 int *ret_fd);

	/* Opens a file or a folder for reading: exe, task. Errors: as read_file, UNSUPPORTED. */
	struct vqi_error *(*open)(struct vqi_reader *reader, const char *name, int flags,
				  int *ret_fd);

	/* See struct vqi_mem. */
	struct vqi_error *(*readv)(struct vqi_reader *reader, struct vqi_range *ranges,
				   size_t count);

	/* Errors: GONE when it has ended. */
	struct vqi_error *(*check)(struct vqi_reader *reader);

	/* The command name of another process, the tracer; of ourselves, with 0. "": it cannot be read. */
	void (*comm)(struct vqi_reader *reader, pid_t pid, char ret_comm[16]);

	/* What a clock of its host shows. */
	struct timespec (*now)(struct vqi_reader *reader, clockid_t clock);

	/* Lets it go on for a while: it changes meanwhile, if it does at all. */
	void (*rest)(struct vqi_reader *reader, uint64_t ns);

	/* The registers of a thread, where they were kept; NULL: a thread has to be looked at, and perhaps stopped, for them.
	 * Errors: UNSUPPORTED. */
	struct vqi_error *(*registers)(struct vqi_reader *reader, pid_t tid,
				       struct vqi_registers *ret_registers);

	void (*close)(struct vqi_reader *reader);

	/* NULL where nothing is recorded; see vqi/record.h. */
	const struct vqi_record_ops *record;
};

struct vqi_record_ops {
	void (*begin_observer)(struct vqi_reader *reader);
	void (*begin_look)(struct vqi_reader *reader);
	bool (*has_look)(const struct vqi_reader *reader);
	void (*reserve)(struct vqi_reader *reader, size_t bytes, size_t readings);
	void (*hold)(struct vqi_reader *reader, int step);
	void (*note)(struct vqi_reader *reader, enum vqi_fact fact, uint64_t key,
		     const struct vqi_pack *data, const struct vqi_error *error);
	/* NULL in a recorder. */
	struct vqi_error *(*recall)(struct vqi_reader *reader, enum vqi_fact fact, uint64_t key,
				    struct vqi_unpack *ret_data);
};

struct vqi_reader {
	const struct vqi_reader_ops *ops;
	pid_t pid;
	uint64_t start_time; /* clock ticks since boot */
	bool has_aliases;    /* it has a pid namespace of its own */
	int dirfd; /* /proc/PID, which names this process even when the pid is another's; -1: it is not live */
	bool is_core;
};

/* A process that is read through reader. Owner: takes reader, also on failure. Errors: NOMEM. */
struct vqi_error *vqi_process_of(struct vqi_reader *reader,
				 struct vqi_process **ret_process) vqi_must_check;

/* Makes the error for a file of /proc/PID that could not be opened or read: GONE where that is
 * because the process has ended, PERMISSION with the obstacle where access is refused. */
struct vqi_error *vqi_reader_file_error(struct vqi_reader *reader, const char *name,
					struct vqi_error *error) vqi_must_check;

#endif
