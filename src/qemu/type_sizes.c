/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "type_sizes.h"

#include <string.h>

#include "vqi/limits.h"

static const struct {
	const char *type;
	enum vqi_struct_id structure;
} types[] = {
	{"device", VQI_S_DeviceState},
	{"virtio-device", VQI_S_VirtIODevice},
	{"sys-bus-device", VQI_S_SysBusDevice},
	{"cpu", VQI_S_CPUState},
	{"iothread", VQI_S_IOThread},
	{"pci-device", VQI_S_PCIDevice},
	{"virtio-pci", VQI_S_VirtIOPCIProxy},
	{"ccw-device", VQI_S_CcwDevice},
	{"virtio-blk-device", VQI_S_VirtIOBlock},
	{"virtio-net-device", VQI_S_VirtIONet},
	{"virtio-scsi-device", VQI_S_VirtIOSCSI},
	{"virtio-rng-device", VQI_S_VirtIORNG},
	{"virtio-crypto-device", VQI_S_VirtIOCrypto},
	{"virtio-9p-device", VQI_S_V9fsVirtioState},
	{"vhost-user-blk", VQI_S_VHostUserBlk},
	{"vhost-user-fs-device", VQI_S_VHostUserFS},
};

static struct vqi_error *tell_size(struct vqi_qemu *qemu, uint64_t impl, vqi_type_size_func func,
				   void *data)
{
	vqi_cleanup_free char *name = NULL;
	struct vqi_num size = VQI_UNKNOWN;
	struct vqi_error *error;

	error = vqi_qemu_string_field(qemu, impl, VQI_F_TypeImpl_name, &name);
	if (!error)
		error = vqi_qemu_known(qemu, impl, VQI_F_TypeImpl_instance_size, &size);
	if (error || !name || !size.known)
		return error;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (strcmp(types[i].type, name) == 0)
			return func(data, types[i].structure, size.value);
	}
	return NULL;
}

struct vqi_error *vqi_qemu_type_sizes(struct vqi_qemu *qemu, uint64_t object,
				      vqi_type_size_func func, void *data)
{
	struct vqi_error *error;
	uint64_t class, impl = 0;

	error = vqi_qemu_field(qemu, object, VQI_F_Object_class, &class);
	if (!error)
		error = vqi_qemu_field(qemu, class, VQI_F_ObjectClass_type, &impl);
	for (int i = 0; !error && impl && i < VQI_MAX_QOM_DEPTH; i++) {
		error = tell_size(qemu, impl, func, data);
		if (!error)
			error = vqi_qemu_field(qemu, impl, VQI_F_TypeImpl_parent_type, &impl);
	}
	return error;
}
