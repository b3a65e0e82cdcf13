/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <check.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "process_private.h"
#include "target_process.h"
#include "unit.h"

#define NOBODY 65534

static struct test_target target;
static struct vqi_process *process;
static struct vqi_maps maps;
static char directory[64], path[128];
static int fd;

static void write_file(const char *name, const char *text)
{
	vqi_cleanup_fd int out = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	ck_assert_int_ge(out, 0);
	ck_assert_int_eq(write(out, text, strlen(text)), (ssize_t)strlen(text));
}

/* maps shows both as "one\\012two". In a command, \n stands for a newline. */
static const struct {
	const char *name, *in_command;
} names[] = {{"one\ntwo", "one\\ntwo"}, {"one\\012two", "one\\012two"}};

static void setup(void)
{
	strcpy(directory, "/tmp/vqi-mapped-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	ck_assert_int_eq(chmod(directory, 0755), 0);
	vqi_target_start(&target);
	ck_assert_ok(vqi_process_open(target.pid, &process));
	fd = -1;
}

static void teardown(void)
{
	if (fd >= 0)
		close(fd);
	vqi_maps_done(&maps);
	vqi_process_close(process);
	vqi_target_end(&target);
	unlink(path);
	rmdir(directory);
}

static const struct vqi_map *map_at(uint64_t addr)
{
	vqi_maps_done(&maps);
	ck_assert_ok(vqi_process_maps(process, &maps));
	for (size_t i = 0; i < maps.count; i++)
		if (maps.maps[i].start <= addr && addr < maps.maps[i].end)
			return &maps.maps[i];
	ck_abort_msg("nothing is mapped at 0x%llx", (unsigned long long)addr);
}

/* Makes a file and has the target map it. */
static uint64_t map_new_file(int name)
{
	snprintf(path, sizeof(path), "%s/%s", directory, names[name].name);
	write_file(path, "old");
	return vqi_target_ask(&target, "map %s/%s", directory, names[name].in_command);
}

static void check_contents(const char *wanted)
{
	char text[64] = "";

	ck_assert_int_ge(fd, 0);
	ck_assert_int_ge(pread(fd, text, sizeof(text) - 1, 0), 0);
	ck_assert_str_eq(text, wanted);
	ck_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
}

START_TEST(test_file)
{
	uint64_t addr = map_new_file(_i);

	ck_assert_ok(vqi_process_open_mapped(process, map_at(addr), &fd));
	check_contents("old");
}
END_TEST

/* What is mapped, not what has that name by now. */
START_TEST(test_replaced)
{
	uint64_t addr = map_new_file(_i);

	ck_assert_int_eq(unlink(path), 0);
	write_file(path, "new");
	ck_assert_ok(vqi_process_open_mapped(process, map_at(addr), &fd));
	check_contents("old");
}
END_TEST

START_TEST(test_exe)
{
	const struct vqi_map *map = NULL;
	struct stat ours, theirs;

	ck_assert_ok(vqi_process_maps(process, &maps));
	for (size_t i = 0; i < maps.count && !map; i++)
		if (maps.maps[i].path && strstr(maps.maps[i].path, "/test-target"))
			map = &maps.maps[i];
	ck_assert_ptr_nonnull(map);
	ck_assert_ok(vqi_process_open_mapped(process, map, &fd));
	ck_assert_int_eq(fstat(fd, &ours), 0);
	ck_assert_int_eq(stat(vqi_target_path(), &theirs), 0);
	ck_assert_uint_eq(ours.st_ino, theirs.st_ino);
}
END_TEST

START_TEST(test_no_file)
{
	uint64_t edge = vqi_target_ask(&target, "edge");

	ck_assert_code(vqi_process_open_mapped(process, map_at(edge), &fd), VQI_ERROR_BAD_DATA);
	ck_assert_int_eq(fd, -1);
}
END_TEST

START_TEST(test_device_is_not_opened)
{
	struct vqi_map map = {.start = 1, .end = 2, .inode = 3, .path = (char *)"/dev/null"};

	ck_assert_code(vqi_process_open_mapped(process, &map, &fd), VQI_ERROR_UNSUPPORTED);
	ck_assert_int_eq(fd, -1);
}
END_TEST

START_TEST(test_gone)
{
	struct vqi_map map = *map_at(map_new_file(0));

	vqi_target_end(&target);
	ck_assert_code(vqi_process_open_mapped(process, &map, &fd), VQI_ERROR_GONE);
}
END_TEST

/* What a process without privileges, to which map_files is closed, finds: 0 the file with the
 * contents wanted, 1 that it was replaced. */
static int look_as_nobody(uint64_t addr, const char *wanted)
{
	vqi_cleanup_process struct vqi_process *ours = NULL;
	vqi_cleanup_error struct vqi_error *error = NULL;
	vqi_cleanup_fd int opened = -1;
	struct vqi_map *map;
	char text[64] = "";

	if (setresgid(NOBODY, NOBODY, NOBODY) != 0 || setresuid(NOBODY, NOBODY, NOBODY) != 0)
		return 7;
	error = vqi_process_open(target.pid, &ours);
	if (error)
		return 6;
	vqi_maps_done(&maps);
	error = vqi_process_maps(ours, &maps);
	if (error)
		return 5;
	for (map = maps.maps; map < maps.maps + maps.count && map->start != addr; map++)
		;
	if (map == maps.maps + maps.count)
		return 4;
	error = vqi_process_open_mapped(ours, map, &opened);
	if (error)
		return error->code == VQI_ERROR_UNSUPPORTED ? 1 : 3;
	return pread(opened, text, sizeof(text) - 1, 0) > 0 && strcmp(text, wanted) == 0 ? 0 : 2;
}

static int open_as_nobody(uint64_t addr, const char *wanted)
{
	pid_t child = fork();
	int status;

	ck_assert_int_ge(child, 0);
	if (child == 0) {
		int result = look_as_nobody(addr, wanted);

		vqi_maps_done(&maps);
		vqi_process_close(process);
		_exit(result);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

START_TEST(test_unprivileged)
{
	uint64_t addr;

	if (geteuid() != 0)
		return; /* only root can become someone else */
	addr = map_new_file(_i);
	ck_assert_uint_eq(vqi_target_ask(&target, "setuid %d", NOBODY), 1);
	ck_assert_uint_eq(vqi_target_ask(&target, "dumpable 1"), 1);
	ck_assert_int_eq(open_as_nobody(addr, "old"), 0);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(open_as_nobody(addr, "old"), 1);
	write_file(path, "new");
	ck_assert_int_eq(open_as_nobody(addr, "old"), 1);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("mapped");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, test_file, 0, 2);
	tcase_add_loop_test(tcase, test_replaced, 0, 2);
	tcase_add_test(tcase, test_exe);
	tcase_add_test(tcase, test_no_file);
	tcase_add_test(tcase, test_device_is_not_opened);
	tcase_add_test(tcase, test_gone);
	tcase_add_loop_test(tcase, test_unprivileged, 0, 2);
	return unit_run("mapped", tcase);
}
