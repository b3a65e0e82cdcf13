/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fake_mem.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the buffer of a failed range is filled with: nobody may rely on what is in there. */
#define POISON 0xEE

struct vqi_fake_span {
	uint64_t addr, len;
	uint8_t *bytes; /* NULL for a fault */
	struct vqi_fake_span *next;
};

static void die(const char *what, uint64_t addr, uint64_t len)
{
	fprintf(stderr, "fake_mem: %s: 0x%llx, %llu bytes\n", what, (unsigned long long)addr,
		(unsigned long long)len);
	abort();
}

/* Whether the two have a byte in common. The last address is inclusive, so that a span may end at
 * the very top of the address space. */
static bool overlaps(const struct vqi_fake_span *span, uint64_t addr, uint64_t len)
{
	return span->len && len && addr <= span->addr + (span->len - 1) &&
	       span->addr <= addr + (len - 1);
}

static struct vqi_fake_span *find(struct vqi_fake_span *list, uint64_t addr, uint64_t len)
{
	for (struct vqi_fake_span *span = list; span; span = span->next)
		if (overlaps(span, addr, len))
			return span;
	return NULL;
}

static struct vqi_fake_span *add(struct vqi_fake_span **list, uint64_t addr, uint64_t len)
{
	struct vqi_fake_span *span = calloc(1, sizeof(*span));

	if (!span)
		die("out of memory", addr, len);
	if (len && addr + (len - 1) < addr)
		die("wraps around", addr, len);
	*span = (struct vqi_fake_span){.addr = addr, .len = len, .next = *list};
	*list = span;
	return span;
}

static void drop_all(struct vqi_fake_span **list)
{
	while (*list) {
		struct vqi_fake_span *span = *list;

		*list = span->next;
		free(span->bytes);
		free(span);
	}
}

static bool read_range(const struct vqi_fake_mem *fake, const struct vqi_range *range)
{
	uint64_t addr = range->addr;
	uint8_t *out = range->buf;
	size_t left = range->len;

	if (left && addr + (left - 1) < addr)
		return false;
	if (find(fake->faults, addr, left))
		return false;
	while (left) {
		const struct vqi_fake_span *span = find(fake->maps, addr, 1);
		size_t part;

		if (!span)
			return false;
		part = span->len - (addr - span->addr);
		if (part > left)
			part = left;
		memcpy(out, span->bytes + (addr - span->addr), part);
		addr += part;
		out += part;
		left -= part;
	}
	return true;
}

static struct vqi_error *fake_readv(struct vqi_mem *mem, struct vqi_range *ranges, size_t count)
{
	struct vqi_fake_mem *fake = (struct vqi_fake_mem *)mem;

	fake->calls++;
	fake->ranges += count;
	if (fake->calls > fake->gone_after)
		return vqi_error_new(VQI_ERROR_GONE, "the fake target has ended");
	if (fake->before_read)
		fake->before_read(fake, fake->context);
	for (size_t i = 0; i < count; i++) {
		ranges[i].ok = read_range(fake, &ranges[i]);
		if (!ranges[i].ok)
			memset(ranges[i].buf, POISON, ranges[i].len);
	}
	return NULL;
}

struct vqi_fake_mem *vqi_fake_mem_new(void)
{
	struct vqi_fake_mem *fake = calloc(1, sizeof(*fake));

	if (!fake)
		die("out of memory", 0, sizeof(*fake));
	fake->mem.readv = fake_readv;
	fake->gone_after = SIZE_MAX;
	return fake;
}

void vqi_fake_mem_free(struct vqi_fake_mem *fake)
{
	if (!fake)
		return;
	drop_all(&fake->maps);
	drop_all(&fake->faults);
	free(fake);
}

uint8_t *vqi_fake_mem_map(struct vqi_fake_mem *fake, uint64_t addr, size_t len)
{
	struct vqi_fake_span *span;

	if (find(fake->maps, addr, len))
		die("mapped already", addr, len);
	span = add(&fake->maps, addr, len);
	span->bytes = calloc(1, len ? len : 1);
	if (!span->bytes)
		die("out of memory", addr, len);
	return span->bytes;
}

void vqi_fake_mem_fault(struct vqi_fake_mem *fake, uint64_t addr, uint64_t len)
{
	add(&fake->faults, addr, len);
}

void vqi_fake_mem_heal(struct vqi_fake_mem *fake)
{
	drop_all(&fake->faults);
}

uint8_t *vqi_fake_mem_at(struct vqi_fake_mem *fake, uint64_t addr, size_t len)
{
	struct vqi_fake_span *span = find(fake->maps, addr, 1);

	if (!span || len > span->len - (addr - span->addr))
		die("not mapped in one piece", addr, len);
	return span->bytes + (addr - span->addr);
}

struct vqi_mem *vqi_fake_mem_base(struct vqi_fake_mem *fake)
{
	return &fake->mem;
}
