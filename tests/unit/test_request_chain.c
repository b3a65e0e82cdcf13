/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The buffers of one chain, right ones and such as make no sense. */
#include <check.h>

#include "ring_chains.h"
#include "vqi/limits.h"
#include "vqi/requests.h"

static struct vqi_request request;

static void chain_setup(void)
{
	setup();
	queue.used_hva = AVAIL_HVA; /* of no interest */
	request = (struct vqi_request){0};
}

static void chain_teardown(void)
{
	vqi_request_done(&request);
	teardown();
}

static void read_chain(unsigned int head, size_t count, unsigned int descs)
{
	request.head = head;
	ck_assert_ok(
		vqi_request_read_chain(vqi_fake_mem_base(fake), &ram, &device, &queue, &request));
	ck_assert_uint_eq(request.buffer_count, count);
	ck_assert_uint_eq(request.ndescs, descs);
}

static void assert_buffer(size_t i, uint64_t gpa, uint64_t hva, uint32_t len, bool is_written)
{
	const struct vqi_buffer *buffer = &request.buffers[i];

	ck_assert_uint_eq(buffer->gpa, gpa);
	ck_assert_uint_eq(buffer->hva, hva);
	ck_assert_uint_eq(buffer->len, len);
	ck_assert(buffer->is_written == is_written);
}

START_TEST(test_direct)
{
	device.endian = _i ? VQI_ENDIAN_BIG : VQI_ENDIAN_LITTLE;
	link_to(5, NEXT, 2);
	link_to(2, NEXT | WRITE, 7);
	link_to(7, WRITE, 3);
	read_chain(5, 3, 3);
	assert_buffer(0, BUFFER + 5 * 256, LOW_HVA + 5 * 256, 256, false);
	assert_buffer(1, BUFFER + 2 * 256, LOW_HVA + 2 * 256, 256, true);
	assert_buffer(2, BUFFER + 7 * 256, LOW_HVA + 7 * 256, 256, true);
	/* anew */
	read_chain(7, 1, 1);
}
END_TEST

START_TEST(test_table)
{
	set(3, TABLES, 48, INDIRECT, 0);
	entry(0, NEXT, 2);
	entry(2, NEXT | WRITE, 1);
	entry(1, WRITE, 99);
	read_chain(3, 3, 1);
	assert_buffer(0, BUFFER + 0x8000, LOW_HVA + 0x8000, 1, false);
	assert_buffer(1, BUFFER + 0x8200, LOW_HVA + 0x8200, 1, true);
	assert_buffer(2, BUFFER + 0x8100, LOW_HVA + 0x8100, 1, true);
	/* one that ends a chain: VirtIO 1.2, 2.7.5.3.2 */
	link_to(0, NEXT, 3);
	read_chain(0, 4, 2);
}
END_TEST

/* As QEMU maps it: a buffer that is in two places is two. */
START_TEST(test_places)
{
	set(0, TABLES - 16, 64, 0, 0);
	read_chain(0, 2, 1);
	assert_buffer(0, TABLES - 16, LOW_HVA + TABLES - 16 - BUFFER, 16, false);
	assert_buffer(1, TABLES, HIGH_HVA, 48, false);
	set(0, 0x1000, 16, 0, 0);
	read_chain(0, 1, 1);
	assert_buffer(0, 0x1000, 0, 16, false);
	set(0, FOREIGN, 16, WRITE, 0);
	read_chain(0, 1, 1);
	assert_buffer(0, FOREIGN, 0, 16, true);
	set(0, END - 8, 16, 0, 0);
	read_chain(0, 2, 1);
	assert_buffer(1, END, 0, 8, false);
	set(0, UINT64_MAX - 3, 16, 0, 0);
	read_chain(0, 1, 1);
	request.head = 0;
	ck_assert_ok(
		vqi_request_read_chain(vqi_fake_mem_base(fake), NULL, &device, &queue, &request));
	assert_buffer(0, UINT64_MAX - 3, 0, 16, false);
}
END_TEST

/* Where a guest address is, and how far it goes on there. */
START_TEST(test_one_place)
{
	static const uint64_t nowhere[] = {0, BUFFER - 1, END, FOREIGN, UINT64_MAX};
	static const struct vqi_guest_ram none = {0};
	uint64_t len = 7;

	for (size_t i = 0; i < 5; i++)
		ck_assert_uint_eq(vqi_guest_ram_at(&ram, nowhere[i], &len), 0);
	ck_assert_uint_eq(vqi_guest_ram_at(&none, BUFFER, &len), 0);
	ck_assert_uint_eq(len, 7);
	ck_assert_uint_eq(vqi_guest_ram_at(&ram, BUFFER, &len), LOW_HVA);
	ck_assert_uint_eq(len, TABLES - BUFFER);
	ck_assert_uint_eq(vqi_guest_ram_at(&ram, END - 2, &len), HIGH_HVA + END - TABLES - 2);
	ck_assert_uint_eq(len, 2);
}
END_TEST

START_TEST(test_nonsense)
{
	read_chain(NUM, 0, 0);
	/* a loop, a link out of the ring */
	link_to(0, NEXT, 1);
	link_to(1, NEXT, 0);
	read_chain(0, NUM, NUM);
	link_to(1, NEXT, NUM);
	read_chain(0, 2, 2);
	/* tables: of a bad length, elsewhere, with a loop, with a table */
	set(1, TABLES, 17, INDIRECT, 0);
	read_chain(0, 1, 2);
	set(1, TABLES, 0, INDIRECT, 0);
	read_chain(0, 1, 2);
	set(1, FOREIGN, 16, INDIRECT, 0);
	read_chain(0, 1, 2);
	set(1, END - 16, 32, INDIRECT, 0);
	read_chain(0, 1, 2);
	set(1, TABLES, 32, INDIRECT, 0);
	entry(0, NEXT, 1);
	entry(1, NEXT, 0);
	read_chain(0, 3, 2);
	entry(1, NEXT, 2);
	read_chain(0, 3, 2);
	entry(1, INDIRECT, 0);
	read_chain(0, 2, 2);
}
END_TEST

START_TEST(test_cap)
{
	set(0, TABLES, VQI_MAX_RING * 16, INDIRECT, 0);
	for (unsigned int i = 0; i < VQI_MAX_RING; i++)
		entry(i, NEXT, (uint16_t)(i + 1));
	read_chain(0, VQI_MAX_REQ_BUFFERS, 1);
	set(0, TABLES, (VQI_MAX_RING + 1) * 16, INDIRECT, 0);
	read_chain(0, 0, 1);
}
END_TEST

/* What cannot be read ends a chain; only the end of the target is an error. */
START_TEST(test_unreadable)
{
	link_to(0, NEXT, 1);
	set(1, TABLES, 16, INDIRECT, 0);
	entry(0, 0, 0);
	read_chain(0, 2, 2);
	vqi_fake_mem_fault(fake, HIGH_HVA + 15, 1);
	read_chain(0, 1, 2);
	vqi_fake_mem_fault(fake, DESC_HVA + 31, 1);
	read_chain(0, 1, 1);
	vqi_fake_mem_heal(fake);
	for (fake->gone_after = 0; fake->gone_after < 3; fake->gone_after++) {
		fake->calls = 0;
		ck_assert_code(vqi_request_read_chain(vqi_fake_mem_base(fake), &ram, &device,
						      &queue, &request),
			       VQI_ERROR_GONE);
	}
	fake->gone_after = SIZE_MAX;
	queue.access = VQI_RING_SHORT;
	read_chain(0, 0, 0);
}
END_TEST

/* Of a packed ring the head is the buffer's id: looked for among what was taken, across the end. */
START_TEST(test_packed)
{
	start(VQI_RING_PACKED, 1);
	queue.used_idx = VQI_NUM(NUM - 1);
	queue.wrap.used = queue.wrap.last_avail = VQI_NUM(1);
	queue.wrap.last_avail = VQI_NUM(0);
	queue.in_flight = VQI_NUM(4);
	queue.last_avail_idx = VQI_NUM(3);
	set(NUM - 1, TABLES, 32, INDIRECT, 9);
	entry(0, 0, 7);
	entry(1, WRITE, 7);
	link_to(0, NEXT, 3);
	link_to(1, WRITE, 4);
	link_to(2, 0, 5);
	read_chain(9, 2, 1);
	assert_buffer(1, BUFFER + 0x8100, LOW_HVA + 0x8100, 1, true);
	read_chain(4, 2, 2);
	assert_buffer(0, BUFFER, LOW_HVA, 256, false);
	read_chain(5, 1, 1);
	read_chain(3, 0, 0);
	queue.in_flight = VQI_NUM(3);
	read_chain(5, 0, 0);
	vqi_fake_mem_fault(fake, DESC_HVA, 1);
	read_chain(4, 0, 0);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("request_chain");

	tcase_add_checked_fixture(tcase, chain_setup, chain_teardown);
	tcase_add_loop_test(tcase, test_direct, 0, 2);
	tcase_add_test(tcase, test_table);
	tcase_add_test(tcase, test_places);
	tcase_add_test(tcase, test_one_place);
	tcase_add_test(tcase, test_nonsense);
	tcase_add_test(tcase, test_cap);
	tcase_add_test(tcase, test_unreadable);
	tcase_add_test(tcase, test_packed);
	return unit_run("request_chain", tcase);
}
