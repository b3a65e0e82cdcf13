/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vqi/error.h"

#include <check.h>
#include <errno.h>
#include <string.h>
#include <wchar.h>

#include "unit.h"

START_TEST(test_new)
{
	vqi_cleanup_error struct vqi_error *error =
		vqi_error_new(VQI_ERROR_BAD_DATA, "ring has %d entries", 7);

	ck_assert_int_eq(error->code, VQI_ERROR_BAD_DATA);
	ck_assert_str_eq(error->message, "ring has 7 entries");
	ck_assert_int_eq(error->saved_errno, 0);
	ck_assert_uint_eq(error->address, 0);
}
END_TEST

static const struct {
	int saved_errno;
	enum vqi_error_code code;
	int kept;
} sys_cases[] = {
	{ESRCH, VQI_ERROR_GONE, ESRCH},
	{EPERM, VQI_ERROR_PERMISSION, EPERM},
	{EACCES, VQI_ERROR_PERMISSION, EACCES},
	{ENOMEM, VQI_ERROR_NOMEM, 0},
	{EIO, VQI_ERROR_SYS, EIO},
	{ENOENT, VQI_ERROR_SYS, ENOENT},
};

START_TEST(test_sys)
{
	vqi_cleanup_error struct vqi_error *error =
		vqi_error_sys(sys_cases[_i].saved_errno, "open %s", "/x");
	char wanted[128];

	snprintf(wanted, sizeof(wanted), "open /x: %s", strerror(sys_cases[_i].saved_errno));
	ck_assert_int_eq(error->code, sys_cases[_i].code);
	ck_assert_int_eq(error->saved_errno, sys_cases[_i].kept);
	ck_assert_str_eq(error->message, wanted);
}
END_TEST

START_TEST(test_fault)
{
	vqi_cleanup_error struct vqi_error *error = vqi_error_fault(0x7f0000001000, 4);

	ck_assert_int_eq(error->code, VQI_ERROR_FAULT);
	ck_assert_uint_eq(error->address, 0x7f0000001000);
	ck_assert_str_eq(error->message, "cannot read 4 bytes at 0x7f0000001000");
}
END_TEST

START_TEST(test_prefix)
{
	struct vqi_error *fault = vqi_error_fault(0x10, 2);
	struct vqi_error *inner = vqi_error_prefix(fault, "avail ring");
	vqi_cleanup_error struct vqi_error *error =
		vqi_error_prefix(inner, "%s queue %d", "virtio-blk0", 3);

	ck_assert_str_eq(error->message,
			 "virtio-blk0 queue 3: avail ring: cannot read 2 bytes at 0x10");
	ck_assert_int_eq(error->code, VQI_ERROR_FAULT);
	ck_assert_uint_eq(error->address, 0x10);
}
END_TEST

START_TEST(test_prefix_of_success)
{
	ck_assert_ptr_null(vqi_error_prefix(NULL, "x"));
}
END_TEST

START_TEST(test_one_printable_line)
{
	struct vqi_error *inner = vqi_error_new(VQI_ERROR_NOT_QEMU, "a\nb\033[31m\x7f ü");
	vqi_cleanup_error struct vqi_error *error = vqi_error_prefix(inner, "c\td");

	ck_assert_str_eq(error->message, "c?d: a?b?[31m? ü");
}
END_TEST

/* A message that cannot be made, here for a character that is none: as without memory. */
START_TEST(test_static_error)
{
	static const wchar_t bad[] = {0x7fffffff, 0};
	struct vqi_error *error = vqi_error_new(VQI_ERROR_SYS, "%ls", bad);

	ck_assert_int_eq(error->code, VQI_ERROR_NOMEM);
	ck_assert_str_eq(error->message, "out of memory");
	ck_assert_ptr_eq(vqi_error_prefix(error, "x"), error);
	ck_assert_str_eq(error->message, "out of memory");
	vqi_error_free(error);
	ck_assert_int_eq(error->code, VQI_ERROR_NOMEM);
}
END_TEST

/* Where the prefix cannot be made, the error stays as it was. */
START_TEST(test_prefix_fails)
{
	static const wchar_t bad[] = {0x7fffffff, 0};
	struct vqi_error *inner = vqi_error_new(VQI_ERROR_LIMIT, "too many");
	vqi_cleanup_error struct vqi_error *error = vqi_error_prefix(inner, "%ls", bad);

	ck_assert_int_eq(error->code, VQI_ERROR_LIMIT);
	ck_assert_str_eq(error->message, "too many");
}
END_TEST

/* What ends the inspection stays, and is the same error; the rest is dropped, and freed. */
START_TEST(test_keep_fatal)
{
	static const struct {
		enum vqi_error_code code;
		bool fatal;
	} cases[] = {
		{VQI_ERROR_NOMEM, true},	{VQI_ERROR_PERMISSION, true},
		{VQI_ERROR_GONE, true},		{VQI_ERROR_USAGE, false},
		{VQI_ERROR_SYS, false},		{VQI_ERROR_NOT_QEMU, false},
		{VQI_ERROR_NO_LAYOUT, false},	{VQI_ERROR_FAULT, false},
		{VQI_ERROR_BAD_DATA, false},	{VQI_ERROR_LIMIT, false},
		{VQI_ERROR_UNSUPPORTED, false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct vqi_error *error = vqi_error_new(cases[i].code, "x");
		vqi_cleanup_error struct vqi_error *kept = NULL;
		bool fatal = vqi_error_is_fatal(error);

		ck_assert_msg(fatal == cases[i].fatal, "case %zu", i);
		kept = vqi_error_keep_fatal(error);
		if (fatal)
			ck_assert_ptr_eq(kept, error);
		else
			ck_assert_ptr_null(kept);
	}
	ck_assert_ptr_null(vqi_error_keep_fatal(NULL));
}
END_TEST

/* Advice about the target's memory would not help. */
START_TEST(test_file)
{
	static const int numbers[] = {EACCES, EPERM, ENOENT};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		vqi_cleanup_error struct vqi_error *error = vqi_error_file(numbers[i], "/x");

		ck_assert_int_eq(error->code, VQI_ERROR_SYS);
		ck_assert_int_eq(error->saved_errno, numbers[i]);
		ck_assert_ptr_nonnull(strstr(error->message, "cannot read /x: "));
	}
}
END_TEST

START_TEST(test_drop)
{
	ck_assert(!vqi_error_drop(NULL));
	ck_assert(vqi_error_drop(vqi_error_new(VQI_ERROR_FAULT, "x")));
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("error");

	tcase_add_test(tcase, test_new);
	tcase_add_loop_test(tcase, test_sys, 0, sizeof(sys_cases) / sizeof(sys_cases[0]));
	tcase_add_test(tcase, test_fault);
	tcase_add_test(tcase, test_prefix);
	tcase_add_test(tcase, test_prefix_of_success);
	tcase_add_test(tcase, test_one_printable_line);
	tcase_add_test(tcase, test_static_error);
	tcase_add_test(tcase, test_prefix_fails);
	tcase_add_test(tcase, test_keep_fatal);
	tcase_add_test(tcase, test_file);
	tcase_add_test(tcase, test_drop);
	return unit_run("error", tcase);
}
