/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stacks of another machine, recorded in memory. */
#include <check.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdio.h>
#include <unistd.h>

#include "elf_file.h"
#include "fake_mem.h"
#include "unit.h"
#include "vqi/unwind.h"

#define SP	  UINT64_C(0x7ff000)
#define BUFFER	  96 /* bytes that g has on its stack */
#define GENERATED UINT64_C(0x6000000)
#define X29	  29
#define X30	  30

static struct vqi_fake_mem *fake;
static struct vqi_map map[2]; /* the second of nothing that has a file */
static struct vqi_maps maps;
static struct vqi_unwinder *unwinder;
static struct vqi_unwind_job job;
static struct vqi_stack stack;
static Elf *elf;
static int fd;

static struct vqi_error *open_fixture(void *context, const struct vqi_map *of, int *ret_fd)
{
	(void)of;
	*ret_fd = open(context, O_RDONLY | O_CLOEXEC);
	return NULL;
}

/* Where a label is. */
static uint64_t label(const char *name)
{
	for (Elf_Scn *section = NULL; (section = elf_nextscn(elf, section));) {
		Elf_Data *data = elf_getdata(section, NULL);
		GElf_Shdr header;
		GElf_Sym sym;

		ck_assert_ptr_nonnull(gelf_getshdr(section, &header));
		for (int i = 0; header.sh_type == SHT_SYMTAB && gelf_getsym(data, i, &sym); i++)
			if (!strcmp(elf_strptr(elf, header.sh_link, sym.st_name), name))
				return sym.st_value;
	}
	ck_abort_msg("no label %s", name);
	return 0;
}

static void map_text(char *path)
{
	GElf_Phdr segment;

	for (size_t i = 0; vqi_elf_segment(elf, i, &segment); i++)
		if (segment.p_type == PT_LOAD && segment.p_flags & PF_X)
			map[0] = (struct vqi_map){
				.start = segment.p_vaddr & ~UINT64_C(4095),
				.end = segment.p_vaddr + segment.p_memsz,
				.offset = segment.p_offset & ~UINT64_C(4095),
				.dev = 1,
				.inode = 1,
				.readable = true,
				.executable = true,
				.path = path,
			};
	map[1] = (struct vqi_map){
		.start = GENERATED, .end = GENERATED + 4096, .readable = true, .executable = true};
	maps = (struct vqi_maps){.maps = map, .count = 2};
}

static void set_word(uint64_t addr, uint64_t value)
{
	memcpy(vqi_fake_mem_at(fake, addr, 8), &value, 8);
}

/* The thread is in leaf. */
static void make_stack(void)
{
	uint64_t g = SP + BUFFER, f = g + 16;

	vqi_fake_mem_map(fake, SP, 4096);
	set_word(g, f); /* x29, x30 */
	set_word(g + 8, label("in_f"));
	set_word(f, 0);
	set_word(f + 8, label("in_outermost"));
	job.registers.sp = SP;
	job.registers.pc = label("in_leaf");
	vqi_registers_set(&job.registers, X29, g);
	vqi_registers_set(&job.registers, X30, label("in_g"));
}

static void setup(void)
{
	static char path[4096];
	struct vqi_unwind_source source = {
		.maps = &maps,
		.open_file = open_fixture,
		.context = path,
		.lines = VQI_LINES_CHEAP,
	};

	ck_assert_ptr_nonnull(getenv("VQI_UNWIND_FIXTURES"));
	snprintf(path, sizeof(path), "%s/aarch64", getenv("VQI_UNWIND_FIXTURES"));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_ok(vqi_elf_open(fd, &elf));
	map_text(path);
	fake = vqi_fake_mem_new();
	source.mem = vqi_fake_mem_base(fake);
	make_stack();
	ck_assert_ok(vqi_unwinder_of(&source, &unwinder));
}

static void teardown(void)
{
	vqi_unwinder_free(unwinder);
	vqi_stack_done(&stack);
	vqi_fake_mem_free(fake);
	elf_end(elf);
	close(fd);
}

static void unwind(void)
{
	char *gap = NULL;

	ck_assert_ok(vqi_unwind(unwinder, &job, 1, &stack, &gap));
	ck_assert_pstr_eq(gap, NULL);
}

static void assert_frame(size_t i, const char *function, const char *at)
{
	ck_assert_uint_gt(stack.count, i);
	ck_assert_pstr_eq(stack.frames[i].function, function);
	ck_assert_pstr_eq(stack.frames[i].module, "aarch64");
	ck_assert_uint_eq(stack.frames[i].pc, label(at));
	ck_assert_uint_eq(stack.frames[i].offset, label(at) - label(function));
}

START_TEST(test_chain)
{
	unwind();
	ck_assert_pstr_eq(stack.gap, NULL);
	ck_assert_uint_eq(stack.count, 4);
	assert_frame(0, "leaf", "in_leaf");
	assert_frame(1, "g", "in_g");
	assert_frame(2, "f", "in_f");
	assert_frame(3, "outermost", "in_outermost");
}
END_TEST

/* What procfs tells of a thread in a system call is not where a leaf returns to. */
START_TEST(test_link_register_unknown)
{
	job.registers.known &= ~(UINT64_C(1) << X30);
	unwind();
	ck_assert_uint_eq(stack.count, 1);
	ck_assert_ptr_nonnull(strstr(stack.gap, "x30 is not known"));
}
END_TEST

START_TEST(test_frame_pointer_unknown)
{
	job.registers.known &= ~(UINT64_C(1) << X29);
	unwind();
	ck_assert_uint_eq(stack.count, 2);
	ck_assert_ptr_nonnull(strstr(stack.gap, "x29 is not known"));
}
END_TEST

/* A coroutine that is not running: it goes on in f, with what it saved. */
START_TEST(test_saved_registers)
{
	job.registers = (struct vqi_registers){.sp = SP + BUFFER + 16, .pc = label("in_f")};
	unwind();
	ck_assert_pstr_eq(stack.gap, NULL);
	ck_assert_uint_eq(stack.count, 2);
	assert_frame(0, "f", "in_f");
	assert_frame(1, "outermost", "in_outermost");
}
END_TEST

START_TEST(test_memory_cannot_be_read)
{
	char text[64];

	vqi_fake_mem_fault(fake, SP + BUFFER + 8, 8);
	snprintf(text, sizeof(text), "cannot read 8 bytes at 0x%llx",
		 (unsigned long long)SP + BUFFER + 8);
	unwind();
	ck_assert_uint_eq(stack.count, 2);
	ck_assert_pstr_eq(stack.gap, text);
}
END_TEST

/* Bytes that were copied when the registers were read count, not those that are there now. */
START_TEST(test_copy)
{
	uint8_t copy[256];

	memcpy(copy, vqi_fake_mem_at(fake, SP, sizeof(copy)), sizeof(copy));
	memset(vqi_fake_mem_at(fake, SP, sizeof(copy)), 0xee, sizeof(copy));
	job.copy = copy;
	job.copy_addr = SP;
	job.copy_len = sizeof(copy);
	unwind();
	ck_assert_pstr_eq(stack.gap, NULL);
	ck_assert_uint_eq(stack.count, 4);
}
END_TEST

START_TEST(test_no_unwind_information)
{
	job.registers.pc = label("in_without");
	unwind();
	ck_assert_uint_eq(stack.count, 1);
	assert_frame(0, "without", "in_without");
	ck_assert_ptr_nonnull(strstr(stack.gap, "no unwind information for 0x"));
	ck_assert_ptr_nonnull(strstr(stack.gap, " in aarch64"));
}
END_TEST

START_TEST(test_no_code)
{
	set_word(SP + BUFFER + 8, 0x1234);
	unwind();
	ck_assert_uint_eq(stack.count, 3);
	ck_assert_pstr_eq(stack.frames[2].module, NULL);
	ck_assert_pstr_eq(stack.frames[2].function, NULL);
	ck_assert_pstr_eq(stack.gap, "there is no code at 0x1234");
}
END_TEST

/* As TCG makes it. */
START_TEST(test_generated_code)
{
	set_word(SP + BUFFER + 8, GENERATED + 16);
	unwind();
	ck_assert_uint_eq(stack.count, 3);
	ck_assert_pstr_eq(stack.frames[2].module, NULL);
	ck_assert_pstr_eq(stack.gap, "0x6000010 is generated code, without unwind information");
}
END_TEST

/* A frame whose saved frame pointer leads back. */
START_TEST(test_loop)
{
	set_word(SP + BUFFER, SP + BUFFER);
	set_word(SP + BUFFER + 8, label("in_g"));
	unwind();
	ck_assert_uint_le(stack.count, 3);
	ck_assert_ptr_nonnull(strstr(stack.gap, "the stack leads nowhere"));
}
END_TEST

START_TEST(test_leaves_its_stack)
{
	job.stack_start = SP;
	job.stack_end = SP + BUFFER + 16;
	unwind();
	ck_assert_uint_eq(stack.count, 3); /* up to f, whose frame begins where that of g ends */
	ck_assert_ptr_nonnull(strstr(stack.gap, "the stack leads nowhere"));
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("unwind_aarch64");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_chain);
	tcase_add_test(tcase, test_link_register_unknown);
	tcase_add_test(tcase, test_frame_pointer_unknown);
	tcase_add_test(tcase, test_saved_registers);
	tcase_add_test(tcase, test_memory_cannot_be_read);
	tcase_add_test(tcase, test_copy);
	tcase_add_test(tcase, test_no_unwind_information);
	tcase_add_test(tcase, test_no_code);
	tcase_add_test(tcase, test_generated_code);
	tcase_add_test(tcase, test_loop);
	tcase_add_test(tcase, test_leaves_its_stack);
	return unit_run("unwind_aarch64", tcase);
}
