/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A layout from the process alone: places that prove themselves are measured, the others follow from profiles of
 * other QEMUs (vqi_infer()). */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "vqi/infer.h"
#include "vqi/limits.h"
#include "vqi/qemu.h"

#include "type_sizes.h"

#define WORD	   8
#define MAX_SIZE   65536 /* bytes of an object that is looked through, and more */
#define MAX_STRIDE 1024	 /* bytes of a VirtQueue, and more */
#define MAX_ENTRY  128	 /* bytes of a VMChangeStateEntry, and more */

struct derivation {
	struct vqi_qemu qemu; /* by what is the same in all profiles */
	const struct vqi_profiles *profiles;
	struct vqi_objects devices;
	struct vqi_layout *measured;
};

static void derivation_done(struct derivation *derivation)
{
	vqi_objects_done(&derivation->devices);
	vqi_qemu_done(&derivation->qemu);
}
VQI_DEFINE_CLEANUP_VALUE(struct derivation, derivation_done)

static struct vqi_error *not_found(const char *what)
{
	return vqi_error_new(VQI_ERROR_NO_LAYOUT, "%s is not found", what);
}

static void set_size(struct derivation *derivation, enum vqi_struct_id id, uint64_t size)
{
	derivation->measured->structs[id] =
		(struct vqi_struct_layout){.present = true, .size = (uint32_t)size};
}

static void set_field(struct derivation *derivation, enum vqi_field_id id, size_t offset,
		      uint32_t size)
{
	derivation->measured->fields[id] =
		(struct vqi_field){.present = true, .offset = (uint32_t)offset, .size = size};
}

static uint64_t word_at(const uint8_t *bytes, size_t offset)
{
	uint64_t word;

	memcpy(&word, bytes + offset, sizeof(word));
	return word;
}

/* ---- sizes ---- */

static struct vqi_error *take_size(void *data, enum vqi_struct_id id, uint64_t size)
{
	if (size <= MAX_SIZE)
		set_size(data, id, size);
	return NULL;
}

/* Of a device, and of its proxy. */
static struct vqi_error *measure_sizes(struct derivation *derivation, uint64_t vdev)
{
	struct vqi_qemu *qemu = &derivation->qemu;
	struct vqi_error *error = vqi_qemu_type_sizes(qemu, vdev, take_size, derivation);
	uint64_t parent = 0;

	if (!error)
		error = vqi_qemu_field(qemu, vdev, VQI_F_Object_parent, &parent);
	if (!error && parent)
		error = vqi_qemu_type_sizes(qemu, parent, take_size, derivation);
	return error;
}

/* ---- the words of a device: what is tried may be no pointer at all, and that it cannot be read is an answer ---- */

struct words {
	uint8_t *bytes;
	size_t len;
};

static void words_done(struct words *words)
{
	free(words->bytes);
}
VQI_DEFINE_CLEANUP_VALUE(struct words, words_done)

/* Reads an object up to the end of a structure that it begins with. */
static struct vqi_error *read_words(struct derivation *derivation, uint64_t object,
				    enum vqi_struct_id id, struct words *ret_words)
{
	const struct vqi_struct_layout *its = &derivation->measured->structs[id];
	vqi_cleanup(words_done) struct words words = {0};
	struct vqi_error *error;

	if (!its->present)
		return not_found(vqi_struct_info(id)->name);
	words.len = its->size / WORD * WORD;
	words.bytes = malloc(words.len + 1);
	if (!words.bytes)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	error = vqi_mem_read(derivation->qemu.mem, object, words.bytes, words.len);
	if (error)
		return error;
	*ret_words = words;
	words = (struct words){0};
	return NULL;
}

/* ---- the array of queues: hw/virtio/virtio.c virtio_init() numbers all its entries ---- */

/* The number of an entry; -1 where it is beyond the bytes. */
static int number_at(const struct derivation *derivation, const uint8_t *bytes, size_t len,
		     size_t entry)
{
	size_t offset = entry + derivation->qemu.layout->fields[VQI_F_VirtQueue_queue_index].offset;
	uint16_t number;

	if (offset + sizeof(number) > len)
		return -1;
	memcpy(&number, bytes + offset, sizeof(number));
	return number;
}

static bool is_numbered(const struct derivation *derivation, const uint8_t *bytes, size_t len,
			size_t stride, int count)
{
	for (int i = 0; i < count; i++) {
		if (number_at(derivation, bytes, len, (size_t)i * stride) != i)
			return false;
	}
	return true;
}

/* How far the entries at an address are apart; 0: there is no such array. */
static size_t find_stride(struct derivation *derivation, uint64_t address)
{
	uint8_t bytes[4 * MAX_STRIDE];

	if (vqi_error_drop(vqi_mem_read(derivation->qemu.mem, address, bytes, sizeof(bytes))))
		return 0;
	for (size_t stride = 2 * WORD; stride <= MAX_STRIDE; stride += WORD) {
		if (is_numbered(derivation, bytes, sizeof(bytes), stride, 4))
			return stride;
	}
	return 0;
}

/* Where every entry has its device; false: nowhere, or in two places. */
static bool find_owner(const uint8_t *bytes, size_t stride, uint64_t vdev, size_t *ret_offset)
{
	size_t found = 0;

	for (size_t offset = 0; offset < stride; offset += WORD) {
		size_t i = 0;

		while (i < VQI_MAX_QUEUES && word_at(bytes, i * stride + offset) == vdev)
			i++;
		if (i < VQI_MAX_QUEUES)
			continue;
		*ret_offset = offset;
		found++;
	}
	return found == 1;
}

static struct vqi_error *try_queues(struct derivation *derivation, uint64_t vdev, uint64_t address,
				    size_t *ret_stride, size_t *ret_owner)
{
	size_t stride = address && address % WORD == 0 ? find_stride(derivation, address) : 0;
	size_t len = stride * VQI_MAX_QUEUES;
	vqi_cleanup_free uint8_t *bytes = malloc(len + 1);
	struct vqi_error *error;

	if (!bytes)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	if (!stride)
		return NULL;
	error = vqi_mem_read(derivation->qemu.mem, address, bytes, len);
	if (error)
		return vqi_error_keep_fatal(error);
	if (is_numbered(derivation, bytes, len, stride, VQI_MAX_QUEUES) &&
	    find_owner(bytes, stride, vdev, ret_owner))
		*ret_stride = stride;
	return NULL;
}

static struct vqi_error *measure_queues(struct derivation *derivation, uint64_t vdev)
{
	vqi_cleanup(words_done) struct words words = {0};
	struct vqi_error *error = read_words(derivation, vdev, VQI_S_VirtIODevice, &words);
	size_t stride = 0, owner = 0;

	for (size_t at = 0; !error && !stride && at < words.len; at += WORD) {
		error = try_queues(derivation, vdev, word_at(words.bytes, at), &stride, &owner);
		if (!error && stride)
			set_field(derivation, VQI_F_VirtIODevice_vq, at, WORD);
	}
	if (error)
		return error;
	if (!stride)
		return not_found("VirtIODevice.vq");
	set_size(derivation, VQI_S_VirtQueue, stride);
	set_field(derivation, VQI_F_VirtQueue_vdev, owner, WORD);
	return NULL;
}

/* ---- what QEMU calls when the VM stops: the device is its opaque, and it is in a list ---- */

/* Whether a word leads to an entry with the device, before a link whose neighbour leads back (QTAILQ_ENTRY,
 * include/qemu/queue.h). */
static bool is_state_entry(struct derivation *derivation, uint64_t entry, uint64_t vdev,
			   size_t *ret_opaque)
{
	uint8_t bytes[MAX_ENTRY];

	if (!entry || entry % WORD ||
	    vqi_error_drop(vqi_mem_read(derivation->qemu.mem, entry, bytes, sizeof(bytes))))
		return false;
	for (size_t at = WORD; at + 3 * WORD <= sizeof(bytes); at += WORD) {
		uint64_t back = 0;

		if (word_at(bytes, at) != vdev ||
		    vqi_error_drop(vqi_mem_read_uint(derivation->qemu.mem,
						     word_at(bytes, at + 2 * WORD), WORD, &back)))
			continue;
		if (back == entry) {
			*ret_opaque = at;
			return true;
		}
	}
	return false;
}

static struct vqi_error *measure_vmstate(struct derivation *derivation, uint64_t vdev)
{
	vqi_cleanup(words_done) struct words words = {0};
	struct vqi_error *error = read_words(derivation, vdev, VQI_S_VirtIODevice, &words);
	size_t opaque;

	for (size_t at = 0; !error && at < words.len; at += WORD) {
		if (!is_state_entry(derivation, word_at(words.bytes, at), vdev, &opaque))
			continue;
		set_field(derivation, VQI_F_VirtIODevice_vmstate, at, WORD);
		set_field(derivation, VQI_F_VMChangeStateEntry_opaque, opaque, WORD);
		return NULL;
	}
	return error ? error : not_found("VirtIODevice.vmstate");
}

/* ---- buses ---- */

/* Whether the bus at an address has the device among its children. */
static bool is_bus_of(struct derivation *derivation, uint64_t bus, uint64_t device)
{
	struct vqi_qemu *qemu = &derivation->qemu;
	uint64_t kid = 0, child = 0;
	bool is_bus = false;

	if (!bus || bus % WORD || vqi_error_drop(vqi_qemu_is_a(qemu, bus, "bus", &is_bus)) ||
	    !is_bus || vqi_error_drop(vqi_qemu_field(qemu, bus, VQI_F_BusState_children, &kid)))
		return false;
	for (int i = 0; kid && i < VQI_MAX_BUS_NODES; i++) {
		if (vqi_error_drop(vqi_qemu_field(qemu, kid, VQI_F_BusChild_child, &child)) ||
		    vqi_error_drop(vqi_qemu_field(qemu, kid, VQI_F_BusChild_sibling, &kid)))
			return false;
		if (child == device)
			return true;
	}
	return false;
}

static struct vqi_error *measure_child_bus(struct derivation *derivation, uint64_t bus)
{
	vqi_cleanup(words_done) struct words words = {0};
	struct vqi_error *error;
	uint64_t proxy;

	error = vqi_qemu_field(&derivation->qemu, bus, VQI_F_BusState_parent, &proxy);
	if (!error)
		error = read_words(derivation, proxy, VQI_S_DeviceState, &words);
	for (size_t at = 0; !error && at < words.len; at += WORD) {
		if (word_at(words.bytes, at) != bus)
			continue;
		set_field(derivation, VQI_F_DeviceState_child_bus, at, WORD);
		return NULL;
	}
	return error ? error : not_found("DeviceState.child_bus");
}

static struct vqi_error *measure_buses(struct derivation *derivation, uint64_t vdev)
{
	vqi_cleanup(words_done) struct words words = {0};
	struct vqi_error *error = read_words(derivation, vdev, VQI_S_DeviceState, &words);

	for (size_t at = 0; !error && at < words.len; at += WORD) {
		uint64_t bus = word_at(words.bytes, at);

		if (!is_bus_of(derivation, bus, vdev))
			continue;
		set_field(derivation, VQI_F_DeviceState_parent_bus, at, WORD);
		return measure_child_bus(derivation, bus);
	}
	return error ? error : not_found("DeviceState.parent_bus");
}

/* ---- features: which of two words is the device's, which the driver's ---- */

/* A driver has accepted some of what the device offers, and never more: hw/virtio/virtio.c
 * virtio_set_features(). */
static struct vqi_error *has_features(struct derivation *derivation,
				      const struct vqi_layout *layout, bool *ret_has)
{
	struct vqi_qemu qemu = derivation->qemu;
	bool some_less = false;

	qemu.layout = layout;
	for (size_t i = 0; i < derivation->devices.count; i++) {
		uint64_t vdev = derivation->devices.objects[i].address, host, guest;
		struct vqi_error *error;

		error = vqi_qemu_field(&qemu, vdev, VQI_F_VirtIODevice_host_features, &host);
		if (!error)
			error = vqi_qemu_field(&qemu, vdev, VQI_F_VirtIODevice_guest_features,
					       &guest);
		if (error)
			return error;
		some_less |= guest != host;
		if (guest & ~host)
			return NULL;
	}
	*ret_has = some_less;
	return NULL;
}

/* Takes what the profiles that have as much room there have, if one of their orders is right alone. */
static struct vqi_error *measure_features(struct derivation *derivation)
{
	static const enum vqi_field_id ids[] = {VQI_F_VirtIODevice_host_features,
						VQI_F_VirtIODevice_guest_features};
	struct vqi_field found[2] = {0};

	for (size_t i = 0; i < derivation->profiles->count; i++) {
		const struct vqi_profiles one = {.profiles = &derivation->profiles->profiles[i],
						 .count = 1};
		const struct vqi_field *fields;
		struct vqi_layout layout;
		struct vqi_error *error;
		bool has = false;

		vqi_infer(&one, derivation->measured, &layout);
		fields = layout.fields;
		if (!fields[ids[0]].present || !fields[ids[1]].present)
			continue;
		error = has_features(derivation, &layout, &has);
		if (error)
			return error;
		if (!has)
			continue;
		if (found[0].present && (found[0].offset != fields[ids[0]].offset ||
					 found[1].offset != fields[ids[1]].offset))
			return not_found("VirtIODevice.host_features");
		found[0] = fields[ids[0]];
		found[1] = fields[ids[1]];
	}
	for (size_t i = 0; found[0].present && i < 2; i++)
		set_field(derivation, ids[i], found[i].offset, found[i].size);
	return NULL;
}

/* ---- all of it ---- */

static struct vqi_error *measure(struct derivation *derivation)
{
	struct vqi_error *error = NULL;
	uint64_t first;

	for (size_t i = 0; !error && i < derivation->devices.count; i++)
		error = measure_sizes(derivation, derivation->devices.objects[i].address);
	if (error)
		return error;
	first = derivation->devices.objects[0].address;
	error = measure_queues(derivation, first);
	if (!error)
		error = measure_vmstate(derivation, first);
	if (!error)
		error = measure_buses(derivation, first);
	return error ? error : measure_features(derivation);
}

struct vqi_error *vqi_qemu_derive_layout(struct vqi_mem *mem, uint64_t bias,
					 const struct vqi_profiles *profiles,
					 const struct vqi_layout *common,
					 struct vqi_layout *ret_layout)
{
	static const enum vqi_field_id needed[] = {VQI_F_VirtQueue_queue_index};
	vqi_cleanup(derivation_done) struct derivation derivation = {.profiles = profiles};
	struct vqi_layout measured = {.kind = common->kind}, layout;
	struct vqi_error *error;

	if (common->kind == VQI_IMAGE_STORAGE_DAEMON)
		return vqi_error_new(VQI_ERROR_NO_LAYOUT,
				     "nothing of a storage daemon proves itself");
	error = vqi_layout_need(common, needed, sizeof(needed) / sizeof(needed[0]));
	if (error)
		return error;
	memcpy(measured.symbols, common->symbols, sizeof(measured.symbols));
	derivation.measured = &measured;
	error = vqi_qemu_init(mem, common, bias, &derivation.qemu);
	if (!error)
		error = vqi_qemu_find_virtio(&derivation.qemu, &derivation.devices);
	if (!error && !derivation.devices.count)
		error = vqi_error_new(VQI_ERROR_NO_LAYOUT, "there is no virtio device to look at");
	if (!error)
		error = measure(&derivation);
	if (error && !vqi_error_is_fatal(error))
		error->code = VQI_ERROR_NO_LAYOUT; /* whatever a pointer that is none led to */
	if (error)
		return error;
	vqi_infer(profiles, &measured, &layout);
	error = vqi_layout_check(&layout);
	if (!error)
		*ret_layout = layout;
	return error;
}
