/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A table of CDBs: how they are called, and which blocks they are about. */
#include <inttypes.h>
#include <stdio.h>

#include "decoding.h"
#include "unit.h"

#define BYTES(text) text, sizeof(text) - 1

static const struct {
	const char *cdb;
	size_t len;
	const char *kind; /* NULL: unknown */
	const char *hex;
	const char *blocks; /* the details after it */
} cases[] = {
	{BYTES("\x00\0\0\0\0\0"), "test-unit-ready", "00 00 00 00 00 00", ""},
	{BYTES("\x08\xff\xff\xff\x01\0"), "read(6)", "08 ff ff ff 01 00", "lba=2097151 blocks=1"},
	{BYTES("\x0a\0\0\x02\0\0"), "write(6)", "0a 00 00 02 00 00", "lba=2 blocks=256"},
	{BYTES("\x12\x01\x80\0\xff\0"), "inquiry", "12 01 80 00 ff 00", ""},
	{BYTES("\x1a\0\x3f\0\xc0\0"), "mode-sense(6)", "1a 00 3f 00 c0 00", ""},
	{BYTES("\x25\0\0\0\0\0\0\0\0\0"), "read-capacity(10)", "25 00 00 00 00 00 00 00 00 00", ""},
	{BYTES("\x28\0\x01\x02\x03\x04\0\x12\x34\0"), "read(10)", "28 00 01 02 03 04 00 12 34 00",
	 "lba=16909060 blocks=4660"},
	{BYTES("\x2a\x08\xff\xff\xff\xff\0\0\x01\0"), "write(10)", "2a 08 ff ff ff ff 00 00 01 00",
	 "lba=4294967295 blocks=1"},
	{BYTES("\x35\0\0\0\0\0\0\0\0\0"), "synchronize-cache(10)", "35 00 00 00 00 00 00 00 00 00",
	 "lba=0 blocks=0"},
	{BYTES("\x42\0\0\0\0\0\0\0\x18\0"), "unmap", "42 00 00 00 00 00 00 00 18 00", ""},
	{BYTES("\x41\0\0\0\0\x10\0\0\x20\0"), "write-same(10)", "41 00 00 00 00 10 00 00 20 00",
	 "lba=16 blocks=32"},
	{BYTES("\x88\0\x01\x02\x03\x04\x05\x06\x07\x08\0\0\x01\0\0\0"), "read(16)",
	 "88 00 01 02 03 04 05 06 07 08 00 00 01 00 00 00", "lba=72623859790382856 blocks=256"},
	{BYTES("\x8a\0\0\0\0\0\0\0\0\x09\x01\0\0\0\0\0"), "write(16)",
	 "8a 00 00 00 00 00 00 00 00 09 01 00 00 00 00 00", "lba=9 blocks=16777216"},
	{BYTES("\x89\0\0\0\0\0\0\0\0\x09\0\0\0\x02\0\0"), "compare-and-write",
	 "89 00 00 00 00 00 00 00 00 09 00 00 00 02 00 00", "lba=9 blocks=2"},
	{BYTES("\x93\x08\0\0\0\0\0\0\0\x09\0\0\0\x02\0\0"), "write-same(16)",
	 "93 08 00 00 00 00 00 00 00 09 00 00 00 02 00 00", "lba=9 blocks=2"},
	{BYTES("\x9c\0\0\0\0\0\0\0\0\x09\0\x07\0\x02\0\0"), "write-atomic(16)",
	 "9c 00 00 00 00 00 00 00 00 09 00 07 00 02 00 00", "lba=9 blocks=2"},
	{BYTES("\x9e\x10\0\0\0\0\0\0\0\0\0\0\0\x20\0\0"), "read-capacity(16)",
	 "9e 10 00 00 00 00 00 00 00 00 00 00 00 20 00 00", ""},
	{BYTES("\x9e\x1f\0\0\0\0\0\0\0\0\0\0\0\x20\0\0"), NULL,
	 "9e 1f 00 00 00 00 00 00 00 00 00 00 00 20 00 00", ""},
	{BYTES("\xa0\0\0\0\0\0\0\0\x10\0\0\0"), "report-luns",
	 "a0 00 00 00 00 00 00 00 10 00 00 00", ""},
	{BYTES("\xa3\x0a\0\0\0\0\0\0\x10\0\0\0"), "report-target-port-groups",
	 "a3 0a 00 00 00 00 00 00 10 00 00 00", ""},
	{BYTES("\xa8\0\0\0\x01\0\0\x01\0\0\0\0"), "read(12)", "a8 00 00 00 01 00 00 01 00 00 00 00",
	 "lba=256 blocks=65536"},
	{BYTES("\x5f\x01\x05\0\0\0\0\0\x18\0"), "persistent-reserve-out/reserve",
	 "5f 01 05 00 00 00 00 00 18 00", ""},
	{BYTES("\x7f\0\0\0\0\0\0\x18\0\x0b\0\0\0\0\0\0\0\0\0\x2a\0\0\0\0\0\0\0\0\0\0\0\x08"),
	 "write(32)",
	 "7f 00 00 00 00 00 00 18 00 0b 00 00 00 00 00 00 00 00 00 2a 00 00 00 00 00 00 00 00 00 00 00 08",
	 "lba=42 blocks=8"},
	/* what follows a command is not shown, nor a command that is the vendor's or cut short */
	{BYTES("\x00\0\0\0\0\0secret"), "test-unit-ready", "00 00 00 00 00 00", ""},
	{BYTES("\xc0\x01\x02\x03"), NULL, "c0", ""},
	{BYTES("\x28\0\x01"), "read(10)", "28", ""},
	{BYTES("\x7f\0\0\0\0\0\0\xff\0\x09"), "read(32)", "7f", ""},
	{BYTES("\x9e"), NULL, "9e", ""},
};

#define CASES (int)(sizeof(cases) / sizeof(cases[0]))

START_TEST(test_cdb)
{
	struct vqi_request request = {0};
	struct vqi_decoding decoding = {.request = &request};
	char blocks[64] = "";
	uint8_t *exact = malloc(cases[_i].len); /* nothing beyond it is read */

	ck_assert(exact != NULL);
	memcpy(exact, cases[_i].cdb, cases[_i].len);
	vqi_decode_cdb(&decoding, exact, cases[_i].len);
	ck_assert(!decoding.error);
	ck_assert_pstr_eq(request.kind, cases[_i].kind);
	ck_assert_str_eq(request.details[0].name, "cdb");
	ck_assert_str_eq(request.details[0].text, cases[_i].hex);
	if (request.detail_count == 3)
		snprintf(blocks, sizeof(blocks), "%s=%" PRIu64 " %s=%" PRIu64,
			 request.details[1].name, request.details[1].number.value,
			 request.details[2].name, request.details[2].number.value);
	else
		ck_assert_uint_eq(request.detail_count, 1);
	ck_assert_str_eq(blocks, cases[_i].blocks);
	vqi_request_done(&request);
	free(exact);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("decode_cdb");

	tcase_add_loop_test(tcase, test_cdb, 0, CASES);
	return unit_run("decode_cdb", tcase);
}
