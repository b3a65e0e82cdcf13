/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a device works with on the host's side, by the names that its user gave. */
#include <stdlib.h>
#include <string.h>

#include "vqi/limits.h"
#include "vqi/qemu.h"

#include "unknown.h"

typedef struct vqi_error *(*vqi_backend_reader)(struct vqi_qemu *qemu, uint64_t address,
						struct vqi_device *device);

/* Takes what backend owns, also on failure. */
static struct vqi_error *add_backend(struct vqi_device *device, struct vqi_backend backend)
{
	struct vqi_backend *grown = NULL;

	if (device->backend_count < VQI_MAX_BACKENDS)
		grown = reallocarray(device->backends, device->backend_count + 1, sizeof(*grown));
	if (!grown) {
		vqi_backend_done(&backend);
		return device->backend_count < VQI_MAX_BACKENDS
			       ? vqi_error_new(VQI_ERROR_NOMEM, "out of memory")
			       : vqi_error_new(VQI_ERROR_LIMIT, "more than %d back ends",
					       VQI_MAX_BACKENDS);
	}
	device->backends = grown;
	device->backends[device->backend_count++] = backend;
	return NULL;
}

struct vqi_error *vqi_qemu_block_backend(struct vqi_qemu *qemu, uint64_t blk,
					 struct vqi_device *device)
{
	struct vqi_backend backend = {.kind = "block", .hva = blk};
	uint64_t root = 0, node = 0, driver = 0;
	struct vqi_error *error;

	error = vqi_known_string(qemu, blk, VQI_F_BlockBackend_name, &backend.name);
	if (!error && backend.name && !backend.name[0])
		free(take_ptr(backend.name));
	if (!error)
		error = vqi_known_pointer(qemu, blk, VQI_F_BlockBackend_root, &root);
	if (!error && root) /* none: no medium */
		error = vqi_known_pointer(qemu, root, VQI_F_BdrvChild_bs, &node);
	if (!error && node)
		error = vqi_known_string(qemu, node, VQI_F_BlockDriverState_node_name,
					 &backend.node_name);
	if (!error && node)
		error = vqi_known_pointer(qemu, node, VQI_F_BlockDriverState_drv, &driver);
	if (!error && driver)
		error = vqi_known_string(qemu, driver, VQI_F_BlockDriver_format_name,
					 &backend.driver);
	if (!error)
		return add_backend(device, backend);
	vqi_backend_done(&backend);
	return error;
}

static struct vqi_error *read_named(struct vqi_qemu *qemu, uint64_t address,
				    enum vqi_field_id field, const char *kind,
				    struct vqi_device *device)
{
	struct vqi_backend backend = {.kind = kind};
	struct vqi_error *error = vqi_qemu_string_field(qemu, address, field, &backend.name);

	return error ? error : add_backend(device, backend);
}

static struct vqi_error *read_netdev(struct vqi_qemu *qemu, uint64_t client,
				     struct vqi_device *device)
{
	return read_named(qemu, client, VQI_F_NetClientState_name, "netdev", device);
}

static struct vqi_error *read_chardev(struct vqi_qemu *qemu, uint64_t chardev,
				      struct vqi_device *device)
{
	return read_named(qemu, chardev, VQI_F_Chardev_label, "chardev", device);
}

static struct vqi_error *read_object(struct vqi_qemu *qemu, uint64_t object, const char *kind,
				     struct vqi_device *device)
{
	struct vqi_backend backend = {.kind = kind};
	struct vqi_error *error;

	error = vqi_qemu_object_name(qemu, object, &backend.name);
	return error ? error : add_backend(device, backend);
}

static struct vqi_error *read_rng(struct vqi_qemu *qemu, uint64_t rng, struct vqi_device *device)
{
	return read_object(qemu, rng, "rng", device);
}

static struct vqi_error *read_cryptodev(struct vqi_qemu *qemu, uint64_t cryptodev,
					struct vqi_device *device)
{
	return read_object(qemu, cryptodev, "cryptodev", device);
}

/* 9p only has the string of its own configuration. */
static struct vqi_error *read_fsdev(struct vqi_qemu *qemu, uint64_t string,
				    struct vqi_device *device)
{
	struct vqi_backend backend = {.kind = "fsdev"};
	struct vqi_error *error;

	error = vqi_mem_read_string(qemu->mem, string, VQI_MAX_NAME, &backend.name);
	return error ? error : add_backend(device, backend);
}

/* Reads the pointer field of the structure at address and what it points to; unknown fields and null
 * pointers are passed over. */
static struct vqi_error *follow(struct vqi_qemu *qemu, uint64_t address, enum vqi_field_id field,
				vqi_backend_reader reader, struct vqi_device *device)
{
	struct vqi_error *error;
	uint64_t target = 0;

	error = vqi_known_pointer(qemu, address, field, &target);
	if (!error && target)
		error = vqi_drop_unknown(reader(qemu, target, device));
	return error;
}

static struct vqi_error *name_child(struct vqi_qemu *qemu, uint64_t child,
				    struct vqi_backend *backend)
{
	backend->child_hva = child;
	return vqi_known_string(qemu, child, VQI_F_DeviceState_id, &backend->child_id);
}

/* Reads the back end of every child on the device's own buses: disks of a virtio-scsi, ports of a
 * virtio-serial. */
static struct vqi_error *follow_children(struct vqi_qemu *qemu, uint64_t vdev, const char *type,
					 enum vqi_field_id field, vqi_backend_reader reader,
					 struct vqi_device *device)
{
	uint64_t bus, kid = 0, child;
	struct vqi_error *error;
	bool is_a;

	error = vqi_qemu_field(qemu, vdev, VQI_F_DeviceState_child_bus, &bus);
	if (!error && bus)
		error = vqi_qemu_field(qemu, bus, VQI_F_BusState_children, &kid);
	for (int i = 0; !error && kid; i++) {
		if (i == VQI_MAX_BUS_NODES)
			return vqi_error_new(VQI_ERROR_LIMIT, "more than %d children",
					     VQI_MAX_BUS_NODES);
		error = vqi_qemu_field(qemu, kid, VQI_F_BusChild_child, &child);
		if (!error)
			error = vqi_qemu_is_a(qemu, child, type, &is_a);
		if (!error && is_a) {
			size_t before = device->backend_count;

			error = follow(qemu, child, field, reader, device);
			if (!error && device->backend_count > before)
				error = name_child(qemu, child, &device->backends[before]);
		}
		if (!error)
			error = vqi_qemu_field(qemu, kid, VQI_F_BusChild_sibling, &kid);
	}
	return error;
}

struct vqi_error *vqi_qemu_backends(struct vqi_qemu *qemu, uint64_t vdev, struct vqi_device *device)
{
	static const struct {
		const char *type;
		const char *child_type; /* NULL: the device itself has the field */
		enum vqi_field_id field;
		vqi_backend_reader reader;
	} sources[] = {
		{"virtio-blk-device", NULL, VQI_F_VirtIOBlock_blk, vqi_qemu_block_backend},
		{"virtio-net-device", NULL, VQI_F_VirtIONet_peers, read_netdev},
		{"virtio-scsi-device", "scsi-device", VQI_F_SCSIDevice_blk, vqi_qemu_block_backend},
		{"virtio-serial-device", "virtserialport", VQI_F_VirtConsole_chr, read_chardev},
		{"virtio-rng-device", NULL, VQI_F_VirtIORNG_rng, read_rng},
		{"virtio-crypto-device", NULL, VQI_F_VirtIOCrypto_cryptodev, read_cryptodev},
		{"virtio-9p-device", NULL, VQI_F_V9fsVirtioState_fsdev_id, read_fsdev},
		{"vhost-user-fs-device", NULL, VQI_F_VHostUserFS_chr, read_chardev},
		{"vhost-user-blk", NULL, VQI_F_VHostUserBlk_chr, read_chardev},
	};
	struct vqi_error *error;
	bool is_a;

	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		error = vqi_qemu_is_a(qemu, vdev, sources[i].type, &is_a);
		if (!error && is_a && sources[i].child_type)
			error = follow_children(qemu, vdev, sources[i].child_type, sources[i].field,
						sources[i].reader, device);
		else if (!error && is_a)
			error = follow(qemu, vdev, sources[i].field, sources[i].reader, device);
		if (error)
			return error;
	}
	return NULL;
}
