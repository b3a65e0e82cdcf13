/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A ring whose chains are written byte by byte, wrong ones, too, with RAM for their buffers. What the
 * tests of one file share. */
#ifndef VQI_TESTS_RING_CHAINS_H
#define VQI_TESTS_RING_CHAINS_H

#include "fake_mem.h"
#include "unit.h"
#include "vqi/virtio.h"

#define NUM	  16
#define DESC_HVA  UINT64_C(0x7f1200000000)
#define AVAIL_HVA UINT64_C(0x7f1200100000)
#define LOW_HVA	  UINT64_C(0x7f1400000000)
#define HIGH_HVA  UINT64_C(0x7f1300000000)
#define BUFFER	  0x10000  /* RAM begins here, */
#define TABLES	  0x20000  /* goes on here elsewhere in the target, */
#define END	  0x120000 /* ends here, */
#define FOREIGN	  0x200000 /* and is behind a vIOMMU from here */
#define NEXT	  1
#define WRITE	  2
#define INDIRECT  4

static struct vqi_fake_mem *fake;
static uint8_t *desc, *avail, *tables;
static struct vqi_device device;
static struct vqi_queue queue;
static struct vqi_ram_range ranges[] = {
	{BUFFER, TABLES - BUFFER, LOW_HVA},
	{TABLES, END - TABLES, HIGH_HVA},
	{FOREIGN, 0x10000, 0},
};
static const struct vqi_guest_ram ram = {ranges, 3};

static inline void start(enum vqi_ring ring, uint16_t first)
{
	vqi_fake_mem_free(fake);
	fake = vqi_fake_mem_new();
	desc = vqi_fake_mem_map(fake, DESC_HVA, (size_t)NUM * 16);
	avail = vqi_fake_mem_map(fake, AVAIL_HVA + 4, (size_t)NUM * 2);
	tables = vqi_fake_mem_map(fake, HIGH_HVA, END - TABLES);
	device = (struct vqi_device){.endian = VQI_ENDIAN_LITTLE};
	queue = (struct vqi_queue){
		.ring = ring,
		.num = NUM,
		.desc_hva = DESC_HVA,
		.avail_hva = AVAIL_HVA,
		.last_avail_idx = VQI_NUM(first),
		.avail_idx = VQI_NUM(first),
		.inuse = VQI_NUM(0),
		.in_flight = VQI_NUM(0),
		.unseen = VQI_NUM(0),
	};
}

static inline void setup(void)
{
	start(VQI_RING_SPLIT, 0);
}

static inline void teardown(void)
{
	vqi_fake_mem_free(take_ptr(fake));
}

static inline void put(uint8_t *bytes, size_t size, uint64_t value)
{
	for (size_t i = 0; i < size; i++)
		bytes[device.endian == VQI_ENDIAN_BIG ? size - 1 - i : i] =
			(uint8_t)(value >> 8 * i);
}

/* last is next in a split ring, the buffer's id in a packed one. */
static inline void put_desc(uint8_t *bytes, uint64_t gpa, uint32_t len, uint16_t flags,
			    uint16_t last)
{
	bool packed = queue.ring == VQI_RING_PACKED;

	put(bytes, 8, gpa);
	put(bytes + 8, 4, len);
	put(bytes + 12, 2, packed ? last : flags);
	put(bytes + 14, 2, packed ? flags : last);
}

static inline void set(unsigned int index, uint64_t gpa, uint32_t len, uint16_t flags,
		       uint16_t last)
{
	put_desc(desc + (size_t)index * 16, gpa, len, flags, last);
}

/* A descriptor of one buffer in RAM. */
static inline void link_to(unsigned int index, uint16_t flags, uint16_t last)
{
	set(index, BUFFER + index * 256, 256, flags, last);
}

/* An entry of the table at TABLES. */
static inline void entry(unsigned int index, uint16_t flags, uint16_t last)
{
	put_desc(tables + (size_t)index * 16, BUFFER + 0x8000 + index % 16 * 256, 1, flags, last);
}

/* Publishes a chain of a split ring. */
static inline void publish(uint16_t head)
{
	put(avail + queue.avail_idx.value % NUM * 2, 2, head);
	queue.avail_idx.value = (uint16_t)(queue.avail_idx.value + 1);
}

/* Publishes the next descriptor of a packed ring. */
static inline void add(uint64_t gpa, uint32_t len, uint16_t flags, uint16_t id)
{
	set((unsigned int)((queue.last_avail_idx.value + queue.unseen.value++) % NUM), gpa, len,
	    flags, id);
}

static inline unsigned int check_with(const struct vqi_guest_ram *with)
{
	queue.ring_faults = 0;
	queue.fault_place = (struct vqi_ring_place){0};
	ck_assert_ok(vqi_chains_check(vqi_fake_mem_base(fake), with, &device, &queue));
	ck_assert_int_eq(!queue.ring_faults, !queue.fault_place.head.known);
	return queue.ring_faults;
}

#define assert_right() ck_assert_uint_eq(check_with(&ram), 0)

/* Only this fault, first in the chain of this head, at this descriptor. */
#define assert_found(faults, chain, index)                                                         \
	do {                                                                                       \
		ck_assert_uint_eq(check_with(&ram), (faults));                                     \
		ck_assert_uint_eq(queue.fault_place.head.value, (chain));                          \
		ck_assert(vqi_num_is(queue.fault_place.descriptor, (index)));                      \
	} while (0)

#endif
