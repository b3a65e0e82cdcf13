/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests in flight: what is concluded from a ring, chains, and the decoders of all device types. */
#include "fuzz.h"
#include "vqi/limits.h"
#include "vqi/names.h"
#include "vqi/requests.h"
#include "vqi/virtio.h"

#define BASE UINT64_C(0x7f0000000000) /* where the input lies, after its header */
#define GPA  0x1000

/* How an input begins; what is left is RAM, which has the ring, too. */
struct header {
	uint8_t flags; /* 1 packed, 2 VERSION_1, 4 big-endian, 8 IN_ORDER, 16 broken, 32 used_wrap,
			  64 RAM unknown */
	uint8_t device_id;
	uint8_t queue, queues;
	uint16_t num, used_idx, in_flight, dump;
	uint16_t desc, avail, used; /* offsets */
};

static struct vqi_device make_device(const struct header *header)
{
	return (struct vqi_device){
		.device_id = header->device_id % 64,
		.guest_features = (header->flags & 2 ? UINT64_C(1) << VQI_FEATURE_VERSION_1 : 0) |
				  (header->flags & 8 ? UINT64_C(1) << VQI_FEATURE_IN_ORDER : 0),
		.endian = header->flags & 4 ? VQI_ENDIAN_BIG : VQI_ENDIAN_LITTLE,
		.broken = header->flags & 16,
	};
}

static struct vqi_queue make_queue(const struct header *header, const struct vqi_device *device)
{
	unsigned int count = header->queues + 1u;
	unsigned int index = header->queue % count;

	return (struct vqi_queue){
		.index = index,
		.role = vqi_queue_role(device->device_id, 0, count, index).role,
		.ring = header->flags & 1 ? VQI_RING_PACKED : VQI_RING_SPLIT,
		.num = header->num % 1024 + 1u,
		.used_idx = VQI_NUM(header->used_idx),
		.in_flight = VQI_NUM(header->in_flight % 1100),
		.wrap.used = VQI_NUM(!!(header->flags & 32)),
		.desc_hva = BASE + header->desc,
		.avail_hva = BASE + header->avail,
		.used_hva = BASE + header->used,
	};
}

static void ignore(struct vqi_error *error)
{
	vqi_error_free(error);
}

/* What must hold whatever the bytes are. */
static void check(const struct vqi_request *request, size_t dump)
{
	if (request->buffer_count > VQI_MAX_REQ_BUFFERS || request->dump_len > dump)
		abort();
	for (size_t i = 0; i < request->detail_count; i++) {
		if (!request->details[i].name ||
		    !request->details[i].text != request->details[i].number.known)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_mem mem = {.mem.readv = fuzz_readv, .base = BASE};
	struct vqi_request *requests = NULL;
	struct vqi_ram_range ranges[2];
	struct vqi_guest_ram guest = {ranges, 2};
	struct header header;
	struct vqi_device device;
	struct vqi_queue queue;
	size_t count = 0;

	fuzz_take(&data, &size, &header, sizeof(header));
	mem.data = data;
	mem.size = size;
	ranges[0] = (struct vqi_ram_range){GPA, size / 2, BASE};
	ranges[1] = (struct vqi_ram_range){GPA + size / 2, size - size / 2, BASE + size / 2};
	if (size < 2)
		guest.count = 0;
	device = make_device(&header);
	queue = make_queue(&header, &device);
	ignore(vqi_requests_from_ring(&mem.mem, header.flags & 64 ? NULL : &guest, &device, &queue,
				      &requests, &count));
	if (count > queue.num)
		abort();
	for (size_t i = 0; i < count; i++) {
		ignore(vqi_request_decode(&mem.mem, &device, &queue, &requests[i]));
		ignore(vqi_request_dump(&mem.mem, &requests[i], header.dump));
		check(&requests[i], header.dump);
		ignore(vqi_request_read_chain(&mem.mem, &guest, &device, &queue, &requests[i]));
		check(&requests[i], header.dump);
		vqi_request_done(&requests[i]);
	}
	free(requests);
	return 0;
}
