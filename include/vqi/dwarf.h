/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fills a layout from a QEMU's debug information, with libdw. */
#ifndef VQI_DWARF_H
#define VQI_DWARF_H

#include "vqi/error.h"
#include "vqi/image.h"
#include "vqi/layout.h"
#include "vqi/process.h"

/* Where to look for debug information. */
struct vqi_dwarf_options {
	const char *debuginfo; /* --debuginfo FILE; NULL: search */
	bool offline;	       /* ask no debuginfod, even where DEBUGINFOD_URLS is set */
};

/* Resolves all fields, structures and symbols of the table. Looks in the image itself, then for
 * a separate debug file by build-id and .gnu_debuglink (below /proc/PID/root and on the host),
 * then asks debuginfod where DEBUGINFOD_URLS is set; follows .gnu_debugaltlink. Parses in a
 * child process: what crashes or hangs the parser is BAD_DATA. process is NULL where there is
 * none (a core file). What a storage daemon lacks is absent, even what is required.
 * Errors: NO_LAYOUT without debug information or when a required field is missing (the message
 * names it and the build-id), BAD_DATA for broken ELF or DWARF or a debug file of another build,
 * SYS. */
struct vqi_error *vqi_dwarf_resolve(struct vqi_process *process, const struct vqi_image *image,
				    const struct vqi_dwarf_options *options,
				    struct vqi_layout *ret_layout) vqi_must_check;

#endif
