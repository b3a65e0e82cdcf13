/* SPDX-License-Identifier: GPL-2.0-or-later */
/* virtio-blk and virtio-pmem. Source: VirtIO 1.3, 5.2.6, 5.19.6. */
#include <inttypes.h>
#include <stdio.h>

#include "vqi/cleanup.h"

#include "decoding.h"

#define HEADER	    16 /* struct virtio_blk_req: type, ioprio, sector */
#define STATUS	    1
#define RANGE	    16		/* struct virtio_blk_discard_write_zeroes */
#define RANGES	    8		/* that are printed */
#define BARRIER	    0x80000000u /* VIRTIO_BLK_T_BARRIER of legacy drivers, a flag */
#define RANGE_UNMAP 1
#define RANGE_TEXT  64 /* bytes that one takes, at most */

static const struct vqi_code types[] = {
	{0, "read"},	     {1, "write"},	     {2, "scsi"},	   {3, "scsi"},
	{4, "flush"},	     {5, "flush"},	     {8, "get-id"},	   {10, "get-lifetime"},
	{11, "discard"},     {13, "write-zeroes"},   {14, "secure-erase"}, {15, "zone-append"},
	{16, "zone-report"}, {18, "zone-open"},	     {20, "zone-close"},   {22, "zone-finish"},
	{24, "zone-reset"},  {26, "zone-reset-all"},
};

/* "2048+8, 4096+16 unmap" */
static void decode_ranges(struct vqi_decoding *decoding)
{
	uint8_t bytes[RANGES * RANGE];
	uint64_t count = (vqi_decoding_readable(decoding) - HEADER) / RANGE;
	size_t have = vqi_decoding_read(decoding, HEADER, bytes, sizeof(bytes)) / RANGE;
	char text[RANGES * RANGE_TEXT];
	int len = 0;

	for (size_t i = 0; i < have && i < count; i++) {
		const uint8_t *range = bytes + i * RANGE;
		uint32_t flags = vqi_guest_u32(range + 12, decoding->big_endian);

		len += snprintf(text + len, sizeof(text) - (size_t)len,
				"%s%" PRIu64 "+%" PRIu32 "%s", i ? ", " : "",
				vqi_guest_u64(range, decoding->big_endian),
				vqi_guest_u32(range + 8, decoding->big_endian),
				flags & RANGE_UNMAP ? " unmap" : "");
	}
	vqi_decoding_number(decoding, "range_count", count);
	if (len)
		vqi_decoding_text(decoding, "ranges", text);
}

static uint64_t minus(uint64_t total, uint64_t part)
{
	return total > part ? total - part : 0;
}

void vqi_decode_blk(struct vqi_decoding *decoding)
{
	uint8_t header[HEADER];
	size_t have = vqi_decoding_read(decoding, 0, header, sizeof(header));
	uint32_t type = vqi_guest_u32(header, decoding->big_endian) & ~BARRIER;
	uint64_t sector = vqi_guest_u64(header + 8, decoding->big_endian);

	if (have < 4)
		return;
	vqi_decoding_kind(decoding, VQI_CODE_NAME(types, type), "type", type);
	if (have < HEADER)
		return;
	switch (type) {
	case 0:
	case 16:
		vqi_decoding_number(decoding, "sector", sector);
		vqi_decoding_number(decoding, "len",
				    minus(vqi_decoding_writable(decoding), STATUS));
		break;
	case 1:
	case 15:
		vqi_decoding_number(decoding, "sector", sector);
		vqi_decoding_number(decoding, "len",
				    minus(vqi_decoding_readable(decoding), HEADER));
		break;
	case 11:
	case 13:
	case 14:
		decode_ranges(decoding);
		break;
	case 18:
	case 20:
	case 22:
	case 24:
		vqi_decoding_number(decoding, "sector", sector);
		break;
	default:
		break;
	}
}

void vqi_decode_pmem(struct vqi_decoding *decoding)
{
	static const struct vqi_code pmem_types[] = {{0, "flush"}};
	uint8_t header[4];
	uint32_t type;

	if (vqi_decoding_read(decoding, 0, header, sizeof(header)) < sizeof(header))
		return;
	type = vqi_guest_u32(header, decoding->big_endian);
	vqi_decoding_kind(decoding, VQI_CODE_NAME(pmem_types, type), "type", type);
}
