/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SCSI command descriptor blocks: numbers are big-endian, whatever the guest is.
 * Source: SPC-4, 4.2.5 and 6; SBC-3, 5; SSC-3, 6; MMC-6, 6. */
#include <stdio.h>

#include "decoding.h"

#define VARIABLE 0x7f

/* Commands without a service action. */
static const struct vqi_code commands[] = {
	{0x00, "test-unit-ready"},
	{0x01, "rewind"},
	{0x03, "request-sense"},
	{0x04, "format-unit"},
	{0x05, "read-block-limits"},
	{0x07, "reassign-blocks"},
	{0x08, "read(6)"},
	{0x0a, "write(6)"},
	{0x0b, "seek(6)"},
	{0x10, "write-filemarks(6)"},
	{0x11, "space(6)"},
	{0x12, "inquiry"},
	{0x15, "mode-select(6)"},
	{0x16, "reserve(6)"},
	{0x17, "release(6)"},
	{0x19, "erase(6)"},
	{0x1a, "mode-sense(6)"},
	{0x1b, "start-stop-unit"},
	{0x1c, "receive-diagnostic-results"},
	{0x1d, "send-diagnostic"},
	{0x1e, "prevent-allow-medium-removal"},
	{0x23, "read-format-capacities"},
	{0x25, "read-capacity(10)"},
	{0x28, "read(10)"},
	{0x2a, "write(10)"},
	{0x2b, "seek(10)"},
	{0x2e, "write-and-verify(10)"},
	{0x2f, "verify(10)"},
	{0x34, "pre-fetch(10)"},
	{0x35, "synchronize-cache(10)"},
	{0x37, "read-defect-data(10)"},
	{0x3b, "write-buffer"},
	{0x3c, "read-buffer"},
	{0x3e, "read-long(10)"},
	{0x3f, "write-long(10)"},
	{0x41, "write-same(10)"},
	{0x42, "unmap"}, /* of an optical unit: read-sub-channel */
	{0x43, "read-toc"},
	{0x46, "get-configuration"},
	{0x48, "sanitize"},
	{0x4a, "get-event-status-notification"},
	{0x4c, "log-select"},
	{0x4d, "log-sense"},
	{0x51, "read-disc-information"},
	{0x52, "read-track-information"},
	{0x53, "xdwriteread(10)"},
	{0x55, "mode-select(10)"},
	{0x5a, "mode-sense(10)"},
	{0x83, "extended-copy"},
	{0x84, "receive-copy-results"},
	{0x85, "ata-pass-through(16)"},
	{0x88, "read(16)"},
	{0x89, "compare-and-write"},
	{0x8a, "write(16)"},
	{0x8c, "read-attribute"},
	{0x8d, "write-attribute"},
	{0x8e, "write-and-verify(16)"},
	{0x8f, "verify(16)"},
	{0x90, "pre-fetch(16)"},
	{0x91, "synchronize-cache(16)"},
	{0x93, "write-same(16)"},
	{0x94, "zbc-out"},
	{0x95, "zbc-in"},
	{0x9b, "read-buffer(16)"},
	{0x9c, "write-atomic(16)"},
	{0xa0, "report-luns"},
	{0xa1, "ata-pass-through(12)"},
	{0xa2, "security-protocol-in"},
	{0xa8, "read(12)"},
	{0xaa, "write(12)"},
	{0xad, "read-dvd-structure"},
	{0xae, "write-and-verify(12)"},
	{0xaf, "verify(12)"},
	{0xb5, "security-protocol-out"},
	{0xb7, "read-defect-data(12)"},
	{0xbd, "mechanism-status"},
	{0xbe, "read-cd"},
};

/* Commands with one: the code is the opcode, then the service action. */
static const struct vqi_code actions[] = {
	{0x5e00, "persistent-reserve-in/read-keys"},
	{0x5e01, "persistent-reserve-in/read-reservation"},
	{0x5e02, "persistent-reserve-in/report-capabilities"},
	{0x5e03, "persistent-reserve-in/read-full-status"},
	{0x5f00, "persistent-reserve-out/register"},
	{0x5f01, "persistent-reserve-out/reserve"},
	{0x5f02, "persistent-reserve-out/release"},
	{0x5f03, "persistent-reserve-out/clear"},
	{0x5f04, "persistent-reserve-out/preempt"},
	{0x5f05, "persistent-reserve-out/preempt-and-abort"},
	{0x5f06, "persistent-reserve-out/register-and-ignore"},
	{0x5f07, "persistent-reserve-out/register-and-move"},
	{0x9e10, "read-capacity(16)"},
	{0x9e11, "read-long(16)"},
	{0x9e12, "get-lba-status"},
	{0x9e13, "report-referrals"},
	{0x9f11, "write-long(16)"},
	{0xa305, "report-identifying-information"},
	{0xa30a, "report-target-port-groups"},
	{0xa30c, "report-supported-operation-codes"},
	{0xa30d, "report-supported-task-management"},
	{0xa30f, "report-timestamp"},
	{0xa406, "set-identifying-information"},
	{0xa40a, "set-target-port-groups"},
	{0xa40f, "set-timestamp"},
	{0x7f03, "xdread(32)"},
	{0x7f04, "xdwrite(32)"},
	{0x7f07, "xdwriteread(32)"},
	{0x7f09, "read(32)"},
	{0x7f0a, "verify(32)"},
	{0x7f0b, "write(32)"},
	{0x7f0c, "write-and-verify(32)"},
	{0x7f0d, "write-same(32)"},
};

/* Whether a command has an address and a number of blocks where reads and writes of its group have. */
static bool has_blocks(uint8_t opcode)
{
	static const uint8_t opcodes[] = {
		0x08, 0x0a, 0x28, 0x2a, 0x2e, 0x2f, 0x34, 0x35, 0x41, 0x53, 0x88, 0x8a,
		0x8e, 0x8f, 0x90, 0x91, 0x93, 0xa8, 0xaa, 0xae, 0xaf, 0x9c, 0x89,
	};

	for (size_t i = 0; i < sizeof(opcodes); i++) {
		if (opcodes[i] == opcode)
			return true;
	}
	return false;
}

/* By the group, the upper three bits; 0: it is the vendor's. SPC-4, 4.2.5.1. */
static size_t cdb_length(const uint8_t *cdb, size_t have)
{
	static const uint8_t lengths[] = {6, 10, 10, 0, 16, 12, 0, 0};

	if (cdb[0] == VARIABLE)
		return have >= 8 ? 8u + cdb[7] : 0;
	return lengths[cdb[0] >> 5];
}

static uint64_t get(const uint8_t *cdb, size_t at, size_t size)
{
	uint64_t value = 0;

	for (size_t i = 0; i < size; i++)
		value = value << 8 | cdb[at + i];
	return value;
}

static void add_blocks(struct vqi_decoding *decoding, uint64_t lba, uint64_t blocks)
{
	vqi_decoding_number(decoding, "lba", lba);
	vqi_decoding_number(decoding, "blocks", blocks);
}

static void decode_blocks(struct vqi_decoding *decoding, const uint8_t *cdb, size_t len)
{
	switch (len) {
	case 6: /* no length is 256 blocks: SBC-3, 5.10 */
		add_blocks(decoding, get(cdb, 1, 3) & 0x1fffff, cdb[4] ? cdb[4] : 256);
		break;
	case 10:
		add_blocks(decoding, get(cdb, 2, 4), get(cdb, 7, 2));
		break;
	case 12:
		add_blocks(decoding, get(cdb, 2, 4), get(cdb, 6, 4));
		break;
	case 16:		    /* WRITE ATOMIC (16) has two bytes less: SBC-4 */
		if (cdb[0] == 0x89) /* COMPARE AND WRITE */
			add_blocks(decoding, get(cdb, 2, 8), cdb[13]);
		else if (cdb[0] == 0x9c)
			add_blocks(decoding, get(cdb, 2, 8), get(cdb, 12, 2));
		else
			add_blocks(decoding, get(cdb, 2, 8), get(cdb, 10, 4));
		break;
	case 32:
		add_blocks(decoding, get(cdb, 12, 8), get(cdb, 28, 4));
		break;
	default:
		break;
	}
}

/* The service action of those commands that have one; ~0: none. */
static uint32_t service_action(const uint8_t *cdb, size_t have)
{
	switch (cdb[0]) {
	case 0x5e:
	case 0x5f:
	case 0x9e:
	case 0x9f:
	case 0xa3:
	case 0xa4:
		return have > 1 ? cdb[1] & 0x1f : ~0u;
	case VARIABLE:
		return have > 9 ? (uint32_t)get(cdb, 8, 2) : ~0u;
	default:
		return ~0u;
	}
}

static void add_hex(struct vqi_decoding *decoding, const uint8_t *cdb, size_t len)
{
	char text[3 * VQI_CDB_MAX + 1] = "";
	size_t at = 0;

	for (size_t i = 0; i < len; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%02x", i ? " " : "",
				       cdb[i]);
	vqi_decoding_text(decoding, "cdb", text);
}

/* A command that is the vendor's has all bytes that there are for one, or ends with the header. */
void vqi_decode_cdb(struct vqi_decoding *decoding, const uint8_t *cdb, size_t have)
{
	size_t len = cdb_length(cdb, have);
	uint32_t action = service_action(cdb, have);
	bool is_whole = len && len <= have;

	if (action == ~0u)
		decoding->request->kind = VQI_CODE_NAME(commands, cdb[0]);
	else if (action <= 0xff)
		decoding->request->kind = VQI_CODE_NAME(actions, (uint32_t)cdb[0] << 8 | action);
	/* what follows the command in its field is nothing, or data: it is not shown */
	add_hex(decoding, cdb, is_whole ? len : 1);
	if (!is_whole)
		return;
	if (has_blocks(cdb[0]) || (cdb[0] == VARIABLE && action >= 0x09 && action <= 0x0d))
		decode_blocks(decoding, cdb, len);
}
