/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "log.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"
#include "vqi/limits.h"

static struct vqi_log reading_log;

static void teardown(void)
{
	vqi_log_done(&reading_log);
}

static void add(enum vqi_entry_kind kind, const char *key, const char *data)
{
	const struct vqi_entry entry = {
		.kind = kind,
		.ok = true,
		.key = (const uint8_t *)key,
		.key_len = (uint32_t)strlen(key),
		.data = (const uint8_t *)data,
		.data_len = (uint32_t)strlen(data),
	};

	vqi_log_add(&reading_log, &entry);
	ck_assert_ptr_null(reading_log.error);
}

/* "KEY=DATA KEY=DATA ...", looks as "|". Owner: static. */
static const char *shown(const struct vqi_log *log)
{
	static char text[4096];
	size_t len = 0;

	text[0] = '\0';
	for (size_t i = 0; i < log->count; i++) {
		const struct vqi_entry entry = vqi_log_entry(log, i);

		if (entry.kind == VQI_ENTRY_LOOK)
			len += (size_t)snprintf(text + len, sizeof(text) - len, "| ");
		else
			len += (size_t)snprintf(text + len, sizeof(text) - len, "%.*s=%.*s ",
						(int)entry.key_len, entry.key, (int)entry.data_len,
						entry.data);
	}
	return text;
}

static void add_some(void)
{
	add(VQI_ENTRY_FILE, "status", "1");
	add(VQI_ENTRY_LOOK, "", "");
	add(VQI_ENTRY_LINK, "fd/3", "socket");
	add(VQI_ENTRY_FILE, "empty", "");
}

START_TEST(test_there_and_back)
{
	struct vqi_log other = {0};

	add_some();
	ck_assert_str_eq(shown(&reading_log), "status=1 | fd/3=socket empty= ");
	ck_assert_ok(vqi_log_take(&other, reading_log.bytes.data, reading_log.bytes.len));
	ck_assert_str_eq(shown(&other), "status=1 | fd/3=socket empty= ");
	vqi_log_done(&other);
}
END_TEST

/* Between entries it can end; nowhere else. */
START_TEST(test_cut_off)
{
	size_t whole = 0;

	add_some();
	for (size_t len = 0; len <= reading_log.bytes.len; len++) {
		vqi_cleanup_free uint8_t *copy = malloc(len + 1);
		struct vqi_log other = {0};
		struct vqi_error *error;

		memcpy(copy, reading_log.bytes.data, len);
		error = vqi_log_take(&other, copy, len);
		if (error)
			ck_assert_int_eq(error->code, VQI_ERROR_BAD_DATA);
		whole += !error;
		vqi_error_free(error);
		vqi_log_done(&other);
	}
	ck_assert_uint_eq(whole, 1 + reading_log.count);
}
END_TEST

START_TEST(test_memory_without_address)
{
	struct vqi_log other = {0};

	add(VQI_ENTRY_MEMORY, "short", "x");
	ck_assert_code(vqi_log_take(&other, reading_log.bytes.data, reading_log.bytes.len),
		       VQI_ERROR_BAD_DATA);
	vqi_log_done(&other);
}
END_TEST

START_TEST(test_too_large)
{
	const struct vqi_entry entry = {
		.kind = VQI_ENTRY_FILE,
		.data = (const uint8_t *)"",
		.data_len = VQI_MAX_RECORDING,
	};

	add_some();
	vqi_log_add(&reading_log, &entry);
	ck_assert_code(take_ptr(reading_log.error), VQI_ERROR_LIMIT);
	ck_assert_uint_eq(reading_log.count, 4);
}
END_TEST

START_TEST(test_cut)
{
	add_some();
	vqi_log_cut(&reading_log, 9);
	ck_assert_uint_eq(reading_log.count, 4);
	vqi_log_cut(&reading_log, 1);
	add(VQI_ENTRY_FILE, "maps", "2");
	ck_assert_str_eq(shown(&reading_log), "status=1 maps=2 ");
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("log");

	tcase_add_checked_fixture(tcase, NULL, teardown);
	tcase_add_test(tcase, test_there_and_back);
	tcase_add_test(tcase, test_cut_off);
	tcase_add_test(tcase, test_memory_without_address);
	tcase_add_test(tcase, test_too_large);
	tcase_add_test(tcase, test_cut);
	return unit_run("log", tcase);
}
