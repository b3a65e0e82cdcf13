/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The headers of requests: what all kinds of them share, and which decoder a device has. */
#include <stdlib.h>
#include <string.h>

#include "vqi/limits.h"
#include "vqi/virtio.h"

#include "decoding.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Most headers lie in the first buffers of their direction. */
#define GATHERED 16

/* By device id: VirtIO 1.2, 5. */
static void (*const decoders[])(struct vqi_decoding *decoding) = {
	[1] = vqi_decode_net,	 [2] = vqi_decode_blk,	   [3] = vqi_decode_serial,
	[4] = vqi_decode_rng,	 [5] = vqi_decode_balloon, [8] = vqi_decode_scsi,
	[9] = vqi_decode_9p,	 [16] = vqi_decode_gpu,	   [18] = vqi_decode_input,
	[19] = vqi_decode_vsock, [20] = vqi_decode_crypto, [23] = vqi_decode_iommu,
	[24] = vqi_decode_mem,	 [25] = vqi_decode_sound,  [26] = vqi_decode_fs,
	[27] = vqi_decode_pmem,
};

const char *vqi_code_name(const struct vqi_code *codes, size_t count, uint32_t code)
{
	for (size_t i = 0; i < count; i++) {
		if (codes[i].code == code)
			return codes[i].name;
	}
	return NULL;
}

/* The next part of [offset, offset + len) of the buffers of one direction; how long it is. before is where
 * the buffer begins among them. */
static size_t find_part(const struct vqi_buffer *buffer, uint64_t before, uint64_t offset,
			size_t len, uint64_t *ret_hva)
{
	uint64_t skip = offset - before;
	uint64_t have = buffer->len - skip;

	*ret_hva = buffer->hva + skip;
	return have < len ? (size_t)have : len;
}

/* Reads up to len bytes at offset of the buffers of one direction, up to the first that cannot be read. */
static struct vqi_error *gather(struct vqi_mem *mem, const struct vqi_request *request,
				bool is_written, uint64_t offset, uint8_t *buf, size_t len,
				size_t *ret_len)
{
	struct vqi_range ranges[GATHERED];
	struct vqi_error *error;
	uint64_t before = 0;
	size_t count = 0, done = 0;

	for (size_t i = 0; i < request->buffer_count && done < len && count < GATHERED; i++) {
		const struct vqi_buffer *buffer = &request->buffers[i];
		uint64_t hva;
		size_t part;

		if (buffer->is_written != is_written)
			continue;
		if (offset + done < before + buffer->len) {
			if (!buffer->hva)
				break;
			part = find_part(buffer, before, offset + done, len - done, &hva);
			ranges[count++] =
				(struct vqi_range){.addr = hva, .buf = buf + done, .len = part};
			done += part;
		}
		before += buffer->len;
	}
	error = vqi_mem_readv(mem, ranges, count);
	if (error)
		return error;
	done = 0;
	for (size_t i = 0; i < count && ranges[i].ok; i++)
		done += ranges[i].len;
	*ret_len = done;
	return NULL;
}

size_t vqi_decoding_read(struct vqi_decoding *decoding, uint64_t offset, void *ret_buf, size_t len)
{
	uint8_t *buf = ret_buf;
	size_t done = 0;

	if (!decoding->error)
		decoding->error =
			gather(decoding->mem, decoding->request, false, offset, buf, len, &done);
	memset(buf + done, 0, len - done);
	return done;
}

static uint64_t total(const struct vqi_request *request, bool is_written)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < request->buffer_count; i++) {
		if (request->buffers[i].is_written == is_written)
			sum += request->buffers[i].len;
	}
	return sum;
}

uint64_t vqi_decoding_readable(const struct vqi_decoding *decoding)
{
	return total(decoding->request, false);
}

uint64_t vqi_decoding_writable(const struct vqi_decoding *decoding)
{
	return total(decoding->request, true);
}

void vqi_decoding_number(struct vqi_decoding *decoding, const char *name, uint64_t number)
{
	if (!decoding->error)
		decoding->error = vqi_request_add_number(decoding->request, name, number);
}

void vqi_decoding_text(struct vqi_decoding *decoding, const char *name, const char *text)
{
	if (!decoding->error)
		decoding->error = vqi_request_add_text(decoding->request, name, text);
}

void vqi_decoding_kind(struct vqi_decoding *decoding, const char *kind, const char *name,
		       uint32_t code)
{
	decoding->request->kind = kind;
	if (!kind)
		vqi_decoding_number(decoding, name, code);
}

bool vqi_decoding_has_role(const struct vqi_decoding *decoding, const char *role)
{
	return decoding->queue->role && strcmp(decoding->queue->role, role) == 0;
}

void vqi_decoding_receive(struct vqi_decoding *decoding, const char *kind)
{
	decoding->request->kind = kind;
	vqi_decoding_number(decoding, "capacity", vqi_decoding_writable(decoding));
}

struct vqi_error *vqi_request_decode(struct vqi_mem *mem, const struct vqi_device *device,
				     const struct vqi_queue *queue, struct vqi_request *request)
{
	struct vqi_decoding decoding = {
		.mem = mem,
		.device = device,
		.queue = queue,
		.request = request,
		/* with VIRTIO_F_VERSION_1, endian is little */
		.big_endian = device->endian == VQI_ENDIAN_BIG,
	};

	if (!request->buffer_count || device->device_id >= COUNT(decoders) ||
	    !decoders[device->device_id])
		return NULL;
	decoders[device->device_id](&decoding);
	return decoding.error;
}

/* Adds to the dump what it has room for of the buffers of one direction. */
static struct vqi_error *dump(struct vqi_mem *mem, struct vqi_request *request, bool is_written,
			      size_t bytes)
{
	uint64_t offset = 0, end = total(request, is_written);

	while (request->dump_len < bytes && offset < end) {
		size_t part = 0;
		struct vqi_error *error = gather(mem, request, is_written, offset,
						 request->dump + request->dump_len,
						 bytes - request->dump_len, &part);

		if (error)
			return error;
		if (!part)
			return NULL;
		request->dump_len += part;
		offset += part;
	}
	return NULL;
}

struct vqi_error *vqi_request_dump(struct vqi_mem *mem, struct vqi_request *request, size_t bytes)
{
	struct vqi_error *error;

	free(take_ptr(request->dump));
	request->dump_len = 0;
	if (bytes > VQI_MAX_DUMP_BYTES)
		bytes = VQI_MAX_DUMP_BYTES;
	if (!bytes)
		return NULL;
	request->dump = calloc(1, bytes);
	if (!request->dump)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	error = dump(mem, request, false, bytes);
	if (!error &&
	    request->dump_len == (bytes < total(request, false) ? bytes : total(request, false)))
		error = dump(mem, request, true, bytes);
	return error;
}
