/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vqi/jmp_buf.h"

#include <elf.h>
#include <string.h>

/* ---- the guard ---- */

#define AUXV_MAX 4096

struct vqi_error *vqi_process_pointer_guard(struct vqi_process *process, uint64_t *ret_guard)
{
	vqi_cleanup_free char *text = NULL;
	struct vqi_error *error;
	uint64_t pair[2];
	size_t len;

	error = vqi_process_read_file(process, "auxv", AUXV_MAX, &text, &len);
	if (error)
		return error;
	for (size_t i = 0; i + sizeof(pair) <= len; i += sizeof(pair)) {
		memcpy(pair, text + i, sizeof(pair));
		if (pair[0] == AT_RANDOM) /* the first word guards stacks, the second pointers */
			return vqi_mem_read_uint(vqi_process_mem(process), pair[1] + 8, 8,
						 ret_guard);
	}
	return vqi_error_new(VQI_ERROR_BAD_DATA, "/proc/%d/auxv has no AT_RANDOM",
			     vqi_process_pid(process));
}

/* ---- the buffer ---- */

/* Where a word of the buffer belongs. */
struct place {
	uint8_t word, number; /* the register's, in DWARF; or SP, PC */
	bool hidden;
};

enum { SP = 254, PC };

/* JB_RBX, JB_RBP, JB_R12 to JB_R15, JB_RSP, JB_PC. */
static const struct place x86_64[] = {
	{0, 3, false},	{1, 6, true},	{2, 12, false}, {3, 13, false},
	{4, 14, false}, {5, 15, false}, {6, SP, true},	{7, PC, true},
};

/* JB_X19 to JB_X29, JB_LR, JB_SP. */
static const struct place aarch64[] = {
	{0, 19, false},	 {1, 20, false}, {2, 21, false}, {3, 22, false}, {4, 23, false},
	{5, 24, false},	 {6, 25, false}, {7, 26, false}, {8, 27, false}, {9, 28, false},
	{10, 29, false}, {11, PC, true}, {13, SP, true},
};

static uint64_t show(unsigned int machine, uint64_t word, uint64_t guard)
{
	if (machine == EM_X86_64 && guard) /* PTR_DEMANGLE: ror $17, xor */
		word = word >> 17 | word << 47;
	return word ^ guard;
}

static void set(struct vqi_registers *registers, unsigned int number, uint64_t value)
{
	if (number == PC)
		registers->pc = value;
	else if (number == SP)
		registers->sp = value;
	else
		vqi_registers_set(registers, number, value);
}

bool vqi_jmp_buf_registers(unsigned int machine, const uint64_t words[VQI_JMP_BUF_WORDS],
			   uint64_t guard, struct vqi_registers *ret_registers)
{
	bool is_x86 = machine == EM_X86_64;
	const struct place *places = is_x86 ? x86_64 : aarch64;
	size_t count = is_x86 ? sizeof(x86_64) / sizeof(x86_64[0])
			      : sizeof(aarch64) / sizeof(aarch64[0]);

	if (!is_x86 && machine != EM_AARCH64)
		return false;
	*ret_registers = (struct vqi_registers){0};
	for (size_t i = 0; i < count; i++) {
		uint64_t word = words[places[i].word];

		set(ret_registers, places[i].number,
		    places[i].hidden ? show(machine, word, guard) : word);
	}
	return true;
}
