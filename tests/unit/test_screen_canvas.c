/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "screen_canvas.h"

#include <check.h>
#include <locale.h>
#include <string.h>

#include "canvas_text.h"
#include "printable.h"
#include "unit.h"

static struct vqi_canvas canvas;

static void setup(void)
{
	ck_assert_ptr_nonnull(setlocale(LC_ALL, "C.UTF-8"));
	vqi_canvas_init(&canvas, 4, 10, true);
}

static void teardown(void)
{
	ck_assert(!canvas.failed);
	vqi_canvas_done(&canvas);
}

#define ck_assert_line(row, wanted)                                                                \
	do {                                                                                       \
		char *line_ = canvas_line(&canvas, (row));                                         \
		ck_assert_str_eq(line_, (wanted));                                                 \
		free(line_);                                                                       \
	} while (0)

START_TEST(test_cut)
{
	ck_assert_uint_eq(vqi_printable_cut("abc", 2), 2);
	ck_assert_uint_eq(vqi_printable_cut("abc", 9), 3);
	ck_assert_uint_eq(vqi_printable_cut("", 9), 0);
	ck_assert_uint_eq(vqi_printable_cut("é\u4e2d", 1), 2);
	ck_assert_uint_eq(vqi_printable_cut("é\u4e2d", 2), 2); /* the second one is wide */
	ck_assert_uint_eq(vqi_printable_cut("é\u4e2d", 3), 5);
	ck_assert_uint_eq(vqi_printable_cut("a\u0301b", 1), 3); /* an accent takes none */
}
END_TEST

START_TEST(test_lines)
{
	vqi_canvas_add(&canvas, 0, VQI_STYLE_RED, "%s %d", "ab", 7);
	vqi_canvas_pad(&canvas, 0, 6);
	vqi_canvas_pad(&canvas, 0, 3);
	vqi_canvas_add(&canvas, 0, VQI_STYLE_PLAIN, "cdefgh");
	ck_assert_line(0, "ab 7  cdef");
	ck_assert_uint_eq(canvas.lines[0].width, 10);
	ck_assert_uint_eq(canvas.lines[0].spans[0].style, VQI_STYLE_RED);
	vqi_canvas_add(&canvas, 0, VQI_STYLE_PLAIN, "more");
	ck_assert_line(0, "ab 7  cdef");
	vqi_canvas_add(&canvas, 4, VQI_STYLE_PLAIN, "beyond the last line");
	vqi_canvas_pad(&canvas, 4, 3);
	vqi_canvas_reverse(&canvas, 4);
	vqi_canvas_reverse(&canvas, 1);
	ck_assert(canvas.lines[1].is_reverse);
}
END_TEST

START_TEST(test_a_wide_character_is_not_halved)
{
	vqi_canvas_add(&canvas, 0, VQI_STYLE_PLAIN, "123456789\u4e2d");
	ck_assert_line(0, "123456789");
}
END_TEST

START_TEST(test_hostile_text)
{
	vqi_canvas_add(&canvas, 0, VQI_STYLE_PLAIN, "%s", "\033[2J");
	ck_assert_line(0, "\\x1b[2J");
	vqi_canvas_cell(&canvas, 1, VQI_STYLE_PLAIN, 8, VQI_FIT_LEFT, "\n\xff");
	ck_assert_line(1, "\\x0a\\xff");
}
END_TEST

START_TEST(test_cells)
{
	vqi_canvas_cell(&canvas, 0, VQI_STYLE_PLAIN, 5, VQI_FIT_LEFT, "ab");
	vqi_canvas_cell(&canvas, 0, VQI_STYLE_PLAIN, 5, VQI_FIT_RIGHT, "cd");
	ck_assert_line(0, "ab      cd");
	vqi_canvas_cell(&canvas, 1, VQI_STYLE_PLAIN, 5, VQI_FIT_LEFT, "abcdef");
	vqi_canvas_cell(&canvas, 1, VQI_STYLE_PLAIN, 5, VQI_FIT_END, "abcdef");
	ck_assert_line(1, "abcd\u2026\u2026cdef");
	canvas.utf8 = false;
	vqi_canvas_cell(&canvas, 2, VQI_STYLE_PLAIN, 5, VQI_FIT_RIGHT, "abcdef");
	vqi_canvas_cell(&canvas, 2, VQI_STYLE_PLAIN, 5, VQI_FIT_END, "abcdef");
	ck_assert_line(2, "abcd><cdef");
	vqi_canvas_cell(&canvas, 3, VQI_STYLE_PLAIN, 0, VQI_FIT_LEFT, "abc");
	ck_assert_line(3, "");
}
END_TEST

START_TEST(test_the_end_of_wide_characters)
{
	/* Of a character that does not fit, a space is left. */
	vqi_canvas_cell(&canvas, 0, VQI_STYLE_PLAIN, 4, VQI_FIT_END, "\u4e2d\u4e2d\u4e2d");
	ck_assert_line(0, "\u2026\u4e2d ");
}
END_TEST

START_TEST(test_wrap)
{
	ck_assert_uint_eq(vqi_canvas_wrap(&canvas, 0, 3, 2, VQI_STYLE_PLAIN, "one two three four"),
			  3);
	ck_assert_line(0, "one two");
	ck_assert_line(1, "  three");
	ck_assert_line(2, "  four    ");
}
END_TEST

START_TEST(test_wrap_without_room)
{
	ck_assert_uint_eq(
		vqi_canvas_wrap(&canvas, 0, 2, 0, VQI_STYLE_PLAIN, "one two three fourth"), 2);
	ck_assert_line(0, "one two");
	ck_assert_line(1, "three fou\u2026");
	ck_assert_uint_eq(vqi_canvas_wrap(&canvas, 2, 9, 0, VQI_STYLE_PLAIN,
					  "0123456789abcdefghijklmnopqrstuvwxyz"),
			  2); /* no space to break it at, and no line more */
	ck_assert_line(2, "0123456789");
	ck_assert_line(3, "abcdefghij");
	ck_assert_uint_eq(vqi_canvas_wrap(&canvas, 4, 9, 0, VQI_STYLE_PLAIN, "more"), 0);
	ck_assert_uint_eq(vqi_canvas_wrap(&canvas, 0, 0, 0, VQI_STYLE_PLAIN, "more"), 0);
}
END_TEST

START_TEST(test_no_canvas_at_all)
{
	struct vqi_canvas none;

	vqi_canvas_init(&none, 0, 0, true);
	vqi_canvas_add(&none, 0, VQI_STYLE_PLAIN, "x");
	vqi_canvas_done(&none);
	vqi_canvas_init(&none, 1, 0, true);
	vqi_canvas_add(&none, 0, VQI_STYLE_PLAIN, "x");
	vqi_canvas_cell(&none, 0, VQI_STYLE_PLAIN, 3, VQI_FIT_RIGHT, "x");
	ck_assert_uint_le(vqi_canvas_wrap(&none, 0, 3, 2, VQI_STYLE_PLAIN, "one two"), 1);
	ck_assert_uint_eq(none.lines[0].width, 0);
	ck_assert(!none.failed);
	vqi_canvas_done(&none);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("screen_canvas");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_cut);
	tcase_add_test(tcase, test_lines);
	tcase_add_test(tcase, test_a_wide_character_is_not_halved);
	tcase_add_test(tcase, test_hostile_text);
	tcase_add_test(tcase, test_cells);
	tcase_add_test(tcase, test_the_end_of_wide_characters);
	tcase_add_test(tcase, test_wrap);
	tcase_add_test(tcase, test_wrap_without_room);
	tcase_add_test(tcase, test_no_canvas_at_all);
	return unit_run("screen_canvas", tcase);
}
