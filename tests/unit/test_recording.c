/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A process that was recorded, and is gone. */
#include "vqi/record.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "scratch.h"
#include "target_process.h"
#include "unit.h"

static struct test_target target;
static struct vqi_process *process;
static uint64_t edge;

static void setup(void)
{
	scratch_make();
	vqi_target_start(&target);
	edge = vqi_target_ask(&target, "edge");
	ck_assert_ok(vqi_process_open(target.pid, &process));
}

static void teardown(void)
{
	vqi_process_close(take_ptr(process));
	vqi_target_end(&target);
	scratch_remove();
}

static void begin(void)
{
	const struct timespec opened = {.tv_sec = 77, .tv_nsec = 5};

	ck_assert(!vqi_process_is_recorded(process));
	ck_assert_ok(vqi_record_begin(process, &opened));
	ck_assert(vqi_process_is_recorded(process));
	ck_assert(!vqi_process_is_replay(process));
	vqi_process_begin_observer(process);
}

static void write_file(const char *path)
{
	const struct vqi_pack settings = {.data = (uint8_t *)(uintptr_t) "settings", .len = 8};

	ck_assert_ok(vqi_record_write(process, path, &settings));
}

/* From here on process is the recording, and its target is no more. */
static void replay(void)
{
	vqi_cleanup(vqi_pack_done) struct vqi_pack settings = {0};
	const char *path = scratch_path("recording");
	pid_t pid = vqi_process_pid(process);
	struct stat status;

	write_file(path);
	ck_assert_int_eq(stat(path, &status), 0);
	ck_assert_uint_eq(status.st_mode & 0777, 0600);
	vqi_process_close(take_ptr(process));
	vqi_target_end(&target);
	ck_assert_ok(vqi_replay_open(path, &process, &settings));
	ck_assert_uint_eq(settings.len, 8);
	ck_assert_mem_eq(settings.data, "settings", 8);
	ck_assert_int_eq(vqi_process_pid(process), pid);
	ck_assert(vqi_process_is_replay(process));
	ck_assert_int_eq(vqi_process_dirfd(process), -1);
	ck_assert_ok(vqi_process_check(process));
}

static uint8_t byte_at(uint64_t address)
{
	uint8_t byte;

	ck_assert_ok(vqi_mem_read(vqi_process_mem(process), address, &byte, 1));
	return byte;
}

static void check_file(const char *name, const char *expected)
{
	vqi_cleanup_free char *text = NULL;
	size_t len;

	ck_assert_ok(vqi_process_read_file(process, name, 4096, &text, &len));
	ck_assert_str_eq(text, expected);
	ck_assert_uint_eq(len, strlen(expected));
}

/* ---- one look ---- */

START_TEST(test_memory)
{
	uint8_t before[64], after[64];
	struct vqi_range ranges[] = {
		{.addr = edge, .buf = after, .len = sizeof(after)},
		{.addr = 8, .buf = &(uint8_t){0}, .len = 1},
		{.addr = edge, .buf = NULL, .len = 0},
	};

	begin();
	ck_assert_ok(vqi_mem_read(vqi_process_mem(process), edge, before, sizeof(before)));
	ck_assert_code(vqi_mem_read(vqi_process_mem(process), 8, before, 1), VQI_ERROR_FAULT);
	replay();
	ck_assert_ok(vqi_mem_readv(vqi_process_mem(process), ranges, 3));
	ck_assert(ranges[0].ok);
	ck_assert(!ranges[1].ok);
	ck_assert(ranges[2].ok);
	ck_assert_mem_eq(before, after, sizeof(before));
	/* Of what was read in other pieces. */
	ck_assert_uint_eq(byte_at(edge + 63), before[63]);
	ck_assert_code(vqi_mem_read(vqi_process_mem(process), edge + 32, before, 33),
		       VQI_ERROR_FAULT);
	ck_assert_code(vqi_mem_read(vqi_process_mem(process), UINT64_MAX - 1, before, 33),
		       VQI_ERROR_FAULT);
}
END_TEST

/* Pieces that adjoin, and overlap. */
START_TEST(test_memory_in_other_pieces)
{
	struct vqi_mem *mem = vqi_process_mem(process);
	uint8_t whole[100], pieces[3][50], after[100];

	ck_assert_ok(vqi_mem_read(mem, edge, whole, sizeof(whole)));
	begin();
	ck_assert_ok(vqi_mem_read(mem, edge + 50, pieces[0], 50));
	ck_assert_ok(vqi_mem_read(mem, edge, pieces[1], 40));
	ck_assert_ok(vqi_mem_read(mem, edge + 30, pieces[2], 25));
	replay();
	ck_assert_ok(vqi_mem_read(vqi_process_mem(process), edge, after, sizeof(after)));
	ck_assert_mem_eq(whole, after, sizeof(whole));
}
END_TEST

static void write_byte(uint64_t address, uint8_t byte)
{
	struct iovec local = {.iov_base = &byte, .iov_len = 1};
	struct iovec remote = {.iov_base = (void *)(uintptr_t)address, .iov_len = 1};

	ck_assert_int_eq(process_vm_writev(target.pid, &local, 1, &remote, 1, 0), 1);
}

/* What is asked for in another way is what was known last. */
START_TEST(test_memory_that_changes)
{
	struct vqi_mem *mem = vqi_process_mem(process);
	uint8_t bytes[4];

	write_byte(edge, 1);
	begin();
	ck_assert_ok(vqi_mem_read(mem, edge, bytes, 2));
	write_byte(edge, 2);
	ck_assert_ok(vqi_mem_read(mem, edge, bytes, 3));
	write_byte(edge, 3);
	ck_assert_ok(vqi_mem_read(mem, edge, bytes, 4));
	replay();
	mem = vqi_process_mem(process);
	ck_assert_uint_eq(byte_at(edge), 1); /* nothing is known yet: the first that will be */
	ck_assert_ok(vqi_mem_read(mem, edge, bytes, 3));
	ck_assert_uint_eq(bytes[0], 2);
	ck_assert_uint_eq(byte_at(edge), 2);
	ck_assert_ok(vqi_mem_read(mem, edge, bytes, 2));
	ck_assert_uint_eq(bytes[0], 2);
	ck_assert_ok(vqi_mem_read(mem, edge, bytes, 4));
	ck_assert_uint_eq(bytes[0], 3);
	ck_assert_uint_eq(byte_at(edge), 3);
}
END_TEST

START_TEST(test_files)
{
	vqi_cleanup_free char *link = NULL, *text = NULL, *path = NULL;
	vqi_cleanup_free int *numbers = NULL;
	vqi_cleanup(vqi_tids_done) struct vqi_tids tids = {0};
	const struct vqi_map map = {.end = 1, .inode = 1};
	size_t count;
	int fd;

	begin();
	check_file("comm", "test-target\n");
	ck_assert_code(vqi_process_read_file(process, "nothing", 10, &text, NULL), VQI_ERROR_SYS);
	ck_assert_code(vqi_process_read_file(process, "task/1/stat", 10, &text, NULL),
		       VQI_ERROR_GONE);
	ck_assert_ok(vqi_process_read_link(process, "exe", &link));
	free(take_ptr(link));
	ck_assert_ok(vqi_process_threads(process, &tids));
	vqi_tids_done(&tids);
	ck_assert_ok(vqi_process_exe_path(process, &path));
	free(take_ptr(path));
	replay();
	check_file("comm", "test-target\n");
	ck_assert_code(vqi_process_read_file(process, "nothing", 10, &text, NULL), VQI_ERROR_SYS);
	ck_assert_code(vqi_process_read_file(process, "task/1/stat", 10, &text, NULL),
		       VQI_ERROR_GONE);
	ck_assert_code(vqi_process_read_file(process, "comm", 3, &text, NULL), VQI_ERROR_LIMIT);
	ck_assert_ok(vqi_process_read_link(process, "exe", &link));
	ck_assert_ptr_nonnull(strstr(link, "test-target"));
	ck_assert_ok(vqi_process_exe_path(process, &path));
	ck_assert_str_eq(path, link);
	ck_assert_ok(vqi_process_threads(process, &tids));
	ck_assert_uint_eq(tids.count, 1);
	ck_assert_int_eq(tids.tids[0], vqi_process_pid(process));
	ck_assert_code(vqi_process_list(process, "task", 0, &numbers, &count), VQI_ERROR_LIMIT);
	/* What was not read is as what is not there. */
	ck_assert_code(vqi_process_read_file(process, "maps", 10, &text, NULL), VQI_ERROR_SYS);
	ck_assert_code(vqi_process_list(process, "fd", 1, &numbers, &count), VQI_ERROR_SYS);
	ck_assert_code(vqi_process_open_file(process, "exe", 0, &fd), VQI_ERROR_UNSUPPORTED);
	ck_assert_code(vqi_process_open_mapped(process, &map, &fd), VQI_ERROR_UNSUPPORTED);
}
END_TEST

START_TEST(test_clocks)
{
	struct timespec then, now;

	begin();
	vqi_process_rest(process, 1);
	then = vqi_process_now(process, CLOCK_REALTIME);
	replay();
	now = vqi_process_now(process, CLOCK_MONOTONIC);
	ck_assert_int_eq(now.tv_sec, 77);
	ck_assert_int_eq(now.tv_nsec, 5);
	vqi_process_rest(process, UINT64_MAX); /* it does not wait */
	now = vqi_process_now(process, CLOCK_REALTIME);
	ck_assert_int_eq(now.tv_sec, then.tv_sec);
	ck_assert_int_eq(now.tv_nsec, then.tv_nsec);
}
END_TEST

START_TEST(test_facts)
{
	const struct vqi_pack data = {.data = (uint8_t *)(uintptr_t) "abc", .len = 3};
	vqi_cleanup_error struct vqi_error *why = vqi_error_new(VQI_ERROR_LIMIT, "too much");
	struct vqi_unpack fact;

	begin();
	vqi_fact_begin(process);
	byte_at(edge);
	vqi_fact_begin(process);
	vqi_fact_end(process);
	byte_at(edge);
	vqi_fact_end(process);
	vqi_fact_note(process, VQI_FACT_STOP, 7, &data, NULL);
	vqi_fact_note(process, VQI_FACT_STOP, 7, &data, why);
	replay();
	ck_assert_ok(vqi_fact_recall(process, VQI_FACT_STOP, 7, &fact));
	ck_assert_uint_eq(vqi_unpack_u8(&fact), 'a');
	ck_assert_code(vqi_fact_error(&fact, "it"), VQI_ERROR_BAD_DATA);
	ck_assert_uint_eq(vqi_unpack_u8(&fact), 'b');
	ck_assert_uint_eq(vqi_unpack_u8(&fact), 'c');
	ck_assert_ok(vqi_fact_error(&fact, "it"));
	/* The next, and then again the last. */
	for (int i = 0; i < 2; i++)
		ck_assert_code_text(vqi_fact_recall(process, VQI_FACT_STOP, 7, &fact),
				    VQI_ERROR_LIMIT, "too much");
	ck_assert_code(vqi_fact_recall(process, VQI_FACT_STOP, 8, &fact), VQI_ERROR_BAD_DATA);
	ck_assert_code(vqi_fact_recall(process, VQI_FACT_HEAP, 7, &fact), VQI_ERROR_BAD_DATA);
	/* What was read to find a fact out is not in there. */
	ck_assert_code(vqi_mem_read(vqi_process_mem(process), edge, &(uint8_t){0}, 1),
		       VQI_ERROR_FAULT);
}
END_TEST

START_TEST(test_end_of_the_process)
{
	uint8_t byte;

	begin();
	byte_at(edge);
	vqi_target_end(&target);
	ck_assert_code(vqi_mem_read(vqi_process_mem(process), edge, &byte, 1), VQI_ERROR_GONE);
	replay();
	byte_at(edge);
	ck_assert_code(vqi_process_check(process), VQI_ERROR_GONE);
	ck_assert_code(vqi_mem_read(vqi_process_mem(process), edge, &byte, 1), VQI_ERROR_GONE);
}
END_TEST

/* ---- looks ---- */

/* Each reads what the target is called by then. */
static void look(const char *name)
{
	char text[32];

	vqi_target_ask(&target, "name %s", name);
	vqi_process_begin_look(process);
	snprintf(text, sizeof(text), "%s\n", name);
	check_file("comm", text);
}

static void check_look(const char *name)
{
	char text[32];

	ck_assert(vqi_process_has_look(process));
	vqi_process_begin_look(process);
	snprintf(text, sizeof(text), "%s\n", name);
	check_file("comm", text);
	check_file("comm", text); /* asked once more than it was */
}

START_TEST(test_looks)
{
	begin();
	look("one");
	ck_assert(vqi_process_has_look(process));
	look("two");
	look("three");
	replay();
	/* Before the first look, what is known is of later. */
	check_file("comm", "one\n");
	check_look("one");
	check_look("two");
	check_look("three");
	ck_assert(!vqi_process_has_look(process));
	vqi_process_begin_look(process);
	check_file("comm", "three\n");
}
END_TEST

/* It is written in the middle of looks, and goes on. */
START_TEST(test_written_twice)
{
	begin();
	look("one");
	write_file(scratch_path("first"));
	look("two");
	look("three");
	write_file(scratch_path("second"));
	look("four");
	replay();
	check_look("one");
	check_look("two");
	check_look("three");
	check_look("four");
	ck_assert(!vqi_process_has_look(process));
}
END_TEST

/* What the one before knew is forgotten, and what was read to open the process is not. */
START_TEST(test_another_observer)
{
	const struct timespec opened = {.tv_sec = 1};

	ck_assert_ok(vqi_record_begin(process, &opened));
	byte_at(edge);
	vqi_process_begin_observer(process);
	byte_at(edge + 1);
	look("one");
	vqi_process_begin_observer(process);
	byte_at(edge + 2);
	look("two");
	replay();
	byte_at(edge);
	byte_at(edge + 2);
	ck_assert_code(vqi_mem_read(vqi_process_mem(process), edge + 1, &(uint8_t){0}, 1),
		       VQI_ERROR_FAULT);
	check_look("two");
	ck_assert(!vqi_process_has_look(process));
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("recording");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_memory);
	tcase_add_test(tcase, test_memory_in_other_pieces);
	tcase_add_test(tcase, test_memory_that_changes);
	tcase_add_test(tcase, test_files);
	tcase_add_test(tcase, test_clocks);
	tcase_add_test(tcase, test_facts);
	tcase_add_test(tcase, test_end_of_the_process);
	tcase_add_test(tcase, test_looks);
	tcase_add_test(tcase, test_written_twice);
	tcase_add_test(tcase, test_another_observer);
	return unit_run("recording", tcase);
}
