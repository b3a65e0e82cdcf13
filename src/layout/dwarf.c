/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vqi/dwarf.h"

#include "dwarf_private.h"

/* Says why a layout is incomplete, when it is. */
static struct vqi_error *explain(struct vqi_error *error, const struct vqi_image *image,
				 struct vqi_dwarf_file *file, const char *broken)
{
	const char *lacks = vqi_dwarf_file_lacks(file);

	if (!error)
		return NULL;
	if (error->code == VQI_ERROR_NO_LAYOUT && broken) {
		vqi_error_free(error);
		error = vqi_error_new(VQI_ERROR_BAD_DATA, "broken debug information: %s", broken);
	} else if (lacks) {
		error = vqi_error_prefix(error, "%s, a part of the debug information, is missing",
					 lacks);
	}
	return vqi_error_prefix(error, "%s, build-id %s", image->path,
				image->build_id ? image->build_id : "none");
}

static bool has_any_struct(const struct vqi_layout *layout)
{
	for (size_t i = 0; i < VQI_STRUCT_COUNT; i++)
		if (layout->structs[i].present)
			return true;
	return false;
}

/* A storage daemon has no devices: what a QEMU requires, it need not have. */
static struct vqi_error *check(const struct vqi_layout *layout, enum vqi_image_kind kind)
{
	struct vqi_error *error = vqi_layout_check(layout);

	if (error && error->code == VQI_ERROR_NO_LAYOUT && kind == VQI_IMAGE_STORAGE_DAEMON &&
	    has_any_struct(layout)) {
		vqi_error_free(error);
		return NULL;
	}
	return error;
}

struct vqi_error *vqi_dwarf_resolve_here(struct vqi_process *process, const struct vqi_image *image,
					 const struct vqi_dwarf_options *options,
					 struct vqi_layout *ret_layout)
{
	vqi_cleanup_dwarf_file struct vqi_dwarf_file *file = NULL;
	struct vqi_dwarf_symbols symbols;
	struct vqi_layout layout = {0};
	const char *broken = NULL;
	struct vqi_error *error;

	error = vqi_dwarf_file_open(process, image, options, &file);
	if (!error)
		error = vqi_dwarf_symbols_read(file, &symbols, &layout);
	if (!error)
		error = vqi_dwarf_search(file, image->kind, &symbols, &layout, &broken);
	if (error)
		return error;
	layout.source = vqi_dwarf_file_source(file);
	error = explain(check(&layout, image->kind), image, file, broken);
	if (!error)
		*ret_layout = layout;
	return error;
}
