/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files of recordings that are no good. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "recording.h"
#include "scratch.h"
#include "target_process.h"
#include "unit.h"
#include "vqi/limits.h"
#include "vqi/record.h"

static struct test_target target;
static struct vqi_process *process;

static void setup(void)
{
	scratch_make();
	vqi_target_start(&target);
	ck_assert_ok(vqi_process_open(target.pid, &process));
}

static void teardown(void)
{
	vqi_process_close(take_ptr(process));
	vqi_target_end(&target);
	scratch_remove();
}

/* The bytes of a small recording. Owner: the caller. */
static struct vqi_pack small(void)
{
	struct vqi_pack bytes = {0};
	vqi_cleanup_file FILE *file = NULL;
	const char *path = scratch_path("small");
	vqi_cleanup_free char *text = NULL;

	ck_assert_ok(vqi_record_begin(process, &(struct timespec){0}));
	ck_assert_ok(vqi_process_read_file(process, "comm", 64, &text, NULL));
	ck_assert_ok(vqi_record_write(process, path, &(struct vqi_pack){0}));
	file = fopen(path, "rb");
	ck_assert_ptr_nonnull(file);
	vqi_pack_reserve(&bytes, 65536);
	bytes.len = fread(bytes.data, 1, 65536, file);
	ck_assert_uint_lt(bytes.len, 1024);
	return bytes;
}

/* Of exactly so many bytes: nothing is read beyond. */
static struct vqi_error *open_bytes(const uint8_t *bytes, size_t len)
{
	vqi_cleanup(vqi_pack_done) struct vqi_pack settings = {0};
	vqi_cleanup_process struct vqi_process *opened = NULL;
	vqi_cleanup_free uint8_t *copy = malloc(len + 1);

	memcpy(copy, bytes, len);
	return vqi_replay_of(copy, len, "name", &opened, &settings);
}

START_TEST(test_truncated)
{
	vqi_cleanup(vqi_pack_done) struct vqi_pack bytes = small();

	for (size_t len = 0; len < bytes.len; len++)
		ck_assert_code(open_bytes(bytes.data, len), VQI_ERROR_BAD_DATA);
	ck_assert_ok(open_bytes(bytes.data, bytes.len));
}
END_TEST

/* Whatever byte it is. */
START_TEST(test_changed)
{
	vqi_cleanup(vqi_pack_done) struct vqi_pack bytes = small();

	for (size_t i = 0; i < bytes.len; i++) {
		vqi_cleanup_error struct vqi_error *error = NULL;

		bytes.data[i] ^= 0x55;
		error = open_bytes(bytes.data, bytes.len);
		ck_assert_msg(error, "byte %zu", i);
		ck_assert(error->code == VQI_ERROR_BAD_DATA ||
			  error->code == VQI_ERROR_UNSUPPORTED || error->code == VQI_ERROR_NOMEM);
		ck_assert_int_eq(strncmp(error->message, "name: ", 6), 0);
		bytes.data[i] ^= 0x55;
	}
	vqi_pack_u8(&bytes, 0);
	ck_assert_code_text(open_bytes(bytes.data, bytes.len), VQI_ERROR_BAD_DATA,
			    "behind its end");
}
END_TEST

#define HEAD_LEN (strlen("virtq-inspect recording\n") + 4)

START_TEST(test_newer_version)
{
	vqi_cleanup(vqi_pack_done) struct vqi_pack bytes = small();

	bytes.data[HEAD_LEN - 4] = 2;
	ck_assert_code_text(open_bytes(bytes.data, bytes.len), VQI_ERROR_UNSUPPORTED,
			    "has format 2, and this version of virtq-inspect reads format 1");
}
END_TEST

/* A file of some KiB that would be of some GiB. */
START_TEST(test_bomb)
{
	vqi_cleanup(vqi_pack_done) struct vqi_pack bytes = small();
	ZSTD_CCtx *context = ZSTD_createCCtx();
	vqi_cleanup_free uint8_t *zeroes = calloc(1, 1 << 20);
	ZSTD_outBuffer out;

	bytes.len = HEAD_LEN;
	vqi_pack_reserve(&bytes, 1 << 20);
	out = (ZSTD_outBuffer){.dst = bytes.data + bytes.len, .size = 1 << 20};
	for (int i = 0; i < 1024; i++) {
		ZSTD_inBuffer in = {.src = zeroes, .size = 1 << 20};

		while (in.pos < in.size)
			ck_assert(!ZSTD_isError(
				ZSTD_compressStream2(context, &out, &in, ZSTD_e_continue)));
	}
	ck_assert_uint_eq(ZSTD_compressStream2(context, &out, &(ZSTD_inBuffer){.src = zeroes},
					       ZSTD_e_end),
			  0);
	ZSTD_freeCCtx(context);
	ck_assert_code_text(open_bytes(bytes.data, bytes.len + out.pos), VQI_ERROR_LIMIT,
			    "more than 256 MiB");
}
END_TEST

/* With a checksum that is right. */
static struct vqi_error *open_packed(const struct vqi_pack *plain)
{
	vqi_cleanup(vqi_pack_done) struct vqi_pack bytes = {0};

	vqi_pack_bytes(&bytes, "virtq-inspect recording\n", HEAD_LEN - 4);
	vqi_pack_u32(&bytes, 1);
	vqi_pack_reserve(&bytes, ZSTD_compressBound(plain->len));
	bytes.len += ZSTD_compress(bytes.data + bytes.len, bytes.room - bytes.len, plain->data,
				   plain->len, 1);
	return open_bytes(bytes.data, bytes.len);
}

START_TEST(test_nonsense)
{
	vqi_cleanup(vqi_pack_done) struct vqi_pack bytes = small(), plain = {0};
	size_t whole = 0;

	vqi_pack_reserve(&plain, 65536);
	plain.len = ZSTD_decompress(plain.data, plain.room, bytes.data + HEAD_LEN,
				    bytes.len - HEAD_LEN);
	ck_assert(!ZSTD_isError(plain.len));
	ck_assert_ok(open_packed(&plain));
	for (size_t len = plain.len; len-- > 0;) {
		plain.len = len;
		ck_assert_code(open_packed(&plain), VQI_ERROR_BAD_DATA);
		whole++;
	}
	ck_assert_uint_gt(whole, 0);
}
END_TEST

START_TEST(test_no_file)
{
	vqi_cleanup(vqi_pack_done) struct vqi_pack settings = {0};
	struct vqi_process *opened = NULL;

	ck_assert_code(vqi_replay_open(scratch_path("absent"), &opened, &settings), VQI_ERROR_SYS);
	ck_assert_code(vqi_replay_open(scratch_path("."), &opened, &settings), VQI_ERROR_SYS);
	ck_assert_code(vqi_replay_open("/dev/zero", &opened, &settings), VQI_ERROR_LIMIT);
	ck_assert_code(vqi_record_write(process, scratch_path("x"), &settings),
		       VQI_ERROR_UNSUPPORTED);
	ck_assert_ptr_null(opened);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("recording_file");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_truncated);
	tcase_add_test(tcase, test_changed);
	tcase_add_test(tcase, test_newer_version);
	tcase_add_test(tcase, test_bomb);
	tcase_add_test(tcase, test_nonsense);
	tcase_add_test(tcase, test_no_file);
	return unit_run("recording_file", tcase);
}
