/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which unit defines which structure. Of the thousand units of a QEMU the few are read in which
 * a function lies that is known to work with the structure; all of them only for what is missing
 * then. */
#include <dwarf.h>
#include <errno.h>
#include <string.h>

#include "dwarf_private.h"

/* Units that one unit imports, and these import: dwz makes thousands of partial units. */
#define MAX_UNITS 16384

/* The units to be walked for one set of structures; those that were stay, so as not to come
 * back. */
struct queue {
	Dwarf_Die *units;
	size_t count, room;
};

struct search {
	Dwarf *dwarf;
	const struct vqi_dwarf_symbols *symbols;
	struct vqi_layout *layout;
	bool wanted[VQI_STRUCT_COUNT];
	size_t wanted_count;
	bool want_variables;
	bool ambiguous[VQI_SYMBOL_COUNT]; /* two static variables have that name */
	struct queue queue;
	bool no_memory;
	const char *broken;
};

static void search_done(struct search *search)
{
	free(search->queue.units);
}

/* Remembers what the first broken unit was about. */
static void note_broken(struct search *search)
{
	const char *text = dwarf_errmsg(-1);

	if (!search->broken)
		search->broken = text ? text : "unknown error";
}

static bool is_missing(const struct search *search, size_t id)
{
	return !search->layout->structs[id].present;
}

static void want(struct search *search, size_t id)
{
	search->wanted_count += !search->wanted[id];
	search->wanted[id] = true;
}

static void want_nothing(struct search *search)
{
	memset(search->wanted, 0, sizeof(search->wanted));
	search->wanted_count = 0;
	search->queue.count = 0;
}

/* Adds a unit to be walked, unless it was added before. */
static void enqueue(struct search *search, const Dwarf_Die *unit)
{
	struct queue *queue = &search->queue;

	for (size_t i = 0; i < queue->count; i++)
		if (queue->units[i].addr == unit->addr)
			return;
	if (queue->count == MAX_UNITS) {
		search->broken = "too many imported units";
		return;
	}
	if (queue->count == queue->room) {
		size_t room = queue->room ? 2 * queue->room : 64;
		Dwarf_Die *units = reallocarray(queue->units, room, sizeof(*units));

		if (!units) {
			search->no_memory = true;
			return;
		}
		queue->units = units;
		queue->room = room;
	}
	queue->units[queue->count++] = *unit;
}

/* ---- one top-level entry of a unit ---- */

static bool find_wanted(const struct search *search, const char *name, size_t *ret_id)
{
	for (size_t i = 0; i < VQI_STRUCT_COUNT; i++)
		if (search->wanted[i] && !strcmp(vqi_struct_info(i)->name, name)) {
			*ret_id = i;
			return true;
		}
	return false;
}

/* A structure by its tag, or a typedef of a structure; other units have mere declarations of it. */
static void see_type(struct search *search, Dwarf_Die *die)
{
	const char *name = dwarf_diename(die);
	Dwarf_Die type = *die;
	size_t id;

	if (!name || !find_wanted(search, name, &id) || !vqi_dwarf_peel(&type) ||
	    !vqi_dwarf_is_complete(&type))
		return;
	vqi_dwarf_read_struct(&type, id, search->layout);
	if (is_missing(search, id))
		return;
	search->wanted[id] = false;
	search->wanted_count--;
}

/* A variable's address, where it is defined: a lone DW_OP_addr. */
static bool variable_address(Dwarf_Die *die, uint64_t *ret_address)
{
	Dwarf_Attribute attribute;
	Dwarf_Op *ops;
	size_t count;

	if (!dwarf_attr_integrate(die, DW_AT_location, &attribute) ||
	    dwarf_getlocation(&attribute, &ops, &count) || count != 1 || ops[0].atom != DW_OP_addr)
		return false;
	*ret_address = ops[0].number;
	return true;
}

static void see_variable(struct search *search, Dwarf_Die *die)
{
	const char *name = dwarf_diename(die);
	uint64_t address;

	for (size_t i = 0; name && i < VQI_SYMBOL_COUNT; i++) {
		struct vqi_symbol *symbol = &search->layout->symbols[i];

		if (strcmp(vqi_symbol_info(i)->name, name) != 0 || search->ambiguous[i] ||
		    !variable_address(die, &address))
			continue;
		search->ambiguous[i] = symbol->present && symbol->address != address;
		*symbol = (struct vqi_symbol){.present = !search->ambiguous[i], .address = address};
	}
}

/* The unit of the entry that an attribute refers to. */
static void enqueue_referred(struct search *search, Dwarf_Die *die, unsigned int name)
{
	Dwarf_Attribute attribute;
	Dwarf_Die referred, unit;

	if (dwarf_attr(die, name, &attribute) && dwarf_formref_die(&attribute, &referred) &&
	    dwarf_diecu(&referred, &unit, NULL, NULL))
		enqueue(search, &unit);
}

static bool is_done(const struct search *search)
{
	return search->no_memory || (!search->wanted_count && !search->want_variables);
}

static void walk_unit(struct search *search, const Dwarf_Die *unit)
{
	Dwarf_Die die, parent = *unit;
	int status = dwarf_child(&parent, &die);

	for (; !status && !is_done(search); status = dwarf_siblingof(&die, &die))
		switch (dwarf_tag(&die)) {
		case DW_TAG_structure_type:
		case DW_TAG_union_type:
		case DW_TAG_class_type:
		case DW_TAG_typedef:
			see_type(search, &die);
			break;
		case DW_TAG_variable:
			if (search->want_variables)
				see_variable(search, &die);
			break;
		case DW_TAG_imported_unit: /* DWARF 5, 3.2.5 */
			enqueue_referred(search, &die, DW_AT_import);
			break;
		}
	if (status < 0)
		note_broken(search);
}

/* ---- the unit of a function ---- */

/* Link-time optimisation puts code into units named <artificial>; types are in the unit of the
 * source file, where the function's DW_AT_abstract_origin leads. */
static void enqueue_origin(struct search *search, const Dwarf_Die *unit, uint64_t address)
{
	Dwarf_Die die, parent = *unit;
	Dwarf_Addr low;
	int status = dwarf_child(&parent, &die);

	for (; !status; status = dwarf_siblingof(&die, &die))
		if (dwarf_tag(&die) == DW_TAG_subprogram && !dwarf_lowpc(&die, &low) &&
		    low == address) {
			enqueue_referred(search, &die, DW_AT_abstract_origin);
			return;
		}
}

/* Where the functions are that a round of the search goes by. */
struct places {
	uint64_t address[VQI_STRUCT_COUNT]; /* 0: none, or walked already */
	Dwarf_Die unit[VQI_STRUCT_COUNT];   /* addr is NULL where unknown */
};

/* Not every compiler writes .debug_aranges (clang does not), which dwarf_addrdie() needs. */
static void places_find_by_ranges(struct search *search, struct places *places)
{
	Dwarf_CU *unit = NULL;
	Dwarf_Die die;

	while (!dwarf_get_units(search->dwarf, unit, &unit, NULL, NULL, &die, NULL)) {
		Dwarf_Addr base, start, end;
		ptrdiff_t offset = 0;

		while ((offset = dwarf_ranges(&die, offset, &base, &start, &end)) > 0)
			for (size_t i = 0; i < VQI_STRUCT_COUNT; i++)
				if (places->address[i] >= start && places->address[i] < end &&
				    !places->unit[i].addr)
					places->unit[i] = die;
	}
}

static void places_find(struct search *search, struct places *places, size_t round)
{
	bool unknown = false;

	for (size_t i = 0; i < VQI_STRUCT_COUNT; i++) {
		uint64_t address = is_missing(search, i) ? search->symbols->anchors[i][round] : 0;

		places->address[i] = address;
		if (address && !dwarf_addrdie(search->dwarf, address, &places->unit[i])) {
			places->unit[i].addr = NULL;
			unknown = true;
		}
	}
	if (unknown)
		places_find_by_ranges(search, places);
}

/* Walks the queue from a unit on, and what that adds to it; returns where it ends. */
static size_t walk_queue(struct search *search, size_t from)
{
	while (from < search->queue.count && !is_done(search))
		walk_unit(search, &search->queue.units[from++]);
	return from;
}

/* Walks one unit for all structures that have their function in it. Units that it imports itself
 * come last: under link-time optimisation these are half the program. */
static void walk_place(struct search *search, struct places *places, size_t first)
{
	const Dwarf_Die unit = places->unit[first];
	uint64_t addresses[VQI_STRUCT_COUNT];
	size_t address_count = 0;
	size_t imports, next;

	want_nothing(search);
	for (size_t i = first; i < VQI_STRUCT_COUNT; i++) {
		if (!places->address[i] || places->unit[i].addr != unit.addr)
			continue;
		want(search, i);
		addresses[address_count++] = places->address[i];
		places->address[i] = 0;
	}
	enqueue(search, &unit);
	walk_unit(search, &unit);
	imports = search->queue.count;
	for (size_t i = 0; i < address_count && !is_done(search); i++)
		enqueue_origin(search, &unit, addresses[i]);
	next = walk_queue(search, imports);
	for (size_t i = 1; i < imports && !is_done(search); i++)
		walk_unit(search, &search->queue.units[i]);
	walk_queue(search, next);
}

static void search_by_functions(struct search *search)
{
	struct places places;

	for (size_t round = 0; round < VQI_MAX_ANCHORS; round++) {
		places_find(search, &places, round);
		for (size_t i = 0; i < VQI_STRUCT_COUNT && !search->no_memory; i++)
			if (places.address[i] && places.unit[i].addr)
				walk_place(search, &places, i);
	}
}

/* ---- all units ---- */

static bool is_required(const struct search *search, size_t id)
{
	enum vqi_need need = vqi_need_of(search->layout->kind);

	for (size_t i = 0; i < VQI_FIELD_COUNT; i++)
		if (vqi_field_info(i)->structure == id && vqi_field_info(i)->need == need)
			return true;
	return false;
}

/* A structure none of whose functions is in the symbol table belongs to a device that was not built
 * into this QEMU. */
static bool may_exist(const struct search *search, size_t id)
{
	if (is_required(search, id) || !search->symbols->complete)
		return true;
	for (size_t i = 0; i < VQI_MAX_ANCHORS; i++)
		if (search->symbols->anchors[id][i])
			return true;
	return false;
}

static void walk_all_units(struct search *search, Dwarf *dwarf)
{
	Dwarf_CU *unit = NULL;
	Dwarf_Die die;
	int status = 0;

	while (!is_done(search) &&
	       !(status = dwarf_get_units(dwarf, unit, &unit, NULL, NULL, &die, NULL))) {
		search->queue.count = 0; /* partial units have their own turn */
		walk_unit(search, &die);
	}
	if (status < 0)
		note_broken(search);
}

static void search_everywhere(struct search *search)
{
	Dwarf *shared = dwarf_getalt(search->dwarf);

	want_nothing(search);
	for (size_t i = 0; i < VQI_STRUCT_COUNT; i++)
		if (is_missing(search, i) && may_exist(search, i))
			want(search, i);
	walk_all_units(search, search->dwarf);
	if (shared)
		walk_all_units(search, shared);
}

/* The symbol table has all of them, if there is one. */
static bool needs_variables(const struct search *search)
{
	for (size_t i = 0; i < VQI_SYMBOL_COUNT; i++)
		if (!search->symbols->complete && !search->layout->symbols[i].present)
			return true;
	return false;
}

struct vqi_error *vqi_dwarf_search(struct vqi_dwarf_file *file,
				   const struct vqi_dwarf_symbols *symbols,
				   struct vqi_layout *layout, const char **ret_broken)
{
	__attribute__((cleanup(search_done))) struct search search = {
		.dwarf = vqi_dwarf_file_dwarf(file),
		.symbols = symbols,
		.layout = layout,
	};

	search_by_functions(&search);
	search.want_variables = needs_variables(&search);
	search_everywhere(&search);
	if (search.no_memory)
		return vqi_error_sys(ENOMEM, "debug information");
	*ret_broken = search.broken;
	return NULL;
}
