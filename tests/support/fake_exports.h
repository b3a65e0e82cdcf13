/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a storage daemon exports by vhost-user, in fake memory. */
#ifndef VQI_TESTS_FAKE_EXPORTS_H
#define VQI_TESTS_FAKE_EXPORTS_H

#include "fake_qemu.h"

#define FAKE_REGION_LEN 0x10000
#define FAKE_REGION_GPA 0x40000000
#define FAKE_REGION_QVA UINT64_C(0x7f5500000000)

struct fake_export {
	uint64_t address;	  /* VuBlkExport, which begins with the BlockExport */
	uint64_t server, vu_dev;  /* in it */
	uint64_t vq;		  /* VuVirtqs */
	uint64_t ctx;		  /* AioContext, with one handler: its own notifier's */
	uint64_t region, regions; /* the guest's memory here, and what says so */
};

/* Makes of it a storage daemon that exports nothing. */
void fake_daemon(struct fake_qemu *qemu);

/* An export, at the head of the list; with a client and so many queues, none of which is started, and one region of
 * memory. queues 0: without a client. */
struct fake_export fake_export(struct fake_qemu *qemu, const char *id, unsigned int queues);

/* Starts a queue with a ring of num entries at an offset in the region: descriptors, then the avail ring, then, 4096
 * bytes later, the used ring. Kick and call descriptor are 30 and 40 more than its number. */
void fake_export_start(struct fake_qemu *qemu, const struct fake_export *export, unsigned int queue,
		       uint64_t offset, unsigned int num);

/* Where the structure of a queue, and its ring, lies. */
uint64_t fake_export_queue(const struct fake_qemu *qemu, const struct fake_export *export,
			   unsigned int queue);
uint64_t fake_export_ring(const struct fake_qemu *qemu, const struct fake_export *export,
			  unsigned int queue);

#endif
