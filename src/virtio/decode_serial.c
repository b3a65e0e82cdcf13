/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Consoles, and small devices whose buffers have little of a header: entropy, the balloon, memory, input.
 * Source: VirtIO 1.2, 5.3.6, 5.4.6, 5.5.6, 5.8.6, 5.15.6. */
#include "decoding.h"

/* struct virtio_console_control: id, event, value. */
static void decode_control(struct vqi_decoding *decoding)
{
	static const struct vqi_code events[] = {
		{0, "device-ready"}, {1, "device-add"}, {2, "device-remove"}, {3, "port-ready"},
		{4, "console-port"}, {5, "resize"},	{6, "port-open"},     {7, "port-name"},
	};
	uint8_t header[8];
	uint16_t event;

	if (vqi_decoding_read(decoding, 0, header, sizeof(header)) < sizeof(header))
		return;
	event = vqi_guest_u16(header + 4, decoding->big_endian);
	vqi_decoding_kind(decoding, VQI_CODE_NAME(events, event), "event", event);
	vqi_decoding_number(decoding, "port", vqi_guest_u32(header, decoding->big_endian));
	vqi_decoding_number(decoding, "value", vqi_guest_u16(header + 6, decoding->big_endian));
}

/* Queues 2 and 3 are of control, all others of ports, in pairs. VirtIO 1.2, 5.3.2. */
void vqi_decode_serial(struct vqi_decoding *decoding)
{
	unsigned int index = decoding->queue->index;
	unsigned int port = index < 2 ? 0 : index / 2 - 1;

	if (vqi_decoding_has_role(decoding, "control-tx")) {
		decode_control(decoding);
		return;
	}
	if (index == 2 || index == 3) {
		vqi_decoding_receive(decoding, "control-receive");
		return;
	}
	if (index % 2) {
		decoding->request->kind = "send";
		vqi_decoding_number(decoding, "len", vqi_decoding_readable(decoding));
	} else {
		vqi_decoding_receive(decoding, "receive");
	}
	vqi_decoding_number(decoding, "port", port);
}

void vqi_decode_rng(struct vqi_decoding *decoding)
{
	decoding->request->kind = "entropy";
	vqi_decoding_number(decoding, "len", vqi_decoding_writable(decoding));
}

#define PFN_SIZE  4  /* bytes of a page number */
#define STAT_SIZE 10 /* of struct virtio_balloon_stat */

static void decode_pages(struct vqi_decoding *decoding, const char *kind)
{
	decoding->request->kind = kind;
	vqi_decoding_number(decoding, "pages", vqi_decoding_readable(decoding) / PFN_SIZE);
}

/* What the driver writes to the queue of free pages is a command; pages are for the device to write. */
static void decode_free_page(struct vqi_decoding *decoding)
{
	uint8_t command[4];

	decoding->request->kind = "free-page-hint";
	if (vqi_decoding_read(decoding, 0, command, sizeof(command)) == sizeof(command))
		vqi_decoding_number(decoding, "command",
				    vqi_guest_u32(command, decoding->big_endian));
	else
		vqi_decoding_number(decoding, "len", vqi_decoding_writable(decoding));
}

void vqi_decode_balloon(struct vqi_decoding *decoding)
{
	if (vqi_decoding_has_role(decoding, "inflate")) {
		decode_pages(decoding, "inflate");
	} else if (vqi_decoding_has_role(decoding, "deflate")) {
		decode_pages(decoding, "deflate");
	} else if (vqi_decoding_has_role(decoding, "stats")) {
		decoding->request->kind = "stats";
		vqi_decoding_number(decoding, "count", vqi_decoding_readable(decoding) / STAT_SIZE);
	} else if (vqi_decoding_has_role(decoding, "free-page")) {
		decode_free_page(decoding);
	} else if (vqi_decoding_has_role(decoding, "reporting")) {
		decoding->request->kind = "reporting";
		vqi_decoding_number(decoding, "len", vqi_decoding_writable(decoding));
	}
}

/* struct virtio_mem_req: type, padding[3], then addr and nb_blocks but for unplug-all. */
void vqi_decode_mem(struct vqi_decoding *decoding)
{
	static const struct vqi_code types[] = {
		{0, "plug"}, {1, "unplug"}, {2, "unplug-all"}, {3, "state"}};
	uint8_t header[18];
	size_t have = vqi_decoding_read(decoding, 0, header, sizeof(header));
	uint16_t type = vqi_guest_u16(header, decoding->big_endian);

	if (have < 2)
		return;
	vqi_decoding_kind(decoding, VQI_CODE_NAME(types, type), "type", type);
	if (have < sizeof(header) || type == 2 || type > 3)
		return;
	vqi_decoding_number(decoding, "addr", vqi_guest_u64(header + 8, decoding->big_endian));
	vqi_decoding_number(decoding, "blocks", vqi_guest_u16(header + 16, decoding->big_endian));
}

/* An event is what somebody typed: only that there is room for one. */
void vqi_decode_input(struct vqi_decoding *decoding)
{
	if (vqi_decoding_has_role(decoding, "event"))
		vqi_decoding_receive(decoding, "event");
	else if (vqi_decoding_has_role(decoding, "status"))
		decoding->request->kind = "status";
}
