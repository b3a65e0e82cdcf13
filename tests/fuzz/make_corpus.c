/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes the seeds of corpus/: healthy rings, tables and worlds, from which a fuzzer can go on. Run it
 * anew, with the folder as its argument, when a structure was added to the layout's table. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_virtio.h"
#include "recorded.h"
#include "recording.h"
#include "world.h"

static const char *folder;

static FILE *create(const char *target, const char *name)
{
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s/%s", folder, target, name);
	file = fopen(path, "wb");
	if (!file) {
		perror(path);
		exit(EXIT_FAILURE);
	}
	return file;
}

/* The first len bytes from address on; what is not mapped is 0. */
static void write_memory(FILE *file, struct fake_qemu *qemu, uint64_t address, uint64_t len)
{
	for (uint64_t i = 0; i < len; i++) {
		struct vqi_range range = {.addr = address + i, .buf = &(uint8_t){0}, .len = 1};
		struct vqi_error *error = vqi_mem_readv(vqi_fake_mem_base(qemu->fake), &range, 1);

		if (error)
			abort();
		fputc(range.ok ? *(uint8_t *)range.buf : 0, file);
	}
}

static void make_world(const char *name, const char *proxy, enum fake_glib glib, bool packed)
{
	struct fake_qemu *qemu = fake_qemu_new_at(WORLD_SEED, WORLD_BASE + WORLD_VARIABLES);
	FILE *file = create("qom", name);
	struct fake_device device;
	struct ring_builder ring;

	qemu->gap = 0;
	qemu->queue_max = 64;
	qemu->glib = glib;
	fake_rehash(qemu, qemu->machine);
	fake_run_state(qemu, 1);
	device = fake_device(qemu, &(struct fake_device_options){.id = "blk0", .proxy = proxy});
	if (packed)
		fake_set(qemu, device.vdev, VQI_F_VirtIODevice_guest_features,
			 FAKE_FEATURES | FAKE_PACKED);
	fake_ring(qemu, &device, 0,
		  &(struct ring_options){.num = 8, .event_idx = true, .packed = packed}, &ring);
	if (!ring_add(&ring, 1))
		abort();
	ring_publish(&ring);
	if (!ring_pop(&ring))
		abort();
	fake_store(qemu, &device, 0, &ring);
	write_memory(file, qemu, fake_symbol(qemu, (enum vqi_symbol_id)0), WORLD_VARIABLES);
	write_memory(file, qemu, WORLD_BASE + WORLD_VARIABLES,
		     qemu->next - (WORLD_BASE + WORLD_VARIABLES));
	fclose(file);
	fake_qemu_free(qemu);
}

static void make_table(const char *name, enum fake_glib glib, bool small)
{
	static const uint64_t values[] = {0x11, 0x22, 0x33};
	uint64_t base = small ? 0x10000000 : UINT64_C(0x7f1200000000), table;
	struct fake_qemu *qemu = fake_qemu_new_at(0, base + (UINT64_C(1) << 24));
	FILE *file = create("ghash", name);

	qemu->glib = glib;
	qemu->gap = 0;
	qemu->next = base;
	table = fake_hash(qemu, 8, values, 3, small);
	fputc((int)(table - base) | !small, file);
	write_memory(file, qemu, base, qemu->next - base);
	fclose(file);
	fake_qemu_free(qemu);
}

/* See struct header of fuzz_ring.c. One buffer is completed, one taken; a chain and a table wait. */
static void make_ring(const char *name, struct ring_options options)
{
	uint8_t desc[16 * 16] = {0}, avail[64] = {0}, used[256] = {0}, tail[2] = {0};
	uint8_t buffers[8 * RING_BUFFER] = {0};
	size_t avail_len = ring_avail_size(&options);
	FILE *file = create("ring", name);
	struct ring_builder ring;
	uint16_t words[8];
	uint8_t bytes[4];

	options.buffers = buffers;
	ring_init(&ring, &options, desc, avail, used);
	for (int i = 0; i < 2; i++) {
		if (!ring_add(&ring, 1))
			abort();
		ring_publish(&ring);
		if (!ring_pop(&ring))
			abort();
	}
	ring_complete(&ring, 0);
	if (!ring_add(&ring, 2) || !ring_add_indirect(&ring, 3))
		abort();
	ring_publish(&ring);
	bytes[0] =
		(uint8_t)(options.packed | options.event_idx << 1 | options.big_endian << 2 | 16);
	bytes[1] = 1; /* VQI_KIND_REQUEST */
	bytes[2] = 3;
	bytes[3] = 0;
	words[0] = (uint16_t)(options.num - 1);
	words[1] = (uint16_t)avail_len;
	words[2] = 4;
	words[3] = (uint16_t)ring_desc_size(&options);
	words[4] = ring.shadow_avail_idx;
	words[5] = ring.last_avail_idx;
	words[6] = ring.used_idx;
	words[7] = (uint16_t)ring.inuse;
	if (!options.packed)
		memcpy(tail, used + 4 + 8 * (size_t)options.num, 2);
	fwrite(bytes, 1, sizeof(bytes), file);
	fwrite(words, 1, sizeof(words), file);
	fwrite(tail, 1, sizeof(tail), file);
	fwrite(avail, 1, avail_len, file);
	fwrite(used, 1, 4, file);
	fwrite(desc, 1, words[3], file);
	fwrite(buffers, RING_BUFFER, options.num, file);
	fclose(file);
}

/* A chain of a header, of a buffer for the device and, in one half of them, of a table; see struct header of
 * fuzz_request.c. */
static void make_request(const char *name, uint8_t device_id, uint8_t queue, uint8_t queues,
			 const char *bytes, size_t len, uint8_t flags)
{
	struct ring_options options = {.num = 8, .packed = flags & 1, .big_endian = flags & 4};
	uint8_t desc[8 * 16] = {0}, avail[64] = {0}, used[256] = {0};
	uint8_t buffers[8 * RING_BUFFER] = {0};
	const uint16_t areas = sizeof(desc) + sizeof(avail) + sizeof(used);
	FILE *file = create("request", name);
	struct ring_builder ring;
	uint8_t head[4] = {flags | 32, device_id, queue, queues};
	uint16_t words[7] = {7, 0, 0, 64, 0, sizeof(desc), sizeof(desc) + sizeof(avail)};

	options.buffers = buffers;
	ring_init(&ring, &options, desc, avail, used);
	if (!ring_add(&ring, 2) || !ring_add_indirect(&ring, 2))
		abort();
	ring_publish(&ring);
	if (!ring_pop(&ring) || !ring_pop(&ring))
		abort();
	/* the buffers lie behind the ring */
	for (size_t i = 0; i < 3; i++)
		desc[i * 16 + (options.big_endian ? 5 : 2)] = 0;
	for (size_t i = 0; i < 3; i++) {
		uint16_t gpa = (uint16_t)(0x1000 + areas + i * RING_BUFFER);

		desc[i * 16 + (options.big_endian ? 7 : 0)] = (uint8_t)gpa;
		desc[i * 16 + (options.big_endian ? 6 : 1)] = (uint8_t)(gpa >> 8);
	}
	memcpy(buffers, bytes, len);
	words[2] = (uint16_t)ring_count(&ring, &ring.taken);
	fwrite(head, 1, sizeof(head), file);
	fwrite(words, 1, sizeof(words), file);
	fwrite(desc, 1, sizeof(desc), file);
	fwrite(avail, 1, sizeof(avail), file);
	fwrite(used, 1, sizeof(used), file);
	fwrite(buffers, RING_BUFFER, 3, file);
	fclose(file);
}

#define BYTES(text) text, sizeof(text) - 1

static void make_requests(void)
{
	make_request("blk", 2, 0, 0, BYTES("\0\0\0\0\0\0\0\0\x00\x10\0\0\0\0\0\0"), 2);
	make_request(
		"blk-big-endian", 2, 0, 0,
		BYTES("\0\0\0\x0b\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x08\0\0\0\0\x08\0\0\0\0"), 4);
	make_request(
		"scsi-packed", 8, 2, 2,
		BYTES("\x01\x03\x40\x05\0\0\0\0\xef\xbe\0\0\0\0\0\0\0\0\0\x28\0\0\0\x10\0\0\0\x08\0"),
		3);
	make_request("scsi-control", 8, 0, 2, BYTES("\0\0\0\0\x05\0\0\0\x01\x02\x40\x01"), 2);
	make_request("net-control", 1, 2, 2, BYTES("\x04\0\x02\0"), 2);
	make_request("serial-control", 3, 3, 5, BYTES("\x02\0\0\0\x06\0\x01\0"), 10);
	make_request("fs", 26, 1, 1, BYTES("\x30\0\0\0\x01\0\0\0\x0c"), 2);
	make_request("crypto", 20, 0, 1, BYTES("\x01\0\0\0\x04\0\0\0\x07"), 2);
}

static void add_entry(struct vqi_log *log, enum vqi_entry_kind kind, bool ok, const void *key,
		      size_t key_len, const struct vqi_pack *data)
{
	const struct vqi_entry entry = {
		.kind = kind,
		.ok = ok,
		.key = key,
		.key_len = (uint32_t)key_len,
		.data = data->data,
		.data_len = (uint32_t)data->len,
	};

	vqi_log_add(log, &entry);
}

static void add_file(struct vqi_log *log, enum vqi_entry_kind kind, const char *name,
		     const char *text)
{
	const struct vqi_pack data = {.data = (uint8_t *)(uintptr_t)text, .len = strlen(text)};

	add_entry(log, kind, true, name, strlen(name), &data);
}

static void add_memory(struct vqi_log *log, uint64_t address, size_t len)
{
	const struct vqi_key key = vqi_key_memory(address, len);
	uint8_t bytes[64] = {0};
	const struct vqi_pack data = {.data = bytes, .len = len};

	add_entry(log, VQI_ENTRY_MEMORY, true, key.bytes, key.len, &data);
}

static void add_fact(struct vqi_log *log, enum vqi_fact fact, struct vqi_pack *data)
{
	const struct vqi_key key = vqi_key_fact(fact, 0);

	add_entry(log, VQI_ENTRY_FACT, true, key.bytes, key.len, data);
	vqi_pack_done(data);
}

static void add_facts(struct vqi_log *log)
{
	static struct vqi_layout known;
	struct vqi_pack image = {0}, layout = {0}, heap = {0};
	const struct vqi_image qemu = {.path = (char *)(uintptr_t) "/qemu", .bias = 4096};

	vqi_image_pack(&qemu, &image);
	add_fact(log, VQI_FACT_IMAGE, &image);
	fake_layout(&known, 1);
	vqi_layout_pack(&known, &layout);
	add_fact(log, VQI_FACT_LAYOUT, &layout);
	vqi_pack_u8(&heap, true);
	for (uint64_t address = 16; address < 256; address += 32) {
		vqi_pack_u64(&heap, address);
		vqi_pack_u32(&heap, 8);
		vqi_pack_u64(&heap, address);
	}
	add_fact(log, VQI_FACT_HEAP, &heap);
}

/* What is in a recording when it is not compressed any more. */
static void make_recording(const char *name)
{
	vqi_cleanup_error struct vqi_error *error = vqi_error_new(VQI_ERROR_GONE, "gone");
	FILE *file = create("recording", name);
	struct vqi_pack packed = {0};
	struct vqi_log log = {0};

	add_facts(&log);
	add_memory(&log, 4096, 64);
	for (int i = 0; i < 3; i++) {
		add_file(&log, VQI_ENTRY_LOOK, "", "");
		add_file(&log, VQI_ENTRY_FILE, "status", "Tgid:\t1\nState:\tS (sleeping)\n");
		add_file(&log, VQI_ENTRY_LIST, "task", "\1\1\1\1\2\2\2\2");
		add_file(&log, VQI_ENTRY_LIST, "fd", "\1\1\1\1");
		add_file(&log, VQI_ENTRY_LINK, "fd/16843009", "anon_inode:[userfaultfd]");
		add_file(&log, VQI_ENTRY_EXE, "", "/qemu");
		add_memory(&log, 4100 + (uint64_t)i, 32);
	}
	vqi_pack_error(&packed, error);
	add_entry(&log, VQI_ENTRY_CHECK, false, NULL, 0, &packed);
	fwrite(log.bytes.data, 1, log.bytes.len, file);
	fclose(file);
	vqi_pack_done(&packed);
	vqi_log_done(&log);
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "Usage: make_corpus FOLDER\n");
		return EXIT_FAILURE;
	}
	folder = argv[1];
	make_world("pci", NULL, FAKE_GLIB_2_62, false);
	make_world("mmio-packed", "virtio-mmio", FAKE_GLIB_2_87, true);
	make_table("2.56", FAKE_GLIB_2_56, false);
	make_table("2.62", FAKE_GLIB_2_62, false);
	make_table("2.62-small", FAKE_GLIB_2_62, true);
	make_table("2.87-small", FAKE_GLIB_2_87, true);
	make_ring("split", (struct ring_options){.num = 8, .event_idx = true});
	make_ring("split-big-endian", (struct ring_options){.num = 8, .big_endian = true});
	make_ring("split-at-the-wrap",
		  (struct ring_options){.num = 8, .event_idx = true, .start = 65534});
	make_ring("packed", (struct ring_options){.num = 7, .event_idx = true, .packed = true});
	make_requests();
	make_recording("looks");
	return EXIT_SUCCESS;
}
