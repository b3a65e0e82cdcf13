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
	struct vqi_block_node nodes[2], other_node;
	struct vqi_loop loops[2];
	struct vqi_thread threads[5];
	struct vqi_vcpu vcpus[2];
	struct vqi_finding findings[4];
	struct vqi_gap gaps[16];
	struct vqi_request requests[3];
	struct vqi_buffer buffers[2];
	struct vqi_detail details[3];
	struct vqi_frame frames[1];
	char *hostile, *unplugged[2];
};

/* Indices into loops[] and threads[]; the worker and the vCPUs are in the stuck sample only. */
enum { VQI_SAMPLE_MAIN_LOOP, VQI_SAMPLE_IOTHREAD };
enum { VQI_SAMPLE_WORKER = 2, VQI_SAMPLE_VCPU_0, VQI_SAMPLE_VCPU_1 };

/* A QEMU without VirtIO devices. */
void vqi_sample_empty(struct vqi_sample *sample);

/* A healthy VM: blk0 and net0 with work and without, scsi0 idle, serial0 with nine ports, and a
 * device without id and driver. An iothread serves blk0, the main loop the others. */
void vqi_sample_healthy(struct vqi_sample *sample);

/* The same with blk0 queue 0 stuck, its finding with two known fixes, and a warning. All threads are
 * there: a worker writes to a file, vCPU 0 waits for the mutex of the main loop, vCPU 1 runs. */
void vqi_sample_stuck(struct vqi_sample *sample);

/* The same after a closer look: three requests in flight, with back traces, and one of the main loop. */
void vqi_sample_requests(struct vqi_sample *sample);

/* Of a core. One device with a packed ring, the avail side known, the other not, and faults in it. */
void vqi_sample_packed(struct vqi_sample *sample);

/* One device that the kernel's vhost runs. */
void vqi_sample_vhost(struct vqi_sample *sample);

/* Of a storage daemon: one export with a client, one without. */
void vqi_sample_exports(struct vqi_sample *sample);

/* As little as can be known: all that may be NULL or unknown is, and one gap of each kind. */
void vqi_sample_unknown(struct vqi_sample *sample);

/* Escape sequences, line ends and bytes that are not UTF-8 wherever a string is; and any other text there. */
void vqi_sample_hostile(struct vqi_sample *sample);
void vqi_sample_hostile_text(struct vqi_sample *sample, const char *hostile);

/* Parts of the samples. */

/* The two loops, their threads and two vCPUs; each queue that is set up gets the loop that serves it. */
void vqi_sample_add_host(struct vqi_sample *sample);

/* The threads that belong to no loop. */
void vqi_sample_add_threads(struct vqi_sample *sample);

/* What the requests of a back end wait for: of its two nodes, the upper one throttles, the lower one
 * is a file. */
void vqi_sample_add_block(struct vqi_sample *sample, struct vqi_backend *backend);

/* A loop, a thread, a vCPU and a block device of which nothing is known but that they are there. */
void vqi_sample_add_unknown_host(struct vqi_sample *sample);

/* A loop that serves all queues, its thread, and a back end, with this text for every string. */
void vqi_sample_add_hostile_host(struct vqi_sample *sample, const char *text);

/* A request whose words are all this text, and its back trace, which is thread 1's, too. */
void vqi_sample_add_hostile_requests(struct vqi_sample *sample, const char *text);

extern void (*const vqi_samples[])(struct vqi_sample *sample);
extern const size_t vqi_sample_count;

#endif
