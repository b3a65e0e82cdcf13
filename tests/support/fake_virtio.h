/* SPDX-License-Identifier: GPL-2.0-or-later */
/* VirtIO devices and their queues in a fake QEMU. */
#ifndef VQI_TESTS_FAKE_VIRTIO_H
#define VQI_TESTS_FAKE_VIRTIO_H

#include "fake_qemu.h"
#include "ring_builder.h"

struct fake_device {
	uint64_t vdev, vq;   /* VirtIODevice, VirtQueue[1024] */
	uint64_t bus, proxy; /* the virtio bus, and whose it is */
	uint64_t proxy_bus;  /* what the proxy is plugged into */
	unsigned int queue_count;
	uint16_t num;
};

struct fake_device_options {
	const char *id;		/* NULL: none given */
	const char *proxy;	/* type of the proxy; NULL: "virtio-pci" */
	const char *type;	/* NULL: "virtio-blk-device" */
	unsigned int device_id; /* 0: 2 */
	unsigned int queues;	/* 0: 1 */
	uint16_t num;		/* 0: 8 */
	uint32_t devfn;
};

#define FAKE_FEATURES (UINT64_C(1) << 32 | UINT64_C(1) << 29) /* VERSION_1, EVENT_IDX */
#define FAKE_PACKED   (UINT64_C(1) << 34)

/* A realized device whose driver is ready, with no ring set up yet. */
struct fake_device fake_device(struct fake_qemu *qemu, const struct fake_device_options *options);

uint64_t fake_queue(const struct fake_qemu *qemu, const struct fake_device *device,
		    unsigned int index);

/* Sets a queue up: the ring lies in memory of its own, the caches lead to it. */
void fake_ring(struct fake_qemu *qemu, const struct fake_device *device, unsigned int index,
	       const struct ring_options *options, struct ring_builder *ret_ring);

/* Writes what QEMU's VirtQueue knows of a ring. */
void fake_store(struct fake_qemu *qemu, const struct fake_device *device, unsigned int index,
		const struct ring_builder *ring);

/* Sets a field of the VRing of a queue. */
void fake_set_vring(struct fake_qemu *qemu, const struct fake_device *device, unsigned int index,
		    enum vqi_field_id field, uint64_t value);

/* Sets ptr and len of one cache of a queue. */
void fake_set_cache(struct fake_qemu *qemu, const struct fake_device *device, unsigned int index,
		    enum vqi_field_id cache, uint64_t ptr, uint64_t len);

/* The VRingMemoryRegionCaches of a queue. */
uint64_t fake_caches(struct fake_qemu *qemu, const struct fake_device *device, unsigned int index);

/* Sets the descriptor of an EventNotifier of a queue. */
void fake_set_notifier(struct fake_qemu *qemu, const struct fake_device *device, unsigned int index,
		       enum vqi_field_id notifier, int fd);

/* Puts a vhost_dev at the head of the list of them, which it points back to. */
void fake_push_vhost(struct fake_qemu *qemu, uint64_t dev);

/* Makes RunState_lookup, and current_run_state say this state: 0 is "debug", 1 "running", 2
 * "paused", 3 "io-error", 4 "inmigrate". */
void fake_run_state(struct fake_qemu *qemu, unsigned int state);

#endif
