/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Graphics, sound, and the IOMMU, by the headers of their commands.
 * Source: VirtIO 1.3, 5.7.6, 5.13.6, 5.14.6. */
#include "decoding.h"

#define FLAG_FENCE 1 /* VIRTIO_GPU_FLAG_FENCE */

static const struct vqi_code gpu_commands[] = {
	{0x0100, "get-display-info"},
	{0x0101, "resource-create-2d"},
	{0x0102, "resource-unref"},
	{0x0103, "set-scanout"},
	{0x0104, "resource-flush"},
	{0x0105, "transfer-to-host-2d"},
	{0x0106, "resource-attach-backing"},
	{0x0107, "resource-detach-backing"},
	{0x0108, "get-capset-info"},
	{0x0109, "get-capset"},
	{0x010a, "get-edid"},
	{0x010b, "resource-assign-uuid"},
	{0x010c, "resource-create-blob"},
	{0x010d, "set-scanout-blob"},
	{0x0200, "ctx-create"},
	{0x0201, "ctx-destroy"},
	{0x0202, "ctx-attach-resource"},
	{0x0203, "ctx-detach-resource"},
	{0x0204, "resource-create-3d"},
	{0x0205, "transfer-to-host-3d"},
	{0x0206, "transfer-from-host-3d"},
	{0x0207, "submit-3d"},
	{0x0208, "resource-map-blob"},
	{0x0209, "resource-unmap-blob"},
	{0x0300, "update-cursor"},
	{0x0301, "move-cursor"},
};

/* struct virtio_gpu_ctrl_hdr: type, flags, fence_id, ctx_id. */
void vqi_decode_gpu(struct vqi_decoding *decoding)
{
	uint8_t header[24];
	uint32_t type;

	if (vqi_decoding_read(decoding, 0, header, sizeof(header)) < sizeof(header))
		return;
	type = vqi_guest_u32(header, decoding->big_endian);
	vqi_decoding_kind(decoding, VQI_CODE_NAME(gpu_commands, type), "type", type);
	if (vqi_guest_u32(header + 4, decoding->big_endian) & FLAG_FENCE)
		vqi_decoding_number(decoding, "fence_id",
				    vqi_guest_u64(header + 8, decoding->big_endian));
	vqi_decoding_number(decoding, "ctx_id", vqi_guest_u32(header + 16, decoding->big_endian));
}

/* The code of a command; those of a stream or a jack have its number next. */
static void decode_sound_control(struct vqi_decoding *decoding)
{
	static const struct vqi_code codes[] = {
		{0x0001, "jack-info"},	    {0x0002, "jack-remap"},  {0x0100, "pcm-info"},
		{0x0101, "pcm-set-params"}, {0x0102, "pcm-prepare"}, {0x0103, "pcm-release"},
		{0x0104, "pcm-start"},	    {0x0105, "pcm-stop"},    {0x0200, "chmap-info"},
	};
	uint8_t header[8];
	size_t have = vqi_decoding_read(decoding, 0, header, sizeof(header));
	uint32_t code = vqi_guest_u32(header, decoding->big_endian);

	if (have < 4)
		return;
	vqi_decoding_kind(decoding, VQI_CODE_NAME(codes, code), "code", code);
	if (have == sizeof(header) && code > 0x0100 && code <= 0x0105)
		vqi_decoding_number(decoding, "stream",
				    vqi_guest_u32(header + 4, decoding->big_endian));
}

/* struct virtio_snd_pcm_xfer: stream_id. */
static void decode_transfer(struct vqi_decoding *decoding, bool is_output)
{
	uint8_t header[4];

	decoding->request->kind = is_output ? "play" : "capture";
	if (vqi_decoding_read(decoding, 0, header, sizeof(header)) < sizeof(header))
		return;
	vqi_decoding_number(decoding, "stream", vqi_guest_u32(header, decoding->big_endian));
	if (is_output)
		vqi_decoding_number(decoding, "len",
				    vqi_decoding_readable(decoding) - sizeof(header));
}

void vqi_decode_sound(struct vqi_decoding *decoding)
{
	if (vqi_decoding_has_role(decoding, "control"))
		decode_sound_control(decoding);
	else if (vqi_decoding_has_role(decoding, "event"))
		vqi_decoding_receive(decoding, "event");
	else if (vqi_decoding_has_role(decoding, "tx"))
		decode_transfer(decoding, true);
	else if (vqi_decoding_has_role(decoding, "rx"))
		decode_transfer(decoding, false);
}

/* struct virtio_iommu_req_head: type, reserved[3]; then domain, or for probe the endpoint. */
void vqi_decode_iommu(struct vqi_decoding *decoding)
{
	static const struct vqi_code types[] = {
		{1, "attach"}, {2, "detach"}, {3, "map"}, {4, "unmap"}, {5, "probe"}};
	uint8_t header[24];
	size_t have;

	if (vqi_decoding_has_role(decoding, "event")) {
		vqi_decoding_receive(decoding, "event");
		return;
	}
	have = vqi_decoding_read(decoding, 0, header, sizeof(header));
	if (have < 4)
		return;
	vqi_decoding_kind(decoding, VQI_CODE_NAME(types, header[0]), "type", header[0]);
	if (!decoding->request->kind || have < 8)
		return;
	vqi_decoding_number(decoding, header[0] == 5 ? "endpoint" : "domain",
			    vqi_guest_u32(header + 4, decoding->big_endian));
	if (header[0] <= 2 && have >= 12)
		vqi_decoding_number(decoding, "endpoint",
				    vqi_guest_u32(header + 8, decoding->big_endian));
	if ((header[0] != 3 && header[0] != 4) || have < sizeof(header))
		return;
	vqi_decoding_number(decoding, "virt_start",
			    vqi_guest_u64(header + 8, decoding->big_endian));
	vqi_decoding_number(decoding, "virt_end", vqi_guest_u64(header + 16, decoding->big_endian));
}
