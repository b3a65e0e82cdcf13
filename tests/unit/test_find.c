/* SPDX-License-Identifier: GPL-2.0-or-later */
/* On a folder that looks like /proc. Its processes do not exist: who opens one of them finds nothing. */
#include "find.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scratch.h"
#include "unit.h"
#include "vqi/limits.h"

static struct vqi_candidates found;

static void teardown(void)
{
	vqi_candidates_done(&found);
	scratch_remove();
}

static const char *path_of(int pid, const char *file)
{
	char name[64];

	snprintf(name, sizeof(name), "%d/%s", pid, file);
	return scratch_path(name);
}

static void add(int pid, const char *words, size_t size)
{
	FILE *file;

	ck_assert_int_eq(mkdir(path_of(pid, ""), 0700), 0);
	file = fopen(path_of(pid, "cmdline"), "we");
	ck_assert_ptr_nonnull(file);
	fwrite(words, 1, size, file);
	fclose(file);
}

/* Who reads its command line waits for ever. */
static void add_stubborn(int pid, const char *exe)
{
	ck_assert_int_eq(mkdir(path_of(pid, ""), 0700), 0);
	ck_assert_int_eq(mkfifo(path_of(pid, "cmdline"), 0600), 0);
	ck_assert_int_eq(symlink(exe, path_of(pid, "exe")), 0);
}

static struct vqi_error *find(unsigned int wait_s)
{
	vqi_cleanup_fd int fd = open(scratch_path("."), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return vqi_find_candidates(fd, wait_s, &found);
}

START_TEST(test_nothing)
{
	ck_assert_ok(find(60));
	ck_assert_uint_eq(found.count, 0);
}
END_TEST

/* All that the child has found arrives here. */
START_TEST(test_all)
{
	static const char web[] = "/bin/qemu-kvm\0-name\0web1", bare[] = "kvm-tool\0-machine\0q35",
			  other[] = "sleep\0infinity";

	add(5, web, sizeof(web));
	add(6, other, sizeof(other));
	add(7, bare, sizeof(bare));
	ck_assert_int_eq(symlink(scratch_path("."), path_of(5, "exe")), 0);
	ck_assert_ok(find(60));
	ck_assert_uint_eq(found.count, 2);
	ck_assert_int_eq(found.all[0].pid, 7);
	ck_assert_str_eq(found.all[0].program, "kvm-tool");
	ck_assert_ptr_null(found.all[0].vm_name);
	ck_assert(!found.all[0].is_plain);
	ck_assert_uint_eq(found.all[0].inode, 0);
	ck_assert_int_eq(found.all[1].pid, 5);
	ck_assert_str_eq(found.all[1].program, "qemu-kvm");
	ck_assert_str_eq(found.all[1].vm_name, "web1");
	ck_assert(found.all[1].is_plain);
	ck_assert_uint_ne(found.all[1].inode, 0);
}
END_TEST

/* One that keeps who looks at it waiting does not hide the others, and is not lost itself. */
START_TEST(test_stubborn)
{
	static const char web[] = "/bin/qemu-kvm\0-name\0web1";

	add(5, web, sizeof(web));
	add_stubborn(6, "/usr/bin/qemu-system-x86_64");
	add_stubborn(7, "/usr/bin/sleep");
	ck_assert_ok(find(1));
	ck_assert_uint_eq(found.count, 2);
	ck_assert_int_eq(found.all[0].pid, 6);
	ck_assert_str_eq(found.all[0].program, "qemu-system-x86_64");
	ck_assert_int_eq(found.all[1].pid, 5);
	ck_assert_str_eq(found.all[1].vm_name, "web1");
}
END_TEST

START_TEST(test_too_many_are_stubborn)
{
	for (int i = 0; i < VQI_MAX_STUBBORN; i++)
		add_stubborn(10 + i, "/usr/bin/sleep");
	ck_assert_code_text(find(1), VQI_ERROR_BAD_DATA, "do not let their command lines be read");
}
END_TEST

START_TEST(test_no_procfs)
{
	ck_assert_code(vqi_find_candidates(-1, 60, &found), VQI_ERROR_BAD_DATA);
	ck_assert_uint_eq(found.count, 0);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("find");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, scratch_make, teardown);
	tcase_add_test(tcase, test_nothing);
	tcase_add_test(tcase, test_all);
	tcase_add_test(tcase, test_stubborn);
	tcase_add_test(tcase, test_too_many_are_stubborn);
	tcase_add_test(tcase, test_no_procfs);
	return unit_run("find", tcase);
}
