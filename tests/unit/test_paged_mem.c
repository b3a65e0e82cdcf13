/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory that keeps pages: it gives the same bytes, asks for each page once, and fails where the other fails. */
#include <check.h>
#include <string.h>

#include "fake_mem.h"
#include "unit.h"
#include "vqi/limits.h"

#define PAGE 1024
#define BASE UINT64_C(0x7f0000000000)

static struct vqi_fake_mem *fake;
static struct vqi_mem *mem;
static uint8_t *bytes;

static void setup(void)
{
	fake = vqi_fake_mem_new();
	bytes = vqi_fake_mem_map(fake, BASE, 4 * PAGE);
	for (size_t i = 0; i < 4 * PAGE; i++)
		bytes[i] = (uint8_t)(i * 31 + i / PAGE);
	ck_assert_ok(vqi_paged_mem_new(vqi_fake_mem_base(fake), &mem));
}

static void teardown(void)
{
	vqi_paged_mem_free(mem);
	vqi_fake_mem_free(fake);
}

static void assert_read(size_t at, size_t len)
{
	uint8_t buf[4 * PAGE];

	ck_assert_ok(vqi_mem_read(mem, BASE + at, buf, len));
	ck_assert_mem_eq(buf, bytes + at, len);
}

START_TEST(test_reads_a_page_once)
{
	for (size_t at = 0; at < PAGE - 8; at += 7)
		assert_read(at, 8);
	assert_read(0, PAGE);
	ck_assert_uint_eq(fake->calls, 1);
	ck_assert_uint_eq(fake->ranges, 1);
}
END_TEST

START_TEST(test_across_pages)
{
	assert_read(PAGE - 3, 8);
	ck_assert_uint_eq(fake->calls, 1);
	assert_read(2 * PAGE - 1, 2);
	assert_read(PAGE - 1, PAGE);
	ck_assert_uint_eq(fake->ranges, 3);
}
END_TEST

/* More than pages pay for. */
START_TEST(test_long_ranges)
{
	assert_read(10, 2 * PAGE);
	assert_read(10, 2 * PAGE);
	ck_assert_uint_eq(fake->calls, 2);
}
END_TEST

/* What was read once stays as it was. */
START_TEST(test_keeps)
{
	uint64_t value;

	assert_read(0, 8);
	memset(bytes, 0xff, 8);
	ck_assert_ok(vqi_mem_read_uint(mem, BASE, 8, &value));
	ck_assert_uint_ne(value, UINT64_MAX);
}
END_TEST

START_TEST(test_many_ranges)
{
	uint8_t buf[3][8];
	struct vqi_range ranges[] = {
		{.addr = BASE + 2 * PAGE, .buf = buf[0], .len = 8},
		{.addr = BASE + 9 * PAGE, .buf = buf[1], .len = 8},
		{.addr = BASE + 12, .buf = buf[2], .len = 8},
		{.addr = BASE + 9 * PAGE, .buf = NULL, .len = 0},
	};

	ck_assert_ok(vqi_mem_readv(mem, ranges, 4));
	ck_assert(ranges[0].ok && !ranges[1].ok && ranges[2].ok && ranges[3].ok);
	ck_assert_mem_eq(buf[0], bytes + 2 * PAGE, 8);
	ck_assert_mem_eq(buf[2], bytes + 12, 8);
}
END_TEST

/* A page of which a part cannot be read, as the end of a core file's segment: the rest can. */
START_TEST(test_part_of_a_page)
{
	uint8_t buf[8];

	vqi_fake_mem_fault(fake, BASE + PAGE + 100, 1);
	assert_read(PAGE + 92, 8);
	ck_assert_code(vqi_mem_read(mem, BASE + PAGE + 93, buf, 8), VQI_ERROR_FAULT);
	ck_assert_code(vqi_mem_read(mem, BASE - 4, buf, 8), VQI_ERROR_FAULT);
	assert_read(0, 8);
	ck_assert_code(vqi_mem_read(mem, UINT64_MAX - 3, buf, 8), VQI_ERROR_FAULT);
}
END_TEST

START_TEST(test_gone)
{
	uint8_t buf[8];

	fake->gone_after = 1;
	assert_read(0, 8);
	assert_read(8, 8);
	ck_assert_code(vqi_mem_read(mem, BASE + PAGE, buf, 8), VQI_ERROR_GONE);
}
END_TEST

/* Where there are more pages than it keeps, it reads on. */
START_TEST(test_cap)
{
	const size_t pages = VQI_MAX_KEPT_PAGES + 10;
	uint8_t *many = vqi_fake_mem_map(fake, BASE * 2, pages * PAGE);

	for (size_t i = 0; i < pages; i++) {
		uint64_t value;

		memcpy(many + i * PAGE, &i, sizeof(i));
		ck_assert_ok(vqi_mem_read_uint(mem, BASE * 2 + i * PAGE, 8, &value));
		ck_assert_uint_eq(value, i);
	}
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("paged_mem");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_reads_a_page_once);
	tcase_add_test(tcase, test_across_pages);
	tcase_add_test(tcase, test_long_ranges);
	tcase_add_test(tcase, test_keeps);
	tcase_add_test(tcase, test_many_ranges);
	tcase_add_test(tcase, test_part_of_a_page);
	tcase_add_test(tcase, test_gone);
	tcase_add_test(tcase, test_cap);
	return unit_run("paged_mem", tcase);
}
