/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Texts, links and lists of a process. */
#include "vqi/process.h"

#include <check.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "process_private.h"
#include "target_process.h"
#include "unit.h"

static struct test_target target;
static struct vqi_process *process;

static void setup(void)
{
	vqi_target_start(&target);
	process = NULL;
}

static void teardown(void)
{
	vqi_process_close(process);
	vqi_target_end(&target);
}

START_TEST(test_read_file)
{
	vqi_cleanup_free char *text = NULL;
	size_t len = 0;

	ck_assert_ok(vqi_process_open(target.pid, &process));
	ck_assert_ok(vqi_process_read_file(process, "comm", 64, &text, &len));
	ck_assert_str_eq(text, "test-target\n");
	ck_assert_uint_eq(len, 12);
}
END_TEST

START_TEST(test_read_file_limit)
{
	char *text = NULL;

	ck_assert_ok(vqi_process_open(target.pid, &process));
	ck_assert_code(vqi_process_read_file(process, "comm", 11, &text, NULL), VQI_ERROR_LIMIT);
	ck_assert_code(vqi_process_read_file(process, "comm", 0, &text, NULL), VQI_ERROR_LIMIT);
	ck_assert_ptr_null(text);
	ck_assert_ok(vqi_process_read_file(process, "comm", 12, &text, NULL));
	ck_assert_str_eq(text, "test-target\n");
	free(text);
}
END_TEST

START_TEST(test_read_file_long)
{
	vqi_cleanup_free char *text = NULL;
	size_t len;

	vqi_target_ask(&target, "stripes 2000");
	ck_assert_ok(vqi_process_open(target.pid, &process));
	ck_assert_ok(vqi_process_read_file(process, "maps", 1 << 20, &text, &len));
	ck_assert_uint_gt(len, 2000 * 40);
	ck_assert_uint_eq(len, strlen(text));
	ck_assert_int_eq(text[len - 1], '\n');
}
END_TEST

START_TEST(test_read_file_missing)
{
	char *text = NULL;

	ck_assert_ok(vqi_process_open(target.pid, &process));
	ck_assert_code(vqi_process_read_file(process, "no-such", 64, &text, NULL), VQI_ERROR_SYS);
	/* A thread that has ended. */
	ck_assert_code(vqi_process_read_file(process, "task/4194304/stat", 64, &text, NULL),
		       VQI_ERROR_GONE);
	ck_assert_ptr_null(text);
}
END_TEST

START_TEST(test_exe_path)
{
	vqi_cleanup_free char *path = NULL, *wanted = realpath(vqi_target_path(), NULL);

	ck_assert_ok(vqi_process_open(target.pid, &process));
	ck_assert_ok(vqi_process_exe_path(process, &path));
	ck_assert_str_eq(path, wanted);
}
END_TEST

static void copy_file(const char *from, const char *to)
{
	vqi_cleanup_fd int in = open(from, O_RDONLY | O_CLOEXEC);
	vqi_cleanup_fd int out = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	char buf[65536];
	ssize_t got;

	ck_assert_int_ge(in, 0);
	ck_assert_int_ge(out, 0);
	while ((got = read(in, buf, sizeof(buf))) > 0)
		ck_assert_int_eq(write(out, buf, (size_t)got), got);
	ck_assert_int_eq(got, 0);
}

/* Starts the target from a file of this name, deletes the file if wanted, and looks. */
static void check_exe_path(const char *name, bool deleted)
{
	vqi_cleanup_free char *path = NULL;
	char directory[] = "/tmp/vqi-exe-XXXXXX", file[128];
	struct test_target copy;

	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(file, sizeof(file), "%s/%s", directory, name);
	copy_file(vqi_target_path(), file);
	vqi_target_start_file(&copy, file);
	if (deleted)
		ck_assert_int_eq(unlink(file), 0);
	ck_assert_ok(vqi_process_open(copy.pid, &process));
	ck_assert_ok(vqi_process_exe_path(process, &path));
	unlink(file);
	rmdir(directory);
	vqi_target_end(&copy);
	ck_assert_str_eq(path, file);
}

START_TEST(test_exe_path_deleted)
{
	check_exe_path("qemu", true);
}
END_TEST

START_TEST(test_exe_path_called_deleted)
{
	check_exe_path("qemu (deleted)", false);
}
END_TEST

START_TEST(test_exe_path_called_deleted_and_deleted)
{
	check_exe_path("qemu (deleted)", true);
}
END_TEST

START_TEST(test_list)
{
	vqi_cleanup_free int *numbers = NULL;
	vqi_cleanup_fd int folder = -1;
	vqi_cleanup_free char *link = NULL;
	size_t count = 0;

	ck_assert_ok(vqi_process_open(target.pid, &process));
	ck_assert_ok(vqi_process_list(process, "task", 1, &numbers, &count));
	ck_assert_uint_eq(count, 1);
	ck_assert_int_eq(numbers[0], target.pid);
	ck_assert_uint_gt(vqi_target_ask(&target, "read"), 0);
	ck_assert_code_text(vqi_process_list(process, "task", 1, &numbers, &count), VQI_ERROR_LIMIT,
			    "more than 1 entries in task");
	ck_assert_code(vqi_process_list(process, "nothing", 1, &numbers, &count), VQI_ERROR_SYS);
	ck_assert_ok(vqi_process_read_link(process, "exe", &link));
	ck_assert_code(vqi_process_read_link(process, "fd/9999", &link), VQI_ERROR_SYS);
	ck_assert_ok(vqi_process_open_file(process, "task", O_DIRECTORY, &folder));
	ck_assert_code(vqi_process_open_file(process, "status", O_DIRECTORY, &folder),
		       VQI_ERROR_SYS);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("process_files");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_read_file);
	tcase_add_test(tcase, test_read_file_limit);
	tcase_add_test(tcase, test_read_file_long);
	tcase_add_test(tcase, test_read_file_missing);
	tcase_add_test(tcase, test_exe_path);
	tcase_add_test(tcase, test_exe_path_deleted);
	tcase_add_test(tcase, test_exe_path_called_deleted);
	tcase_add_test(tcase, test_exe_path_called_deleted_and_deleted);
	tcase_add_test(tcase, test_list);
	return unit_run("process_files", tcase);
}
