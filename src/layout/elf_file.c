/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "elf_file.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "vqi/checked.h"
#include "vqi/limits.h"

/* What a QEMU's --version prints before the version: system/vl.c (softmmu/vl.c until 8.1)
 * version(), storage-daemon/qemu-storage-daemon.c process_options(). */
static const struct pattern {
	const char *text;
	enum vqi_image_kind kind;
} patterns[] = {
	{"QEMU emulator version ", VQI_IMAGE_QEMU},
	{"qemu-storage-daemon version ", VQI_IMAGE_STORAGE_DAEMON},
};
#define PATTERN_COUNT (sizeof(patterns) / sizeof(patterns[0]))
#define MAX_PATTERN   32

/* A search through a file for one pattern, a window at a time. */
struct scan {
	int fd;
	char *window;
	const char *pattern;
	char *version; /* NULL until found */
};
#define WINDOW_SIZE (32u << 10) /* what a processor keeps at hand */

/* The version is the rest of the line: "7.2.22 (Debian 1:7.2+dfsg-7+deb12u18)". Programs that only
 * talk of QEMUs, as this one, have the words too, but no digit after them. */
static struct vqi_error *take_version(struct scan *scan, uint64_t offset)
{
	char text[VQI_MAX_NAME];
	ssize_t len = pread(scan->fd, text, sizeof(text) - 1, (off_t)offset);
	size_t end = 0;

	if (len <= 0 || text[0] < '0' || text[0] > '9')
		return NULL;
	while (end < (size_t)len && text[end] >= ' ' && text[end] < 0x7f)
		end++;
	scan->version = strndup(text, end);
	return scan->version ? NULL : vqi_error_sys(ENOMEM, "version string");
}

static struct vqi_error *scan_window(struct scan *scan, uint64_t offset, size_t len)
{
	size_t pattern_len = strlen(scan->pattern);
	const char *at = scan->window;
	const char *end = scan->window + len;
	struct vqi_error *error = NULL;

	while (!error && !scan->version &&
	       (at = memmem(at, (size_t)(end - at), scan->pattern, pattern_len))) {
		at += pattern_len;
		error = take_version(scan, offset + (uint64_t)(at - scan->window));
	}
	return error;
}

static struct vqi_error *scan_range(struct scan *scan, uint64_t offset, uint64_t size)
{
	uint64_t end;

	if (!vqi_add_u64(offset, size, &end) || end > VQI_MAX_ELF_SIZE)
		return NULL;
	while (offset < end && !scan->version) {
		size_t want = end - offset < WINDOW_SIZE ? (size_t)(end - offset) : WINDOW_SIZE;
		ssize_t len = pread(scan->fd, scan->window, want, (off_t)offset);
		struct vqi_error *error;

		if (len < 0)
			return vqi_error_sys(errno, "cannot read an ELF file");
		error = scan_window(scan, offset, (size_t)len);
		if (error)
			return error;
		if (!len) /* cut short */
			return NULL;
		/* A pattern may lie across the border of two windows. */
		offset += len == WINDOW_SIZE ? WINDOW_SIZE - MAX_PATTERN : (size_t)len;
	}
	return NULL;
}

static bool is_rodata(Elf *elf, const GElf_Shdr *header)
{
	const char *name = vqi_elf_section_name(elf, header);

	return header->sh_type == SHT_PROGBITS && !strncmp(name, ".rodata", strlen(".rodata"));
}

/* Compilers and linkers put string literals into .rodata, or, to keep large ones apart, into
 * .rodata.something. */
static struct vqi_error *scan_sections(struct scan *scan, Elf *elf)
{
	struct vqi_error *error = NULL;
	GElf_Shdr header;

	for (Elf_Scn *section = NULL;
	     !error && !scan->version && (section = elf_nextscn(elf, section));)
		if (gelf_getshdr(section, &header) && is_rodata(elf, &header))
			error = scan_range(scan, header.sh_offset, header.sh_size);
	return error;
}

/* Without section headers: what is mapped to be read only. ld -z noseparate-code puts constants and
 * code into one segment, which is looked at only when there is no other. */
static struct vqi_error *scan_segments(struct scan *scan, Elf *elf, GElf_Word flags)
{
	struct vqi_error *error = NULL;
	GElf_Phdr segment;

	for (size_t i = 0; !error && !scan->version && vqi_elf_segment(elf, i, &segment); i++)
		if (segment.p_type == PT_LOAD && (segment.p_flags & (PF_W | PF_X)) == flags)
			error = scan_range(scan, segment.p_offset, segment.p_filesz);
	return error;
}

static struct vqi_error *scan_file(struct scan *scan, Elf *elf)
{
	struct vqi_error *error;
	size_t sections = 0;

	if (!elf_getshdrnum(elf, &sections) && sections)
		return scan_sections(scan, elf);
	error = scan_segments(scan, elf, 0);
	if (!error && !scan->version)
		error = scan_segments(scan, elf, PF_X);
	return error;
}

struct vqi_error *vqi_elf_qemu_version(Elf *elf, int fd, enum vqi_image_kind *ret_kind,
				       char **ret_version)
{
	vqi_cleanup_free char *window = malloc(WINDOW_SIZE);
	struct scan scan = {.fd = fd, .window = window};
	struct vqi_error *error = NULL;

	if (!window)
		return vqi_error_sys(ENOMEM, "version string");
	/* One after the other: most programs that are looked at have the first. */
	for (size_t i = 0; !error && !scan.version && i < PATTERN_COUNT; i++) {
		scan.pattern = patterns[i].text;
		error = scan_file(&scan, elf);
		if (scan.version)
			*ret_kind = patterns[i].kind;
	}
	if (!error)
		*ret_version = scan.version;
	return error;
}

/* The loader maps whole pages: from the page in which the segment begins. */
static bool maps_segment(const struct vqi_map *map, const GElf_Phdr *segment, uint64_t *ret_bias)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t start = segment->p_offset & ~(page - 1);
	uint64_t in_page = segment->p_offset - start;

	if (segment->p_type != PT_LOAD || map->offset != start ||
	    map->executable != !!(segment->p_flags & PF_X))
		return false;
	/* Wraps for a file that is linked above where it is mapped: bias is a distance modulo
	 * 2^64. */
	*ret_bias = map->start + in_page - segment->p_vaddr;
	return true;
}

/* Only the loader maps a file executable, while anybody may map it to read it; so the text segment
 * decides. It may be gone (replaced by anonymous huge pages); then the others do. */
bool vqi_elf_bias(Elf *elf, const struct vqi_maps *maps, uint64_t dev, uint64_t inode,
		  uint64_t *ret_bias)
{
	GElf_Phdr segment;

	for (int executable = 1; executable >= 0; executable--)
		for (size_t i = 0; i < maps->count; i++) {
			const struct vqi_map *map = &maps->maps[i];

			if (map->dev != dev || map->inode != inode ||
			    map->executable != (bool)executable)
				continue;
			for (size_t j = 0; vqi_elf_segment(elf, j, &segment); j++)
				if (maps_segment(map, &segment, ret_bias))
					return true;
		}
	return false;
}
