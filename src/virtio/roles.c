/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What each queue of a device is for. VirtIO 1.2, 5, "Virtqueues" of each device type; where QEMU
 * numbers them in its own way, QEMU counts: its handler decides what happens to a buffer. */
#include "vqi/names.h"

#include <stdbool.h>

#include "vqi/virtio.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define REQUEST	     VQI_KIND_REQUEST
#define SEND	     VQI_KIND_SEND
#define RECEIVE	     VQI_KIND_RECEIVE

/* Linux has no callback on these: it spins until the answer is there, and used_event stays at 0. */
#define POLLED VQI_KIND_SEND

static const struct vqi_queue_role unknown_role = {NULL, VQI_KIND_UNKNOWN};

/* Devices whose queues stand where they stand whatever is negotiated. */
static const struct {
	unsigned int device_id;
	bool repeat; /* all further queues are as the last one listed */
	struct vqi_queue_role roles[4];
} fixed[] = {
	{2, true, {{"request", REQUEST}}},
	/* Waits for entropy, for as long as that takes. */
	{4, false, {{"request", RECEIVE}}},
	{7, false, {{"rx", RECEIVE}, {"tx", SEND}}},
	{8, true, {{"control", REQUEST}, {"event", RECEIVE}, {"request", REQUEST}}},
	{9, false, {{"request", REQUEST}}},
	{11, false, {{"rx", RECEIVE}, {"tx", SEND}}},
	{16, false, {{"control", REQUEST}, {"cursor", REQUEST}}},
	{17, false, {{"request", REQUEST}, {"alarm", RECEIVE}}},
	{18, false, {{"event", RECEIVE}, {"status", SEND}}},
	{19, false, {{"rx", RECEIVE}, {"tx", SEND}, {"event", RECEIVE}}},
	{23, false, {{"request", POLLED}, {"event", RECEIVE}}},
	{24, false, {{"guest-request", REQUEST}}},
	/* tx too: a stream that is prepared or stopped keeps the buffers posted for it (5.14). */
	{25, false, {{"control", REQUEST}, {"event", RECEIVE}, {"tx", RECEIVE}, {"rx", RECEIVE}}},
	{27, false, {{"request", REQUEST}}},
	{28, false, {{"request", REQUEST}}},
	{29, false, {{"tx", SEND}, {"rx", RECEIVE}}},
	{30, false, {{"command", REQUEST}, {"event", RECEIVE}}},
	{31, false, {{"command", REQUEST}, {"event", RECEIVE}}},
	{32, false, {{"command", REQUEST}, {"event", RECEIVE}}},
	{33, false, {{"request", REQUEST}}},
	{34, false, {{"request", REQUEST}}},
	{36, false, {{"tx", SEND}, {"rx", RECEIVE}, {"control", REQUEST}}},
	{40, false, {{"tx", SEND}, {"rx", RECEIVE}}},
	{41, false, {{"request", REQUEST}, {"event", RECEIVE}}},
	{45, false, {{"request", REQUEST}}},
};

static struct vqi_queue_role fixed_role(unsigned int device_id, unsigned int index)
{
	const struct vqi_queue_role *roles = NULL;
	unsigned int count = 0;
	bool repeat = false;

	for (size_t i = 0; i < COUNT(fixed); i++) {
		if (fixed[i].device_id == device_id) {
			roles = fixed[i].roles;
			repeat = fixed[i].repeat;
		}
	}
	while (roles && count < COUNT(fixed[0].roles) && roles[count].role)
		count++;
	if (index < count)
		return roles[index];
	return count && repeat ? roles[count - 1] : unknown_role;
}

/* Pairs of rx and tx, then control. QEMU makes 2 * n + 1 queues, whether or not the driver takes
 * VIRTIO_NET_F_CTRL_VQ, with n = 1 unless it takes VIRTIO_NET_F_MQ or _RSS: hw/net/virtio-net.c,
 * virtio_net_set_multiqueue(). Releases that make all pairs at start still have control last. */
static struct vqi_queue_role net_role(unsigned int queue_count, unsigned int index)
{
	if (queue_count % 2 == 1 && index == queue_count - 1)
		return (struct vqi_queue_role){"control", POLLED};
	if (index % 2 == 0)
		return (struct vqi_queue_role){"rx", RECEIVE};
	return (struct vqi_queue_role){"tx", SEND};
}

/* The names of a port's two queues. */
#define PORT(number) "port" #number "-rx", "port" #number "-tx"

/* As many ports as QEMU makes unless told otherwise (max_ports). */
static const char *const port_names[] = {
	PORT(0),  PORT(1),  PORT(2),  PORT(3),	PORT(4),  PORT(5),  PORT(6),  PORT(7),
	PORT(8),  PORT(9),  PORT(10), PORT(11), PORT(12), PORT(13), PORT(14), PORT(15),
	PORT(16), PORT(17), PORT(18), PORT(19), PORT(20), PORT(21), PORT(22), PORT(23),
	PORT(24), PORT(25), PORT(26), PORT(27), PORT(28), PORT(29), PORT(30),
};

/* Port 0, control, then the other ports: hw/char/virtio-serial-bus.c makes the control queues even
 * when VIRTIO_CONSOLE_F_MULTIPORT is not negotiated. */
static struct vqi_queue_role serial_role(unsigned int index)
{
	unsigned int name = index < 2 ? index : index - 2; /* control is not a port */
	bool rx = index % 2 == 0;

	if (index == 2)
		return (struct vqi_queue_role){"control-rx", RECEIVE};
	if (index == 3)
		return (struct vqi_queue_role){"control-tx", POLLED};
	if (name < COUNT(port_names))
		return (struct vqi_queue_role){port_names[name], rx ? RECEIVE : SEND};
	return (struct vqi_queue_role){rx ? "port-rx" : "port-tx", rx ? RECEIVE : SEND};
}

#define BALLOON_F_FREE_PAGE_HINT (UINT64_C(1) << 3)
#define BALLOON_F_REPORTING	 (UINT64_C(1) << 5)

/* QEMU always makes the first three, then one for each of free page hints and reporting that it
 * offers: hw/virtio/virtio-balloon.c, virtio_balloon_device_realize(). With one of the two, what
 * the driver has taken tells which; when it took neither, it does not use the queue. */
static struct vqi_queue_role balloon_role(uint64_t features, unsigned int queue_count,
					  unsigned int index)
{
	static const struct vqi_queue_role roles[] = {
		{"inflate", REQUEST},	{"deflate", REQUEST},	{"stats", RECEIVE},
		{"free-page", RECEIVE}, {"reporting", REQUEST},
	};

	if (index == 3 && queue_count == 4) {
		bool hint = features & BALLOON_F_FREE_PAGE_HINT;
		bool reporting = features & BALLOON_F_REPORTING;

		return hint == reporting ? unknown_role : roles[hint ? 3 : 4];
	}
	return index < COUNT(roles) ? roles[index] : unknown_role;
}

#define FS_F_NOTIFICATION UINT64_C(1)

static struct vqi_queue_role fs_role(uint64_t features, unsigned int index)
{
	if (index == 0)
		return (struct vqi_queue_role){"hiprio", REQUEST};
	if (index == 1 && (features & FS_F_NOTIFICATION))
		return (struct vqi_queue_role){"notification", RECEIVE};
	return (struct vqi_queue_role){"request", REQUEST};
}

struct vqi_queue_role vqi_queue_role(unsigned int device_id, uint64_t guest_features,
				     unsigned int queue_count, unsigned int index)
{
	if (index >= queue_count)
		return unknown_role;
	switch (device_id) {
	case VQI_DEVICE_NET:
		return net_role(queue_count, index);
	case VQI_DEVICE_CONSOLE:
		return serial_role(index);
	case 5:
		return balloon_role(guest_features, queue_count, index);
	case 20: /* 5.9.2: control comes after the data queues */
		if (index == queue_count - 1)
			return (struct vqi_queue_role){"control", POLLED};
		return (struct vqi_queue_role){"data", REQUEST};
	case 26:
		return fs_role(guest_features, index);
	default:
		return fixed_role(device_id, index);
	}
}
