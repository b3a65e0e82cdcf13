/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The requests in flight on a queue, as guest memory tells of them: which there may be, their buffers, and
 * what they ask for. Nothing of QEMU's is needed but the indices of the queue. */
#ifndef VQI_REQUESTS_H
#define VQI_REQUESTS_H

#include "vqi/mem.h"
#include "vqi/qemu.h"
#include "vqi/request.h"
#include "vqi/snapshot.h"

/* The requests that a queue's ring says are in flight: taken by the device, and not put back. As completions
 * may come in another order, the ring alone does not always tell. A request is no candidate when nothing
 * else agrees with the ring, of whichever driver keeps to the specification. When all in flight are found,
 * they are all that is listed, the oldest first. Else those that are certain come first, and then, the
 * latest first, as candidates those that the ring still shows and that cannot be told to be completed: all
 * that are in flight, but for such as were taken so long ago that their entry was used anew.
 * A ring that moved since queue was filled, or a broken device, has candidates only. In a packed ring a chain
 * may have lost its beginning to a used descriptor: it has no buffers then, and ndescs 0.
 * ram may be NULL: then buffers are not translated. None for a queue that vhost runs, that is not set up, or
 * whose indices make no sense. Owner: the caller, of the list and each request.
 * Source: VirtIO 1.2, 2.7.6 to 2.7.9, 2.8.1, 2.8.6, 2.8.12; hw/virtio/virtio.c.
 * Errors: FAULT where the ring cannot be read, those of readv, NOMEM. */
struct vqi_error *vqi_requests_from_ring(struct vqi_mem *mem, const struct vqi_guest_ram *ram,
					 const struct vqi_device *device,
					 const struct vqi_queue *queue,
					 struct vqi_request **ret_requests,
					 size_t *ret_count) vqi_must_check;

/* Fills buffers and ndescs of a request anew, from the descriptor that its head is; in a packed ring, from the
 * chain with its id among those taken, if it is whole. A buffer that is not in one piece in the target
 * becomes several, as in QEMU's VirtQueueElement. Of a chain that makes no sense, or cannot be read, it is what
 * was good. ram may be NULL. Source: VirtIO 1.2, 2.7.5, 2.8.5 to 2.8.8.
 * Errors: GONE, PERMISSION, NOMEM. */
struct vqi_error *vqi_request_read_chain(struct vqi_mem *mem, const struct vqi_guest_ram *ram,
					 const struct vqi_device *device,
					 const struct vqi_queue *queue,
					 struct vqi_request *request) vqi_must_check;

/* Fills kind and details from the headers in a request's buffers, by the type of the device and the role of the
 * queue. Nothing of the data goes into them: no contents, no names of files, no keys. Of a header that is too
 * short, cannot be read, or is unknown, it is what is known, at least kind NULL.
 * Source: see the decoders, src/virtio/decode_*.c. Errors: GONE, PERMISSION, NOMEM. */
struct vqi_error *vqi_request_decode(struct vqi_mem *mem, const struct vqi_device *device,
				     const struct vqi_queue *queue,
				     struct vqi_request *request) vqi_must_check;

/* Keeps the first bytes of a request's buffers, of what the driver wrote, then of what the device writes; at
 * most VQI_MAX_DUMP_BYTES, and up to the first that cannot be read. Errors: GONE, PERMISSION, NOMEM. */
struct vqi_error *vqi_request_dump(struct vqi_mem *mem, struct vqi_request *request,
				   size_t bytes) vqi_must_check;

#endif
