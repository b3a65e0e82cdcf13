/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vqi/exports.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "vqi/limits.h"

#define POINTER 8

void vqi_exports_done(struct vqi_exports *exports)
{
	for (size_t i = 0; i < exports->count; i++)
		free(exports->exports[i].id);
	free(exports->exports);
	*exports = (struct vqi_exports){0};
}

/* ---- the list ---- */

/* How far into the structure of an export its VuDev lies. */
static uint64_t vu_dev_offset(const struct vqi_layout *layout)
{
	return (uint64_t)layout->fields[VQI_F_VuBlkExport_vu_server].offset +
	       layout->fields[VQI_F_VuServer_vu_dev].offset;
}

static struct vqi_error *add(struct vqi_qemu *qemu, uint64_t address, uint64_t drv,
			     struct vqi_exports *exports)
{
	struct vqi_export *grown =
		reallocarray(exports->exports, exports->count + 1, sizeof(*grown));
	struct vqi_error *error;

	if (!grown)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	exports->exports = grown;
	grown[exports->count] = (struct vqi_export){
		.vu_dev = address + vu_dev_offset(qemu->layout),
		.drv = drv,
	};
	error = vqi_qemu_string_field(qemu, address, VQI_F_BlockExport_id,
				      &grown[exports->count].id);
	if (!error && !grown[exports->count].id)
		error = vqi_error_new(VQI_ERROR_BAD_DATA, "the export at 0x%" PRIx64 " has no id",
				      address);
	exports->count += !error;
	return error;
}

/* Exports of other kinds have no rings. */
static struct vqi_error *see(struct vqi_qemu *qemu, uint64_t address, struct vqi_exports *exports)
{
	uint64_t drv, vhost_user, vduse;
	struct vqi_error *error = vqi_qemu_field(qemu, address, VQI_F_BlockExport_drv, &drv);

	if (!error)
		error = vqi_qemu_symbol(qemu, VQI_SYM_blk_exp_vhost_user_blk, &vhost_user);
	if (error)
		return error;
	if (drv == vhost_user)
		return add(qemu, address, drv, exports);
	if (vqi_error_drop(vqi_qemu_symbol(qemu, VQI_SYM_blk_exp_vduse_blk, &vduse)))
		return NULL;
	exports->vduse_count += drv == vduse;
	return NULL;
}

static int compare(const void *a, const void *b)
{
	const struct vqi_export *left = a, *right = b;

	return strcmp(left->id, right->id);
}

struct vqi_error *vqi_qemu_find_exports(struct vqi_qemu *qemu, struct vqi_exports *ret_exports)
{
	vqi_cleanup(vqi_exports_done) struct vqi_exports exports = {0};
	struct vqi_error *error;
	uint64_t address;

	error = vqi_qemu_pointer(qemu, VQI_SYM_block_exports, &address);
	for (int i = 0; !error && address; i++) {
		if (i == VQI_MAX_EXPORTS)
			return vqi_error_new(VQI_ERROR_LIMIT, "more than %d exports",
					     VQI_MAX_EXPORTS);
		error = see(qemu, address, &exports);
		if (!error)
			error = vqi_qemu_field(qemu, address, VQI_F_BlockExport_next, &address);
	}
	if (error)
		return error;
	if (exports.count)
		qsort(exports.exports, exports.count, sizeof(*exports.exports), compare);
	*ret_exports = exports;
	exports = (struct vqi_exports){0};
	return NULL;
}

/* ---- one export ---- */

uint64_t vqi_qemu_export_address(const struct vqi_qemu *qemu, uint64_t vu_dev)
{
	return vu_dev - vu_dev_offset(qemu->layout);
}

struct vqi_error *vqi_qemu_export_backend(struct vqi_qemu *qemu, struct vqi_device *device)
{
	uint64_t address = vqi_qemu_export_address(qemu, device->vdev_addr), blk;
	struct vqi_error *error = vqi_qemu_field(qemu, address, VQI_F_BlockExport_blk, &blk);

	return error || !blk ? error : vqi_qemu_block_backend(qemu, blk, device);
}

struct vqi_error *vqi_qemu_export_context(struct vqi_qemu *qemu, uint64_t vu_dev,
					  uint64_t *ret_context)
{
	return vqi_qemu_field(qemu, vqi_qemu_export_address(qemu, vu_dev), VQI_F_BlockExport_ctx,
			      ret_context);
}

/* ---- the guest's memory ---- */

uint64_t vqi_export_at(const struct vqi_export_regions *regions, uint64_t qva)
{
	for (size_t i = 0; i < regions->count; i++) {
		const struct vqi_export_region *region = &regions->list[i];

		if (qva >= region->qva && qva - region->qva < region->len)
			return region->hva + (qva - region->qva);
	}
	return 0;
}

/* Up to 8.2 VuDev has an array of them, later a pointer to one. */
static struct vqi_error *find_regions(struct vqi_qemu *qemu, uint64_t vu_dev, uint64_t *ret_address,
				      uint64_t *ret_count)
{
	const struct vqi_field *regions = &qemu->layout->fields[VQI_F_VuDev_regions];
	size_t size = qemu->layout->structs[VQI_S_VuDevRegion].size;
	uint64_t most = regions->size == POINTER ? VQI_MAX_REGIONS : regions->size / size;
	uint64_t address = vu_dev + regions->offset, count;
	struct vqi_error *error = vqi_qemu_field(qemu, vu_dev, VQI_F_VuDev_nregions, &count);

	if (!error && count > most)
		error = vqi_error_new(VQI_ERROR_BAD_DATA, "VuDev.nregions is %" PRIu64, count);
	if (!error && regions->size == POINTER)
		error = vqi_qemu_field(qemu, vu_dev, VQI_F_VuDev_regions, &address);
	if (error)
		return error;
	*ret_address = address;
	*ret_count = count;
	return NULL;
}

static struct vqi_export_region decode_region(const struct vqi_view *view)
{
	return (struct vqi_export_region){
		.gpa = vqi_view_uint_or(view, VQI_F_VuDevRegion_gpa, 0),
		.qva = vqi_view_uint_or(view, VQI_F_VuDevRegion_qva, 0),
		.hva = vqi_view_uint_or(view, VQI_F_VuDevRegion_mmap_addr, 0) +
		       vqi_view_uint_or(view, VQI_F_VuDevRegion_mmap_offset, 0),
		.len = vqi_view_uint_or(view, VQI_F_VuDevRegion_size, 0),
	};
}

struct vqi_error *vqi_qemu_export_regions(struct vqi_qemu *qemu, uint64_t vu_dev,
					  struct vqi_export_regions *ret_regions)
{
	size_t size = qemu->layout->structs[VQI_S_VuDevRegion].size;
	vqi_cleanup_free struct vqi_export_region *list = NULL;
	vqi_cleanup_free uint8_t *bytes = NULL;
	struct vqi_error *error;
	uint64_t address, count;

	if (!size)
		return vqi_error_new(VQI_ERROR_NO_LAYOUT, "the size of VuDevRegion is unknown");
	error = find_regions(qemu, vu_dev, &address, &count);
	if (error)
		return error;
	bytes = calloc(count + 1, size);
	list = calloc(count + 1, sizeof(*list));
	if (!bytes || !list)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	if (count)
		error = vqi_mem_read(qemu->mem, address, bytes, count * size);
	if (error)
		return error;
	for (size_t i = 0; i < count; i++) {
		const struct vqi_view view = {.layout = qemu->layout,
					      .addr = address + i * size,
					      .data = bytes + i * size,
					      .len = size};

		list[i] = decode_region(&view);
	}
	*ret_regions = (struct vqi_export_regions){.list = take_ptr(list), .count = count};
	return NULL;
}

void vqi_export_regions_done(struct vqi_export_regions *regions)
{
	free(regions->list);
	*regions = (struct vqi_export_regions){0};
}

static int compare_ranges(const void *a, const void *b)
{
	const struct vqi_ram_range *left = a, *right = b;

	if (left->gpa == right->gpa)
		return 0;
	return left->gpa < right->gpa ? -1 : 1;
}

/* A client may have added one twice: libvhost-user takes the first. */
static bool is_there(const struct vqi_guest_ram *ram, const struct vqi_export_region *region)
{
	for (size_t i = 0; i < ram->count; i++) {
		if (ram->ranges[i].gpa == region->gpa && ram->ranges[i].len == region->len)
			return true;
	}
	return false;
}

static struct vqi_error *check_ranges(const struct vqi_guest_ram *ram)
{
	for (size_t i = 0; i < ram->count; i++) {
		const struct vqi_ram_range *range = &ram->ranges[i];
		uint64_t last;

		if (!range->len || __builtin_add_overflow(range->gpa, range->len - 1, &last) ||
		    (i + 1 < ram->count && last >= range[1].gpa))
			return vqi_error_new(VQI_ERROR_BAD_DATA,
					     "VuDev.regions: 0x%" PRIx64 " + 0x%" PRIx64 " is none",
					     range->gpa, range->len);
	}
	return NULL;
}

struct vqi_error *vqi_qemu_export_ram(struct vqi_qemu *qemu, uint64_t vu_dev,
				      struct vqi_guest_ram *ret_ram)
{
	vqi_cleanup(vqi_guest_ram_done) struct vqi_guest_ram ram = {0};
	vqi_cleanup(vqi_export_regions_done) struct vqi_export_regions regions = {0};
	struct vqi_error *error = vqi_qemu_export_regions(qemu, vu_dev, &regions);

	if (error)
		return error;
	ram.ranges = calloc(regions.count + 1, sizeof(*ram.ranges));
	if (!ram.ranges)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	for (size_t i = 0; i < regions.count; i++) {
		const struct vqi_export_region *region = &regions.list[i];

		if (!is_there(&ram, region))
			ram.ranges[ram.count++] = (struct vqi_ram_range){
				.gpa = region->gpa,
				.len = region->len,
				.hva = region->hva,
			};
	}
	qsort(ram.ranges, ram.count, sizeof(*ram.ranges), compare_ranges);
	error = check_ranges(&ram);
	if (error)
		return error;
	*ret_ram = ram;
	ram = (struct vqi_guest_ram){0};
	return NULL;
}
