/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the text looks on a terminal: width, colour, characters. */
#include "vqi/report.h"

#include <check.h>
#include <locale.h>
#include <string.h>
#include <wchar.h>

#include "printed.h"
#include "sample.h"
#include "unit.h"

static struct vqi_sample sample;
static char *report;

static void setup(void)
{
	ck_assert_ptr_nonnull(setlocale(LC_ALL, "C.UTF-8"));
	report = NULL;
}

static void teardown(void)
{
	free(report);
}

static void print(struct vqi_report_options options)
{
	free(report);
	report = vqi_printed(vqi_report_text, &sample, &options);
}

/* Of the text, not of escape sequences. */
static size_t columns_of(const char *line)
{
	size_t columns = 0;
	mbstate_t state = {0};
	wchar_t wide;
	size_t len;

	while (*line && *line != '\n') {
		if (strncmp(line, "\033[", 2) == 0) {
			line += strcspn(line, "m") + 1;
			continue;
		}
		len = mbrtowc(&wide, line, MB_CUR_MAX, &state);
		ck_assert_uint_gt(len, 0);
		ck_assert_uint_lt(len, 8);
		columns += (size_t)wcwidth(wide);
		line += len;
	}
	return columns;
}

static void check_fit(unsigned int width)
{
	for (const char *line = report; *line; line = strchr(line, '\n') + 1)
		ck_assert_msg(columns_of(line) <= width, "wider than %u: %s", width, line);
}

START_TEST(test_fits_the_terminal)
{
	for (unsigned int width = 66; width < 140; width++) {
		vqi_sample_stuck(&sample);
		print((struct vqi_report_options){.width = width});
		check_fit(width);
		print((struct vqi_report_options){.width = width, .color = true});
		check_fit(width);
	}
	print((struct vqi_report_options){.width = 80, .verbose = true});
	check_fit(80);
}
END_TEST

START_TEST(test_what_goes_when_it_is_narrow)
{
	vqi_sample_stuck(&sample);
	/* All that there is takes 103 columns. */
	print((struct vqi_report_options){.width = 103});
	ck_assert_row(report, "blk0 virtio-blk 0000:00:04.0 0 request stuck 1203 1203 1203 1187 "
			      "1184 iothread io0");
	print((struct vqi_report_options){.width = 102});
	ck_assert_row(report,
		      "blk0 virtio-blk 0000:00:04.0 0 request stuck 1203 1203 1203 1187 1184");
	ck_assert_lacks(report, "SERVED BY");
	print((struct vqi_report_options){.width = 80});
	ck_assert_row(report, "blk0 virtio-blk 0 request stuck 1203 1203 1203 1187 1184");
	ck_assert_row(report, "/machine/peripheral-anon/device[0] virtio-rng no driver");
	print((struct vqi_report_options){.width = 66});
	ck_assert_row(report, "blk0 0 request stuck 1203 1203 1203 1187 1184");
	/* The end of a path tells it from others. */
	sample.devices[0].id = NULL;
	sample.devices[0].qom_path = (char *)"/machine/peripheral-anon/device[1]/virtio-backend";
	print((struct vqi_report_options){.width = 80});
	ck_assert_row(report,
		      "\u2026ipheral-anon/device[1] 0 request stuck 1203 1203 1203 1187 1184");
	check_fit(80);
	ck_assert_ptr_nonnull(setlocale(LC_ALL, "C"));
	print((struct vqi_report_options){.width = 80});
	ck_assert_row(report, "..pheral-anon/device[1] 0 request stuck 1203 1203 1203 1187 1184");
	/* There is no helping it. */
	print((struct vqi_report_options){.width = 1});
	ck_assert_has(report, "1187");
}
END_TEST

START_TEST(test_color_only_when_wanted)
{
	vqi_sample_stuck(&sample);
	print((struct vqi_report_options){.width = 100});
	ck_assert_lacks(report, "\033");
	print((struct vqi_report_options){.width = 100, .color = true});
	ck_assert_has(report,
		      "\033[1;31m\u2717\033[0m \033[1mblk0\033[0m \033[1mqueue 0\033[0m: 16 "
		      "requests taken and not completed");
	ck_assert_has(report, "\033[1;31mstuck\033[0m");
}
END_TEST

START_TEST(test_ascii)
{
	ck_assert_ptr_nonnull(setlocale(LC_ALL, "C"));
	vqi_sample_stuck(&sample);
	sample.snapshot.target.vm_name = (char *)"caf\xc3\xa9";
	sample.findings[1].severity = VQI_NOTE;
	print((struct vqi_report_options){.width = 80, .verbose = true});
	ck_assert_has(report, "\nx blk0 queue 0: ");
	ck_assert_has(report, "\n- net0 queue 1: ");
	ck_assert_has(report, "caf\\xc3\\xa9  pid");
	for (const char *byte = report; *byte; byte++)
		ck_assert(*byte == '\n' || (*byte >= ' ' && *byte <= '~'));
}
END_TEST

START_TEST(test_utf8_names_stay)
{
	vqi_sample_healthy(&sample);
	sample.snapshot.target.vm_name = (char *)"caf\xc3\xa9 \xe7\xb6\xb2";
	print((struct vqi_report_options){0});
	ck_assert_ptr_eq(strstr(report, "caf\xc3\xa9 \xe7\xb6\xb2  pid"), report);
}
END_TEST

/* No control character, none of the C1 set, no override of the direction, nothing invalid. */
static void check_harmless(void)
{
	mbstate_t state = {0};
	wchar_t wide;

	for (const char *at = report; *at;) {
		size_t len = mbrtowc(&wide, at, MB_CUR_MAX, &state);

		ck_assert_uint_gt(len, 0);
		ck_assert_uint_lt(len, 8);
		ck_assert_msg(wide == L'\n' || (wide >= L' ' && wcwidth(wide) >= 0 &&
						!(wide >= 0x202a && wide <= 0x202e)),
			      "U+%04X in: %s", (unsigned int)wide, report);
		at += len;
	}
}

START_TEST(test_hostile_strings)
{
	static const unsigned int widths[] = {0, 80, 200};

	for (size_t i = 0; i < sizeof(widths) / sizeof(widths[0]); i++) {
		vqi_sample_hostile(&sample);
		print((struct vqi_report_options){.width = widths[i], .verbose = true});
		check_harmless();
		print((struct vqi_report_options){.width = widths[i]});
		check_harmless();
	}
	/* Where nothing is cut off, it can still be read. */
	print((struct vqi_report_options){0});
	ck_assert_ptr_eq(strstr(report, "\\x1b]0;pwned\\x07\\x1b[2J\\x0d\\x0a\\xc2\\x9b31m\\xff"
					"\\xe2\\x80\\xae\"\\/ \u00e9  pid 4242  "),
			 report);
	print((struct vqi_report_options){.verbose = true});
	ck_assert_has(report, "\n    \\x1b]0;pwned\\x07\\x1b[2J\\x0d\\x0a\\xc2\\x9b31m\\xff"
			      "\\xe2\\x80\\xae\"\\/ \u00e9: tid 4250 ");
	ck_assert_has(report, "\n    thread 4263 (\\x1b]0;pwned");
	ck_assert_has(report, ", in \\x1b]0;pwned");
	ck_assert_has(report, " on \\x1b]0;pwned");
	ck_assert_has(report, ", wchan \\x1b]0;pwned");
}
END_TEST

START_TEST(test_bad_utf8)
{
	static const struct {
		const char *text, *printed;
	} cases[] = {
		{"\xc0\xaf", "\\xc0\\xaf"},		      /* not the shortest form */
		{"\xed\xa0\x80", "\\xed\\xa0\\x80"},	      /* a surrogate */
		{"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"}, /* beyond U+10FFFF */
		{"\xf8\x88\x80\x80\x80", "\\xf8\\x88\\x80\\x80\\x80"},
		{"\xe2\x82", "\\xe2\\x82"}, /* ends too early */
		{"\xe2\x82z", "\\xe2\\x82z"},
		{"\x80z", "\\x80z"},
		{"\x7f", "\\x7f"},
		{"\xe2\x80\xa8", "\\xe2\\x80\\xa8"},	  /* line separator */
		{"\xf0\x9f\x92\xbe", "\xf0\x9f\x92\xbe"}, /* fine: U+1F4BE */
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		vqi_sample_empty(&sample);
		sample.snapshot.target.vm_name = (char *)cases[i].text;
		print((struct vqi_report_options){0});
		ck_assert_msg(strncmp(report, cases[i].printed, strlen(cases[i].printed)) == 0,
			      "case %zu: %s", i, report);
		ck_assert(strncmp(report + strlen(cases[i].printed), "  pid", 5) == 0);
	}
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("report_page");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_fits_the_terminal);
	tcase_add_test(tcase, test_what_goes_when_it_is_narrow);
	tcase_add_test(tcase, test_color_only_when_wanted);
	tcase_add_test(tcase, test_ascii);
	tcase_add_test(tcase, test_utf8_names_stay);
	tcase_add_test(tcase, test_hostile_strings);
	tcase_add_test(tcase, test_bad_utf8);
	return unit_run("report_page", tcase);
}
