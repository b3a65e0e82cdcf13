/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fake_core.h"
#include "scratch.h"
#include "target_process.h"
#include "unit.h"

#define PAGE 4096
#define BASE UINT64_C(0x7f0000000000)
#define EXE  UINT64_C(0x550000000000)

static struct fake_core fake;
static struct vqi_core *core;
static struct vqi_maps maps;
static uint8_t bytes[4 * PAGE], head[16 * PAGE];

/* The beginning of the test's program, and a byte of it far behind that. */
static uint8_t read_program(uint64_t offset)
{
	int fd = open(vqi_target_path(), O_RDONLY | O_CLOEXEC);
	uint8_t byte;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_gt(pread(fd, head, sizeof(head), 0), PAGE);
	ck_assert_int_eq(pread(fd, &byte, 1, (off_t)offset), 1);
	close(fd);
	return byte;
}

static void setup(void)
{
	scratch_make();
	fake_core_init(&fake);
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i / PAGE + i % 251);
}

static void teardown(void)
{
	vqi_maps_done(&maps);
	vqi_core_close(core);
	core = NULL;
	scratch_remove();
}

static void open_core(const char *exe)
{
	fake_core_write(&fake, scratch_path("core"));
	ck_assert_ok(vqi_core_open(scratch_path("core"), exe, &core));
}

static void refuse(enum vqi_error_code code, const char *text)
{
	fake_core_write(&fake, scratch_path("core"));
	ck_assert_code_text(vqi_core_open(scratch_path("core"), NULL, &core), code, text);
}

static bool reads(uint64_t addr, void *buf, size_t len)
{
	struct vqi_range range = {.addr = addr, .buf = buf, .len = len};

	vqi_core_readv(core, &range, 1);
	return range.ok;
}

/* ---- memory ---- */

START_TEST(test_memory)
{
	uint8_t buf[3 * PAGE];

	fake_core_thread(&fake, 7, 1, 2, -1);
	fake_core_segment(&fake, BASE + 2 * PAGE, PAGE, bytes + 2 * PAGE, PAGE, PF_R);
	fake_core_segment(&fake, BASE, 2 * PAGE, bytes, 2 * PAGE, PF_R | PF_W);
	fake_core_segment(&fake, BASE + 4 * PAGE, 4 * PAGE, bytes + 3 * PAGE, 100, PF_R | PF_W);
	open_core(NULL);
	ck_assert(reads(BASE + 10, buf, 3 * PAGE - 20)); /* across two segments */
	ck_assert_mem_eq(buf, bytes + 10, 3 * PAGE - 20);
	ck_assert(!reads(BASE + 2 * PAGE, buf, PAGE + 1)); /* into nothing */
	ck_assert(reads(BASE + 4 * PAGE, buf, 100));
	ck_assert_mem_eq(buf, bytes + 3 * PAGE, 100);
	ck_assert(!reads(BASE + 4 * PAGE, buf, 101)); /* left out */
	ck_assert(!reads(BASE - 1, buf, 2));
	ck_assert(!reads(UINT64_MAX - 1, buf, 4));
	ck_assert(reads(0, buf, 0));
}
END_TEST

/* ---- threads ---- */

START_TEST(test_threads)
{
	const struct vqi_core_thread *thread;

	fake_core_thread(&fake, 9, 0x1000, 0x2000, SYS_ppoll);
	fake_core_thread(&fake, 7, 0x3000, 0x4000, -1);
	fake_core_thread(&fake, 9, 0x5000, 0x6000, -1); /* twice: the first counts */
	fake_core_process(&fake, 7, "qemu-system-x86_64");
	open_core(NULL);
	ck_assert_uint_eq(core->thread_count, 2);
	ck_assert_int_eq(core->pid, 7);
	ck_assert_str_eq(core->name, "qemu-system-x86_");
	thread = vqi_core_thread(core, 9);
	ck_assert(thread->has_registers);
	ck_assert_uint_eq(thread->registers.pc, 0x1000);
	ck_assert_uint_eq(thread->registers.sp, 0x2000);
#ifdef __x86_64__
	ck_assert_int_eq(thread->call.state, VQI_CALL_INSIDE);
	ck_assert_int_eq(thread->call.number, SYS_ppoll);
	ck_assert_uint_eq(thread->call.args[0], 0x11);
	ck_assert_uint_eq(thread->call.args[5], 0x66);
	ck_assert_uint_eq(thread->registers.values[3], 0xb); /* rbx */
	ck_assert_int_eq(vqi_core_thread(core, 7)->call.state, VQI_CALL_RUNNING);
#endif
	ck_assert_ptr_null(vqi_core_thread(core, 8));
}
END_TEST

/* ---- files ---- */

/* A core as the kernel writes it: of the program only the first page, as nobody can have changed the others. */
static void add_program(const char *path)
{
	const uint64_t auxv[] = {AT_PHDR, EXE + 64, AT_NULL, 0};

	read_program(0);
	fake_core_thread(&fake, 7, 1, 2, -1);
	fake_core_note(&fake, NT_AUXV, auxv, sizeof(auxv));
	fake_core_segment(&fake, EXE, 2 * PAGE, head, PAGE, PF_R);
	fake_core_file(&fake, EXE, EXE + 2 * PAGE, 0, path);
}

START_TEST(test_left_out)
{
	uint8_t buf[PAGE];

	add_program(vqi_target_path());
	open_core(NULL);
	ck_assert_uint_eq(core->exe, 0);
	ck_assert_ok(vqi_core_check_exe(core));
	ck_assert_ptr_nonnull(core->files[0].build_id);
	ck_assert(reads(EXE, buf, 100));
	ck_assert_mem_eq(buf, head, 100);
}
END_TEST

START_TEST(test_left_out_of_a_file)
{
	struct stat status;
	uint8_t buf[2], wanted;

	ck_assert_int_eq(stat(vqi_target_path(), &status), 0);
	wanted = read_program(PAGE);
	add_program(vqi_target_path());
	/* Not in any segment: gcore leaves it out altogether. */
	fake_core_file(&fake, EXE + 2 * PAGE, EXE + 3 * PAGE, 0, vqi_target_path());
	/* What can be written to may have been, and what is behind the end is nowhere. */
	fake_core_segment(&fake, EXE + 3 * PAGE, PAGE, bytes, 0, PF_R | PF_W);
	fake_core_file(&fake, EXE + 3 * PAGE, EXE + 4 * PAGE, 0, vqi_target_path());
	fake_core_file(&fake, EXE + 4 * PAGE, EXE + 5 * PAGE, (uint64_t)status.st_size + 4096,
		       vqi_target_path());
	open_core(NULL);
	ck_assert(reads(EXE + PAGE, buf, 1));
	ck_assert_uint_eq(buf[0], wanted);
	ck_assert(reads(EXE + 2 * PAGE + 1, buf, 2));
	ck_assert_mem_eq(buf, "EL", 2);
	ck_assert(!reads(EXE + 3 * PAGE + 1, buf, 2));
	ck_assert(!reads(EXE + 4 * PAGE + 1, buf, 2));
}
END_TEST

START_TEST(test_file_of_another_build)
{
	uint8_t buf[2];

	add_program("/usr/bin/env");
	fake_core_file(&fake, EXE + 2 * PAGE, EXE + 3 * PAGE, 0, "/usr/bin/env");
	open_core(NULL);
	ck_assert(!reads(EXE + 2 * PAGE + 1, buf, 2));
	ck_assert_code_text(vqi_core_check_exe(core), VQI_ERROR_UNSUPPORTED, "another build");
}
END_TEST

START_TEST(test_file_that_is_missing)
{
	add_program("/nowhere/qemu (deleted)");
	open_core(NULL);
	ck_assert_str_eq(core->files[0].path, "/nowhere/qemu");
	ck_assert_code_text(vqi_core_check_exe(core), VQI_ERROR_UNSUPPORTED, "--exe");
	vqi_core_close(core);
	ck_assert_ok(vqi_core_open(scratch_path("core"), vqi_target_path(), &core));
	ck_assert_ok(vqi_core_check_exe(core));
	vqi_core_close(core);
	ck_assert_ok(vqi_core_open(scratch_path("core"), "/usr/bin/env", &core));
	ck_assert_code_text(vqi_core_check_exe(core), VQI_ERROR_UNSUPPORTED, "another build");
}
END_TEST

/* Without the first page nobody knows what build it is of; --exe is the user's word. */
START_TEST(test_build_id_that_is_not_known)
{
	fake_core_process(&fake, 7, "test-target");
	fake_core_thread(&fake, 7, 1, 2, -1);
	fake_core_file(&fake, EXE, EXE + PAGE, 0, vqi_target_path());
	open_core(NULL);
	ck_assert_code_text(vqi_core_check_exe(core), VQI_ERROR_UNSUPPORTED, "build-id");
	vqi_core_close(core);
	ck_assert_ok(vqi_core_open(scratch_path("core"), vqi_target_path(), &core));
	ck_assert_ok(vqi_core_check_exe(core));
}
END_TEST

START_TEST(test_file_that_is_none)
{
	const char *fifo = scratch_path("fifo");

	ck_assert_int_eq(mkfifo(fifo, 0600), 0);
	add_program(fifo); /* opening it would wait */
	open_core(NULL);
	ck_assert_code(vqi_core_check_exe(core), VQI_ERROR_UNSUPPORTED);
}
END_TEST

/* ---- mappings ---- */

START_TEST(test_maps)
{
	const uint64_t block[] = {0, 0x291};

	add_program(vqi_target_path());
	fake_core_segment(&fake, EXE + 2 * PAGE, PAGE, bytes, PAGE,
			  PF_R | PF_W); /* its variables */
	fake_core_segment(&fake, EXE + 8 * PAGE, PAGE, block, sizeof(block), PF_R | PF_W);
	fake_core_segment(&fake, BASE, PAGE, block, sizeof(block), PF_R | PF_W | PF_X);
	fake_core_file(&fake, BASE + PAGE, BASE + 2 * PAGE, 3 * PAGE, "/lib/x.so");
	open_core(NULL);
	ck_assert_ok(vqi_core_maps(core, &maps));
	ck_assert_uint_eq(maps.count, 5);
	ck_assert_uint_eq(maps.maps[0].start, EXE);
	ck_assert_uint_eq(maps.maps[0].inode, 1);
	ck_assert(maps.maps[0].readable && !maps.maps[0].writable && !maps.maps[0].executable);
	ck_assert_str_eq(maps.maps[0].path, vqi_target_path());
	ck_assert_ptr_null(maps.maps[1].path);
	ck_assert_str_eq(maps.maps[2].path, "[heap]");
	ck_assert_ptr_null(maps.maps[3].path);
	ck_assert(maps.maps[3].executable);
	ck_assert_uint_eq(maps.maps[4].inode, 2);
	ck_assert_uint_eq(maps.maps[4].offset, 3 * PAGE);
	ck_assert_str_eq(maps.maps[4].path, "/lib/x.so");
}
END_TEST

/* ---- what is no core, or a broken one ---- */

START_TEST(test_no_core)
{
	ck_assert_code_text(vqi_core_open(scratch_path("none"), NULL, &core), VQI_ERROR_SYS,
			    "none");
	ck_assert_code_text(vqi_core_open("/dev/null", NULL, &core), VQI_ERROR_BAD_DATA, "no core");
	ck_assert_code_text(vqi_core_open(vqi_target_path(), NULL, &core), VQI_ERROR_BAD_DATA,
			    "another kind of ELF file");
}
END_TEST

START_TEST(test_cut_short)
{
	struct stat status;

	fake_core_thread(&fake, 7, 1, 2, -1);
	fake_core_segment(&fake, BASE, 4 * PAGE, bytes, 4 * PAGE, PF_R);
	fake_core_write(&fake, scratch_path("core"));
	ck_assert_int_eq(stat(scratch_path("core"), &status), 0);
	for (off_t size = status.st_size - 1; size > 0; size = size * 2 / 3) {
		ck_assert_int_eq(truncate(scratch_path("core"), size), 0);
		ck_assert_code(vqi_core_open(scratch_path("core"), NULL, &core),
			       VQI_ERROR_BAD_DATA);
	}
}
END_TEST

START_TEST(test_another_machine)
{
	fake_core_thread(&fake, 7, 1, 2, -1);
	fake.header.e_machine = EM_S390;
	refuse(VQI_ERROR_UNSUPPORTED, "machine");
}
END_TEST

START_TEST(test_segments_that_overlap)
{
	fake_core_thread(&fake, 7, 1, 2, -1);
	fake_core_segment(&fake, BASE, 2 * PAGE, bytes, PAGE, PF_R);
	fake_core_segment(&fake, BASE + PAGE, PAGE, bytes, PAGE, PF_R);
	refuse(VQI_ERROR_BAD_DATA, "two segments");
}
END_TEST

START_TEST(test_segment_without_end)
{
	fake_core_thread(&fake, 7, 1, 2, -1);
	fake_core_segment(&fake, BASE, UINT64_MAX, bytes, PAGE, PF_R);
	refuse(VQI_ERROR_BAD_DATA, "no end");
}
END_TEST

START_TEST(test_no_threads)
{
	fake_core_process(&fake, 7, "x");
	refuse(VQI_ERROR_BAD_DATA, "no thread");
}
END_TEST

START_TEST(test_short_thread)
{
	fake_core_note(&fake, NT_PRSTATUS, bytes, 40);
	refuse(VQI_ERROR_BAD_DATA, "40 bytes");
}
END_TEST

/* A count that is too large, a path without an end, an end before a start, an offset beyond all. */
START_TEST(test_bad_files)
{
	static const uint64_t notes[][6] = {
		{1u << 30, PAGE, EXE, EXE + PAGE, 0, 0},
		{1, PAGE, EXE, EXE + PAGE, 0, UINT64_MAX},
		{1, PAGE, EXE + PAGE, EXE, 0, 0},
		{1, PAGE, EXE, EXE + PAGE, UINT64_MAX, 0},
	};

	fake_core_thread(&fake, 7, 1, 2, -1);
	fake_core_note(&fake, NT_FILE, notes[_i], _i == 1 ? 47 : 48);
	refuse(VQI_ERROR_BAD_DATA, "mapped files");
}
END_TEST

/* Whatever a byte of its headers and notes is, it is refused, or all that it tells of can be asked for. */
START_TEST(test_any_byte)
{
	static const uint8_t values[] = {0, 0x7f, 0xff};
	uint8_t buf[2 * PAGE], was;
	off_t end;
	int fd;

	add_program(vqi_target_path());
	fake_core_process(&fake, 7, "test-target");
	fake_core_segment(&fake, EXE + 2 * PAGE, PAGE, bytes, PAGE, PF_R | PF_W);
	fake_core_file(&fake, EXE + 2 * PAGE, EXE + 3 * PAGE, PAGE, vqi_target_path());
	open_core(NULL);
	end = (off_t)core->segments[0].offset;
	fd = open(scratch_path("core"), O_RDWR | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	for (off_t at = 0; at < end; at++) {
		ck_assert_int_eq(pread(fd, &was, 1, at), 1);
		ck_assert_int_eq(pwrite(fd, &values[_i], 1, at), 1);
		vqi_core_close(take_ptr(core));
		if (!vqi_error_drop(vqi_core_open(scratch_path("core"), NULL, &core))) {
			ck_assert_ok(vqi_core_maps(core, &maps));
			for (size_t i = 0; i < maps.count; i++)
				reads(maps.maps[i].start + PAGE / 2, buf, sizeof(buf));
			vqi_maps_done(&maps);
		}
		ck_assert_int_eq(pwrite(fd, &was, 1, at), 1);
	}
	close(fd);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("core");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_memory);
	tcase_add_test(tcase, test_threads);
	tcase_add_test(tcase, test_left_out);
	tcase_add_test(tcase, test_left_out_of_a_file);
	tcase_add_test(tcase, test_file_of_another_build);
	tcase_add_test(tcase, test_file_that_is_missing);
	tcase_add_test(tcase, test_build_id_that_is_not_known);
	tcase_add_test(tcase, test_file_that_is_none);
	tcase_add_test(tcase, test_maps);
	tcase_add_test(tcase, test_no_core);
	tcase_add_test(tcase, test_cut_short);
	tcase_add_test(tcase, test_another_machine);
	tcase_add_test(tcase, test_segments_that_overlap);
	tcase_add_test(tcase, test_segment_without_end);
	tcase_add_test(tcase, test_no_threads);
	tcase_add_test(tcase, test_short_thread);
	tcase_add_loop_test(tcase, test_bad_files, 0, 4);
	tcase_add_loop_test(tcase, test_any_byte, 0, 3);
	return unit_run("core", tcase);
}
