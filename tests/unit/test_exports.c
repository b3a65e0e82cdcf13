/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a storage daemon exports: found, and the guest's memory that it has. */
#include "vqi/exports.h"

#include <check.h>
#include <string.h>

#include "fake_exports.h"
#include "unit.h"
#include "vqi/limits.h"

#define SEEDS 4

static struct fake_qemu *qemu;
static struct vqi_exports exports;
static struct vqi_guest_ram ram;

static void make(unsigned int seed)
{
	qemu = fake_qemu_new(seed);
	fake_daemon(qemu);
	fake_set_symbol(qemu, VQI_SYM_qemu_aio_context, 8, 0);
	fake_set_symbol(qemu, VQI_SYM_iohandler_ctx, 8, 0);
}

static void setup(void)
{
	make(1);
}

static void teardown(void)
{
	vqi_exports_done(&exports);
	vqi_guest_ram_done(&ram);
	fake_qemu_free(qemu);
}

static struct vqi_error *find(void)
{
	vqi_exports_done(&exports);
	return vqi_qemu_find_exports(&qemu->qemu, &exports);
}

START_TEST(test_found)
{
	struct fake_export b, a;

	teardown();
	make((unsigned int)_i);
	ck_assert_ok(find());
	ck_assert_uint_eq(exports.count, 0);
	a = fake_export(qemu, "a", 1);
	b = fake_export(qemu, "b", 0);
	ck_assert_ok(find());
	ck_assert_uint_eq(exports.count, 2);
	ck_assert_str_eq(exports.exports[0].id, "a");
	ck_assert_uint_eq(exports.exports[0].vu_dev, a.vu_dev);
	ck_assert_str_eq(exports.exports[1].id, "b");
	ck_assert_uint_eq(exports.exports[1].vu_dev, b.vu_dev);
	ck_assert_uint_eq(exports.exports[1].drv,
			  fake_symbol(qemu, VQI_SYM_blk_exp_vhost_user_blk));
	ck_assert_uint_eq(vqi_qemu_export_address(&qemu->qemu, a.vu_dev), a.address);
}
END_TEST

START_TEST(test_other_kinds)
{
	struct fake_export nbd = fake_export(qemu, "nbd", 0), vduse = fake_export(qemu, "v", 0);

	fake_export(qemu, "e0", 0);
	fake_set(qemu, nbd.address, VQI_F_BlockExport_drv, 0x1234);
	fake_set(qemu, vduse.address, VQI_F_BlockExport_drv,
		 fake_symbol(qemu, VQI_SYM_blk_exp_vduse_blk));
	ck_assert_ok(find());
	ck_assert_uint_eq(exports.count, 1);
	ck_assert_str_eq(exports.exports[0].id, "e0");
	ck_assert_uint_eq(exports.vduse_count, 1);
	qemu->layout.symbols[VQI_SYM_blk_exp_vduse_blk].present = false;
	ck_assert_ok(find());
	ck_assert_uint_eq(exports.vduse_count, 0);
}
END_TEST

START_TEST(test_no_list)
{
	struct fake_export a = fake_export(qemu, "a", 0);

	fake_set(qemu, a.address, VQI_F_BlockExport_id, 0);
	ck_assert_code_text(find(), VQI_ERROR_BAD_DATA, "has no id");
	fake_set_text(qemu, a.address, VQI_F_BlockExport_id, "a");
	fake_set(qemu, a.address, VQI_F_BlockExport_next, a.address);
	ck_assert_code(find(), VQI_ERROR_LIMIT);
	fake_set(qemu, a.address, VQI_F_BlockExport_next, 8);
	ck_assert_code(find(), VQI_ERROR_FAULT);
	qemu->layout.symbols[VQI_SYM_block_exports].present = false;
	ck_assert_code(find(), VQI_ERROR_NO_LAYOUT);
}
END_TEST

START_TEST(test_who_serves_it)
{
	struct fake_export a = fake_export(qemu, "a", 0);
	uint64_t context;

	ck_assert_ok(vqi_qemu_export_context(&qemu->qemu, a.vu_dev, &context));
	ck_assert_uint_eq(context, a.ctx);
}
END_TEST

START_TEST(test_backend)
{
	struct fake_export a = fake_export(qemu, "a", 0);
	struct vqi_device device = {.is_export = true, .vdev_addr = a.vu_dev};
	uint64_t blk = fake_make(qemu, VQI_S_BlockBackend);

	ck_assert_ok(vqi_qemu_export_backend(&qemu->qemu, &device));
	ck_assert_uint_eq(device.backend_count, 0);
	fake_set(qemu, a.address, VQI_F_BlockExport_blk, blk);
	ck_assert_ok(vqi_qemu_export_backend(&qemu->qemu, &device));
	ck_assert_uint_eq(device.backend_count, 1);
	ck_assert_str_eq(device.backends[0].kind, "block");
	ck_assert_uint_eq(device.backends[0].hva, blk);
	vqi_device_done(&device);
}
END_TEST

/* ---- memory ---- */

static struct vqi_error *read_ram(const struct fake_export *export)
{
	vqi_guest_ram_done(&ram);
	return vqi_qemu_export_ram(&qemu->qemu, export->vu_dev, &ram);
}

static void assert_ram(const struct fake_export *export)
{
	uint64_t gpa, len;

	ck_assert_ok(read_ram(export));
	ck_assert_uint_eq(ram.count, 1);
	ck_assert_uint_eq(vqi_guest_ram_at(&ram, FAKE_REGION_GPA + 0x100, &len),
			  export->region + 0x100);
	ck_assert_uint_eq(len, FAKE_REGION_LEN - 0x100);
	ck_assert(vqi_guest_ram_gpa(&ram, export->region + 0x100, &gpa, &len));
	ck_assert_uint_eq(gpa, FAKE_REGION_GPA + 0x100);
	ck_assert_uint_eq(len, FAKE_REGION_LEN - 0x100);
	ck_assert(!vqi_guest_ram_gpa(&ram, export->region - 1, &gpa, &len));
	ck_assert(!vqi_guest_ram_gpa(&ram, export->region + FAKE_REGION_LEN, &gpa, &len));
}

START_TEST(test_regions_behind_a_pointer)
{
	struct fake_export a;

	teardown();
	make((unsigned int)_i);
	a = fake_export(qemu, "a", 1);
	assert_ram(&a);
}
END_TEST

/* Up to QEMU 8.2. */
START_TEST(test_regions_within)
{
	struct vqi_field *regions = &qemu->layout.fields[VQI_F_VuDev_regions];
	uint32_t size = qemu->layout.structs[VQI_S_VuDevRegion].size;
	struct fake_export a = fake_export(qemu, "a", 1);
	uint64_t within = a.address + qemu->layout.structs[VQI_S_VuBlkExport].size;

	regions->offset = (uint32_t)(within - a.vu_dev);
	regions->size = 2 * size;
	memcpy(fake_bytes(qemu, within, size), fake_bytes(qemu, a.regions, size), size);
	assert_ram(&a);
	fake_set(qemu, a.vu_dev, VQI_F_VuDev_nregions, 3);
	ck_assert_code_text(read_ram(&a), VQI_ERROR_BAD_DATA, "VuDev.nregions is 3");
}
END_TEST

START_TEST(test_regions_that_are_none)
{
	struct fake_export a = fake_export(qemu, "a", 1);
	uint32_t size = qemu->layout.structs[VQI_S_VuDevRegion].size;
	uint64_t two = fake_alloc(qemu, 2 * size);

	fake_set(qemu, a.regions, VQI_F_VuDevRegion_size, 0);
	ck_assert_code_text(read_ram(&a), VQI_ERROR_BAD_DATA, "is none");
	fake_set(qemu, a.regions, VQI_F_VuDevRegion_size, UINT64_MAX);
	ck_assert_code_text(read_ram(&a), VQI_ERROR_BAD_DATA, "is none");
	fake_set(qemu, a.regions, VQI_F_VuDevRegion_size, FAKE_REGION_LEN);
	for (int i = 0; i < 2; i++)
		memcpy(fake_bytes(qemu, two + i * size, size), fake_bytes(qemu, a.regions, size),
		       size);
	fake_set(qemu, a.vu_dev, VQI_F_VuDev_nregions, 2);
	fake_set(qemu, a.vu_dev, VQI_F_VuDev_regions, two);
	ck_assert_ok(read_ram(&a)); /* the same twice */
	ck_assert_uint_eq(ram.count, 1);
	fake_set(qemu, two + size, VQI_F_VuDevRegion_gpa, FAKE_REGION_GPA + 0x1000);
	ck_assert_code_text(read_ram(&a), VQI_ERROR_BAD_DATA, "is none");
	fake_set(qemu, two + size, VQI_F_VuDevRegion_gpa, 0x1000); /* sorted by guest address */
	ck_assert_ok(read_ram(&a));
	ck_assert_uint_eq(ram.ranges[0].gpa, 0x1000);
	fake_set(qemu, a.vu_dev, VQI_F_VuDev_nregions, VQI_MAX_REGIONS + 1);
	ck_assert_code_text(read_ram(&a), VQI_ERROR_BAD_DATA, "VuDev.nregions");
	fake_set(qemu, a.vu_dev, VQI_F_VuDev_nregions, 0);
	ck_assert_ok(read_ram(&a));
	ck_assert_uint_eq(ram.count, 0);
	qemu->layout.structs[VQI_S_VuDevRegion].size = 0;
	ck_assert_code(read_ram(&a), VQI_ERROR_NO_LAYOUT);
}
END_TEST

/* ---- checks of a layout ---- */

static struct vqi_error *check(void)
{
	return vqi_qemu_check_layout(&qemu->qemu, &qemu->layout);
}

START_TEST(test_every_layout_fits)
{
	struct fake_export a;

	teardown();
	make((unsigned int)_i);
	qemu->layout.source = _i % 2 ? VQI_LAYOUT_PROFILE : VQI_LAYOUT_DWARF;
	ck_assert_ok(check());
	fake_export(qemu, "b", 0);
	a = fake_export(qemu, "a", 2);
	ck_assert_ok(check());
	fake_export_start(qemu, &a, 1, 0x2000, 64);
	ck_assert_ok(check());
}
END_TEST

START_TEST(test_misfits)
{
	uint64_t driver = fake_symbol(qemu, VQI_SYM_blk_exp_vhost_user_blk);
	uint32_t size = qemu->layout.structs[VQI_S_VuBlkExport].size;
	struct fake_export a = fake_export(qemu, "a", 2);
	const struct {
		uint64_t address;
		enum vqi_field_id field;
		uint64_t wrong, right;
		const char *text;
	} places[] = {
		{driver, VQI_F_BlockExportDriver_instance_size, size + 8, size, "as large as"},
		{a.server, VQI_F_VuServer_ctx, a.ctx + 8, a.ctx, "not the loop of the export"},
		{a.server, VQI_F_VuServer_max_queues, 3, 2, "not what its server has"},
		{a.vu_dev, VQI_F_VuDev_max_queues, 3, 2, "not what its server has"},
		{a.vu_dev, VQI_F_VuDev_vq, 8, a.vq, "no ring of an export"},
		{a.vu_dev, VQI_F_VuDev_vq, 0, a.vq, "though there is a client"},
		{fake_export_queue(qemu, &a, 1), VQI_F_VuVirtq_started, 0, 1,
		 "what its descriptors say"},
		{fake_export_ring(qemu, &a, 1), VQI_F_VuRing_num, 0, 64, "no ring of an export"},
		{fake_export_queue(qemu, &a, 1), VQI_F_VuVirtq_last_avail_idx, 1, 0,
		 "indices are none"},
		{fake_export_queue(qemu, &a, 1), VQI_F_VuVirtq_used_idx, 1, 0, "indices are none"},
		{a.regions, VQI_F_VuDevRegion_qva, 1, FAKE_REGION_QVA, "no ring of an export"},
		{fake_export_ring(qemu, &a, 1), VQI_F_VuRing_used, 8, a.region + 0x3000,
		 "no ring of an export"},
		{a.ctx, VQI_F_AioContext_aio_handlers, 8,
		 fake_get(qemu, a.ctx, VQI_F_AioContext_aio_handlers), "no list of handlers"},
	};

	fake_export_start(qemu, &a, 1, 0x2000, 64);
	fake_poke(qemu, a.region + 0x2000 + 16 * 64 + 2, 2, 5); /* published, and not seen */
	ck_assert_ok(check());
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		fake_set(qemu, places[i].address, places[i].field, places[i].wrong);
		ck_assert_code_text(check(), VQI_ERROR_NO_LAYOUT, places[i].text);
		fake_set(qemu, places[i].address, places[i].field, places[i].right);
		ck_assert_ok(check());
	}
	fake_set(qemu, a.server, VQI_F_VuServer_ctx, 0); /* on its way to another loop */
	ck_assert_ok(check());
}
END_TEST

/* A guest, or its reset while requests are in flight, makes of the indices what it likes; the ring has them, too. */
START_TEST(test_indices_of_the_guest)
{
	struct fake_export a = fake_export(qemu, "a", 2);
	uint64_t vq = fake_export_queue(qemu, &a, 0);

	fake_export_start(qemu, &a, 0, 0x2000, 64);
	fake_set(qemu, vq, VQI_F_VuVirtq_used_idx, 5000);
	ck_assert_code_text(check(), VQI_ERROR_NO_LAYOUT, "indices are none");
	fake_poke(qemu, a.region + 0x3000 + 2, 2, 5000);
	ck_assert_ok(check());
	fake_set(qemu, vq, VQI_F_VuVirtq_shadow_avail_idx, 7000);
	ck_assert_code_text(check(), VQI_ERROR_NO_LAYOUT, "indices are none");
	fake_export_start(qemu, &a, 1, 0x6000, 64);
	ck_assert_code_text(check(), VQI_ERROR_NO_LAYOUT, "indices are none");
	vq = fake_export_queue(qemu, &a, 1);
	fake_set(qemu, vq, VQI_F_VuVirtq_shadow_avail_idx, 3);
	fake_set(qemu, vq, VQI_F_VuVirtq_last_avail_idx, 3);
	ck_assert_ok(check()); /* one that is right is enough */
	fake_set(qemu, vq, VQI_F_VuVirtq_used_idx, 5000);
	ck_assert_code_text(check(), VQI_ERROR_NO_LAYOUT, "indices are none");
	fake_set(qemu, a.vu_dev, VQI_F_VuDev_broken, 1);
	ck_assert_ok(check());
}
END_TEST

/* Since 9.0 a region that is taken away unmaps all rings. */
START_TEST(test_unmapped_rings)
{
	struct fake_export a = fake_export(qemu, "a", 1);
	uint64_t ring = fake_export_ring(qemu, &a, 0);

	fake_export_start(qemu, &a, 0, 0x2000, 64);
	fake_set(qemu, ring, VQI_F_VuRing_desc, 0);
	ck_assert_code_text(check(), VQI_ERROR_NO_LAYOUT, "no ring of an export");
	fake_set(qemu, ring, VQI_F_VuRing_avail, 0);
	fake_set(qemu, ring, VQI_F_VuRing_used, 0);
	ck_assert_ok(check());
}
END_TEST

START_TEST(test_export_without_a_loop)
{
	struct fake_export a = fake_export(qemu, "a", 1);

	fake_set(qemu, a.address, VQI_F_BlockExport_ctx, 0);
	ck_assert_ok(check());
}
END_TEST

/* By a field that is always 0, kicks would seem to be off. */
START_TEST(test_doubtful_notification)
{
	struct fake_export a = fake_export(qemu, "a", 1);
	struct vqi_field *field = &qemu->layout.fields[VQI_F_VuVirtq_notification];

	fake_export_start(qemu, &a, 0, 0x2000, 64);
	qemu->layout.source = VQI_LAYOUT_PROFILE;
	ck_assert_ok(check());
	ck_assert(field->present);
	fake_set(qemu, fake_export_queue(qemu, &a, 0), VQI_F_VuVirtq_notification, 0);
	ck_assert_ok(check());
	ck_assert(!field->present);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("exports");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, test_found, 0, SEEDS);
	tcase_add_test(tcase, test_other_kinds);
	tcase_add_test(tcase, test_no_list);
	tcase_add_test(tcase, test_who_serves_it);
	tcase_add_test(tcase, test_backend);
	tcase_add_loop_test(tcase, test_regions_behind_a_pointer, 0, SEEDS);
	tcase_add_test(tcase, test_regions_within);
	tcase_add_test(tcase, test_regions_that_are_none);
	tcase_add_loop_test(tcase, test_every_layout_fits, 0, SEEDS);
	tcase_add_test(tcase, test_misfits);
	tcase_add_test(tcase, test_indices_of_the_guest);
	tcase_add_test(tcase, test_unmapped_rings);
	tcase_add_test(tcase, test_export_without_a_loop);
	tcase_add_test(tcase, test_doubtful_notification);
	return unit_run("exports", tcase);
}
