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

struct vqi_error *vqi_dwarf_resolve_here(struct vqi_process *process, const struct vqi_image *image,
					 const struct vqi_dwarf_options *options,
					 struct vqi_layout *ret_layout)
{
	vqi_cleanup_dwarf_file struct vqi_dwarf_file *file = NULL;
	struct vqi_dwarf_symbols symbols;
	struct vqi_layout layout = {.kind = image->kind};
	const char *broken = NULL;
	struct vqi_error *error;

	error = vqi_dwarf_file_open(process, image, options, &file);
	if (!error)
		error = vqi_dwarf_symbols_read(file, &symbols, &layout);
	if (!error)
		error = vqi_dwarf_search(file, &symbols, &layout, &broken);
	if (error)
		return error;
	layout.source = vqi_dwarf_file_source(file);
	error = explain(vqi_layout_check(&layout), image, file, broken);
	if (!error)
		*ret_layout = layout;
	return error;
}
