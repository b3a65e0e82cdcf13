/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fake_exports.h"

#include "fake_loops.h"

#define USED_OFFSET 4096
#define ROOM	    4096 /* bytes behind a VuBlkExport, for tests that make it longer */

void fake_daemon(struct fake_qemu *qemu)
{
	qemu->layout.kind = VQI_IMAGE_STORAGE_DAEMON;
	fake_set_symbol(qemu, VQI_SYM_block_exports, 8, 0);
	fake_set(qemu, fake_symbol(qemu, VQI_SYM_blk_exp_vhost_user_blk),
		 VQI_F_BlockExportDriver_instance_size,
		 qemu->layout.structs[VQI_S_VuBlkExport].size);
	fake_set_symbol(qemu, VQI_SYM_object_root, 8,
			fake_get(qemu, qemu->machine, VQI_F_Object_parent));
}

/* The first handler of a list points back at the list's head. */
static uint64_t make_context(struct fake_qemu *qemu)
{
	uint64_t ctx = fake_aio_context(qemu), handler = fake_handler(qemu, ctx, ctx + 8);

	fake_poke(qemu, fake_place(qemu, handler, VQI_F_AioHandler_node) + 8, 8,
		  fake_place(qemu, ctx, VQI_F_AioContext_aio_handlers));
	return ctx;
}

static void add_region(struct fake_qemu *qemu, struct fake_export *export)
{
	export->region = fake_alloc(qemu, FAKE_REGION_LEN);
	export->regions = fake_make(qemu, VQI_S_VuDevRegion);
	fake_set(qemu, export->regions, VQI_F_VuDevRegion_gpa, FAKE_REGION_GPA);
	fake_set(qemu, export->regions, VQI_F_VuDevRegion_qva, FAKE_REGION_QVA);
	fake_set(qemu, export->regions, VQI_F_VuDevRegion_size, FAKE_REGION_LEN);
	fake_set(qemu, export->regions, VQI_F_VuDevRegion_mmap_addr, export->region - 0x3000);
	fake_set(qemu, export->regions, VQI_F_VuDevRegion_mmap_offset, 0x3000);
	fake_set(qemu, export->vu_dev, VQI_F_VuDev_nregions, 1);
	fake_set(qemu, export->vu_dev, VQI_F_VuDev_regions, export->regions);
}

static void add_client(struct fake_qemu *qemu, struct fake_export *export, unsigned int queues)
{
	uint32_t stride = qemu->layout.structs[VQI_S_VuVirtq].size;

	export->vq = fake_alloc(qemu, (size_t)queues * stride);
	fake_set(qemu, export->vu_dev, VQI_F_VuDev_vq, export->vq);
	fake_set(qemu, export->vu_dev, VQI_F_VuDev_max_queues, queues);
	fake_set(qemu, export->server, VQI_F_VuServer_sioc, 0x55d0c3000000);
	fake_set(qemu, export->vu_dev, VQI_F_VuDev_features,
		 UINT64_C(1) << 32 | 1u << 30 | 1u << 29);
	for (unsigned int i = 0; i < queues; i++) {
		fake_set(qemu, export->vq + i * stride, VQI_F_VuVirtq_kick_fd, UINT32_MAX);
		fake_set(qemu, export->vq + i * stride, VQI_F_VuVirtq_call_fd, UINT32_MAX);
		fake_set(qemu, export->vq + i * stride, VQI_F_VuVirtq_notification, 1);
	}
	add_region(qemu, export);
}

struct fake_export fake_export(struct fake_qemu *qemu, const char *id, unsigned int queues)
{
	struct fake_export export = {.ctx = make_context(qemu)};

	export.address = fake_alloc(qemu, qemu->layout.structs[VQI_S_VuBlkExport].size + ROOM);
	export.server = fake_place(qemu, export.address, VQI_F_VuBlkExport_vu_server);
	export.vu_dev = fake_place(qemu, export.server, VQI_F_VuServer_vu_dev);
	fake_set(qemu, export.address, VQI_F_BlockExport_drv,
		 fake_symbol(qemu, VQI_SYM_blk_exp_vhost_user_blk));
	fake_set_text(qemu, export.address, VQI_F_BlockExport_id, id);
	fake_set(qemu, export.address, VQI_F_BlockExport_ctx, export.ctx);
	fake_set(qemu, export.server, VQI_F_VuServer_ctx, export.ctx);
	fake_set(qemu, export.server, VQI_F_VuServer_max_queues, queues);
	fake_push(qemu, fake_symbol(qemu, VQI_SYM_block_exports), export.address,
		  VQI_F_BlockExport_next);
	if (queues)
		add_client(qemu, &export, queues);
	return export;
}

uint64_t fake_export_queue(const struct fake_qemu *qemu, const struct fake_export *export,
			   unsigned int queue)
{
	return export->vq + (uint64_t)queue * qemu->layout.structs[VQI_S_VuVirtq].size;
}

uint64_t fake_export_ring(const struct fake_qemu *qemu, const struct fake_export *export,
			  unsigned int queue)
{
	return fake_place(qemu, fake_export_queue(qemu, export, queue), VQI_F_VuVirtq_vring);
}

void fake_export_start(struct fake_qemu *qemu, const struct fake_export *export, unsigned int queue,
		       uint64_t offset, unsigned int num)
{
	uint64_t vq = fake_export_queue(qemu, export, queue);
	uint64_t ring = fake_export_ring(qemu, export, queue);
	const struct {
		enum vqi_field_id here, there;
		uint64_t offset;
	} parts[] = {
		{VQI_F_VuRing_desc, VQI_F_VuVirtq_desc_user_addr, offset},
		{VQI_F_VuRing_avail, VQI_F_VuVirtq_avail_user_addr, offset + 16 * num},
		{VQI_F_VuRing_used, VQI_F_VuVirtq_used_user_addr, offset + USED_OFFSET},
	};

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		fake_set(qemu, ring, parts[i].here, export->region + parts[i].offset);
		fake_set(qemu, vq, parts[i].there, FAKE_REGION_QVA + parts[i].offset);
	}
	fake_set(qemu, ring, VQI_F_VuRing_num, num);
	fake_set(qemu, vq, VQI_F_VuVirtq_kick_fd, 30 + queue);
	fake_set(qemu, vq, VQI_F_VuVirtq_call_fd, 40 + queue);
	fake_set(qemu, vq, VQI_F_VuVirtq_started, 1);
}
