/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory that keeps the pages it has read. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "vqi/checked.h"
#include "vqi/limits.h"
#include "vqi/mem.h"

#define PAGE  1024 /* a part of the system's pages: of most of these little is wanted */
#define SLOTS (2 * VQI_MAX_KEPT_PAGES) /* a power of two */
#define AHEAD 64 /* pages that get their memory at once: whole ones of the system */

#ifndef MADV_POPULATE_WRITE /* before glibc 2.35 */
#define MADV_POPULATE_WRITE 23
#endif

struct page {
	uint64_t addr;
	bool absent; /* it cannot be read whole */
};

/* A mapping, of which the system has only what was used. */
struct paged {
	struct vqi_mem mem; /* first, so that one can be made from the other */
	struct vqi_mem *other;
	size_t count, fetched; /* the pages from fetched on are still to be read */
	uint16_t slots[SLOTS]; /* index + 1; 0: empty */
	struct page pages[VQI_MAX_KEPT_PAGES];
	uint8_t bytes[VQI_MAX_KEPT_PAGES][PAGE] __attribute__((aligned(4096)));
};

/* Where the page at an address is kept, or would be. */
static uint16_t *find_slot(struct paged *paged, uint64_t addr)
{
	for (uint64_t i = addr / PAGE * 0x9e3779b97f4a7c15 >> 32;; i++) {
		uint16_t *slot = &paged->slots[i % SLOTS];

		if (!*slot || paged->pages[*slot - 1].addr == addr)
			return slot;
	}
}

static bool add_page(struct paged *paged, uint64_t addr)
{
	uint16_t *slot = find_slot(paged, addr);

	if (*slot)
		return true;
	if (paged->count == VQI_MAX_KEPT_PAGES)
		return false;
	/* A fault for each would cost twice as much. Where this fails, they come. */
	if (paged->count % AHEAD == 0)
		madvise(paged->bytes[paged->count], (size_t)AHEAD * PAGE, MADV_POPULATE_WRITE);
	paged->pages[paged->count++] = (struct page){.addr = addr, .absent = true};
	*slot = (uint16_t)paged->count;
	return true;
}

/* Whether a range is short enough for pages to pay. */
static bool is_small(const struct vqi_range *range)
{
	uint64_t end;

	return range->len && range->len <= PAGE && vqi_add_u64(range->addr, range->len, &end);
}

/* Makes room for all pages of the ranges, as far as there is any. */
static void add_pages(struct paged *paged, const struct vqi_range *ranges, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint64_t first, last;

		if (!is_small(&ranges[i]))
			continue;
		first = ranges[i].addr / PAGE * PAGE;
		last = (ranges[i].addr + ranges[i].len - 1) / PAGE * PAGE;
		if (!add_page(paged, first) || (last != first && !add_page(paged, last)))
			return;
	}
}

/* Reads the pages that are new, all at once. */
static struct vqi_error *fetch(struct paged *paged)
{
	size_t count = paged->count - paged->fetched;
	struct page *pages = paged->pages + paged->fetched;
	vqi_cleanup_free struct vqi_range *ranges = NULL;
	struct vqi_error *error;

	if (!count)
		return NULL;
	ranges = calloc(count, sizeof(*ranges));
	if (!ranges)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	for (size_t i = 0; i < count; i++)
		ranges[i] = (struct vqi_range){.addr = pages[i].addr,
					       .buf = paged->bytes[paged->fetched + i],
					       .len = PAGE};
	error = vqi_mem_readv(paged->other, ranges, count);
	for (size_t i = 0; !error && i < count; i++)
		pages[i].absent = !ranges[i].ok;
	paged->fetched = paged->count;
	return error;
}

/* Fills a range from pages; false where one is not there. */
static bool copy(struct paged *paged, struct vqi_range *range)
{
	uint8_t *buf = range->buf;
	size_t done = 0;

	if (!is_small(range))
		return false;
	while (done < range->len) {
		uint64_t at = range->addr + done;
		uint16_t slot = *find_slot(paged, at / PAGE * PAGE);
		size_t part = PAGE - at % PAGE;

		if (!slot || paged->pages[slot - 1].absent)
			return false;
		if (part > range->len - done)
			part = range->len - done;
		memcpy(buf + done, paged->bytes[slot - 1] + at % PAGE, part);
		done += part;
	}
	return true;
}

/* What is not in pages is read as it is: a part of a page, or more than a few. */
static struct vqi_error *read_others(struct paged *paged, struct vqi_range *ranges, size_t count)
{
	for (size_t i = 0; i < count;) {
		size_t run = 0;
		struct vqi_error *error;

		while (i + run < count && !ranges[i + run].ok)
			run++;
		error = run ? vqi_mem_readv(paged->other, ranges + i, run) : NULL;
		if (error)
			return error;
		i += run + 1;
	}
	return NULL;
}

static struct vqi_error *paged_readv(struct vqi_mem *mem, struct vqi_range *ranges, size_t count)
{
	struct paged *paged = (struct paged *)mem;
	struct vqi_error *error;

	add_pages(paged, ranges, count);
	error = fetch(paged);
	if (error)
		return error;
	for (size_t i = 0; i < count; i++)
		ranges[i].ok = copy(paged, &ranges[i]);
	return read_others(paged, ranges, count);
}

struct vqi_error *vqi_paged_mem_new(struct vqi_mem *other, struct vqi_mem **ret_mem)
{
	struct paged *paged = mmap(NULL, sizeof(*paged), PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (paged == MAP_FAILED)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	paged->mem.readv = paged_readv;
	paged->other = other;
	*ret_mem = &paged->mem;
	return NULL;
}

bool vqi_mem_is_paged(const struct vqi_mem *mem)
{
	return mem->readv == paged_readv;
}

void vqi_paged_mem_free(struct vqi_mem *mem)
{
	if (mem)
		munmap(mem, sizeof(struct paged));
}
