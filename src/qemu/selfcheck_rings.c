/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <byteswap.h>

#include "misfit.h"
#include "selfcheck_device.h"
#include "vqi/limits.h"

#include "unknown.h"

/* VirtIO 1.2, 2.7.5 to 2.8.14: bytes of a descriptor; of a ring's head, its elements and event; of what a packed
 * ring has in place of these. */
#define DESC_SIZE    16
#define RING_HEAD    4
#define AVAIL_SIZE   2
#define USED_SIZE    8
#define EVENT_SIZE   2
#define PACKED_EVENT 4

#define AVAIL_IDX    2			 /* VirtIO 1.2, 2.7.6: where idx is */
#define DRIVEN	     0x0e		 /* VirtIO 1.2, 2.1: DRIVER, DRIVER_OK, FEATURES_OK */
#define PACKED	     (UINT64_C(1) << 34) /* VirtIO 1.2, 6 */

#define NO_VECTOR    0xffff /* VirtIO 1.2, 4.1.4.3 */

/* ---- the entries of the array ---- */

static bool is_unused(const struct vqi_view *queue, const struct vqi_view *vring)
{
	/* Of a queue that is not there, or not any more, no driver can change these. */
	static const enum vqi_field_id indices[] = {
		VQI_F_VirtQueue_last_avail_idx,
		VQI_F_VirtQueue_shadow_avail_idx,
		VQI_F_VirtQueue_used_idx,
		VQI_F_VirtQueue_signalled_used,
		VQI_F_VirtQueue_signalled_used_valid,
		VQI_F_VirtQueue_inuse,
	};
	static const enum vqi_field_id addresses[] = {
		VQI_F_VRing_desc,
		VQI_F_VRing_avail,
		VQI_F_VRing_used,
		VQI_F_VRing_caches,
	};
	bool is_one = true;

	for (size_t i = 0; i < sizeof(indices) / sizeof(indices[0]); i++)
		is_one &= !vqi_view_uint_or(queue, indices[i], 0);
	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++)
		is_one &= !vqi_view_uint_or(vring, addresses[i], 0);
	return is_one;
}

/* A driver can give a vector to a queue that is not there; and before a reset there are no notifications. */
static void drop_changed(const struct vqi_view *queue, struct vqi_layout *layout)
{
	if (vqi_view_uint_or(queue, VQI_F_VirtQueue_vector, NO_VECTOR) != NO_VECTOR)
		layout->fields[VQI_F_VirtQueue_vector].present = false;
	if (vqi_view_uint_or(queue, VQI_F_VirtQueue_notification, 1) != 1)
		layout->fields[VQI_F_VirtQueue_notification].present = false;
}

struct vqi_error *vqi_selfcheck_queue(const struct vqi_view *queue, bool is_last,
				      struct vqi_layout *layout)
{
	const struct vqi_view vring = vqi_view_member(queue, VQI_F_VirtQueue_vring);
	uint64_t num = vqi_view_uint_or(&vring, VQI_F_VRing_num, 0);
	uint64_t most = vqi_view_uint_or(&vring, VQI_F_VRing_num_default, num);

	if (num > VQI_MAX_RING || most > VQI_MAX_RING || !num != !most)
		return vqi_misfit("VRing.num is no number of entries");
	if (is_last && !num && !is_unused(queue, &vring))
		return vqi_misfit("a queue that is not there has been used");
	if (is_last && !num)
		drop_changed(queue, layout);
	return NULL;
}

/* ---- caches ---- */

enum { DESC, AVAIL, USED, PARTS };

/* The parts of a ring: its guest-physical address, and its cache. */
static const struct {
	enum vqi_field_id gpa, cache;
} parts[PARTS] = {
	[DESC] = {VQI_F_VRing_desc, VQI_F_VRingMemoryRegionCaches_desc},
	[AVAIL] = {VQI_F_VRing_avail, VQI_F_VRingMemoryRegionCaches_avail},
	[USED] = {VQI_F_VRing_used, VQI_F_VRingMemoryRegionCaches_used},
};

struct ring {
	uint64_t num, caches;
	uint64_t gpa[PARTS], ptr[PARTS], len[PARTS];
};

static struct vqi_error *read_caches(struct vqi_qemu *qemu, uint64_t vring, struct ring *ring)
{
	struct vqi_error *error = NULL;

	for (size_t i = 0; !error && i < PARTS; i++) {
		uint64_t cache = ring->caches + qemu->layout->fields[parts[i].cache].offset;

		error = vqi_qemu_field(qemu, vring, parts[i].gpa, &ring->gpa[i]);
		if (!error)
			error = vqi_qemu_field(qemu, cache, VQI_F_MemoryRegionCache_ptr,
					       &ring->ptr[i]);
		if (!error)
			error = vqi_qemu_field(qemu, cache, VQI_F_MemoryRegionCache_len,
					       &ring->len[i]);
	}
	return error;
}

/* What was made for one number of entries. It need not be that of VRing.num: a driver that means ill, or well, may
 * change that later, and some versions keep the caches. */
static bool are_lengths(const uint64_t len[PARTS])
{
	uint64_t num = len[DESC] / DESC_SIZE;
	uint64_t avail = RING_HEAD + num * AVAIL_SIZE, used = RING_HEAD + num * USED_SIZE;

	if (!num || len[DESC] % DESC_SIZE || num > VQI_MAX_RING)
		return false;
	if (len[AVAIL] == PACKED_EVENT && len[USED] == PACKED_EVENT)
		return true;
	return (len[AVAIL] == avail || len[AVAIL] == avail + EVENT_SIZE) &&
	       (len[USED] == used || len[USED] == used + EVENT_SIZE);
}

/* Memory that cannot be written has no pointer for the used ring. */
static bool is_right_part(const struct ring *ring, size_t i, uint64_t hva)
{
	return ring->ptr[i] == hva || (i == USED && !ring->ptr[i]);
}

static void tally_caches(const struct vqi_guest_ram *ram, const struct ring *ring,
			 struct vqi_tally *tally)
{
	bool is_known = false, is_right = are_lengths(ring->len);

	for (size_t i = 0; i < PARTS; i++) {
		uint64_t len, hva = vqi_guest_ram_at(ram, ring->gpa[i], &len);

		is_known |= hva != 0;
		is_right &= !hva || is_right_part(ring, i, hva);
	}
	tally->count += is_known;
	tally->right += is_known && is_right;
}

/* ---- indices ---- */

/* What QEMU saw last of the driver's index: at most a ring ahead of what it took, or else, of a driver that errs,
 * what is there still, in one byte order or the other. */
static bool is_shadow(uint64_t shadow, uint64_t last, uint64_t there, uint64_t num, bool is_packed)
{
	if (is_packed)
		return shadow < num;
	return (uint16_t)(shadow - last) <= num || shadow == there ||
	       shadow == bswap_16((uint16_t)there);
}

static struct vqi_error *tally_shadow(struct vqi_qemu *qemu, uint64_t queue, bool is_packed,
				      const struct ring *ring, struct vqi_tally *tally)
{
	uint64_t shadow = 0, last = 0, there = 0;
	struct vqi_error *error;

	error = vqi_qemu_field(qemu, queue, VQI_F_VirtQueue_last_avail_idx, &last);
	if (!error)
		error = vqi_qemu_field(qemu, queue, VQI_F_VirtQueue_shadow_avail_idx, &shadow);
	if (!error && ring->ptr[AVAIL])
		error = vqi_error_keep_fatal(vqi_mem_read_uint(
			qemu->mem, ring->ptr[AVAIL] + AVAIL_IDX, AVAIL_SIZE, &there));
	if (error || (!shadow && !last)) /* it may not have begun */
		return error;
	tally->count++;
	tally->right += is_shadow(shadow, last, there, ring->num, is_packed);
	return NULL;
}

/* ---- a device ---- */

/* A driver that started a device and never said so may be: it kicked, and broke every rule. */
static struct vqi_error *tally_status(struct vqi_qemu *qemu, uint64_t vdev, struct vqi_tally *tally)
{
	struct vqi_num started = VQI_UNKNOWN;
	uint64_t status = 0;
	struct vqi_error *error;

	error = vqi_qemu_known(qemu, vdev, VQI_F_VirtIODevice_started, &started);
	if (!error)
		error = vqi_qemu_field(qemu, vdev, VQI_F_VirtIODevice_status, &status);
	if (error || !started.known || !started.value)
		return error;
	tally->count++;
	tally->right += (status & DRIVEN) != 0;
	return NULL;
}

static struct vqi_error *read_ram(struct vqi_qemu *qemu, uint64_t vdev, struct vqi_guest_ram *ram)
{
	uint64_t space = 0;
	struct vqi_error *error;

	error = vqi_known_pointer(qemu, vdev, VQI_F_VirtIODevice_dma_as, &space);
	if (error || !space || ram->count)
		return error;
	return vqi_qemu_guest_ram(qemu, space, ram);
}

static struct vqi_error *tally_queue(struct vqi_qemu *qemu, uint64_t vdev, uint64_t queue,
				     bool is_packed, struct vqi_guest_ram *ram,
				     struct vqi_selfcheck_rings *rings)
{
	uint64_t vring = queue + qemu->layout->fields[VQI_F_VirtQueue_vring].offset;
	struct ring ring = {0};
	struct vqi_error *error = vqi_qemu_field(qemu, vring, VQI_F_VRing_num, &ring.num);

	if (!error)
		error = vqi_qemu_field(qemu, vring, VQI_F_VRing_caches, &ring.caches);
	if (error || !ring.num || !ring.caches || (rings->caches.right && rings->shadows.right))
		return error;
	if (!rings->caches.right)
		error = read_ram(qemu, vdev, ram);
	if (error || (!rings->caches.right && !ram->count))
		return error;
	error = read_caches(qemu, vring, &ring);
	rings->caches.count += error != NULL; /* caches that cannot be read are none */
	if (error)
		return error;
	tally_caches(ram, &ring, &rings->caches);
	return tally_shadow(qemu, queue, is_packed, &ring, &rings->shadows);
}

struct vqi_error *vqi_selfcheck_rings(struct vqi_qemu *qemu, uint64_t vdev,
				      struct vqi_selfcheck_rings *rings)
{
	uint32_t stride = qemu->layout->structs[VQI_S_VirtQueue].size;
	vqi_cleanup(vqi_guest_ram_done) struct vqi_guest_ram ram = {0};
	uint64_t vq = 0, broken = 0, features = 0;
	struct vqi_error *error = tally_status(qemu, vdev, &rings->statuses);

	if (!error)
		error = vqi_qemu_field(qemu, vdev, VQI_F_VirtIODevice_vq, &vq);
	if (!error)
		error = vqi_qemu_field(qemu, vdev, VQI_F_VirtIODevice_broken, &broken);
	if (!error)
		error = vqi_qemu_field(qemu, vdev, VQI_F_VirtIODevice_guest_features, &features);
	/* Two are enough: a device may have a thousand. One that is broken says nothing: QEMU left it as it was. */
	for (uint32_t i = 0; !error && !broken && i < 2; i++)
		error = tally_queue(qemu, vdev, vq + (uint64_t)i * stride, features & PACKED, &ram,
				    rings);
	return vqi_error_keep_fatal(error);
}
