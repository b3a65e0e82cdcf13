/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which host notifiers a write of the guest rings. */
#include <check.h>

#include "fake_qemu.h"
#include "unit.h"
#include "vqi/limits.h"

#define SEEDS	 5
#define NOTIFIER UINT64_C(0x55d0c2000000)

static const enum vqi_symbol_id spaces[] = {VQI_SYM_address_space_memory, VQI_SYM_address_space_io};

static struct fake_qemu *qemu;
static uint64_t arrays[2];
static struct vqi_ioeventfds ioeventfds;

/* Gives an address space a list of so many notifiers, from the first on, and whom to tell of it. */
static void make_list(int which, unsigned int first, unsigned int count)
{
	size_t stride = qemu->layout.structs[VQI_S_MemoryRegionIoeventfd].size;
	uint64_t space = fake_symbol(qemu, spaces[which]);

	arrays[which] = fake_alloc(qemu, count * stride);
	for (unsigned int i = 0; i < count; i++)
		fake_set(qemu, arrays[which] + i * stride, VQI_F_MemoryRegionIoeventfd_e,
			 NOTIFIER + (first + i) * 16);
	fake_set(qemu, space, VQI_F_AddressSpace_ioeventfds, arrays[which]);
	fake_set(qemu, space, VQI_F_AddressSpace_ioeventfd_nb, count);
	fake_set(qemu, space, VQI_F_AddressSpace_ioeventfd_notifiers, 1);
}

static void make(unsigned int seed)
{
	qemu = fake_qemu_new(seed);
	make_list(0, 0, 3);
	make_list(1, 3, 2);
	ioeventfds = (struct vqi_ioeventfds){0};
}

static void setup(void)
{
	make(1);
}

static void teardown(void)
{
	vqi_ioeventfds_done(&ioeventfds);
	fake_qemu_free(qemu);
}

static struct vqi_error *read_ioeventfds(void)
{
	vqi_ioeventfds_done(&ioeventfds);
	return vqi_qemu_ioeventfds(&qemu->qemu, &ioeventfds);
}

static void assert_nothing_returned(void)
{
	ck_assert_ptr_null(ioeventfds.notifiers);
	ck_assert_uint_eq(ioeventfds.count, 0);
}

/* Sets a field of one address space, or of the other. */
static void set_space(int which, enum vqi_field_id field, uint64_t value)
{
	fake_set(qemu, fake_symbol(qemu, spaces[which]), field, value);
}

START_TEST(test_every_layout)
{
	teardown();
	make((unsigned int)_i);
	ck_assert_ok(read_ioeventfds());
	ck_assert_uint_eq(ioeventfds.count, 5);
	for (unsigned int i = 0; i < 5; i++)
		ck_assert(vqi_ioeventfds_have(&ioeventfds, NOTIFIER + i * 16));
	ck_assert(!vqi_ioeventfds_have(&ioeventfds, NOTIFIER + 5 * 16));
	ck_assert(!vqi_ioeventfds_have(&ioeventfds, 0));
}
END_TEST

START_TEST(test_none)
{
	for (int i = 0; i < 2; i++) {
		set_space(i, VQI_F_AddressSpace_ioeventfds, 0);
		set_space(i, VQI_F_AddressSpace_ioeventfd_nb, 0);
	}
	ck_assert_ok(read_ioeventfds());
	ck_assert_uint_eq(ioeventfds.count, 0);
	ck_assert(!vqi_ioeventfds_have(&ioeventfds, 0));
}
END_TEST

/* An empty list is no proof where nobody asks for one. */
START_TEST(test_list_that_is_not_kept)
{
	static const char *const names[] = {"address_space_memory", "address_space_io"};

	for (int i = 0; i < 2; i++) {
		set_space(i, VQI_F_AddressSpace_ioeventfd_notifiers, 0);
		ck_assert_code_text(read_ioeventfds(), VQI_ERROR_NO_LAYOUT, names[i]);
		assert_nothing_returned();
		set_space(i, VQI_F_AddressSpace_ioeventfd_notifiers, 2);
	}
	ck_assert_ok(read_ioeventfds());
}
END_TEST

/* Before 8.2 it is kept whoever asks. */
START_TEST(test_list_that_is_always_kept)
{
	set_space(0, VQI_F_AddressSpace_ioeventfd_notifiers, 0);
	set_space(1, VQI_F_AddressSpace_ioeventfd_notifiers, 0);
	qemu->layout.fields[VQI_F_AddressSpace_ioeventfd_notifiers].present = false;
	ck_assert_ok(read_ioeventfds());
	ck_assert_uint_eq(ioeventfds.count, 5);
}
END_TEST

START_TEST(test_what_is_needed)
{
	static const enum vqi_field_id fields[] = {VQI_F_MemoryRegionIoeventfd_e,
						   VQI_F_AddressSpace_ioeventfd_nb,
						   VQI_F_AddressSpace_ioeventfds};

	for (int i = 0; i < 3; i++) {
		qemu->layout.fields[fields[i]].present = false;
		ck_assert_code_text(read_ioeventfds(), VQI_ERROR_NO_LAYOUT,
				    vqi_field_info(fields[i])->name);
		assert_nothing_returned();
		qemu->layout.fields[fields[i]].present = true;
	}
	for (int i = 0; i < 2; i++) {
		qemu->layout.symbols[spaces[i]].present = false;
		ck_assert_code(read_ioeventfds(), VQI_ERROR_NO_LAYOUT);
		assert_nothing_returned();
		qemu->layout.symbols[spaces[i]].present = true;
	}
	ck_assert_ok(read_ioeventfds());
}
END_TEST

/* As many as there may be are read in one go. */
START_TEST(test_too_many)
{
	set_space(1, VQI_F_AddressSpace_ioeventfd_nb, VQI_MAX_IOEVENTFDS + 1);
	ck_assert_code_text(read_ioeventfds(), VQI_ERROR_LIMIT, "ioeventfds");
	assert_nothing_returned();
	set_space(1, VQI_F_AddressSpace_ioeventfd_nb, (uint32_t)-1);
	ck_assert_code_text(read_ioeventfds(), VQI_ERROR_LIMIT, "ioeventfds");
	make_list(1, 3, VQI_MAX_IOEVENTFDS);
	qemu->fake->calls = 0;
	ck_assert_ok(read_ioeventfds());
	ck_assert_uint_eq(ioeventfds.count, 3 + VQI_MAX_IOEVENTFDS);
	ck_assert_uint_lt(qemu->fake->calls, 20);
}
END_TEST

/* A list that is longer than its array, which was made anew meanwhile. */
START_TEST(test_beyond_the_array)
{
	set_space(0, VQI_F_AddressSpace_ioeventfd_nb, 4);
	ck_assert_code(read_ioeventfds(), VQI_ERROR_FAULT);
	assert_nothing_returned();
}
END_TEST

/* Every byte that a healthy run reads fails once. */
START_TEST(test_every_fault)
{
	vqi_cleanup_free struct fake_read *reads = NULL;
	size_t count;

	fake_forget(qemu);
	ck_assert_ok(read_ioeventfds());
	reads = fake_take_reads(qemu, &count);
	ck_assert_uint_eq(count, 2 * 3 + 5);
	for (size_t i = 0; i < count; i++) {
		for (uint64_t byte = 0; byte < reads[i].len; byte++) {
			vqi_fake_mem_fault(qemu->fake, reads[i].addr + byte, 1);
			ck_assert_code(read_ioeventfds(), VQI_ERROR_FAULT);
			assert_nothing_returned();
			vqi_fake_mem_heal(qemu->fake);
		}
	}
}
END_TEST

START_TEST(test_target_ends)
{
	size_t calls;

	qemu->fake->calls = 0;
	ck_assert_ok(read_ioeventfds());
	calls = qemu->fake->calls;
	for (size_t i = 0; i < calls; i++) {
		qemu->fake->calls = 0;
		qemu->fake->gone_after = i;
		ck_assert_code(read_ioeventfds(), VQI_ERROR_GONE);
		assert_nothing_returned();
	}
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("ioeventfds");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, test_every_layout, 0, SEEDS);
	tcase_add_test(tcase, test_none);
	tcase_add_test(tcase, test_list_that_is_not_kept);
	tcase_add_test(tcase, test_list_that_is_always_kept);
	tcase_add_test(tcase, test_what_is_needed);
	tcase_add_test(tcase, test_too_many);
	tcase_add_test(tcase, test_beyond_the_array);
	tcase_add_test(tcase, test_every_fault);
	tcase_add_test(tcase, test_target_ends);
	return unit_run("ioeventfds", tcase);
}
