/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A driver and a device that exchange buffers through a real ring, and know the truth about it: the
 * driver as Linux does it (drivers/virtio/virtio_ring.c), the device as QEMU (hw/virtio/virtio.c). */
#ifndef VQI_TESTS_RING_BUILDER_H
#define VQI_TESTS_RING_BUILDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RING_MAX    1024     /* entries */
#define RING_GPA    0x400000 /* where the buffers lie in guest RAM, */
#define RING_BUFFER 256	     /* bytes for each entry of the ring; the first half for a table */

/* A buffer on its way: one or more descriptors. */
struct ring_buffer {
	uint16_t id;	/* head of the chain; packed: buffer id */
	uint16_t descs; /* how many */
	uint16_t table; /* entries of its indirect table; 0: it has none */
	uint16_t place; /* packed: where its first descriptor is */
	bool wrap;	/* packed: the driver's wrap counter there */
};

/* Buffers in the order in which they came. */
struct ring_list {
	struct ring_buffer buffers[RING_MAX];
	size_t count;
};

struct ring_options {
	bool packed, event_idx, big_endian;
	uint16_t num;
	uint16_t start;	  /* split: where all indices begin, for the wrap at 65536 */
	uint8_t *buffers; /* the bytes at RING_GPA, num * RING_BUFFER; NULL: no indirect tables */
};

struct ring_builder {
	struct ring_options options;
	uint8_t *desc, *avail, *used; /* the ring's bytes; see ring_*_size() */

	/* The driver. */
	uint16_t avail_idx, last_used; /* split: free-running; packed: positions */
	bool avail_wrap, last_used_wrap;
	bool interrupts; /* it wants them */
	uint16_t free_descs;
	bool id_busy[RING_MAX];	 /* split: descriptors */
	uint16_t next[RING_MAX]; /* split: its own copy */
	struct ring_list added;	 /* not published yet */

	/* QEMU's VirtQueue. */
	uint16_t last_avail_idx, shadow_avail_idx, used_idx, signalled_used;
	bool last_avail_wrap, shadow_avail_wrap, used_wrap;
	bool signalled_used_valid, notification;
	uint32_t inuse;

	/* The truth. */
	struct ring_list published; /* not taken */
	struct ring_list taken;	    /* not completed */
	struct ring_list completed; /* not reaped */
	bool kick_due;		    /* by the last publish */
	bool interrupt_due;	    /* by the last complete */
};

size_t ring_desc_size(const struct ring_options *options);
size_t ring_avail_size(const struct ring_options *options);
size_t ring_used_size(const struct ring_options *options);

/* The three areas must be zeroed, as large as the sizes say, and outlive the ring. */
void ring_init(struct ring_builder *ring, const struct ring_options *options, uint8_t *desc,
	       uint8_t *avail, uint8_t *used);

/* The driver writes a buffer of so many descriptors; false when the ring is too full. */
bool ring_add(struct ring_builder *ring, uint16_t descs);

/* The same with one descriptor, of a table of so many entries. */
bool ring_add_indirect(struct ring_builder *ring, uint16_t entries);

/* The driver makes what it added available, all at once. */
void ring_publish(struct ring_builder *ring);

/* The device looks whether there is something: updates its shadow. Whether there is. */
bool ring_look(struct ring_builder *ring);

/* The device takes the oldest buffer; false when there is none. */
bool ring_pop(struct ring_builder *ring);

/* The device completes the n-th of those taken. */
void ring_complete(struct ring_builder *ring, size_t n);

/* The driver consumes the oldest completed buffer; false when there is none. */
bool ring_reap(struct ring_builder *ring);

/* The device switches its wish for kicks. */
void ring_set_notification(struct ring_builder *ring, bool enable);

/* The driver switches its wish for interrupts. */
void ring_set_interrupts(struct ring_builder *ring, bool enable);

/* How many there are of what the decoders count: split: buffers; packed: descriptors. */
size_t ring_count(const struct ring_builder *ring, const struct ring_list *list);

#endif
