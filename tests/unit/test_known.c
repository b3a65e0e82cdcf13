/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "known.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scratch.h"
#include "unit.h"

static struct vqi_known_layout layouts[2];
static struct vqi_known_layouts known = {.all = layouts, .count = 2};
static struct vqi_image image;

static int make_file(const char *name)
{
	int fd = open(scratch_path(name), O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	ck_assert_int_ge(fd, 0);
	return fd;
}

static void know(struct vqi_known_layout *layout, int fd, const char *build_id)
{
	struct stat status;

	ck_assert_int_eq(fstat(fd, &status), 0);
	layout->dev = status.st_dev;
	layout->inode = status.st_ino;
	snprintf(layout->build_id, sizeof(layout->build_id), "%s", build_id);
}

static void setup(void)
{
	int other;

	scratch_make();
	image = (struct vqi_image){.fd = make_file("a"), .build_id = (char *)"abcd"};
	other = make_file("b");
	know(&layouts[0], other, "abcd");
	know(&layouts[1], image.fd, "abcd");
	close(other);
}

static void teardown(void)
{
	close(image.fd);
	scratch_remove();
}

START_TEST(test_same_file)
{
	ck_assert_ptr_eq(vqi_known_layout(&known, &image), &layouts[1].layout);
}
END_TEST

/* Of another file the layout is another's, whatever build it says it is. */
START_TEST(test_other_file)
{
	layouts[1].inode++;
	ck_assert_ptr_null(vqi_known_layout(&known, &image));
	layouts[1].inode--;
	layouts[1].dev++;
	ck_assert_ptr_null(vqi_known_layout(&known, &image));
}
END_TEST

/* The file of that number may have been replaced by another. */
START_TEST(test_other_build)
{
	image.build_id = (char *)"abce";
	ck_assert_ptr_null(vqi_known_layout(&known, &image));
	image.build_id = NULL;
	ck_assert_ptr_null(vqi_known_layout(&known, &image));
	layouts[1].build_id[0] = '\0';
	ck_assert_ptr_eq(vqi_known_layout(&known, &image), &layouts[1].layout);
}
END_TEST

START_TEST(test_nothing_known)
{
	const struct vqi_known_layouts none = {0};

	ck_assert_ptr_null(vqi_known_layout(&none, &image));
	ck_assert_ptr_null(vqi_known_layout(NULL, &image));
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("known");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_same_file);
	tcase_add_test(tcase, test_other_file);
	tcase_add_test(tcase, test_other_build);
	tcase_add_test(tcase, test_nothing_known);
	return unit_run("known", tcase);
}
