/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The decoders of both kinds of ring, the check of its chains, and the diagnosis of what they find. */
#include "fuzz.h"
#include "ring_builder.h"
#include "vqi/diagnose.h"
#include "vqi/virtio.h"

#define BASE UINT64_C(0x7f0000000000) /* where the descriptors lie, the avail ring, and RAM */

/* How an input begins; the areas' bytes follow; what is left is RAM. */
struct header {
	uint8_t flags; /* 1 packed, 2 EVENT_IDX, 4 big-endian, 8 vhost, 16 used_tail, 32 no interrupt,
			  64 RAM unknown, 128 broken */
	uint8_t kind;
	uint8_t wraps; /* 1 last_avail, 2 used; 4, 8: unknown */
	uint8_t count; /* of kicks pending */
	uint16_t num, avail_len, used_len, desc_len;
	uint16_t shadow_avail_idx, last_avail_idx, used_idx, inuse;
};

static struct vqi_num wrap(unsigned int wraps, unsigned int bit)
{
	return wraps & bit << 2 ? VQI_UNKNOWN : VQI_NUM(!!(wraps & bit));
}

static struct vqi_queue make_queue(const struct header *header)
{
	bool vhost = header->flags & 8;
	struct vqi_queue queue = {
		.role = "request",
		.kind = (enum vqi_queue_kind)(header->kind % 4),
		.ring = header->flags & 1 ? VQI_RING_PACKED : VQI_RING_SPLIT,
		.num = header->num % 1024 + 1u,
		.desc_gpa = 4096,
		.consistent = true,
		.host_notifier_count = VQI_NUM(header->count),
	};

	if (vhost)
		return queue;
	queue.shadow_avail_idx = VQI_NUM(header->shadow_avail_idx);
	queue.last_avail_idx = VQI_NUM(header->last_avail_idx);
	queue.used_idx = VQI_NUM(header->used_idx);
	queue.inuse = VQI_NUM(header->inuse);
	queue.wrap.last_avail = wrap(header->wraps, 1);
	queue.wrap.used = wrap(header->wraps, 2);
	return queue;
}

/* What must hold whatever the bytes are. */
static void check(const struct vqi_queue *queue)
{
	if (queue->ring == VQI_RING_SPLIT) {
		if (queue->unreaped.known && queue->unreaped.value > queue->num)
			abort();
		return;
	}
	if (queue->unseen.known &&
	    (queue->unseen.value > queue->num || queue->avail_idx.value >= queue->num ||
	     !queue->wrap.avail.known))
		abort();
	if (queue->in_flight.known && queue->in_flight.value >= 2 * queue->num)
		abort();
}

/* RAM in two ranges, and one behind a vIOMMU. */
static struct vqi_guest_ram make_ram(struct vqi_ram_range *ranges, uint64_t hva, size_t len)
{
	size_t first = len / 2;

	ranges[0] = (struct vqi_ram_range){RING_GPA, first, hva};
	ranges[1] = (struct vqi_ram_range){RING_GPA + first, len - first, hva + first};
	ranges[2] = (struct vqi_ram_range){UINT64_C(1) << 40, UINT64_MAX - (UINT64_C(1) << 40), 0};
	return (struct vqi_guest_ram){ranges, first ? 3 : 0};
}

/* An error leaves the queue as it is; a fault has a place. */
static void check_chains(const struct header *header, struct vqi_queue *queue,
			 const struct vqi_ring_bytes *bytes, const uint8_t *ram, size_t ram_len)
{
	size_t areas = bytes->desc_len + bytes->avail_len, len = areas + ram_len;
	struct fuzz_mem mem = {.mem.readv = fuzz_readv, .base = BASE, .size = len};
	struct vqi_device device = {.broken = header->flags & 128};
	struct vqi_queue before = *queue;
	struct vqi_ram_range ranges[3];
	struct vqi_guest_ram guest = make_ram(ranges, BASE + areas, ram_len);
	uint8_t *all = malloc(len + 1);
	struct vqi_error *error;

	if (!all)
		abort();
	memcpy(all, bytes->desc, bytes->desc_len);
	memcpy(all + bytes->desc_len, bytes->avail, bytes->avail_len);
	memcpy(all + areas, ram, ram_len);
	mem.data = all;
	device.endian = bytes->big_endian ? VQI_ENDIAN_BIG : VQI_ENDIAN_LITTLE;
	queue->desc_hva = before.desc_hva = BASE;
	queue->avail_hva = before.avail_hva = BASE + bytes->desc_len;
	error = vqi_chains_check(&mem.mem, header->flags & 64 ? NULL : &guest, &device, queue);
	if (error && memcmp(queue, &before, sizeof(before)) != 0)
		abort();
	if ((queue->ring_faults & before.ring_faults) != before.ring_faults ||
	    (queue->ring_faults != before.ring_faults && !queue->fault_place.head.known))
		abort();
	vqi_error_free(error);
	free(all);
}

static void diagnose(struct vqi_queue *queue, bool vhost)
{
	struct vqi_queue before = *queue;
	struct vqi_device devices[2] = {
		{.qom_path = (char *)"d", .device_id = 2, .started = true, .queue_count = 1},
	};
	struct vqi_snapshot earlier = {.devices = &devices[0], .device_count = 1};
	struct vqi_snapshot *later = vqi_snapshot_new();
	struct vqi_diagnosis diagnosis;

	if (!later)
		abort();
	devices[0].vhost = vhost ? VQI_VHOST_KERNEL : VQI_VHOST_NONE;
	devices[1] = devices[0];
	devices[0].queues = &before;
	devices[1].queues = queue;
	later->devices = &devices[1];
	later->device_count = 1;
	if (vqi_diagnose(&earlier, later, &diagnosis))
		abort();
	/* One queue has one cause at most, and what is stuck has one. */
	if (diagnosis.finding_count > 1 ||
	    (queue->state == VQI_QUEUE_STUCK && !diagnosis.finding_count))
		abort();
	vqi_diagnosis_done(&diagnosis);
	later->devices = NULL;
	later->device_count = 0;
	vqi_snapshot_free(later);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *avail, *used, *desc, tail[2];
	struct vqi_ring_bytes bytes;
	struct vqi_queue queue;
	struct header header;

	fuzz_take(&data, &size, &header, sizeof(header));
	fuzz_take(&data, &size, tail, sizeof(tail));
	queue = make_queue(&header);
	bytes = (struct vqi_ring_bytes){
		.avail_len = header.avail_len % 4096,
		.used_len = header.used_len % 16,
		.desc_len = header.desc_len,
		.used_tail = header.flags & 16 ? tail : NULL,
		.big_endian = header.flags & 4,
		.event_idx = header.flags & 2,
		.vhost = header.flags & 8,
		.no_interrupt = header.flags & 32,
	};
	bytes.avail = avail = fuzz_copy(&data, &size, bytes.avail_len);
	bytes.used = used = fuzz_copy(&data, &size, bytes.used_len);
	bytes.desc = desc = fuzz_copy(&data, &size, bytes.desc_len);
	if (queue.ring == VQI_RING_PACKED)
		vqi_packed_decode(&bytes, &queue);
	else
		vqi_split_decode(&bytes, &queue);
	check(&queue);
	check_chains(&header, &queue, &bytes, data, size);
	diagnose(&queue, bytes.vhost);
	free(avail);
	free(used);
	free(desc);
	return 0;
}
