/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who does the work in a QEMU: event loops and their threads, virtual CPUs, the big lock. */
#ifndef VQI_LOOPS_H
#define VQI_LOOPS_H

#include <stddef.h>
#include <stdint.h>

#include "vqi/error.h"
#include "vqi/qemu.h"
#include "vqi/snapshot.h"

/* One entry of an AioContext's handler list. Source: util/aio-posix.h struct AioHandler. */
struct vqi_aio_handler {
	uint64_t opaque; /* an EventNotifier's address, for a notifier */
	struct vqi_num fd;
	bool reads;	  /* it has an io_read */
	bool polls;	  /* its io_poll is called while the loop polls; idle ones drop out */
	bool is_external; /* passed over while external_disable_cnt is not 0 */
};

/* An AioContext and what it listens to. */
struct vqi_aio_context {
	uint64_t hva;
	struct vqi_num external_disable_cnt; /* unknown from 8.1 on, which has none */
	struct vqi_num poll_started;
	struct vqi_aio_handler *handlers; /* ascending by opaque */
	size_t handler_count;
};

/* The handler of an EventNotifier at that address; NULL: none. */
const struct vqi_aio_handler *vqi_aio_context_find(const struct vqi_aio_context *context,
						   uint64_t opaque);

/* The handler of a descriptor; NULL: none. */
const struct vqi_aio_handler *vqi_aio_context_find_fd(const struct vqi_aio_context *context,
						      struct vqi_num fd);

/* An event loop with its AioContexts: of the main loop, qemu_aio_context and iohandler_ctx. */
struct vqi_loop_contexts {
	struct vqi_loop loop;
	struct vqi_aio_context contexts[2];
	size_t context_count;
	struct vqi_error *unknown; /* why its handlers could not be read; NULL: they were */
};

struct vqi_loops {
	struct vqi_loop_contexts *loops; /* the main loop first */
	size_t count;
	struct vqi_error *unknown; /* why no iothread could be found; NULL: all are there */
};

/* Reads the main loop, whose thread is main_tid, and every iothread, with their handlers: until two
 * readings of a list agree, for it changes under the reader.
 * Source: util/main-loop.c, iothread.c. Errors: NO_LAYOUT, FAULT, BAD_DATA, LIMIT, NOMEM; those of
 * readv. What one loop's handlers cannot be read for is kept with the loop. Without what leads to the objects
 * there is the main loop alone. */
struct vqi_error *vqi_qemu_loops(struct vqi_qemu *qemu, pid_t main_tid,
				 struct vqi_loops *ret_loops) vqi_must_check;
void vqi_loops_done(struct vqi_loops *loops);

/* The AioContext that should serve a queue of the virtio device at address vdev: an iothread's, or 0
 * for the main loop's.
 * Source: hw/block/virtio-blk.c, hw/scsi/virtio-scsi.c. Errors: FAULT, BAD_DATA. */
struct vqi_error *vqi_qemu_queue_context(struct vqi_qemu *qemu, uint64_t vdev, unsigned int queue,
					 uint64_t *ret_context) vqi_must_check;

/* Finds the IOThreads that -object made. Owner: the caller ends *ret_iothreads with vqi_objects_done().
 * Errors: NO_LAYOUT, FAULT, BAD_DATA, LIMIT, NOMEM. */
struct vqi_error *vqi_qemu_iothreads(struct vqi_qemu *qemu,
				     struct vqi_objects *ret_iothreads) vqi_must_check;

/* The address of the first virtual CPU's CPUState; 0 when there is none. Errors: NO_LAYOUT, FAULT. */
struct vqi_error *vqi_qemu_first_vcpu(struct vqi_qemu *qemu, uint64_t *ret_cpu) vqi_must_check;

/* Reads all virtual CPUs. Owner: the caller frees the array. Errors: as vqi_qemu_loops(). */
struct vqi_error *vqi_qemu_vcpus(struct vqi_qemu *qemu, struct vqi_vcpu **ret_vcpus,
				 size_t *ret_count) vqi_must_check;

/* The thread that holds the big QEMU lock; 0 when none does.
 * Source: softmmu/cpus.c qemu_global_mutex, system/cpus.c bql. Errors: NO_LAYOUT, FAULT. */
struct vqi_error *vqi_qemu_bql_owner(struct vqi_qemu *qemu, uint64_t *ret_tid) vqi_must_check;

#endif
