/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The one seam between the tool and its target: read bytes at an address.
 *
 * A live process, a test array, and later core files and recordings implement it. Everything that
 * interprets target bytes goes through it, so that a test can fault any byte. */
#ifndef VQI_MEM_H
#define VQI_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vqi/error.h"

/* One range of a vectored read. */
struct vqi_range {
	uint64_t addr; /* address in the target */
	void *buf;     /* receives len bytes */
	size_t len;    /* bytes; 0 always succeeds */
	bool ok;       /* set by the read: whether all len bytes arrived (else buf is undefined) */
};

struct vqi_mem {
	/* Reads all ranges, as few system calls as it can; sets every range's ok. A range that
	 * cannot be read does not keep the others from being read.
	 * Errors: only such as end all reading: GONE, PERMISSION, SYS, NOMEM. */
	struct vqi_error *(*readv)(struct vqi_mem *mem, struct vqi_range *ranges, size_t count);
};

/* Reads many ranges at once; see the member readv. */
struct vqi_error *vqi_mem_readv(struct vqi_mem *mem, struct vqi_range *ranges,
				size_t count) vqi_must_check;

/* The same where each range is needed. Errors: FAULT, at the first that is not there; those of readv. */
struct vqi_error *vqi_mem_readv_all(struct vqi_mem *mem, struct vqi_range *ranges,
				    size_t count) vqi_must_check;

/* Reads len bytes at addr; on failure, a part of them may be in ret_buf.
 * Errors: FAULT, and those of readv. */
struct vqi_error *vqi_mem_read(struct vqi_mem *mem, uint64_t addr, void *ret_buf,
			       size_t len) vqi_must_check;

/* Reads an unsigned integer of size 1, 2, 4 or 8 bytes in the host's byte order. */
struct vqi_error *vqi_mem_read_uint(struct vqi_mem *mem, uint64_t addr, size_t size,
				    uint64_t *ret_value) vqi_must_check;

/* Reads a NUL-terminated string of less than max bytes; works up to the end of a mapping.
 * Errors: BAD_DATA when no NUL is found; those of vqi_mem_read. Owner: the caller frees. */
struct vqi_error *vqi_mem_read_string(struct vqi_mem *mem, uint64_t addr, size_t max,
				      char **ret_string) vqi_must_check;

/* Memory that reads whole pages of another and keeps them, for a walk over many small things that lie close to
 * each other. What it gives may be as old as it is: not for what is to be seen moving.
 * Owner: the caller frees it, before the other. Errors: NOMEM. */
struct vqi_error *vqi_paged_mem_new(struct vqi_mem *other, struct vqi_mem **ret_mem) vqi_must_check;
void vqi_paged_mem_free(struct vqi_mem *mem);
bool vqi_mem_is_paged(const struct vqi_mem *mem);
VQI_DEFINE_CLEANUP(struct vqi_mem *, vqi_paged_mem_free)

#endif
