/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "screen_layout.h"

#include <check.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "canvas_text.h"
#include "printed.h"
#include "sample.h"
#include "unit.h"

#define SECOND UINT64_C(1000000000)

static struct vqi_sample sample;
static struct vqi_history *history;
static struct vqi_screen_model *model;
static struct vqi_screen_view view;
static struct vqi_screen_look how;
static char *text; /* of the last screen */
static uint64_t now;
static bool utf8;

static void look(void)
{
	vqi_screen_model_free(take_ptr(model));
	ck_assert_ok(vqi_history_add(history, &sample.snapshot, now += SECOND));
	ck_assert_ok(vqi_screen_model_new(history, &sample.snapshot, &sample.diagnosis, &model));
	ck_assert_ok(vqi_screen_view_update(&view, model));
}

static void setup(void)
{
	ck_assert_ptr_nonnull(setlocale(LC_ALL, "C.UTF-8"));
	setenv("TZ", "UTC", 1);
	tzset();
	model = NULL;
	text = NULL;
	view = (struct vqi_screen_view){.page = 1};
	how = (struct vqi_screen_look){.interval_ms = 1000, .blocks = true};
	utf8 = true;
	now = SECOND;
	ck_assert_ok(vqi_history_new(&history));
}

static void teardown(void)
{
	free(text);
	vqi_screen_view_done(&view);
	vqi_screen_model_free(take_ptr(model));
	vqi_history_free(take_ptr(history));
}

/* Lays a screen of this size out; asserts that nothing is beyond its edges. */
static void lay_out(size_t columns, size_t rows)
{
	struct vqi_canvas canvas;

	free(text);
	vqi_canvas_init(&canvas, rows, columns, utf8);
	vqi_screen_layout(&canvas, model, &view, &how);
	ck_assert(!canvas.failed);
	for (size_t i = 0; i < rows; i++)
		ck_assert_uint_le(canvas.lines[i].width, columns);
	text = canvas_text(&canvas);
	vqi_canvas_done(&canvas);
}

static void press(uint32_t key)
{
	enum vqi_screen_action_kind action;

	ck_assert_ok(vqi_screen_view_key(&view, key, &action));
	ck_assert_ok(vqi_screen_view_update(&view, model));
}

/* Three looks, in which net0 sends, at a queue that is stuck all the time. */
static void watch_stuck(void)
{
	struct vqi_queue *tx;

	vqi_sample_stuck(&sample);
	tx = &sample.devices[1].queues[1];
	for (int i = 0; i < 3; i++) {
		look();
		tx->used_idx.value += 12345;
		tx->avail_idx.value += 12345 + 3;
	}
	look();
}

START_TEST(test_80_by_24)
{
	watch_stuck();
	lay_out(80, 24);
	ck_assert_ptr_eq(
		text,
		strstr(text,
		       "web1  pid 4242  QEMU 7.2.22  running                         every 1 s  "
		       "22:13:20\n"
		       "✗ blk0 queue 0: 16 requests taken and not completed\n"
		       "! net0 queue 1: 1 packet taken and not completed (candidate)\n"
		       " DEVICE      Q ROLE       STATE      FOR DEPTH OLDEST PUBL/s DONE/s REAP/s "
		       "TREND\n"
		       ">blk0        0 request    stuck       3s    16     3s      0      0      0 "
		       "████\n"
		       " net0        1 tx         busy        3s    12     0s  12.3k  12.3k      - "
		       "▃▅▆█\n"
		       " 30 more queues: 12 parked, 16 idle, 2 not set up; v shows them\n\n"));
	ck_assert_has(text, "\n\nby state                                    Enter open  R report  "
			    "? help  q quit\n");
}
END_TEST

START_TEST(test_120_by_40)
{
	watch_stuck();
	lay_out(120, 40);
	ck_assert_has(text,
		      "\n DEVICE                              Q ROLE       STATE      FOR DEPTH "
		      "OLDEST PUBL/s DONE/s REAP/s TREND\n");
}
END_TEST

START_TEST(test_40_by_10)
{
	watch_stuck();
	lay_out(40, 10);
	ck_assert_str_eq(text, "web1  pid 4242  QEMU 7.2.22  running\n"
			       "✗ blk0 queue 0: 16 requests taken and\n"
			       "  not completed\n"
			       "! net0 queue 1: 1 packet taken and not …\n"
			       " DEVICE    Q STATE      FOR DEPTH DONE/s\n"
			       ">blk0      0 stuck       3s    16      0\n"
			       " net0      1 busy        3s    12  12.3k\n"
			       " 30 more queues: 12 parked, 16 idle, 2 n\n"
			       "\n"
			       "by state                  ? help  q quit\n");
}
END_TEST

START_TEST(test_a_few_lines)
{
	watch_stuck();
	lay_out(30, 3);
	ck_assert_has(text, "\n✗ blk0 queue 0: 16 requests t…\nby state");
	lay_out(30, 6);
	ck_assert_has(text, "\n✗ blk0 queue 0: 16 requests t…\n DEVICE");
	ck_assert_has(text, "\n>blk0 ");
	lay_out(30, 1);
	ck_assert_str_eq(text, "web1  pid 4242  QEMU 7.2.22  r\n");
}
END_TEST

START_TEST(test_ascii)
{
	utf8 = false;
	how.blocks = false;
	watch_stuck();
	lay_out(80, 24);
	for (const char *at = text; *at; at++)
		ck_assert(*at == '\n' || (*at >= ' ' && *at <= '~'));
	ck_assert_has(text, "\nx blk0 queue 0: 16 requests");
	ck_assert_has(text, " :=+#\n");
}
END_TEST

START_TEST(test_every_size_of_every_sample)
{
	for (size_t i = 0; i < vqi_sample_count; i++) {
		vqi_samples[i](&sample);
		look();
		for (size_t columns = 0; columns < 130; columns += columns < 12 ? 1 : 13)
			for (size_t rows = 0; rows < 40; rows += rows < 9 ? 1 : 5)
				lay_out(columns, rows);
		press('v');
		press(VQI_KEY_END);
		for (size_t rows = 1; rows < 40; rows++)
			lay_out(80, rows);
		press('?');
		for (size_t rows = 1; rows < 30; rows++)
			lay_out(rows, rows);
		press(VQI_KEY_ESCAPE);
	}
}
END_TEST

START_TEST(test_hostile_strings)
{
	vqi_sample_hostile(&sample);
	look();
	press('v');
	lay_out(120, 30);
	for (const char *at = text; *at; at++)
		ck_assert(*at == '\n' || (unsigned char)*at >= ' ');
	ck_assert_lacks(text, "\xc2\x9b");
	ck_assert_lacks(text, "\xe2\x80\xae");
	ck_assert_has(text, "\\x1b]0;pwned");
}
END_TEST

START_TEST(test_what_is_selected_is_in_sight)
{
	vqi_sample_stuck(&sample);
	look();
	press('v');
	lay_out(80, 12);
	press(VQI_KEY_END);
	lay_out(80, 12);
	ck_assert_has(text, "\n>net0        2 control    disabled ");
	ck_assert_has(text, "  26-32 of 32  ");
	press('k');
	lay_out(80, 12);
	ck_assert_has(text, "\n>…device[0]  0 request    disabled");
}
END_TEST

START_TEST(test_more_findings_than_lines)
{
	vqi_sample_stuck(&sample);
	sample.findings[2] = sample.findings[3] = sample.findings[1];
	sample.diagnosis.finding_count = 4;
	look();
	lay_out(80, 10);
	ck_assert_has(text, "\n! net0 queue 1: 1 packet taken and not completed (candidate)\n"
			    "  2 more findings\n DEVICE");
	lay_out(80, 6);
	ck_assert_has(text, "\n✗ blk0 queue 0: 16 requests taken and not completed\n DEVICE");
}
END_TEST

START_TEST(test_verdicts)
{
	vqi_sample_healthy(&sample);
	lay_out(80, 24);
	ck_assert_has(text, "looking ...\n");
	look();
	lay_out(80, 24);
	ck_assert_has(text, "\nthe first look; the next ones tell what is stuck\n");
	look();
	lay_out(80, 24);
	ck_assert_has(text, "\nnothing is stuck\n");
	vqi_sample_unknown(&sample);
	look();
	lay_out(80, 24);
	ck_assert_has(text, "\nnothing found in what could be inspected\n"
			    "not inspected, the first of 12: QOM tree: why 0\n");
	vqi_sample_empty(&sample);
	look();
	lay_out(80, 24);
	ck_assert_has(text, "\nno VirtIO devices\n");
}
END_TEST

START_TEST(test_a_vm_that_does_not_run)
{
	vqi_sample_healthy(&sample);
	sample.snapshot.target.run_state = (char *)"paused";
	look();
	ck_assert(!model->runs);
	lay_out(80, 24);
	ck_assert_has(text, "QEMU 7.2.22  paused ");
	sample.snapshot.target.held.by = VQI_HELD_SIGNAL;
	look();
	lay_out(80, 24);
	ck_assert_has(text, "QEMU 7.2.22  process stopped, paused ");
}
END_TEST

START_TEST(test_the_last_line)
{
	watch_stuck();
	press('/');
	press('n');
	lay_out(80, 24);
	ck_assert_has(text, "\n/n_\n");
	press(VQI_KEY_ENTER);
	press('v');
	press(' ');
	lay_out(80, 24);
	ck_assert_has(text, "\nby state  idle too  only /n  ");
	ck_assert_has(text, " HELD at 22:13:20\n");
	ck_assert_ok(vqi_screen_view_message(&view, "report written"));
	lay_out(80, 24);
	ck_assert_has(text, "\nreport written\n");
	press('/');
	press('#');
	lay_out(80, 24);
	ck_assert_has(text, "\n nothing has \"n#\" in it; Esc clears the filter\n");
}
END_TEST

START_TEST(test_a_text)
{
	watch_stuck();
	ck_assert_ok(vqi_screen_view_text(&view, VQI_MODE_TEXT, "blk0 queue 0",
					  "0123456789abcdefghijklmnop\nb\nc\nd\033[2J\n"));
	lay_out(26, 5);
	ck_assert_str_eq(text, "blk0 queue 0\n0123456789abcdefghijklmnop\nb\nc\n"
			       "        1-3 of 4  Esc back\n");
	press('j');
	press(VQI_KEY_RIGHT);
	lay_out(26, 5);
	ck_assert_str_eq(text, "blk0 queue 0\n\n\n\n        2-4 of 4  Esc back\n");
	press(VQI_KEY_LEFT);
	lay_out(26, 5);
	ck_assert_has(text, "\nd\\x1b[2J\n");
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("screen_layout");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, test_80_by_24);
	tcase_add_test(tcase, test_120_by_40);
	tcase_add_test(tcase, test_40_by_10);
	tcase_add_test(tcase, test_a_few_lines);
	tcase_add_test(tcase, test_ascii);
	tcase_add_test(tcase, test_every_size_of_every_sample);
	tcase_add_test(tcase, test_hostile_strings);
	tcase_add_test(tcase, test_what_is_selected_is_in_sight);
	tcase_add_test(tcase, test_more_findings_than_lines);
	tcase_add_test(tcase, test_verdicts);
	tcase_add_test(tcase, test_a_vm_that_does_not_run);
	tcase_add_test(tcase, test_the_last_line);
	tcase_add_test(tcase, test_a_text);
	return unit_run("screen_layout", tcase);
}
