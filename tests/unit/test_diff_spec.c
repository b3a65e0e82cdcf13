/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "diff.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scratch.h"
#include "unit.h"

static struct vqi_diff_spec spec;

static void make(const char *name)
{
	int fd = open(scratch_path(name), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	ck_assert_int_ge(fd, 0);
	close(fd);
}

static void setup(void)
{
	scratch_make();
	make("core");
	make("core:1");
}

static void teardown(void)
{
	vqi_diff_spec_done(&spec);
	scratch_remove();
}

/* What follows the folder, and what it means. */
static const struct {
	const char *text, *file, *device;
	int queue; /* -1: none */
} good[] = {
	{"core", "core", NULL, -1},
	{"core:blk0", "core", "blk0", -1},
	{"core:blk0:3", "core", "blk0", 3},
	{"core:0000:00:03.0", "core", "0000:00:03.0", -1},
	{"core:0000:00:03.0:12", "core", "0000:00:03.0", 12},
	{"core:1", "core:1", NULL, -1}, /* there is such a file */
	{"core:1:blk0:0", "core:1", "blk0", 0},
	{"core:net0:99999", "core", "net0:99999", -1},
	{"core:blk0:", "core", "blk0:", -1},
};

START_TEST(test_parse)
{
	const char *file = scratch_path(good[_i].file);

	ck_assert_ok(vqi_diff_spec_parse(scratch_path(good[_i].text), &spec));
	ck_assert_str_eq(spec.file, file);
	ck_assert_pstr_eq(spec.device, good[_i].device);
	ck_assert(vqi_num_equal(spec.queue,
				good[_i].queue < 0 ? VQI_UNKNOWN : VQI_NUM(good[_i].queue)));
}
END_TEST

static const char *const without_device[] = {"core:", "core::3"};

START_TEST(test_no_device)
{
	ck_assert_code_text(vqi_diff_spec_parse(scratch_path(without_device[_i]), &spec),
			    VQI_ERROR_USAGE, "no device follows");
}
END_TEST

/* Nobody writes into the one, and the other is a folder. */
START_TEST(test_no_regular_file)
{
	ck_assert_int_eq(mkfifo(scratch_path("fifo"), 0600), 0);
	ck_assert_code_text(vqi_diff_spec_parse(scratch_path("fifo"), &spec), VQI_ERROR_USAGE,
			    "fifo is no regular file");
	ck_assert_code_text(vqi_diff_spec_parse("/:blk0", &spec), VQI_ERROR_USAGE,
			    "/ is no regular file");
}
END_TEST

START_TEST(test_no_file)
{
	ck_assert_code_text(vqi_diff_spec_parse(scratch_path("none:blk0"), &spec), VQI_ERROR_USAGE,
			    "there is no file");
	ck_assert_code(vqi_diff_spec_parse("", &spec), VQI_ERROR_USAGE);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("diff_spec");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, test_parse, 0, (int)(sizeof(good) / sizeof(good[0])));
	tcase_add_loop_test(tcase, test_no_device, 0,
			    (int)(sizeof(without_device) / sizeof(without_device[0])));
	tcase_add_test(tcase, test_no_regular_file);
	tcase_add_test(tcase, test_no_file);
	return unit_run("diff_spec", tcase);
}
