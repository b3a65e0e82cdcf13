/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of addresses. All addresses of a file in one pass over its symbols:
 * dwfl_module_addrinfo() makes one for each, and a QEMU has 19,000 of those that are exported
 * alone. */
#include <string.h>

#include "elf_file.h"
#include "unwind_private.h"

/* A symbol, and how good a name it gives. */
struct symbol {
	const char *name;
	uint64_t start, size;
	int rank;
};

/* Of the names of one function: that without underscores in front, which is what people know
 * (poll, not __poll); then that which others can call. */
static int rank(const char *name, const GElf_Sym *sym)
{
	int binding = GELF_ST_BIND(sym->st_info);
	int value = binding == STB_GLOBAL ? 2 : binding == STB_WEAK ? 1 : 0;

	return name[0] == '_' ? value : value + 4;
}

static bool is_code(const GElf_Sym *sym, GElf_Word section)
{
	int type = GELF_ST_TYPE(sym->st_info);

	return section != SHN_UNDEF && section != SHN_ABS &&
	       (type == STT_FUNC || type == STT_GNU_IFUNC || type == STT_NOTYPE);
}

/* A static function of a stripped file lies behind an exported one, and is not it. */
static bool covers(const struct symbol *symbol, uint64_t addr)
{
	return addr >= symbol->start &&
	       (addr - symbol->start < symbol->size || addr == symbol->start);
}

static void offer(const struct symbol *symbol, struct vqi_named *named, int *named_rank)
{
	/* A label without a size, where there is nothing else. */
	if (named->function && !symbol->size)
		return;
	if (named->function && *named_rank >= 0 &&
	    (symbol->start < named->start ||
	     (symbol->start == named->start && symbol->rank <= *named_rank)))
		return;
	named->function = (char *)(uintptr_t)symbol->name;
	named->start = symbol->start;
	*named_rank = symbol->rank;
}

/* The first address that is not below another. */
static size_t lower_bound(const struct vqi_named *names, size_t count, uint64_t addr)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (names[middle].addr < addr)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* ret_elf is the file that has them: the debug file as a rule. */
static void read_symbols(Dwfl_Module *module, struct vqi_named *names, int *ranks, size_t count,
			 Elf **ret_elf)
{
	int symbols = dwfl_module_getsymtab(module);

	for (int i = 0; i < symbols; i++) {
		GElf_Word section;
		GElf_Addr start;
		GElf_Sym sym;
		const char *name =
			dwfl_module_getsym_info(module, i, &sym, &start, &section, ret_elf, NULL);
		struct symbol symbol = {.name = name, .start = start, .size = sym.st_size};

		if (!name || !name[0] || !is_code(&sym, section))
			continue;
		for (size_t at = lower_bound(names, count, start);
		     at < count && covers(&symbol, names[at].addr); at++) {
			symbol.rank = symbol.size ? rank(name, &sym) : -1;
			offer(&symbol, &names[at], &ranks[at]);
		}
	}
}

static bool is_plain(Elf *elf)
{
	GElf_Shdr header;

	return elf && vqi_elf_section(elf, ".debug_info", &header) &&
	       !(header.sh_flags & SHF_COMPRESSED);
}

/* Whether there is debug information that need not be uncompressed first; symbols is the file that has the symbols. */
static bool has_plain_lines(Dwfl_Module *module, Elf *symbols)
{
	GElf_Addr bias;

	return is_plain(symbols) || is_plain(dwfl_module_getelf(module, &bias));
}

static void read_lines(Dwfl_Module *module, struct vqi_named *names, size_t count)
{
	Dwarf_Addr bias;

	if (!dwfl_module_getdwarf(module, &bias))
		return;
	for (size_t i = 0; i < count; i++) {
		Dwfl_Line *line = dwfl_module_getsrc(module, names[i].addr);
		int number = 0;
		const char *path = line ? dwfl_lineinfo(line, NULL, &number, NULL, NULL, NULL)
					: NULL;

		if (!path || number <= 0)
			continue;
		names[i].file = (char *)(uintptr_t)path;
		names[i].line = (unsigned int)number;
	}
}

void vqi_unwind_names(const struct vqi_unwind_source *source, struct vqi_unwind_file *file,
		      struct vqi_named *names, size_t count)
{
	vqi_cleanup_free int *ranks = calloc(count, sizeof(*ranks));
	Elf *symbols = NULL;

	if (!file->module || !ranks)
		return;
	read_symbols(file->module, names, ranks, count, &symbols);
	if (source->lines == VQI_LINES_ALL ||
	    (source->lines == VQI_LINES_CHEAP && has_plain_lines(file->module, symbols)))
		read_lines(file->module, names, count);
}
