/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which host notifiers a write of the guest rings. Source: softmmu/memory.c,
 * address_space_update_ioeventfds(). */
#include <stdlib.h>

#include "vqi/limits.h"
#include "vqi/qemu.h"

#include "unknown.h"

void vqi_ioeventfds_done(struct vqi_ioeventfds *ioeventfds)
{
	free(ioeventfds->notifiers);
	*ioeventfds = (struct vqi_ioeventfds){0};
}
VQI_DEFINE_CLEANUP_VALUE(struct vqi_ioeventfds, vqi_ioeventfds_done)

/* From 8.2 on the list is not kept up where no listener, as KVM has one, asks for it. */
static struct vqi_error *is_kept(struct vqi_qemu *qemu, uint64_t space, bool *ret_kept)
{
	struct vqi_num notifiers = VQI_NUM(1);
	struct vqi_error *error;

	error = vqi_qemu_known(qemu, space, VQI_F_AddressSpace_ioeventfd_notifiers, &notifiers);
	if (!error)
		*ret_kept = notifiers.value;
	return error;
}

static struct vqi_error *append(struct vqi_qemu *qemu, uint64_t array, uint32_t count,
				struct vqi_ioeventfds *ioeventfds)
{
	uint32_t stride = qemu->layout->structs[VQI_S_MemoryRegionIoeventfd].size;
	size_t total = ioeventfds->count + count;
	vqi_cleanup_free struct vqi_range *ranges = calloc(count + 1, sizeof(*ranges));
	uint64_t *grown = reallocarray(ioeventfds->notifiers, total + 1, sizeof(*grown));
	struct vqi_error *error;

	if (grown)
		ioeventfds->notifiers = grown;
	if (!grown || !ranges)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	for (uint32_t i = 0; i < count; i++)
		ranges[i] = (struct vqi_range){
			.addr = array + (uint64_t)i * stride +
				qemu->layout->fields[VQI_F_MemoryRegionIoeventfd_e].offset,
			.buf = &grown[ioeventfds->count + i],
			.len = sizeof(*grown),
		};
	error = vqi_mem_readv_all(qemu->mem, ranges, count);
	if (!error)
		ioeventfds->count = total;
	return error;
}

static struct vqi_error *read_space(struct vqi_qemu *qemu, enum vqi_symbol_id symbol,
				    struct vqi_ioeventfds *ioeventfds)
{
	static const enum vqi_field_id needed[] = {VQI_F_MemoryRegionIoeventfd_e};
	uint64_t space, array, count;
	struct vqi_error *error;
	bool kept;

	error = vqi_layout_need(qemu->layout, needed, 1);
	if (!error)
		error = vqi_qemu_symbol(qemu, symbol, &space);
	if (!error)
		error = is_kept(qemu, space, &kept);
	if (!error && !kept)
		return vqi_error_new(VQI_ERROR_NO_LAYOUT, "%s keeps no list of ioeventfds",
				     vqi_symbol_info(symbol)->name);
	if (!error)
		error = vqi_qemu_field(qemu, space, VQI_F_AddressSpace_ioeventfd_nb, &count);
	if (!error)
		error = vqi_qemu_field(qemu, space, VQI_F_AddressSpace_ioeventfds, &array);
	if (!error && count > VQI_MAX_IOEVENTFDS)
		error = vqi_error_new(VQI_ERROR_LIMIT, "more than %d ioeventfds",
				      VQI_MAX_IOEVENTFDS);
	return error ? error : append(qemu, array, (uint32_t)count, ioeventfds);
}

struct vqi_error *vqi_qemu_ioeventfds(struct vqi_qemu *qemu, struct vqi_ioeventfds *ret_ioeventfds)
{
	vqi_cleanup(vqi_ioeventfds_done) struct vqi_ioeventfds ioeventfds = {0};
	struct vqi_error *error;

	error = read_space(qemu, VQI_SYM_address_space_memory, &ioeventfds);
	if (!error) /* legacy virtio-pci is notified by a port */
		error = read_space(qemu, VQI_SYM_address_space_io, &ioeventfds);
	if (error)
		return error;
	*ret_ioeventfds = ioeventfds;
	ioeventfds = (struct vqi_ioeventfds){0};
	return NULL;
}

bool vqi_ioeventfds_have(const struct vqi_ioeventfds *ioeventfds, uint64_t notifier)
{
	for (size_t i = 0; i < ioeventfds->count; i++) {
		if (ioeventfds->notifiers[i] == notifier)
			return true;
	}
	return false;
}
