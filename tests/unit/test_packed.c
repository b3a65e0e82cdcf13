/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "ring_view.h"
#include "unit.h"

#define NUM 7 /* a packed ring may have any size */

static uint8_t desc[RING_MAX * 16], avail[4], used[4];
static struct ring_builder ring;

static void start(uint16_t num)
{
	memset(desc, 0, sizeof(desc));
	memset(avail, 0, sizeof(avail));
	memset(used, 0, sizeof(used));
	ring_init(&ring, &(struct ring_options){.packed = true, .event_idx = true, .num = num},
		  desc, avail, used);
}

static void setup(void)
{
	start(NUM);
}

static void assert_num(struct vqi_num num, uint64_t value)
{
	ck_assert(num.known);
	ck_assert_uint_eq(num.value, value);
}

static void assert_counts(uint64_t unseen, uint64_t in_flight, uint64_t unreaped)
{
	struct vqi_queue queue = ring_decode(&ring);

	assert_num(queue.unseen, unseen);
	assert_num(queue.in_flight, in_flight);
	assert_num(queue.unreaped, unreaped);
	ck_assert_uint_eq(queue.ring_faults, 0);
}

/* Sends a buffer all the way round. */
static void send(uint16_t descs)
{
	ck_assert(ring_add(&ring, descs));
	ring_publish(&ring);
	ck_assert(ring_pop(&ring));
	ring_complete(&ring, 0);
	ck_assert(ring_reap(&ring));
}

START_TEST(test_start)
{
	struct vqi_queue queue = ring_decode(&ring);

	assert_counts(0, 0, 0);
	assert_num(queue.avail_idx, 0);
	assert_num(queue.wrap.avail, 1);
	ck_assert(!queue.used_ring_idx.known && !queue.used_event.known);
	ck_assert(!queue.avail_flags.known && !queue.used_flags.known);
}
END_TEST

/* Twice round, buffer by buffer, in rings from the smallest on. */
START_TEST(test_every_place)
{
	for (uint16_t num = 1; num < 20; num++) {
		start(num);
		for (uint16_t i = 0; i < 2 * num + 2; i++) {
			struct vqi_queue queue;

			ck_assert(ring_add(&ring, 1));
			ring_publish(&ring);
			assert_counts(1, 0, 0);
			queue = ring_decode(&ring);
			assert_num(queue.avail_idx, (i + 1u) % num);
			assert_num(queue.wrap.avail, (i + 1u) / num % 2 == 0);
			ck_assert(ring_pop(&ring));
			assert_counts(0, 1, 0);
			ring_complete(&ring, 0);
			assert_counts(0, 0, 1);
			ck_assert(ring_reap(&ring));
			assert_counts(0, 0, 0);
		}
	}
}
END_TEST

/* At every place of the ring it is full of what is published, then taken, then completed. */
START_TEST(test_full_ring)
{
	for (uint16_t num = 1; num < 12; num++) {
		for (uint16_t before = 0; before < 2 * num; before++) {
			start(num);
			for (uint16_t i = 0; i < before; i++)
				send(1);
			for (uint16_t i = 0; i < num; i++)
				ck_assert(ring_add(&ring, 1));
			assert_counts(0, 0, 0);
			ring_publish(&ring);
			assert_counts(num, 0, 0);
			for (uint16_t i = 0; i < num; i++)
				ck_assert(ring_pop(&ring));
			assert_counts(0, num, 0);
			for (uint16_t i = 0; i < num; i++)
				ring_complete(&ring, ring.taken.count - 1);
			assert_counts(0, 0, num);
		}
	}
}
END_TEST

/* VirtIO 1.2, 2.8.7: a table has one descriptor or more. */
START_TEST(test_indirect_tables)
{
	static const struct {
		uint8_t len;
		bool bad;
	} tables[] = {{0, true}, {1, true}, {15, true}, {16, false}, {17, true}, {32, false}};

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		uint8_t *second;

		start(4);
		send(1);
		ck_assert(ring_add(&ring, 1));
		ring_publish(&ring);
		second = ring.desc + 16;
		memset(second + 8, 0, 4);
		second[8] = tables[i].len;
		ck_assert_uint_eq(ring_decode(&ring).ring_faults, 0);
		second[14] |= 4; /* INDIRECT */
		ck_assert_uint_eq(ring_decode(&ring).ring_faults,
				  tables[i].bad ? VQI_RING_BAD_INDIRECT : 0);
	}
}
END_TEST

/* Lengths are in descriptors. */
START_TEST(test_chains)
{
	send(3);
	ck_assert(ring_add(&ring, 3));
	ring_publish(&ring);
	assert_counts(3, 0, 0);
	ck_assert(ring_pop(&ring));
	ck_assert(ring_add(&ring, 2));
	ring_publish(&ring);
	assert_counts(2, 3, 0);
	ring_complete(&ring, 0);
	assert_counts(2, 0, 3);
}
END_TEST

START_TEST(test_suppression)
{
	static const struct {
		uint16_t off_wrap, flags;
		uint64_t off, wrap, wanted;
	} cases[] = {
		{0, 0, 0, 0, 0},	   {0x8005, 2, 5, 1, 2}, {0x7fff, 1, 0x7fff, 0, 1},
		{0xffff, 3, 0x7fff, 1, 3}, {3, 0xfffe, 3, 0, 2}, /* reserved bits */
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct vqi_packed_event driver, device;

		memcpy(avail, &cases[i].off_wrap, 2);
		memcpy(avail + 2, &cases[i].flags, 2);
		memcpy(used, avail, 4);
		driver = ring_decode(&ring).wrap.driver;
		device = ring_decode(&ring).wrap.device;
		assert_num(driver.off, cases[i].off);
		assert_num(driver.wrap, cases[i].wrap);
		assert_num(driver.flags, cases[i].wanted);
		assert_num(device.off, cases[i].off);
		assert_num(device.wrap, cases[i].wrap);
		assert_num(device.flags, cases[i].wanted);
	}
}
END_TEST

START_TEST(test_unreaped_unknown)
{
	struct vqi_ring_bytes bytes;
	struct vqi_queue queue;

	ck_assert(ring_add(&ring, 1));
	ring_publish(&ring);
	ck_assert(ring_pop(&ring));
	ring_complete(&ring, 0);
	ring_set_interrupts(&ring, false);
	ck_assert(!ring_decode(&ring).unreaped.known);
	ring_set_interrupts(&ring, true);
	assert_counts(0, 0, 1);

	queue = ring_queue(&ring);
	queue.kind = VQI_KIND_SEND;
	bytes = ring_view(&ring);
	vqi_packed_decode(&bytes, &queue);
	ck_assert(!queue.unreaped.known);

	queue = ring_queue(&ring);
	bytes.event_idx = false;
	vqi_packed_decode(&bytes, &queue);
	ck_assert(!queue.unreaped.known);

	avail[0] = NUM + 1; /* no descriptor of the ring */
	ck_assert(!ring_decode(&ring).unreaped.known);
	avail[0] = 2; /* ahead of the device */
	ck_assert(!ring_decode(&ring).unreaped.known);
}
END_TEST

/* What did not arrive, and what cannot be, leaves unknown what follows from it. */
START_TEST(test_missing_parts)
{
	struct vqi_ring_bytes bytes = ring_view(&ring);
	struct vqi_queue queue = ring_queue(&ring);

	bytes.desc_len -= 1;
	bytes.avail_len = bytes.used_len = 3;
	vqi_packed_decode(&bytes, &queue);
	ck_assert(!queue.avail_idx.known && !queue.unseen.known);
	ck_assert(!queue.wrap.driver.flags.known && !queue.wrap.device.flags.known);
	assert_num(queue.in_flight, 0);

	bytes = ring_view(&ring);
	queue = ring_queue(&ring);
	queue.wrap.last_avail = VQI_UNKNOWN;
	vqi_packed_decode(&bytes, &queue);
	ck_assert(!queue.unseen.known && !queue.in_flight.known);

	queue = ring_queue(&ring);
	queue.last_avail_idx = VQI_NUM(NUM);
	vqi_packed_decode(&bytes, &queue);
	ck_assert(!queue.unseen.known && !queue.in_flight.known);

	queue = ring_queue(&ring);
	queue.used_idx = VQI_NUM(NUM);
	vqi_packed_decode(&bytes, &queue);
	ck_assert(!queue.unseen.known && !queue.in_flight.known);
}
END_TEST

/* Nobody but the back end knows where it is. */
START_TEST(test_vhost)
{
	struct vqi_ring_bytes bytes = ring_view(&ring);
	struct vqi_queue queue = {.num = NUM, .kind = VQI_KIND_REQUEST};

	bytes.vhost = true;
	vqi_packed_decode(&bytes, &queue);
	assert_num(queue.wrap.device.flags, 2);
	ck_assert(!queue.avail_idx.known && !queue.unseen.known);
	ck_assert(!queue.in_flight.known && !queue.unreaped.known);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("packed");

	tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_add_test(tcase, test_start);
	tcase_add_test(tcase, test_every_place);
	tcase_add_test(tcase, test_full_ring);
	tcase_add_test(tcase, test_indirect_tables);
	tcase_add_test(tcase, test_chains);
	tcase_add_test(tcase, test_suppression);
	tcase_add_test(tcase, test_unreaped_unknown);
	tcase_add_test(tcase, test_missing_parts);
	tcase_add_test(tcase, test_vhost);
	return unit_run("packed", tcase);
}
