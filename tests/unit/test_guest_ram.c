/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guest's RAM, and questions about it. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "fake_qemu.h"
#include "unit.h"
#include "vqi/limits.h"

#define SEEDS		   6
#define MIB		   UINT64_C(0x100000)
#define TOP		   UINT64_MAX
#define HOST		   UINT64_C(0x7fa000000000) /* a RAMBlock's memory; nothing is mapped there */

#define cleanup_ram	   vqi_cleanup(vqi_guest_ram_done)

#define assert_fails(code) ck_assert_code(vqi_qemu_guest_ram(&qemu->qemu, space, &ram), code)

static struct fake_qemu *qemu;
static uint64_t space, view, next_range;

/* The fields of a FlatRange anywhere, those that are an Int128 with 16 bytes. */
static void lay_out_ranges(struct vqi_layout *layout, unsigned int seed)
{
	static const enum vqi_field_id fields[] = {VQI_F_FlatRange_mr, VQI_F_FlatRange_start,
						   VQI_F_FlatRange_size,
						   VQI_F_FlatRange_offset_in_region};
	uint32_t end = seed % 3 * 8;

	for (unsigned int i = 0; i < 4; i++) {
		unsigned int which = (i * 3 + seed) % 4;
		uint32_t size = which == 1 || which == 2 ? 16 : 8;

		layout->fields[fields[which]] =
			(struct vqi_field){.present = true, .offset = end, .size = size};
		end += size + seed % 2 * 8;
	}
	layout->structs[VQI_S_FlatRange].size = end + 8;
}

static void start(unsigned int seed)
{
	qemu = fake_qemu_new(seed);
	lay_out_ranges(&qemu->layout, seed);
	space = fake_alloc(qemu, qemu->layout.structs[VQI_S_AddressSpace].size);
	view = fake_alloc(qemu, qemu->layout.structs[VQI_S_FlatView].size);
	next_range = fake_alloc(qemu, 16 * (size_t)qemu->layout.structs[VQI_S_FlatRange].size);
	fake_set(qemu, space, VQI_F_AddressSpace_current_map, view);
	fake_set(qemu, view, VQI_F_FlatView_ranges, next_range);
	fake_set(qemu, view, VQI_F_FlatView_nr, 0);
}

static void setup(void)
{
	start(0);
}

static void teardown(void)
{
	fake_qemu_free(qemu);
}

static uint64_t make_block(uint64_t host)
{
	uint64_t block = fake_alloc(qemu, qemu->layout.structs[VQI_S_RAMBlock].size);

	fake_set(qemu, block, VQI_F_RAMBlock_host, host);
	return block;
}

/* A MemoryRegion; of a device for block 0. */
static uint64_t make_region(uint64_t block)
{
	uint64_t region = fake_alloc(qemu, qemu->layout.structs[VQI_S_MemoryRegion].size);

	fake_set(qemu, region, VQI_F_MemoryRegion_ram_block, block);
	return region;
}

static uint64_t make_iommu(void)
{
	uint64_t region = make_region(0);

	fake_set(qemu, region, VQI_F_MemoryRegion_is_iommu, 1);
	return region;
}

static void set_int128(uint64_t range, enum vqi_field_id field, uint64_t high, uint64_t low)
{
	uint64_t value[] = {low, high}; /* as the hosts of QEMU have it */
	uint64_t address = range + qemu->layout.fields[field].offset;

	memcpy(fake_bytes(qemu, address, sizeof(value)), value, sizeof(value));
}

/* Adds a range to the flat view; where it lies. */
static uint64_t add(uint64_t region, uint64_t gpa, uint64_t len, uint64_t offset)
{
	const struct vqi_field *nr = &qemu->layout.fields[VQI_F_FlatView_nr];
	uint64_t range = next_range, count = 0;

	memcpy(&count, fake_bytes(qemu, view + nr->offset, nr->size), nr->size);
	fake_set(qemu, view, VQI_F_FlatView_nr, count + 1);
	fake_set(qemu, range, VQI_F_FlatRange_mr, region);
	fake_set(qemu, range, VQI_F_FlatRange_offset_in_region, offset);
	set_int128(range, VQI_F_FlatRange_start, 0, gpa);
	set_int128(range, VQI_F_FlatRange_size, 0, len);
	next_range += qemu->layout.structs[VQI_S_FlatRange].size;
	return range;
}

static struct vqi_guest_ram read_ram(void)
{
	struct vqi_guest_ram ram = {0};

	ck_assert_ok(vqi_qemu_guest_ram(&qemu->qemu, space, &ram));
	return ram;
}

static void assert_range(const struct vqi_guest_ram *ram, size_t i, uint64_t gpa, uint64_t len,
			 uint64_t hva)
{
	ck_assert_uint_lt(i, ram->count);
	ck_assert_uint_eq(ram->ranges[i].gpa, gpa);
	ck_assert_uint_eq(ram->ranges[i].len, len);
	ck_assert_uint_eq(ram->ranges[i].hva, hva);
}

/* A machine of the pc type: low RAM with holes, a ROM, devices, RAM above 4 GiB of the same region. */
static void make_pc(void)
{
	uint64_t pc_ram = make_region(make_block(HOST));
	uint64_t rom = make_region(make_block(HOST + 4096 * MIB));
	uint64_t device = make_region(0);

	add(pc_ram, 0, 0xa0000, 0);
	add(device, 0xa0000, 0x20000, 0);
	add(rom, 0xc0000, 0x20000, 0x1000);
	add(pc_ram, 0xe0000, 2048 * MIB - 0xe0000, 0xe0000);
	add(device, 0xfec00000, 0x1000, 0);
	add(pc_ram, 4096 * MIB, 1024 * MIB, 2048 * MIB);
}

static void assert_pc(const struct vqi_guest_ram *ram)
{
	ck_assert_uint_eq(ram->count, 4);
	assert_range(ram, 0, 0, 0xa0000, HOST);
	assert_range(ram, 1, 0xc0000, 0x20000, HOST + 4096 * MIB + 0x1000);
	assert_range(ram, 2, 0xe0000, 2048 * MIB - 0xe0000, HOST + 0xe0000);
	assert_range(ram, 3, 4096 * MIB, 1024 * MIB, HOST + 2048 * MIB);
}

/* However many ranges there are, their fields are read together. */
START_TEST(test_every_layout)
{
	cleanup_ram struct vqi_guest_ram ram = {0};

	teardown();
	start((unsigned int)_i);
	make_pc();
	qemu->fake->calls = 0;
	ram = read_ram();
	ck_assert_uint_eq(qemu->fake->calls, 6);
	assert_pc(&ram);
}
END_TEST

START_TEST(test_no_range)
{
	cleanup_ram struct vqi_guest_ram ram = read_ram();

	ck_assert_uint_eq(ram.count, 0);
	ck_assert_int_eq(vqi_guest_ram_has(&ram, 0, 1), VQI_RAM_NO);
	vqi_guest_ram_done(&ram);
	vqi_guest_ram_done(NULL);
	fake_set(qemu, view, VQI_F_FlatView_ranges, 0); /* as in QEMU's empty view */
	ram = read_ram();
	ck_assert_uint_eq(ram.count, 0);
}
END_TEST

/* A vIOMMU may have all addresses. */
START_TEST(test_iommu)
{
	cleanup_ram struct vqi_guest_ram ram = {0};
	uint64_t region = make_iommu(), range = add(region, 0, 0, 4096);

	fake_set(qemu, region, VQI_F_MemoryRegion_ram_block, make_block(HOST)); /* never */
	set_int128(range, VQI_F_FlatRange_size, 1, 0);
	ram = read_ram();
	ck_assert_uint_eq(ram.count, 1);
	assert_range(&ram, 0, 0, UINT64_MAX, 0);
	ck_assert_int_eq(vqi_guest_ram_has(&ram, 0, 1), VQI_RAM_UNKNOWN);
	ck_assert_int_eq(vqi_guest_ram_has(&ram, TOP - 4095, 4096), VQI_RAM_UNKNOWN);
	ck_assert_int_eq(vqi_guest_ram_has(&ram, TOP - 4095, 4097), VQI_RAM_UNKNOWN);
}
END_TEST

/* Or all but those of interrupts. A block without memory of its own is RAM, as far as one knows. */
START_TEST(test_out_of_reach)
{
	cleanup_ram struct vqi_guest_ram ram = {0};

	add(make_iommu(), 0, 0xfee00000, 0);
	add(make_region(0), 0xfee00000, MIB, 0);
	add(make_region(make_block(0)), 0xfef00000, MIB, 0x1000);
	set_int128(add(make_iommu(), 0xff000000, 0, 0), VQI_F_FlatRange_size, 1, 0);
	ram = read_ram();
	ck_assert_uint_eq(ram.count, 3);
	assert_range(&ram, 0, 0, 0xfee00000, 0);
	assert_range(&ram, 1, 0xfef00000, MIB, 0);
	assert_range(&ram, 2, 0xff000000, TOP - 0xff000000 + 1, 0);
	ck_assert_int_eq(vqi_guest_ram_has(&ram, 0xfee00000, 4), VQI_RAM_NO);
	ck_assert_int_eq(vqi_guest_ram_has(&ram, 0xfef00000, 4), VQI_RAM_UNKNOWN);
	ck_assert_int_eq(vqi_guest_ram_has(&ram, TOP, 1), VQI_RAM_UNKNOWN);
}
END_TEST

/* What lies beyond 2^64, or is as large, is no RAM. */
START_TEST(test_high_halves)
{
	cleanup_ram struct vqi_guest_ram ram = {0};
	uint64_t region = make_region(make_block(HOST));
	uint64_t first = add(region, 0, MIB, 0), second = add(region, 0, MIB, 0);

	set_int128(second, VQI_F_FlatRange_start, 1, 0);
	ram = read_ram();
	ck_assert_uint_eq(ram.count, 1);
	assert_range(&ram, 0, 0, MIB, HOST);
	vqi_guest_ram_done(&ram);
	set_int128(first, VQI_F_FlatRange_size, 1, 0);
	ram = read_ram();
	ck_assert_uint_eq(ram.count, 0);
}
END_TEST

/* RAM may end with the last address, but not behind it, here and in the target. */
START_TEST(test_top)
{
	cleanup_ram struct vqi_guest_ram ram = {0};
	uint64_t block = make_block(TOP - MIB),
		 range = add(make_region(block), TOP - 4095, 4096, 0);

	ram = read_ram();
	assert_range(&ram, 0, TOP - 4095, 4096, TOP - MIB);
	ck_assert_int_eq(vqi_guest_ram_has(&ram, TOP - 4095, 4096), VQI_RAM_YES);
	ck_assert_int_eq(vqi_guest_ram_has(&ram, TOP - 4095, 4097), VQI_RAM_NO);
	ck_assert_int_eq(vqi_guest_ram_has(&ram, TOP, 1), VQI_RAM_YES);
	fake_set(qemu, range, VQI_F_FlatRange_offset_in_region, MIB);
	assert_fails(VQI_ERROR_BAD_DATA);
	fake_set(qemu, range, VQI_F_FlatRange_offset_in_region, TOP);
	assert_fails(VQI_ERROR_BAD_DATA);
	fake_set(qemu, block, VQI_F_RAMBlock_host, HOST);
	fake_set(qemu, range, VQI_F_FlatRange_offset_in_region, 0);
	set_int128(range, VQI_F_FlatRange_size, 0, 4097);
	ck_assert_uint_eq(ram.count, 1);
	vqi_guest_ram_done(&ram);
	ram = read_ram();
	ck_assert_uint_eq(ram.count, 0);
}
END_TEST

/* What changes under the reader. */
START_TEST(test_not_ascending)
{
	struct vqi_guest_ram ram = {.count = 77};
	uint64_t region = make_region(make_block(HOST)), range;

	add(make_region(0), MIB, MIB, 0);
	range = add(region, 2 * MIB - 1, MIB, 0);
	assert_fails(VQI_ERROR_BAD_DATA);
	set_int128(range, VQI_F_FlatRange_start, 0, 0);
	assert_fails(VQI_ERROR_BAD_DATA);
	set_int128(range, VQI_F_FlatRange_start, 0, 2 * MIB);
	set_int128(range, VQI_F_FlatRange_size, 0, 0);
	assert_fails(VQI_ERROR_BAD_DATA);
	set_int128(range, VQI_F_FlatRange_size, 0, 1);
	fake_set(qemu, range, VQI_F_FlatRange_mr, 0);
	assert_fails(VQI_ERROR_BAD_DATA);
	fake_set(qemu, range, VQI_F_FlatRange_mr, region);
	ck_assert_uint_eq(ram.count, 77);
	ck_assert_ok(vqi_qemu_guest_ram(&qemu->qemu, space, &ram));
	ck_assert_uint_eq(ram.count, 1);
	vqi_guest_ram_done(&ram);
	ck_assert_ptr_null(ram.ranges);
}
END_TEST

START_TEST(test_too_many)
{
	struct vqi_guest_ram ram = {.count = 77};

	fake_set(qemu, view, VQI_F_FlatView_nr, VQI_MAX_FLAT_RANGES);
	assert_fails(VQI_ERROR_FAULT);
	fake_set(qemu, view, VQI_F_FlatView_nr, VQI_MAX_FLAT_RANGES + 1);
	assert_fails(VQI_ERROR_LIMIT);
	fake_set(qemu, space, VQI_F_AddressSpace_current_map, 0);
	assert_fails(VQI_ERROR_FAULT);
	ck_assert_uint_eq(ram.count, 77);
}
END_TEST

/* Every field is needed. */
START_TEST(test_unknown_fields)
{
	static const enum vqi_field_id fields[] = {VQI_F_AddressSpace_current_map,
						   VQI_F_FlatView_ranges,
						   VQI_F_FlatView_nr,
						   VQI_F_FlatRange_mr,
						   VQI_F_FlatRange_start,
						   VQI_F_FlatRange_size,
						   VQI_F_FlatRange_offset_in_region,
						   VQI_F_MemoryRegion_is_iommu,
						   VQI_F_MemoryRegion_ram_block,
						   VQI_F_RAMBlock_host};
	struct vqi_guest_ram ram = {.count = 77};

	make_pc();
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		struct vqi_field *field = &qemu->layout.fields[fields[i]];

		field->present = false;
		ck_assert_code_text(vqi_qemu_guest_ram(&qemu->qemu, space, &ram),
				    VQI_ERROR_NO_LAYOUT, vqi_field_info(fields[i])->name);
		field->present = true;
	}
	qemu->layout.fields[VQI_F_FlatRange_size].size = 8;
	assert_fails(VQI_ERROR_NO_LAYOUT);
	ck_assert_uint_eq(ram.count, 77);
}
END_TEST

/* Every byte that a healthy run reads fails once. */
START_TEST(test_every_fault)
{
	vqi_cleanup_free struct fake_read *reads = NULL;
	struct vqi_guest_ram ram = {0};
	size_t count;

	make_pc();
	fake_forget(qemu);
	ram = read_ram();
	vqi_guest_ram_done(&ram);
	ram.count = 77;
	reads = fake_take_reads(qemu, &count);
	ck_assert_uint_gt(count, 6);
	for (size_t i = 0; i < count; i++) {
		for (uint64_t byte = 0; byte < reads[i].len; byte++) {
			vqi_fake_mem_fault(qemu->fake, reads[i].addr + byte, 1);
			assert_fails(VQI_ERROR_FAULT);
			vqi_fake_mem_heal(qemu->fake);
		}
	}
	for (size_t calls = 0; calls < 6; calls++) {
		qemu->fake->calls = 0;
		qemu->fake->gone_after = calls;
		assert_fails(VQI_ERROR_GONE);
	}
	ck_assert_uint_eq(ram.count, 77);
	ck_assert_ptr_null(ram.ranges);
}
END_TEST

/* Two that adjoin, a hole, one more, a vIOMMU right behind it. */
static struct vqi_ram_range ranges[] = {
	{0x1000, 0x1000, 0x7f0000020000},
	{0x2000, 0x1000, 0x7f0000010000},
	{0x4000, 0x1000, 0x7f0000030000},
	{0x5000, 0x1000, 0},
};
static const struct vqi_guest_ram some_ram = {ranges, 4};

static void assert_has(uint64_t gpa, uint64_t len, enum vqi_ram_answer answer)
{
	ck_assert_msg(vqi_guest_ram_has(&some_ram, gpa, len) == answer, "%llx %llx",
		      (unsigned long long)gpa, (unsigned long long)len);
}

START_TEST(test_has)
{
	static const uint64_t have[][2] = {{0x1000, 1},	     {0x1000, 0x1000}, {0x1fff, 2},
					   {0x1000, 0x2000}, {0x2fff, 1},      {0x4fff, 1},
					   {0x4000, 0x1000}, {0x3000, 0}};
	static const uint64_t lack[][2] = {{0xfff, 1},	{0xfff, 2},	  {0x1000, 0x2001},
					   {0x2fff, 2}, {0x3000, 0x1000}, {0x2000, 0x3000},
					   {0x6000, 1}, {0x6000, TOP},	  {TOP, 1},
					   {TOP, TOP}};
	static const uint64_t unknown[][2] = {
		{0x4fff, 2}, {0x5fff, 1}, {0x5fff, 2}, {0x1000, TOP}, {0, TOP}};

	for (size_t i = 0; i < 8; i++)
		assert_has(have[i][0], have[i][1], VQI_RAM_YES);
	for (size_t i = 0; i < 10; i++)
		assert_has(lack[i][0], lack[i][1], VQI_RAM_NO);
	for (size_t i = 0; i < 5; i++)
		assert_has(unknown[i][0], unknown[i][1], VQI_RAM_UNKNOWN);
}
END_TEST

START_TEST(test_get)
{
	struct vqi_mem *mem = vqi_fake_mem_base(qemu->fake);
	uint8_t *second = vqi_fake_mem_map(qemu->fake, ranges[1].hva, 0x1000);
	uint8_t *first = vqi_fake_mem_map(qemu->fake, ranges[0].hva, 0x1000);
	uint8_t bytes[0x2001] = {0};

	first[0] = 1;
	first[0xfff] = 2;
	second[0] = 3;
	second[0xfff] = 4;
	ck_assert_ok(vqi_guest_ram_get(mem, &some_ram, 0x1fff, bytes, 2));
	ck_assert(bytes[0] == 2 && bytes[1] == 3 && !bytes[2]);
	ck_assert_ok(vqi_guest_ram_get(mem, &some_ram, 0x1000, bytes, 0x2000));
	ck_assert(bytes[0] == 1 && bytes[0xfff] == 2 && bytes[0x1000] == 3 && bytes[0x1fff] == 4);
	ck_assert_ok(vqi_guest_ram_get(mem, &some_ram, 0x3000, bytes, 0));
	ck_assert_code_text(vqi_guest_ram_get(mem, &some_ram, 0x1000, bytes, 0x2001),
			    VQI_ERROR_FAULT, "guest address 0x1000");
	ck_assert_code(vqi_guest_ram_get(mem, &some_ram, 0x5000, bytes, 1), VQI_ERROR_FAULT);
	ck_assert_code(vqi_guest_ram_get(mem, &some_ram, 0x4000, bytes, 1), VQI_ERROR_FAULT);
	ck_assert_uint_eq(bytes[0], 0xee); /* not mapped: the last one was tried */
	vqi_fake_mem_fault(qemu->fake, ranges[1].hva, 1);
	ck_assert_code(vqi_guest_ram_get(mem, &some_ram, 0x1fff, bytes, 2), VQI_ERROR_FAULT);
	ck_assert_ok(vqi_guest_ram_get(mem, &some_ram, 0x2001, bytes, 2));
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("guest_ram");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, test_every_layout, 0, SEEDS);
	tcase_add_test(tcase, test_no_range);
	tcase_add_test(tcase, test_iommu);
	tcase_add_test(tcase, test_out_of_reach);
	tcase_add_test(tcase, test_high_halves);
	tcase_add_test(tcase, test_top);
	tcase_add_test(tcase, test_not_ascending);
	tcase_add_test(tcase, test_too_many);
	tcase_add_test(tcase, test_unknown_fields);
	tcase_add_test(tcase, test_every_fault);
	tcase_add_test(tcase, test_has);
	tcase_add_test(tcase, test_get);
	return unit_run("guest_ram", tcase);
}
