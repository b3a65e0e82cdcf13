/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <check.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "process_private.h"
#include "target_process.h"
#include "unit.h"
#include "vqi/limits.h"

static struct vqi_maps maps;

static void teardown_maps(void)
{
	vqi_maps_done(&maps);
}

static struct vqi_error *parse(const char *text)
{
	return vqi_maps_parse(text, strlen(text), &maps);
}

START_TEST(test_line)
{
	const struct vqi_map *map;

	ck_assert_ok(
		parse("7f12-8000 r-xp 00002000 fd:1a 1234567                    /usr/bin/qemu\n"));
	ck_assert_uint_eq(maps.count, 1);
	map = &maps.maps[0];
	ck_assert_uint_eq(map->start, 0x7f12);
	ck_assert_uint_eq(map->end, 0x8000);
	ck_assert_uint_eq(map->offset, 0x2000);
	ck_assert_uint_eq(map->dev, makedev(0xfd, 0x1a));
	ck_assert_uint_eq(map->inode, 1234567);
	ck_assert(map->readable && !map->writable && map->executable);
	ck_assert_str_eq(map->path, "/usr/bin/qemu");
}
END_TEST

START_TEST(test_no_path)
{
	ck_assert_ok(parse("1000-2000 -w-s 00000000 00:00 0 \n2000-3000 rw-p 0 00:00 0"));
	ck_assert_uint_eq(maps.count, 2);
	ck_assert_ptr_null(maps.maps[0].path);
	ck_assert(!maps.maps[0].readable && maps.maps[0].writable);
	ck_assert_ptr_null(maps.maps[1].path);
	ck_assert_uint_eq(maps.maps[1].end, 0x3000);
}
END_TEST

START_TEST(test_nothing)
{
	ck_assert_ok(parse(""));
	ck_assert_uint_eq(maps.count, 0);
}
END_TEST

static const char *const paths[] = {
	"/a b  c",
	"/x\\012y",
	"/tmp/qemu (deleted)",
	"/[aio] (deleted)",
	"anon_inode:kvm-vcpu:0",
	"[heap]",
	"[anon:a thing]",
	"/memfd:ram0 (deleted)",
	"/\xc3\xbc\x1b",
};

START_TEST(test_path)
{
	char text[256];

	snprintf(text, sizeof(text), "1000-2000 rw-p 00000000 00:00 5      %s\n", paths[_i]);
	ck_assert_ok(parse(text));
	ck_assert_uint_eq(maps.count, 1);
	ck_assert_str_eq(maps.maps[0].path, paths[_i]);
}
END_TEST

static const char *const bad_lines[] = {
	"\n",
	"x",
	"1000-2000",
	"1000-2000 rw-p",
	"1000-2000 rwzp 0 00:00 0",
	"1000-2000 rw-q 0 00:00 0",
	"1000 2000 rw-p 0 00:00 0",
	"2000-1000 rw-p 0 00:00 0",
	"1000-1000 rw-p 0 00:00 0",
	"1000-2000 rw-p 0 00:00 x",
	"1000-2000 rw-p 0 0000 0",
	"-2000 rw-p 0 00:00 0",
	"1000-10000000000000000 rw-p 0 00:00 0",
	"1000-2000 rw-p 0 00:00 99999999999999999999",
	"1000-2000 rw-p 0 00:00 0 ok\n3000-",
};

START_TEST(test_bad_line)
{
	maps.count = 0;
	ck_assert_code(parse(bad_lines[_i]), VQI_ERROR_BAD_DATA);
	ck_assert_uint_eq(maps.count, 0);
	ck_assert_ptr_null(maps.maps);
}
END_TEST

/* Each prefix of the text is parsed or refused, and never read beyond. */
START_TEST(test_cut_short)
{
	static const char text[] = "1000-2000 rw-p 00003000 00:00 7 /x\n2000-3000 rw-p 0 00:00 0\n";

	for (size_t len = 0; len < sizeof(text); len++) {
		vqi_cleanup_free char *exact = malloc(len ? len : 1);
		struct vqi_maps part = {0};

		memcpy(exact, text, len);
		vqi_error_free(vqi_maps_parse(exact, len, &part));
		ck_assert_uint_le(part.count, 2);
		vqi_maps_done(&part);
	}
}
END_TEST

/* Mappings that were merged while the file was read. */
START_TEST(test_overlap)
{
	ck_assert_ok(parse("1000-2000 r--p 00000000 08:01 5 /x\n"
			   "1000-4000 r--p 00000000 08:01 5 /x\n"
			   "3000-4000 r--p 00002000 08:01 5 /x\n"
			   "3000-5000 rw-p 00000000 00:00 0\n"));
	ck_assert_uint_eq(maps.count, 3);
	ck_assert_uint_eq(maps.maps[1].start, 0x2000);
	ck_assert_uint_eq(maps.maps[1].end, 0x4000);
	ck_assert_uint_eq(maps.maps[1].offset, 0x1000);
	ck_assert_uint_eq(maps.maps[2].start, 0x4000);
	ck_assert_uint_eq(maps.maps[2].offset, 0);
}
END_TEST

/* --- of a process -------------------------------------------------------------------------- */

static struct test_target target;
static struct vqi_process *process;
static char directory[64], odd_path[128];

static void setup(void)
{
	int fd;

	strcpy(directory, "/tmp/vqi-maps-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(odd_path, sizeof(odd_path), "%s/odd\nname (deleted)", directory);
	fd = creat(odd_path, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, "odd", 3), 3);
	close(fd);
	vqi_target_start(&target);
	ck_assert_ok(vqi_process_open(target.pid, &process));
}

static void teardown(void)
{
	teardown_maps();
	vqi_process_close(process);
	vqi_target_end(&target);
	unlink(odd_path);
	rmdir(directory);
}

static const struct vqi_map *map_at(uint64_t addr)
{
	for (size_t i = 0; i < maps.count; i++)
		if (maps.maps[i].start <= addr && addr < maps.maps[i].end)
			return &maps.maps[i];
	ck_abort_msg("nothing is mapped at 0x%llx", (unsigned long long)addr);
}

START_TEST(test_live)
{
	uint64_t edge = vqi_target_ask(&target, "edge");
	uint64_t odd = vqi_target_ask(&target, "map %s/odd\\nname (deleted)", directory);
	uint64_t memfd = vqi_target_ask(&target, "memfd [aio]");
	uint64_t unreadable = vqi_target_ask(&target, "unreadable");
	const struct vqi_map *map;
	struct stat st;

	ck_assert_ok(vqi_process_maps(process, &maps));
	map = map_at(edge);
	ck_assert(map->readable && map->writable && !map->executable);
	ck_assert_uint_eq(map->inode, 0);
	map = map_at(odd);
	ck_assert_int_eq(stat(odd_path, &st), 0);
	ck_assert_uint_eq(map->inode, st.st_ino);
	ck_assert_ptr_nonnull(strstr(map->path, "/odd\\012name (deleted)"));
	ck_assert(map->readable && !map->writable);
	ck_assert_str_eq(map_at(memfd)->path, "/memfd:[aio] (deleted)");
	ck_assert(!map_at(unreadable)->readable);
}
END_TEST

START_TEST(test_many)
{
	uint64_t stripes = vqi_target_ask(&target, "stripes 20000");
	uint64_t wanted = stripes;

	ck_assert_ok(vqi_process_maps(process, &maps));
	ck_assert_uint_gt(maps.count, 19990);
	for (size_t i = 1; i < maps.count; i++)
		ck_assert_uint_le(maps.maps[i - 1].end, maps.maps[i].start);
	/* The first and the last can be merged with neighbours. */
	for (int i = 1; i < 19999; i++) {
		wanted += 4096;
		if (map_at(wanted)->start != wanted)
			ck_abort_msg("no mapping starts at page %d", i);
	}
}
END_TEST

START_TEST(test_gone)
{
	vqi_target_end(&target);
	ck_assert_code(vqi_process_maps(process, &maps), VQI_ERROR_GONE);
	ck_assert_uint_eq(maps.count, 0);
}
END_TEST

static TCase *live_case(void)
{
	TCase *tcase = tcase_create("live");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, test_live);
	tcase_add_test(tcase, test_many);
	tcase_add_test(tcase, test_gone);
	return tcase;
}

int main(void)
{
	TCase *tcase = tcase_create("parse");
	int parse_failed;

	tcase_add_checked_fixture(tcase, NULL, teardown_maps);
	tcase_add_test(tcase, test_line);
	tcase_add_test(tcase, test_no_path);
	tcase_add_test(tcase, test_nothing);
	tcase_add_loop_test(tcase, test_path, 0, sizeof(paths) / sizeof(paths[0]));
	tcase_add_loop_test(tcase, test_bad_line, 0, sizeof(bad_lines) / sizeof(bad_lines[0]));
	tcase_add_test(tcase, test_cut_short);
	tcase_add_test(tcase, test_overlap);
	parse_failed = unit_run("maps", tcase);
	return unit_run("maps of a process", live_case()) | parse_failed;
}
