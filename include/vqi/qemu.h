/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QEMU's own world: objects, types, buses, the machine. Reads a running target, one field at a time
 * by its name in the layout; what may change under the reader is only ever a wrong or failing read,
 * never a crash. */
#ifndef VQI_QEMU_H
#define VQI_QEMU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vqi/error.h"
#include "vqi/layout.h"
#include "vqi/mem.h"
#include "vqi/snapshot.h"
#include "vqi/store.h"

struct vqi_types;

/* One object found by a walk. */
struct vqi_object {
	uint64_t address;
	char *path; /* canonical */
};

struct vqi_objects {
	struct vqi_object *objects; /* ascending by path, numbers by value */
	size_t count;
	size_t half;	   /* devices that come or go */
	size_t unrealized; /* these, and those that have no queues yet */
};

/* Everything needed to interpret one QEMU's memory. */
struct vqi_qemu {
	struct vqi_mem *mem;
	const struct vqi_layout *layout;
	uint64_t bias;		 /* of the image: address in the target minus address as linked */
	struct vqi_types *types; /* QOM types met so far */
	struct vqi_objects kept; /* devices that the check of the layout has found; private */
	uint64_t run_state;	 /* the last one that was read, and its name; private */
	char *run_state_name;	 /* NULL: none yet */
};

/* Errors: NOMEM. mem and layout must outlive ret_qemu. */
struct vqi_error *vqi_qemu_init(struct vqi_mem *mem, const struct vqi_layout *layout, uint64_t bias,
				struct vqi_qemu *ret_qemu) vqi_must_check;
void vqi_qemu_done(struct vqi_qemu *qemu);

/* From begin to end, whole pages are read and kept: for what follows many pointers, and is not to be seen moving. */
struct vqi_qemu_pages {
	struct vqi_qemu *qemu;
	struct vqi_mem *mem, *pages; /* qemu's own; private */
};

/* Errors: NOMEM. ret_pages is ended, also after a failure. */
struct vqi_error *vqi_qemu_pages_begin(struct vqi_qemu *qemu,
				       struct vqi_qemu_pages *ret_pages) vqi_must_check;
void vqi_qemu_pages_end(struct vqi_qemu_pages *pages);
VQI_DEFINE_CLEANUP_VALUE(struct vqi_qemu_pages, vqi_qemu_pages_end)

/* Reads a field of the structure at address: its value when it has 1, 2, 4 or 8 bytes, its first 8
 * bytes when it has more (the first pointer of a list head).
 * Errors: NO_LAYOUT when the field is absent, FAULT. */
struct vqi_error *vqi_qemu_field(struct vqi_qemu *qemu, uint64_t address, enum vqi_field_id field,
				 uint64_t *ret_value) vqi_must_check;

/* The same into a number, which stays unknown when this QEMU does not have the field.
 * Errors: FAULT. */
struct vqi_error *vqi_qemu_known(struct vqi_qemu *qemu, uint64_t address, enum vqi_field_id field,
				 struct vqi_num *ret_value) vqi_must_check;

/* Reads the string that a char pointer or char array field holds; NULL for a null pointer.
 * Errors: as vqi_qemu_field(), BAD_DATA. Owner: the caller frees. */
struct vqi_error *vqi_qemu_string_field(struct vqi_qemu *qemu, uint64_t address,
					enum vqi_field_id field, char **ret_string) vqi_must_check;

/* The address of a variable in the target. Errors: NO_LAYOUT. */
struct vqi_error *vqi_qemu_symbol(const struct vqi_qemu *qemu, enum vqi_symbol_id symbol,
				  uint64_t *ret_address) vqi_must_check;

/* Reads a pointer variable. Errors: NO_LAYOUT, FAULT. */
struct vqi_error *vqi_qemu_pointer(struct vqi_qemu *qemu, enum vqi_symbol_id symbol,
				   uint64_t *ret_value) vqi_must_check;

/* Whether the QOM object at address is of a type or of one derived from it ("virtio-device").
 * Source: qom/object.c type_is_ancestor(). Errors: FAULT, BAD_DATA, LIMIT. */
struct vqi_error *vqi_qemu_is_a(struct vqi_qemu *qemu, uint64_t object, const char *type,
				bool *ret_is_a) vqi_must_check;

/* The name of the QOM type of the object at address. Owner: the types of qemu. */
struct vqi_error *vqi_qemu_type_name(struct vqi_qemu *qemu, uint64_t object,
				     const char **ret_name) vqi_must_check;

/* The name that an object's parent knows it by: what -object id= or an alias gave it.
 * NULL where it has no parent. Owner: the caller frees. */
struct vqi_error *vqi_qemu_object_name(struct vqi_qemu *qemu, uint64_t object,
				       char **ret_name) vqi_must_check;

/* Finds every realized virtio device: through the QOM tree below current_machine, or, where that
 * cannot be walked, through the buses below main_system_bus. Both ways' errors are in the message.
 * Source: hw/virtio/virtio-qmp.c query_dev_child(). */
struct vqi_error *vqi_qemu_find_virtio(struct vqi_qemu *qemu,
				       struct vqi_objects *ret_devices) vqi_must_check;
void vqi_objects_done(struct vqi_objects *objects);

/* The same, or what the check of the layout has found just before: once. */
struct vqi_error *vqi_qemu_take_virtio(struct vqi_qemu *qemu,
				       struct vqi_objects *ret_devices) vqi_must_check;

/* Checks a layout against what is in memory, before anything that was read by it is believed: of every
 * virtio device, all 1024 entries of its vq array say their own number and their device; vmstate's opaque
 * is the device; the sizes of the types "device" and "virtio-device" are those of their structures; the
 * main loop's lists of handlers are lists; and the machine is where it is in the tree of objects, each device
 * on its bus. Unless debug information says so, QEMU's own descriptions of what it migrates must agree, and
 * rings must be where their caches are; what a guest alone can bring about is no misfit. Other structures that
 * are of another size than QEMU's, or cannot be what they seem, become unknown. What the layout lacks is passed
 * over. A device that is being plugged or unplugged fits no layout: look again. layout must be that of qemu.
 * Source: hw/virtio/virtio.c virtio_init(), vmstate_virtio, qom/object.c struct TypeImpl.
 * Errors: NO_LAYOUT, naming what does not fit; GONE, PERMISSION, NOMEM. */
struct vqi_error *vqi_qemu_check_layout(struct vqi_qemu *qemu,
					struct vqi_layout *layout) vqi_must_check;

/* Finds out the layout of a QEMU of which there is no profile: what proves itself in memory is measured, and
 * the rest follows from profiles of others, or stays absent. common is what is the same in all of these, and
 * has the variables. What is found is
 * complete, and not known to fit: see vqi_qemu_check_layout().
 * Errors: NO_LAYOUT when something that is required is not found, or there is no device; those of readv, NOMEM.
 * Source: hw/virtio/virtio.c virtio_init(), qom/object.c struct TypeImpl. */
struct vqi_error *vqi_qemu_derive_layout(struct vqi_mem *mem, uint64_t bias,
					 const struct vqi_profiles *profiles,
					 const struct vqi_layout *common,
					 struct vqi_layout *ret_layout) vqi_must_check;

/* The objects in which QEMU keeps the devices that can come and go. */
#define VQI_PLUGGED_CONTAINERS 2
struct vqi_plugged {
	uint64_t containers[VQI_PLUGGED_CONTAINERS];
	size_t count;
};

/* Errors: NO_LAYOUT, BAD_DATA where this QEMU has no such places; FAULT, LIMIT, and those of readv. */
struct vqi_error *vqi_qemu_find_plugged(struct vqi_qemu *qemu,
					struct vqi_plugged *ret_plugged) vqi_must_check;

/* A number that is another one once a device has come or gone. Cheap: for every look.
 * Errors: as vqi_qemu_find_plugged(), BAD_DATA also while one comes. */
struct vqi_error *vqi_qemu_plugged_digest(struct vqi_qemu *qemu, const struct vqi_plugged *plugged,
					  uint64_t *ret_digest) vqi_must_check;

/* The name of the run state, of the VM, of the guest architecture; NULL where they are unknown.
 * exe is a hint for the architecture (qemu-system-ARCH). Errors: GONE, NOMEM. */
struct vqi_error *vqi_qemu_run_state(struct vqi_qemu *qemu, char **ret_state) vqi_must_check;
struct vqi_error *vqi_qemu_vm_name(struct vqi_qemu *qemu, char **ret_name) vqi_must_check;
struct vqi_error *vqi_qemu_arch(struct vqi_qemu *qemu, const char *exe,
				char **ret_arch) vqi_must_check;

/* Fills id, transport and transport_address of the virtio device at address vdev. */
struct vqi_error *vqi_qemu_transport(struct vqi_qemu *qemu, uint64_t vdev,
				     struct vqi_device *device) vqi_must_check;

/* Fills the back ends of the virtio device at address vdev; device->device_id must be set. */
struct vqi_error *vqi_qemu_backends(struct vqi_qemu *qemu, uint64_t vdev,
				    struct vqi_device *device) vqi_must_check;

/* Adds the back end that the BlockBackend at address blk is: its name (-drive id=), and its root node's name and driver.
 * Source: block/block-backend.c, include/block/block_int-common.h. */
struct vqi_error *vqi_qemu_block_backend(struct vqi_qemu *qemu, uint64_t blk,
					 struct vqi_device *device) vqi_must_check;

/* Fills backend->block: what the requests of a block back end of the device at address vdev wait for; 0: it is an export's.
 * backend->hva must be set. What changed under the reader is unknown.
 * Source: block/block-backend.c, include/block/block_int-common.h. Errors: GONE, PERMISSION, NOMEM. */
struct vqi_error *vqi_qemu_block(struct vqi_qemu *qemu, uint64_t vdev,
				 struct vqi_backend *backend) vqi_must_check;

/* Adds to a snapshot the nodes that have requests in flight and that none of its devices' block back
 * ends leads to: of other devices, of one that is being made, of a job. All back ends must have been
 * read. What was found before an error stays. Source: block.c all_bdrv_states.
 * Errors: NO_LAYOUT, FAULT, LIMIT; those of readv, NOMEM. */
struct vqi_error *vqi_qemu_other_nodes(struct vqi_qemu *qemu,
				       struct vqi_snapshot *snapshot) vqi_must_check;

/* Fills how the virtio device interrupts, and hears of, its driver: the MSI-X and INTx state of it and
 * of each queue's vector, PCI's command register, whether its bus has ioeventfds. Its transport, its
 * proxy and its queues must be set; on other transports than PCI only the last is known.
 * Source: hw/pci/msix.c, hw/virtio/virtio-pci.c. Errors: FAULT, BAD_DATA. */
struct vqi_error *vqi_qemu_interrupts(struct vqi_qemu *qemu,
				      struct vqi_device *device) vqi_must_check;

/* The addresses of all EventNotifiers that a write to guest memory or to a port rings. */
struct vqi_ioeventfds {
	uint64_t *notifiers;
	size_t count;
};

/* Errors: NO_LAYOUT (also where this QEMU keeps no list, as without KVM from 8.2 on), FAULT, LIMIT,
 * NOMEM. */
struct vqi_error *vqi_qemu_ioeventfds(struct vqi_qemu *qemu,
				      struct vqi_ioeventfds *ret_ioeventfds) vqi_must_check;
void vqi_ioeventfds_done(struct vqi_ioeventfds *ioeventfds);
bool vqi_ioeventfds_have(const struct vqi_ioeventfds *ioeventfds, uint64_t notifier);

/* How many packets wait for a buffer of a network card's pair of queues; stays unknown where that
 * cannot be told. Errors: FAULT, BAD_DATA. */
struct vqi_error *vqi_qemu_waiting_packets(struct vqi_qemu *qemu, uint64_t vdev, unsigned int pair,
					   struct vqi_num *ret_count) vqi_must_check;

/* What of a guest's memory QEMU has in RAM, as one address space shows it. */
struct vqi_ram_range {
	uint64_t gpa, len; /* bytes */
	uint64_t hva;	   /* address in the target; 0: behind a vIOMMU, which is not followed */
};

struct vqi_guest_ram {
	struct vqi_ram_range *ranges; /* ascending, without overlaps */
	size_t count;
};

/* Reads the flat view of the AddressSpace at address (VirtIODevice.dma_as). Regions that are neither
 * RAM nor a vIOMMU are left out. It may change under the reader: what is not ascending, or cannot be
 * read, is an error.
 * Source: softmmu/memory.c struct FlatView. Errors: NO_LAYOUT, FAULT, BAD_DATA, LIMIT, NOMEM. */
struct vqi_error *vqi_qemu_guest_ram(struct vqi_qemu *qemu, uint64_t address_space,
				     struct vqi_guest_ram *ret_ram) vqi_must_check;
void vqi_guest_ram_done(struct vqi_guest_ram *ram);
VQI_DEFINE_CLEANUP_VALUE(struct vqi_guest_ram, vqi_guest_ram_done)

enum vqi_ram_answer { VQI_RAM_YES, VQI_RAM_NO, VQI_RAM_UNKNOWN };

/* Whether all of [gpa, gpa + len) is RAM; UNKNOWN where a vIOMMU translates a part of it. */
enum vqi_ram_answer vqi_guest_ram_has(const struct vqi_guest_ram *ram, uint64_t gpa, uint64_t len);

/* Where a guest address lies in the target, and how many bytes follow there in one piece; 0: it is no RAM,
 * or a vIOMMU translates it. */
uint64_t vqi_guest_ram_at(const struct vqi_guest_ram *ram, uint64_t gpa, uint64_t *ret_len);

/* The inverse: the guest address of what lies there in the target, and how many bytes of the guest's follow there; false:
 * it is none of the guest's. */
bool vqi_guest_ram_gpa(const struct vqi_guest_ram *ram, uint64_t hva, uint64_t *ret_gpa,
		       uint64_t *ret_len);

/* Reads guest memory, which may lie in several ranges.
 * Errors: FAULT where it is no RAM or cannot be read, those of readv. */
struct vqi_error *vqi_guest_ram_get(struct vqi_mem *mem, const struct vqi_guest_ram *ram,
				    uint64_t gpa, void *ret_buf, size_t len) vqi_must_check;

/* Which vhost runs the rings of the virtio device at address vdev: NONE when no started one does,
 * UNKNOWN when this QEMU's list of them cannot be read and one may.
 * Source: hw/virtio/vhost.c, the list vhost_devices; without it, only whether any does. */
struct vqi_error *vqi_qemu_vhost_type(struct vqi_qemu *qemu, uint64_t vdev,
				      enum vqi_vhost_type *ret_type) vqi_must_check;

#endif
