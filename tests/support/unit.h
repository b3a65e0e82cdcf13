/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What every unit test with Check needs. */
#ifndef VQI_TESTS_UNIT_H
#define VQI_TESTS_UNIT_H

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "vqi/error.h"

/* Runs one test case; the exit status for main(). */
static inline int unit_run(const char *name, TCase *tcase)
{
	Suite *suite = suite_create(name);
	SRunner *runner;
	int failed;

	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* Asserts success; says what went wrong otherwise. */
#define ck_assert_ok(call)                                                                         \
	do {                                                                                       \
		struct vqi_error *unit_error_ = (call);                                            \
		ck_assert_msg(!unit_error_, "%s: %s", #call,                                       \
			      unit_error_ ? unit_error_->message : "");                            \
	} while (0)

/* Asserts failure with a code, and frees the error. */
#define ck_assert_code(call, wanted)                                                               \
	do {                                                                                       \
		struct vqi_error *unit_error_ = (call);                                            \
		ck_assert_msg(unit_error_ != NULL, "%s succeeds", #call);                          \
		ck_assert_msg(unit_error_->code == (wanted), "%s: code %d, not %s: %s", #call,     \
			      (int)unit_error_->code, #wanted, unit_error_->message);              \
		vqi_error_free(unit_error_);                                                       \
	} while (0)

/* The same, and the message contains a text. */
#define ck_assert_code_text(call, wanted, text)                                                    \
	do {                                                                                       \
		struct vqi_error *unit_error_ = (call);                                            \
		ck_assert_msg(unit_error_ != NULL, "%s succeeds", #call);                          \
		ck_assert_msg(unit_error_->code == (wanted), "%s: code %d, not %s: %s", #call,     \
			      (int)unit_error_->code, #wanted, unit_error_->message);              \
		ck_assert_msg(strstr(unit_error_->message, (text)) != NULL,                        \
			      "%s: no \"%s\" in: %s", #call, (text), unit_error_->message);        \
		vqi_error_free(unit_error_);                                                       \
	} while (0)

#endif
