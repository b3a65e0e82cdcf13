/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Registers that setjmp() saved: in a real process, and in buffers written down by hand. */
#include <check.h>
#include <elf.h>

#include "fake_saved.h"
#include "target_process.h"
#include "unit.h"
#include "vqi/jmp_buf.h"

#define GUARD UINT64_C(0x0123456789abcdef)
#define NOISE UINT64_C(0xdead0000beef0000) /* in words that are none of a register's */

static uint64_t words[VQI_JMP_BUF_WORDS];
static struct vqi_registers registers;

static void fill(void)
{
	for (unsigned int i = 0; i < VQI_JMP_BUF_WORDS; i++)
		words[i] = NOISE + i;
}

/* PTR_MANGLE of sysdeps/unix/sysv/linux/x86_64/pointer_guard.h: xor, rol $17. */
static uint64_t hide_x86(uint64_t value)
{
	value ^= GUARD;
	return value << 17 | value >> 47;
}

static void assert_register(unsigned int number, uint64_t value)
{
	ck_assert(registers.known >> number & 1);
	ck_assert_uint_eq(registers.values[number], value);
}

static void assert_known(uint64_t known)
{
	ck_assert_uint_eq(registers.known, known);
	for (unsigned int i = 0; i < VQI_MAX_REGISTERS; i++) {
		if (!(known >> i & 1))
			ck_assert_uint_eq(registers.values[i], 0);
	}
}

/* The numbers of the System V ABI: rbx 3, rbp 6, r12 to r15 as they are called. */
#define X86_KNOWN (1u << 3 | 1u << 6 | 0xfu << 12)

START_TEST(test_x86_64)
{
	bool is_hidden = _i == 0;

	fill();
	words[0] = 3;
	words[1] = is_hidden ? hide_x86(0x7ffc00000006) : 0x7ffc00000006;
	for (unsigned int i = 0; i < 4; i++)
		words[2 + i] = 12 + i;
	words[6] = is_hidden ? hide_x86(0x7ffc00000007) : 0x7ffc00000007;
	words[7] = is_hidden ? hide_x86(0x555555555555) : 0x555555555555;
	memset(&registers, 0xff, sizeof(registers));
	ck_assert(vqi_jmp_buf_registers(EM_X86_64, words, is_hidden ? GUARD : 0, &registers));
	assert_known(X86_KNOWN);
	assert_register(3, 3);
	assert_register(6, 0x7ffc00000006);
	ck_assert_uint_eq(registers.sp, 0x7ffc00000007);
	for (unsigned int i = 12; i < 16; i++)
		assert_register(i, i);
	ck_assert_uint_eq(registers.pc, 0x555555555555);
}
END_TEST

/* JB_X19 0 to JB_X28 9, JB_X29 10, JB_LR 11, JB_SP 13, and JB_D8 behind. The latter two are hidden by xor alone. */
START_TEST(test_aarch64)
{
	uint64_t guard = _i == 0 ? GUARD : 0, known = 0;

	fill();
	for (unsigned int i = 0; i < 11; i++) {
		words[i] = UINT64_C(0x1900000000000000) + i;
		known |= UINT64_C(1) << (19 + i);
	}
	words[11] = UINT64_C(0xaaaac0de1234) ^ guard;
	words[13] = UINT64_C(0xffff81234560) ^ guard;
	memset(&registers, 0xff, sizeof(registers));
	ck_assert(vqi_jmp_buf_registers(EM_AARCH64, words, guard, &registers));
	assert_known(known);
	for (unsigned int i = 0; i < 11; i++)
		assert_register(19 + i, UINT64_C(0x1900000000000000) + i);
	ck_assert_uint_eq(registers.sp, UINT64_C(0xffff81234560));
	ck_assert_uint_eq(registers.pc, UINT64_C(0xaaaac0de1234));
}
END_TEST

static const unsigned int others[] = {EM_NONE, EM_386, EM_ARM, EM_S390, EM_PPC64, EM_RISCV, ~0u};

START_TEST(test_other_machine)
{
	struct vqi_registers before;

	fill();
	memset(&registers, 0x5a, sizeof(registers));
	before = registers;
	ck_assert(!vqi_jmp_buf_registers(others[_i], words, GUARD, &registers));
	ck_assert_mem_eq(&registers, &before, sizeof(before));
}
END_TEST

/* ---- a real process ---- */

#ifdef __x86_64__
#define MACHINE EM_X86_64
#else
#define MACHINE EM_AARCH64
#endif

static struct test_target target;
static struct vqi_process *process;

static void setup(void)
{
	vqi_target_start(&target);
	ck_assert_ok(vqi_process_open(target.pid, &process));
}

static void teardown(void)
{
	vqi_process_close(process);
	vqi_target_end(&target);
}

static void read_saved(struct fake_saved *ret_saved)
{
	uint64_t guard, address = vqi_target_ask(&target, "setjmp");

	ck_assert_uint_ne(address, 0);
	ck_assert_ok(
		vqi_mem_read(vqi_process_mem(process), address, ret_saved, sizeof(*ret_saved)));
	ck_assert_ok(vqi_process_pointer_guard(process, &guard));
	ck_assert_uint_ge(sizeof(ret_saved->env), sizeof(words));
	memcpy(words, ret_saved->env, sizeof(words));
	ck_assert(vqi_jmp_buf_registers(MACHINE, words, guard, &registers));
}

START_TEST(test_real)
{
	struct fake_saved saved;
	uint64_t sp;

	read_saved(&saved);
	sp = registers.sp;
	ck_assert_uint_gt(registers.pc, saved.function);
	ck_assert_uint_lt(registers.pc - saved.function, 512);
	ck_assert_uint_le(sp, saved.frame);
	ck_assert_uint_lt(saved.frame - sp, 1024);
	if (!saved.pc)
		return;
	ck_assert_uint_eq(registers.pc, saved.pc);
	assert_known(X86_KNOWN);
	assert_register(3, saved.rbx);
	assert_register(6, saved.rbp);
	ck_assert_uint_eq(registers.sp, saved.sp);
	assert_register(12, saved.r12);
	assert_register(13, saved.r13);
	assert_register(14, saved.r14);
	assert_register(15, saved.r15);
	ck_assert_uint_eq(saved.rbx, UINT64_C(0x1111111122222222));
}
END_TEST

/* Each process has a guard of its own, and keeps it. */
START_TEST(test_guards)
{
	struct test_target other;
	struct vqi_process *other_process;
	uint64_t guard, again, others_guard;

	vqi_target_start(&other);
	ck_assert_ok(vqi_process_open(other.pid, &other_process));
	ck_assert_ok(vqi_process_pointer_guard(process, &guard));
	ck_assert_ok(vqi_process_pointer_guard(process, &again));
	ck_assert_ok(vqi_process_pointer_guard(other_process, &others_guard));
	ck_assert_uint_eq(guard, again);
	ck_assert_uint_ne(guard, others_guard);
	ck_assert_uint_ne(guard, 0);
	vqi_process_close(other_process);
	vqi_target_end(&other);
}
END_TEST

START_TEST(test_ended)
{
	uint64_t guard;

	vqi_target_end(&target);
	ck_assert_code(vqi_process_pointer_guard(process, &guard), VQI_ERROR_GONE);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("jmp_buf");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, test_x86_64, 0, 2);
	tcase_add_loop_test(tcase, test_aarch64, 0, 2);
	tcase_add_loop_test(tcase, test_other_machine, 0,
			    (int)(sizeof(others) / sizeof(others[0])));
	tcase_add_test(tcase, test_real);
	tcase_add_test(tcase, test_guards);
	tcase_add_test(tcase, test_ended);
	return unit_run("jmp_buf", tcase);
}
