/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "accessor.h"

#include <gelf.h>
#include <string.h>

#include "vqi/checked.h"

#define CODE	    32 /* bytes that are looked at: a prologue and an instruction */
#define INSTRUCTION 10 /* bytes at least that are there of each instruction */

static bool find_segment(Elf *elf, uint64_t address, GElf_Phdr *ret_segment)
{
	size_t count;

	if (elf_getphdrnum(elf, &count) != 0)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (gelf_getphdr(elf, (int)i, ret_segment) && ret_segment->p_type == PT_LOAD &&
		    address >= ret_segment->p_vaddr &&
		    address - ret_segment->p_vaddr < ret_segment->p_memsz)
			return true;
	}
	return false;
}

static const uint8_t *read_code(Elf *elf, uint64_t function)
{
	GElf_Phdr segment;
	Elf_Data *data;

	if (!find_segment(elf, function, &segment) || !(segment.p_flags & PF_X) ||
	    !vqi_range_within(function - segment.p_vaddr, CODE, segment.p_filesz))
		return NULL;
	data = elf_getdata_rawchunk(elf, (int64_t)(segment.p_offset + function - segment.p_vaddr),
				    CODE, ELF_T_BYTE);
	return data && data->d_size == CODE ? data->d_buf : NULL;
}

/* The length of an instruction that comes before the body, or is put there by a compiler: it reads no
 * memory and goes nowhere. 0: it is none of these. Source: Intel SDM, volume 2. */
static size_t prologue_length(const uint8_t *code)
{
	static const uint8_t endbr64[] = {0xf3, 0x0f, 0x1e, 0xfa};
	static const uint8_t frame[] = {0x48, 0x89, 0xe5}; /* MOV RBP, RSP */
	static const uint8_t room[] = {0x48, 0x83, 0xec};  /* SUB RSP, imm8 */
	size_t rex = code[0] == 0x41;			   /* R8 to R15 */
	uint8_t opcode = code[rex];

	if (memcmp(code, endbr64, sizeof(endbr64)) == 0)
		return sizeof(endbr64);
	if (memcmp(code, frame, sizeof(frame)) == 0)
		return sizeof(frame);
	if (memcmp(code, room, sizeof(room)) == 0)
		return sizeof(room) + 1;
	if (opcode >= 0x50 && opcode <= 0x57) /* PUSH r64 */
		return rex + 1;
	if (opcode >= 0xb8 && opcode <= 0xbf) /* MOV r32, imm32 */
		return rex + 5;
	if (code[0] == 0x31 && code[1] >= 0xc0) /* XOR r32, r32 */
		return 2;
	return 0;
}

static size_t skip_prologue(const uint8_t *code)
{
	size_t at = 0, length;

	while (at <= CODE - INSTRUCTION && (length = prologue_length(code + at)))
		at += length;
	return at;
}

/* A ModRM byte of [RIP + disp32]. Source: Intel SDM, volume 2, table 2-2 and 2.2.1.6. */
static bool is_rip_relative(uint8_t modrm)
{
	return (modrm & 0xc7) == 0x05;
}

/* Where the displacement is, and how many bytes of the instruction follow it. */
static bool find_displacement(const uint8_t *code, size_t *at, size_t *ret_after)
{
	if ((code[*at] & 0xfb) == 0x48 && code[*at + 1] == 0x8b && is_rip_relative(code[*at + 2])) {
		*at += 3; /* MOV r64, [RIP + disp32] */
		*ret_after = 0;
		return true;
	}
	if (code[*at] == 0x8b && is_rip_relative(code[*at + 1])) {
		*at += 2; /* MOV r32, [RIP + disp32] */
		*ret_after = 0;
		return true;
	}
	if (code[*at] == 0x83 && code[*at + 1] == 0x3d) {
		*at += 2; /* CMP DWORD [RIP + disp32], imm8 */
		*ret_after = 1;
		return true;
	}
	return false;
}

bool vqi_accessor_decode(Elf *elf, uint64_t function, uint64_t *ret_variable)
{
	const uint8_t *code;
	GElf_Ehdr header;
	GElf_Phdr segment;
	size_t at, after;
	uint64_t variable;
	int32_t displacement;

	if (!gelf_getehdr(elf, &header) || header.e_machine != EM_X86_64)
		return false;
	code = read_code(elf, function);
	if (!code)
		return false;
	at = skip_prologue(code);
	if (at > CODE - INSTRUCTION || !find_displacement(code, &at, &after))
		return false;
	memcpy(&displacement, code + at, sizeof(displacement));
	variable = function + at + sizeof(displacement) + after + (uint64_t)(int64_t)displacement;
	if (!find_segment(elf, variable, &segment) || !(segment.p_flags & PF_W))
		return false;
	*ret_variable = variable;
	return true;
}
