/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is wrong with the chains of a packed ring, and what is the same for both kinds. */
#include <check.h>

#include "ring_chains.h"
#include "vqi/limits.h"

/* Lengths of a table, the same for both kinds of ring. */
START_TEST(test_table_length)
{
	static const struct {
		uint32_t len;
		unsigned int fault;
	} cases[] = {
		{0, VQI_RING_BAD_INDIRECT},
		{1, VQI_RING_BAD_INDIRECT},
		{15, VQI_RING_BAD_INDIRECT},
		{16, 0},
		{17, VQI_RING_BAD_INDIRECT},
		{32, 0},
		{VQI_MAX_RING * 16, 0},
		{VQI_MAX_RING * 16 + 16, VQI_RING_LOOP},
		{END - TABLES + 16, VQI_RING_BAD_ADDRESS},
	};

	start(_i ? VQI_RING_PACKED : VQI_RING_SPLIT, 0);
	for (unsigned int i = 0; i < VQI_MAX_RING; i++)
		entry(i, 0, 0);
	publish(0);
	queue.unseen = VQI_NUM(1);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		set(0, TABLES, cases[i].len, INDIRECT, 0);
		ck_assert_uint_eq(check_with(&ram), cases[i].fault);
		ck_assert(!cases[i].fault || vqi_num_is(queue.fault_place.len, cases[i].len));
	}
}
END_TEST

/* Each byte fails once: an error, and the queue as it was. */
START_TEST(test_every_fault)
{
	static const struct {
		uint64_t addr, len;
	} areas[] = {{DESC_HVA, NUM * 16}, {AVAIL_HVA + 4, NUM * 2}, {HIGH_HVA, 48}};
	struct vqi_queue before;

	start(_i ? VQI_RING_PACKED : VQI_RING_SPLIT, 0);
	set(0, TABLES, 48, INDIRECT, 0);
	publish(0);
	publish(NUM);
	queue.unseen = VQI_NUM(1);
	before = queue;
	for (size_t i = 0; i < sizeof(areas) / sizeof(areas[0]); i++) {
		for (uint64_t byte = 0; byte < areas[i].len; byte++) {
			vqi_fake_mem_fault(fake, areas[i].addr + byte, 1);
			if (_i && areas[i].addr == AVAIL_HVA + 4)
				ck_assert_ok(vqi_chains_check(vqi_fake_mem_base(fake), NULL,
							      &device, &queue));
			else
				ck_assert_code(vqi_chains_check(vqi_fake_mem_base(fake), &ram,
								&device, &queue),
					       VQI_ERROR_FAULT);
			ck_assert_mem_eq(&queue, &before, sizeof(queue));
			vqi_fake_mem_heal(fake);
		}
	}
	for (fake->gone_after = 0; fake->gone_after < 2; fake->gone_after++) {
		fake->calls = 0;
		ck_assert_code(vqi_chains_check(vqi_fake_mem_base(fake), &ram, &device, &queue),
			       VQI_ERROR_GONE);
		ck_assert_mem_eq(&queue, &before, sizeof(queue));
	}
}
END_TEST

/* At every place of the ring: chains of one, of three, of a table. */
START_TEST(test_packed)
{
	for (uint16_t first = 0; first < NUM; first++) {
		start(VQI_RING_PACKED, first);
		assert_right();
		ck_assert_uint_eq(fake->calls, 0);
		add(BUFFER, 1, 0, NUM - 1);
		add(BUFFER, 1, NEXT, 99); /* only the last one's id counts */
		add(BUFFER, 1, NEXT | WRITE, 99);
		add(BUFFER, 1, WRITE, 0);
		add(TABLES, 48, INDIRECT | WRITE, 1);
		entry(0, 0, 99);
		entry(1, NEXT, 99); /* without a meaning there */
		entry(2, WRITE, 99);
		assert_right();
		device.endian = VQI_ENDIAN_BIG; /* which a packed ring never is */
		assert_right();
		device.endian = VQI_ENDIAN_LITTLE;
		entry(2, INDIRECT, 0);
		assert_found(VQI_RING_BAD_INDIRECT, (first + 4) % NUM, 2);
		entry(1, WRITE, 0);
		entry(2, 0, 0);
		assert_found(VQI_RING_BAD_ORDER, (first + 4) % NUM, 2);
		queue.unseen.value--;
		add(BUFFER, 0, 0, 1);
		assert_found(VQI_RING_ZERO_SIZE, (first + 4) % NUM, (first + 4) % NUM);
	}
}
END_TEST

START_TEST(test_packed_ids)
{
	start(VQI_RING_PACKED, 3);
	add(BUFFER, 1, NEXT, 0);
	add(BUFFER, 1, 0, NUM - 1);
	add(BUFFER, 1, 0, 0);
	assert_right();
	add(BUFFER, 1, 0, NUM);
	assert_found(VQI_RING_BAD_HEAD, 6, 6);
	queue.unseen.value = 3;
	add(BUFFER, 1, NEXT, 5);
	add(BUFFER, 1, 0, NUM - 1);
	assert_found(VQI_RING_DUPLICATE, 6, 7);
	add(END, 1, 0, 5);
	queue.unseen.value = 3;
	add(END, 1, 0, 5);
	assert_found(VQI_RING_BAD_ADDRESS, 6, 6);
}
END_TEST

/* In a chain, in a table. VirtIO 1.2, 2.8.19. */
START_TEST(test_packed_forbidden_tables)
{
	start(VQI_RING_PACKED, 0);
	add(TABLES, 16, INDIRECT | NEXT, 0);
	entry(0, 0, 0);
	add(BUFFER, 1, 0, 0);
	assert_found(VQI_RING_BAD_INDIRECT, 0, 0);
	link_to(0, NEXT, 0);
	assert_right();
	set(1, TABLES, 16, INDIRECT, 0);
	assert_found(VQI_RING_BAD_INDIRECT, 0, 1);
	queue.unseen.value = 1;
	set(0, TABLES, 16, INDIRECT, 0);
	assert_right();
	put_desc(tables, TABLES, 16, INDIRECT, 0);
	assert_found(VQI_RING_BAD_INDIRECT, 0, 0);
}
END_TEST

/* The end of a chain that is being written is missing, but never in a full ring. */
START_TEST(test_packed_without_end)
{
	start(VQI_RING_PACKED, 5);
	add(BUFFER, 1, 0, 0);
	for (int i = 0; i < NUM - 2; i++) {
		add(BUFFER, 1, NEXT, 1);
		assert_right();
	}
	add(BUFFER, 1, NEXT, 1);
	assert_found(VQI_RING_DUPLICATE, 6, 4);
	set(4, BUFFER, 1, 0, 1);
	assert_right();
	set(5, BUFFER, 1, NEXT, 0);
	assert_right();
	set(4, BUFFER, 1, NEXT, 1);
	assert_found(VQI_RING_LOOP, 5, 4);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("chains_packed");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, test_table_length, 0, 2);
	tcase_add_loop_test(tcase, test_every_fault, 0, 2);
	tcase_add_test(tcase, test_packed);
	tcase_add_test(tcase, test_packed_ids);
	tcase_add_test(tcase, test_packed_forbidden_tables);
	tcase_add_test(tcase, test_packed_without_end);
	return unit_run("chains_packed", tcase);
}
