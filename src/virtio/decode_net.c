/* SPDX-License-Identifier: GPL-2.0-or-later */
/* virtio-net and vsock. Source: VirtIO 1.3, 5.1.6 and 5.10.6. */
#include <stdio.h>

#include "vqi/virtio.h"

#include "decoding.h"

#define F_MRG_RXBUF   15
#define F_HASH_REPORT 57
#define VSOCK_HEADER  44 /* struct virtio_vsock_hdr */

/* struct virtio_net_hdr grows with what is negotiated. */
static size_t header_size(uint64_t features)
{
	if (features >> F_HASH_REPORT & 1)
		return 20;
	return features >> F_MRG_RXBUF & 1 || features >> VQI_FEATURE_VERSION_1 & 1 ? 12 : 10;
}

static const char *segmentation_name(uint8_t type)
{
	static const struct vqi_code types[] = {
		{0, "none"},   {1, "tcpv4"},	    {3, "udp"},		 {4, "tcpv6"},
		{5, "udp-l4"}, {0x81, "tcpv4-ecn"}, {0x84, "tcpv6-ecn"},
	};

	return VQI_CODE_NAME(types, type);
}

static void decode_packet(struct vqi_decoding *decoding)
{
	uint64_t total = vqi_decoding_readable(decoding);
	size_t size = header_size(decoding->device->guest_features);
	const char *segmentation;
	uint8_t header[10]; /* struct virtio_net_hdr */

	decoding->request->kind = "send";
	if (total >= size)
		vqi_decoding_number(decoding, "len", total - size);
	if (vqi_decoding_read(decoding, 0, header, sizeof(header)) < sizeof(header))
		return;
	vqi_decoding_number(decoding, "flags", header[0]);
	segmentation = segmentation_name(header[1]);
	if (segmentation)
		vqi_decoding_text(decoding, "gso_type", segmentation);
	else
		vqi_decoding_number(decoding, "gso_type", header[1]);
	vqi_decoding_number(decoding, "header_len",
			    vqi_guest_u16(header + 2, decoding->big_endian));
	vqi_decoding_number(decoding, "gso_size", vqi_guest_u16(header + 4, decoding->big_endian));
}

/* struct virtio_net_ctrl: the class, then the command. */
static void decode_control(struct vqi_decoding *decoding)
{
	static const struct vqi_code classes[] = {
		{0, "rx"},	  {1, "mac"},	{2, "vlan"},
		{3, "announce"},  {4, "mq"},	{5, "guest-offloads"},
		{6, "notf-coal"}, {7, "stats"},
	};
	static const struct vqi_code commands[] = {
		{0x0000, "promisc"},	   {0x0001, "allmulti"},     {0x0002, "alluni"},
		{0x0003, "nomulti"},	   {0x0004, "nouni"},	     {0x0005, "nobcast"},
		{0x0100, "mac-table-set"}, {0x0101, "mac-addr-set"}, {0x0200, "vlan-add"},
		{0x0201, "vlan-del"},	   {0x0300, "announce-ack"}, {0x0400, "vq-pairs-set"},
		{0x0401, "rss-config"},	   {0x0402, "hash-config"},  {0x0500, "guest-offloads-set"},
		{0x0600, "tx-coal-set"},   {0x0601, "rx-coal-set"},  {0x0602, "vq-coal-set"},
		{0x0603, "vq-coal-get"},   {0x0700, "stats-query"},  {0x0701, "stats-get"},
	};
	uint8_t header[2];
	const char *name;

	if (vqi_decoding_read(decoding, 0, header, sizeof(header)) < sizeof(header))
		return;
	vqi_decoding_kind(decoding, VQI_CODE_NAME(commands, (uint32_t)header[0] << 8 | header[1]),
			  "command", header[1]);
	name = VQI_CODE_NAME(classes, header[0]);
	if (name)
		vqi_decoding_text(decoding, "class", name);
	else
		vqi_decoding_number(decoding, "class", header[0]);
}

void vqi_decode_net(struct vqi_decoding *decoding)
{
	if (vqi_decoding_has_role(decoding, "control"))
		decode_control(decoding);
	else if (vqi_decoding_has_role(decoding, "rx"))
		vqi_decoding_receive(decoding, "receive");
	else if (vqi_decoding_has_role(decoding, "tx"))
		decode_packet(decoding);
}

static void add_address(struct vqi_decoding *decoding, const char *name, const uint8_t *cid,
			const uint8_t *port)
{
	char text[20 + 1 + 10 + 1];

	snprintf(text, sizeof(text), "%llu:%u", (unsigned long long)vqi_guest_u64(cid, false),
		 (unsigned int)vqi_guest_u32(port, false));
	vqi_decoding_text(decoding, name, text);
}

static void decode_vsock_packet(struct vqi_decoding *decoding)
{
	static const struct vqi_code operations[] = {
		{1, "request"}, {2, "response"},      {3, "reset"},	     {4, "shutdown"},
		{5, "rw"},	{6, "credit-update"}, {7, "credit-request"},
	};
	uint8_t header[VSOCK_HEADER];
	uint16_t operation;

	if (vqi_decoding_read(decoding, 0, header, sizeof(header)) < sizeof(header))
		return;
	operation = vqi_guest_u16(header + 30, false);
	vqi_decoding_kind(decoding, VQI_CODE_NAME(operations, operation), "op", operation);
	add_address(decoding, "src", header, header + 16);
	add_address(decoding, "dst", header + 8, header + 20);
	vqi_decoding_number(decoding, "len", vqi_guest_u32(header + 24, false));
	vqi_decoding_number(decoding, "socket_type", vqi_guest_u16(header + 28, false));
}

void vqi_decode_vsock(struct vqi_decoding *decoding)
{
	if (vqi_decoding_has_role(decoding, "tx"))
		decode_vsock_packet(decoding);
	else if (vqi_decoding_has_role(decoding, "rx"))
		vqi_decoding_receive(decoding, "receive");
	else if (vqi_decoding_has_role(decoding, "event"))
		vqi_decoding_receive(decoding, "event");
}
