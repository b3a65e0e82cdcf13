/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "screen_words.h"

#include <check.h>
#include <math.h>
#include <string.h>

#include "unit.h"

START_TEST(test_numbers)
{
	static const struct {
		double number;
		const char *word;
	} cases[] = {
		{0, "0"},	   {0.04, "<0.1"},    {0.25, "0.2"},	  {9.9, "9.9"},
		{9.96, "10"},	   {999, "999"},      {9999, "9999"},	  {9999.4, "9999"},
		{9999.6, "10.0k"}, {12345, "12.3k"},  {99949, "99.9k"},	  {99960, "100k"},
		{999400, "999k"},  {999600, "1.00M"}, {1240000, "1.24M"}, {9.996e6, "10.0M"},
		{1.8e19, "18.0E"}, {1e24, ">999E"},
	};
	char word[VQI_SCREEN_WORD];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		vqi_screen_number(cases[i].number, word);
		ck_assert_str_eq(word, cases[i].word);
	}
	/* Whatever there is, it fits. */
	for (double number = 0.01; number < 1e30; number *= 1.01) {
		vqi_screen_number(number, word);
		ck_assert_uint_le(strlen(word), 5);
	}
}
END_TEST

START_TEST(test_counts)
{
	char word[VQI_SCREEN_WORD];

	vqi_screen_count(VQI_UNKNOWN, word);
	ck_assert_str_eq(word, "-");
	vqi_screen_count(VQI_NUM(3), word);
	ck_assert_str_eq(word, "3");
	vqi_screen_count(VQI_NUM(9999), word);
	ck_assert_str_eq(word, "9999");
	vqi_screen_count(VQI_NUM(65535), word);
	ck_assert_str_eq(word, "65.5k");
}
END_TEST

START_TEST(test_rates)
{
	char word[VQI_SCREEN_WORD];

	vqi_screen_rate(&(struct vqi_rate){.per_second = 5}, word);
	ck_assert_str_eq(word, "-");
	vqi_screen_rate(&(struct vqi_rate){.known = true, .per_second = 5}, word);
	ck_assert_str_eq(word, "5.0");
	vqi_screen_rate(&(struct vqi_rate){true, true, 12345}, word);
	ck_assert_str_eq(word, ">12.3k");
}
END_TEST

START_TEST(test_durations)
{
	static const struct {
		uint64_t ms;
		const char *word;
	} cases[] = {
		{0, "0s"},	    {999, "0s"},	{42000, "42s"},	      {99999, "99s"},
		{100000, "1m40s"},  {312000, "5m12s"},	{599000, "9m59s"},    {600000, "10m"},
		{3599000, "59m"},   {3600000, "1h00m"}, {12300000, "3h25m"},  {36000000, "10h"},
		{345599000, "95h"}, {345600000, "4d"},	{UINT64_MAX, "ages"},
	};
	char word[VQI_SCREEN_WORD];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		vqi_screen_duration(VQI_NUM(cases[i].ms), word);
		ck_assert_str_eq(word, cases[i].word);
	}
	vqi_screen_duration(VQI_UNKNOWN, word);
	ck_assert_str_eq(word, "-");
	for (uint64_t ms = 1; ms < UINT64_MAX / 3; ms = ms * 3 / 2 + 1) {
		vqi_screen_duration(VQI_NUM(ms), word);
		ck_assert_uint_le(strlen(word), 5);
	}
}
END_TEST

START_TEST(test_sparklines)
{
	const struct vqi_num depths[] = {VQI_NUM(0), VQI_NUM(1),  VQI_NUM(7),
					 VQI_NUM(3), VQI_UNKNOWN, VQI_NUM(0)};
	const struct vqi_num deep[] = {VQI_NUM(1), VQI_NUM(128), VQI_NUM(256), VQI_NUM(0)};
	char text[VQI_SPARKLINE_BYTES(6)];

	vqi_screen_sparkline(depths, 6, false, text);
	ck_assert_str_eq(text, "_.#- _");
	vqi_screen_sparkline(depths, 6, true, text);
	ck_assert_str_eq(text, "▁▂█▄ ▁");
	vqi_screen_sparkline(deep, 4, false, text);
	ck_assert_str_eq(text, ".=#_");
	vqi_screen_sparkline(NULL, 0, true, text);
	ck_assert_str_eq(text, "");
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("screen_words");

	tcase_add_test(tcase, test_numbers);
	tcase_add_test(tcase, test_counts);
	tcase_add_test(tcase, test_rates);
	tcase_add_test(tcase, test_durations);
	tcase_add_test(tcase, test_sparklines);
	return unit_run("screen_words", tcase);
}
