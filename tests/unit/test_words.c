/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What variables may point to. */
#include "words.h"

#include <check.h>
#include <string.h>

#include "fake_mem.h"
#include "fake_qemu.h"
#include "unit.h"
#include "vqi/limits.h"

#define DATA	 UINT64_C(0x55d0c0000000)
#define DATA_LEN 0x4000
#define HEAP	 UINT64_C(0x7f1200000000)
#define HEAP_LEN 0x10000

static struct vqi_fake_mem *fake;
static struct vqi_layout layout;
static struct vqi_map maps[4], variable_map;
static struct vqi_maps all = {maps, 4}, variables = {&variable_map, 1};
static struct vqi_words words;
static uint8_t *data;

static struct vqi_map mapping(uint64_t start, uint64_t len, bool writable)
{
	return (struct vqi_map){
		.start = start,
		.end = start + len,
		.readable = true,
		.writable = writable,
	};
}

static void setup(void)
{
	fake = vqi_fake_mem_new();
	fake_layout(&layout, 1);
	data = vqi_fake_mem_map(fake, DATA, DATA_LEN);
	vqi_fake_mem_map(fake, HEAP, HEAP_LEN);
	maps[0] = mapping(0x1000, 0x1000, true);
	maps[1] = variable_map = mapping(DATA, DATA_LEN, true);
	maps[2] = mapping(HEAP, HEAP_LEN, true);
	maps[3] = mapping(HEAP + HEAP_LEN, HEAP_LEN, false);
	words = (struct vqi_words){
		.mem = vqi_fake_mem_base(fake),
		.layout = &layout,
		.maps = &all,
	};
}

static void teardown(void)
{
	vqi_words_done(&words);
	vqi_fake_mem_free(fake);
}

static void poke(uint64_t address, uint64_t value)
{
	memcpy(vqi_fake_mem_at(fake, address, 8), &value, 8);
}

static void collect(void)
{
	vqi_words_done(&words);
	words.count = words.room = 0;
	ck_assert_ok(vqi_words_collect(&words, &variables));
}

START_TEST(test_plausible)
{
	static const uint64_t values[] = {
		0x1000, 0x1ff8, DATA, DATA + DATA_LEN - 8, HEAP, HEAP + HEAP_LEN - 8,
	};
	static const uint64_t others[] = {
		0,	    0xff8,	     0x2000,
		DATA + 4,   HEAP + 1,	     DATA - 8,
		HEAP - 8,   DATA + DATA_LEN, HEAP + HEAP_LEN,
		UINT64_MAX, UINT64_MAX - 7,  0xfff8000000000000,
	};
	size_t count = 0;

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		poke(DATA + 0x800 + 16 * i, others[i]);
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		poke(DATA + 0x808 + 16 * i, values[i]);
	collect();
	ck_assert_uint_eq(words.count, sizeof(values) / sizeof(values[0]));
	for (; count < words.count; count++) {
		ck_assert_uint_eq(words.at[count], DATA + 0x808 + 16 * count);
		ck_assert_uint_eq(words.value[count], values[count]);
	}
}
END_TEST

/* From the first that is aligned to the last that is whole. */
START_TEST(test_ends)
{
	poke(DATA, HEAP);
	poke(DATA + 8, HEAP + 8);
	poke(DATA + DATA_LEN - 16, HEAP + 16);
	poke(DATA + DATA_LEN - 8, HEAP + 24);
	variable_map.start += 3;
	variable_map.end -= 5;
	collect();
	ck_assert_uint_eq(words.count, 2);
	ck_assert_uint_eq(words.at[0], DATA + 8);
	ck_assert_uint_eq(words.at[1], DATA + DATA_LEN - 16);
}
END_TEST

/* A page that cannot be read hides what is there, and nothing else. */
START_TEST(test_unreadable)
{
	for (uint64_t page = 0; page < 4; page++)
		poke(DATA + 4096 * page + 8, HEAP + 8 * page);
	vqi_fake_mem_fault(fake, DATA + 4096 + 100, 1);
	collect();
	ck_assert_uint_eq(words.count, 3);
	ck_assert_uint_eq(words.value[1], HEAP + 16);
	vqi_fake_mem_fault(fake, DATA, DATA_LEN);
	collect();
	ck_assert_uint_eq(words.count, 0);
}
END_TEST

/* Only so much is looked at. */
START_TEST(test_many_bytes)
{
	uint64_t end = DATA + VQI_MAX_SCAN_BYTES;

	vqi_fake_mem_map(fake, end - 4096, 8192);
	poke(end - 8, HEAP);
	poke(end, HEAP);
	variable_map.end = end + (UINT64_C(1) << 40);
	collect();
	ck_assert_uint_eq(words.count, 1);
	ck_assert_uint_eq(words.at[0], end - 8);
	ck_assert_uint_le(fake->ranges, VQI_MAX_SCAN_BYTES / 4096);
}
END_TEST

START_TEST(test_many_words)
{
	uint64_t value = HEAP;

	data = vqi_fake_mem_map(fake, DATA + DATA_LEN, 8 * (VQI_MAX_SCAN_WORDS + 1));
	for (size_t i = 0; i <= VQI_MAX_SCAN_WORDS; i++)
		memcpy(data + 8 * i, &value, 8);
	variable_map.end = DATA + DATA_LEN + 8 * (VQI_MAX_SCAN_WORDS + 1);
	collect();
	ck_assert_uint_eq(words.count, VQI_MAX_SCAN_WORDS);
	ck_assert_uint_eq(words.at[0], DATA + DATA_LEN);
}
END_TEST

START_TEST(test_follow)
{
	uint64_t from[1000], to[1000];

	for (size_t i = 0; i < 1000; i++) {
		from[i] = i % 10 ? HEAP + 16 * i : 0;
		poke(HEAP + 16 * i + 8, i);
	}
	vqi_fake_mem_fault(fake, HEAP + 16 * 501 + 8, 8);
	fake->calls = 0;
	ck_assert_ok(vqi_words_follow(&words, from, 1000, 8, to));
	ck_assert_uint_le(fake->calls, 4);
	for (size_t i = 0; i < 1000; i++)
		ck_assert_uint_eq(to[i], i % 10 == 0 || i == 501 ? 0 : i);
}
END_TEST

START_TEST(test_follow_field)
{
	uint32_t offset = layout.fields[VQI_F_Object_parent].offset;
	uint64_t place[] = {HEAP, HEAP + 0x1000, HEAP + 0x2000};

	poke(place[0] + offset, HEAP + 0x100);
	poke(place[1] + offset, 0x7f0000000000);
	poke(place[2] + offset, HEAP + 0x102);
	ck_assert_ok(vqi_words_follow_field(&words, place, 3, VQI_F_Object_parent, place));
	ck_assert_uint_eq(place[0], HEAP + 0x100);
	ck_assert_uint_eq(place[1], 0);
	ck_assert_uint_eq(place[2], 0);
	layout.fields[VQI_F_Object_parent].present = false;
	ck_assert_code(vqi_words_follow_field(&words, place, 3, VQI_F_Object_parent, place),
		       VQI_ERROR_NO_LAYOUT);
}
END_TEST

START_TEST(test_target_ends)
{
	uint64_t place = HEAP;

	fake->gone_after = 0;
	ck_assert_code(vqi_words_collect(&words, &variables), VQI_ERROR_GONE);
	ck_assert_code(vqi_words_follow(&words, &place, 1, 0, &place), VQI_ERROR_GONE);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("words");

	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_plausible);
	tcase_add_test(tcase, test_ends);
	tcase_add_test(tcase, test_unreadable);
	tcase_add_test(tcase, test_many_bytes);
	tcase_add_test(tcase, test_many_words);
	tcase_add_test(tcase, test_follow);
	tcase_add_test(tcase, test_follow_field);
	tcase_add_test(tcase, test_target_ends);
	return unit_run("words", tcase);
}
