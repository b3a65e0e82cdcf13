/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vqi/pack.h"

#include <check.h>
#include <errno.h>
#include <string.h>

#include "unit.h"

static struct vqi_pack pack;

static void setup(void)
{
	vqi_cleanup_error struct vqi_error *error = vqi_error_sys(ENOENT, "cannot open %s", "x");

	vqi_pack_u8(&pack, 0xab);
	vqi_pack_u32(&pack, 0x01020304);
	vqi_pack_u64(&pack, UINT64_MAX - 1);
	vqi_pack_text(&pack, "text");
	vqi_pack_text(&pack, "");
	vqi_pack_text(&pack, NULL);
	vqi_pack_error(&pack, error);
	vqi_pack_error(&pack, NULL);
	vqi_pack_bytes(&pack, "end", 3);
	ck_assert(!pack.failed);
}

static void teardown(void)
{
	vqi_pack_done(&pack);
}

static void check_all(struct vqi_unpack *unpack)
{
	vqi_cleanup_free char *text = NULL, *empty = NULL;
	vqi_cleanup_error struct vqi_error *error = NULL;

	ck_assert_uint_eq(vqi_unpack_u8(unpack), 0xab);
	ck_assert_uint_eq(vqi_unpack_u32(unpack), 0x01020304);
	ck_assert_uint_eq(vqi_unpack_u64(unpack), UINT64_MAX - 1);
	text = vqi_unpack_text(unpack);
	ck_assert_str_eq(text, "text");
	empty = vqi_unpack_text(unpack);
	ck_assert_str_eq(empty, "");
	ck_assert_ptr_null(vqi_unpack_text(unpack));
	error = vqi_unpack_error(unpack);
	ck_assert_int_eq(error->code, VQI_ERROR_SYS);
	ck_assert_int_eq(error->saved_errno, ENOENT);
	ck_assert_str_eq(error->message, "cannot open x: No such file or directory");
	ck_assert_ptr_null(vqi_unpack_error(unpack));
	ck_assert_mem_eq(vqi_unpack_bytes(unpack, 3), "end", 3);
}

START_TEST(test_there_and_back)
{
	struct vqi_unpack unpack = {.at = pack.data, .end = pack.data + pack.len};

	check_all(&unpack);
	ck_assert(!unpack.failed);
	ck_assert_ptr_eq(unpack.at, unpack.end);
	ck_assert_uint_eq(vqi_unpack_u8(&unpack), 0);
	ck_assert(unpack.failed);
}
END_TEST

START_TEST(test_byte_order)
{
	ck_assert_mem_eq(pack.data + 1, "\4\3\2\1", 4);
}
END_TEST

/* Takes all of what may be cut off anywhere: nothing is read beyond. */
static bool take_all(const uint8_t *data, size_t len)
{
	vqi_cleanup_free uint8_t *copy = malloc(len + 1);
	struct vqi_unpack unpack = {.at = copy, .end = copy + len};

	memcpy(copy, data, len);
	vqi_unpack_u8(&unpack);
	vqi_unpack_u32(&unpack);
	vqi_unpack_u64(&unpack);
	for (int i = 0; i < 3; i++)
		free(vqi_unpack_text(&unpack));
	vqi_error_free(vqi_unpack_error(&unpack));
	vqi_error_free(vqi_unpack_error(&unpack));
	vqi_unpack_bytes(&unpack, 3);
	return !unpack.failed;
}

START_TEST(test_cut_off)
{
	for (size_t len = 0; len < pack.len; len++)
		ck_assert(!take_all(pack.data, len));
	ck_assert(take_all(pack.data, pack.len));
}
END_TEST

START_TEST(test_text_with_nul)
{
	const uint8_t bytes[] = {4, 0, 0, 0, 'a', 0, 'b'};
	struct vqi_unpack unpack = {.at = bytes, .end = bytes + sizeof(bytes)};

	ck_assert_ptr_null(vqi_unpack_text(&unpack));
	ck_assert(unpack.failed);
}
END_TEST

START_TEST(test_error_of_no_code)
{
	uint8_t bytes[] = {0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 'x'};
	struct vqi_unpack unpack = {.at = bytes, .end = bytes + sizeof(bytes)};

	ck_assert_ptr_null(vqi_unpack_error(&unpack));
	ck_assert(unpack.failed);
}
END_TEST

START_TEST(test_no_memory)
{
	vqi_pack_reserve(&pack, SIZE_MAX);
	ck_assert(pack.failed);
	vqi_pack_u8(&pack, 1);
	ck_assert_uint_ne(pack.data[pack.len - 1], 1);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("pack");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_there_and_back);
	tcase_add_test(tcase, test_byte_order);
	tcase_add_test(tcase, test_cut_off);
	tcase_add_test(tcase, test_text_with_nul);
	tcase_add_test(tcase, test_error_of_no_code);
	tcase_add_test(tcase, test_no_memory);
	return unit_run("pack", tcase);
}
