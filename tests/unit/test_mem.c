/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vqi/mem.h"

#include <check.h>
#include <string.h>

#include "fake_mem.h"
#include "unit.h"

#define PAGE 4096
#define BASE UINT64_C(0x7f0000000000)

static struct vqi_fake_mem *fake;
static struct vqi_mem *mem;
static uint8_t *bytes;

static void setup(void)
{
	fake = vqi_fake_mem_new();
	mem = vqi_fake_mem_base(fake);
	bytes = vqi_fake_mem_map(fake, BASE, 2 * PAGE);
}

static void teardown(void)
{
	vqi_fake_mem_free(fake);
}

START_TEST(test_read)
{
	char buf[4] = "";

	memcpy(bytes + 10, "ring", 4);
	ck_assert_ok(vqi_mem_read(mem, BASE + 10, buf, 4));
	ck_assert_mem_eq(buf, "ring", 4);
	ck_assert_uint_eq(fake->calls, 1);
	ck_assert_uint_eq(fake->ranges, 1);
}
END_TEST

START_TEST(test_read_nothing)
{
	ck_assert_ok(vqi_mem_read(mem, 0, NULL, 0));
	ck_assert_ok(vqi_mem_readv(mem, NULL, 0));
	ck_assert_uint_eq(fake->calls, 0);
}
END_TEST

START_TEST(test_read_fault)
{
	vqi_cleanup_error struct vqi_error *error = NULL;
	char buf[8];

	error = vqi_mem_read(mem, BASE + 2 * PAGE - 4, buf, 8);
	ck_assert_ptr_nonnull(error);
	ck_assert_int_eq(error->code, VQI_ERROR_FAULT);
	ck_assert_uint_eq(error->address, BASE + 2 * PAGE - 4);
	ck_assert_str_eq(error->message, "cannot read 8 bytes at 0x7f0000001ffc");
}
END_TEST

START_TEST(test_any_byte_can_fault)
{
	char buf[8];

	vqi_fake_mem_fault(fake, BASE + 100, 1);
	ck_assert_ok(vqi_mem_read(mem, BASE + 92, buf, 8));
	ck_assert_ok(vqi_mem_read(mem, BASE + 101, buf, 8));
	for (uint64_t addr = BASE + 93; addr <= BASE + 100; addr++)
		ck_assert_code(vqi_mem_read(mem, addr, buf, 8), VQI_ERROR_FAULT);
	vqi_fake_mem_heal(fake);
	ck_assert_ok(vqi_mem_read(mem, BASE + 96, buf, 8));
}
END_TEST

START_TEST(test_readv_goes_on_after_fault)
{
	uint8_t a, b, c;
	struct vqi_range ranges[] = {
		{.addr = BASE + 1, .buf = &a, .len = 1},
		{.addr = 0, .buf = &b, .len = 1},
		{.addr = BASE + 2, .buf = &c, .len = 1},
	};

	bytes[1] = 11;
	bytes[2] = 22;
	ck_assert_ok(vqi_mem_readv(mem, ranges, 3));
	ck_assert(ranges[0].ok && !ranges[1].ok && ranges[2].ok);
	ck_assert_uint_eq(a, 11);
	ck_assert_uint_eq(c, 22);
	ck_assert_uint_eq(fake->calls, 1);
	ck_assert_uint_eq(fake->ranges, 3);
}
END_TEST

START_TEST(test_readv_all)
{
	vqi_cleanup_error struct vqi_error *error = NULL;
	char a[4] = "", b[4] = "";
	struct vqi_range ranges[] = {
		{.addr = BASE, .buf = a, .len = 4},
		{.addr = BASE + PAGE, .buf = b, .len = 4},
	};

	memcpy(bytes, "ring", 4);
	memcpy(bytes + PAGE, "used", 4);
	ck_assert_ok(vqi_mem_readv_all(mem, ranges, 2));
	ck_assert_mem_eq(a, "ring", 4);
	ck_assert_mem_eq(b, "used", 4);
	ck_assert_uint_eq(fake->calls, 1);
	ranges[1].addr = BASE + 2 * PAGE;
	error = vqi_mem_readv_all(mem, ranges, 2);
	ck_assert_ptr_nonnull(error);
	ck_assert_int_eq(error->code, VQI_ERROR_FAULT);
	ck_assert_uint_eq(error->address, BASE + 2 * PAGE);
	ck_assert_ok(vqi_mem_readv_all(mem, NULL, 0));
}
END_TEST

START_TEST(test_read_across_mappings)
{
	uint8_t *next = vqi_fake_mem_map(fake, BASE + 2 * PAGE, 16);
	uint16_t value;

	bytes[2 * PAGE - 1] = 0x34;
	next[0] = 0x34;
	ck_assert_ok(vqi_mem_read(mem, BASE + 2 * PAGE - 1, &value, 2));
	ck_assert_uint_eq(value, 0x3434);
	ck_assert_ptr_eq(vqi_fake_mem_at(fake, BASE + 2 * PAGE + 3, 13), next + 3);
}
END_TEST

START_TEST(test_gone_ends_reading)
{
	uint64_t value = 77;
	char *text = NULL;

	fake->gone_after = 1;
	ck_assert_ok(vqi_mem_read_uint(mem, BASE, 8, &value));
	value = 77;
	ck_assert_code(vqi_mem_read_uint(mem, BASE, 8, &value), VQI_ERROR_GONE);
	ck_assert_uint_eq(value, 77);
	ck_assert_code(vqi_mem_read_string(mem, BASE, 10, &text), VQI_ERROR_GONE);
	ck_assert_ptr_null(text);
}
END_TEST

START_TEST(test_read_uint)
{
	static const uint64_t values[] = {0xff, 0xfeff, 0xfcfdfeff, 0xf8f9fafbfcfdfeff};
	uint64_t value, all = values[3];

	memcpy(bytes, &all, sizeof(all));
	for (int i = 0; i < 4; i++) {
		ck_assert_ok(vqi_mem_read_uint(mem, BASE, (size_t)1 << i, &value));
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
		ck_assert_uint_eq(value, values[i]);
#else
		ck_assert_uint_eq(value, all >> (64 - (8 << i)));
#endif
	}
}
END_TEST

START_TEST(test_read_uint_bad_size)
{
	static const size_t sizes[] = {0, 3, 5, 16};
	uint64_t value = 77;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		ck_assert_code(vqi_mem_read_uint(mem, BASE, sizes[i], &value), VQI_ERROR_BAD_DATA);
	ck_assert_code(vqi_mem_read_uint(mem, BASE + 2 * PAGE - 1, 2, &value), VQI_ERROR_FAULT);
	ck_assert_uint_eq(value, 77);
}
END_TEST

START_TEST(test_string)
{
	vqi_cleanup_free char *text = NULL;

	strcpy((char *)bytes + 5, "virtio-blk");
	ck_assert_ok(vqi_mem_read_string(mem, BASE + 5, 256, &text));
	ck_assert_str_eq(text, "virtio-blk");
	ck_assert_uint_eq(fake->calls, 1);
}
END_TEST

START_TEST(test_string_empty)
{
	vqi_cleanup_free char *text = NULL;

	ck_assert_ok(vqi_mem_read_string(mem, BASE, 1, &text));
	ck_assert_str_eq(text, "");
}
END_TEST

START_TEST(test_string_at_end_of_mapping)
{
	vqi_cleanup_free char *text = NULL;

	strcpy((char *)bytes + 2 * PAGE - 4, "end");
	ck_assert_ok(vqi_mem_read_string(mem, BASE + 2 * PAGE - 4, 4096, &text));
	ck_assert_str_eq(text, "end");
}
END_TEST

/* A recording can end anywhere. */
START_TEST(test_string_at_end_within_page)
{
	vqi_cleanup_free char *text = NULL;
	uint8_t *small = vqi_fake_mem_map(fake, 0x10001, 4);

	strcpy((char *)small, "abc");
	ck_assert_ok(vqi_mem_read_string(mem, 0x10001, 4096, &text));
	ck_assert_str_eq(text, "abc");
}
END_TEST

START_TEST(test_string_across_pages)
{
	vqi_cleanup_free char *text = NULL;

	memset(bytes + 1, 'x', PAGE + 10);
	ck_assert_ok(vqi_mem_read_string(mem, BASE + 1, 2 * PAGE, &text));
	ck_assert_uint_eq(strlen(text), PAGE + 10);
	ck_assert_uint_eq(fake->calls, 3);
}
END_TEST

START_TEST(test_string_without_end)
{
	char *text = NULL;

	memset(bytes, 'x', 2 * PAGE);
	bytes[100] = 0;
	ck_assert_code(vqi_mem_read_string(mem, BASE, 100, &text), VQI_ERROR_BAD_DATA);
	ck_assert_code(vqi_mem_read_string(mem, BASE, 0, &text), VQI_ERROR_BAD_DATA);
	ck_assert_ptr_null(text);
	ck_assert_ok(vqi_mem_read_string(mem, BASE, 101, &text));
	ck_assert_uint_eq(strlen(text), 100);
	free(text);
}
END_TEST

START_TEST(test_string_runs_into_fault)
{
	vqi_cleanup_error struct vqi_error *error = NULL;
	char *text = NULL;

	memset(bytes, 'x', 2 * PAGE);
	error = vqi_mem_read_string(mem, BASE + PAGE, 2 * PAGE, &text);
	ck_assert_ptr_nonnull(error);
	ck_assert_int_eq(error->code, VQI_ERROR_FAULT);
	ck_assert_uint_eq(error->address, BASE + 2 * PAGE);
	ck_assert_ptr_null(text);
}
END_TEST

START_TEST(test_string_at_top_of_addresses)
{
	uint8_t *top = vqi_fake_mem_map(fake, UINT64_MAX - 3, 4);
	char *text = NULL;

	memset(top, 'x', 4);
	ck_assert_code(vqi_mem_read_string(mem, UINT64_MAX - 3, 100, &text), VQI_ERROR_FAULT);
	ck_assert_ptr_null(text);
}
END_TEST

static void change_byte(struct vqi_fake_mem *at, void *context)
{
	*(uint8_t *)context = (uint8_t)at->calls;
}

START_TEST(test_bytes_can_change_between_readings)
{
	uint64_t value;

	fake->before_read = change_byte;
	fake->context = bytes;
	ck_assert_ok(vqi_mem_read_uint(mem, BASE, 1, &value));
	ck_assert_uint_eq(value, 1);
	ck_assert_ok(vqi_mem_read_uint(mem, BASE, 1, &value));
	ck_assert_uint_eq(value, 2);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("mem");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_read);
	tcase_add_test(tcase, test_read_nothing);
	tcase_add_test(tcase, test_read_fault);
	tcase_add_test(tcase, test_any_byte_can_fault);
	tcase_add_test(tcase, test_readv_goes_on_after_fault);
	tcase_add_test(tcase, test_readv_all);
	tcase_add_test(tcase, test_read_across_mappings);
	tcase_add_test(tcase, test_gone_ends_reading);
	tcase_add_test(tcase, test_read_uint);
	tcase_add_test(tcase, test_read_uint_bad_size);
	tcase_add_test(tcase, test_string);
	tcase_add_test(tcase, test_string_empty);
	tcase_add_test(tcase, test_string_at_end_of_mapping);
	tcase_add_test(tcase, test_string_at_end_within_page);
	tcase_add_test(tcase, test_string_across_pages);
	tcase_add_test(tcase, test_string_without_end);
	tcase_add_test(tcase, test_string_runs_into_fault);
	tcase_add_test(tcase, test_string_at_top_of_addresses);
	tcase_add_test(tcase, test_bytes_can_change_between_readings);
	return unit_run("mem", tcase);
}
