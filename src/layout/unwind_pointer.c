/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The frame pointer of a thread that sleeps in a system call is not told by procfs, and programs
 * and C libraries that are built with frame pointers (Ubuntu's since 24.04, Fedora's since 38) have
 * no other way out of a frame. But it points to where the frame was pushed, next to the return
 * address; and that follows a call, which says what it calls. So the nearest place is taken whose
 * return address follows a call of this very function: by name, through the PLT, or through the
 * GOT. Who was called through a pointer is not found so: there the stack has a gap. It would be
 * wrong for a function that was called through a pointer, by one that it has itself been called by
 * directly, a few frames above, so that frames between these two were left out.
 * Source: Intel SDM volume 2, CALL and JMP; System V ABI, AMD64 supplement, 3.2.2 and 5.2. */
#include <string.h>

#include "elf_file.h"
#include "unwind_walk.h"

#define RBP	     6
#define PUSHED	     16	  /* the return address, and the frame pointer of the caller */
#define SEARCH	     4096 /* bytes of a frame */
#define CALL	     0xe8 /* rel32 */
#define INDIRECT     0xff
#define VIA_RIP	     0x15 /* call *rel32(%rip) */
#define JUMP_VIA_RIP 0x25
#define BND	     0xf2
#define LONGEST_CALL 6 /* bytes */

/* .eh_frame_hdr as linkers write it, and no other: the sorted table of where functions begin.
 * Source: LSB Core, "Eh Frame Header Format"; encodings: DWARF Extensions. */
#define HEADER_SIZE 12
static const uint8_t header_start[] = {1, 0x1b, 0x03, 0x3b};

static const uint8_t endbr64[] = {0xf3, 0x0f, 0x1e, 0xfa};

static bool read_bytes(struct vqi_walker *walker, uint64_t addr, void *ret_bytes, size_t len)
{
	vqi_cleanup_error struct vqi_error *error = vqi_mem_read(walker->mem, addr, ret_bytes, len);

	return !error;
}

static bool read_start(struct vqi_walker *walker, uint64_t table, uint32_t i, uint64_t header,
		       uint64_t *ret_start)
{
	int32_t distance;

	if (!read_bytes(walker, table + (uint64_t)i * 8, &distance, sizeof(distance)))
		return false;
	*ret_start = header + (uint64_t)(int64_t)distance;
	return true;
}

/* Where the function begins that an address is in; header is where its file's table is mapped. */
static bool find_start(struct vqi_walker *walker, uint64_t header, uint64_t addr,
		       uint64_t *ret_start)
{
	uint32_t low = 0, high;
	uint8_t bytes[HEADER_SIZE];
	uint64_t start;

	if (!read_bytes(walker, header, bytes, sizeof(bytes)) ||
	    memcmp(bytes, header_start, sizeof(header_start)))
		return false;
	memcpy(&high, bytes + 8, sizeof(high));
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (!read_start(walker, header + HEADER_SIZE, middle, header, &start))
			return false;
		if (start <= addr)
			low = middle + 1;
		else
			high = middle;
	}
	return low && read_start(walker, header + HEADER_SIZE, low - 1, header, ret_start);
}

/* The same for the function of the last frame; false also when that ends with the instruction in front of pc. */
static bool function_start(struct vqi_walker *walker, const struct vqi_walk *walk,
			   uint64_t *ret_start)
{
	const struct vqi_raw_frame *last = &walk->stack->frames[walk->stack->count - 1];
	Dwarf_Addr bias;
	Elf *elf = dwfl_module_getelf(walk->rule.file->module, &bias);
	uint64_t start, start_at_pc;
	GElf_Phdr segment;

	for (size_t i = 0; elf && vqi_elf_segment(elf, i, &segment); i++) {
		if (segment.p_type != PT_GNU_EH_FRAME)
			continue;
		if (!find_start(walker, bias + segment.p_vaddr, last->addr, &start) ||
		    !find_start(walker, bias + segment.p_vaddr, last->pc, &start_at_pc) ||
		    start != start_at_pc)
			return false;
		*ret_start = start;
		return true;
	}
	return false;
}

static uint64_t add_rel32(uint64_t addr, const uint8_t *bytes)
{
	int32_t distance;

	memcpy(&distance, bytes, sizeof(distance));
	return addr + (uint64_t)(int64_t)distance;
}

/* Whether the code at an address jumps to a function through the GOT: an entry of the PLT. */
static bool jumps_to(struct vqi_walker *walker, uint64_t addr, uint64_t function)
{
	uint8_t code[16];
	uint64_t word;
	size_t at = 0;

	if (!read_bytes(walker, addr, code, sizeof(code)))
		return false;
	if (!memcmp(code, endbr64, sizeof(endbr64)))
		at += sizeof(endbr64);
	if (code[at] == BND)
		at++;
	return code[at] == INDIRECT && code[at + 1] == JUMP_VIA_RIP &&
	       read_bytes(walker, add_rel32(addr + at + 6, code + at + 2), &word, sizeof(word)) &&
	       word == function;
}

/* Whether an address is where a function returns to that was called here. */
static bool follows_call(struct vqi_walker *walker, uint64_t addr, uint64_t function)
{
	const struct vqi_map *map = vqi_unwind_map(walker->files->source->maps, addr);
	uint8_t code[LONGEST_CALL];
	const uint8_t *end = code + sizeof(code);
	uint64_t word;

	if (!map || !map->executable || addr - map->start < sizeof(code) ||
	    !read_bytes(walker, addr - sizeof(code), code, sizeof(code)))
		return false;
	if (end[-5] == CALL) {
		uint64_t called = add_rel32(addr, end - 4);

		return called == function || jumps_to(walker, called, function);
	}
	return end[-6] == INDIRECT && end[-5] == VIA_RIP &&
	       read_bytes(walker, add_rel32(addr, end - 4), &word, sizeof(word)) &&
	       word == function;
}

bool vqi_walk_find_pointer(struct vqi_walker *walker, const struct vqi_walk *walk,
			   uint64_t *ret_pointer)
{
	const struct vqi_unwind_rule *rule = &walk->rule;
	uint64_t first = (walk->sp + 7) & ~UINT64_C(7), start;

	if (walker->machine != EM_X86_64 || walk->missing != RBP || rule->cfa_register != RBP ||
	    rule->cfa_offset != PUSHED || rule->return_kind != VQI_RETURN_STACK ||
	    rule->return_offset != -8 || !function_start(walker, walk, &start))
		return false;
	for (uint64_t at = first; at - first < SEARCH; at += 8) {
		uint64_t word;

		if (walk->job->stack_end && at + PUSHED > walk->job->stack_end)
			return false;
		if (!vqi_walk_read(walker, at + 8, &word))
			return false;
		if (!follows_call(walker, word, start))
			continue;
		*ret_pointer = at;
		return true;
	}
	return false;
}
