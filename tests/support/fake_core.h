/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes core files, piece by piece. Every failure fails the test. */
#ifndef VQI_TESTS_FAKE_CORE_H
#define VQI_TESTS_FAKE_CORE_H

#include <elf.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct fake_core {
	Elf64_Ehdr header; /* a test may change it */
	Elf64_Phdr segments[16];
	const void *data[16];
	size_t segment_count;
	uint8_t notes[16384];
	size_t notes_len;
	uint64_t files[3 * 16];
	const char *paths[16];
	size_t file_count;
};

void fake_core_init(struct fake_core *core);

/* Memory at an address, of which len bytes are in the core. flags: PF_R and so on. */
void fake_core_segment(struct fake_core *core, uint64_t addr, uint64_t size, const void *data,
		       size_t len, uint32_t flags);
void fake_core_note(struct fake_core *core, uint32_t type, const void *data, size_t len);

/* A thread with a program counter, a stack pointer, and the number of a system call, or -1. */
void fake_core_thread(struct fake_core *core, pid_t tid, uint64_t pc, uint64_t sp, long call);
void fake_core_process(struct fake_core *core, pid_t pid, const char *name);

/* A part of a file that was mapped; offset in bytes. */
void fake_core_file(struct fake_core *core, uint64_t start, uint64_t end, uint64_t offset,
		    const char *path);
void fake_core_write(struct fake_core *core, const char *path);

#endif
