/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The chains of descriptors that a driver has published and the device has not taken.
 * Source: VirtIO 1.2, 2.7.5 and 2.8.5 to 2.8.7, 2.8.17, 2.8.19; hw/virtio/virtio.c
 * virtqueue_split_pop(), virtqueue_packed_pop(). */
#include <stdlib.h>

#include "vqi/limits.h"
#include "vqi/virtio.h"

#include "desc.h"

#define AVAIL_RING 4 /* offset of ring[] in struct virtq_avail */

/* The ring's descriptors, or an indirect table. */
struct table {
	const uint8_t *descs;
	uint32_t count;
	bool indirect;
};

struct check {
	struct vqi_mem *mem;
	const struct vqi_guest_ram *ram; /* NULL: nobody knows what lies where */
	struct table ring;
	bool packed, big_endian;
	uint16_t *
		owners; /* the chain, from 1 on, that has a descriptor (packed: a buffer id); 0: none */
	uint32_t left; /* descriptors that may yet be looked at */

	/* The chain under way. */
	uint16_t chain, head;
	bool writes; /* it has come to a buffer for the device to write */

	/* What was found: all, and where the first of it is. */
	unsigned int faults;
	struct vqi_ring_place place;
};

static struct vqi_desc get_desc(const struct check *check, const struct table *table,
				uint32_t index)
{
	return vqi_desc_decode(table->descs + (size_t)index * VQI_DESC_SIZE, check->packed,
			       check->big_endian);
}

static void start_chain(struct check *check, uint16_t head)
{
	check->chain++;
	check->head = head;
	check->writes = false;
}

static void report(struct check *check, unsigned int fault, struct vqi_ring_place place)
{
	place.head = VQI_NUM(check->head);
	if (!check->faults)
		check->place = place;
	check->faults |= fault;
}

static void report_desc(struct check *check, unsigned int fault, uint32_t index,
			const struct vqi_desc *desc)
{
	report(check, fault,
	       (struct vqi_ring_place){
		       .descriptor = VQI_NUM(index),
		       .gpa = VQI_NUM(desc->gpa),
		       .len = VQI_NUM(desc->len),
	       });
}

/* Once it is false the check is at an end, without a word: a driver that publishes so much does not
 * exist, and what was found stands. */
static bool spend(struct check *check, uint32_t descs)
{
	if (descs > check->left) {
		check->left = 0;
		return false;
	}
	check->left -= descs;
	return true;
}

/* A descriptor is in one chain, and once; so is a buffer id. */
static unsigned int claim(struct check *check, uint16_t index)
{
	uint16_t owner = check->owners[index];

	check->owners[index] = check->chain;
	if (!owner)
		return 0;
	return owner == check->chain ? VQI_RING_LOOP : VQI_RING_DUPLICATE;
}

/* Over a buffer of no bytes QEMU breaks the device, virtqueue_map_desc(). Over one outside of RAM only
 * while its bounce buffer is taken: else the data goes to nowhere, address_space_map(). */
static unsigned int check_buffer(struct check *check, const struct vqi_desc *desc)
{
	if (desc->flags & VQI_DESC_WRITE)
		check->writes = true;
	else if (check->writes) /* VirtIO 1.2, 2.7.4.2 and 2.8.17 */
		return VQI_RING_BAD_ORDER;
	if (!desc->len)
		return VQI_RING_ZERO_SIZE;
	if (check->ram && vqi_guest_ram_has(check->ram, desc->gpa, desc->len) == VQI_RAM_NO)
		return VQI_RING_BAD_ADDRESS;
	return 0;
}

/* VQI_DESC_WRITE has no meaning here. VirtIO 1.2, 2.7.5.3.2 and 2.8.7. No ring has more entries than
 * VQI_MAX_RING, so no chain has. */
static unsigned int check_indirect(const struct check *check, const struct vqi_desc *desc)
{
	if (!vqi_desc_is_table(desc))
		return VQI_RING_BAD_INDIRECT;
	if (check->ram && vqi_guest_ram_has(check->ram, desc->gpa, desc->len) == VQI_RAM_NO)
		return VQI_RING_BAD_ADDRESS;
	return desc->len / VQI_DESC_SIZE > VQI_MAX_RING ? VQI_RING_LOOP : 0;
}

static unsigned int check_desc(struct check *check, const struct vqi_desc *desc,
			       bool may_be_indirect)
{
	if (!(desc->flags & VQI_DESC_INDIRECT))
		return check_buffer(check, desc);
	return may_be_indirect ? check_indirect(check, desc) : VQI_RING_BAD_INDIRECT;
}

static struct vqi_error *follow_split(struct check *check, const struct table *table,
				      uint32_t index);
static struct vqi_error *follow_packed(struct check *check, const struct table *table,
				       uint32_t first, uint32_t count);

/* A table has none below it, so this is not deep. */
static struct vqi_error *follow_indirect(struct check *check, const struct vqi_desc *desc)
{
	struct table table = {.count = desc->len / VQI_DESC_SIZE, .indirect = true};
	vqi_cleanup_free uint8_t *bytes = NULL;
	struct vqi_error *error;

	if (!check->ram || vqi_guest_ram_has(check->ram, desc->gpa, desc->len) != VQI_RAM_YES ||
	    !spend(check, table.count))
		return NULL;
	error = vqi_desc_read_table(check->mem, check->ram, desc, &bytes);
	if (error)
		return error;
	table.descs = bytes;
	return check->packed ? follow_packed(check, &table, 0, table.count)
			     : follow_split(check, &table, 0);
}

/* A table may end a chain of others, VirtIO 1.2, 2.7.5.3.2; QEMU, which looks for one at the head only,
 * takes it for a buffer. Nothing may follow it, 2.7.5.3.1: QEMU drops what does. Nor may there be one
 * in a table: that is a buffer to QEMU again. */
static struct vqi_error *follow_split(struct check *check, const struct table *table,
				      uint32_t index)
{
	for (uint32_t visited = 0; table->indirect || spend(check, 1); visited++) {
		struct vqi_desc desc = get_desc(check, table, index);
		bool more = desc.flags & VQI_DESC_NEXT;
		unsigned int fault = 0;

		if (!table->indirect)
			fault = claim(check, (uint16_t)index);
		else if (visited == table->count)
			fault = VQI_RING_LOOP;
		if (!fault)
			fault = check_desc(check, &desc, !table->indirect && !more);
		if (!fault && more && desc.next >= table->count)
			fault = VQI_RING_BAD_NEXT;
		if (fault) {
			report_desc(check, fault, index, &desc);
			return NULL;
		}
		if (desc.flags & VQI_DESC_INDIRECT)
			return follow_indirect(check, &desc);
		if (!more)
			return NULL;
		index = desc.next;
	}
	return NULL;
}

/* The buffer id is the last descriptor's, VirtIO 1.2, 2.8.6; QEMU takes the first's. It has to be known
 * to the driver only, whose array it indexes, which is as large as the ring. */
static unsigned int check_id(struct check *check, const struct vqi_desc *desc)
{
	return desc->id < check->ring.count ? claim(check, desc->id) : VQI_RING_BAD_HEAD;
}

/* Descriptors in order, of a chain in the ring or all of a table, where no flag but VQI_DESC_WRITE may be
 * set, VirtIO 1.2, 2.8.19, and no other means anything, 2.8.7. A chain of tables is forbidden, 2.8.19;
 * QEMU takes the second descriptor for a buffer of its own, or a later table for data. */
static struct vqi_error *follow_packed(struct check *check, const struct table *table,
				       uint32_t first, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		uint32_t index = (first + i) % table->count;
		struct vqi_desc desc = get_desc(check, table, index);
		unsigned int fault;

		fault = check_desc(check, &desc, !table->indirect && count == 1);
		if (!fault && !table->indirect && i == count - 1)
			fault = check_id(check, &desc);
		if (fault) {
			report_desc(check, fault, index, &desc);
			return NULL;
		}
		if (!table->indirect && desc.flags & VQI_DESC_INDIRECT)
			return follow_indirect(check, &desc);
	}
	return NULL;
}

/* Heads in the avail ring. */
static struct vqi_error *check_split(struct check *check, const uint8_t *avail, uint32_t first,
				     uint32_t count)
{
	struct vqi_error *error = NULL;

	for (uint32_t i = 0; !error && i < count; i++) {
		size_t slot = (uint16_t)(first + i) % check->ring.count;
		uint16_t head = vqi_guest_u16(avail + 2 * slot, check->big_endian);

		start_chain(check, head);
		if (head < check->ring.count)
			error = follow_split(check, &check->ring, head);
		else
			report(check, VQI_RING_BAD_HEAD, (struct vqi_ring_place){0});
	}
	return error;
}

/* How many descriptors a chain in the ring has; 0: more than limit. */
static uint32_t chain_length(const struct check *check, uint32_t first, uint32_t limit)
{
	for (uint32_t i = 0; i < limit; i++) {
		struct vqi_desc desc =
			get_desc(check, &check->ring, (first + i) % check->ring.count);

		if (!(desc.flags & VQI_DESC_NEXT))
			return i + 1;
	}
	return 0;
}

/* A chain without an end was read while the driver wrote it: it makes the first descriptor available
 * last, VirtIO 1.2, 2.8.6. But not when the whole ring is published: then it is too long, or goes on in
 * the first chain. */
static void check_endless(struct check *check, uint32_t first, uint32_t left, uint32_t count)
{
	uint32_t last = (first + left - 1) % check->ring.count;
	struct vqi_desc desc = get_desc(check, &check->ring, last);

	if (count == check->ring.count)
		report_desc(check, left == count ? VQI_RING_LOOP : VQI_RING_DUPLICATE, last, &desc);
}

/* Chains in the order of the ring. */
static struct vqi_error *check_packed(struct check *check, uint32_t first, uint32_t count)
{
	struct vqi_error *error = NULL;
	uint32_t length;

	for (uint32_t left = count; !error && left; left -= length) {
		length = chain_length(check, first, left);
		start_chain(check, (uint16_t)first);
		if (!length)
			check_endless(check, first, left, count);
		if (!length || !spend(check, length))
			break;
		error = follow_packed(check, &check->ring, first, length);
		first = (first + length) % check->ring.count;
	}
	return error;
}

/* Which entries of the avail ring to look at. virtqueue_split_pop() takes a head before it looks at the
 * chain, and counts it in inuse after: the last head of a broken device may be the one that it broke at.
 * If not, inuse lacks what was completed since, virtqueue_flush(), which is the device's still. But the
 * driver may have used the entry anew. An index too far ahead tells nothing about the entries. */
static uint32_t find_published_split(const struct vqi_device *device, const struct vqi_queue *queue,
				     uint32_t *ret_first)
{
	uint16_t first = (uint16_t)queue->last_avail_idx.value;
	uint32_t count = (uint16_t)(queue->avail_idx.value - first);

	if (!queue->last_avail_idx.known || !queue->avail_idx.known)
		return 0;
	if (count > queue->num)
		count = 0;
	if (device->broken && queue->in_flight.known && queue->inuse.known &&
	    queue->in_flight.value > queue->inuse.value && count < queue->num) {
		first--;
		count++;
	}
	*ret_first = first;
	return count;
}

/* Which descriptors to look at. virtqueue_packed_pop() leaves a chain that breaks the device in the
 * ring. */
static uint32_t find_published_packed(const struct vqi_queue *queue, uint32_t *ret_first)
{
	if (!queue->unseen.known || queue->unseen.value > queue->num ||
	    !queue->last_avail_idx.known || queue->last_avail_idx.value >= queue->num)
		return 0;
	*ret_first = (uint32_t)queue->last_avail_idx.value;
	return (uint32_t)queue->unseen.value;
}

static struct vqi_error *read_ring(struct vqi_mem *mem, const struct vqi_queue *queue,
				   uint8_t *descs, uint8_t *avail, size_t avail_len)
{
	struct vqi_range ranges[] = {
		{.addr = queue->desc_hva, .buf = descs, .len = (size_t)queue->num * VQI_DESC_SIZE},
		{.addr = queue->avail_hva + AVAIL_RING, .buf = avail, .len = avail_len},
	};
	struct vqi_error *error = vqi_mem_readv(mem, ranges, avail_len ? 2 : 1);

	if (error)
		return error;
	if (!ranges[0].ok)
		return vqi_error_prefix(vqi_error_fault(ranges[0].addr, ranges[0].len),
					"descriptors");
	if (avail_len && !ranges[1].ok)
		return vqi_error_prefix(vqi_error_fault(ranges[1].addr, ranges[1].len),
					"avail ring");
	return NULL;
}

struct vqi_error *vqi_chains_check(struct vqi_mem *mem, const struct vqi_guest_ram *ram,
				   const struct vqi_device *device, struct vqi_queue *queue)
{
	bool packed = queue->ring == VQI_RING_PACKED;
	size_t desc_len = (size_t)queue->num * VQI_DESC_SIZE;
	size_t avail_len = packed ? 0 : 2 * (size_t)queue->num;
	vqi_cleanup_free uint8_t *bytes = NULL;
	vqi_cleanup_free uint16_t *owners = NULL;
	struct check check = {
		.mem = mem,
		/* None at all: the guest took away bus mastering. hw/pci/pci.c bus_master_as */
		.ram = ram && ram->count ? ram : NULL,
		.ring.count = queue->num,
		.packed = packed,
		.big_endian = !packed && device->endian == VQI_ENDIAN_BIG,
		.left = VQI_MAX_CHAIN_DESCS,
	};
	uint32_t first = 0, count;
	struct vqi_error *error;

	if (queue->access != VQI_RING_READ || !queue->desc_hva || (!packed && !queue->avail_hva) ||
	    queue->num > VQI_MAX_RING)
		return NULL;
	count = packed ? find_published_packed(queue, &first)
		       : find_published_split(device, queue, &first);
	if (!count)
		return NULL;
	check.ring.descs = bytes = malloc(desc_len + avail_len);
	check.owners = owners = calloc(queue->num, sizeof(*owners));
	if (!bytes || !owners)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	error = read_ring(mem, queue, bytes, bytes + desc_len, avail_len);
	if (!error)
		error = packed ? check_packed(&check, first, count)
			       : check_split(&check, bytes + desc_len, first, count);
	if (error || !check.faults)
		return error;
	queue->ring_faults |= check.faults;
	queue->fault_place = check.place;
	return NULL;
}
