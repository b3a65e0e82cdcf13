/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unwind_walk.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vqi/checked.h"
#include "vqi/cleanup.h"

#define THREAD_ID     1 /* libdwfl wants one */
#define REGISTER_NAME 32
#define X86_64_RIP    16 /* in DWARF */

bool vqi_walker_init(struct vqi_walker *walker, struct vqi_unwind_files *files, struct vqi_mem *mem)
{
	*walker = (struct vqi_walker){
		.files = files, .rules = vqi_unwind_rules_new(files), .mem = mem};
	return walker->rules;
}

__attribute__((format(printf, 2, 3))) static void stop(struct vqi_walk *walk, const char *format,
						       ...)
{
	va_list args;

	walk->stopped = true;
	va_start(args, format);
	if (vasprintf(&walk->stack->gap, format, args) < 0)
		walk->stack->gap = NULL; /* vqi_walk() sees that */
	va_end(args);
}

/* ---- what libdwfl asks for ---- */

static pid_t next_thread(Dwfl *dwfl, void *context, void **thread_context)
{
	(void)dwfl;
	(void)context;
	(void)thread_context;
	return 0;
}

static bool get_thread(Dwfl *dwfl, pid_t tid, void *context, void **ret_thread_context)
{
	(void)dwfl;
	*ret_thread_context = context;
	return tid == THREAD_ID;
}

static bool set_registers(Dwfl_Thread *thread, void *context)
{
	struct vqi_walker *walker = context;
	const struct vqi_registers *registers = &walker->walk->registers;
	const Dwarf_Word sp = registers->sp, pc = registers->pc;

	for (int i = 0; i < VQI_MAX_REGISTERS; i++) {
		const Dwarf_Word value = registers->values[i];

		if (vqi_registers_has(registers, (unsigned int)i) && i != walker->sp_register &&
		    !dwfl_thread_state_registers(thread, i, 1, &value))
			return false;
	}
	/* The unwind information of the PLT asks for it as a register. */
	if (walker->machine == EM_X86_64 &&
	    !dwfl_thread_state_registers(thread, X86_64_RIP, 1, &pc))
		return false;
	dwfl_thread_state_register_pc(thread, registers->pc);
	return dwfl_thread_state_registers(thread, walker->sp_register, 1, &sp);
}

static bool read_copy(const struct vqi_unwind_job *job, uint64_t addr, uint64_t *ret_word)
{
	uint64_t offset = addr - job->copy_addr;

	if (!job->copy || addr < job->copy_addr ||
	    !vqi_range_within(offset, sizeof(*ret_word), job->copy_len))
		return false;
	memcpy(ret_word, job->copy + offset, sizeof(*ret_word));
	return true;
}

bool vqi_walk_read(struct vqi_walker *walker, uint64_t addr, uint64_t *ret_word)
{
	vqi_cleanup_error struct vqi_error *error = NULL;

	if (read_copy(walker->walk->job, addr, ret_word))
		return true;
	error = vqi_mem_read(walker->mem, addr, ret_word, sizeof(*ret_word));
	return !error;
}

static bool read_memory(Dwfl *dwfl, Dwarf_Addr addr, Dwarf_Word *ret_word, void *context)
{
	(void)dwfl;
	return vqi_walk_read(context, addr, ret_word);
}

static const Dwfl_Thread_Callbacks callbacks = {
	.next_thread = next_thread,
	.get_thread = get_thread,
	.memory_read = read_memory,
	.set_initial_registers = set_registers,
};

/* ---- one frame ---- */

/* Whether a frame may be where it is: stacks grow down, so it lies above the one before. A function that has not used the
 * stack leaves it where it was; only the innermost can be one. */
static bool is_outward(const struct vqi_walk *walk, uint64_t sp)
{
	if (!walk->stack->count || walk->after_signal || walk->resumed)
		return true;
	return sp > walk->sp || (sp == walk->sp && walk->stack->count == 1);
}

static bool is_within(const struct vqi_unwind_job *job, uint64_t sp)
{
	return !job->stack_end || (sp >= job->stack_start && sp <= job->stack_end);
}

static bool add_frame(struct vqi_walk *walk, uint64_t pc, uint64_t addr)
{
	struct vqi_raw_stack *stack = walk->stack;

	if (!stack->frames)
		stack->frames = calloc(VQI_MAX_FRAMES, sizeof(*stack->frames));
	if (!stack->frames)
		return false;
	stack->frames[stack->count++] = (struct vqi_raw_frame){.pc = pc, .addr = addr};
	return true;
}

/* Notes what a frame needs and lacks: libdwfl would take that for the end of the stack. */
static void note_needs(struct vqi_walk *walk, Dwfl_Frame *state)
{
	const struct vqi_unwind_rule *rule = &walk->rule;
	Dwarf_Word value;

	walk->missing = -1;
	walk->cfa = 0;
	if (rule->cfa_register >= 0) {
		if (dwfl_frame_reg(state, (unsigned int)rule->cfa_register, &value))
			walk->missing = rule->cfa_register;
		else
			walk->cfa = value + (uint64_t)rule->cfa_offset;
	}
	if (walk->missing < 0 && rule->return_kind == VQI_RETURN_REGISTER &&
	    dwfl_frame_reg(state, (unsigned int)rule->return_register, &value))
		walk->missing = rule->return_register;
	if (walk->missing < 0)
		return;
	walk->last = (struct vqi_registers){.sp = walk->sp};
	for (unsigned int i = 0; i < VQI_MAX_REGISTERS; i++)
		if (!dwfl_frame_reg(state, i, &value))
			vqi_registers_set(&walk->last, i, value);
}

/* Whether there is a way on from an address. */
static bool check_rule(const struct vqi_walker *walker, struct vqi_walk *walk, uint64_t pc)
{
	const struct vqi_unwind_rule *rule = &walk->rule;
	const struct vqi_maps *maps = walker->files->source->maps;
	vqi_cleanup_free char *name = NULL;
	const struct vqi_map *map;

	if (rule->has_cfi)
		return true;
	if (!rule->file) {
		stop(walk, "there is no code at 0x%" PRIx64, pc);
		return false;
	}
	map = &maps->maps[rule->file->index];
	if (!map->inode && !map->path) {
		stop(walk, "0x%" PRIx64 " is generated code, without unwind information", pc);
		return false;
	}
	name = vqi_unwind_file_name(map);
	stop(walk, "no unwind information for 0x%" PRIx64 " in %s%s%s", pc, name ? name : "?",
	     rule->file->why ? ": " : "", rule->file->why ? rule->file->why : "");
	return false;
}

/* Finds the rule of a frame, and the address that it is in. */
static void find_rule(struct vqi_walker *walker, uint64_t pc, bool exact, uint64_t *addr)
{
	struct vqi_walk *walk = walker->walk;
	const struct vqi_unwind_rule *other;

	walk->rule = *vqi_unwind_rules_find(walker->rules, *addr);
	if (exact)
		return;
	/* The kernel lets a signal handler return to code that nothing calls. */
	if (walk->rule.is_signal)
		*addr = pc;
	if (walk->rule.has_cfi)
		return;
	/* Nobody has called the function that a coroutine returns to at its very beginning: makecontext(3) put it there. So it is
	 * the outermost, and what its unwind information says of a caller is not so. */
	other = vqi_unwind_rules_find(walker->rules, pc);
	if (other->has_cfi && other->start == pc) {
		walk->rule = *other;
		walk->rule.return_kind = VQI_RETURN_NEVER;
		*addr = pc;
	}
}

/* Takes the frame that libdwfl has come to; false when there it stops. */
static bool take_frame(struct vqi_walker *walker, Dwfl_Frame *state, uint64_t pc)
{
	struct vqi_walk *walk = walker->walk;
	bool exact = !walk->stack->count || walk->after_signal;
	uint64_t addr = exact ? pc : pc - 1;
	Dwarf_Word sp = 0;

	if (walk->stack->count == VQI_MAX_FRAMES) {
		stop(walk, "more than %d frames", VQI_MAX_FRAMES);
		return false;
	}
	if (dwfl_frame_reg(state, (unsigned int)walker->sp_register, &sp) ||
	    !is_outward(walk, sp) || !is_within(walk->job, sp)) {
		stop(walk, "the stack leads nowhere from 0x%" PRIx64, walk->sp);
		return false;
	}
	find_rule(walker, pc, exact, &addr);
	if (!add_frame(walk, pc, addr))
		return false;
	walk->sp = sp;
	walk->resumed = false;
	walk->after_signal = walk->rule.is_signal;
	if (!check_rule(walker, walk, pc))
		return false;
	walk->ended = walk->rule.return_kind == VQI_RETURN_NEVER;
	if (walk->ended)
		return false;
	note_needs(walk, state);
	return true;
}

static int on_frame(Dwfl_Frame *state, void *context)
{
	struct vqi_walker *walker = context;
	Dwarf_Addr pc;

	/* Not asked whether it was called or interrupted: to tell that, libdwfl unwinds on. */
	if (!dwfl_frame_pc(state, &pc, NULL)) {
		stop(walker->walk, "the program counter is not known");
		return DWARF_CB_ABORT;
	}
	return take_frame(walker, state, pc) ? DWARF_CB_OK : DWARF_CB_ABORT;
}

/* ---- a whole stack ---- */

static int keep_name(void *context, int number, const char *set, const char *prefix,
		     const char *name, int bits, int type)
{
	char *text = context;

	(void)set;
	(void)bits;
	(void)type;
	if (number != text[0])
		return DWARF_CB_OK;
	snprintf(text, REGISTER_NAME, "%s%s", strcmp(prefix, "%") ? prefix : "", name);
	return DWARF_CB_ABORT;
}

static void name_register(const struct vqi_walk *walk, char ret_name[REGISTER_NAME])
{
	ret_name[0] = (char)walk->missing;
	ret_name[1] = '\0';
	if (dwfl_module_register_names(walk->rule.file->module, keep_name, ret_name) !=
	    DWARF_CB_ABORT)
		snprintf(ret_name, REGISTER_NAME, "register %d", walk->missing);
}

/* libdwfl has seen the end of the stack: whether it is one. */
static void check_end(struct vqi_walker *walker, struct vqi_walk *walk)
{
	const struct vqi_unwind_rule *rule = &walk->rule;
	uint64_t pc = walk->stack->frames[walk->stack->count - 1].pc;
	char name[REGISTER_NAME];
	uint64_t word;

	if (walk->missing >= 0) {
		name_register(walk, name);
		stop(walk, "%s is not known: the frame at 0x%" PRIx64 " needs it", name, pc);
		return;
	}
	if (rule->return_kind == VQI_RETURN_REGISTER)
		return; /* which holds 0 */
	if (rule->return_kind == VQI_RETURN_STACK && walk->cfa) {
		uint64_t at = walk->cfa + (uint64_t)rule->return_offset;

		if (!vqi_walk_read(walker, at, &word))
			stop(walk, "cannot read 8 bytes at 0x%" PRIx64, at);
		else if (word)
			stop(walk, "libdwfl cannot unwind from 0x%" PRIx64, pc);
		return;
	}
	stop(walk, "where the frame at 0x%" PRIx64 " returns to is not known", pc);
}

/* Source: the ABIs of these machines. */
static int sp_register_of(int machine)
{
	switch (machine) {
	case EM_X86_64:
		return 7;
	case EM_AARCH64:
		return 31;
	case EM_S390:
		return 15;
	case EM_PPC64:
		return 1;
	default:
		return -1;
	}
}

/* Tells libdwfl what machine it is, by the first file with code that turns up. */
static bool attach(struct vqi_walker *walker, struct vqi_walk *walk)
{
	const struct vqi_unwind_rule *rule =
		vqi_unwind_rules_find(walker->rules, walk->registers.pc);
	GElf_Ehdr header;
	Dwarf_Addr bias;
	Elf *elf;

	if (walker->attached)
		return true;
	if (!rule->file || !rule->file->module) {
		walk->rule = *rule;
		check_rule(walker, walk, walk->registers.pc);
		return false;
	}
	elf = dwfl_module_getelf(rule->file->module, &bias);
	if (!elf || !gelf_getehdr(elf, &header) || gelf_getclass(elf) != ELFCLASS64 ||
	    sp_register_of(header.e_machine) < 0) {
		stop(walk, "not a machine whose stacks are known");
		return false;
	}
	walker->machine = header.e_machine;
	walker->sp_register = sp_register_of(header.e_machine);
	walker->attached =
		dwfl_attach_state(walker->files->dwfl, elf, THREAD_ID, &callbacks, walker);
	if (!walker->attached)
		stop(walk, "%s", dwfl_errmsg(-1));
	return walker->attached;
}

/* Goes back to the last frame, with the frame pointer that it lacked. False: that is not to be found. */
static bool resume(struct vqi_walker *walker, struct vqi_walk *walk)
{
	const struct vqi_raw_frame *last = &walk->stack->frames[walk->stack->count - 1];
	uint64_t pointer;

	if (walk->missing < 0 || !vqi_walk_find_pointer(walker, walk, &pointer))
		return false;
	vqi_registers_set(&walk->last, (unsigned int)walk->missing, pointer);
	walk->registers = walk->last;
	walk->registers.pc = last->pc;
	walk->stack->count--;
	walk->after_signal = last->addr == last->pc;
	walk->resumed = true;
	return true;
}

bool vqi_walk(struct vqi_walker *walker, const struct vqi_unwind_job *job,
	      struct vqi_raw_stack *ret_stack)
{
	struct vqi_walk walk = {
		.job = job, .stack = ret_stack, .registers = job->registers, .missing = -1};
	int result;

	walker->walk = &walk;
	if (attach(walker, &walk)) {
		do
			result = dwfl_getthread_frames(walker->files->dwfl, THREAD_ID, on_frame,
						       walker);
		while (!result && resume(walker, &walk));
		if (!walk.stopped && !walk.ended && result)
			stop(&walk, "%s", dwfl_errmsg(-1));
		else if (!walk.stopped && !walk.ended)
			check_end(walker, &walk);
	}
	walker->walk = NULL;
	return !walk.stopped || ret_stack->gap;
}
