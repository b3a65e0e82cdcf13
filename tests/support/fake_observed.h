/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A fake QEMU under an observer. */
#ifndef VQI_TESTS_FAKE_OBSERVED_H
#define VQI_TESTS_FAKE_OBSERVED_H

#include "fake_virtio.h"
#include "vqi/capture.h"

/* A running VM with a disk, blk0, whose two queues have rings of num entries, and a network card, net0, with
 * none. */
void fake_disk_and_card(struct fake_qemu *qemu, uint16_t num, struct fake_device *ret_blk0,
			struct fake_device *ret_net0, struct ring_builder ret_rings[2]);

/* Looks again and again, each time with a target that ends one read later: no look may return more than
 * that. *observer is made anew. */
void assert_every_end_is_told(struct fake_qemu *qemu, enum vqi_stop_mode mode,
			      struct vqi_observer **observer);

#endif
