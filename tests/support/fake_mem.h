/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A struct vqi_mem over arrays: any byte of it can fault, and it counts what is asked of it. */
#ifndef VQI_TESTS_FAKE_MEM_H
#define VQI_TESTS_FAKE_MEM_H

#include <stddef.h>
#include <stdint.h>

#include "vqi/cleanup.h"
#include "vqi/mem.h"

struct vqi_fake_span;

struct vqi_fake_mem {
	struct vqi_mem mem;
	size_t calls;	   /* readv calls so far; a test may set it back to 0 */
	size_t ranges;	   /* ranges asked for in them */
	size_t gone_after; /* that many calls work, later ones fail with GONE; SIZE_MAX: all work */

	/* Called at the start of every readv, with calls already counted: a test can change bytes
	 * here, as a running guest does between two readings. NULL: nothing. */
	void (*before_read)(struct vqi_fake_mem *fake, void *context);
	void *context;

	struct vqi_fake_span *maps, *faults; /* private */
};

/* Never NULL: a test that is out of memory is aborted. */
struct vqi_fake_mem *vqi_fake_mem_new(void);
void vqi_fake_mem_free(struct vqi_fake_mem *fake);
VQI_DEFINE_CLEANUP(struct vqi_fake_mem *, vqi_fake_mem_free)
#define vqi_cleanup_fake_mem vqi_cleanup(vqi_fake_mem_free)

/* Maps len bytes, all 0, at addr. A read may run across mappings that adjoin; they must not
 * overlap. Owner: fake; the bytes stay where they are, write to them at any time. */
uint8_t *vqi_fake_mem_map(struct vqi_fake_mem *fake, uint64_t addr, size_t len);

/* Makes each read of any of these bytes fail, mapped or not. */
void vqi_fake_mem_fault(struct vqi_fake_mem *fake, uint64_t addr, uint64_t len);

/* Takes back all faults. */
void vqi_fake_mem_heal(struct vqi_fake_mem *fake);

/* Where the bytes at addr are kept, to write to; aborts unless len bytes are mapped there in one
 * piece. */
uint8_t *vqi_fake_mem_at(struct vqi_fake_mem *fake, uint64_t addr, size_t len);

struct vqi_mem *vqi_fake_mem_base(struct vqi_fake_mem *fake);

#endif
