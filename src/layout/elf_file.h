/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an ELF file tells of a QEMU, and of where it is mapped. */
#ifndef VQI_LAYOUT_ELF_FILE_H
#define VQI_LAYOUT_ELF_FILE_H

#include "vqi/elf.h"
#include "vqi/image.h"
#include "vqi/process.h"

/* Looks for the version string of a QEMU; ret_version is NULL when it is none. */
struct vqi_error *vqi_elf_qemu_version(Elf *elf, int fd, enum vqi_image_kind *ret_kind,
				       char **ret_version) vqi_must_check;

/* Where the loader has put the file with that device and inode, as the distance from its link
 * addresses; false when none of its segments is mapped. */
bool vqi_elf_bias(Elf *elf, const struct vqi_maps *maps, uint64_t dev, uint64_t inode,
		  uint64_t *ret_bias);

#endif
