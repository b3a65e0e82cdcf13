/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The VM as a whole: run state, name, architecture. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "fake_virtio.h"
#include "unit.h"
#include "vqi/limits.h"

static struct fake_qemu *qemu;

static void setup(void)
{
	qemu = fake_qemu_new(1);
	fake_run_state(qemu, 1);
}

static void teardown(void)
{
	fake_qemu_free(qemu);
}

static void assert_run_state(const char *wanted)
{
	vqi_cleanup_free char *state = NULL;

	ck_assert_ok(vqi_qemu_run_state(&qemu->qemu, &state));
	ck_assert_pstr_eq(state, wanted);
}

static void assert_vm_name(const char *wanted)
{
	vqi_cleanup_free char *name = NULL;

	ck_assert_ok(vqi_qemu_vm_name(&qemu->qemu, &name));
	ck_assert_pstr_eq(name, wanted);
}

static void assert_arch(const char *exe, const char *wanted)
{
	vqi_cleanup_free char *arch = NULL;

	ck_assert_ok(vqi_qemu_arch(&qemu->qemu, exe, &arch));
	ck_assert_pstr_eq(arch, wanted);
}

START_TEST(test_run_state)
{
	static const char *const names[] = {"debug", "running", "paused", "io-error", "inmigrate"};

	for (unsigned int i = 0; i < 5; i++) {
		fake_set_symbol(qemu, VQI_SYM_current_run_state, 4, i);
		assert_run_state(names[i]);
	}
}
END_TEST

/* What makes no sense leaves the state unknown. */
START_TEST(test_run_state_out_of_range)
{
	uint64_t lookup = fake_symbol(qemu, VQI_SYM_RunState_lookup);

	fake_set_symbol(qemu, VQI_SYM_current_run_state, 4, 5);
	assert_run_state(NULL);
	fake_set_symbol(qemu, VQI_SYM_current_run_state, 4, 0xffffffff);
	assert_run_state(NULL);
	fake_set_symbol(qemu, VQI_SYM_current_run_state, 4, 1);
	fake_set(qemu, lookup, VQI_F_QEnumLookup_size, VQI_MAX_RUN_STATES + 1);
	assert_run_state(NULL);
	fake_set(qemu, lookup, VQI_F_QEnumLookup_size, 1);
	assert_run_state(NULL);
	fake_set(qemu, lookup, VQI_F_QEnumLookup_size, 0);
	assert_run_state(NULL);
}
END_TEST

START_TEST(test_run_state_unknown)
{
	qemu->layout.symbols[VQI_SYM_current_run_state].present = false;
	assert_run_state(NULL);
	qemu->layout.symbols[VQI_SYM_current_run_state].present = true;
	qemu->layout.symbols[VQI_SYM_RunState_lookup].present = false;
	assert_run_state(NULL);
	qemu->layout.symbols[VQI_SYM_RunState_lookup].present = true;
	qemu->layout.fields[VQI_F_QEnumLookup_array].present = false;
	assert_run_state(NULL);
	qemu->layout.fields[VQI_F_QEnumLookup_array].present = true;
	assert_run_state("running");
}
END_TEST

START_TEST(test_vm_name)
{
	assert_vm_name(NULL);
	fake_set_symbol(qemu, VQI_SYM_error_guest_name, 8, fake_text(qemu, "late"));
	assert_vm_name("late");
	fake_set_symbol(qemu, VQI_SYM_qemu_name, 8, fake_text(qemu, "web 1"));
	assert_vm_name("web 1");
	qemu->layout.symbols[VQI_SYM_qemu_name].present = false;
	assert_vm_name("late");
	qemu->layout.symbols[VQI_SYM_error_guest_name].present = false;
	assert_vm_name(NULL);
}
END_TEST

START_TEST(test_arch_by_the_program)
{
	assert_arch("/usr/bin/qemu-system-x86_64", "x86_64");
	assert_arch("qemu-system-aarch64", "aarch64");
	assert_arch("/a/qemu-system-ppc64.real", "ppc64");
	assert_arch("/a/qemu-system-x86_64-microvm", "x86_64");
}
END_TEST

/* What no architecture follows is no name of a QEMU. */
START_TEST(test_arch_by_the_machine)
{
	static const struct {
		const char *type, *arch;
	} types[] = {
		{"qemu64-x86_64-cpu", "x86_64"},
		{"cortex-a15-arm-cpu", "arm"},
		{"s390x-cpu", "s390x"},
		{"-cpu", NULL},
		{"cpu", NULL},
		{"", NULL},
		{"nothing", NULL},
	};
	static const char *const programs[] = {NULL, "/usr/libexec/qemu-kvm", "qemu-system-",
					       "qemu-system--x", "/qemu-system-x/kvm"};
	uint64_t class = fake_class(qemu, "q35-machine");

	assert_arch(NULL, NULL);
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		fake_set_text(qemu, class, VQI_F_MachineClass_default_cpu_type, types[i].type);
		assert_arch("/usr/libexec/qemu-kvm", types[i].arch);
	}
	fake_set_text(qemu, class, VQI_F_MachineClass_default_cpu_type, "qemu64-x86_64-cpu");
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
		assert_arch(programs[i], "x86_64");
	qemu->layout.fields[VQI_F_MachineClass_default_cpu_type].present = false;
	assert_arch(NULL, NULL);
}
END_TEST

/* Every byte that a healthy run reads fails once, and leaves the value unknown. */
START_TEST(test_every_fault)
{
	vqi_cleanup_free struct fake_read *reads = NULL;
	size_t count;

	fake_set_symbol(qemu, VQI_SYM_qemu_name, 8, fake_text(qemu, "web1"));
	fake_forget(qemu);
	assert_run_state("running");
	assert_vm_name("web1");
	assert_run_state("running"); /* whose name is known by now */
	reads = fake_take_reads(qemu, &count);
	ck_assert_uint_gt(count, 5);
	for (size_t i = 0; i < count; i++) {
		for (uint64_t byte = 0; byte < reads[i].len; byte++) {
			vqi_cleanup_free char *state = NULL, *name = NULL;

			free(take_ptr(qemu->qemu.run_state_name));
			vqi_fake_mem_fault(qemu->fake, reads[i].addr + byte, 1);
			ck_assert_ok(vqi_qemu_run_state(&qemu->qemu, &state));
			ck_assert_ok(vqi_qemu_vm_name(&qemu->qemu, &name));
			ck_assert(!state || !name);
			vqi_fake_mem_heal(qemu->fake);
		}
	}
}
END_TEST

START_TEST(test_target_ends)
{
	char *text = (char *)"untouched";

	qemu->fake->gone_after = 0;
	ck_assert_code(vqi_qemu_run_state(&qemu->qemu, &text), VQI_ERROR_GONE);
	ck_assert_code(vqi_qemu_vm_name(&qemu->qemu, &text), VQI_ERROR_GONE);
	ck_assert_code(vqi_qemu_arch(&qemu->qemu, NULL, &text), VQI_ERROR_GONE);
	ck_assert_str_eq(text, "untouched");
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("machine");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_run_state);
	tcase_add_test(tcase, test_run_state_out_of_range);
	tcase_add_test(tcase, test_run_state_unknown);
	tcase_add_test(tcase, test_vm_name);
	tcase_add_test(tcase, test_arch_by_the_program);
	tcase_add_test(tcase, test_arch_by_the_machine);
	tcase_add_test(tcase, test_every_fault);
	tcase_add_test(tcase, test_target_ends);
	return unit_run("machine", tcase);
}
