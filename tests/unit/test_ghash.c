/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vqi/ghash.h"

#include <check.h>
#include <stdlib.h>

#include "fake_qemu.h"
#include "unit.h"
#include "vqi/limits.h"

#define LOW 0x10000000 /* below 4 GiB: where a program that is not PIE has its heap */

static struct fake_qemu *qemu;

static void setup(void)
{
	qemu = fake_qemu_new(0);
}

static void teardown(void)
{
	fake_qemu_free(qemu);
}

static int compare(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return left < right ? -1 : left > right;
}

static struct vqi_error *read_table(uint64_t table, uint64_t **ret_values, size_t *ret_count)
{
	return vqi_ghash_values(&qemu->mem, table, ret_values, ret_count);
}

/* Asserts that a table holds 1 to count times 0x11. */
static void assert_table(uint64_t table, size_t count)
{
	vqi_cleanup_free uint64_t *values = NULL;
	size_t found = 0;

	ck_assert_ok(read_table(table, &values, &found));
	ck_assert_uint_eq(found, count);
	if (found)
		qsort(values, found, sizeof(*values), compare);
	for (size_t i = 0; i < count; i++)
		ck_assert_uint_eq(values[i], (i + 1) * 0x11);
}

static uint64_t make_table(enum fake_glib glib, uint32_t slots, size_t count, bool small)
{
	uint64_t values[16];

	qemu->glib = glib;
	for (size_t i = 0; i < 16; i++)
		values[i] = (i + 1) * 0x11;
	return fake_hash(qemu, slots, values, count, small);
}

START_TEST(test_every_glib)
{
	enum fake_glib glib = (enum fake_glib)_i;

	for (uint32_t slots = 8; slots <= 64; slots *= 2) {
		for (size_t count = 0; count <= 16 && count <= slots / 2; count++)
			assert_table(make_table(glib, slots, count, false), count);
	}
}
END_TEST

/* Slots of 32 bits, as since 2.60 for pointers below 4 GiB; the table is there, too. */
START_TEST(test_small_values)
{
	enum fake_glib glib = (enum fake_glib)_i;

	qemu->next = LOW;
	for (uint32_t slots = 8; slots <= 64; slots *= 2)
		assert_table(make_table(glib, slots, slots / 4, true), slots / 4);
}
END_TEST

/* Before 2.60 what became the flags is padding, of any value. */
START_TEST(test_padding_is_no_flag)
{
	uint64_t table = make_table(FAKE_GLIB_2_56, 8, 3, false);

	for (uint32_t padding = 0; padding < 4; padding++) {
		fake_poke(qemu, table + 20, 4, padding);
		assert_table(table, 3);
	}
}
END_TEST

/* The table of a thread's arena lies high, what it holds low in the heap. */
START_TEST(test_small_values_in_a_high_table)
{
	assert_table(make_table(FAKE_GLIB_2_62, 8, 3, true), 3);
}
END_TEST

/* A table that never held anything has small slots, wherever it lies. */
START_TEST(test_empty_table)
{
	assert_table(make_table((enum fake_glib)_i, 8, 0, true), 0);
}
END_TEST

START_TEST(test_no_table)
{
	vqi_cleanup_free uint64_t *values = NULL;
	uint64_t zeroes = fake_alloc(qemu, 64), text = fake_alloc(qemu, 64);
	size_t count = 77;

	for (size_t i = 0; i < 64; i++)
		fake_poke(qemu, text + i, 1, 'a' + i % 26);
	ck_assert_code(read_table(zeroes, &values, &count), VQI_ERROR_BAD_DATA);
	ck_assert_code(read_table(text, &values, &count), VQI_ERROR_LIMIT);
	ck_assert_code(read_table(0, &values, &count), VQI_ERROR_FAULT);
	ck_assert_ptr_null(values);
	ck_assert_uint_eq(count, 77);
}
END_TEST

/* In each of the fields that must agree, another value. */
START_TEST(test_contradictions)
{
	static const struct {
		uint64_t offset, value;
	} pokes[] = {
		{0, 9},		  /* size: no power of two */
		{0, 16},	  /* size and mask differ */
		{12, 15},	  /* the same */
		{16, 9},	  /* more live slots than slots */
		{16, 4},	  /* another number than there are */
		{16, 0xffffffff}, /* negative */
	};

	for (size_t i = 0; i < sizeof(pokes) / sizeof(pokes[0]); i++) {
		uint64_t table = make_table(FAKE_GLIB_2_62, 8, 3, false), *values;
		size_t count;

		fake_poke(qemu, table + pokes[i].offset, 4, pokes[i].value);
		ck_assert_code(read_table(table, &values, &count), VQI_ERROR_BAD_DATA);
	}
}
END_TEST

START_TEST(test_too_large)
{
	uint64_t table = make_table(FAKE_GLIB_2_62, 8, 3, false), *values;
	size_t count;

	fake_poke(qemu, table, 4, VQI_MAX_HASH_SLOTS * 2);
	fake_poke(qemu, table + 12, 4, VQI_MAX_HASH_SLOTS * 2 - 1);
	ck_assert_code(read_table(table, &values, &count), VQI_ERROR_LIMIT);
}
END_TEST

/* A value is added between the reading of the header and that of the slots. */
static void add_one(struct vqi_fake_mem *fake, void *context)
{
	uint64_t hashes;

	if (fake->calls != 2)
		return;
	memcpy(&hashes, vqi_fake_mem_at(fake, *(uint64_t *)context + 40, 8), 8);
	memset(vqi_fake_mem_at(fake, hashes, 4), 0x7f, 4);
}

START_TEST(test_changed_while_read)
{
	uint64_t table = make_table(FAKE_GLIB_2_62, 8, 2, false), *values;
	size_t count;

	qemu->fake->calls = 0;
	qemu->fake->before_read = add_one;
	qemu->fake->context = &table;
	ck_assert_code_text(read_table(table, &values, &count), VQI_ERROR_BAD_DATA, "changed");
}
END_TEST

START_TEST(test_every_fault)
{
	uint64_t table = make_table((enum fake_glib)_i, 8, 3, false), *values;
	vqi_cleanup_free struct fake_read *reads = NULL;
	size_t count, read_count;

	fake_forget(qemu);
	assert_table(table, 3);
	reads = fake_take_reads(qemu, &read_count);
	ck_assert_uint_eq(read_count, 3);
	for (size_t i = 0; i < read_count; i++) {
		for (uint64_t byte = 0; byte < reads[i].len; byte++) {
			vqi_fake_mem_fault(qemu->fake, reads[i].addr + byte, 1);
			ck_assert_code(read_table(table, &values, &count), VQI_ERROR_FAULT);
			vqi_fake_mem_heal(qemu->fake);
		}
	}
}
END_TEST

START_TEST(test_target_ends)
{
	uint64_t table = make_table(FAKE_GLIB_2_62, 8, 3, false), *values;
	size_t count;

	for (size_t calls = 0; calls < 2; calls++) {
		qemu->fake->calls = 0;
		qemu->fake->gone_after = calls;
		ck_assert_code(read_table(table, &values, &count), VQI_ERROR_GONE);
	}
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("ghash");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, test_every_glib, FAKE_GLIB_2_56, FAKE_GLIB_2_87 + 1);
	tcase_add_loop_test(tcase, test_small_values, FAKE_GLIB_2_60, FAKE_GLIB_2_87 + 1);
	tcase_add_test(tcase, test_padding_is_no_flag);
	tcase_add_test(tcase, test_small_values_in_a_high_table);
	tcase_add_loop_test(tcase, test_empty_table, FAKE_GLIB_2_60, FAKE_GLIB_2_87 + 1);
	tcase_add_test(tcase, test_no_table);
	tcase_add_test(tcase, test_contradictions);
	tcase_add_test(tcase, test_too_large);
	tcase_add_test(tcase, test_changed_while_read);
	tcase_add_loop_test(tcase, test_every_fault, FAKE_GLIB_2_56, FAKE_GLIB_2_87 + 1);
	tcase_add_test(tcase, test_target_ends);
	return unit_run("ghash", tcase);
}
