/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What call frame information says of an address, as far as the unwinder has to know it: libdwfl
 * evaluates it, but does not tell the end of a stack from a register that is not known. Stacks have
 * many frames in common, so what was found is kept. */
#include <dwarf.h>
#include <stdlib.h>

#include "unwind_private.h"
#include "vqi/cleanup.h"

#define SLOTS 4096

struct vqi_unwind_rules {
	struct vqi_unwind_files *files;
	struct vqi_unwind_rule slots[SLOTS]; /* by address; what does not fit replaces another */
};

struct vqi_unwind_rules *vqi_unwind_rules_new(struct vqi_unwind_files *files)
{
	struct vqi_unwind_rules *rules = calloc(1, sizeof(*rules));

	if (rules)
		rules->files = files;
	return rules;
}

static void read_cfa(Dwarf_Frame *frame, struct vqi_unwind_rule *rule)
{
	Dwarf_Op *ops;
	size_t count;

	rule->cfa_register = -1;
	if (dwarf_frame_cfa(frame, &ops, &count) || count != 1)
		return;
	if (ops[0].atom == DW_OP_bregx && ops[0].number < VQI_MAX_REGISTERS) {
		rule->cfa_register = (int)ops[0].number;
		rule->cfa_offset = (int64_t)ops[0].number2;
	} else if (ops[0].atom >= DW_OP_breg0 && ops[0].atom <= DW_OP_breg31) {
		rule->cfa_register = ops[0].atom - DW_OP_breg0;
		rule->cfa_offset = (int64_t)ops[0].number;
	}
}

/* Source: the results of dwarf_frame_register(), elfutils/libdw.h. */
static void read_return(Dwarf_Frame *frame, struct vqi_unwind_rule *rule)
{
	Dwarf_Op mem[3], *ops;
	size_t count;

	rule->return_kind = VQI_RETURN_OTHER;
	if (dwarf_frame_register(frame, rule->return_register, mem, &ops, &count))
		return;
	if (count == 0 && ops == mem) {
		rule->return_kind = VQI_RETURN_NEVER;
	} else if (count == 0 && !ops) {
		rule->return_kind = VQI_RETURN_REGISTER;
	} else if (count && count <= 2 && ops[0].atom == DW_OP_call_frame_cfa &&
		   (count == 1 || ops[1].atom == DW_OP_plus_uconst)) {
		rule->return_kind = VQI_RETURN_STACK;
		rule->return_offset = count == 2 ? (int64_t)ops[1].number : 0;
	}
}

static void read_rule(struct vqi_unwind_files *files, uint64_t addr, struct vqi_unwind_rule *rule)
{
	vqi_cleanup_free Dwarf_Frame *frame = NULL;
	Dwarf_Addr start, end;

	*rule = (struct vqi_unwind_rule){.addr = addr, .file = vqi_unwind_files_find(files, addr)};
	if (!rule->file || !rule->file->cfi ||
	    dwarf_cfi_addrframe(rule->file->cfi, addr - rule->file->cfi_bias, &frame))
		return;
	rule->return_register = dwarf_frame_info(frame, &start, &end, &rule->is_signal);
	rule->has_cfi = rule->return_register >= 0;
	rule->start = start + rule->file->cfi_bias;
	read_cfa(frame, rule);
	read_return(frame, rule);
}

const struct vqi_unwind_rule *vqi_unwind_rules_find(struct vqi_unwind_rules *rules, uint64_t addr)
{
	struct vqi_unwind_rule *rule = &rules->slots[(addr * 0x9e3779b97f4a7c15 >> 40) % SLOTS];

	if (rule->addr != addr || !addr)
		read_rule(rules->files, addr, rule);
	return rule;
}
