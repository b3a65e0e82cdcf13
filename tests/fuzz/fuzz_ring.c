/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The decoders of both kinds of ring, and the diagnosis of what they make of it. */
#include "fuzz.h"
#include "vqi/diagnose.h"
#include "vqi/virtio.h"

/* How an input begins; the areas' bytes follow. */
struct header {
	uint8_t flags; /* 1 packed, 2 EVENT_IDX, 4 big-endian, 8 vhost, 16 used_tail, 32 no interrupt */
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
	diagnose(&queue, bytes.vhost);
	free(avail);
	free(used);
	free(desc);
	return 0;
}
