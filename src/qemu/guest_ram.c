/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guest's RAM, as an address space shows it. Source: softmmu/memory.c struct FlatRange,
 * generate_memory_topology(); include/exec/memory.h struct FlatView. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "vqi/checked.h"
#include "vqi/limits.h"
#include "vqi/qemu.h"

#define INT128_SIZE 16

/* The flat view of an address space, and what lies behind each of its ranges. */
struct flat {
	size_t count;
	uint8_t *ranges;	    /* FlatRange */
	uint64_t *regions, *blocks; /* addresses of their MemoryRegions and RAMBlocks; 0: none */
	uint8_t *region_bytes, *block_bytes;
};

static void flat_done(struct flat *flat)
{
	free(flat->ranges);
	free(flat->regions);
	free(flat->blocks);
	free(flat->region_bytes);
	free(flat->block_bytes);
}
VQI_DEFINE_CLEANUP_VALUE(struct flat, flat_done)

/* Which addresses a range has. */
struct span {
	uint64_t first, last;
	bool is_beyond; /* none of 64 bits */
	bool is_cut;	/* more than those up to the last of 64 bits */
};

static struct vqi_error *check_layout(const struct vqi_layout *layout)
{
	static const enum vqi_field_id fields[] = {
		VQI_F_FlatRange_mr,	     VQI_F_FlatRange_offset_in_region,
		VQI_F_FlatRange_start,	     VQI_F_FlatRange_size,
		VQI_F_MemoryRegion_is_iommu, VQI_F_MemoryRegion_ram_block,
		VQI_F_RAMBlock_host,
	};

	struct vqi_error *error;

	error = vqi_layout_need(layout, fields, sizeof(fields) / sizeof(fields[0]));
	if (error)
		return error;
	if (layout->fields[VQI_F_FlatRange_start].size != INT128_SIZE ||
	    layout->fields[VQI_F_FlatRange_size].size != INT128_SIZE)
		return vqi_error_new(VQI_ERROR_NO_LAYOUT, "FlatRange.addr is no pair of Int128");
	return NULL;
}

static struct vqi_error *read_ranges(struct vqi_qemu *qemu, uint64_t address_space,
				     struct flat *flat)
{
	size_t stride = qemu->layout->structs[VQI_S_FlatRange].size;
	uint64_t view, ranges, count;
	struct vqi_error *error;

	error = vqi_qemu_field(qemu, address_space, VQI_F_AddressSpace_current_map, &view);
	if (!error)
		error = vqi_qemu_field(qemu, view, VQI_F_FlatView_ranges, &ranges);
	if (!error)
		error = vqi_qemu_field(qemu, view, VQI_F_FlatView_nr, &count);
	if (error)
		return error;
	if (count > VQI_MAX_FLAT_RANGES)
		return vqi_error_new(VQI_ERROR_LIMIT, "FlatView of %" PRIu64 " ranges", count);
	flat->count = count;
	flat->ranges = calloc(count + 1, stride);
	flat->regions = calloc(count + 1, sizeof(*flat->regions));
	flat->blocks = calloc(count + 1, sizeof(*flat->blocks));
	if (!flat->ranges || !flat->regions || !flat->blocks)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	return vqi_error_prefix(vqi_mem_read(qemu->mem, ranges, flat->ranges, count * stride),
				"FlatView.ranges");
}

/* Reads structures of one kind, all at once: the bytes that hold their fields, or 0 where the address
 * is 0. Owner: the caller frees *ret_bytes. */
static struct vqi_error *read_structures(struct vqi_qemu *qemu, enum vqi_struct_id id,
					 const uint64_t *addresses, size_t count,
					 uint8_t **ret_bytes)
{
	uint32_t span = vqi_layout_span(qemu->layout, id);
	vqi_cleanup_free uint8_t *bytes = calloc(count + 1, span);
	vqi_cleanup_free struct vqi_range *ranges = calloc(count + 1, sizeof(*ranges));
	struct vqi_error *error;

	if (!bytes || !ranges)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	for (size_t i = 0; i < count; i++)
		ranges[i] = (struct vqi_range){
			.addr = addresses[i],
			.buf = bytes + i * span,
			.len = addresses[i] ? span : 0,
		};
	error = vqi_mem_readv_all(qemu->mem, ranges, count);
	if (error)
		return vqi_error_prefix(error, "%s", vqi_struct_info(id)->name);
	*ret_bytes = take_ptr(bytes);
	return NULL;
}

static struct vqi_view view_range(const struct vqi_qemu *qemu, const struct flat *flat, size_t i)
{
	size_t stride = qemu->layout->structs[VQI_S_FlatRange].size;

	return (struct vqi_view){qemu->layout, 0, flat->ranges + i * stride, stride};
}

static struct vqi_view view_structure(const struct vqi_qemu *qemu, enum vqi_struct_id id,
				      const uint8_t *bytes, size_t i)
{
	uint32_t span = vqi_layout_span(qemu->layout, id);

	return (struct vqi_view){qemu->layout, 0, bytes + i * span, span};
}

/* The MemoryRegions of the ranges, and their RAMBlocks. */
static struct vqi_error *read_regions(struct vqi_qemu *qemu, struct flat *flat)
{
	struct vqi_error *error;

	for (size_t i = 0; i < flat->count; i++) {
		struct vqi_view range = view_range(qemu, flat, i);

		flat->regions[i] = vqi_view_uint_or(&range, VQI_F_FlatRange_mr, 0);
	}
	error = read_structures(qemu, VQI_S_MemoryRegion, flat->regions, flat->count,
				&flat->region_bytes);
	if (error)
		return error;
	for (size_t i = 0; i < flat->count; i++) {
		struct vqi_view region =
			view_structure(qemu, VQI_S_MemoryRegion, flat->region_bytes, i);

		flat->blocks[i] = vqi_view_uint_or(&region, VQI_F_MemoryRegion_ram_block, 0);
	}
	return read_structures(qemu, VQI_S_RAMBlock, flat->blocks, flat->count, &flat->block_bytes);
}

/* The halves of an Int128, which is the compiler's own on each 64-bit host: include/qemu/int128.h. */
static void get_int128(const struct vqi_view *range, enum vqi_field_id field, uint64_t *ret_high,
		       uint64_t *ret_low)
{
	bool big = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;
	uint64_t halves[2];

	memcpy(halves, range->data + range->layout->fields[field].offset, sizeof(halves));
	*ret_low = halves[big];
	*ret_high = halves[!big];
}

/* The addresses of a range; false when there are none. */
static bool get_span(const struct vqi_view *range, struct span *ret_span)
{
	struct span span = {0};
	uint64_t start_high, size_high, size;

	get_int128(range, VQI_F_FlatRange_start, &start_high, &span.first);
	get_int128(range, VQI_F_FlatRange_size, &size_high, &size);
	if (!size && !size_high)
		return false;
	span.is_beyond = start_high;
	span.is_cut = size_high || !vqi_add_u64(span.first, size - 1, &span.last);
	if (span.is_cut)
		span.last = UINT64_MAX;
	*ret_span = span;
	return true;
}

/* Where a range lies in the target; 0: out of reach. A block without memory of its own is RAM all the
 * same: under Xen, whose map cache has it. Source: softmmu/physmem.c qemu_map_ram_ptr(). */
static bool locate(uint64_t host, uint64_t offset, uint64_t len, uint64_t *ret_hva)
{
	uint64_t end;

	if (!host) {
		*ret_hva = 0;
		return true;
	}
	return vqi_add_u64(host, offset, ret_hva) && vqi_add_u64(*ret_hva, len, &end);
}

/* Adds range i, unless it is neither RAM nor a vIOMMU; before is the one before it. A vIOMMU's may be
 * all 2^64 addresses, memory_region_init() of UINT64_MAX: one more than a length can say. RAM is never
 * so large. */
static struct vqi_error *add_range(const struct vqi_qemu *qemu, const struct flat *flat, size_t i,
				   struct span *before, struct vqi_guest_ram *ram)
{
	struct vqi_view range = view_range(qemu, flat, i);
	struct vqi_view region = view_structure(qemu, VQI_S_MemoryRegion, flat->region_bytes, i);
	struct vqi_view block = view_structure(qemu, VQI_S_RAMBlock, flat->block_bytes, i);
	uint64_t offset = vqi_view_uint_or(&range, VQI_F_FlatRange_offset_in_region, 0);
	uint64_t host = vqi_view_uint_or(&block, VQI_F_RAMBlock_host, 0);
	bool is_iommu = vqi_view_uint_or(&region, VQI_F_MemoryRegion_is_iommu, 0);
	struct vqi_ram_range added = {0};
	struct span span;

	if (!flat->regions[i] || !get_span(&range, &span) ||
	    (i && !span.is_beyond && span.first <= before->last))
		return vqi_error_new(VQI_ERROR_BAD_DATA, "FlatView.ranges: range %zu is none", i);
	if (span.is_beyond)
		return NULL;
	*before = span;
	if (!is_iommu && (!flat->blocks[i] || span.is_cut))
		return NULL;
	added.gpa = span.first;
	added.len = span.last - span.first;
	if (added.len != UINT64_MAX)
		added.len++;
	if (!is_iommu && !locate(host, offset, added.len, &added.hva))
		return vqi_error_new(VQI_ERROR_BAD_DATA,
				     "RAM at 0x%" PRIx64 " cannot lie at 0x%" PRIx64
				     " + 0x%" PRIx64,
				     added.gpa, host, offset);
	ram->ranges[ram->count++] = added;
	return NULL;
}

struct vqi_error *vqi_qemu_guest_ram(struct vqi_qemu *qemu, uint64_t address_space,
				     struct vqi_guest_ram *ret_ram)
{
	vqi_cleanup(flat_done) struct flat flat = {0};
	vqi_cleanup(vqi_guest_ram_done) struct vqi_guest_ram ram = {0};
	struct span before = {0};
	struct vqi_error *error;

	error = check_layout(qemu->layout);
	if (!error)
		error = read_ranges(qemu, address_space, &flat);
	if (!error)
		error = read_regions(qemu, &flat);
	if (error)
		return error;
	ram.ranges = calloc(flat.count + 1, sizeof(*ram.ranges));
	if (!ram.ranges)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	for (size_t i = 0; !error && i < flat.count; i++)
		error = add_range(qemu, &flat, i, &before, &ram);
	if (error)
		return error;
	*ret_ram = ram;
	ram = (struct vqi_guest_ram){0};
	return NULL;
}

void vqi_guest_ram_done(struct vqi_guest_ram *ram)
{
	if (!ram)
		return;
	free(ram->ranges);
	*ram = (struct vqi_guest_ram){0};
}

static uint64_t last_of(const struct vqi_ram_range *range)
{
	return range->gpa + (range->len - 1);
}

/* The first range that does not end before gpa; count when there is none. */
static size_t find_range(const struct vqi_guest_ram *ram, uint64_t gpa)
{
	size_t low = 0, high = ram->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (last_of(&ram->ranges[middle]) < gpa)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

enum vqi_ram_answer vqi_guest_ram_has(const struct vqi_guest_ram *ram, uint64_t gpa, uint64_t len)
{
	uint64_t last, have = 0;

	if (!len)
		return VQI_RAM_YES;
	if (!vqi_add_u64(gpa, len - 1, &last))
		last = UINT64_MAX; /* what is beyond is none */
	for (size_t i = find_range(ram, gpa); i < ram->count; i++) {
		const struct vqi_ram_range *range = &ram->ranges[i];
		uint64_t from = range->gpa > gpa ? range->gpa : gpa;
		uint64_t to = last_of(range) < last ? last_of(range) : last;

		if (range->gpa > last)
			break;
		if (!range->hva)
			return VQI_RAM_UNKNOWN;
		have += to - from + 1;
	}
	return have == len ? VQI_RAM_YES : VQI_RAM_NO;
}

uint64_t vqi_guest_ram_at(const struct vqi_guest_ram *ram, uint64_t gpa, uint64_t *ret_len)
{
	size_t i = find_range(ram, gpa);
	const struct vqi_ram_range *range;

	if (i == ram->count)
		return 0;
	range = &ram->ranges[i];
	if (range->gpa > gpa || !range->hva)
		return 0;
	*ret_len = range->len - (gpa - range->gpa);
	return range->hva + (gpa - range->gpa);
}

bool vqi_guest_ram_gpa(const struct vqi_guest_ram *ram, uint64_t hva, uint64_t *ret_gpa,
		       uint64_t *ret_len)
{
	for (size_t i = 0; i < ram->count; i++) {
		const struct vqi_ram_range *range = &ram->ranges[i];

		if (!range->hva || hva < range->hva || hva - range->hva >= range->len)
			continue;
		*ret_gpa = range->gpa + (hva - range->hva);
		*ret_len = range->len - (hva - range->hva);
		return true;
	}
	return false;
}

struct vqi_error *vqi_guest_ram_get(struct vqi_mem *mem, const struct vqi_guest_ram *ram,
				    uint64_t gpa, void *ret_buf, size_t len)
{
	struct vqi_error *error = NULL;
	uint8_t *buf = ret_buf;

	if (vqi_guest_ram_has(ram, gpa, len) != VQI_RAM_YES)
		return vqi_error_new(VQI_ERROR_FAULT,
				     "guest address 0x%" PRIx64 ": no RAM of %zu bytes", gpa, len);
	for (size_t i = find_range(ram, gpa); !error && len; i++) {
		const struct vqi_ram_range *range = &ram->ranges[i];
		uint64_t offset = gpa - range->gpa;
		size_t part = range->len - offset < len ? range->len - offset : len;

		error = vqi_mem_read(mem, range->hva + offset, buf, part);
		gpa += part;
		buf += part;
		len -= part;
	}
	return error;
}
