/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The memory of a live process. */
#include <errno.h>
#include <limits.h>
#include <sys/uio.h>
#include <unistd.h>

#include "access.h"
#include "live.h"
#include "vqi/checked.h"

/* UIO_MAXIOV: the kernel takes no more at once. */
#define BATCH_MAX IOV_MAX

/* Up to so many bytes /proc/PID/mem is quicker, as it needs no check; more is better not copied twice, as there. */
#define MEM_FILE_MAX 16384

/* After a range that cannot be read, the next call is short: where many fault, the kernel would
 * else look at a thousand ranges anew for each of them. */
#define BATCH_AFTER_FAULT 16

/* Ranges for one system call; on the stack, as there is no allocation while a target is stopped. */
struct batch {
	struct iovec local[BATCH_MAX], remote[BATCH_MAX];
	struct vqi_range *ranges[BATCH_MAX];
	size_t count;
};

/* Reads a range through /proc/PID/mem. Unlike process_vm_readv(), that reads pages without read
 * permission (FOLL_FORCE) and those of devices that offer it: mm/memory.c access_remote_vm(). And it is of
 * this very process: nothing can be read any more once that has ended. */
static bool read_mem_file(struct vqi_live *live, const struct vqi_range *range)
{
	size_t done = 0;

	if (live->memfd < 0)
		return false;
	while (done < range->len) {
		ssize_t got = pread(live->memfd, (char *)range->buf + done, range->len - done,
				    (off_t)(range->addr + done));

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		done += (size_t)got;
	}
	return true;
}

/* Fills the batch from the front of ranges; returns how many of them that takes up. */
static size_t collect(struct batch *batch, size_t max, struct vqi_range *ranges, size_t count)
{
	size_t i;

	batch->count = 0;
	for (i = 0; i < count && batch->count < max; i++) {
		struct vqi_range *range = &ranges[i];
		uint64_t end;

		range->ok = range->len == 0;
		if (range->len == 0 || !vqi_add_u64(range->addr, range->len, &end))
			continue;
		batch->local[batch->count] =
			(struct iovec){.iov_base = range->buf, .iov_len = range->len};
		batch->remote[batch->count] = (struct iovec){
			.iov_base = (void *)(uintptr_t)range->addr, .iov_len = range->len};
		batch->ranges[batch->count] = range;
		batch->count++;
	}
	return i;
}

static bool is_refusal(int error_number)
{
	/* EPERM also by a seccomp filter, ENOSYS without CONFIG_CROSS_MEMORY_ATTACH. */
	return error_number == EPERM || error_number == ENOSYS;
}

/* Reads a batch up to the first range that faults; stores how many ranges precede that one.
 * Errors: those that end all reading. */
static struct vqi_error *read_batch(struct vqi_live *live, struct batch *batch, size_t *ret_done)
{
	size_t left, done = 0;
	ssize_t got = 0;

	if (batch->count && !live->vm_readv_refused) {
		got = process_vm_readv(live->reader.pid, batch->local, batch->count, batch->remote,
				       batch->count, 0);
		if (got < 0 && is_refusal(errno)) {
			if (live->memfd < 0)
				return vqi_access_refused(&live->reader, errno);
			live->vm_readv_refused = true;
		} else if (got < 0 && errno != EFAULT) {
			return vqi_error_sys(errno, "memory of process %d", live->reader.pid);
		}
	}
	/* The kernel stops at a page, not at a range as process_vm_readv(2) has it: of the range
	 * that faults, a part may have been read. */
	left = got > 0 ? (size_t)got : 0;
	while (done < batch->count && left >= batch->ranges[done]->len) {
		left -= batch->ranges[done]->len;
		batch->ranges[done++]->ok = true;
	}
	*ret_done = done;
	return NULL;
}

struct vqi_error *vqi_live_readv(struct vqi_reader *reader, struct vqi_range *ranges, size_t count)
{
	struct vqi_live *live = (struct vqi_live *)reader;
	struct batch batch;
	size_t max = BATCH_MAX;
	uint64_t end;

	if (count == 1 && ranges->len <= MEM_FILE_MAX &&
	    vqi_add_u64(ranges->addr, ranges->len, &end) && read_mem_file(live, ranges)) {
		ranges->ok = true; /* one system call; else there are two */
		return NULL;
	}
	while (count) {
		size_t done, taken = collect(&batch, max, ranges, count);
		struct vqi_error *error = read_batch(live, &batch, &done);

		if (error)
			return error;
		max = max * 2 < BATCH_MAX ? max * 2 : BATCH_MAX;
		if (done < batch.count) {
			batch.ranges[done]->ok = read_mem_file(live, batch.ranges[done]);
			taken = (size_t)(batch.ranges[done] - ranges) + 1;
			max = BATCH_AFTER_FAULT;
		}
		ranges += taken;
		count -= taken;
	}
	/* process_vm_readv() goes by number: what it read was this process's only if that lives. */
	return reader->ops->check(reader);
}
