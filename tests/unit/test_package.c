/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whose package a file is, below a root directory that anybody can have filled. */
#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "root.h"
#include "scratch.h"
#include "target_process.h"
#include "unit.h"
#include "vqi/process.h"

static int root_fd;

static void write_file(const char *name, const char *text)
{
	vqi_cleanup_file FILE *file = fopen(scratch_path(name), "we");

	ck_assert_ptr_nonnull(file);
	fputs(text, file);
}

static const char status[] =
	"Package: qemu-utils\nStatus: install ok installed\nVersion: 1\n\n"
	"Package: qemu-system-x86\nStatus: install ok installed\n"
	"Architecture: amd64\nDescription: a\n Version: 3\nVersion: 1:7.2+dfsg-7\n\n"
	"Package: lib.x\nArchitecture: i386\nVersion: 5\n\n"
	"Package: lib.x\nArchitecture: amd64\nVersion: 6";

static void setup(void)
{
	static const char *const folders[] = {"var", "var/lib", "var/lib/dpkg", "var/lib/dpkg/info",
					      "elsewhere"};

	scratch_make();
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		ck_assert_int_eq(mkdir(scratch_path(folders[i]), 0755), 0);
	write_file("var/lib/dpkg/status", status);
	write_file("var/lib/dpkg/info/qemu-utils.list",
		   "/.\n/usr/bin/qemu-system-x86_64-not\n/x/usr/bin/qemu-system-x86_64\n");
	write_file("var/lib/dpkg/info/qemu-system-x86.list",
		   "/.\n/usr/bin/qemu-system-x86_64\n/usr/bin/last");
	write_file("var/lib/dpkg/info/lib.x:amd64.list", "/usr/lib/x\n");
	write_file("var/lib/dpkg/info/none.list", "/usr/lib/none\n");
	write_file("var/lib/dpkg/info/notes.txt", "/usr/lib/y\n");
	root_fd = open(scratch_path("."), O_PATH | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(root_fd, 0);
}

static void teardown(void)
{
	close(root_fd);
	scratch_remove();
}

static void check_package(const char *path, const char *wanted)
{
	vqi_cleanup_free char *package = vqi_root_package(root_fd, path);

	ck_assert_pstr_eq(package, wanted);
}

START_TEST(test_owner)
{
	check_package("/usr/bin/qemu-system-x86_64", "qemu-system-x86 1:7.2+dfsg-7");
	check_package("/usr/bin/last", "qemu-system-x86 1:7.2+dfsg-7");
	check_package("/usr/lib/x", "lib.x:amd64 6");
	check_package("/usr/lib/none", "none"); /* without a version */
	check_package("/usr/lib/y", NULL);
	check_package("/usr/bin/qemu", NULL);
	check_package("usr/bin/qemu-system-x86_64", NULL);
}
END_TEST

/* Neither a list nor the database itself is read elsewhere, or waited for. */
START_TEST(test_odd_files)
{
	const char *list = scratch_path("var/lib/dpkg/info/qemu-system-x86.list");

	ck_assert_int_eq(rename(list, scratch_path("elsewhere/list")), 0);
	ck_assert_int_eq(symlink("/elsewhere/list", list), 0);
	check_package("/usr/bin/qemu-system-x86_64", NULL);
	ck_assert_int_eq(unlink(list), 0);
	ck_assert_int_eq(mkfifo(list, 0644), 0);
	check_package("/usr/bin/qemu-system-x86_64", NULL);
}
END_TEST

/* A link in the path leads below the root directory. */
START_TEST(test_links)
{
	const char *below = scratch_path("var/lib/dpkg/status");

	ck_assert_int_eq(rename(below, scratch_path("elsewhere/status")), 0);
	ck_assert_int_eq(symlink("/elsewhere/status", below), 0);
	check_package("/usr/bin/last", "qemu-system-x86 1:7.2+dfsg-7");
	ck_assert_int_eq(unlink(below), 0);
	ck_assert_int_eq(symlink("/etc/passwd", below), 0); /* of this very host */
	check_package("/usr/bin/last", "qemu-system-x86");
}
END_TEST

START_TEST(test_no_database)
{
	ck_assert_int_eq(rename(scratch_path("var"), scratch_path("rav")), 0);
	check_package("/usr/bin/last", NULL);
}
END_TEST

static struct vqi_error *read_scratch(struct vqi_process *process, const char *name,
				      char **ret_text)
{
	char path[1200];

	snprintf(path, sizeof(path), "root/%s", scratch_path(name));
	return vqi_process_read_file(process, path, 4096, ret_text, NULL);
}

/* The root directory of a process that shares ours. */
START_TEST(test_process)
{
	vqi_cleanup_process struct vqi_process *process = NULL;
	vqi_cleanup_free char *package = NULL, *text = NULL;
	struct test_target target;

	vqi_target_start(&target);
	ck_assert_ok(vqi_process_open(target.pid, &process));
	ck_assert_ok(vqi_process_package(process, vqi_target_path(), &package));
	ck_assert_ptr_null(package);
	ck_assert_ok(read_scratch(process, "var/lib/dpkg/status", &text));
	ck_assert_str_eq(text, status);
	ck_assert_code(read_scratch(process, "var", &text), VQI_ERROR_SYS);
	ck_assert_code(read_scratch(process, "none", &text), VQI_ERROR_SYS);
	vqi_target_end(&target);
	ck_assert_code(read_scratch(process, "var/lib/dpkg/status", &text), VQI_ERROR_GONE);
	ck_assert_code(vqi_process_package(process, "/x", &package), VQI_ERROR_GONE);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("package");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_owner);
	tcase_add_test(tcase, test_odd_files);
	tcase_add_test(tcase, test_links);
	tcase_add_test(tcase, test_no_database);
	tcase_add_test(tcase, test_process);
	return unit_run("package", tcase);
}
