/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vqi/elf.h"

#include <elfutils/libdwelf.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "vqi/limits.h"

/* libelf reads with pread, not through a mapping: a file that is cut short meanwhile (on NFS, say)
 * must be an error, not a SIGBUS. */
struct vqi_error *vqi_elf_open_core(int fd, uint64_t *ret_size, Elf **ret_elf)
{
	vqi_cleanup_elf Elf *elf = NULL;
	struct stat status;

	if (fstat(fd, &status))
		return vqi_error_sys(errno, "cannot look at an ELF file");
	*ret_size = (uint64_t)status.st_size;
	*ret_elf = NULL;
	if (!S_ISREG(status.st_mode))
		return NULL;
	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ, NULL);
	if (elf && elf_kind(elf) == ELF_K_ELF)
		*ret_elf = take_ptr(elf);
	return NULL;
}

struct vqi_error *vqi_elf_open(int fd, Elf **ret_elf)
{
	vqi_cleanup_elf Elf *elf = NULL;
	uint64_t size;
	struct vqi_error *error = vqi_elf_open_core(fd, &size, &elf);

	if (error)
		return error;
	if (elf && size > VQI_MAX_ELF_SIZE)
		return vqi_error_new(VQI_ERROR_LIMIT, "file of %llu bytes",
				     (unsigned long long)size);
	*ret_elf = take_ptr(elf);
	return NULL;
}

const char *vqi_elf_section_name(Elf *elf, const GElf_Shdr *header)
{
	size_t names;
	const char *name;

	if (elf_getshdrstrndx(elf, &names))
		return "";
	name = elf_strptr(elf, names, header->sh_name);
	return name ? name : "";
}

bool vqi_elf_section(Elf *elf, const char *name, GElf_Shdr *ret_header)
{
	GElf_Shdr header;

	for (Elf_Scn *section = NULL; (section = elf_nextscn(elf, section));) {
		if (!gelf_getshdr(section, &header) ||
		    strcmp(vqi_elf_section_name(elf, &header), name))
			continue;
		*ret_header = header;
		return true;
	}
	return false;
}

bool vqi_elf_has_section(Elf *elf, const char *name)
{
	GElf_Shdr header;

	return vqi_elf_section(elf, name, &header);
}

bool vqi_elf_segment(Elf *elf, size_t i, GElf_Phdr *ret_header)
{
	size_t count;

	return !elf_getphdrnum(elf, &count) && i < count && gelf_getphdr(elf, (int)i, ret_header);
}

bool vqi_elf_is_program(Elf *elf)
{
	GElf_Ehdr header;
	GElf_Phdr segment;

	if (!gelf_getehdr(elf, &header))
		return false;
	if (header.e_type == ET_EXEC)
		return true;
	for (size_t i = 0; header.e_type == ET_DYN && vqi_elf_segment(elf, i, &segment); i++)
		if (segment.p_type == PT_INTERP)
			return true;
	return false;
}

struct vqi_error *vqi_elf_build_id(Elf *elf, char **ret_build_id)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *bytes;
	const void *id;
	ssize_t len;
	char *text;

	/* It reads the notes of program headers, which stay when section headers are stripped. */
	len = dwelf_elf_gnu_build_id(elf, &id);
	if (len <= 0 || len > VQI_MAX_NAME) {
		*ret_build_id = NULL;
		return NULL;
	}
	text = malloc(2 * (size_t)len + 1);
	if (!text)
		return vqi_error_sys(ENOMEM, "build-id");
	bytes = id;
	for (ssize_t i = 0; i < len; i++) {
		text[2 * i] = digits[bytes[i] >> 4];
		text[2 * i + 1] = digits[bytes[i] & 15];
	}
	text[2 * len] = '\0';
	*ret_build_id = text;
	return NULL;
}
