/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The QEMU executable as the target has it mapped: found, opened, and looked into. */
#ifndef VQI_IMAGE_H
#define VQI_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "vqi/error.h"
#include "vqi/process.h"

enum vqi_image_kind { VQI_IMAGE_QEMU, VQI_IMAGE_STORAGE_DAEMON };

/* The ELF object of the target that holds QEMU itself. */
struct vqi_image {
	int fd;		/* the file that is mapped, even when deleted or replaced on disk */
	char *path;	/* as the target sees it; for messages and for debug links */
	uint64_t bias;	/* address in the target = bias + address as linked */
	char *build_id; /* lower-case hex; NULL where the file has none */
	char *version;	/* "7.2.22 (Debian 1:7.2+dfsg-7+deb12u18)"; NULL where not found */
	enum vqi_image_kind kind;
};

/* Finds the QEMU image: /proc/PID/exe, or, where that is a loader (ld.so started by hand), the
 * ELF program among the executable mappings that is one. A QEMU is told by what is in it (its
 * version string), not by its name. Mappings that are no ELF files are passed over.
 * Errors: NOT_QEMU, GONE, PERMISSION, SYS, BAD_DATA, UNSUPPORTED (a QEMU of another word size or
 * byte order than this tool's). */
struct vqi_error *vqi_image_open(struct vqi_process *process,
				 struct vqi_image *ret_image) vqi_must_check;

/* The same for a file that no process has mapped: bias is 0.
 * Errors: NOT_QEMU, PERMISSION, SYS, BAD_DATA, UNSUPPORTED. */
struct vqi_error *vqi_image_open_file(const char *path, struct vqi_image *ret_image) vqi_must_check;

/* Where the image has its variables: the parts of maps, all mappings of its process, that are in its writable
 * segments and can be written to now. They have no paths. Errors: BAD_DATA, SYS, NOMEM. */
struct vqi_error *vqi_image_variables(const struct vqi_image *image, const struct vqi_maps *maps,
				      struct vqi_maps *ret_variables) vqi_must_check;
void vqi_image_done(struct vqi_image *image);

/* Whether nobody but root and this user can have written the file: then its build-id is what it says. */
bool vqi_image_is_trusted(const struct vqi_image *image);

#endif
