/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A core behind struct vqi_process. */
#include <elf.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fake_core.h"
#include "scratch.h"
#include "target_process.h"
#include "unit.h"
#include "vqi/jmp_buf.h"
#include "vqi/process.h"

#define PAGE  4096
#define EXE   UINT64_C(0x550000000000)
#define STACK UINT64_C(0x7f0000000000)
#define LEAST (STACK + PAGE - 64)

static struct fake_core fake;
static struct vqi_process *process;
static uint8_t stack[PAGE];

static void setup(void)
{
	static const uint64_t guard = 0x1234567890abcdef;
	const uint64_t auxv[] = {AT_PHDR, EXE + 64, AT_RANDOM, STACK, AT_NULL, 0};

	scratch_make();
	fake_core_init(&fake);
	for (size_t i = 0; i < sizeof(stack); i++)
		stack[i] = (uint8_t)i;
	memcpy(stack + 8, &guard, sizeof(guard));
	fake_core_process(&fake, 7, "qemu");
	fake_core_thread(&fake, 7, 0x1000, LEAST, SYS_ppoll);
	fake_core_thread(&fake, 8, 0x2000, STACK, -1);
	fake_core_note(&fake, NT_AUXV, auxv, sizeof(auxv));
	fake_core_segment(&fake, STACK, PAGE, stack, PAGE, PF_R | PF_W);
	fake_core_file(&fake, EXE, EXE + PAGE, 0, "/a\nb/qemu");
	fake_core_write(&fake, scratch_path("core"));
	ck_assert_ok(vqi_process_open_core(scratch_path("core"), vqi_target_path(), &process));
}

static void teardown(void)
{
	vqi_process_close(process);
	process = NULL;
	scratch_remove();
}

START_TEST(test_process)
{
	vqi_cleanup_free char *path = NULL;
	uint64_t guard;
	uint8_t byte;

	ck_assert(vqi_process_is_core(process));
	ck_assert_int_eq(vqi_process_pid(process), 7);
	ck_assert_int_eq(vqi_process_dirfd(process), -1);
	ck_assert_ok(vqi_process_check(process));
	ck_assert_ok(vqi_mem_read(vqi_process_mem(process), STACK + 5, &byte, 1));
	ck_assert_uint_eq(byte, 5);
	ck_assert_code(vqi_mem_read(vqi_process_mem(process), STACK + PAGE, &byte, 1),
		       VQI_ERROR_FAULT);
	ck_assert_ok(vqi_process_exe_path(process, &path));
	ck_assert_str_eq(path, "/a\nb/qemu");
	ck_assert_ok(vqi_process_pointer_guard(process, &guard));
	ck_assert_uint_eq(guard, 0x1234567890abcdef);
}
END_TEST

START_TEST(test_maps)
{
	vqi_cleanup(vqi_maps_done) struct vqi_maps maps = {0};
	vqi_cleanup_fd int fd = -1;

	ck_assert_ok(vqi_process_maps(process, &maps));
	ck_assert_uint_eq(maps.count, 2);
	ck_assert_uint_eq(maps.maps[0].start, EXE);
	ck_assert_str_eq(maps.maps[0].path, "/a\\012b/qemu"); /* as a live one's */
	ck_assert(maps.maps[1].writable);
	ck_assert_ptr_null(maps.maps[1].path);
	ck_assert_ok(vqi_process_open_mapped(process, &maps.maps[0], &fd));
	ck_assert_int_ge(fd, 0);
	ck_assert_code(vqi_process_open_mapped(process, &maps.maps[1], &fd), VQI_ERROR_BAD_DATA);
}
END_TEST

/* What the kernel alone knows of a thread is unknown. */
START_TEST(test_thread)
{
	vqi_cleanup(vqi_tids_done) struct vqi_tids tids = {0};
	struct vqi_thread thread;

	ck_assert_ok(vqi_process_threads(process, &tids));
	ck_assert_uint_eq(tids.count, 2);
	ck_assert_int_eq(tids.tids[1], 8);
	ck_assert_ok(vqi_process_thread(process, 7, &thread));
	ck_assert_str_eq(thread.name, "qemu");
	ck_assert_int_eq(thread.state, '?');
	ck_assert(!thread.sleeps.known && !thread.cpu_ms.known);
	ck_assert_ptr_null(thread.wchan);
#ifdef __x86_64__
	ck_assert(thread.in_syscall);
	ck_assert_str_eq(thread.syscall, "ppoll");
	ck_assert_uint_eq(thread.syscall_args[0], 0x11);
#endif
	vqi_thread_done(&thread);
	ck_assert_ok(vqi_process_thread(process, 8, &thread));
	ck_assert(!thread.in_syscall && !thread.in_fault);
	ck_assert_ptr_null(thread.name);
	vqi_thread_done(&thread);
	ck_assert_code(vqi_process_thread(process, 9, &thread), VQI_ERROR_BAD_DATA);
}
END_TEST

START_TEST(test_registers)
{
	struct vqi_thread_place place;
	uint64_t stopped_us = 0;

	ck_assert_ok(vqi_thread_registers(process, 7, true, &place, &stopped_us));
	ck_assert_uint_eq(place.registers.pc, 0x1000);
	ck_assert_uint_eq(place.registers.sp, LEAST);
	ck_assert_uint_eq(place.stack_len, 64); /* up to where it ends */
	ck_assert_mem_eq(place.stack, stack + PAGE - 64, 64);
	ck_assert_uint_eq(stopped_us, 0);
	vqi_thread_place_done(&place);
	ck_assert_code(vqi_thread_registers(process, 9, true, &place, &stopped_us),
		       VQI_ERROR_UNSUPPORTED);
}
END_TEST

START_TEST(test_kernel_is_gone)
{
	struct vqi_eventfd eventfd;
	struct vqi_held held;
	bool has;

	ck_assert_code(vqi_process_eventfd(process, 3, &eventfd), VQI_ERROR_BAD_DATA);
	ck_assert_ok(vqi_process_held(process, &held));
	ck_assert_int_eq(held.by, VQI_HELD_NOT);
	ck_assert_code(vqi_process_has_userfaultfd(process, &has), VQI_ERROR_SYS);
}
END_TEST

START_TEST(test_executable_is_missing)
{
	struct vqi_process *other;

	ck_assert_code_text(vqi_process_open_core(scratch_path("core"), NULL, &other),
			    VQI_ERROR_UNSUPPORTED, "--exe");
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("core_process");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_process);
	tcase_add_test(tcase, test_maps);
	tcase_add_test(tcase, test_thread);
	tcase_add_test(tcase, test_registers);
	tcase_add_test(tcase, test_kernel_is_gone);
	tcase_add_test(tcase, test_executable_is_missing);
	return unit_run("core_process", tcase);
}
