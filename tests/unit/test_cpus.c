/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The virtual CPUs, and who holds the big QEMU lock. */
#include <check.h>

#include "fake_loops.h"
#include "unit.h"
#include "vqi/limits.h"
#include "vqi/loops.h"

#define SEEDS 5
#define NAMES 2

/* Before 8.2 and since. */
static const enum vqi_symbol_id lists[NAMES] = {VQI_SYM_cpus, VQI_SYM_cpus_queue};
static const enum vqi_symbol_id locks[NAMES] = {VQI_SYM_qemu_global_mutex, VQI_SYM_bql};

static struct fake_qemu *qemu;
static struct vqi_vcpu *vcpus;
static size_t count;

static void setup(void)
{
	qemu = fake_qemu_new(1);
	vcpus = NULL;
	count = 77;
}

static void teardown(void)
{
	free(vcpus);
	fake_qemu_free(qemu);
}

static struct vqi_error *read_vcpus(void)
{
	free(take_ptr(vcpus));
	count = 77;
	return vqi_qemu_vcpus(&qemu->qemu, &vcpus, &count);
}

static void assert_nothing_returned(void)
{
	ck_assert_ptr_null(vcpus);
	ck_assert_uint_eq(count, 77);
}

/* A QEMU has one of the two names. */
static void keep_name(const enum vqi_symbol_id *symbols, int kept)
{
	for (int i = 0; i < NAMES; i++)
		qemu->layout.symbols[symbols[i]].present = i == kept;
}

START_TEST(test_every_layout)
{
	for (int name = 0; name < NAMES; name++) {
		uint64_t cpus[3];

		teardown();
		qemu = fake_qemu_new((unsigned int)_i);
		vcpus = NULL;
		keep_name(lists, name);
		for (unsigned int i = 3; i-- > 0;) /* each is put before the others */
			cpus[i] = fake_vcpu(qemu, lists[name], i * 8, 5000 + i);
		fake_set(qemu, cpus[1], VQI_F_CPUState_halted, 1);
		fake_set(qemu, cpus[2], VQI_F_CPUState_crash_occurred, 1);
		ck_assert_ok(read_vcpus());
		ck_assert_uint_eq(count, 3);
		for (unsigned int i = 0; i < 3; i++) {
			ck_assert_uint_eq(vcpus[i].index, i * 8);
			ck_assert(vqi_num_is(vcpus[i].tid, 5000 + i));
			ck_assert(vqi_num_is(vcpus[i].halted, i == 1));
			ck_assert(vqi_num_is(vcpus[i].panicked, i == 2));
		}
	}
}
END_TEST

START_TEST(test_no_vcpus_yet)
{
	ck_assert_ok(read_vcpus());
	ck_assert_uint_eq(count, 0);
}
END_TEST

START_TEST(test_neither_list)
{
	fake_vcpu(qemu, VQI_SYM_cpus, 0, 5000);
	keep_name(lists, NAMES);
	ck_assert_code(read_vcpus(), VQI_ERROR_NO_LAYOUT);
	assert_nothing_returned();
}
END_TEST

START_TEST(test_fields_that_are_needed)
{
	static const enum vqi_field_id fields[] = {VQI_F_CPUState_node, VQI_F_CPUState_cpu_index};

	fake_vcpu(qemu, VQI_SYM_cpus, 0, 5000);
	for (int i = 0; i < 2; i++) {
		qemu->layout.fields[fields[i]].present = false;
		ck_assert_code_text(read_vcpus(), VQI_ERROR_NO_LAYOUT,
				    vqi_field_info(fields[i])->name);
		assert_nothing_returned();
		qemu->layout.fields[fields[i]].present = true;
	}
}
END_TEST

START_TEST(test_unknown_fields)
{
	static const enum vqi_field_id fields[] = {VQI_F_CPUState_thread_id, VQI_F_CPUState_halted,
						   VQI_F_CPUState_crash_occurred};

	fake_vcpu(qemu, VQI_SYM_cpus, 7, 5000);
	for (int i = 0; i < 3; i++) {
		qemu->layout.fields[fields[i]].present = false;
		ck_assert_ok(read_vcpus());
		ck_assert_uint_eq(count, 1);
		ck_assert_uint_eq(vcpus[0].index, 7);
		ck_assert_int_eq(vcpus[0].tid.known, i != 0);
		ck_assert_int_eq(vcpus[0].halted.known, i != 1);
		ck_assert_int_eq(vcpus[0].panicked.known, i != 2);
		qemu->layout.fields[fields[i]].present = true;
	}
}
END_TEST

START_TEST(test_list_in_a_ring)
{
	uint64_t last = fake_vcpu(qemu, VQI_SYM_cpus, 1, 5001);

	fake_set(qemu, last, VQI_F_CPUState_node, fake_vcpu(qemu, VQI_SYM_cpus, 0, 5000));
	qemu->fake->calls = 0;
	ck_assert_code_text(read_vcpus(), VQI_ERROR_LIMIT, "virtual CPUs");
	ck_assert_uint_lt(qemu->fake->calls, 6 * VQI_MAX_VCPUS);
	assert_nothing_returned();
}
END_TEST

/* Every byte that a healthy run reads fails once. */
START_TEST(test_every_fault)
{
	vqi_cleanup_free struct fake_read *reads = NULL;
	size_t read_count;

	fake_vcpu(qemu, VQI_SYM_cpus, 1, 5001);
	fake_vcpu(qemu, VQI_SYM_cpus, 0, 5000);
	fake_forget(qemu);
	ck_assert_ok(read_vcpus());
	reads = fake_take_reads(qemu, &read_count);
	ck_assert_uint_eq(read_count, 1 + 2 * 5);
	for (size_t i = 0; i < read_count; i++) {
		for (uint64_t byte = 0; byte < reads[i].len; byte++) {
			vqi_fake_mem_fault(qemu->fake, reads[i].addr + byte, 1);
			ck_assert_code(read_vcpus(), VQI_ERROR_FAULT);
			assert_nothing_returned();
			vqi_fake_mem_heal(qemu->fake);
		}
	}
}
END_TEST

START_TEST(test_owner_of_the_lock)
{
	uint64_t tid = 1;

	for (int name = 0; name < NAMES; name++) {
		uint64_t lock = fake_symbol(qemu, locks[name]);

		keep_name(locks, name);
		ck_assert_ok(vqi_qemu_bql_owner(&qemu->qemu, &tid));
		ck_assert_uint_eq(tid, 0);
		fake_set(qemu, lock, VQI_F_QemuMutex_owner, 5002);
		ck_assert_ok(vqi_qemu_bql_owner(&qemu->qemu, &tid));
		ck_assert_uint_eq(tid, 5002);
	}
}
END_TEST

START_TEST(test_unknown_owner_of_the_lock)
{
	uint64_t tid = 66, lock = fake_symbol(qemu, VQI_SYM_qemu_global_mutex);

	vqi_fake_mem_fault(qemu->fake, fake_place(qemu, lock, VQI_F_QemuMutex_owner), 1);
	ck_assert_code(vqi_qemu_bql_owner(&qemu->qemu, &tid), VQI_ERROR_FAULT);
	qemu->layout.fields[VQI_F_QemuMutex_owner].present = false;
	ck_assert_code_text(vqi_qemu_bql_owner(&qemu->qemu, &tid), VQI_ERROR_NO_LAYOUT, "owner");
	keep_name(locks, NAMES);
	ck_assert_code(vqi_qemu_bql_owner(&qemu->qemu, &tid), VQI_ERROR_NO_LAYOUT);
	ck_assert_uint_eq(tid, 66);
}
END_TEST

START_TEST(test_target_ends)
{
	uint64_t tid = 66;
	size_t calls;

	fake_vcpu(qemu, VQI_SYM_cpus, 0, 5000);
	qemu->fake->calls = 0;
	ck_assert_ok(read_vcpus());
	calls = qemu->fake->calls;
	for (size_t i = 0; i < calls; i++) {
		qemu->fake->calls = 0;
		qemu->fake->gone_after = i;
		ck_assert_code(read_vcpus(), VQI_ERROR_GONE);
		assert_nothing_returned();
	}
	ck_assert_code(vqi_qemu_bql_owner(&qemu->qemu, &tid), VQI_ERROR_GONE);
	ck_assert_uint_eq(tid, 66);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("cpus");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, test_every_layout, 0, SEEDS);
	tcase_add_test(tcase, test_no_vcpus_yet);
	tcase_add_test(tcase, test_neither_list);
	tcase_add_test(tcase, test_fields_that_are_needed);
	tcase_add_test(tcase, test_unknown_fields);
	tcase_add_test(tcase, test_list_in_a_ring);
	tcase_add_test(tcase, test_every_fault);
	tcase_add_test(tcase, test_owner_of_the_lock);
	tcase_add_test(tcase, test_unknown_owner_of_the_lock);
	tcase_add_test(tcase, test_target_ends);
	return unit_run("cpus", tcase);
}
