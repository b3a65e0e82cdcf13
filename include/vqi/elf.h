/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An ELF file, as far as it tells what it is. Hostile files are expected. */
#ifndef VQI_ELF_H
#define VQI_ELF_H

#include <gelf.h>
#include <stdbool.h>
#include <stdint.h>

#include "vqi/cleanup.h"
#include "vqi/error.h"

static inline void vqi_elf_end(Elf *elf)
{
	elf_end(elf);
}
VQI_DEFINE_CLEANUP(Elf *, vqi_elf_end)
#define vqi_cleanup_elf vqi_cleanup(vqi_elf_end)

/* Opens an ELF object; ret_elf is NULL when the file is none (a script, a directory, an image of a
 * disk). Owner: the caller, elf_end(); fd must stay open for as long. */
struct vqi_error *vqi_elf_open(int fd, Elf **ret_elf) vqi_must_check;

/* The same for a file of any size, a core file say, of which only headers and notes are read. */
struct vqi_error *vqi_elf_open_core(int fd, uint64_t *ret_size, Elf **ret_elf) vqi_must_check;

/* The name of a section; "" where that cannot be read. Owner: elf. */
const char *vqi_elf_section_name(Elf *elf, const GElf_Shdr *header);

/* Whether it has a section of that name. */
bool vqi_elf_has_section(Elf *elf, const char *name);

/* The header of the first section of that name; false when there is none. */
bool vqi_elf_section(Elf *elf, const char *name, GElf_Shdr *ret_header);

/* The program header of that index; false when there is none. */
bool vqi_elf_segment(Elf *elf, size_t i, GElf_Phdr *ret_header);

/* Whether it is a program, not a library: what a loader can be told to run. */
bool vqi_elf_is_program(Elf *elf);

/* The build-id in lower-case hex, or NULL. Source: NT_GNU_BUILD_ID of ld(1) --build-id. */
struct vqi_error *vqi_elf_build_id(Elf *elf, char **ret_build_id) vqi_must_check;

#endif
