/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fake_core.h"

#include <check.h>
#include <stdio.h>
#include <string.h>
#include <sys/procfs.h>

#define PAGE 4096

void fake_core_init(struct fake_core *core)
{
	*core = (struct fake_core){
		.header =
			{
				.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64,
					    __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB
										      : ELFDATA2MSB,
					    EV_CURRENT},
				.e_type = ET_CORE,
#ifdef __aarch64__
				.e_machine = EM_AARCH64,
#else
				.e_machine = EM_X86_64,
#endif
				.e_version = EV_CURRENT,
				.e_phoff = sizeof(Elf64_Ehdr),
				.e_ehsize = sizeof(Elf64_Ehdr),
				.e_phentsize = sizeof(Elf64_Phdr),
			},
	};
}

void fake_core_segment(struct fake_core *core, uint64_t addr, uint64_t size, const void *data,
		       size_t len, uint32_t flags)
{
	core->data[core->segment_count] = data;
	core->segments[core->segment_count++] = (Elf64_Phdr){
		.p_type = PT_LOAD,
		.p_flags = flags,
		.p_vaddr = addr,
		.p_filesz = len,
		.p_memsz = size,
		.p_align = PAGE,
	};
}

static void put(struct fake_core *core, const void *data, size_t len)
{
	ck_assert_uint_le(core->notes_len + len + 4, sizeof(core->notes));
	memcpy(core->notes + core->notes_len, data, len);
	core->notes_len += (len + 3) / 4 * 4;
}

void fake_core_note(struct fake_core *core, uint32_t type, const void *data, size_t len)
{
	const Elf64_Nhdr header = {
		.n_namesz = sizeof("CORE"), .n_descsz = (uint32_t)len, .n_type = type};

	put(core, &header, sizeof(header));
	put(core, "CORE", sizeof("CORE"));
	put(core, data, len);
}

void fake_core_thread(struct fake_core *core, pid_t tid, uint64_t pc, uint64_t sp, long call)
{
	struct user_regs_struct registers = {0};
	struct elf_prstatus status = {.pr_pid = tid};

#ifdef __x86_64__
	registers.rip = pc;
	registers.rsp = sp;
	registers.orig_rax = (unsigned long)call;
	registers.rdi = 0x11;
	registers.r9 = 0x66;
	registers.rbx = 0xb;
#else
	registers.pc = pc;
	registers.sp = sp;
	(void)call;
#endif
	memcpy(&status.pr_reg, &registers, sizeof(registers));
	fake_core_note(core, NT_PRSTATUS, &status, sizeof(status));
}

void fake_core_process(struct fake_core *core, pid_t pid, const char *name)
{
	struct elf_prpsinfo info = {.pr_pid = pid};

	memcpy(info.pr_fname, name, strnlen(name, sizeof(info.pr_fname)));
	fake_core_note(core, NT_PRPSINFO, &info, sizeof(info));
}

void fake_core_file(struct fake_core *core, uint64_t start, uint64_t end, uint64_t offset,
		    const char *path)
{
	uint64_t *file = core->files + 3 * core->file_count;

	file[0] = start;
	file[1] = end;
	file[2] = offset / PAGE;
	core->paths[core->file_count++] = path;
}

static void put_files(struct fake_core *core)
{
	uint8_t note[8192];
	const uint64_t head[] = {core->file_count, PAGE};
	size_t len = sizeof(head);

	memcpy(note, head, sizeof(head));
	memcpy(note + len, core->files, core->file_count * 3 * sizeof(uint64_t));
	len += core->file_count * 3 * sizeof(uint64_t);
	for (size_t i = 0; i < core->file_count; i++) {
		strcpy((char *)note + len, core->paths[i]);
		len += strlen(core->paths[i]) + 1;
	}
	fake_core_note(core, NT_FILE, note, len);
}

static void write_all(FILE *file, const void *data, size_t len)
{
	ck_assert_uint_eq(fwrite(data, 1, len, file), len);
}

void fake_core_write(struct fake_core *core, const char *path)
{
	FILE *file = fopen(path, "we");
	uint64_t offset = sizeof(core->header) + (core->segment_count + 1) * sizeof(Elf64_Phdr);
	Elf64_Phdr notes = {.p_type = PT_NOTE, .p_flags = PF_R};

	ck_assert_ptr_nonnull(file);
	if (core->file_count)
		put_files(core);
	notes.p_offset = offset;
	notes.p_filesz = core->notes_len;
	offset += core->notes_len;
	core->header.e_phnum = (uint16_t)(core->segment_count + 1);
	write_all(file, &core->header, sizeof(core->header));
	write_all(file, &notes, sizeof(notes));
	for (size_t i = 0; i < core->segment_count; i++) {
		core->segments[i].p_offset = offset;
		offset += core->segments[i].p_filesz;
		write_all(file, &core->segments[i], sizeof(core->segments[i]));
	}
	write_all(file, core->notes, core->notes_len);
	for (size_t i = 0; i < core->segment_count; i++)
		write_all(file, core->data[i], core->segments[i].p_filesz);
	ck_assert_int_eq(fclose(file), 0);
}
