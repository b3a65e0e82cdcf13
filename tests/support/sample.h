/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Snapshots and diagnoses made by hand, for tests of what prints them. */
#ifndef VQI_TESTS_SAMPLE_H
#define VQI_TESTS_SAMPLE_H

#include "vqi/diagnose.h"
#include "vqi/snapshot.h"

/* All strings are literals, all lists are in here: nothing to free. */
struct vqi_sample {
	struct vqi_snapshot snapshot;
	struct vqi_diagnosis diagnosis;
	struct vqi_device devices[8];
	struct vqi_queue queues[64];
	size_t queue_count; /* of queues[], all devices */
	struct vqi_backend backends[4];
	struct vqi_finding findings[4];
	struct vqi_gap gaps[16];
};

/* A QEMU without VirtIO devices. */
void vqi_sample_empty(struct vqi_sample *sample);

/* A healthy VM: blk0 and net0 with work and without, scsi0 idle, serial0 with nine ports, and a
 * device without id and driver. */
void vqi_sample_healthy(struct vqi_sample *sample);

/* The same with blk0 queue 0 stuck, its finding, and a warning. */
void vqi_sample_stuck(struct vqi_sample *sample);

/* One device with a packed ring, the avail side known, the other not. */
void vqi_sample_packed(struct vqi_sample *sample);

/* One device that the kernel's vhost runs. */
void vqi_sample_vhost(struct vqi_sample *sample);

/* As little as can be known: all that may be NULL or unknown is, and one gap of each kind. */
void vqi_sample_unknown(struct vqi_sample *sample);

/* Escape sequences, line ends and bytes that are not UTF-8 wherever a string is. */
void vqi_sample_hostile(struct vqi_sample *sample);

extern void (*const vqi_samples[])(struct vqi_sample *sample);
extern const size_t vqi_sample_count;

#endif
