/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The memory that a core has kept, and what the files that were mapped have of what it has not. */
#include <errno.h>
#include <unistd.h>

#include "core.h"
#include "vqi/checked.h"
#include "vqi/elf.h"

const struct vqi_core_segment *vqi_core_segment_at(const struct vqi_core *core, uint64_t addr)
{
	size_t low = 0, high = core->segment_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (core->segments[middle].end <= addr)
			low = middle + 1;
		else
			high = middle;
	}
	return low < core->segment_count && core->segments[low].start <= addr ? &core->segments[low]
									      : NULL;
}

const struct vqi_core_part *vqi_core_part_at(const struct vqi_core *core, uint64_t addr)
{
	size_t low = 0, high = core->part_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (core->parts[middle].end <= addr)
			low = middle + 1;
		else
			high = middle;
	}
	return low < core->part_count && core->parts[low].start <= addr ? &core->parts[low] : NULL;
}

static bool read_file(int fd, uint64_t offset, uint8_t *ret_buf, size_t len)
{
	if (offset > INT64_MAX - len)
		return false;
	for (size_t done = 0; done < len;) {
		ssize_t got = pread(fd, ret_buf + done, len - done, (off_t)(offset + done));

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		done += (size_t)got;
	}
	return true;
}

/* How many of len bytes at addr the core has in one piece. */
static size_t kept(const struct vqi_core *core, uint64_t addr, size_t len, uint64_t *ret_offset)
{
	const struct vqi_core_segment *segment = vqi_core_segment_at(core, addr);
	uint64_t left, skip;

	if (!segment || addr - segment->start >= segment->len)
		return 0;
	skip = addr - segment->start;
	left = segment->len - skip;
	*ret_offset = segment->offset + skip; /* it is within the file: core.c check_length() */
	return left < len ? (size_t)left : len;
}

bool vqi_core_pread(const struct vqi_core *core, uint64_t addr, void *ret_buf, size_t len)
{
	uint8_t *buf = ret_buf;
	uint64_t offset, end;

	if (!vqi_add_u64(addr, len, &end))
		return false;
	while (len) {
		size_t some = kept(core, addr, len, &offset);

		if (!some || !read_file(core->fd, offset, buf, some))
			return false;
		addr += some;
		buf += some;
		len -= some;
	}
	return true;
}

uint32_t vqi_core_file_flags(const struct vqi_core_file *file, uint64_t offset)
{
	GElf_Phdr header;
	uint32_t flags = 0;

	for (size_t i = 0; vqi_elf_segment(file->elf, i, &header); i++) {
		if (header.p_type == PT_LOAD && offset - header.p_offset < header.p_filesz)
			flags |= header.p_flags;
	}
	return flags;
}

/* Whether the loader lets nobody write to what it maps from there, and so nobody has. */
static bool is_constant(const struct vqi_core_file *file, uint64_t offset)
{
	return (vqi_core_file_flags(file, offset) & (PF_R | PF_W)) == PF_R;
}

/* How many of len bytes at addr were left out of the core and are in a file; which, and where. */
static size_t mapped(struct vqi_core *core, uint64_t addr, size_t len, int *ret_fd,
		     uint64_t *ret_offset)
{
	const struct vqi_core_segment *segment = vqi_core_segment_at(core, addr);
	const struct vqi_core_part *part = vqi_core_part_at(core, addr);
	const struct vqi_core_file *file;
	uint64_t left, offset;

	if (!part || (segment && segment->writable))
		return 0;
	file = vqi_core_use_file(core, part->file);
	if (!file || !vqi_add_u64(part->offset, addr - part->start, &offset) ||
	    !is_constant(file, offset))
		return 0;
	left = part->end - addr;
	if (segment && segment->end - addr < left)
		left = segment->end - addr;
	*ret_fd = file->fd;
	*ret_offset = offset;
	return left < len ? (size_t)left : len;
}

/* Reads what there is of a range, piece by piece. */
static bool read_range(struct vqi_core *core, const struct vqi_range *range)
{
	uint8_t *buf = range->buf;
	uint64_t addr = range->addr, end;
	size_t len = range->len;

	if (!vqi_add_u64(addr, len, &end))
		return false;
	while (len) {
		int fd = core->fd;
		uint64_t offset;
		size_t some = kept(core, addr, len, &offset);

		if (!some)
			some = mapped(core, addr, len, &fd, &offset);
		if (!some || !read_file(fd, offset, buf, some))
			return false;
		addr += some;
		buf += some;
		len -= some;
	}
	return true;
}

void vqi_core_readv(struct vqi_core *core, struct vqi_range *ranges, size_t count)
{
	for (size_t i = 0; i < count; i++)
		ranges[i].ok = read_range(core, &ranges[i]);
}
