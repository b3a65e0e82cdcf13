/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Variables that functions begin with, in this very program. */
#include "accessor.h"

#include <check.h>
#include <fcntl.h>
#include <unistd.h>

#include "elf_file.h"
#include "unit.h"

/* What compilers make of "return variable;" and "return variable == 9;". */
__asm__(".text\n"
	"accessor_mov64: movq accessor_variable(%rip), %rax\n ret\n .skip 32\n"
	"accessor_mov_rcx: movq accessor_variable(%rip), %rcx\n ret\n .skip 32\n"
	"accessor_mov32: movl accessor_variable(%rip), %eax\n ret\n .skip 32\n"
	"accessor_cmp: cmpl $9, accessor_variable(%rip)\n sete %al\n ret\n .skip 32\n"
	"accessor_endbr: endbr64\n movq accessor_variable(%rip), %rax\n ret\n .skip 32\n"
	"accessor_frame: endbr64\n pushq %rbp\n movq %rsp, %rbp\n"
	" cmpl $9, accessor_variable(%rip)\n .skip 32\n"
	"accessor_xor: xorl %eax, %eax\n cmpl $9, accessor_variable(%rip)\n sete %al\n .skip 32\n"
	"accessor_walk: endbr64\n pushq %rbp\n movl $-1, %ebp\n pushq %rbx\n subq $8, %rsp\n"
	" movq accessor_variable(%rip), %rbx\n .skip 32\n"
	"accessor_walk_r12: pushq %r12\n movl $-1, %r12d\n movq accessor_variable(%rip), %r13\n"
	" .skip 32\n"
	/* Not these. */
	"accessor_endless: .skip 32, 0x50\n movq accessor_variable(%rip), %rax\n ret\n"
	"accessor_xor_memory: xorl %eax, 8(%rdi)\n movq accessor_variable(%rip), %rax\n .skip 32\n"
	"accessor_call: call accessor_mov64\n movq accessor_variable(%rip), %rax\n .skip 32\n"
	"accessor_lea: leaq accessor_variable(%rip), %rax\n ret\n .skip 32\n"
	"accessor_indirect: movq 8(%rdi), %rax\n ret\n .skip 32\n"
	"accessor_constant: movq accessor_constant(%rip), %rax\n ret\n .skip 32\n"
	".data\n .balign 8\n"
	"accessor_variable: .quad 9\n"
	"accessor_data: .byte 0x48, 0x8b, 0x05\n .long 0\n .skip 32\n"
	".text\n");

extern const char accessor_mov64, accessor_mov_rcx, accessor_mov32, accessor_cmp, accessor_endbr,
	accessor_frame, accessor_xor, accessor_walk, accessor_walk_r12, accessor_endless,
	accessor_xor_memory, accessor_call, accessor_lea, accessor_indirect, accessor_constant,
	accessor_data, accessor_variable;

/* Where the linker put the program's first byte. */
extern const char __executable_start;

static Elf *elf;
static int fd;

static void setup(void)
{
	fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert_ok(vqi_elf_open(fd, &elf));
	ck_assert_ptr_nonnull(elf);
}

static void teardown(void)
{
	elf_end(elf);
	close(fd);
}

/* The address as linked, of a position-independent program. */
static uint64_t linked(const char *address)
{
	return (uint64_t)(address - &__executable_start);
}

START_TEST(test_accessors)
{
	const char *functions[] = {&accessor_mov64, &accessor_mov_rcx, &accessor_mov32,
				   &accessor_cmp,   &accessor_endbr,   &accessor_frame,
				   &accessor_xor,   &accessor_walk,    &accessor_walk_r12};

	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
		uint64_t variable = 0;

		ck_assert_msg(vqi_accessor_decode(elf, linked(functions[i]), &variable),
			      "function %zu", i);
		ck_assert_uint_eq(variable, linked(&accessor_variable));
	}
}
END_TEST

/* Other instructions, what is not writable, what is no code, and what is nowhere. */
START_TEST(test_others)
{
	const char *functions[] = {&accessor_endless, &accessor_xor_memory, &accessor_call,
				   &accessor_lea,     &accessor_indirect,   &accessor_constant,
				   &accessor_data};
	uint64_t variable = 7;

	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
		ck_assert_msg(!vqi_accessor_decode(elf, linked(functions[i]), &variable),
			      "function %zu", i);
	ck_assert(!vqi_accessor_decode(elf, UINT64_MAX, &variable));
	ck_assert(!vqi_accessor_decode(elf, UINT64_C(1) << 40, &variable));
	ck_assert_uint_eq(variable, 7);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("accessor");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_accessors);
	tcase_add_test(tcase, test_others);
	return unit_run("accessor", tcase);
}
