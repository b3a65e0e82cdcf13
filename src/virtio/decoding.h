/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the decoders of requests share. They write down what they know as they come to it; the first error that
 * ends the inspection ends the decoding. */
#ifndef VQI_VIRTIO_DECODING_H
#define VQI_VIRTIO_DECODING_H

#include "vqi/requests.h"

#include "guest_int.h"

struct vqi_decoding {
	struct vqi_mem *mem;
	const struct vqi_device *device;
	const struct vqi_queue *queue;
	struct vqi_request *request;
	bool big_endian; /* of fields that are the guest's: legacy devices */
	struct vqi_error *error;
};

/* The name of a number in a protocol. */
struct vqi_code {
	uint32_t code;
	const char *name;
};

#define VQI_CODE_NAME(codes, code) vqi_code_name(codes, sizeof(codes) / sizeof((codes)[0]), code)

/* NULL: it has none. */
const char *vqi_code_name(const struct vqi_code *codes, size_t count, uint32_t code);

/* Reads up to len bytes at offset of what the driver wrote; how many arrived. What did not is 0. */
size_t vqi_decoding_read(struct vqi_decoding *decoding, uint64_t offset, void *ret_buf, size_t len);

/* Bytes that the driver wrote, and that the device is to write. */
uint64_t vqi_decoding_readable(const struct vqi_decoding *decoding);
uint64_t vqi_decoding_writable(const struct vqi_decoding *decoding);

void vqi_decoding_number(struct vqi_decoding *decoding, const char *name, uint64_t number);
void vqi_decoding_text(struct vqi_decoding *decoding, const char *name, const char *text);

/* Of a code that has no name: the number. */
void vqi_decoding_kind(struct vqi_decoding *decoding, const char *kind, const char *name,
		       uint32_t code);

/* Whether the role of the queue is this one. */
bool vqi_decoding_has_role(const struct vqi_decoding *decoding, const char *role);

/* Buffers that wait for what the device has to say. */
void vqi_decoding_receive(struct vqi_decoding *decoding, const char *kind);

/* One for each type of device, or a few. */
void vqi_decode_9p(struct vqi_decoding *decoding);
void vqi_decode_balloon(struct vqi_decoding *decoding);
void vqi_decode_blk(struct vqi_decoding *decoding);
void vqi_decode_crypto(struct vqi_decoding *decoding);
void vqi_decode_fs(struct vqi_decoding *decoding);
void vqi_decode_gpu(struct vqi_decoding *decoding);
void vqi_decode_input(struct vqi_decoding *decoding);
void vqi_decode_iommu(struct vqi_decoding *decoding);
void vqi_decode_mem(struct vqi_decoding *decoding);
void vqi_decode_net(struct vqi_decoding *decoding);
void vqi_decode_pmem(struct vqi_decoding *decoding);
void vqi_decode_rng(struct vqi_decoding *decoding);
void vqi_decode_scsi(struct vqi_decoding *decoding);
void vqi_decode_serial(struct vqi_decoding *decoding);
void vqi_decode_sound(struct vqi_decoding *decoding);
void vqi_decode_vsock(struct vqi_decoding *decoding);

/* What a SCSI command descriptor block asks for. Source: SPC-4, SBC-3. */
#define VQI_CDB_MAX 32

void vqi_decode_cdb(struct vqi_decoding *decoding, const uint8_t *cdb, size_t len);

#endif
