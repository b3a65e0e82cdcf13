/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fields and variables of a QEMU, by name. */
#include "vqi/qemu.h"

#include <stdlib.h>
#include <string.h>

#include "vqi/limits.h"

#include "type.h"
#include "unknown.h"

struct vqi_error *vqi_qemu_init(struct vqi_mem *mem, const struct vqi_layout *layout, uint64_t bias,
				struct vqi_qemu *ret_qemu)
{
	struct vqi_types *types = vqi_types_new();

	if (!types)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	*ret_qemu = (struct vqi_qemu){.mem = mem, .layout = layout, .bias = bias, .types = types};
	return NULL;
}

void vqi_qemu_done(struct vqi_qemu *qemu)
{
	vqi_objects_done(&qemu->kept);
	free(take_ptr(qemu->run_state_name));
	vqi_types_free(qemu->types);
	qemu->types = NULL;
}

struct vqi_error *vqi_qemu_pages_begin(struct vqi_qemu *qemu, struct vqi_qemu_pages *ret_pages)
{
	struct vqi_error *error;

	if (vqi_mem_is_paged(qemu->mem))
		return NULL; /* by who called */
	error = vqi_paged_mem_new(qemu->mem, &ret_pages->pages);
	if (error)
		return error;
	ret_pages->qemu = qemu;
	ret_pages->mem = qemu->mem;
	qemu->mem = ret_pages->pages;
	return NULL;
}

void vqi_qemu_pages_end(struct vqi_qemu_pages *pages)
{
	if (!pages->qemu)
		return;
	pages->qemu->mem = pages->mem;
	vqi_paged_mem_free(pages->pages);
	*pages = (struct vqi_qemu_pages){0};
}

static struct vqi_error *field_address(const struct vqi_qemu *qemu, uint64_t address,
				       enum vqi_field_id field, uint64_t *ret_address,
				       uint32_t *ret_size)
{
	const struct vqi_field *place = &qemu->layout->fields[field];

	struct vqi_error *error = vqi_layout_need(qemu->layout, &field, 1);

	if (error)
		return error;
	if (!address || __builtin_add_overflow(address, place->offset, ret_address))
		return vqi_error_fault(address, place->size);
	*ret_size = place->size;
	return NULL;
}

struct vqi_error *vqi_qemu_field(struct vqi_qemu *qemu, uint64_t address, enum vqi_field_id field,
				 uint64_t *ret_value)
{
	struct vqi_error *error;
	uint64_t place;
	uint32_t size;

	error = field_address(qemu, address, field, &place, &size);
	if (!error)
		error = vqi_mem_read_uint(qemu->mem, place, size > 8 ? 8 : size, ret_value);
	return vqi_error_prefix(error, "%s", vqi_field_info(field)->name);
}

struct vqi_error *vqi_qemu_known(struct vqi_qemu *qemu, uint64_t address, enum vqi_field_id field,
				 struct vqi_num *ret_value)
{
	struct vqi_error *error;
	uint64_t value;

	error = vqi_qemu_field(qemu, address, field, &value);
	if (!error)
		*ret_value = VQI_NUM(value);
	return vqi_drop_unknown(error);
}

struct vqi_error *vqi_qemu_string_field(struct vqi_qemu *qemu, uint64_t address,
					enum vqi_field_id field, char **ret_string)
{
	struct vqi_error *error;
	uint64_t place;
	uint32_t size;

	error = field_address(qemu, address, field, &place, &size);
	if (!error && size == 8) { /* a char pointer; an array of 8 would be read as one */
		error = vqi_mem_read_uint(qemu->mem, place, size, &place);
		size = VQI_MAX_STRING;
	}
	if (!error && place)
		error = vqi_mem_read_string(qemu->mem, place, size, ret_string);
	else if (!error)
		*ret_string = NULL;
	return vqi_error_prefix(error, "%s", vqi_field_info(field)->name);
}

struct vqi_error *vqi_qemu_symbol(const struct vqi_qemu *qemu, enum vqi_symbol_id symbol,
				  uint64_t *ret_address)
{
	const struct vqi_symbol *place = &qemu->layout->symbols[symbol];

	if (!place->present)
		return vqi_error_new(VQI_ERROR_NO_LAYOUT, "symbol %s is unknown",
				     vqi_symbol_info(symbol)->name);
	*ret_address = qemu->bias + place->address; /* the bias may be "negative": wraps rightly */
	return NULL;
}

struct vqi_error *vqi_qemu_pointer(struct vqi_qemu *qemu, enum vqi_symbol_id symbol,
				   uint64_t *ret_value)
{
	struct vqi_error *error;
	uint64_t address;

	error = vqi_qemu_symbol(qemu, symbol, &address);
	if (error)
		return error;
	return vqi_error_prefix(vqi_mem_read_uint(qemu->mem, address, 8, ret_value), "%s",
				vqi_symbol_info(symbol)->name);
}
