/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "selfcheck_exports.h"

#include <stdlib.h>

#include "vqi/exports.h"
#include "vqi/limits.h"

#include "chunks.h"
#include "misfit.h"
#include "selfcheck_device.h"

/* ---- rings ---- */

/* What a guest, or its reset with requests in flight, may have made otherwise in one queue, and hardly in all. */
struct rings {
	struct vqi_tally indices;
	bool is_broken; /* the device under way gave up, maybe for what its indices became */
};

/* A region that is taken away unmaps the rings of all queues, until they are used again. Source: libvhost-user.c
 * map_ring(), unmap_rings(). */
static bool is_ring(const struct vqi_export_regions *regions, const struct vqi_view *queue)
{
	static const struct {
		enum vqi_field_id there, here;
	} parts[] = {
		{VQI_F_VuVirtq_desc_user_addr, VQI_F_VuRing_desc},
		{VQI_F_VuVirtq_avail_user_addr, VQI_F_VuRing_avail},
		{VQI_F_VuVirtq_used_user_addr, VQI_F_VuRing_used},
	};
	struct vqi_view vring = vqi_view_member(queue, VQI_F_VuVirtq_vring);
	uint64_t qva, num = vqi_view_uint_or(&vring, VQI_F_VuRing_num, 0);
	size_t unmapped = 0;
	bool is_there = true;

	if (!num || num > VQI_MAX_RING)
		return false;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		uint64_t hva = vqi_view_uint_or(&vring, parts[i].here, 0);

		unmapped += !hva;
		if (vqi_view_uint(queue, parts[i].there, &qva))
			is_there = is_there && vqi_export_at(regions, qva) == hva;
	}
	return is_there || unmapped == sizeof(parts) / sizeof(parts[0]);
}

/* Whoever has a descriptor for kicks was started. Source: libvhost-user.c vu_set_vring_kick_exec(),
 * vu_get_vring_base_exec(). */
static bool is_as_started(const struct vqi_view *queue)
{
	int32_t fd = (int32_t)vqi_view_uint_or(queue, VQI_F_VuVirtq_kick_fd, 0);

	return fd < 0 || vqi_view_uint_or(queue, VQI_F_VuVirtq_started, 1);
}

/* The index of an avail or a used ring in the guest's memory; what cannot be read is no index. */
static bool is_index_at(struct vqi_qemu *qemu, const struct vqi_view *vring, enum vqi_field_id ring,
			uint64_t index)
{
	uint64_t hva = vqi_view_uint_or(vring, ring, 0), there;

	return hva && !vqi_error_drop(vqi_mem_read_uint(qemu->mem, hva + 2, 2, &there)) &&
	       there == index;
}

/* Of a queue that nobody has used nothing can be told. */
static bool is_used(const struct vqi_view *queue)
{
	return vqi_view_uint_or(queue, VQI_F_VuVirtq_shadow_avail_idx, 0) ||
	       vqi_view_uint_or(queue, VQI_F_VuVirtq_last_avail_idx, 0) ||
	       vqi_view_uint_or(queue, VQI_F_VuVirtq_used_idx, 0);
}

/* What was taken is no more than what was seen, and what is not completed of that no more than there is room for. A
 * reset with requests in flight, and a guest that writes what it likes, bring about other numbers, but those of the ring. */
static bool are_indices(struct vqi_qemu *qemu, const struct vqi_view *queue)
{
	struct vqi_view vring = vqi_view_member(queue, VQI_F_VuVirtq_vring);
	uint64_t num = vqi_view_uint_or(&vring, VQI_F_VuRing_num, 0);
	uint64_t seen = vqi_view_uint_or(queue, VQI_F_VuVirtq_shadow_avail_idx, 0);
	uint64_t taken = vqi_view_uint_or(queue, VQI_F_VuVirtq_last_avail_idx, 0);
	uint64_t used = vqi_view_uint_or(queue, VQI_F_VuVirtq_used_idx, 0);

	if ((uint16_t)(seen - taken) <= num && (uint16_t)(taken - used) <= num)
		return true;
	return is_index_at(qemu, &vring, VQI_F_VuRing_avail, seen) &&
	       is_index_at(qemu, &vring, VQI_F_VuRing_used, used);
}

/* A block export never switches kicks off. */
static void check_notification(const struct vqi_view *queue, struct vqi_layout *layout)
{
	if (vqi_view_uint_or(queue, VQI_F_VuVirtq_notification, 1) != 1)
		layout->fields[VQI_F_VuVirtq_notification].present = false;
}

static struct vqi_error *check_queue(struct vqi_qemu *qemu, struct vqi_layout *layout,
				     const struct vqi_export_regions *regions,
				     const struct vqi_view *queue, struct rings *rings)
{
	if (!is_as_started(queue))
		return vqi_misfit("VuVirtq.started is not what its descriptors say");
	if (!vqi_view_uint_or(queue, VQI_F_VuVirtq_started, 0))
		return NULL;
	if (!is_ring(regions, queue))
		return vqi_misfit("no ring of an export is where its memory regions say");
	if (!rings->is_broken && is_used(queue)) {
		rings->indices.count++;
		rings->indices.right += are_indices(qemu, queue);
	}
	if (!vqi_selfcheck_is_sure(layout))
		check_notification(queue, layout);
	return NULL;
}

static struct vqi_error *check_rings(struct vqi_qemu *qemu, struct vqi_layout *layout,
				     uint64_t vu_dev, uint64_t vq, uint64_t count,
				     struct rings *rings)
{
	vqi_cleanup(vqi_export_regions_done) struct vqi_export_regions regions = {0};
	size_t stride = qemu->layout->structs[VQI_S_VuVirtq].size;
	vqi_cleanup_free uint8_t *bytes = calloc(count + 1, stride);
	struct vqi_num broken = VQI_UNKNOWN;
	struct vqi_error *error;

	if (!bytes)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	error = vqi_qemu_known(qemu, vu_dev, VQI_F_VuDev_broken, &broken);
	rings->is_broken = vqi_num_nonzero(broken);
	if (!error)
		error = vqi_qemu_export_regions(qemu, vu_dev, &regions);
	if (!error)
		error = vqi_mem_read(qemu->mem, vq, bytes, count * stride);
	if (error)
		return vqi_unreadable(error,
				      "no ring of an export is where its memory regions say");
	for (size_t i = 0; !error && i < count; i++) {
		const struct vqi_view view = {.layout = qemu->layout,
					      .addr = vq + i * stride,
					      .data = bytes + i * stride,
					      .len = stride};

		error = check_queue(qemu, layout, &regions, &view, rings);
	}
	return error;
}

/* ---- what is said twice ---- */

/* What the server says of its device. */
struct server {
	struct vqi_num most;   /* queues */
	struct vqi_num client; /* its channel; 0: there is none */
};

/* Without a client there are no queues. Source: libvhost-user.c vu_init(), vu_deinit(). */
static struct vqi_error *check_queues(struct vqi_qemu *qemu, struct vqi_layout *layout,
				      uint64_t vu_dev, const struct server *server,
				      struct rings *rings)
{
	static const char what[] = "VuDev.max_queues is not what its server has";
	uint64_t vq, count = 0;
	struct vqi_error *error = vqi_qemu_field(qemu, vu_dev, VQI_F_VuDev_vq, &vq);

	if (!error && !vq)
		return vqi_num_nonzero(server->client)
			       ? vqi_misfit("VuDev.vq is NULL though there is a client")
			       : NULL;
	if (!error)
		error = vqi_qemu_field(qemu, vu_dev, VQI_F_VuDev_max_queues, &count);
	if (error)
		return vqi_unreadable(error, what);
	if (count > VQI_MAX_QUEUES || (server->most.known && server->most.value != count))
		return vqi_misfit(what);
	return check_rings(qemu, layout, vu_dev, vq, count, rings);
}

/* While they move from one loop to another, a server and its export may have none. Source: util/vhost-user-server.c,
 * block/export/vhost-user-blk-server.c blk_aio_detach(). */
static struct vqi_error *check_server(struct vqi_qemu *qemu, struct vqi_layout *layout,
				      uint64_t vu_dev, struct rings *rings)
{
	static const char what[] = "VuServer.ctx is not the loop of the export";
	uint64_t address = vu_dev - qemu->layout->fields[VQI_F_VuServer_vu_dev].offset, own;
	struct vqi_num context = VQI_UNKNOWN;
	struct server server = {VQI_UNKNOWN, VQI_UNKNOWN};
	struct vqi_error *error;

	error = vqi_qemu_known(qemu, address, VQI_F_VuServer_ctx, &context);
	if (!error)
		error = vqi_qemu_known(qemu, address, VQI_F_VuServer_max_queues, &server.most);
	if (!error)
		error = vqi_qemu_known(qemu, address, VQI_F_VuServer_sioc, &server.client);
	if (!error)
		error = vqi_qemu_export_context(qemu, vu_dev, &own);
	if (error)
		return vqi_unreadable(error, what);
	if (own && vqi_num_nonzero(context) && context.value != own)
		return vqi_misfit(what);
	if (own)
		error = vqi_selfcheck_context(qemu, own);
	return error ? error : check_queues(qemu, layout, vu_dev, &server, rings);
}

static struct vqi_error *check_size(struct vqi_qemu *qemu, const struct vqi_export *export)
{
	static const char what[] = "VuBlkExport is not as large as its driver says";
	const struct vqi_struct_layout *its = &qemu->layout->structs[VQI_S_VuBlkExport];
	struct vqi_num size = VQI_UNKNOWN;
	struct vqi_error *error;

	error = vqi_qemu_known(qemu, export->drv, VQI_F_BlockExportDriver_instance_size, &size);
	if (error)
		return vqi_unreadable(error, what);
	if (size.known && its->how != VQI_HOW_LEAST && size.value != its->size)
		return vqi_misfit(what);
	return NULL;
}

static struct vqi_error *check_disk(struct vqi_qemu *qemu, struct vqi_layout *layout,
				    uint64_t vu_dev)
{
	struct vqi_error *error;
	uint64_t blk;

	error = vqi_qemu_field(qemu, vqi_qemu_export_address(qemu, vu_dev), VQI_F_BlockExport_blk,
			       &blk);
	return error ? error : vqi_chunks_check_disk(qemu, layout, blk);
}

struct vqi_error *vqi_selfcheck_exports(struct vqi_qemu *qemu, struct vqi_layout *layout)
{
	vqi_cleanup(vqi_exports_done) struct vqi_exports exports = {0};
	struct vqi_error *error = vqi_qemu_find_exports(qemu, &exports);
	struct rings rings = {0};

	for (size_t i = 0; !error && i < exports.count; i++) {
		const struct vqi_export *export = &exports.exports[i];

		error = check_size(qemu, export);
		if (!error)
			error = check_server(qemu, layout, export->vu_dev, &rings);
		if (!error && layout->is_foreign)
			error = check_disk(qemu, layout, export->vu_dev);
	}
	if (!error && rings.indices.count && !rings.indices.right)
		error = vqi_misfit("VuVirtq's indices are none of a ring of that size");
	return error;
}
