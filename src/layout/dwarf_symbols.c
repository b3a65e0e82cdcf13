/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses of functions and variables, in one pass over a symbol table of tens of thousands. */
#include <errno.h>
#include <gelf.h>
#include <string.h>

#include "accessor.h"
#include "dwarf_private.h"
#include "elf_file.h"
#include "gnu_hash.h"
#include "vqi/symbols.h"

#define MAX_NAMES  512
#define HASH_SLOTS 2048 /* a power of two; a few times MAX_NAMES */
#define MAX_NAME   64
#define BEGINNING  6 /* characters by which most symbols are passed over */

/* How well a symbol fits a name. Compilers append .cold, .constprop.0, .isra.0, .part.0 to
 * functions, and .lto_priv.0, .0 to static variables. */
enum fit { FIT_NONE, FIT_SUFFIXED, FIT_LOCAL, FIT_GLOBAL };

struct name {
	char text[MAX_NAME];
	size_t len;
	unsigned char type; /* STT_FUNC or STT_OBJECT */
	enum fit fit;
	bool ambiguous; /* another symbol, elsewhere, fits as well */
	uint64_t address;
};

struct names {
	struct name names[MAX_NAMES];
	size_t count;
	uint16_t slots[HASH_SLOTS]; /* index + 1; 0: empty */
	bool begins[HASH_SLOTS];    /* by the hash of its beginning: there may be such a name */
	size_t missing;		    /* names without a fit */
};

/* Bernstein's: short and good enough for symbol names. */
static uint32_t hash_step(uint32_t hash, char c)
{
	return hash * 33 + (unsigned char)c;
}

static uint16_t *names_slot(struct names *names, const char *text, size_t len, uint32_t hash)
{
	for (size_t i = hash;; i++) {
		uint16_t *slot = &names->slots[i % HASH_SLOTS];
		const struct name *name;

		if (!*slot)
			return slot;
		name = &names->names[*slot - 1];
		if (name->len == len && !memcmp(name->text, text, len))
			return slot;
	}
}

/* Returns the index of a name, that is there afterwards; MAX_NAMES when there is no room. */
static size_t names_add(struct names *names, const char *text, size_t len, unsigned char type)
{
	uint32_t hash = 0, beginning = 0;
	uint16_t *slot;

	for (size_t i = 0; i < len; i++) {
		hash = hash_step(hash, text[i]);
		if (i + 1 == BEGINNING || (i + 1 == len && len < BEGINNING))
			beginning = hash;
	}
	slot = names_slot(names, text, len, hash);
	if (*slot)
		return *slot - 1;
	if (names->count == MAX_NAMES || len >= MAX_NAME)
		return MAX_NAMES;
	names->begins[beginning % HASH_SLOTS] = true;
	names->names[names->count] = (struct name){.len = len, .type = type};
	memcpy(names->names[names->count].text, text, len);
	names->missing++;
	*slot = (uint16_t)++names->count;
	return *slot - 1;
}

static void name_offer(struct name *name, enum fit fit, uint64_t address)
{
	if (fit == name->fit && address != name->address)
		name->ambiguous = true;
	if (fit <= name->fit)
		return;
	name->fit = fit;
	name->address = address;
	name->ambiguous = false;
}

static bool is_defined(const GElf_Sym *symbol)
{
	unsigned char type = GELF_ST_TYPE(symbol->st_info);

	return (type == STT_FUNC || type == STT_OBJECT) && symbol->st_shndx != SHN_UNDEF;
}

static enum fit fit_of(const GElf_Sym *symbol)
{
	return GELF_ST_BIND(symbol->st_info) == STB_LOCAL ? FIT_LOCAL : FIT_GLOBAL;
}

static void names_see(struct names *names, const GElf_Sym *symbol, const char *text,
		      const char *end)
{
	const char *at = text;
	uint32_t hash = 0;
	uint16_t slot;

	if (!is_defined(symbol))
		return;
	for (; at < end && *at && *at != '.'; at++) {
		if (at - text == BEGINNING && !names->begins[hash % HASH_SLOTS])
			return;
		hash = hash_step(hash, *at);
	}
	slot = *names_slot(names, text, (size_t)(at - text), hash);
	if (!slot || names->names[slot - 1].type != GELF_ST_TYPE(symbol->st_info))
		return;
	name_offer(&names->names[slot - 1], at < end && *at == '.' ? FIT_SUFFIXED : fit_of(symbol),
		   symbol->st_value);
}

/* Looks each name up as the loader would, which finds what is exported under just that name; returns whether the file
 * can be asked so. */
static bool names_look_up(struct names *names, Elf *elf, int fd)
{
	struct vqi_gnu_hash hash;

	if (!vqi_gnu_hash_open(elf, fd, &hash))
		return false;
	for (size_t i = 0; i < names->count; i++) {
		struct name *name = &names->names[i];
		GElf_Sym symbol;

		if (vqi_gnu_hash_find(&hash, name->text, &symbol) && is_defined(&symbol) &&
		    GELF_ST_TYPE(symbol.st_info) == name->type)
			name_offer(name, fit_of(&symbol), symbol.st_value);
	}
	return true;
}

/* Reads the symbol table of a type, SHT_SYMTAB or SHT_DYNSYM; returns whether there is one. */
static bool names_read(struct names *names, Elf *elf, GElf_Word type)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	Elf_Data *symbols, *strings;
	GElf_Sym symbol;

	while ((section = elf_nextscn(elf, section)))
		if (gelf_getshdr(section, &header) && header.sh_type == type)
			break;
	if (!section)
		return false;
	symbols = elf_getdata(section, NULL);
	strings = elf_getdata(elf_getscn(elf, header.sh_link), NULL);
	if (!symbols || !symbols->d_buf || !strings || !strings->d_buf)
		return false;
	for (int i = 0; gelf_getsym(symbols, i, &symbol); i++)
		if (symbol.st_name < strings->d_size)
			names_see(names, &symbol, (const char *)strings->d_buf + symbol.st_name,
				  (const char *)strings->d_buf + strings->d_size);
	return true;
}

/* Where each function of each structure is in names. */
struct anchor_names {
	size_t index[VQI_STRUCT_COUNT][VQI_MAX_ANCHORS]; /* MAX_NAMES: none */
};

static void names_add_variables(struct names *names)
{
	for (size_t i = 0; i < VQI_SYMBOL_COUNT; i++) {
		const char *text = vqi_symbol_info(i)->name;

		names_add(names, text, strlen(text), STT_OBJECT);
	}
}

static void names_add_anchors(struct names *names, struct anchor_names *ret_anchors)
{
	for (size_t i = 0; i < VQI_STRUCT_COUNT; i++) {
		const char *functions = vqi_struct_info(i)->functions;

		for (size_t j = 0; j < VQI_MAX_ANCHORS; j++) {
			size_t len = strcspn(functions, ",");

			ret_anchors->index[i][j] = len ? names_add(names, functions, len, STT_FUNC)
						       : MAX_NAMES;
			functions += len;
			functions += *functions == ',';
		}
	}
}

static void take_anchors(const struct names *names, const struct anchor_names *anchors,
			 struct vqi_dwarf_symbols *symbols)
{
	for (size_t i = 0; i < VQI_STRUCT_COUNT; i++)
		for (size_t j = 0; j < VQI_MAX_ANCHORS; j++) {
			size_t index = anchors->index[i][j];

			/* Of several functions of that name any may be the right one. */
			symbols->anchors[i][j] = index < names->count ? names->names[index].address
								      : 0;
		}
}

static void take_variables(struct names *names, struct vqi_layout *layout)
{
	for (size_t i = 0; i < VQI_SYMBOL_COUNT; i++) {
		const char *text = vqi_symbol_info(i)->name;
		const struct name *name =
			&names->names[names_add(names, text, strlen(text), STT_OBJECT)];

		if (name->fit != FIT_NONE && !name->ambiguous)
			layout->symbols[i] =
				(struct vqi_symbol){.present = true, .address = name->address};
	}
}

/* Variables of a file alone, which a stripped program does not export, and functions of which the first
 * instruction has their address. Source: util/main-loop.c, hw/core/sysbus.c, softmmu/runstate.c,
 * hw/virtio/vhost.c, qom/object.c, block/export/export.c. */
static const struct {
	enum vqi_symbol_id symbol;
	const char *function;
} accessors[] = {
	{VQI_SYM_qemu_aio_context, "qemu_get_aio_context"},
	{VQI_SYM_iohandler_ctx, "iohandler_get_aio_context"},
	{VQI_SYM_main_system_bus, "sysbus_get_default"},
	{VQI_SYM_current_run_state, "runstate_is_running"},
	{VQI_SYM_vhost_devices, "vhost_has_free_slot"},
	{VQI_SYM_vhost_devices, "vhost_get_max_memslots"}, /* its later name */
	{VQI_SYM_object_root, "object_get_root"},
	{VQI_SYM_block_exports, "blk_exp_find"},
};

#define ACCESSORS (sizeof(accessors) / sizeof(accessors[0]))

static void names_add_accessors(struct names *names)
{
	for (size_t i = 0; i < ACCESSORS; i++)
		names_add(names, accessors[i].function, strlen(accessors[i].function), STT_FUNC);
}

static void take_accessed(struct names *names, Elf *elf, struct vqi_layout *layout)
{
	for (size_t i = 0; i < ACCESSORS; i++) {
		const char *function = accessors[i].function;
		struct vqi_symbol *symbol = &layout->symbols[accessors[i].symbol];
		const struct name *name =
			&names->names[names_add(names, function, strlen(function), STT_FUNC)];

		if (!symbol->present && name->fit == FIT_GLOBAL && !name->ambiguous)
			symbol->present = vqi_accessor_decode(elf, name->address, &symbol->address);
	}
}

struct vqi_error *vqi_dwarf_symbols_read(struct vqi_dwarf_file *file,
					 struct vqi_dwarf_symbols *ret_symbols,
					 struct vqi_layout *layout)
{
	vqi_cleanup_free struct names *names = calloc(1, sizeof(*names));
	Elf *image = vqi_dwarf_file_image_elf(file);
	Elf *debug = dwarf_getelf(vqi_dwarf_file_dwarf(file));
	struct anchor_names anchors;

	if (!names)
		return vqi_error_sys(ENOMEM, "symbols");
	names_add_anchors(names, &anchors);
	names_add_variables(names);
	names_add_accessors(names);
	ret_symbols->complete = names_read(names, image, SHT_SYMTAB) ||
				names_read(names, debug, SHT_SYMTAB);
	if (!ret_symbols->complete)
		names_read(names, image, SHT_DYNSYM);
	take_anchors(names, &anchors, ret_symbols);
	take_variables(names, layout);
	take_accessed(names, image, layout);
	return NULL;
}

struct vqi_error *vqi_elf_symbols(const struct vqi_image *image, struct vqi_layout *layout)
{
	vqi_cleanup_free struct names *names = calloc(1, sizeof(*names));
	vqi_cleanup_elf Elf *elf = NULL;
	struct vqi_error *error;

	if (!names)
		return vqi_error_sys(ENOMEM, "symbols");
	error = vqi_elf_open(image->fd, &elf);
	if (error || !elf)
		return error;
	names_add_variables(names);
	names_add_accessors(names);
	if (!names_read(names, elf, SHT_SYMTAB) && !names_look_up(names, elf, image->fd))
		names_read(names, elf, SHT_DYNSYM);
	take_variables(names, layout);
	take_accessed(names, elf, layout);
	return NULL;
}
