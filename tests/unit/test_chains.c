/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is wrong with the chains of a split ring, byte by byte; right ones are in ring_history, too. */
#include <check.h>

#include "ring_chains.h"
#include "vqi/limits.h"

/* Chains of one, of two, a table, and one that ends with a table. VirtIO 1.2, 2.7.5.3.2. */
static void make_right_split(void)
{
	link_to(3, 0, 99);
	link_to(5, NEXT, NUM - 1);
	link_to(NUM - 1, WRITE, 0);
	set(7, TABLES, 48, INDIRECT | WRITE, 99);
	entry(0, NEXT, 2);
	entry(2, NEXT | WRITE, 1);
	entry(1, WRITE, 99);
	link_to(0, NEXT, 1);
	set(1, TABLES, 16, INDIRECT, 0);
	publish(3);
	publish(5);
	publish(7);
	publish(0);
}

START_TEST(test_split)
{
	make_right_split();
	entry(0, 0, 0);
	assert_right();
}
END_TEST

/* One call for the ring, one for each table. */
START_TEST(test_calls)
{
	assert_right();
	ck_assert_uint_eq(fake->calls, 0);
	make_right_split();
	entry(0, 0, 0);
	assert_right();
	ck_assert_uint_eq(fake->calls, 3);
}
END_TEST

START_TEST(test_big_endian)
{
	device.endian = VQI_ENDIAN_BIG;
	link_to(1, NEXT, 2);
	set(2, TABLES, 32, INDIRECT, 0);
	entry(0, NEXT, 1);
	entry(1, WRITE, 0);
	publish(1);
	assert_right();
	entry(0, NEXT, 2);
	assert_found(VQI_RING_BAD_NEXT, 1, 0);
	device.endian = VQI_ENDIAN_LITTLE;
	ck_assert_uint_eq(check_with(&ram), VQI_RING_BAD_HEAD);
}
END_TEST

/* A full ring, at every place around the end of the 16 bits. What is not published is not looked at. */
START_TEST(test_across_the_wrap)
{
	for (uint16_t first = (uint16_t)-NUM - 2; first != 2; first++) {
		start(VQI_RING_SPLIT, first);
		for (uint16_t i = 0; i < NUM; i++) {
			link_to(i, WRITE, 0);
			publish(i);
		}
		assert_right();
		set(NUM - 1, BUFFER, 0, 0, 0);
		assert_found(VQI_RING_ZERO_SIZE, NUM - 1, NUM - 1);
		queue.avail_idx.value = (uint16_t)(queue.avail_idx.value - 1);
		assert_right();
		set(0, BUFFER, 0, 0, 0);
		assert_found(VQI_RING_ZERO_SIZE, 0, 0);
		queue.last_avail_idx.value = (uint16_t)(first + 1);
		assert_right();
	}
}
END_TEST

/* A ring of 3, which QEMU takes: the slot after that of 65535, slot 0, is slot 0. */
START_TEST(test_odd_ring)
{
	start(VQI_RING_SPLIT, 65535);
	queue.num = 3;
	queue.avail_idx.value = 1;
	put(avail + 2, 2, 3);
	link_to(0, 0, 0);
	assert_found(VQI_RING_DUPLICATE, 0, 0);
}
END_TEST

START_TEST(test_bad_head)
{
	link_to(NUM - 1, 0, 0);
	publish(NUM - 1);
	assert_right();
	publish(NUM);
	ck_assert_uint_eq(check_with(&ram), VQI_RING_BAD_HEAD);
	ck_assert(vqi_num_is(queue.fault_place.head, NUM));
	ck_assert(!queue.fault_place.descriptor.known && !queue.fault_place.gpa.known);
	queue.ring_faults = VQI_RING_USED_MISMATCH; /* stays */
	ck_assert_ok(vqi_chains_check(vqi_fake_mem_base(fake), &ram, &device, &queue));
	ck_assert_uint_eq(queue.ring_faults, VQI_RING_USED_MISMATCH | VQI_RING_BAD_HEAD);
}
END_TEST

/* An index that is too far ahead tells nothing about the entries. */
START_TEST(test_avail_ahead)
{
	for (uint16_t i = 0; i < NUM; i++)
		publish(NUM);
	ck_assert_uint_eq(check_with(&ram), VQI_RING_BAD_HEAD);
	queue.avail_idx.value = NUM + 1;
	assert_right();
}
END_TEST

START_TEST(test_next)
{
	publish(2);
	link_to(NUM - 1, 0, 0);
	link_to(2, NEXT, NUM - 1);
	assert_right();
	link_to(2, NEXT, NUM);
	assert_found(VQI_RING_BAD_NEXT, 2, 2);
	ck_assert(vqi_num_is(queue.fault_place.gpa, BUFFER + 512));
	ck_assert(vqi_num_is(queue.fault_place.len, 256));
	link_to(2, 0, NUM);
	assert_right();
	/* in a table: of its own size */
	set(2, TABLES, 64, INDIRECT, 0);
	entry(0, NEXT, 3);
	entry(3, 0, 0);
	assert_right();
	entry(0, NEXT, 4);
	assert_found(VQI_RING_BAD_NEXT, 2, 0);
}
END_TEST

START_TEST(test_loop)
{
	publish(0);
	for (uint16_t i = 0; i < NUM; i++)
		link_to(i, i < NUM - 1 ? NEXT : 0, i + 1);
	assert_right();
	for (uint16_t to = 0; to < NUM; to++) {
		link_to(NUM - 1, NEXT, to);
		assert_found(VQI_RING_LOOP, 0, to);
	}
	set(0, TABLES, NUM * 16, INDIRECT, 0);
	for (uint16_t i = 0; i < NUM; i++)
		entry(i, i < NUM - 1 ? NEXT : 0, i + 1);
	assert_right();
	entry(NUM - 1, NEXT, 0);
	assert_found(VQI_RING_LOOP, 0, 0);
	entry(NUM - 1, NEXT, NUM - 1);
	assert_found(VQI_RING_LOOP, 0, NUM - 1);
}
END_TEST

/* VirtIO 1.2, 2.7.5.3.1. */
START_TEST(test_forbidden_tables)
{
	publish(0);
	link_to(1, 0, 0);
	entry(0, 0, 0);
	set(0, TABLES, 32, INDIRECT, 1);
	assert_right();
	set(0, TABLES, 32, INDIRECT | NEXT, 1);
	assert_found(VQI_RING_BAD_INDIRECT, 0, 0);
	set(0, TABLES, 32, INDIRECT, 1);
	put_desc(tables, TABLES, 32, INDIRECT, 0);
	assert_found(VQI_RING_BAD_INDIRECT, 0, 0);
	entry(0, NEXT, 1);
	put_desc(tables + 16, TABLES, 32, INDIRECT, 0);
	assert_found(VQI_RING_BAD_INDIRECT, 0, 1);
}
END_TEST

/* Unknown is not wrong. */
START_TEST(test_addresses)
{
	static const struct {
		uint64_t gpa;
		uint32_t len;
		unsigned int fault;
	} cases[] = {
		{BUFFER, 16, 0},
		{BUFFER - 16, 16, VQI_RING_BAD_ADDRESS},
		{BUFFER - 1, 2, VQI_RING_BAD_ADDRESS},
		{END - 16, 16, 0},
		{END - 16, 17, VQI_RING_BAD_ADDRESS},
		{TABLES - 16, 32, 0},
		{BUFFER, END - BUFFER, 0},
		{FOREIGN, 16, 0},
		{FOREIGN + 0xffff, 2, 0},
		{FOREIGN + 0x10000, 1, VQI_RING_BAD_ADDRESS},
		{UINT64_MAX, 1, VQI_RING_BAD_ADDRESS},
		{UINT64_MAX, 2, VQI_RING_BAD_ADDRESS},
	};

	publish(0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		set(0, cases[i].gpa, cases[i].len, 0, 0);
		ck_assert_msg(check_with(&ram) == cases[i].fault, "case %zu", i);
		ck_assert(!cases[i].fault || vqi_num_is(queue.fault_place.gpa, cases[i].gpa));
		ck_assert_uint_eq(check_with(NULL), 0);
		/* no RAM at all: the guest took away bus mastering */
		ck_assert_uint_eq(check_with(&(struct vqi_guest_ram){0}), 0);
	}
}
END_TEST

START_TEST(test_addresses_of_tables)
{
	uint8_t *low = vqi_fake_mem_map(fake, LOW_HVA, TABLES - BUFFER);

	publish(0);
	set(0, END - 16, 16, INDIRECT, 0);
	put_desc(tables + (END - TABLES - 16), BUFFER, 0, 0, 0);
	assert_found(VQI_RING_ZERO_SIZE, 0, 0);
	ck_assert_uint_eq(check_with(NULL), 0); /* not followed */
	set(0, END - 16, 32, INDIRECT, 0);
	assert_found(VQI_RING_BAD_ADDRESS, 0, 0);
	set(0, FOREIGN, 16, INDIRECT, 0);
	assert_right();
	/* across two ranges */
	set(0, TABLES - 16, 32, INDIRECT, 0);
	put_desc(low + (TABLES - BUFFER - 16), BUFFER, 1, NEXT, 1);
	entry(0, 0, 0);
	assert_right();
	entry(0, NEXT, 2);
	assert_found(VQI_RING_BAD_NEXT, 0, 1);
}
END_TEST

START_TEST(test_buffers)
{
	publish(0);
	link_to(0, WRITE | NEXT, 1);
	link_to(1, WRITE, 0);
	assert_right();
	link_to(1, 0, 0); /* VirtIO 1.2, 2.7.4.2 */
	assert_found(VQI_RING_BAD_ORDER, 0, 1);
	set(1, TABLES, 32, INDIRECT, 0);
	entry(0, WRITE, 0);
	assert_right();
	entry(0, 0, 0);
	assert_found(VQI_RING_BAD_ORDER, 0, 0);
	entry(0, WRITE | NEXT, 1);
	put_desc(tables + 16, BUFFER, 0, WRITE, 0);
	assert_found(VQI_RING_ZERO_SIZE, 0, 1);
	set(1, BUFFER, 0, WRITE, 0);
	assert_found(VQI_RING_ZERO_SIZE, 0, 1);
	/* the next chain begins anew */
	link_to(1, WRITE, 0);
	link_to(2, 0, 0);
	publish(2);
	assert_right();
}
END_TEST

START_TEST(test_duplicate)
{
	link_to(0, NEXT, 2);
	link_to(1, NEXT, 3);
	link_to(2, 0, 0);
	link_to(3, 0, 0);
	publish(0);
	publish(1);
	assert_right();
	publish(0);
	assert_found(VQI_RING_DUPLICATE, 0, 0);
	queue.avail_idx.value = 2;
	link_to(1, NEXT, 2);
	assert_found(VQI_RING_DUPLICATE, 1, 2);
}
END_TEST

/* A chain ends with its first fault; the place is that of the first chain. */
START_TEST(test_several)
{
	set(0, BUFFER, 0, NEXT, NUM);
	set(1, 0, 1, NEXT, NUM);
	link_to(2, NEXT, 0);
	link_to(3, NEXT, 3);
	set(4, TABLES, 8, INDIRECT, 0);
	for (uint16_t i = 0; i < 5; i++)
		publish(i);
	assert_found(VQI_RING_ZERO_SIZE | VQI_RING_BAD_ADDRESS | VQI_RING_DUPLICATE |
			     VQI_RING_LOOP | VQI_RING_BAD_INDIRECT,
		     0, 0);
}
END_TEST

/* QEMU has taken the chain that it broke at, and does not count it. */
START_TEST(test_broken)
{
	for (uint16_t i = 0; i < NUM; i++)
		link_to(i, 0, 0);
	link_to(5, NEXT, NUM);
	publish(4);
	publish(5);
	publish(6);
	queue.last_avail_idx.value = 2;
	queue.in_flight = VQI_NUM(2);
	queue.inuse = VQI_NUM(1);
	assert_right();
	device.broken = true;
	assert_found(VQI_RING_BAD_NEXT, 5, 5);
	queue.avail_idx.value = 2; /* nothing since */
	assert_found(VQI_RING_BAD_NEXT, 5, 5);
	queue.inuse = VQI_NUM(2);
	assert_right();
	queue.inuse = VQI_UNKNOWN;
	assert_right();
	/* its entry is the driver's once more */
	queue.inuse = VQI_NUM(1);
	link_to(5, 0, 0);
	for (uint16_t i = 0; i < NUM - 1; i++)
		publish((uint16_t)(i + 6) % NUM);
	assert_right();
	publish(5);
	assert_right();
}
END_TEST

START_TEST(test_broken_at_the_wrap)
{
	start(VQI_RING_SPLIT, 65535);
	publish(NUM + 7);
	queue.last_avail_idx.value = 0;
	queue.in_flight = VQI_NUM(1);
	device.broken = true;
	ck_assert_uint_eq(check_with(&ram), VQI_RING_BAD_HEAD);
	ck_assert(vqi_num_is(queue.fault_place.head, NUM + 7));
}
END_TEST

/* What is not known, or not there, is not looked at. */
START_TEST(test_nothing_to_look_at)
{
	struct vqi_queue known;

	publish(NUM);
	queue.unseen = VQI_NUM(1);
	known = queue;
	queue.desc_hva = 0;
	assert_right();
	queue = known;
	queue.avail_hva = 0;
	assert_right();
	queue = known;
	queue.avail_idx.known = false;
	assert_right();
	queue = known;
	queue.last_avail_idx.known = false; /* as for vhost */
	assert_right();
	queue.ring = VQI_RING_PACKED;
	assert_right();
	queue.last_avail_idx = VQI_NUM(NUM);
	assert_right();
	queue.last_avail_idx = VQI_NUM(0);
	queue.unseen = VQI_NUM(NUM + 1);
	assert_right();
	queue.unseen = VQI_UNKNOWN;
	assert_right();
	queue = known;
	queue.access = VQI_RING_SHORT;
	assert_right();
	queue = known;
	queue.num = VQI_MAX_RING + 1;
	assert_right();
	queue.num = 0;
	assert_right();
	ck_assert_uint_eq(fake->calls, 0);
}
END_TEST

/* Tables are read up to a cap; what was found before it stands. */
START_TEST(test_cap)
{
	for (uint16_t i = 0; i < NUM; i++)
		set(i, TABLES, VQI_MAX_RING * 16, INDIRECT, 0);
	entry(0, 0, 0);
	set(7, BUFFER, 0, 0, 0);
	for (uint16_t i = 0; i < 7; i++)
		publish(i);
	publish(7);
	assert_found(VQI_RING_ZERO_SIZE, 7, 7);
	set(7, TABLES, VQI_MAX_RING * 16, INDIRECT, 0);
	set(8, BUFFER, 0, 0, 0);
	publish(8);
	assert_right();
	set(0, BUFFER, 0, 0, 0);
	assert_found(VQI_RING_ZERO_SIZE, 0, 0);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("chains");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_split);
	tcase_add_test(tcase, test_calls);
	tcase_add_test(tcase, test_big_endian);
	tcase_add_test(tcase, test_across_the_wrap);
	tcase_add_test(tcase, test_odd_ring);
	tcase_add_test(tcase, test_bad_head);
	tcase_add_test(tcase, test_avail_ahead);
	tcase_add_test(tcase, test_next);
	tcase_add_test(tcase, test_loop);
	tcase_add_test(tcase, test_forbidden_tables);
	tcase_add_test(tcase, test_addresses);
	tcase_add_test(tcase, test_addresses_of_tables);
	tcase_add_test(tcase, test_buffers);
	tcase_add_test(tcase, test_duplicate);
	tcase_add_test(tcase, test_several);
	tcase_add_test(tcase, test_broken);
	tcase_add_test(tcase, test_broken_at_the_wrap);
	tcase_add_test(tcase, test_nothing_to_look_at);
	tcase_add_test(tcase, test_cap);
	return unit_run("chains", tcase);
}
