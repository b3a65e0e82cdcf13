/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every place where libdwfl looks for a debug file, and those where it does not. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dwarf_private.h"
#include "scratch.h"
#include "unit.h"

static const unsigned char id[] = {0x0a, 0xb1, 0xc2};

static void make(const char *name)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s", scratch_path(name));
	for (char *at = strchr(path + 5, '/'); at; at = strchr(at + 1, '/')) { /* below /tmp */
		*at = '\0';
		mkdir(path, 0700);
		*at = '/';
	}
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	close(fd);
}

static bool may_be(const char *name)
{
	vqi_cleanup_free char *search_path = NULL;
	struct vqi_dwarf_place place = {
		.path = scratch_path("usr/bin/qemu"),
		.name = name,
		.build_id = id,
		.build_id_len = sizeof(id),
	};

	ck_assert_int_gt(asprintf(&search_path, "+:.debug:%s:%s", scratch_path("debug"),
				  scratch_path("root/debug")),
			 0);
	place.search_path = search_path;
	return vqi_dwarf_may_be_here(&place);
}

/* The folder of the program below a folder of debug files. */
static void make_below(const char *debug)
{
	char name[512];

	snprintf(name, sizeof(name), "%s%s/q.debug", debug, scratch_path("usr/bin"));
	make(name);
}

START_TEST(test_places)
{
	static const char *const places[] = {
		"usr/bin/q.debug",
		"usr/bin/.debug/q.debug",
		"debug/q.debug",
		"debug/bin/q.debug",
		"debug/usr/bin/q.debug",
		"root/debug/usr/bin/q.debug",
		"debug/.build-id/0a/b1c2.debug",
		"root/debug/.build-id/0a/b1c2.debug",
	};

	make("usr/bin/qemu");
	ck_assert(!may_be("q.debug"));
	make(places[_i]);
	ck_assert(may_be("q.debug"));
	unlink(scratch_path(places[_i]));
	ck_assert(!may_be("q.debug"));
}
END_TEST

START_TEST(test_whole_path)
{
	make("usr/bin/qemu");
	make_below("debug");
	ck_assert(may_be("q.debug"));
}
END_TEST

START_TEST(test_other_places)
{
	make("usr/bin/qemu");
	make("debug/.build-id/0a/b1c3.debug");
	make("debug/.build-id/0a/b1c2");
	make("debug/usr/q.debug");
	make("usr/q.debug");
	make("other/bin/q.debug");
	make("root/q.debug");
	ck_assert(!may_be("q.debug"));
}
END_TEST

/* The program's path is a link. */
START_TEST(test_real_path)
{
	make("elsewhere/qemu");
	make("elsewhere/q.debug");
	make("usr/bin/x");
	ck_assert_int_eq(symlink(scratch_path("elsewhere/qemu"), scratch_path("usr/bin/qemu")), 0);
	ck_assert(may_be("q.debug"));
	ck_assert(!may_be("r.debug"));
}
END_TEST

/* libdwfl is asked then. */
START_TEST(test_cannot_be_told)
{
	char long_name[5000];

	memset(long_name, 'x', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = '\0';
	make("usr/bin/qemu");
	ck_assert(may_be("../x"));
	ck_assert(may_be(long_name));
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("dwarf_place");

	tcase_add_checked_fixture(tcase, scratch_make, scratch_remove);
	tcase_add_loop_test(tcase, test_places, 0, 8);
	tcase_add_test(tcase, test_whole_path);
	tcase_add_test(tcase, test_other_places);
	tcase_add_test(tcase, test_real_path);
	tcase_add_test(tcase, test_cannot_be_told);
	return unit_run("dwarf_place", tcase);
}
